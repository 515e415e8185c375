"""The steps: what one batch does to a model."""

from __future__ import annotations

import copy
import pickle
import signal

import numpy as np
import pytest
from fake_models import Linear, TwoHeads, line

import nnlite
from nnlite import losses, metrics, optimizers, regularizers


def compiled(model=None, loss="mse", rate=0.1, **options):
    model = Linear() if model is None else model
    model.compile(optimizers.SGD(rate), loss, **options)
    return model


def test_a_train_step_is_its_formula():
    x, y = line()
    model = compiled()
    loss = model.train_on_batch(x, y)
    np.testing.assert_allclose(loss, np.mean(y**2), rtol=1e-6)
    gradient = 2 * x.T @ (0 - y) / len(x)
    np.testing.assert_allclose(model.w.grad, gradient, rtol=1e-5)  # readable until the next step
    np.testing.assert_allclose(model.w.value, -0.1 * gradient, rtol=1e-5)
    assert model.input_grads == [False]  # nobody asked for the gradient of the data


def test_gradients_of_steps_do_not_add_up():
    x, y = line()
    model = compiled(rate=0.0)
    model.train_on_batch(x, y)
    once = model.w.grad.copy()
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(model.w.grad, once)


@pytest.mark.parametrize("options", [{"regularizer": regularizers.L2(0.3)}, {"activity_regularizer": "l2"}])
def test_penalties_are_in_the_loss_and_in_the_gradient(options):
    x, y = line()
    model = compiled(Linear(dtype="float64", **options), rate=0.0)
    model.build((None, 2))
    model.w.assign([[0.5], [0.25]])
    loss = model.train_on_batch(x, y)
    assert loss > losses.MeanSquaredError()(y.astype("float64"), model.infer(x.astype("float64"))) + 1e-4
    np.testing.assert_allclose(model.test_on_batch(x, y), loss, rtol=1e-12)
    gradient = model.w.grad.copy()
    for index in np.ndindex(2, 1):
        sides = []
        for sign in (1, -1):
            model.w.value[index] += sign * 1e-5
            sides.append(model.test_on_batch(x, y))
            model.w.value[index] -= sign * 1e-5
        np.testing.assert_allclose(gradient[index], (sides[0] - sides[1]) / 2e-5, rtol=1e-6)


def test_loss_weights_and_outputs_without_a_loss_reach_the_gradients():
    x, _ = line()
    ya, yb = x[:, :1], np.tile(x[:, 1:], 3)
    model = compiled(TwoHeads(), loss=["mse", "mse"], loss_weights=[1.0, 0.5], rate=0.0)
    model.train_on_batch(x, [ya, yb])
    np.testing.assert_allclose(model.wa.grad, -2 * x.T @ ya / len(x), rtol=1e-5)
    np.testing.assert_allclose(model.wb.grad, 0.5 * -2 * x.T @ yb / (3 * len(x)), rtol=1e-5)
    model.compile(optimizers.SGD(0.0), loss=[None, "mse"])
    model.train_on_batch(x, [yb])
    assert not model.wa.grad.any() and model.wb.grad.any()


def test_metrics_are_of_the_forward_before_the_update():
    x, y = line()
    model = compiled(metrics=["mse"])
    loss, mse = model.train_on_batch(x, y)
    assert loss == pytest.approx(mse, rel=1e-6) == pytest.approx(np.mean(y**2), rel=1e-6)
    assert model.test_on_batch(x, y)[0] < loss


def test_single_batches_reset_the_metrics_and_return_in_three_forms():
    x, y = line()
    model = compiled(rate=0.0)
    first = model.train_on_batch(x, y)
    assert isinstance(first, float) and first == model.train_on_batch(x, y) == model.test_on_batch(x, y)
    assert model.train_on_batch(x[:3], y[:3]) == pytest.approx(np.mean(y[:3] ** 2), rel=1e-6)
    assert model.train_on_batch(x, y, return_dict=True) == {"loss": first}
    model.compile(optimizers.SGD(0.0), "mse", metrics=["mae"])
    assert model.test_on_batch(x, y) == pytest.approx([first, np.mean(abs(y))], rel=1e-6)


def test_class_weight_on_a_batch_is_a_weight_for_each_row():
    x, _ = line(4)
    y = np.array([0, 1, 1, 0])
    model = compiled(rate=0.0)
    weighted = model.train_on_batch(x, y, class_weight={0: 1.0, 1: 3.0})
    assert weighted == pytest.approx(model.train_on_batch(x, y, sample_weight=np.array([1.0, 3.0, 3.0, 1.0])))
    assert weighted == pytest.approx(6 / 4)


