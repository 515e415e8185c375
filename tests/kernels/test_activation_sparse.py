"""Kernels of the rarer activations against scalar formulas, and their derivatives against central differences."""

import math

import numpy as np
import pytest

from nnlite.kernels import activation_smooth as smooth
from nnlite.kernels import activation_sparse as sparse


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def oracle_soft_shrink(x, threshold):
    return math.copysign(max(abs(x) - threshold, 0.0), x)


def oracle_sparse_plus(x):
    if abs(x) < 1:
        return (x + 1) ** 2 / 4
    return x if x > 0 else 0.0


def oracle_threshold(x, threshold, default_value):
    return x if x > threshold else default_value


# name -> (module, what backward takes, options, formula)
CASES = {
    "hard_tanh": (sparse, "x", {}, lambda x: min(max(x, -1), 1)),
    "hard_shrink": (sparse, "x", {"threshold": 0.7}, lambda x, threshold: x if abs(x) > threshold else 0.0),
    "soft_shrink": (sparse, "x", {"threshold": 0.7}, oracle_soft_shrink),
    "threshold": (sparse, "x", {"threshold": 0.2, "default_value": -1.5}, oracle_threshold),
    "sparse_plus": (sparse, "x", {}, oracle_sparse_plus),
    "sparse_sigmoid": (sparse, "x", {}, lambda x: min(max((x + 1) / 2, 0), 1)),
    "log_sigmoid": (smooth, "y", {}, lambda x: math.log(sigmoid(x))),
    "celu": (smooth, "y", {"alpha": 0.6}, lambda x, alpha: x if x > 0 else alpha * math.expm1(x / alpha)),
    "squareplus": (smooth, "x", {"b": 3.0}, lambda x, b: (x + math.sqrt(x * x + b)) / 2),
    "tanh_shrink": (smooth, "x", {}, lambda x: x - math.tanh(x)),
}
X = np.linspace(-3.01, 3.03, 120).reshape(8, 15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_formula_and_derivative(name, dtype):
    module, keeps, options, formula = CASES[name]
    forward, backward = getattr(module, f"{name}_forward"), getattr(module, f"{name}_backward")
    x = X.astype(dtype)[:, ::2]
    before = x.copy()
    y = forward(x, **options)
    tight = 1e-12 if dtype == "float64" else 3e-6
    np.testing.assert_allclose(
        y, np.vectorize(lambda e: formula(e, **options), otypes=[float])(x.astype(float)), rtol=tight, atol=tight
    )
    dy = np.linspace(-1, 1, x.size, dtype=dtype).reshape(x.shape)
    dx = backward(dy, y if keeps == "y" else x, **options)
    slope = np.vectorize(lambda e: (formula(e + 1e-6, **options) - formula(e - 1e-6, **options)) / 2e-6, otypes=[float])
    np.testing.assert_allclose(dx, dy * slope(x.astype(float)), rtol=2e-5, atol=2e-5)
    assert y.dtype == dx.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(x, before)
    out = np.empty_like(x)
    assert forward(x, **options, out=out) is out and np.array_equal(out, y)


def oracle_sparsemax(row):
    falling = sorted(row, reverse=True)
    sums = np.cumsum(falling)
    support = [z > (c - 1) / j for j, (z, c) in enumerate(zip(falling, sums, strict=True), start=1)]
    tau = (sum(c for c, inside in zip(sums, support, strict=True) if inside) - 1) / sum(support)
    return np.maximum(row - tau, 0)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_sparsemax(axis):
    x = np.random.default_rng(0).standard_normal((4, 5, 3))
    dy = np.random.default_rng(1).standard_normal((4, 5, 3))
    y = sparse.sparsemax_forward(x, axis)
    np.testing.assert_allclose(y, np.apply_along_axis(oracle_sparsemax, axis, x), atol=1e-12)
    direction = np.random.default_rng(2).standard_normal(x.shape)
    ahead, behind = (sparse.sparsemax_forward(x + step * direction, axis) for step in (1e-6, -1e-6))
    numeric = ((ahead - behind) / 2e-6 * dy).sum()
    assert (sparse.sparsemax_backward(dy, x, axis) * direction).sum() == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_glu(axis):
    x = np.random.default_rng(0).standard_normal((4, 6, 2)).transpose(0, 2, 1)
    a, b = np.split(x, 2, axis)
    y = smooth.glu_forward(x, axis)
    np.testing.assert_allclose(y, a * np.vectorize(sigmoid)(b), rtol=1e-12)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    direction = np.random.default_rng(2).standard_normal(x.shape)
    ahead, behind = (smooth.glu_forward(x + step * direction, axis) for step in (1e-6, -1e-6))
    numeric = ((ahead - behind) / 2e-6 * dy).sum()
    assert (smooth.glu_backward(dy, x, axis) * direction).sum() == pytest.approx(numeric, rel=1e-6)
