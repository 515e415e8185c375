"""Convolutions that are trained together with the pooling after them do what the layers do one by one."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.core import watching
from nnlite.testing import check_layer

# A shape of samples, a convolution and a pooling.
CASES = {
    "valid, odd": ((9, 8, 2), layers.Conv2D, (5, 3), {}, {}),
    "one channel": ((14, 15, 1), layers.Conv2D, (4, 3), {"activation": "relu"}, {}),
    "tiles": ((13, 13, 32), layers.Conv2D, (32, 3), {"activation": "relu"}, {}),
    "tiles, same": ((16, 16, 32), layers.Conv2D, (40, 3), {"activation": "tanh", "padding": "same"}, {}),
    "overlapping": ((9, 9, 3), layers.Conv2D, (4, 2), {"activation": "relu"}, {"pool_size": 3, "strides": 2}),
    "same": ((7, 6, 3), layers.Conv2D, (4, 1), {"activation": "sigmoid"}, {"padding": "same"}),
    "gaps": ((9, 9, 3), layers.Conv2D, (4, 2), {"activation": "relu"}, {"pool_size": 1, "strides": 2}),
    "groups": ((8, 8, 4), layers.Conv2D, (6, 3), {"activation": "relu", "groups": 2}, {}),
    "strides": ((11, 10, 3), layers.Conv2D, (4, 3), {"activation": "relu", "strides": 2, "use_bias": False}, {}),
    "series": ((12, 3), layers.Conv1D, (5, 3), {"activation": "relu", "padding": "causal"}, {"pool_size": 3}),
    "volumes": ((5, 6, 5, 2), layers.Conv3D, (3, 2), {"activation": "relu"}, {}),
}
POOLS = {layers.Conv1D: layers.MaxPooling1D, layers.Conv2D: layers.MaxPooling2D, layers.Conv3D: layers.MaxPooling3D}


def net(case, dtype="float32"):
    shape, conv, arguments, options, pool = CASES[case]
    row = [conv(*arguments, bias_initializer="normal", dtype=dtype, **options), POOLS[conv](dtype=dtype, **pool)]
    return keras.Sequential([layers.Input(shape, dtype=dtype), *row])


def pass_of(model, x):
    model.zero_grad()
    y, cache = model.forward(x, training=True)
    dy = np.random.default_rng(1).normal(size=y.shape).astype(x.dtype)
    return [y, model.backward(dy, cache), *(v.grad.copy() for v in model.trainable_weights)]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("batch", "dtype"), [(5, "float32"), (2, "float64"), (1, "float32"), (0, "float32")])
@pytest.mark.parametrize("case", CASES)
def test_together_is_as_one_by_one(case, batch, dtype, threads, monkeypatch):
    model, taken = net(case, dtype), []
    conv = type(model.layers[0])
    plain = conv.forward_along
    monkeypatch.setattr(conv, "forward_along", lambda self, x, layer: taken.append(self) or plain(self, x, layer))
    monkeypatch.setattr("nnlite.kernels.parallel.WORTH_THREADS", 0.0)
    monkeypatch.setattr("nnlite.config.get_num_threads", lambda: threads)
    x = np.random.default_rng(0).normal(size=(batch, *CASES[case][0])).round(1).astype(dtype)  # with equal maxima
    with watching.watched(lambda what, layer, given, found: None):
        apart = pass_of(model, x)
    assert not taken
    together = pass_of(model, x)
    assert len(taken) == 1
    for a, b in zip(together, apart, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("case", [case for case in CASES if case != "tiles, same"])
def test_gradients_together(case):
    keras.utils.set_random_seed(0)  # weights with which no step of the differences crosses a kink
    check_layer(net(case, "float64"), input_shape=(None, *CASES[case][0]))


def test_a_net_learns_the_same_in_a_graph():
    x, y = np.random.default_rng(0).normal(size=(8, 10, 10, 1)).astype("float32"), np.arange(8) % 2

    def losses(watched):
        keras.utils.set_random_seed(1)
        start = layers.Input((10, 10, 1))
        h = layers.MaxPooling2D()(layers.Conv2D(4, 3, activation="relu")(start))
        model = keras.Model(start, layers.Dense(2)(layers.Flatten()(h)))
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        if not watched:
            return model.fit(x, y, epochs=3, shuffle=False, verbose=0).history
        with watching.watched(lambda what, layer, given, found: None):
            return model.fit(x, y, epochs=3, shuffle=False, verbose=0).history

    assert losses(False) == losses(True)


def test_pooling_of_a_users_own_is_left_to_itself():
    class Doubled(layers.MaxPooling2D):
        def forward(self, x, training=False):
            y, cache = super().forward(x, training)
            return 2 * y, cache

        def backward(self, dy, cache, input_grad=True):
            return super().backward(2 * dy, cache, input_grad)

    x = np.random.default_rng(0).normal(size=(3, 6, 6, 1)).astype("float32")
    conv = layers.Conv2D(2, 3)
    own = keras.Sequential([layers.Input((6, 6, 1)), conv, Doubled()])
    plain = keras.Sequential([layers.Input((6, 6, 1)), conv, layers.MaxPooling2D()])
    np.testing.assert_array_equal(own.forward(x, training=True)[0], 2 * plain.forward(x, training=True)[0])


def test_what_stays_apart():
    conv, pool = layers.Conv2D(2, 3), layers.MaxPooling2D()
    assert conv.takes_along(pool)
    assert not layers.Conv2D(2, 3, activation="softmax").takes_along(pool)
    assert not layers.Conv2D(2, 3, activation="gelu").takes_along(pool)
    assert not layers.Conv2D(2, 3, data_format="channels_first").takes_along(pool)
    assert not conv.takes_along(layers.MaxPooling2D(data_format="channels_first"))
    for other in (layers.AveragePooling2D(2), layers.MaxPooling1D(), layers.GlobalMaxPooling2D(), layers.ReLU()):
        assert not conv.takes_along(other)