@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        ("mse", np.full((20, 1), np.nan), "nan"),
        ("mse", np.zeros((20, 7)), "shape"),
        ("sparse_categorical_crossentropy", np.full(20, 5), "5"),
        ("mse", None, "target"),
    ],
)
def test_a_batch_that_is_refused_changes_nothing(loss, y, words):
    x, _ = line()
    model = compiled(Linear(units=3 if loss.startswith("sparse") else 1), loss=loss)
    model.build((None, 2))
    before = model.get_weights()
    with pytest.raises(ValueError, match=f"(?i){words}"):
        model.train_on_batch(x, y)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)  # the counter of forwards too
    assert int(model.optimizer.iterations) == 0


def test_statistics_of_a_refused_batch_are_not_kept():
    x, y = line()
    model = nnlite.Sequential([nnlite.Input((2,)), nnlite.layers.BatchNormalization(), nnlite.layers.Dense(1)])
    compiled(model)
    before = model.get_weights()
    for bad in (np.full((20, 1), np.nan), np.zeros((20, 4))):
        with pytest.raises(ValueError):
            model.train_on_batch(x, bad)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.train_on_batch(x, y)
    assert not np.array_equal(before[2], model.get_weights()[2])


class SkipZeros(nnlite.Layer):
    """Masks the steps that are zero."""

    makes_mask = True

    def forward(self, x, training=False):
        return x * 2, None

    def backward(self, dy, cache):
        return dy * 2

    def compute_mask(self, x, mask=None):
        return x[..., 0] != 0


def test_masked_steps_count_neither_in_loss_nor_gradient_nor_metrics():
    x = np.array([[[1.0], [0.0], [2.0]], [[0.0], [0.0], [3.0]]], "float32")
    y = np.ones_like(x)
    model = nnlite.Sequential([nnlite.Input((3, 1)), SkipZeros(), nnlite.layers.Dense(1, kernel_initializer="ones")])
    compiled(model, metrics=["mae"], rate=0.0)
    valid = np.array([2.0, 4.0, 6.0]) - 1
    expected = [np.mean(valid**2), np.mean(valid)]
    assert model.train_on_batch(x, y) == pytest.approx(expected, rel=1e-6)
    assert model.weights[1].grad == pytest.approx(2 * valid.sum() / 3, rel=1e-6)
    assert model.test_on_batch(x, y) == pytest.approx(expected, rel=1e-6)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-6)


def test_a_metric_that_fails_leaves_the_weights_alone():
    def broken(y_true, y_pred):
        raise RuntimeError("no")

    x, y = line()
    model = compiled(metrics=[broken])
    with pytest.raises(RuntimeError, match="no"):
        model.train_on_batch(x, y)
    assert not model.w.value.any() and model.seen.value == 0  # the statistics of layers too


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_batch_that_is_refused_builds_nothing(method):
    x, y = line()
    parts = [nnlite.layers.Dense(2, "tanh"), nnlite.layers.BatchNormalization(), nnlite.layers.Dense(1)]
    model = nnlite.Sequential([nnlite.Sequential(parts[:2]), parts[2]])
    compiled(model)
    for bad_x, bad_y in ((x[..., None], y), (x, np.zeros((20, 3))), (x, None), (x, np.full_like(y, np.nan))):
        with pytest.raises(ValueError, match=r"targets|needs targets|NaN"):
            getattr(model, method)(bad_x, bad_y)
        assert not model.built and not any(part.built for part in parts)
    getattr(model, method)(x, y)
    assert parts[0].kernel.shape == (2, 2)


def test_the_steps_can_be_overridden():
    class Own(Linear):
        def train_step(self, data):
            x, y, weight = data
            assert weight is None
            y_pred, cache = self.forward(self.cast_inputs(x), training=True)
            self.backward(y_pred - y, cache)
            self.optimizer.apply()
            self.w.zero_grad()
            return {"distance": np.float32(np.abs(y_pred - y).mean())}

        def test_step(self, data):
            return {"zeta": 2, "alpha": np.float64(1)}

        def predict_step(self, data):
            return super().predict_step(data) + 100

    x, y = line()
    model = compiled(Own(), rate=0.01)
    history = model.fit(x, y, epochs=4, verbose=0, validation_data=(x, y)).history
    assert list(history) == ["distance", "val_alpha", "val_zeta"]
    assert history["distance"][-1] < history["distance"][0]
    assert model.evaluate(x, y, verbose=0) == [1.0, 2.0]
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.infer(x) + 100)
    np.testing.assert_array_equal(model.predict(np.tile(x, (4, 1)), verbose=0), np.tile(model.infer(x), (4, 1)) + 100)

    class Wrong(Linear):
        def train_step(self, data):
            return 3.0

    with pytest.raises(TypeError, match="dict of logs"):
        compiled(Wrong()).train_on_batch(x, y)


