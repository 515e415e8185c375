"""What models do together in training is what their layers do one by one."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.core import watching
from nnlite.models import along
from nnlite.testing import check_layer

NORMS = {
    "plain": lambda: layers.BatchNormalization(),
    "without gamma and beta": lambda: layers.BatchNormalization(center=False, scale=False),
    "first axis": lambda: layers.BatchNormalization(axis=1),
    "renorm": lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"rmax": 2.0, "dmax": 1.0}),
    "frozen": lambda: layers.BatchNormalization(trainable=False),
}
RELUS = {"layer": lambda: layers.ReLU(), "activation": lambda: layers.Activation("relu")}


def net(kind, norm, relu=RELUS["layer"], shape=(5, 4, 3), dtype="float32"):
    row = [layers.Conv2D(4, 3, padding="same"), NORMS[norm](), relu(), layers.Conv2D(3, 1), NORMS[norm](), relu()]
    for layer in row:
        layer.dtype_policy = dtype
    if kind == "row":
        return keras.Sequential([layers.Input(shape, dtype=dtype), *row])
    start = layers.Input(shape, dtype=dtype)
    y = row[2](row[1](row[0](start)))
    z = row[5](row[4](row[3](y)))
    return keras.Model(start, layers.Concatenate(dtype=dtype)([y, z, y]))


def pass_of(model, x, dy, watched):
    """Output, gradients and moving averages of a pass, layer by layer if watched."""
    model.zero_grad()
    before = [v.numpy() for v in model.weights]
    seen = []
    if watched:
        with watching.watched(lambda what, layer, taken, given: seen.append(layer)):
            y, cache = model.forward(x, training=True)
            dx = model.backward(dy(y), cache)
    else:
        y, cache = model.forward(x, training=True)
        dx = model.backward(dy(y), cache)
    after = [v.numpy() for v in model.weights]
    for v, value in zip(model.weights, before, strict=True):
        v.assign(value)
    return [y, dx, *(v.grad.copy() for v in model.trainable_weights), *after]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("relu", RELUS)
@pytest.mark.parametrize("kind", ["row", "graph"])
@pytest.mark.parametrize(("batch", "dtype"), [(7, "float32"), (1, "float32"), (0, "float32"), (3, "float64")])
def test_together_is_as_one_by_one(kind, norm, relu, batch, dtype, monkeypatch):
    model = net(kind, norm, RELUS[relu], dtype=dtype)
    rng = np.random.default_rng(0)
    for v in model.weights:
        v.assign(rng.uniform(0.5, 1.5, v.shape))
    x = rng.normal(size=(batch, 5, 4, 3)).astype(dtype)
    taken = []
    plain = layers.BatchNormalization.forward_along
    monkeypatch.setattr(
        layers.BatchNormalization, "forward_along", lambda self, x, layer: taken.append(self) or plain(self, x, layer)
    )

    def dy(y):
        return np.random.default_rng(1).normal(size=y.shape).astype(dtype)

    apart = pass_of(model, x, dy, watched=True)
    assert not taken
    together = pass_of(model, x, dy, watched=False)
    assert len(taken) == 2
    rtol = 1e-9 if dtype == "float64" else 2e-4
    for a, b in zip(together, apart, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(1, np.abs(b).max(initial=0)))


@pytest.mark.parametrize("norm", ["plain", "first axis", "frozen"])
def test_gradients_together(norm):
    keras.utils.set_random_seed(0)
    check_layer(net("row", norm, shape=(3, 2, 2), dtype="float64"), input_shape=(None, 3, 2, 2))


@pytest.mark.parametrize("other", [(4, 3), (1, 3), (3,)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sum_takes_along_its_relu(other, dtype, monkeypatch):
    a, b = layers.Input((4, 3), dtype=dtype), layers.Input(other, dtype=dtype)
    y = layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([layers.Dense(3, dtype=dtype)(a), b, b]))
    model = keras.Model([a, b], layers.Concatenate(dtype=dtype)([y, a, y]))
    taken = []
    plain = layers.Add.forward_along
    monkeypatch.setattr(
        layers.Add, "forward_along", lambda self, *arguments: taken.append(1) or plain(self, *arguments)
    )
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(5, *shape)).astype(dtype) for shape in ((4, 3), other)]
    given = [one.copy() for one in x]
    dy = rng.normal(size=(5, 4, 9)).astype(dtype)
    with watching.watched(lambda *what: None):
        expected, cache = model.forward(x, training=True)
        gradients = [*model.backward(dy, cache), *(v.grad.copy() for v in model.weights)]
    model.zero_grad()
    assert not taken
    found, cache = model.forward(x, training=True)
    assert taken == [1]
    np.testing.assert_array_equal(found, expected)
    for one, same in zip([*model.backward(dy, cache), *(v.grad for v in model.weights)], gradients, strict=True):
        np.testing.assert_allclose(one, same, rtol=1e-5, atol=1e-5)
    for one, same in zip(x, given, strict=True):
        np.testing.assert_array_equal(one, same)


def test_only_a_layer_that_gets_all_is_taken_along():
    start = layers.Input((4, 4, 2))
    norm, relu = layers.BatchNormalization(), layers.ReLU()
    y = norm(start)
    for model in (keras.Model(start, [y, relu(y)]), keras.Model(start, layers.Add()([y, relu(y)]))):
        _, cache = model.forward(np.ones((2, 4, 4, 2), "float32"), training=True)
        assert along.DONE not in [one for one in cache.calls if isinstance(one, str)]


@pytest.mark.parametrize(
    "row",
    [
        lambda: [layers.BatchNormalization(), layers.ReLU(max_value=6)],
        lambda: [layers.BatchNormalization(), layers.ReLU(activity_regularizer="l2")],
        lambda: [layers.BatchNormalization(activity_regularizer="l2"), layers.ReLU()],
        lambda: [layers.BatchNormalization(), layers.Activation("gelu")],
        lambda: [layers.BatchNormalization(), layers.ReLU(dtype="float64")],
        lambda: [Own(), layers.ReLU()],
        lambda: [OwnBackward(), layers.ReLU()],
    ],
)
def test_others_are_not_taken_along(row):
    model = keras.Sequential([layers.Input((4, 3)), *row()])
    _, cache = model.forward(np.ones((2, 4, 3), "float32"), training=True)
    assert all(not isinstance(one, str) for one in cache.calls)


def test_methods_of_ones_own_are_called():
    model = keras.Sequential([layers.Input((4, 3)), layers.BatchNormalization(), layers.ReLU()])
    called = []
    relu = model.layers[1]
    forward = relu.forward
    relu.forward = lambda x, training=False: called.append(1) or forward(x, training)
    model.forward(np.ones((2, 4, 3), "float32"), training=True)
    assert called == [1]


def test_masks_are_heeded():
    model = keras.Sequential([layers.Input((4, 3)), layers.Masking(), layers.BatchNormalization(), layers.ReLU()])
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    x[:, 2:] = 0
    model.forward(x, training=True)
    np.testing.assert_allclose(model.layers[1].moving_mean.value, 0.01 * x[:, :2].mean((0, 1)), rtol=1e-5)


class Own(layers.BatchNormalization):
    def forward(self, x, training=False, mask=None):
        return super().forward(x, training, mask)


class OwnBackward(layers.BatchNormalization):
    def backward(self, dy, cache, input_grad=True):
        return super().backward(dy, cache, input_grad)
