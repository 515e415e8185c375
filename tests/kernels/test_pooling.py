from __future__ import annotations

import numpy as np
import pytest
from kernels import oracles

from nnlite import config
from nnlite.kernels.pooling import (
    avg_pool,
    avg_pool_backward,
    avg_pool_forward,
    max_pool,
    max_pool_backward,
    max_pool_forward,
)

# shape, pool, strides, padding
CASES = {
    "1d": ((3, 8, 4), (2,), None, "valid"),
    "1d odd": ((2, 9, 3), (2,), None, "valid"),
    "1d same": ((2, 9, 3), (2,), None, "same"),
    "1d overlapping": ((2, 9, 3), (3,), (2,), "valid"),
    "1d overlapping same": ((2, 10, 3), (3,), (2,), "same"),
    "1d stride one": ((2, 7, 3), (4,), (1,), "same"),
    "1d gaps": ((2, 11, 3), (2,), (3,), "valid"),
    "2d": ((2, 6, 8, 5), (2, 2), None, "valid"),
    "2d odd": ((2, 7, 5, 3), (2, 2), None, "valid"),
    "2d odd same": ((2, 7, 5, 3), (2, 2), None, "same"),
    "2d one channel": ((2, 6, 4, 1), (2, 2), None, "valid"),
    "2d many channels": ((1, 4, 4, 33), (2, 2), None, "valid"),
    "2d threes": ((2, 9, 7, 3), (3, 3), None, "valid"),
    "2d overlapping": ((2, 7, 9, 3), (3, 3), (2, 2), "valid"),
    "2d overlapping same": ((2, 8, 7, 3), (3, 2), (2, 1), "same"),
    "2d row": ((2, 5, 6, 3), (1, 3), None, "valid"),
    "2d ones": ((2, 5, 6, 3), (1, 1), None, "valid"),
    "2d whole": ((2, 5, 6, 3), (5, 6), None, "valid"),
    "2d pool beyond the input": ((2, 2, 3, 3), (4, 5), (1, 1), "same"),
    "3d": ((2, 4, 5, 6, 2), (2, 2, 2), None, "valid"),
    "3d same": ((2, 3, 5, 4, 2), (2, 3, 2), (1, 2, 2), "same"),
}
PAIRS = {
    "max": (max_pool_forward, max_pool_backward, max_pool, oracles.max_pool),
    "avg": (avg_pool_forward, avg_pool_backward, avg_pool, oracles.avg_pool),
}


