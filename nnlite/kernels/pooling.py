"""Pooling over windows: the largest or the mean element of each channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel
from nnlite.kernels.windows import Axis, axes, per_axis, taps

Array = NDArray[Any]
Sizes = int | Sequence[int]

# Elements that one thread pools in a microsecond, for the choice of threads.
RATE = 1000.0
# Elements of x worked on at a time: they and their results stay in cache.
CHUNK = 131072


class PoolCache(NamedTuple):
    """What the backward passes of pooling need."""

    x: Array | None
    y: Array | None
    spatial: tuple[Axis, ...]
    shape: tuple[int, ...]


def max_pool_forward(
    x: Array, pool: Sizes, *, strides: Sizes | None = None, padding: str = "valid"
) -> tuple[Array, PoolCache]:
    """Return y[n, o, c] = max over the taps t of x[n, o*s - before + t, c], and the cache for backward.

    Args:
        x: (N, spatial axes..., C), floating.
        pool: window size, one number or one per spatial axis.
        strides: step of the window; the window size where None.
        padding: "valid" or "same" (what lies outside never wins).

    Returns:
        y (N, windows..., C) in x's dtype, and the cache.

    Raises:
        ValueError: the window does not fit, or the padding is unknown.

    NaN in a window gives NaN.

    >>> max_pool_forward(np.array([[[1.0], [3.0], [2.0], [0.0]]]), 2)[0].ravel().tolist()
    [3.0, 2.0]
    """
    x, spatial = _prepare(x, pool, strides, padding)
    y = _max_pool(x, spatial)
    return y, PoolCache(x, y, spatial, x.shape)


def max_pool_backward(dy: Array, cache: PoolCache) -> Array:
    """Return dx: each dy goes to the first of the largest elements of its window, in the order of the taps.

    Args:
        dy: (N, windows..., C).
        cache: from :func:`max_pool_forward`.
    """
    x, y, spatial = cache.x, cache.y, cache.spatial
    assert x is not None and y is not None
    dx = np.zeros(x.shape, x.dtype)

    def task(start: int, stop: int) -> None:
        step = _images(cache.shape)
        for i in range(start, stop, step):
            j = min(stop, i + step)
            rest = np.array(dy[i:j], x.dtype)
            for _, windows, inputs in taps(spatial):
                share = rest[windows] * (x[i:j][inputs] == y[i:j][windows])
                rest[windows] -= share
                dx[i:j][inputs] += share

    parallel.run(task, len(x), x.size / RATE * 4)
    return dx


def max_pool(x: Array, pool: Sizes, *, strides: Sizes | None = None, padding: str = "valid") -> Array:
    """Return y as :func:`max_pool_forward` does, keeping nothing."""
    return _max_pool(*_prepare(x, pool, strides, padding))


def avg_pool_forward(
    x: Array, pool: Sizes, *, strides: Sizes | None = None, padding: str = "valid"
) -> tuple[Array, PoolCache]:
    """Return y[n, o, c] = mean over the taps t inside x of x[n, o*s - before + t, c], and the cache for backward.

    Arguments, results and errors as :func:`max_pool_forward`. With "same", the mean is over the real elements only.

    >>> avg_pool_forward(np.arange(1.0, 6.0).reshape(1, 5, 1), 4, strides=2, padding="same")[0].ravel().tolist()
    [2.0, 3.5, 4.5]
    """
    x, spatial = _prepare(x, pool, strides, padding)
    y = np.zeros((len(x), *(one.out for one in spatial), x.shape[-1]), x.dtype)
    share = _shares(spatial, x.dtype)

    def task(start: int, stop: int) -> None:
        step = _images(x.shape)
        for i in range(start, stop, step):
            part = y[i : min(stop, i + step)]
            for _, windows, inputs in taps(spatial):
                part[windows] += x[i : min(stop, i + step)][inputs]
            part *= share

    parallel.run(task, len(x), x.size / RATE)
    return y, PoolCache(None, None, spatial, x.shape)


def avg_pool_backward(dy: Array, cache: PoolCache) -> Array:
    """Return dx: each dy is shared equally among the real elements of its window.

    Args:
        dy: (N, windows..., C).
        cache: from :func:`avg_pool_forward`.
    """
    dx = np.zeros(cache.shape, dy.dtype.newbyteorder("="))
    share = _shares(cache.spatial, dx.dtype)

    def task(start: int, stop: int) -> None:
        step = _images(cache.shape)
        for i in range(start, stop, step):
            given = dy[i : min(stop, i + step)] * share
            for _, windows, inputs in taps(cache.spatial):
                dx[i : min(stop, i + step)][inputs] += given[windows]

    parallel.run(task, len(dx), dx.size / RATE)
    return dx


def avg_pool(x: Array, pool: Sizes, *, strides: Sizes | None = None, padding: str = "valid") -> Array:
    """Return y as :func:`avg_pool_forward` does."""
    return avg_pool_forward(x, pool, strides=strides, padding=padding)[0]


def _prepare(x: Array, pool: Sizes, strides: Sizes | None, padding: str) -> tuple[Array, tuple[Axis, ...]]:
    rank = x.ndim - 2
    if rank < 1:
        raise ValueError(f"Pooling: x must be (batch, spatial axes..., channels), got shape {x.shape}.")
    if padding == "causal":
        raise ValueError("padding: got 'causal', expected 'valid' or 'same'.")
    size = per_axis(pool, rank, "pool_size")
    steps = size if strides is None else per_axis(strides, rank, "strides")
    return x.astype(x.dtype.newbyteorder("="), copy=False), axes(padding, x.shape[1:-1], size, steps, (1,) * rank)


def _images(shape: tuple[int, ...]) -> int:
    return max(1, CHUNK // max(1, math.prod(shape[1:])))


def _max_pool(x: Array, spatial: tuple[Axis, ...]) -> Array:
    y = np.empty((len(x), *(one.out for one in spatial), x.shape[-1]), x.dtype)

    def task(start: int, stop: int) -> None:
        step = _images(x.shape)
        for i in range(start, stop, step):
            part = y[i : min(stop, i + step)]
            part.fill(-np.inf)
            for _, windows, inputs in taps(spatial):
                np.maximum(part[windows], x[i : min(stop, i + step)][inputs], out=part[windows])

    parallel.run(task, len(x), x.size / RATE)
    return y


def _shares(spatial: tuple[Axis, ...], dtype: np.dtype[Any]) -> Array:
    """One over the number of real elements of each window, (windows..., 1)."""
    real = np.zeros([one.out for one in spatial])
    for _, windows, _inputs in taps(spatial):
        real[windows[1:]] += 1
    return (1 / np.maximum(real, 1))[..., None].astype(dtype)
