"""The checker must reject what is wrong."""

import numpy as np
import pytest

from nnlite import layers
from nnlite.testing import check_gradients, check_layer


class Linear(layers.Layer):
    """A dense layer with one thing wrong at a time."""

    def __init__(self, fault=None, **kwargs):
        super().__init__(**kwargs)
        self.fault = fault

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], input_shape[-1]), name="w")

    def forward(self, x, training=False):
        if self.fault == "writes x":
            x *= 1.5
        return np.tanh(x @ self.w.value), (x, np.tanh(x @ self.w.value))

    def backward(self, dy, cache):
        x, y = cache
        dz = dy * (1 - y**2)
        dw = x.T @ dz
        if self.fault == "one element":
            dw[1, 2] *= 1.001
        if self.fault == "zero":
            dw = np.zeros_like(dw)
        if self.fault == "transposed":
            dw = dw.T
        if self.fault == "writes dy":
            dy *= 2
        if self.fault == "overwrites":
            self.w.zero_grad()
        if self.fault == "dx element":
            dx = dz @ self.w.value.T
            dx[0, 0] *= 1.001
            self.w.accumulate(dw)
            return dx
        self.w.accumulate(dw)
        return dz @ self.w.value.T

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 7) if self.fault == "shape" else tuple(input_shape)


def test_a_right_layer_passes_and_stays_untouched():
    layer = Linear()
    layer.build((None, 4))
    before = layer.w.numpy()
    check_layer(layer, (None, 4))
    np.testing.assert_array_equal(layer.w.value, before)
    assert layer.w.dtype == "float32" and not layer.w.grad.any() and layer.dtype == "float32"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("one element", r"w' is wrong. Worst element \[1, 2\]: backward gives .*central differences"),
        ("zero", "w' is wrong"),
        ("transposed", "w' is wrong"),
        ("dx element", r"the input is wrong. Worst element \[0, 0\]"),
        ("writes dy", "changed dy"),
        ("writes x", "changed the input"),
        ("overwrites", "overwrote the gradient"),
        ("shape", "compute_output_shape says"),
    ],
)
def test_faults_are_found_and_named(fault, message):
    with pytest.raises(AssertionError, match=message):
        check_layer(Linear(fault), (None, 4))


def test_one_wrong_element_among_many_is_found():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 40))
    gradient = np.cos(x)
    check_gradients(lambda v: float(np.sin(v).sum()), x, gradient)
    i = np.unravel_index(np.argmax(np.abs(gradient)), x.shape)
    gradient[i] *= 1.001
    with pytest.raises(AssertionError, match=rf"\[{i[0]}, {i[1]}\]"):
        check_gradients(lambda v: float(np.sin(v).sum()), x, gradient)


def test_kinks_are_avoided_but_not_everything_is_a_kink():
    x = np.array([1e-6, 1.0, -1.0])
    check_gradients(lambda v: float(np.maximum(v, 0).sum()), x + np.array([0.1, 0, 0]), np.array([1.0, 1.0, 0.0]))
    with pytest.raises(AssertionError, match="cannot be checked|is wrong"):
        check_gradients(lambda v: float(np.floor(v * 1e7).sum()), x, np.zeros(3))


def test_not_finite_is_named():
    with pytest.raises(AssertionError, match=r"not finite: nan at \[1\]"):
        check_gradients(lambda v: 0.0, np.zeros(2), np.array([0.0, np.nan]))


def test_empty_arrays_pass():
    check_gradients(lambda v: 0.0, np.zeros((0, 3)), np.zeros((0, 3)))


class Twice(layers.Layer):
    """Two dense layers that are built when they first run."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.a, self.b = layers.Dense(units, activation="tanh"), layers.Dense(units)

    def forward(self, x, training=False):
        h, a = self.a.forward(x, training)
        y, b = self.b.forward(h, training)
        return y, (a, b)

    def backward(self, dy, cache):
        return self.a.backward(self.b.backward(dy, cache[1]), cache[0])


def test_parts_that_are_built_when_they_first_run():
    layer = Twice(4)
    check_layer(layer, (None, 3))
    assert not layer.a.built


def test_parts_that_build_makes():
    class Late(Twice):
        def build(self, input_shape):
            self.a, self.b = layers.Dense(4, activation="tanh"), layers.Dense(4)

    check_layer(Late(4), (None, 3))


@pytest.mark.parametrize(
    ("layer", "shape", "error", "words"),
    [
        (layers.Flatten, (None, 3), TypeError, "Make an object of it first"),
        (np.tanh, (None, 3), TypeError, "layer got <ufunc 'tanh'>"),
        (layers.Dense(2), (3,), ValueError, r"got \(3,\), expected the shape of a batch"),
        (layers.Dense(2), 3, ValueError, "got 3, expected"),
    ],
)
def test_what_cannot_be_checked(layer, shape, error, words):
    with pytest.raises(error, match=words):
        check_layer(layer, shape)
