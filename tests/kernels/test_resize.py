"""Resampling against sums over pixels written out, and every backward against its forward as a matrix."""

import math

import numpy as np
import pytest

from nnlite.kernels import resize


def kernel(method, d):
    """The kernel functions, from their definitions."""
    if method == "bilinear":
        return max(0.0, 1 - d)
    if method == "bicubic":  # Keys, a = -1/2
        if d < 1:
            return 1.5 * d**3 - 2.5 * d**2 + 1
        return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0.0
    radius = int(method[-1])
    if d == 0:
        return 1.0
    p = math.pi * d
    return radius * math.sin(p) * math.sin(p / radius) / p**2 if d <= radius else 0.0


def line(x, size, method, antialias):
    """One line of pixels resized, pixel by pixel."""
    n = len(x)
    y = []
    for j in range(size):
        if method == "nearest":
            y.append(x[min(n - 1, math.floor((j + 0.5) * n / size))])
            continue
        centre = (j + 0.5) * n / size - 0.5
        wide = max(1.0, n / size) if antialias else 1.0
        w = [kernel(method, abs(centre - i) / wide) for i in range(n)]
        y.append(sum(a * b for a, b in zip(w, x, strict=True)) / sum(w))
    return y


@pytest.mark.parametrize("method", resize.METHODS)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("sizes", [(7, 3), (3, 7), (5, 5), (1, 4), (4, 1), (6, 8), (9, 2)])
def test_lines(method, antialias, sizes):
    n, size = sizes
    x = np.random.default_rng(0).normal(size=n)
    y = resize.resize_forward(x.reshape(1, n, 1), (1, 2), (size, 1), method, antialias)
    np.testing.assert_allclose(y.ravel(), line(x, size, method, antialias), atol=1e-12)


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("n", "size"), [(257, 100), (200, 240), (401, 3)])
@pytest.mark.parametrize("after", [1, 3, 20])
def test_long_lines(method, n, size, after):
    """Of which few pixels count, each way."""
    x = np.random.default_rng(0).normal(size=(2, n, after))
    y = resize.resize_forward(x, (1, 2), (size, after), method)
    w = resize.weights(n, size, method, dtype=float)
    assert resize._factor(n, size, method, False, x.dtype, False).places is not None
    np.testing.assert_allclose(y, np.einsum("nic,ij->njc", x, w), atol=1e-12)
    np.testing.assert_allclose(w[:, size // 2] @ x[0, :, 0], line(x[0, :, 0], size, method, False)[size // 2])
    dx = resize.resize_backward(y, (1, 2), (n, after), method)
    np.testing.assert_allclose(dx, np.einsum("njc,ij->nic", y, w), atol=1e-12)


def matrix_of(function, shape):
    """The matrix of a linear function of arrays of a shape."""
    units = np.eye(math.prod(shape)).reshape(-1, *shape)
    return np.stack([function(unit).ravel() for unit in units], axis=1)


@pytest.mark.parametrize("method", resize.METHODS)
@pytest.mark.parametrize("axes", [(1, 2), (2, 3)])
def test_resize_backward_is_the_transpose(method, axes):
    shape = (2, 3, 4, 2)
    old, new = tuple(shape[axis] for axis in axes), (5, 3)
    forward = matrix_of(lambda x: resize.resize_forward(x, axes, new, method, True), shape)
    out = resize.resize_forward(np.zeros(shape), axes, new, method, True).shape
    backward = matrix_of(lambda dy: resize.resize_backward(dy, axes, old, method, True), out)
    np.testing.assert_allclose(backward, forward.T, atol=1e-12)


@pytest.mark.parametrize("method", resize.METHODS)
def test_batches_of_none_and_of_many(method):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(70, 33, 20, 3)).astype("float32")
    y = resize.resize_forward(x, (1, 2), (21, 40), method)
    one = resize.resize_forward(x[-1:], (1, 2), (21, 40), method)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y[-1:], one, rtol=1e-5, atol=1e-5)
    assert resize.resize_forward(x[:0], (1, 2), (21, 40), method).shape == (0, 21, 40, 3)
    assert resize.resize_backward(y[:0], (1, 2), (33, 20), method).shape == (0, 33, 20, 3)


def test_nearest_passes_nan_to_its_own_place_only():
    x = np.array([1.0, np.nan, 3.0]).reshape(1, 3, 1)
    y = resize.resize_forward(x, (1, 2), (6, 1), "nearest").ravel()
    np.testing.assert_array_equal(y, [1, 1, np.nan, np.nan, 3, 3])


def test_weights_are_kept_and_cannot_be_changed():
    w = resize.weights(5, 3, "bicubic")
    assert resize.weights(5, 3, "bicubic") is w
    with pytest.raises(ValueError, match="read-only"):
        w[0, 0] = 1
    np.testing.assert_allclose(w.sum(axis=0), 1, rtol=1e-6)


@pytest.mark.parametrize("edges", [((1, 2), (0, 3)), ((-1, 0), (-1, -1)), ((-2, -1), (2, 1)), ((0, 0), (0, 0))])
def test_frames(edges):
    x = np.arange(1.0, 25).reshape(1, 4, 6)
    y = resize.frame_forward(x, (1, 2), edges, 9.0)
    (top, bottom), (left, right) = edges
    assert y.shape == (1, 4 + top + bottom, 6 + left + right)
    for i, j in np.ndindex(*y.shape[1:]):
        inside = 0 <= i - top < 4 and 0 <= j - left < 6
        assert y[0, i, j] == (x[0, i - top, j - left] if inside else 9.0)
    forward = matrix_of(lambda x: resize.frame_forward(x, (1, 2), edges), x.shape)
    backward = matrix_of(lambda dy: resize.frame_backward(dy, (1, 2), edges), y.shape)
    np.testing.assert_array_equal(backward, forward.T)


@pytest.mark.parametrize("times", [(1, 2, 1), (1, 3, 2), (1, 1, 4), (1, 1, 1)])
def test_repeats(times):
    x = np.random.default_rng(0).normal(size=(2, 3, 2))
    y = resize.repeat_forward(x, times)
    for place in np.ndindex(*y.shape):
        assert y[place] == x[tuple(i // t for i, t in zip(place, times, strict=True))]
    forward = matrix_of(lambda x: resize.repeat_forward(x, times), x.shape)
    np.testing.assert_array_equal(matrix_of(lambda dy: resize.repeat_backward(dy, times), y.shape), forward.T)
