"""More losses give the values and gradients that real Keras 3.15.1 gives."""

import pathlib

import numpy as np
import pytest
from golden.loss_cases import LOSSES, drawn

import nnlite as keras
from nnlite.testing import check_gradients

FOUND = np.load(pathlib.Path(__file__).parent / "losses.npz")
NAMES = {name: getattr(keras.losses, name) for name in dir(keras.losses)}
every = pytest.mark.parametrize("index", range(len(LOSSES)), ids=lambda i: " ".join(LOSSES[i]))


def close(actual, expected):
    assert np.shape(actual) == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max(initial=0.0))


@every
def test_values_and_gradients(index):
    expression, kind = LOSSES[index]
    y, p, w = drawn(expression, kind)
    loss = eval(expression, dict(NAMES))
    for name, weight in (("plain", None), ("weighted", w)):
        if f"{index} {name}" not in FOUND:
            continue
        value, cache = loss.forward(y, p, weight)
        close(value, FOUND[f"{index} {name}"])
        close(loss.backward(cache), FOUND[f"{index} {name} d"])
        assert loss.backward(cache).dtype == np.float32


@every
def test_gradients_are_the_derivatives(index):
    expression, kind = LOSSES[index]
    y, p, _ = drawn(expression, kind)
    y = y.astype(float) if y.dtype.kind == "f" else y
    loss = eval(expression, dict(NAMES))
    value, cache = loss.forward(y, p.astype(float))
    gradient = loss.backward(cache)
    check_gradients(
        lambda q: float(np.sum(loss.forward(y, q)[0])), p.astype(float), gradient, expression, tolerance=1e-5
    )
    again = type(loss).from_config(loss.get_config())
    np.testing.assert_array_equal(again.forward(y, p.astype(float))[0], value)


@pytest.mark.parametrize(
    "name",
    [
        "mape",
        "MAPE",
        "msle",
        "MSLE",
        "kld",
        "KLD",
        "log_cosh",
        "poisson",
        "hinge",
        "cosine_similarity",
        "dice",
        "Huber",
    ],
)
def test_losses_are_found_by_name(name):
    assert callable(keras.losses.get(name))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: keras.losses.CTC()(np.array([1, 2]), np.ones((2, 3, 4))), "targets .N, L. and logits"),
        (lambda: keras.losses.CTC()(np.array([[4]]), np.ones((1, 3, 4))), "labels go from 4 to 4, expected 1 to 3"),
        (lambda: keras.losses.Circle()(np.array([[1, 2]]), np.ones((1, 3))), "one label a row"),
        (lambda: keras.losses.Hinge()(np.ones((2, 3)), np.ones((2, 4))), "must be"),
        (lambda: keras.losses.LogCosh()(np.array([[np.nan]]), np.ones((1, 1))), r"1 target\(s\) are NaN"),
        (lambda: keras.losses.CategoricalGeneralizedCrossEntropy()(np.array([5]), np.ones((1, 3))), "3 classes"),
    ],
)
def test_wrong_targets(call, message):
    with pytest.raises(ValueError, match=message):
        call()
