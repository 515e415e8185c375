"""Products and extrema of two arrays that broadcast, with their gradients."""

import numpy as np
import pytest

from nnlite import config
from nnlite.kernels import merging

SHAPES = [((3, 4), (3, 4)), ((3, 1, 4), (3, 5, 1)), ((1, 4), (3, 4)), ((0, 4), (0, 4)), ((2, 3), (2, 1))]


def pair(shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def numeric(function, a, dy, h=1e-6):
    """The gradient of sum(dy * function(a)) by central differences."""
    found = np.zeros_like(a)
    for i in np.ndindex(*a.shape):
        up, down = a.copy(), a.copy()
        up[i] += h
        down[i] -= h
        found[i] = ((function(up) - function(down)) * dy).sum() / (2 * h)
    return found


@pytest.mark.parametrize("shapes", SHAPES)
def test_products(shapes):
    a, b = pair(shapes)
    dy = np.random.default_rng(1).normal(size=(a * b).shape)
    da, db = merging.multiply_backward(dy, a, b)
    np.testing.assert_allclose(da, numeric(lambda x: x * b, a, dy), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(db, numeric(lambda x: a * x, b, dy), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("ufunc", [np.maximum, np.minimum])
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("masked", ["", "a", "b", "ab"])
def test_extrema(ufunc, shapes, masked):
    a, b = pair(shapes)
    rng = np.random.default_rng(2)
    valid = {name: rng.random(x.shape) < 0.6 for name, x in (("a", a), ("b", b)) if name in masked}
    masks = valid.get("a"), valid.get("b")
    y = merging.extremum_forward(a, b, ufunc, *masks)
    whole_a, whole_b = np.broadcast_arrays(a, b)
    for i in np.ndindex(*y.shape):
        ok = [m is None or np.broadcast_to(m, y.shape)[i] for m in masks]
        expected = ufunc(whole_a[i], whole_b[i]) if all(ok) else whole_a[i] if not ok[1] else whole_b[i]
        assert y[i] == expected
    dy = rng.normal(size=y.shape)
    da, db = merging.extremum_backward(dy, a, b, ufunc, *masks)
    forward = lambda a, b: merging.extremum_forward(a, b, ufunc, *masks)  # noqa: E731
    np.testing.assert_allclose(da, numeric(lambda x: forward(x, b), a, dy), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(db, numeric(lambda x: forward(a, x), b, dy), rtol=1e-6, atol=1e-8)


def test_equals_share():
    a = np.ones((2, 2), "float32")
    da, db = merging.extremum_backward(np.full((2, 2), 4, "float32"), a, a, np.maximum)
    assert da.tolist() == db.tolist() == [[2, 2], [2, 2]] and da.dtype == np.float32


def test_gradients_of_what_was_repeated_are_summed():
    assert merging.sum_to(np.ones((2, 3, 4)), (2, 1, 4)).tolist() == [[[3.0] * 4]] * 2
    assert merging.sum_to(np.ones((2, 3, 4)), (2, 4)).tolist() == [[3.0] * 4] * 2
    same = np.ones((2, 3))
    assert merging.sum_to(same, (2, 3)) is same


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
@pytest.mark.parametrize("shape", [(0, 3), (5, 3), (1001, 999)])
def test_plus(shape, dtype):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
    np.testing.assert_array_equal(merging.plus(a, b), a + b)
    np.testing.assert_array_equal(merging.plus(a.T, b.T), (a + b).T)
    np.testing.assert_array_equal(merging.plus(a[:, :1], b), a[:, :1] + b)
    np.testing.assert_array_equal(merging.plus(a, b.astype("float64")), a + b.astype("float64"))
    total = a + b
    assert merging.plus(a, b, out=a) is a
    np.testing.assert_array_equal(a, total)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (0, 3), (5, 3), (3, 100, 1000), (700, 1001)])
@pytest.mark.parametrize("relu", [False, True])
def test_sums_and_what_a_relu_makes_of_them(shape, dtype, threads, relu):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=shape).astype(dtype), rng.normal(size=shape).astype(dtype)
    given = a.copy(), b.copy()
    expected = np.maximum(a + b, 0) if relu else a + b
    config.set_num_threads(threads)
    try:
        for one, other in ((a, b), (np.asfortranarray(a), b)):
            y = merging.plus(one, other, relu=relu)
            assert y.dtype == dtype
            np.testing.assert_array_equal(y, expected)
        for one, same in zip((a, b), given, strict=True):
            np.testing.assert_array_equal(one, same)
        if shape:
            assert merging.plus(a, b, out=a, relu=relu) is a
            np.testing.assert_array_equal(a, expected)
    finally:
        config.set_num_threads(None)