def make(case, dtype="float64", ties=False):
    shape, pool, strides, padding = CASES[case]
    rng = np.random.default_rng(list(case.encode()))
    x = rng.integers(0, 3, shape) if ties else rng.normal(size=shape)
    return x.astype(dtype), pool, strides, padding, rng


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", PAIRS)
def test_forward_is_that_of_the_loops(kind, case, dtype):
    forward, _, infer, oracle = PAIRS[kind]
    x, pool, strides, padding, _ = make(case, dtype)
    y, _ = forward(x, pool, strides=strides, padding=padding)
    wanted = oracle(x, pool, strides or pool, padding)
    assert y.dtype == dtype and y.shape == wanted.shape
    np.testing.assert_allclose(y, wanted, rtol=0, atol=1e-14 if dtype == "float64" else 1e-6)
    np.testing.assert_array_equal(y, infer(x, pool, strides=strides, padding=padding))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_max_gradient_goes_to_the_first_of_the_largest(case, ties):
    x, pool, strides, padding, rng = make(case, ties=ties)
    y, cache = max_pool_forward(x, pool, strides=strides, padding=padding)
    dy = rng.normal(size=y.shape)
    wanted = oracles.max_pool_gradient(dy, x, pool, strides or pool, padding)
    np.testing.assert_allclose(max_pool_backward(dy, cache), wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize("case", CASES)
def test_average_gradient_is_shared_by_the_real_elements(case):
    x, pool, strides, padding, rng = make(case)
    y, cache = avg_pool_forward(x, pool, strides=strides, padding=padding)
    dy = rng.normal(size=y.shape)
    wanted = oracles.avg_pool_gradient(dy, x, pool, strides or pool, padding)
    np.testing.assert_allclose(avg_pool_backward(dy, cache), wanted, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("x", "pool", "strides", "padding", "y", "dx"),
    [
        # recorded from Keras 3.15.1 on JAX, with dy = 1, 2, 3, ...
        ([1, 1, 1, 1], 2, 2, "valid", [1, 1], [1, 0, 2, 0]),
        ([1, 1, 1, 1, 1], 3, 2, "same", [1, 1, 1], [1, 2, 0, 3, 0]),
        ([1, 1, 1, 1, 1], 3, 1, "same", [1, 1, 1, 1, 1], [3, 3, 4, 5, 0]),
        ([0.0, -0.0, -0.0, 0.0], 2, 2, "valid", [0, 0], [1, 0, 2, 0]),
    ],
)
def test_ties_as_keras(x, pool, strides, padding, y, dx):
    got, cache = max_pool_forward(np.reshape(x, (1, -1, 1)).astype("f"), pool, strides=strides, padding=padding)
    assert got.ravel().tolist() == y
    dy = np.arange(1, 1 + got.size, dtype="f").reshape(got.shape)
    assert max_pool_backward(dy, cache).ravel().tolist() == dx


@pytest.mark.parametrize("case", CASES)
def test_nan_gives_nan_and_one_element_the_gradient(case):
    x, pool, strides, padding, rng = make(case)
    x[rng.random(x.shape) < 0.2] = np.nan
    y, cache = max_pool_forward(x, pool, strides=strides, padding=padding)
    np.testing.assert_array_equal(y, oracles.max_pool(x, pool, strides or pool, padding))
    dx = max_pool_backward(np.ones_like(y), cache)
    assert np.isfinite(dx).all() and dx.sum() == y.size


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_minus_infinity_everywhere(padding):
    x = np.full((1, 5, 5, 2), -np.inf, "f")
    y, cache = max_pool_forward(x, 2, padding=padding)
    assert (y == -np.inf).all()
    assert max_pool_backward(np.ones_like(y), cache).sum() == y.size


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", PAIRS)
def test_threads_and_chunks_change_nothing(kind, case, monkeypatch):
    forward, backward, _, _ = PAIRS[kind]
    x, pool, strides, padding, rng = make(case, "float32")
    y, cache = forward(x, pool, strides=strides, padding=padding)
    dy = rng.normal(size=y.shape).astype("f")
    dx = backward(dy, cache)
    monkeypatch.setattr("nnlite.kernels.parallel.WORTH_THREADS", 0.0)
    monkeypatch.setattr("nnlite.kernels.pooling.CHUNK", 1)
    for threads in (1, 2, 3):
        config.set_num_threads(threads)
        try:
            again, cache = forward(x, pool, strides=strides, padding=padding)
            np.testing.assert_array_equal(again, y)
            np.testing.assert_array_equal(backward(dy, cache), dx)
        finally:
            config.set_num_threads(None)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", PAIRS)
def test_empty_batches_layouts_byte_orders_and_ownership(kind, case):
    forward, backward, _, _ = PAIRS[kind]
    x, pool, strides, padding, rng = make(case, "float32")
    options = {"strides": strides, "padding": padding}
    y, cache = forward(x, pool, **options)
    dy = rng.normal(size=y.shape).astype("f")
    dx = backward(dy, cache)
    assert not any(np.shares_memory(a, b) for a, b in ((x, y), (dy, dx), (x, dx), (y, dx)))

    def odd(a):
        a = np.repeat(a, 2, axis=-1)[..., ::2]
        a.flags.writeable = False
        return a

    for change in (odd, np.asfortranarray, lambda a: a.astype(">f4"), lambda a: a[::-1].copy()[::-1]):
        again, cache = forward(change(x), pool, **options)
        assert again.dtype == np.float32 and again.dtype.isnative
        np.testing.assert_array_equal(again, y)
        np.testing.assert_array_equal(backward(change(dy), cache), dx)
    none, cache = forward(x[:0], pool, **options)
    assert none.shape == (0, *y.shape[1:])
    assert backward(none, cache).shape == (0, *x.shape[1:])


def test_errors_say_what_came_and_what_was_expected():
    with pytest.raises(ValueError, match="size 2 is shorter than the window, which spans 3"):
        max_pool_forward(np.zeros((1, 2, 5, 1)), 3)
    with pytest.raises(ValueError, match="got 'causal', expected 'valid' or 'same'"):
        avg_pool_forward(np.zeros((1, 2, 1)), 2, padding="causal")
    with pytest.raises(ValueError, match=r"got shape \(4, 3\)"):
        max_pool_forward(np.zeros((4, 3)), 2)
    with pytest.raises(ValueError, match=r"pool_size: got \(2, 2\), expected one number or 1"):
        max_pool_forward(np.zeros((4, 3, 1)), (2, 2))
