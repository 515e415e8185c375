import numpy as np
import pytest

from nnlite import config
from nnlite.kernels.dense import dense_backward, dense_forward


@pytest.mark.parametrize(("n", "i", "o"), [(0, 3, 2), (1, 1, 1), (5, 7, 3), (300, 400, 130)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_against_the_definition(n, i, o, dtype):
    rng = np.random.default_rng(0)
    x, w, b = (rng.normal(size=s).astype(dtype) for s in ((n, i), (i, o), (o,)))
    dy = rng.normal(size=(n, o)).astype(dtype)
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-11}
    y = dense_forward(x, w, b)
    np.testing.assert_allclose(y, np.einsum("ni,io->no", x, w) + b, **tolerance)
    dx, dw, db = dense_backward(dy, x, w)
    np.testing.assert_allclose(dx, np.einsum("no,io->ni", dy, w), **tolerance)
    np.testing.assert_allclose(dw, np.einsum("ni,no->io", x, dy), **tolerance)
    np.testing.assert_allclose(db, dy.sum(0), **tolerance)
    assert {a.dtype.name for a in (y, dx, dw, db)} == {dtype}


def test_what_is_not_wanted_is_not_computed():
    x, w, dy = np.ones((3, 2)), np.ones((2, 4)), np.ones((3, 4))
    dx, _, db = dense_backward(dy, x, w, use_bias=False, input_grad=False)
    assert dx is None and db is None


def test_repeats_bit_for_bit_and_agrees_over_thread_counts():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(512, 400)).astype("f"), rng.normal(size=(400, 500)).astype("f")
    results = {}
    try:
        for threads in (1, 2, 3):
            config.set_num_threads(threads)
            y = dense_forward(x, w)
            again = dense_forward(x, w)
            grads, grads_again = dense_backward(y, x, w), dense_backward(y, x, w)
            for a, b in zip((y, *grads), (again, *grads_again), strict=True):
                np.testing.assert_array_equal(a, b)
            results[threads] = (y, *grads)
    finally:
        config.set_num_threads(None)
    for threads in (2, 3):
        for a, b in zip(results[1], results[threads], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())
