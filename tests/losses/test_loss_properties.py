"""What must hold for every loss: its gradient is the derivative, under every reduction, weight and mask."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers, losses
from nnlite.testing import check_gradients

RNG = np.random.default_rng(0)
PROBABILITIES = RNG.uniform(0.05, 0.95, (6, 4))
LOGITS = RNG.normal(size=(6, 4)) * 3
LABELS = RNG.integers(0, 4, 6)
ONE_HOT = np.eye(4)[LABELS]
BITS = RNG.integers(0, 2, (6, 4)).astype(float)

CASES = {
    "mse": (losses.MeanSquaredError, {}, RNG.normal(size=(6, 4)), LOGITS),
    "mae": (losses.MeanAbsoluteError, {}, RNG.normal(size=(6, 4)), LOGITS),
    "huber": (losses.Huber, {"delta": 0.7}, RNG.normal(size=(6, 4)), LOGITS),
    "bce": (losses.BinaryCrossentropy, {}, BITS, PROBABILITIES),
    "bce_smooth": (losses.BinaryCrossentropy, {"label_smoothing": 0.2}, BITS, PROBABILITIES),
    "bce_logits": (losses.BinaryCrossentropy, {"from_logits": True}, BITS, LOGITS),
    "cce": (losses.CategoricalCrossentropy, {}, ONE_HOT, PROBABILITIES),
    "cce_smooth": (losses.CategoricalCrossentropy, {"label_smoothing": 0.2}, ONE_HOT, PROBABILITIES),
    "cce_logits": (losses.CategoricalCrossentropy, {"from_logits": True}, ONE_HOT, LOGITS),
    "cce_axis": (losses.CategoricalCrossentropy, {"axis": 0}, ONE_HOT, PROBABILITIES),
    "sparse": (losses.SparseCategoricalCrossentropy, {}, LABELS, PROBABILITIES),
    "sparse_logits": (losses.SparseCategoricalCrossentropy, {"from_logits": True}, LABELS, LOGITS),
    "sparse_ignore": (losses.SparseCategoricalCrossentropy, {"ignore_class": 1}, LABELS, PROBABILITIES),
    "sparse_pixels": (
        losses.SparseCategoricalCrossentropy,
        {"from_logits": True},
        RNG.integers(0, 4, (3, 2)),
        RNG.normal(size=(3, 2, 4)),
    ),
}
every = pytest.mark.parametrize("name", CASES)


@every
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_the_derivatives(name, reduction, weighted):
    make, options, y, p = CASES[name]
    loss = make(reduction=reduction, **options)
    rows = p.shape[1] if options.get("axis") == 0 else len(p)
    w = np.linspace(0, 2, rows) if weighted else None
    if weighted and name == "sparse_pixels":
        w = w[:, None]
    _, cache = loss.forward(y, p, w)
    check_gradients(lambda values: float(loss.forward(y, values, w)[0]), p, loss.backward(cache))


@every
def test_gradient_is_that_of_the_sum_of_the_values(name):
    make, options, y, p = CASES[name]
    loss = make(**options)
    check_gradients(lambda values: float(np.sum(loss.call(y, values))), p, loss.gradient(y, p))


@every
def test_masks_leave_samples_out(name):
    make, options, y, p = CASES[name]
    if "axis" in options or "ignore_class" in options or name == "sparse_pixels":
        return
    loss = make(**options)
    mask = np.array([1, 0, 1, 1, 0, 1], bool)
    value, cache = loss.forward(y, p, mask=mask)
    assert float(value) == pytest.approx(float(loss.forward(y[mask], p[mask])[0]), rel=1e-6)
    assert not loss.backward(cache)[~mask].any()


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtypes_and_empty_batches(name, dtype):
    make, options, y, p = CASES[name]
    loss = make(**options)
    value, cache = loss.forward(y, p.astype(dtype))
    assert loss.backward(cache).dtype == dtype and np.asarray(value).dtype == dtype
    if "axis" not in options:
        value, cache = loss.forward(y[:0], p[:0].astype(dtype))
        assert float(value) == 0 and loss.backward(cache).shape == p[:0].shape


@every
def test_inputs_are_left_alone(name):
    make, options, y, p = CASES[name]
    loss, y_before, p_before = make(**options), y.copy(), p.copy()
    _, cache = loss.forward(y, p)
    loss.backward(cache)
    np.testing.assert_array_equal(y, y_before)
    np.testing.assert_array_equal(p, p_before)


@every
def test_config_round_trip(name):
    make, options, y, p = CASES[name]
    loss = make(name="mine", reduction="sum", **options)
    again = losses.deserialize(losses.serialize(loss))
    assert again.get_config() == loss.get_config() and again.name == "mine"
    assert float(again(y, p)) == float(loss(y, p))


def test_rows_beside_columns():
    y, p = np.arange(4.0), np.arange(4.0)[:, None] + 1
    assert float(losses.MeanSquaredError()(y, p)) == 1.0
    labels = np.array([[1], [0]])
    p = np.array([[0.2, 0.8], [0.6, 0.4]])
    assert float(losses.SparseCategoricalCrossentropy()(labels, p)) == pytest.approx(-np.log([0.8, 0.6]).mean())


def test_extreme_logits_stay_finite():
    x = np.array([[1e4, -1e4]], "float32")
    for loss, y in (
        (losses.BinaryCrossentropy(from_logits=True), np.array([[0.0, 1.0]])),
        (losses.CategoricalCrossentropy(from_logits=True), np.array([[0.0, 1.0]])),
        (losses.SparseCategoricalCrossentropy(from_logits=True), np.array([1])),
    ):
        value, cache = loss.forward(y, x)
        assert np.isfinite(value) and value >= 1e4 and np.isfinite(loss.backward(cache)).all()


def test_sum_over_batch_size_divides_by_the_number_of_values():
    loss = losses.MeanSquaredError()
    y, p, w = np.zeros((2, 1)), np.array([[1.0], [2.0]]), np.array([1.0, 3.0])
    assert float(loss(y, p, w)) == 6.5
    assert float(losses.MeanSquaredError("mean_with_sample_weight")(y, p, w)) == 3.25
    assert losses.MeanSquaredError("none")(y, p, w).tolist() == [1, 12]


@pytest.mark.parametrize(
    ("loss", "y", "shape", "message"),
    [
        ("mse", np.zeros((4, 3)), (4, 2), r"mean_squared_error: targets have shape \(4, 3\)"),
        ("mse", np.array([[np.nan]]), (1, 1), "target.* NaN"),
        ("mse", np.array([["a"]]), (1, 1), "must be numbers"),
        ("categorical_crossentropy", np.zeros(4, int), (4, 10), "sparse_categorical_crossentropy"),
        ("binary_crossentropy", np.array([[2.0]]), (1, 1), "between 0 and 1, got values from 2"),
        ("binary_crossentropy", np.array([[-1]]), (1, 1), "between 0 and 1"),
        ("sparse_categorical_crossentropy", np.array([10]), (1, 10), "0 to 9"),
        ("sparse_categorical_crossentropy", np.array([-1]), (1, 10), "from -1"),
        ("sparse_categorical_crossentropy", np.array([0.5]), (1, 10), "whole numbers"),
        ("sparse_categorical_crossentropy", np.eye(10), (10, 10), "one-hot"),
    ],
)
def test_wrong_targets_are_explained(loss, y, shape, message):
    p = np.full(shape, 0.5, "float32")
    function = losses.get(loss)
    wrapped = losses.LossFunctionWrapper(function)
    with pytest.raises(ValueError, match=message):
        wrapped(y, p)


@pytest.mark.parametrize("loss", ["mse", "sparse_categorical_crossentropy"])
def test_wrong_targets_change_nothing(loss):
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4), layers.BatchNormalization(), layers.Softmax()])
    model.compile("adam", loss)
    good = np.zeros(8, int) if loss != "mse" else np.zeros((8, 4))
    x = np.random.default_rng(0).normal(size=(8, 3))
    model.fit(x, good, verbose=0)
    before, steps = model.get_weights(), int(model.optimizer.iterations)
    bad = np.full(8, 7) if loss != "mse" else np.full((8, 4), np.nan)
    with pytest.raises(ValueError):
        model.fit(x, bad, verbose=0)
    with pytest.raises(ValueError):
        model.train_on_batch(x, bad)
    assert int(model.optimizer.iterations) == steps
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_losses_of_ones_own():
    class Fourth(losses.Loss):
        def call(self, y_true, y_pred):
            return ((y_pred - y_true) ** 4).mean(-1)

        def gradient(self, y_true, y_pred):
            return 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]

    loss, (_, _, y, p) = Fourth(), CASES["mse"]
    w = np.linspace(0, 2, 6)
    _, cache = loss.forward(y, p, w)
    check_gradients(lambda values: float(loss.forward(y, values, w)[0]), p, loss.backward(cache))
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd", Fourth())
    history = model.fit(np.ones((8, 3)), np.ones((8, 2)), epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_a_loss_without_gradient_evaluates_but_does_not_train():
    class Half(losses.Loss):
        def call(self, y_true, y_pred):
            return abs(y_pred - y_true).mean(-1)

    model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd", Half())
    assert np.isfinite(model.evaluate(np.ones((4, 3)), np.ones((4, 2)), verbose=0))
    with pytest.raises(NotImplementedError, match="Half has no gradient.*gradient\\(self, y_true, y_pred\\)"):
        model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)


def test_plain_functions_are_refused_with_the_way_out():
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    with pytest.raises(TypeError, match="(?s)'<lambda>' is a plain function.*def gradient"):
        model.compile("sgd", lambda y, p: (y - p) ** 2)


def test_unknown_names_and_reductions():
    with pytest.raises(ValueError, match="Unknown loss 'msee'.*Did you mean"):
        losses.get("msee")
    with pytest.raises(ValueError, match="reduction must be one of.*'avg'"):
        losses.MeanSquaredError(reduction="avg")
