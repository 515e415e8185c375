"""PReLU by columns: against its definition, whatever the shape."""

import numpy as np
import pytest

from nnlite.kernels.prelu import prelu_backward, prelu_forward


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 1), (7, 3), (300, 900), (9000, 40)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_prelu_by_columns(shape, dtype):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, *shape)).astype(dtype)
    alpha = rng.normal(size=shape[1]).astype(dtype)
    x[::5] = 0
    y = prelu_forward(x, alpha)
    dx, dalpha = prelu_backward(dy, x, alpha)
    assert y.dtype == dx.dtype == dalpha.dtype == dtype
    np.testing.assert_array_equal(y, np.where(x > 0, x, alpha * x))
    np.testing.assert_array_equal(dx, np.where(x == 0, 0, np.where(x > 0, dy, alpha * dy)))
    expected = (dy.astype(float) * np.minimum(x, 0)).sum(axis=0)
    np.testing.assert_allclose(dalpha, expected, rtol=1e-5, atol=1e-5 * max(1, len(x)) ** 0.5)
    assert prelu_backward(dy, x, alpha, input_grad=False)[0] is None


def test_infinities_and_nan_stay_where_they_are():
    x = np.array([[np.inf, -np.inf, np.nan, 1.0]])
    y = prelu_forward(x, np.full(4, 0.5))
    np.testing.assert_array_equal(y, [[np.inf, -np.inf, np.nan, 1.0]])
