"""A scale and a shift in the weights against the two applied to the rows."""

import numpy as np
import pytest

from nnlite.kernels import scaled


@pytest.mark.parametrize("parts", ["both", "gamma", "beta", "neither"])
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_are_as_scaled_and_shifted_rows(parts, biased, dtype):
    rng = np.random.default_rng(0)
    x, w, b, dy, gamma, beta = (rng.normal(size=s).astype(dtype) for s in ((7, 3), (3, 5), 5, (7, 5), 3, 3))
    gamma = gamma if parts in ("both", "gamma") else None
    beta = beta if parts in ("both", "beta") else None
    b = b if biased else None
    kept = w.copy()
    rows = x * (1 if gamma is None else gamma) + (0 if beta is None else beta)
    folded, shift = scaled.weights_forward(w, b, gamma, beta)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    y = x @ folded + (0 if shift is None else shift)
    np.testing.assert_allclose(y, rows @ w + (0 if b is None else b), tolerance, tolerance)
    dw, dgamma, dbeta = scaled.weights_backward(x.T @ dy, dy.sum(0), w, gamma, beta)
    drows = dy @ w.T
    np.testing.assert_allclose(dw, rows.T @ dy, tolerance, tolerance)
    assert folded.dtype == y.dtype == dw.dtype == dtype
    for given, found, wanted in ((gamma, dgamma, drows * x), (beta, dbeta, drows)):
        assert (found is None) == (given is None)
        if found is not None:
            np.testing.assert_allclose(found, wanted.sum(0), tolerance, tolerance)
            assert found.dtype == dtype
    assert (w == kept).all()
