"""What must hold for every loss: its gradient is the derivative, under every reduction, weight and mask."""

import numpy as np
import pytest
from losses.table import CASES, OF_ALL, RNG

import nnlite as keras
from nnlite import layers, losses
from nnlite.testing import check_gradients

every = pytest.mark.parametrize("name", CASES)


@every
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_are_the_derivatives(name, reduction, weighted):
    make, options, y, p = CASES[name]
    loss = make(reduction=reduction, **options)
    rows = p.shape[1] if options.get("axis") == 0 else len(p)
    w = np.linspace(0, 2, rows) if weighted else None
    if weighted and name in ("sparse_pixels", "mape_series"):
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
    if "axis" in options or "ignore_class" in options or len(p) != 6 or name in OF_ALL:
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
    if "axis" not in options and name not in OF_ALL - {"circle"}:
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
        ("mse", np.zeros((4, 1)), (4, 3), r"shape \(4, 1\), but the output has shape \(4, 3\); they must be equal"),
        ("mae", np.zeros((1, 3)), (4, 3), r"shape \(1, 3\), but the output has shape \(4, 3\)"),
        ("huber", np.zeros(4), (4, 3), r"shape \(4,\), but the output has shape \(4, 3\)"),
        ("mse", np.zeros((3, 2)), (4, 2), r"shape \(3, 2\), but the output has shape \(4, 2\)"),
        ("mse", np.array([[None]]), (1, 1), "must be numbers, got dtype object"),
        ("mse", np.array([[1j]]), (1, 1), "must be numbers, got dtype complex128"),
        ("categorical_crossentropy", np.zeros((4, 1), int), (4, 10), "whole-number labels use sparse"),
        ("categorical_crossentropy", np.zeros((4, 5), int), (4, 5, 10), "whole-number labels use sparse"),
        ("binary_crossentropy", np.zeros((4, 1)), (4, 3), "must be equal"),
        ("binary_crossentropy", np.array([[np.nan]]), (1, 1), r"1 target\(s\) are NaN, the first at \[0, 0\]"),
        ("sparse_categorical_crossentropy", np.array([1]), (1, 1), "use binary_crossentropy"),
        ("sparse_categorical_crossentropy", np.array([np.inf]), (1, 10), "from inf"),
        ("sparse_categorical_crossentropy", np.array([np.nan]), (1, 10), "NaN"),
        ("sparse_categorical_crossentropy", np.array([1, 2]), (1, 10), r"got targets of shape \(2,\)"),
        ("sparse_categorical_crossentropy", np.zeros((2, 3), int), (2, 4, 10), "one whole-number label a sample"),
        ("sparse_categorical_crossentropy", np.zeros((2, 4, 10)), (2, 4, 10), "one-hot"),
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


def test_messages_name_the_loss_as_it_is_logged():
    with pytest.raises(ValueError, match="my_loss: labels go from 3 to 3, but the output has 3 classes"):
        losses.SparseCategoricalCrossentropy(name="my_loss")([3], [[0.2, 0.3, 0.5]])


def test_ignored_labels_may_lie_outside():
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    p = np.array([[0.2, 0.8], [0.5, 0.5], [0.6, 0.4]])
    assert float(loss([1, -1, 0], p)) == pytest.approx(-np.log([0.8, 0.6]).mean())
    assert float(losses.SparseCategoricalCrossentropy(ignore_class=255)(np.array([255] * 3, "uint8"), p)) == 0
    with pytest.raises(ValueError, match="from -2 to 1"):
        loss([1, -2, 0], p)


def test_a_single_class_is_warned_about():
    with pytest.warns(SyntaxWarning, match="a single class.*binary_crossentropy"):
        losses.CategoricalCrossentropy()([[1.0]], [[0.5]])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64", "bool", ">i4", "float32", "float64"])