def test_compute_metrics_and_own_metrics_join_the_logs():
    class Own(Linear):
        def __init__(self):
            super().__init__()
            self.biggest = metrics.Mean(name="biggest")

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            self.biggest.update_state(np.max(np.abs(y)))
            return super().compute_metrics(x, y, y_pred, sample_weight) | {"extra": 1.0}

    x, y = line()
    model = compiled(Own(), metrics=["mae"])
    logs = model.train_on_batch(x, y, return_dict=True)
    assert list(logs) == ["biggest", "extra", "loss", "mae"]
    assert logs["biggest"] == pytest.approx(np.abs(y).max())
    assert [m.name for m in model.metrics] == ["loss", "mae", "biggest"]
    assert model.metrics_names == ["loss", "compile_metrics", "biggest"]


def test_a_frozen_model_is_measured_with_a_warning():
    x, y = line()
    model = compiled()
    model.build((None, 2))
    model.trainable = False
    with pytest.warns(UserWarning, match="no trainable weights"):
        loss = model.train_on_batch(x, y)
    assert loss == pytest.approx(np.mean(y**2), rel=1e-6)
    assert not model.w.value.any()


def test_a_layer_thawed_after_compile_is_refused_until_compiled_again():
    x, y = line()
    model = compiled(TwoHeads(), loss=["mse", None])
    model.build((None, 2))
    model.wb.trainable = False
    model.train_on_batch(x, y)
    model.wb.trainable = True
    with pytest.raises(ValueError, match="compile"):
        model.train_on_batch(x, y)


def test_a_penalty_given_between_steps_counts_from_the_next_one_on():
    x, _ = line()
    model = compiled(Linear(), loss=None)
    model.build((None, 2))
    model.w.assign([[1.0], [1.0]])
    assert model.train_on_batch(x) == 0
    model.w.regularizer = regularizers.L2(0.01)
    assert model.train_on_batch(x) == pytest.approx(0.02)

    class Penalty(nnlite.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.w.regularizer = regularizers.L2(1.0)

    losses_of = model.fit(x, epochs=2, verbose=0, callbacks=[Penalty()]).history["loss"]
    assert losses_of[1] > 10 * losses_of[0]


def test_no_loss_at_all_trains_on_penalties():
    x, _ = line()
    model = compiled(Linear(regularizer="l2"), loss=None)
    model.build((None, 2))
    model.w.assign([[1.0], [1.0]])
    assert model.train_on_batch(x) == pytest.approx(0.02)
    np.testing.assert_allclose(model.w.value, 1 - 0.1 * 0.02, rtol=1e-6)


def test_ctrl_c_ends_training_between_two_steps():
    class Pressed(Linear):
        def backward(self, dy, cache, input_grad=True):
            signal.raise_signal(signal.SIGINT)
            return super().backward(dy, cache, input_grad)

    x, y = line()
    handler = signal.getsignal(signal.SIGINT)
    model = compiled(Pressed())
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=5, shuffle=False, verbose=0)
    whole = compiled()
    whole.train_on_batch(x[:5], y[:5])
    np.testing.assert_array_equal(model.w.value, whole.w.value)  # the step that was under way is done
    assert int(model.optimizer.iterations) == 1
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=5, verbose=0)  # and fit works again, up to the next press
    assert int(model.optimizer.iterations) == 2


