"""Adaptive and global pooling against loops over windows."""

import math

import numpy as np
import pytest

from nnlite.kernels import pooling_adaptive as adaptive
from nnlite.kernels import pooling_global as whole

CASES = [((5,), (2,)), ((10,), (4,)), ((7, 5), (3, 5)), ((4, 6), (1, 6)), ((12, 9), (5, 2)), ((3, 4, 5), (2, 4, 3))]
CASES += [((3,), (7,)), ((40,), (2,))]


def naive(x, output_size):
    """Each window of each sample: the elements along the spatial axes that it covers."""
    spatial = x.shape[1:-1]
    for o in np.ndindex(*output_size):
        cut = [
            slice(math.floor(i * n / k), math.ceil((i + 1) * n / k))
            for i, n, k in zip(o, spatial, output_size, strict=True)
        ]
        yield (slice(None), *o), (slice(None), *cut)


@pytest.mark.parametrize(("spatial", "output_size"), CASES)
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_means(spatial, output_size, batch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, *spatial, 3))
    y = adaptive.adaptive_mean_forward(x, output_size)
    dy = rng.normal(size=y.shape)
    expected, dx = np.empty_like(y), np.zeros_like(x)
    axes = tuple(range(1, x.ndim - 1))
    for out, window in naive(x, output_size):
        expected[out] = x[window].mean(axis=axes)
        size = math.prod(x[window].shape[1:-1])
        dx[window] += np.expand_dims(dy[out], axes) / size
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(adaptive.adaptive_mean_backward(dy, spatial), dx, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("spatial", "output_size"), CASES)
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_maxima(spatial, output_size, batch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, *spatial, 3))
    y, cache = adaptive.adaptive_max_forward(x, output_size)
    dy = rng.normal(size=y.shape)
    dx = np.zeros_like(x)
    axes = tuple(range(1, x.ndim - 1))
    for out, window in naive(x, output_size):
        part = x[window]
        np.testing.assert_array_equal(y[out], part.max(axis=axes))
        dx[window] += np.expand_dims(dy[out], axes) * (part == part.max(axis=axes, keepdims=True))
    np.testing.assert_allclose(adaptive.adaptive_max_backward(dy, cache), dx, rtol=1e-12, atol=1e-14)


def test_the_first_of_equals_gets_the_gradient():
    x = np.zeros((1, 6, 1))
    _, cache = adaptive.adaptive_max_forward(x, (2,))
    assert adaptive.adaptive_max_backward(np.array([[[1.0], [2.0]]]), cache).ravel().tolist() == [1, 0, 0, 2, 0, 0]
    x = np.zeros((1, 40, 1))  # long windows go another way
    _, cache = adaptive.adaptive_max_forward(x, (2,))
    assert np.flatnonzero(adaptive.adaptive_max_backward(np.ones((1, 2, 1)), cache)).tolist() == [0, 20]


@pytest.mark.parametrize("make", [lambda a: a[::-1], np.asfortranarray, lambda a: a.astype(">f4"), lambda a: a])
def test_any_strides_and_float32(make):
    x = make(np.random.default_rng(0).normal(size=(3, 7, 5, 2)).astype("float32"))
    kept = x.copy()
    y, cache = adaptive.adaptive_max_forward(x, (3, 2))
    dx = adaptive.adaptive_max_backward(y, cache)
    mean = adaptive.adaptive_mean_forward(x, (3, 2))
    assert y.dtype == dx.dtype == mean.dtype == np.dtype("float32") and (x == kept).all()
    again, _ = adaptive.adaptive_max_forward(np.ascontiguousarray(x, "float32"), (3, 2))
    np.testing.assert_array_equal(y, again)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("shape", [(3, 5, 4), (1, 1, 1), (0, 5, 4), (2, 300, 7)])
def test_global(shape, steps):
    rng = np.random.default_rng(0)
    x, weight = rng.normal(size=shape), rng.random((shape[0], shape[steps]))
    spread = np.expand_dims(weight, 3 - steps)
    dy = rng.normal(size=(shape[0], shape[3 - steps]))
    given = np.expand_dims(dy, steps)
    np.testing.assert_allclose(whole.global_mean_forward(x, steps=steps), x.mean(axis=steps), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(
        whole.global_mean_forward(x, weight, steps=steps), (x * spread).sum(axis=steps), rtol=1e-12, atol=1e-14
    )
    dx = whole.global_mean_backward(dy, shape[steps], steps=steps)
    np.testing.assert_allclose(dx, np.broadcast_to(given / shape[steps], shape), rtol=1e-12)
    dx = whole.global_mean_backward(dy, shape[steps], weight, steps=steps)
    np.testing.assert_allclose(dx, given * spread, rtol=1e-12)
    x = np.round(x)  # equals share
    y = whole.global_max_forward(x, steps=steps)
    largest = x == x.max(axis=steps, keepdims=True)
    np.testing.assert_array_equal(y, x.max(axis=steps))
    np.testing.assert_allclose(
        whole.global_max_backward(dy, x, y, steps=steps), given * largest / largest.sum(axis=steps, keepdims=True)
    )


@pytest.mark.parametrize("steps", [1, 2])
def test_masked_means(steps):
    x = np.random.default_rng(0).normal(size=(4, 6, 6))
    mask = np.random.default_rng(1).random((4, 6)) < 0.5
    mask[0], mask[1] = False, True
    spread = np.expand_dims(mask, 3 - steps)
    x[~np.broadcast_to(spread, x.shape)] = np.nan  # what is not valid does not count, whatever it is
    y, weight = whole.masked_mean_forward(x, mask, steps=steps)
    assert np.isnan(y[0]).all()
    expected = np.where(spread, x, 0).sum(axis=steps)[1:] / mask.sum(axis=1)[1:, None]
    np.testing.assert_allclose(y[1:], expected, rtol=1e-12)
    np.testing.assert_allclose(weight[1:], mask[1:] / mask[1:].sum(axis=1, keepdims=True), rtol=1e-12)