def test_labels_of_every_number_type(dtype):
    y, p = np.array([0, 1, 1, 0]), RNG.dirichlet(np.ones(2), 4).astype("float32")
    for loss, true, pred in (
        (losses.SparseCategoricalCrossentropy(), y, p),
        (losses.SparseCategoricalCrossentropy(), y[:, None], p),
        (losses.SparseCategoricalCrossentropy(from_logits=True), y, p),
        (losses.BinaryCrossentropy(), y, p[:, :1]),
        (losses.BinaryCrossentropy(label_smoothing=0.1), y[:, None], p[:, :1]),
        (losses.MeanSquaredError(), y, p[:, :1]),
        (losses.CategoricalCrossentropy(label_smoothing=0.1), np.eye(2)[y], p),
    ):
        value, cache = loss.forward(true.astype(dtype), pred)
        expected, same = loss.forward(true, pred)
        assert value == expected and value.dtype == np.float32
        np.testing.assert_array_equal(loss.backward(cache), loss.backward(same))
        assert loss(true.astype(dtype), pred) == value


@every
def test_lists_and_functions_give_the_same_values(name):
    make, options, y, p = CASES[name]
    loss = make(reduction="none", **options)
    function = getattr(losses, loss.fn.__name__)
    found = function(y.tolist(), p.tolist(), **options)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, loss(y, p), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(function(y, p, **options), loss(y, p), rtol=1e-12)


def test_integer_predictions_are_computed_in_float32():
    value, cache = losses.MeanSquaredError().forward([[0], [1]], np.array([[2], [4]]))
    assert value == 6.5 and value.dtype == np.float32
    np.testing.assert_array_equal(losses.MeanSquaredError().backward(cache), [[2], [3]])


def test_names_of_losses():
    for name, function in (
        ("mse", losses.mean_squared_error),
        ("MSE", losses.mean_squared_error),
        ("MAE", losses.mean_absolute_error),
        ("bce", losses.binary_crossentropy),
        ("huber", losses.huber),
        ("sparse_categorical_crossentropy", losses.sparse_categorical_crossentropy),
    ):
        assert losses.get(name) is function
    assert type(losses.get("MeanSquaredError")) is losses.MeanSquaredError
    assert losses.get(losses.Huber).delta == 1.0 and losses.get(None) is None
    assert losses.Huber().name == "huber_loss"  # Keras's name for it


def test_configs_with_keras_keys():
    assert losses.MeanSquaredError().get_config() == {"name": "mean_squared_error", "reduction": "sum_over_batch_size"}
    config = losses.serialize(losses.BinaryCrossentropy(from_logits=True))
    assert config["module"] == "keras.losses" and config["class_name"] == "BinaryCrossentropy"
    assert config["config"] == {
        "name": "binary_crossentropy",
        "reduction": "sum_over_batch_size",
        "from_logits": True,
        "label_smoothing": 0.0,
        "axis": -1,
    }
    function = {"module": "builtins", "class_name": "function", "config": "mean_absolute_error"}
    assert losses.deserialize(function) is losses.mean_absolute_error
    wrapper = losses.LossFunctionWrapper(losses.huber, name="mine", reduction="sum", delta=2.0)
    again = losses.LossFunctionWrapper.from_config(wrapper.get_config())
    assert again.get_config() == wrapper.get_config() and float(again([[0.0]], [[3.0]])) == 4.0
    with pytest.raises(TypeError, match=r"huber got unexpected keyword argument\(s\) 'dleta'. Did you mean 'delta'"):
        losses.LossFunctionWrapper(losses.huber, dleta=2.0)