def test_ctrl_c_between_steps_acts_at_once():
    class Pressing(nnlite.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append(batch)
            if batch == 1:
                signal.raise_signal(signal.SIGINT)
                raise AssertionError("went on")

    x, y = line()
    for _ in range(2):
        steps = []
        with pytest.raises(KeyboardInterrupt):
            compiled().fit(x, y, batch_size=5, verbose=0, callbacks=[Pressing()])
        assert steps == [0, 1]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_step_inside_of_a_callback_is_done_whole_too():
    class Pressed(Linear):
        def backward(self, dy, cache, input_grad=True):
            signal.raise_signal(signal.SIGINT)
            return super().backward(dy, cache, input_grad)

    class Training(nnlite.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            inner.train_on_batch(x, y)

    x, y = line()
    inner, outer = compiled(Pressed()), compiled()
    with pytest.raises(KeyboardInterrupt):
        outer.fit(x, y, batch_size=5, verbose=0, callbacks=[Training()])
    assert (int(inner.optimizer.iterations), int(outer.optimizer.iterations)) == (1, 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_that_a_callback_installs_stays():
    class Installing(nnlite.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            signal.signal(signal.SIGINT, own)

    def own(number, frame):
        raise AssertionError("not pressed")

    before = signal.getsignal(signal.SIGINT)
    try:
        compiled().fit(*line(), batch_size=5, verbose=0, callbacks=[Installing()])
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_acts_at_once():
    class Stuck(Linear):
        def backward(self, dy, cache, input_grad=True):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("went on")

    with pytest.raises(KeyboardInterrupt):
        compiled(Stuck()).train_on_batch(*line())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_needs_compile_says_so():
    x, y = line()
    model = Linear()
    for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match=r"not compiled.*model\.compile"):
            call(x, y)
    assert model.predict(x, verbose=0).shape == (20, 1)
    model.compile(None, "mse")
    assert model.evaluate(x, y, verbose=0) == pytest.approx(np.mean(y**2), rel=1e-6)
    with pytest.raises(ValueError, match="optimizer=None"):
        model.train_on_batch(x, y)


def test_the_loss_scale_changes_nothing_but_rounding():
    x, y = line()
    plain, scaled = compiled(Linear(activity_regularizer="l2")), Linear(activity_regularizer="l2")
    scaled.compile(optimizers.SGD(0.1, loss_scale_factor=1024.0), "mse")
    for _ in range(3):
        plain.train_on_batch(x, y)
        scaled.train_on_batch(x, y)
    np.testing.assert_allclose(scaled.w.value, plain.w.value, rtol=1e-6)


def test_compiled_models_copy_and_pickle_with_their_state():
    x, y = line()
    model = Linear()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x, y, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        expected = [copy.deepcopy(model).train_on_batch(x, y), other.train_on_batch(x, y)]
        assert expected[0] == expected[1]
        assert other.w is not model.w


def test_compute_loss_is_the_number_that_training_reports():
    x, y = line()
    model = compiled(Linear(regularizer="l2"), rate=0.0)
    model.build((None, 2))
    model.w.assign([[1.0], [2.0]])
    assert model.compute_loss(x, y, model.infer(x)) == pytest.approx(model.train_on_batch(x, y), rel=1e-6)


def test_an_override_of_compute_loss_is_refused():
    class Own(Linear):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return 1.0

    with pytest.raises(TypeError, match="gradient"):
        compiled(Own()).train_on_batch(*line())


def test_what_learns_is_looked_up_again_only_after_changes():
    class Pair(nnlite.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = nnlite.layers.Dense(2)

        def forward(self, x, training=False):
            return self.inner.forward(x, training)

        def backward(self, dy, cache):
            return self.inner.backward(dy, cache)

    model = nnlite.Sequential([nnlite.layers.Input((3,)), nnlite.layers.Dense(3), Pair()])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
    model.train_on_batch(x, y)
    model.train_on_batch(x, y)
    found = model._compiled.trainable
    model.train_on_batch(x, y)
    assert model._compiled.trainable is found and len(found) == 4
    model.layers[0].trainable = False
    before = model.layers[0].kernel.numpy()
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(model.layers[0].kernel.value, before)
    assert len(model._compiled.trainable) == 2
    model.layers[0].kernel.trainable = True
    model.train_on_batch(x, y)
    assert len(model._compiled.trainable) == 3
    other = nnlite.layers.Dense(2)
    other.build((None, 3))
    model.layers[1].inner = other
    with pytest.raises(ValueError, match="was built for 4 variables, and not for"):
        model.train_on_batch(x, y)
    model.extra = nnlite.metrics.Mean(name="extra")
    model.compile("sgd", "mse")
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"extra", "loss"}
    del model.extra
    assert set(model.train_on_batch(x, y, return_dict=True)) == {"loss"}


def test_compiling_again_keeps_the_loss_and_metrics_that_are_not_given_anew():
    model = nnlite.Sequential([nnlite.Input((2,)), nnlite.layers.Dense(1)])
    model.compile("sgd", "mse", loss_weights=2.0, metrics=["mae"])
    x, y = np.ones((4, 2)), np.zeros((4, 1))
    before = model.evaluate(x, y, verbose=0, return_dict=True)
    model.compile("adam")
    assert model.loss == "mse" and isinstance(model.optimizer, optimizers.Adam)
    assert model.evaluate(x, y, verbose=0, return_dict=True) == before
    model.compile("adam", "mae", weighted_metrics=["mse"])
    again = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(again) == ["loss", "mse"] and again["loss"] == before["mae"]
