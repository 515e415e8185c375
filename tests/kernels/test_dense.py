import numpy as np
import pytest

from nnlite import activations, config
from nnlite.kernels import activation_gelu
from nnlite.kernels.dense import dense_backward, dense_forward, dense_forward_with_slope


@pytest.mark.parametrize(
    ("n", "i", "o"), [(0, 3, 2), (1, 1, 1), (5, 7, 3), (300, 400, 130), (61, 7, 3), (2100, 64, 129)]
)
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


@pytest.mark.parametrize("n", [0, 1, 700, 2100])  # few rows, some, and many, in several chunks
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_and_their_slopes_in_chunks(n, dtype):
    rng = np.random.default_rng(0)
    x, w, b, dy = (rng.normal(size=s).astype(dtype) for s in ((n, 7), (7, 230), (230,), (n, 230)))
    tolerance = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-11}
    z = x @ w + b
    wanted, slope = (np.empty_like(z) for _ in range(2))
    activation_gelu.gelu_slope(z, slope, wanted)
    np.testing.assert_allclose(dense_forward(x, w, b, activations.gelu), wanted, **tolerance)
    np.testing.assert_allclose(dense_forward(x, w, b, activations.tanh), np.tanh(z), **tolerance)
    y, found = dense_forward_with_slope(x, w, b, activation_gelu.gelu_slope)
    np.testing.assert_allclose(y, wanted, **tolerance)
    np.testing.assert_allclose(found, slope, **tolerance)
    before = dy.copy()
    for a, c in zip(dense_backward(dy, x, w, slope=slope), dense_backward(dy * slope, x, w), strict=True):
        np.testing.assert_allclose(a, c, **tolerance)
        assert a.dtype == dtype
    np.testing.assert_array_equal(dy, before)


@pytest.mark.parametrize("sizes", [(1, 3, 2), (200, 64, 10), (300, 400, 130), (3000, 40, 60)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_with_a_slope_little_and_much_work_and_many_rows(sizes, dtype):
    rng = np.random.default_rng(0)
    n, i, o = sizes
    x, w, dy, slope = (rng.normal(size=s).astype(dtype) for s in ((n, i), (i, o), (n, o), (n, o)))
    dz = (dy * slope).astype("float64")
    found = dense_backward(dy, x, w, slope=slope)
    for a, b in zip(found, (dz @ w.T.astype("float64"), x.T.astype("float64") @ dz, dz.sum(0)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4 if dtype == "float32" else 1e-10, atol=1e-3)
        assert a.dtype == dtype


@pytest.mark.parametrize("n", [3, 300])  # few rows are cut by columns, many by rows
def test_what_is_not_wanted_is_not_computed(n):
    x, w, dy = np.ones((n, 2)), np.ones((2, 4)), np.ones((n, 4))
    dx, dw, db = dense_backward(dy, x, w, use_bias=False, input_grad=False)
    assert dx is None and db is None and dw.tolist() == [[n] * 4] * 2
    dx, dw, db = dense_backward(dy, x, w, weight_grad=False)
    assert dw is None and dx.tolist() == [[4] * 2] * n and db.tolist() == [n] * 4
    memory = np.zeros((2, 4))
    assert dense_backward(dy, x, w, dw=memory)[1] is memory and memory.tolist() == [[n] * 4] * 2


@pytest.mark.parametrize("sizes", [(512, 400, 500), (4096, 64, 250)])
def test_repeats_bit_for_bit_and_agrees_over_thread_counts(sizes):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=sizes[:2]).astype("f"), rng.normal(size=sizes[1:]).astype("f")
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