def test_gradients_of_the_wrong_shape_are_explained():
    class Wrong(losses.Loss):
        def call(self, y_true, y_pred):
            return ((y_pred - y_true) ** 2).mean(-1)

        def gradient(self, y_true, y_pred):
            return 2 * (y_pred - y_true).mean(-1)

    loss = Wrong()
    _, cache = loss.forward(np.zeros((3, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"Wrong.gradient returned shape \(3,\) for predictions of shape \(3, 2\)"):
        loss.backward(cache)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_losses_of_ones_own_with_values_of_any_rank(reduction):
    class Elementwise(losses.Loss):
        def call(self, y_true, y_pred):
            return (y_pred - y_true) ** 2

        def gradient(self, y_true, y_pred):
            return 2 * (y_pred - y_true)

    class Whole(Elementwise):
        def call(self, y_true, y_pred):
            return super().call(y_true, y_pred).sum()

    y, p = np.zeros((3, 2)), RNG.normal(size=(3, 2))
    for loss, weight in ((Elementwise(reduction=reduction), np.array([[1.0], [2.0], [0.5]])), (Whole(), None)):
        _, cache = loss.forward(y, p, weight)
        check_gradients(lambda v, f=loss.forward, w=weight: float(f(y, v, w)[0]), p, loss.backward(cache))


def test_losses_of_ones_own_compute_in_the_dtype_of_the_prediction():
    seen = []

    class Mine(losses.Loss):
        def call(self, y_true, y_pred):
            seen.append(y_true.dtype)
            return ((y_pred - y_true) ** 2).mean(-1)

        def gradient(self, y_true, y_pred):
            return 2 * (y_pred - y_true) / y_pred.shape[-1]

    for y in (np.zeros((3, 2)), np.zeros((3, 2), int)):
        value, cache = Mine().forward(y, np.ones((3, 2), "float32"))
        assert value.dtype == np.float32 and Mine().backward(cache).dtype == np.float32
    assert seen == [np.float32, int]  # labels stay whole numbers


def test_weights_and_masks_by_hand():
    y, p = np.zeros((2, 3, 1)), np.array([[[1.0], [2], [3]], [[4], [5], [6]]])
    mask = np.array([[1, 1, 0], [1, 0, 0]], bool)
    loss = losses.MeanSquaredError()
    assert float(loss.forward(y, p, mask=mask)[0]) == pytest.approx((1 + 4 + 16) / 3)
    weight = np.array([[1.0], [2.0]])
    assert float(loss.forward(y, p, weight, mask)[0]) == pytest.approx((1 + 4 + 2 * 16) / 3)
    gradient = loss.backward(loss.forward(y, p, weight, mask)[1])
    np.testing.assert_allclose(gradient[..., 0], [[2 / 3, 4 / 3, 0], [16 / 3, 0, 0]])
    assert float(losses.MeanSquaredError("mean_with_sample_weight").forward(y, p, weight, mask)[0]) == 37 / 4
    nothing = loss.forward(y, p, mask=mask & False)
    assert float(nothing[0]) == 0 and not loss.backward(nothing[1]).any()


@every
def test_a_cache_may_be_opened_twice_and_belongs_to_its_batch(name):
    make, options, y, p = CASES[name]
    loss = make(**options)
    _, first = loss.forward(y, p)
    gradient = loss.backward(first)
    kept = gradient.copy()
    loss.backward(loss.forward(y[::-1], p[::-1])[1])
    np.testing.assert_array_equal(loss.backward(first), kept)
    np.testing.assert_array_equal(gradient, kept)


def test_a_loss_of_ones_own_gets_targets_and_predictions_of_one_rank():
    class Squared(losses.Loss):
        def call(self, y_true, y_pred):
            return ((y_pred - y_true) ** 2).mean(-1)

        def gradient(self, y_true, y_pred):
            return 2 * (y_pred - y_true) / y_pred.shape[-1]

    y, p = np.array([1.0, 2.0, 4.0]), np.array([[0.5], [2.0], [3.0]])
    value, cache = Squared().forward(y, p)
    same, same_cache = losses.MeanSquaredError().forward(y, p)
    np.testing.assert_allclose(value, same)
    np.testing.assert_allclose(Squared().backward(cache), losses.MeanSquaredError().backward(same_cache))
