"""GradientMonitor, NaNGuard and SwapEMAWeights."""

import numpy as np
import pytest

import nnlite as keras
from nnlite.callbacks import EarlyStopping, GradientMonitor, LambdaCallback, ModelCheckpoint, NaNGuard, SwapEMAWeights
from nnlite.core import watching

X = np.random.default_rng(0).normal(size=(24, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def model_of(*layers, optimizer="sgd"):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,), name="x"), *layers])
    model.compile(optimizer, "mse")
    return model


def two_layers(optimizer="sgd"):
    return model_of(keras.layers.Dense(4, name="a"), keras.layers.Dense(1, name="b"), optimizer=optimizer)


# ---- GradientMonitor ----


def test_norms_of_gradients_and_updates():
    model = two_layers(keras.optimizers.SGD(0.1, loss_scale_factor=8.0))
    seen = []

    def look(batch, logs):
        kernel, bias = model.get_layer("a").weights
        seen.append(np.sqrt((kernel.grad**2).sum() + (bias.grad**2).sum()) / 8.0)

    callbacks = [LambdaCallback(on_train_batch_end=look), GradientMonitor()]
    history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks).history
    assert sorted(history) == ["gradient_norm/a", "gradient_norm/b", "loss", "update_norm/a", "update_norm/b"]
    np.testing.assert_allclose(history["gradient_norm/a"], [np.mean(seen[:3]), np.mean(seen[3:])], rtol=1e-5)
    np.testing.assert_allclose(history["update_norm/a"], 0.1 * np.array(history["gradient_norm/a"]), rtol=1e-3)


def test_updates_are_left_out_on_request_and_inner_models_are_named():
    inner = keras.Sequential([keras.layers.Dense(2, name="a")], name="inner")
    model = model_of(inner, keras.layers.Dense(1, name="b"))
    history = model.fit(X, Y, verbose=0, callbacks=[GradientMonitor(updates=False)]).history
    assert sorted(history) == ["gradient_norm/b", "gradient_norm/inner/a", "loss"]


# ---- NaNGuard ----


class Spoil(keras.layers.Layer):
    """Passes on what it gets, and spoils forward or backward at a certain call."""

    def __init__(self, where, at, value=np.nan, **kwargs):
        super().__init__(**kwargs)
        self.where, self.at, self.value, self.calls = where, at, value, 0

    def build(self, input_shape):
        self.w = self.add_weight(shape=(), initializer="ones", name="w")

    def forward(self, x, training=False):
        self.calls += training
        y = x * self.w.value
        if self.where == "output" and self.calls == self.at:
            y[1, 2] = self.value
        return y, x

    def backward(self, dy, x):
        bad = self.calls == self.at
        self.w.accumulate(np.float32(self.value) if bad and self.where == "variable" else np.sum(dy * x))
        dx = dy * self.w.value
        if bad and self.where == "input":
            dx[0, 0] = self.value
        return dx


@pytest.mark.parametrize(
    ("where", "tensor", "phase"),
    [
        ("output", "output", "forward"),
        ("input", "gradient of the input", "backward"),
        ("variable", "gradient of variable 'w'", "backward"),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_first_layer_tensor_and_batch_are_named(where, tensor, phase, value, capsys):
    model = model_of(keras.layers.Dense(3), Spoil(where, 5, value, name="spoil"), keras.layers.Dense(1, name="last"))
    weights = []
    begin = LambdaCallback(on_train_batch_begin=lambda batch, logs: weights.append(model.get_weights()))
    guard = NaNGuard()
    history = model.fit(X, Y, batch_size=8, epochs=4, verbose=0, callbacks=[begin, guard]).history
    found = guard.found
    assert (found.layer, found.tensor, found.phase, found.epoch, found.batch) == ("spoil", tensor, phase, 1, 1)
    assert found.message in capsys.readouterr().out and "Epoch 1, batch 1" in found.message
    assert len(history["loss"]) == 2 and np.isfinite(history["loss"]).all()
    for a, b in zip(model.get_weights(), weights[-1], strict=True):  # the step was not made
        np.testing.assert_array_equal(a, b)
    assert watching.active == 0


def test_an_error_is_raised_on_request():
    model = model_of(Spoil("output", 1, name="spoil"))
    with pytest.raises(FloatingPointError, match=r"Epoch 0, batch 0: the output of Spoil 'spoil', shape \(24, 3\)"):
        model.fit(X, X, verbose=0, batch_size=24, callbacks=[NaNGuard(raise_error=True)])
    assert watching.active == 0


def test_an_update_that_overflows_is_named(capsys):
    model = two_layers(keras.optimizers.SGD(1e38))
    guard = NaNGuard()
    with np.errstate(all="ignore"):
        model.fit(X, 1e3 * Y, verbose=0, callbacks=[guard])
    assert guard.found.phase == "update" and guard.found.layer in ("a", "b")
    assert "learning rate" in capsys.readouterr().out


def test_weights_that_are_not_finite_are_named(capsys):
    model = two_layers()
    kernel = model.get_layer("b").kernel
    kernel.value[1, 0] = np.nan
    guard = NaNGuard()
    model.fit(X, Y, verbose=0, callbacks=[guard])
    assert (guard.found.layer, guard.found.tensor) == ("b", "variable 'kernel'")


def test_healthy_training_is_left_alone_and_nobody_watches_afterwards():
    guard, plain = NaNGuard(), two_layers()
    model = two_layers()
    model.fit(X, Y, verbose=0, shuffle=False, callbacks=[guard])
    plain.fit(X, Y, verbose=0, shuffle=False)
    assert guard.found is None and watching.active == 0
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

    def stop(batch, logs):
        raise KeyError("elsewhere")

    with pytest.raises(KeyError):
        model.fit(X, Y, verbose=0, callbacks=[guard, LambdaCallback(on_train_batch_begin=stop)])
    assert watching.active == 0


# ---- SwapEMAWeights ----


def test_evaluation_sees_the_averages():
    optimizer = keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5)
    model = two_layers(optimizer)
    seen = []

    class Look(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            averages = [average.numpy() for _, average in optimizer.averages()]  # swapped: the weights by now
            seen.append((model.get_weights(), averages))

    model.fit(X, Y, 8, 3, verbose=0, validation_data=(X, Y), callbacks=[SwapEMAWeights(), Look()])
    for weights, averages in seen:
        assert not all(np.array_equal(a, b) for a, b in zip(weights, averages, strict=True))
    plain = two_layers(keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5))
    plain.fit(X, Y, 8, 3, verbose=0)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    swap = SwapEMAWeights()
    before = model.get_weights()
    model.evaluate(X, Y, verbose=0, callbacks=[swap])
    model.predict(X, verbose=0, callbacks=[swap])
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_checkpoints_hold_the_averages_with_swap_on_epoch(tmp_path):
    model = two_layers(keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5))
    path = tmp_path / "a.weights.h5"
    checkpoint = ModelCheckpoint(path, save_weights_only=True)
    # stopped early by a callback that comes later: the model still ends with the averages
    stop = EarlyStopping("loss", patience=1, min_delta=100.0)
    model.fit(X, Y, 8, 9, verbose=0, callbacks=[SwapEMAWeights(swap_on_epoch=True), checkpoint, stop])
    saved = two_layers(keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5))
    saved.load_weights(path)
    for a, b in zip(saved.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_optimizer_without_averages_is_refused():
    with pytest.raises(ValueError, match="use_ema=True"):
        two_layers().fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[SwapEMAWeights()])
