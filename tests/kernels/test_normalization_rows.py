"""Normalization of rows and of groups, against the formulas written out and their derivatives."""

import numpy as np
import pytest

from nnlite import config
from nnlite.kernels import normalization_group as group
from nnlite.kernels import normalization_rows as rows
from nnlite.testing import check_gradients


def normal(*shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def test_layer_norm_against_the_formulas():
    x, dy, gamma, beta = normal(70, 9), normal(70, 9, seed=1), normal(9, seed=2), normal(9, seed=3)
    y, cache = rows.layer_norm_forward(x, gamma, beta, 1e-3)
    inv = 1 / np.sqrt(x.var(1, keepdims=True) + 1e-3)
    xhat = (x - x.mean(1, keepdims=True)) * inv
    np.testing.assert_allclose(y, gamma * xhat + beta, rtol=1e-10)
    dx, dgamma, dbeta = rows.layer_norm_backward(dy, cache, gamma)
    g = dy * gamma
    expected = inv * (g - g.mean(1, keepdims=True) - xhat * (g * xhat).mean(1, keepdims=True))
    np.testing.assert_allclose(dx, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dgamma, (dy * xhat).sum(0), rtol=1e-9)
    np.testing.assert_allclose(dbeta, dy.sum(0), rtol=1e-9)


def rms(x, scale):
    return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-2) * scale


def unit(x, scale):
    return x / np.maximum(np.sqrt((x**2).sum(1, keepdims=True)), 1e-12)


def variance(x, scale):
    return x / np.sqrt(x.var(1, keepdims=True) + 1e-2) * scale


def forward(formula, x, scale):
    """y, and a function of dy that returns dx and dscale."""
    if formula is rms:
        y, inv = rows.rms_norm_forward(x, scale, 1e-2)
        return y, lambda dy: rows.rms_norm_backward(dy, x, inv, scale)
    if formula is unit:
        y, inv = rows.unit_norm_forward(x)
        return y, lambda dy: (rows.unit_norm_backward(dy, x, inv), None)
    y, inv = rows.variance_norm_forward(x, scale, 1e-2)
    return y, lambda dy: rows.variance_norm_backward(dy, x, inv, scale)


@pytest.mark.parametrize("shape", [(4, 3), (1, 7), (300, 1), (0, 3), (5, 0), (3000, 70)])
@pytest.mark.parametrize("formula", [rms, unit, variance], ids=lambda f: f.__name__)
def test_rows_against_the_formulas(formula, shape):
    if formula is variance and shape[1] == 0:
        return
    x, dy, scale = normal(*shape), normal(*shape, seed=1), normal(shape[1], seed=2)
    y, backward = forward(formula, x, scale)
    with np.errstate(invalid="ignore"):
        expected = formula(x, scale) if x.size else x
    np.testing.assert_allclose(y, expected, rtol=1e-10)
    dx, dscale = backward(dy)
    assert dx.shape == x.shape and (dscale is None or dscale.shape == scale.shape)
    if x.size <= 500:
        check_gradients(lambda v: float((formula(v, scale) * dy).sum()), x, dx)
        if dscale is not None:
            check_gradients(lambda v: float((formula(x, v) * dy).sum()), scale, dscale)


def test_rows_of_nothing_stay_nothing():
    x = np.array([[0.0, 0.0], [3.0, 4.0], [1e-30, 0.0]], "float32")
    y, inv = rows.unit_norm_forward(x)
    np.testing.assert_allclose(y, [[0, 0], [0.6, 0.8], [1e-18, 0]], rtol=1e-6)
    dx = rows.unit_norm_backward(np.ones_like(x), x, inv)
    assert np.isfinite(dx).all() and dx[0].tolist() == [np.float32(1e12)] * 2


def grouped(x, groups, gamma, beta):
    parts = x.reshape(*x.shape[:2], groups, x.shape[2] // groups)
    mean, var = parts.mean((1, 3), keepdims=True), parts.var((1, 3), keepdims=True)
    return ((parts - mean) / np.sqrt(var + 1e-3)).reshape(x.shape) * gamma + beta


@pytest.mark.parametrize(
    ("shape", "groups"),
    [
        ((2, 5, 4), 2),
        ((3, 12, 6), 6),
        ((2, 1, 6), 3),
        ((1, 8, 3), 1),
        ((9, 49, 5), 5),
        ((2, 7, 3000), 2),
        ((0, 4, 2), 1),
    ],
)
def test_groups_against_the_formulas(shape, groups):
    x, dy = normal(*shape) + 3, normal(*shape, seed=1)
    gamma, beta = normal(shape[2], seed=2), normal(shape[2], seed=3)
    y, cache = group.group_norm_forward(x, groups, gamma, beta, 1e-3)
    np.testing.assert_allclose(y, grouped(x, groups, gamma, beta), rtol=1e-8, atol=1e-9)
    dx, dgamma, dbeta = group.group_norm_backward(dy, x, cache, gamma)
    none, *same = group.group_norm_backward(dy, x, cache, gamma, input_grad=False)
    assert none is None and dx.shape == x.shape
    np.testing.assert_array_equal(same, [dgamma, dbeta])
    if 0 < x.size < 3000:
        check_gradients(lambda v: float((grouped(v, groups, gamma, beta) * dy).sum()), x, dx)
        check_gradients(lambda v: float((grouped(x, groups, v, beta) * dy).sum()), gamma, dgamma)
        check_gradients(lambda v: float((grouped(x, groups, gamma, v) * dy).sum()), beta, dbeta)
    plain, cache = group.group_norm_forward(x, groups, None, None, 1e-3)
    np.testing.assert_allclose(plain, grouped(x, groups, 1, 0), rtol=1e-8, atol=1e-9)


def test_a_mean_far_larger_than_the_spread_costs_little():
    x = (normal(4, 500, 8) + 1000).astype("float32")
    y, _ = group.group_norm_forward(x, 4, None, None, 1e-3)
    np.testing.assert_allclose(y, grouped(x.astype("float64"), 4, 1, 0), atol=2e-3)


def test_thread_counts_agree():
    x, dy, gamma = (normal(*shape, dtype="float32") for shape in ((64, 64, 64), (64, 64, 64), (64,)))
    flat = x.reshape(-1, 64)
    results = []
    try:
        for threads in (1, 2):
            config.set_num_threads(threads)
            y, cache = rows.layer_norm_forward(flat, gamma, gamma, 1e-3)
            z, inv = rows.rms_norm_forward(flat, gamma, 1e-3)
            g, inner = group.group_norm_forward(x, 4, gamma, gamma, 1e-3)
            by_rms = rows.rms_norm_backward(dy.reshape(-1, 64), flat, inv, gamma)
            by_group = group.group_norm_backward(dy, x, inner, gamma)
            results.append([y, *rows.layer_norm_backward(flat, cache, gamma), z, *by_rms, g, *by_group])
    finally:
        config.set_num_threads(None)
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * max(1, np.abs(b).max()))
