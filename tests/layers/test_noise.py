"""Noise: its distribution, its gradients, what it refuses; penalties in a model's loss."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers

RNG = np.random.default_rng(0)
ONE = np.ones((2, 3))


def test_noise_has_its_distribution():
    x = np.ones((400, 500), "float32")
    y = layers.GaussianNoise(0.5, seed=0)(x, training=True)
    assert abs(y.mean() - 1) < 0.01 and abs(y.std() - 0.5) < 0.01
    y = layers.GaussianDropout(0.2, seed=0)(x, training=True)
    assert abs(y.mean() - 1) < 0.01 and abs(y.std() - 0.5) < 0.01
    for layer in (layers.GaussianNoise(0.5), layers.GaussianDropout(0.2), layers.AlphaDropout(0.3)):
        np.testing.assert_array_equal(layer(x), x)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = RNG.normal(size=(400, 500)).astype("float32")
    y, cache = layers.AlphaDropout(rate, seed=0).forward(x, training=True)
    assert abs(y.mean()) < 0.01 and abs(y.std() - 1) < 0.02
    floor = -1.7580993408473766
    a = ((1 - rate) * (1 + rate * floor**2)) ** -0.5
    dropped = ~np.broadcast_to(cache, x.shape)
    assert abs(dropped.mean() - rate) < 0.01
    np.testing.assert_allclose(y, a * np.where(dropped, floor, x) - a * floor * rate, rtol=1e-5, atol=1e-5)


def test_alpha_dropout_of_whole_axes():
    y = layers.AlphaDropout(0.5, noise_shape=(None, 1, 4), seed=0)(np.ones((6, 3, 4)), training=True)
    assert (y == y[:, :1]).all() and len(np.unique(y)) == 2


def test_the_gradient_belongs_to_the_noise_that_was_drawn():
    x, dy = RNG.normal(size=(3, 4)).astype("float32"), RNG.normal(size=(3, 4)).astype("float32")
    for layer in (layers.GaussianDropout(0.4, seed=1), layers.AlphaDropout(0.4, seed=1)):
        y, cache = layer.forward(x, training=True)
        zero, _ = type(layer)(0.4, seed=1).forward(np.zeros_like(x), training=True)
        np.testing.assert_allclose(layer.backward(dy, cache), dy * (y - zero) / x, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "make", [layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout, layers.SpatialDropout3D]
)
def test_seeds(make):
    x = np.ones((4, 3, 2, 2, 8), "float32")
    first, second = make(0.5, seed=7), make(0.5, seed=7)
    a, b = first(x, training=True), first(x, training=True)
    np.testing.assert_array_equal(a, second(x, training=True))
    assert (a != b).any()


def test_penalties_are_in_the_loss_and_its_gradient():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.ActivityRegularization(l1=0.1, l2=0.2)])
    model.compile("sgd", "mse")
    x = RNG.normal(size=(5, 3)).astype("float32")
    y = model.predict(x, verbose=0)
    expected = (0.1 * np.abs(y).sum() + 0.2 * (y**2).sum()) / 5
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    found = model.gradients(x, y)
    by_y = (0.1 * np.sign(y) + 0.4 * y) / 5
    np.testing.assert_allclose(found.variables[model.layers[0].kernel.path], x.T @ by_y, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.GaussianNoise(2.0), "stddev"),
        (lambda: layers.GaussianNoise(-0.1), "stddev"),
        (lambda: layers.GaussianDropout(1.0), "below 1"),
        (lambda: layers.GaussianDropout(float("nan")), "rate"),
        (lambda: layers.AlphaDropout(1.5), "rate"),
        (lambda: layers.AlphaDropout(0.5, noise_shape=(1,))(ONE, training=True), "one entry for each axis"),
        (lambda: layers.AlphaDropout(0.5, noise_shape=(1, 2))(ONE, training=True), "does not go with"),
        (lambda: layers.SpatialDropout3D(0.5)(ONE), "5 axes"),
        (lambda: layers.SpatialDropout3D(0.5, data_format="last"), "channels_last"),
        (lambda: layers.ActivityRegularization(l1=-1.0), "l1"),
    ],
)
def test_wrong_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
