"""Updates of whole variables against the formulas in float64, and the iteration that makes matrices orthogonal."""

import math

import numpy as np
import pytest

from nnlite import config
from nnlite.kernels import optimizer_whole as kernels
from nnlite.kernels import parallel

MUON = (3.4445, -4.7750, 2.0315)


def rms(x):
    return math.sqrt(sum(e * e for e in x.ravel().tolist()) / x.size)


def oracle_lamb(g, v, m, u, lr, step, beta_1, beta_2, epsilon):
    m = beta_1 * m + (1 - beta_1) * g
    u = beta_2 * u + (1 - beta_2) * g**2
    h = m / (1 - beta_1**step) / (np.sqrt(u / (1 - beta_2**step)) + epsilon)
    return lr * h * (rms(v) / rms(h) if v.any() and h.any() else 1.0)


def oracle_adafactor(g, v, u, rows, columns, lr, step, decay, epsilon_1, epsilon_2, threshold):
    b = 1 - step**decay
    g2 = g**2 + epsilon_1
    if rows is None:
        u = b * u + (1 - b) * g2
    else:
        u = np.empty_like(g)
        for place in np.ndindex(g.shape):
            row = b * rows + (1 - b) * g2.sum(-1) / g.shape[-1]
            column = b * columns + (1 - b) * g2.sum(-2) / g.shape[-2]
            mean = row[place[:-2]].sum() / g.shape[-2]
            u[place] = row[place[:-1]] / mean * column[(*place[:-2], place[-1])]
    h = g / np.sqrt(u)
    return max(epsilon_2, rms(v)) * min(lr, 1 / math.sqrt(step)) * h / max(1.0, rms(h) / threshold)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (2, 3, 4)])
def test_lamb(shape, dtype):
    g, v, m, u = (np.array(a, dtype) for a in np.random.default_rng(0).random((4, *shape)))
    settings = {"lr": 0.1, "step": 3, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3}
    expected = oracle_lamb(*(np.array(a, float) for a in (g, v, m, u)), **settings)
    d = kernels.lamb(g, v, m, u, **settings)
    assert (d.dtype, d.shape) == (np.dtype(dtype), shape)
    np.testing.assert_allclose(d, expected, rtol=1e-12 if dtype == "float64" else 1e-5)


def test_lamb_of_what_has_no_length():
    zeros, ones = np.zeros(3), np.ones(3)
    settings = {"lr": 0.1, "step": 1, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
    np.testing.assert_allclose(kernels.lamb(ones, zeros, np.zeros(3), np.zeros(3), **settings), 0.1, rtol=1e-5)
    assert not kernels.lamb(zeros, ones, np.zeros(3), np.zeros(3), **settings).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (1, 1), (2, 3, 4)])
def test_adafactor(shape, dtype):
    rng = np.random.default_rng(1)
    g, v, u = (np.array(a, dtype) for a in rng.standard_normal((3, *shape)))
    np.abs(u, out=u)
    means = [rng.random(s).astype(dtype) for s in (shape[:-1], shape[:-2] + shape[-1:])] if len(shape) > 1 else []
    settings = {"lr": 0.3, "step": 4, "decay": -0.8, "epsilon_1": 1e-8, "epsilon_2": 1e-3, "threshold": 0.7}
    given = [np.array(a, float) for a in (g, v, u, *means)] + [None, None]
    expected = oracle_adafactor(*given[:5], **settings)
    d = kernels.adafactor(g, v, u, *means, **settings)
    assert (d.dtype, d.shape) == (np.dtype(dtype), shape)
    np.testing.assert_allclose(d, expected, rtol=1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("shape", [(6, 6), (3, 9), (9, 3), (1, 4), (1, 1)])
def test_orthogonal_draws_singular_values_together_and_keeps_the_vectors(shape):
    x = np.random.default_rng(2).standard_normal(shape)
    y = kernels.orthogonal(x, 5, MUON)
    left, values, right = np.linalg.svd(x, full_matrices=False)
    new = np.diag(left.T @ y @ right.T)
    np.testing.assert_allclose(left * new @ right, y, atol=1e-9)
    assert 0.6 < new.min() <= new.max() < 1.3 or values.min() < 0.02 * values.max()


def test_muon_by_the_formula():
    rng = np.random.default_rng(3)
    g, m = rng.standard_normal((2, 4, 7))
    settings = {"lr": 0.1, "steps": 3, "coefficients": MUON}
    for nesterov in (True, False):
        sums = m.copy()
        d = kernels.muon(g, g, sums, momentum=0.9, nesterov=nesterov, rms=0.2, **settings)
        np.testing.assert_allclose(sums, 0.9 * m + g, rtol=1e-12)
        direction = g + 0.9 * sums if nesterov else sums
        x = direction / (math.sqrt((direction**2).sum()) + 1e-7)
        for _ in range(3):
            square = x @ x.T
            x = MUON[0] * x + (MUON[1] * square + MUON[2] * square @ square) @ x
        np.testing.assert_allclose(d, 0.1 * x * 0.2 * math.sqrt(7), rtol=1e-10)


def test_products_are_shared_among_threads(monkeypatch):
    a, b = np.random.default_rng(4).standard_normal((2, 30, 30))
    monkeypatch.setattr(parallel, "WORTH_THREADS", 0.0)
    try:
        for count in (1, 3):
            config.set_num_threads(count)
            np.testing.assert_allclose(kernels.product(a, b.T), np.einsum("ij,kj->ik", a, b), rtol=1e-10, atol=1e-12)
    finally:
        config.set_num_threads(None)
