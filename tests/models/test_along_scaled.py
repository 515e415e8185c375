"""Layer normalization with its scale and shift in the weights of the layer after it is what both do one by one."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.core import watching
from nnlite.kernels import few_steps, scaled
from nnlite.testing import check_layer
from tests.models.test_along import pass_of

NORMS = {
    "plain": {},
    "without gamma": {"scale": False},
    "without beta": {"center": False},
}
AFTER = {
    "linear": lambda dtype: layers.Dense(3, dtype=dtype),
    "relu": lambda dtype: layers.Dense(4, activation="relu", use_bias=False, dtype=dtype),
    "gelu": lambda dtype: layers.Dense(5, activation="gelu", dtype=dtype),
    "softmax": lambda dtype: layers.Dense(4, activation="softmax", dtype=dtype),
    "softplus": lambda dtype: layers.Dense(4, activation="softplus", dtype=dtype),
    "heads": lambda dtype: layers.MultiHeadAttention(2, 2, value_dim=1, dtype=dtype),
    "heads without bias": lambda dtype: layers.MultiHeadAttention(2, 1, use_bias=False, dtype=dtype),
    "groups": lambda dtype: layers.GroupQueryAttention(1, 4, 2, dtype=dtype),
}


def net(after, norm="plain", dtype="float64", steps=9, times=2, **options):
    start = layers.Input((steps, 6), dtype=dtype)
    y = layers.LayerNormalization(dtype=dtype, **NORMS[norm])(layers.Dense(6, dtype=dtype)(start))
    layer = AFTER[after](dtype)
    y = layer(*[y] * times, **options) if layer.named_inputs else layer(y, **options)
    model = keras.Model(start, layers.Dense(2, dtype=dtype)(y))
    rng = np.random.default_rng(0)
    for v in model.weights:
        v.assign(rng.uniform(-1.5, 1.5, v.shape))
    return model


@pytest.fixture
def folded(monkeypatch):
    """The calls in which weights took a scale and a shift."""
    calls, plain = [], scaled.weights_forward

    def spy(w, b, gamma, beta):
        if gamma is not None or beta is not None:
            calls.append(1)
        return plain(w, b, gamma, beta)

    monkeypatch.setattr(scaled, "weights_forward", spy)
    return calls


def gradient(y):
    return np.random.default_rng(1).normal(size=y.shape).astype(y.dtype)


def assert_same(together, apart, dtype):
    rtol = 1e-10 if dtype == "float64" else 1e-4
    for a, b in zip(together, apart, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(1, np.abs(b).max(initial=0)))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize(("batch", "dtype"), [(7, "float32"), (1, "float32"), (0, "float32"), (5, "float64")])
def test_together_is_as_one_by_one(after, norm, batch, dtype, folded):
    steps = 5 if batch == 1 else 9
    model = net(after, norm, dtype, steps)
    x = np.random.default_rng(2).normal(size=(batch, steps, 6)).astype(dtype)
    apart = pass_of(model, x, gradient, watched=True)
    assert not folded
    together = pass_of(model, x, gradient, watched=False)
    assert bool(folded) == (batch > 1)  # few rows are not worth it
    assert_same(together, apart, dtype)


@pytest.mark.parametrize("after", ["gelu", "heads"])
@pytest.mark.parametrize("frozen", ["gamma", "beta", "kernel", "bias"])
def test_frozen_variables_get_no_gradient(after, frozen, folded):
    model = net(after)
    for v in model.layers[2].weights + model.layers[3].weights:
        v.trainable = v.name != frozen
    x = np.random.default_rng(2).normal(size=(5, 9, 6))
    apart = pass_of(model, x, gradient, watched=True)
    assert_same(pass_of(model, x, gradient, watched=False), apart, "float64")
    assert folded
    assert all(v.grad is None for v in model.layers[2].weights if v.name == frozen)


@pytest.mark.parametrize("times", [2, 3])
def test_a_key_may_be_the_value(times, folded):
    model = net("heads", times=times)
    x = np.random.default_rng(2).normal(size=(5, 9, 6))
    apart = pass_of(model, x, gradient, watched=True)
    assert_same(pass_of(model, x, gradient, watched=False), apart, "float64")
    assert folded


@pytest.mark.parametrize("after", AFTER)
def test_gradients_together(after, folded):
    keras.utils.set_random_seed(0)
    check_layer(net(after, steps=20), input_shape=(None, 20, 6))
    assert folded


def test_a_first_normalization_learns_without_the_gradient_of_the_input(folded):
    row = [layers.LayerNormalization(), layers.Dense(3, activation="gelu")]
    model = keras.Sequential([layers.Input((9, 6)), *row])
    x = np.random.default_rng(2).normal(size=(5, 9, 6)).astype("float32")
    y, cache = model.forward(x, training=True)
    assert model.backward(gradient(y), cache, input_grad=False) is None
    assert folded
    found = [v.grad.copy() for v in model.weights]
    model.zero_grad()
    with watching.watched(lambda *_: None):
        y, cache = model.forward(x, training=True)
        model.backward(gradient(y), cache, input_grad=False)
    assert_same(found, [v.grad for v in model.weights], "float32")


class Own(layers.Dense):
    def forward(self, x, training=False):
        y, cache = super().forward(x, training)
        return 2 * y, cache

    def backward(self, dy, cache):
        return super().backward(2 * dy, cache)


def test_what_must_not_be_taken_along(folded):
    norm = layers.LayerNormalization()
    norm.build((None, 9, 6))
    built = [make("float32") for make in AFTER.values()]
    for layer in built:
        layer.build([(None, 9, 6)] * 2 if layer.named_inputs else (None, 9, 6))
        assert norm.takes_along(layer)
    gated, planes = layers.MultiHeadAttention(2, 3, use_gate=True), layers.MultiHeadAttention(2, 3, attention_axes=1)
    punished = layers.MultiHeadAttention(2, 3, activity_regularizer="l2")
    others = {gated: (None, 9, 6), punished: (None, 9, 6), planes: (None, 9, 4, 6)}
    for layer, shape in others.items():
        layer.build([shape, shape])
        assert not norm.takes_along(layer)
    for layer in (Own(3), layers.ReLU(), layers.Dense(3, dtype="float64")):
        layer.build((None, 9, 6))
        assert not norm.takes_along(layer)
    for other in (layers.LayerNormalization(axis=1), layers.LayerNormalization(center=False, scale=False)):
        other.build((None, 9, 6))
        assert not other.takes_along(built[0])
    norm.trainable = False  # then nothing below it may learn, and its backward is not called
    assert not norm.takes_along(built[0])


@pytest.mark.parametrize("case", ["causal", "another value", "used twice"])
def test_only_what_alone_takes_the_rows_and_nothing_else(case, folded):
    start = layers.Input((9, 6))
    y = layers.LayerNormalization()(start)
    attention = layers.MultiHeadAttention(2, 1)
    if case == "causal":
        z = attention(y, y, use_causal_mask=True)
    elif case == "another value":
        z = attention(y, start)
    else:
        z = layers.Add()([y, attention(y, y)])
    model = keras.Model(start, z)
    x = np.random.default_rng(2).normal(size=(5, 9, 6)).astype("float32")
    apart = pass_of(model, x, gradient, watched=True)
    assert_same(pass_of(model, x, gradient, watched=False), apart, "float32")
    assert not folded


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("norm", NORMS)
def test_predictions_of_many_sequences(after, norm, folded, monkeypatch):
    monkeypatch.setattr(few_steps, "MOST", 100)
    model = net(after, norm, dtype="float32", steps=40)
    x = np.random.default_rng(2).normal(size=(300, 40, 6)).astype("float32")
    for _ in range(2):
        with watching.watched(lambda *_: None):
            wanted, _ = model.forward(x, training=False)
        found = model.predict_on_batch(x)
        np.testing.assert_allclose(found, wanted, 1e-4, 1e-4 * np.abs(wanted).max())
        for v in model.weights:
            v.assign(v.numpy() * 1.1)  # new weights count at once
    assert folded
