"""Pooling over windows: the largest or the mean element of each channel.

Forward is done one spatial axis after the other: the largest of a window is the largest of its rows' largest. Every
tap of the window is a strided view of the whole chunk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.windows import Axis, axes, per_axis, taps

Array = NDArray[Any]
Sizes = int | Sequence[int]

# Elements that one thread pools in a microsecond, for the choice of threads.
RATE = 2000.0
# Elements of x worked on at a time: they and their results stay in cache.
CHUNK = 524288


class PoolCache(NamedTuple):
    """What the backward passes of pooling need; x and y for the maximum only."""

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
    y = _reduce(np.maximum, x, spatial)
    return y, PoolCache(x, y, spatial, x.shape)


def max_pool_backward(dy: Array, cache: PoolCache) -> Array:
    """Return dx: each dy goes to the first of the largest elements of its window, in the order of the taps.

    In a window with NaN it goes to the first.

    Args:
        dy: (N, windows..., C).
        cache: from :func:`max_pool_forward`.
    """
    x, y, spatial = cache.x, cache.y, cache.spatial
    assert x is not None and y is not None
    dx = memory.empty(x.shape, x.dtype)

    def task(start: int, stop: int) -> None:
        for part in _chunks(start, stop, cache.shape):
            give_to_largest(np.asarray(dy[part], x.dtype), x[part], y[part], spatial, dx[part])

    parallel.run(task, len(x), x.size / RATE * 3)
    return dx


def max_pool(x: Array, pool: Sizes, *, strides: Sizes | None = None, padding: str = "valid") -> Array:
    """Return y as :func:`max_pool_forward` does, keeping nothing."""
    return _reduce(np.maximum, *_prepare(x, pool, strides, padding))


def avg_pool_forward(
    x: Array, pool: Sizes, *, strides: Sizes | None = None, padding: str = "valid"
) -> tuple[Array, PoolCache]:
    """Return y[n, o, c] = mean over the taps t inside x of x[n, o*s - before + t, c], and the cache for backward.

    Arguments, results and errors as :func:`max_pool_forward`. With "same", the mean is over the real elements only.

    >>> avg_pool_forward(np.arange(1.0, 6.0).reshape(1, 5, 1), 4, strides=2, padding="same")[0].ravel().tolist()
    [2.0, 3.5, 4.5]
    """
    x, spatial = _prepare(x, pool, strides, padding)
    return _reduce(np.add, x, spatial, _shares(spatial, x.dtype)), PoolCache(None, None, spatial, x.shape)


def avg_pool_backward(dy: Array, cache: PoolCache) -> Array:
    """Return dx: each dy is shared equally among the real elements of its window.

    Args:
        dy: (N, windows..., C).
        cache: from :func:`avg_pool_forward`.
    """
    spatial = cache.spatial
    dx = memory.empty(cache.shape, dy.dtype.newbyteorder("="))
    share = _shares(spatial, dx.dtype)

    def task(start: int, stop: int) -> None:
        for part in _chunks(start, stop, cache.shape):
            given = dy[part] * share
            for axis in range(len(spatial), 0, -1):
                shape = (*given.shape[:axis], spatial[axis - 1].size, *given.shape[axis + 1 :])
                target = dx[part] if axis == 1 else memory.empty(shape, dx.dtype)
                _give_to_all(given, spatial[axis - 1], axis, target)
                given = target

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


def _chunks(start: int, stop: int, shape: tuple[int, ...]) -> list[slice]:
    step = max(1, CHUNK // max(1, math.prod(shape[1:])))
    return [slice(i, min(stop, i + step)) for i in range(start, stop, step)]


def _along(axis: int, taken: slice) -> tuple[slice, ...]:
    return (slice(None),) * axis + (taken,)


def _reduce(ufunc: np.ufunc, x: Array, spatial: tuple[Axis, ...], scale: Array | None = None) -> Array:
    """Return the windows' largest elements, or sums, times ``scale``; the first axis first: its taps are long runs."""
    y = memory.empty((len(x), *(one.out for one in spatial), x.shape[-1]), x.dtype)

    def task(start: int, stop: int) -> None:
        for part in _chunks(start, stop, x.shape):
            reduce_windows(ufunc, x[part], spatial, y[part])
            if scale is not None:
                np.multiply(y[part], scale, out=y[part])

    parallel.run(task, len(x), x.size / RATE)
    return y


def reduce_windows(ufunc: np.ufunc, x: Array, spatial: tuple[Axis, ...], y: Array) -> None:
    """Write the windows' largest elements, or sums, of a few images x into y."""
    for axis, one in enumerate(spatial, 1):
        x = _reduce_axis(ufunc, x, one, axis, y if axis == len(spatial) else None)


def _reduce_axis(ufunc: np.ufunc, x: Array, one: Axis, axis: int, out: Array | None = None) -> Array:
    """Return the windows' largest elements, or sums, along one axis."""
    if out is None:
        out = memory.empty((*x.shape[:axis], one.out, *x.shape[axis + 1 :]), x.dtype)
    everywhere = slice(0, one.out)
    pairs = [one.tap(t) for t in range(one.kernel)]
    # A tap that every window has inside starts, with the next such tap where there is one; the others follow.
    full = [i for i, (windows, _) in enumerate(pairs) if windows == everywhere][:2]
    if len(full) == 2:
        ufunc(x[_along(axis, pairs[full[0]][1])], x[_along(axis, pairs[full[1]][1])], out=out)
    elif full:
        out[...] = x[_along(axis, pairs[full[0]][1])]
    else:
        out.fill(-np.inf if ufunc is np.maximum else 0)
    for i, (windows, inputs) in enumerate(pairs):
        if i not in full:
            part = out[_along(axis, windows)]
            ufunc(part, x[_along(axis, inputs)], out=part)
    return out


def give_to_largest(given: Array, x: Array, largest: Array, spatial: tuple[Axis, ...], dx: Array) -> None:
    """Write dx of a few images: what a window is given goes to its first element that is not less than the largest."""
    add = _prefill(spatial, dx)
    last = math.prod(one.kernel for one in spatial) - 1
    losing = np.empty(given.shape, bool)
    rest, spare, other = given, memory.empty(given.shape, dx.dtype), memory.empty(given.shape, dx.dtype)
    for t, (_, windows, inputs) in enumerate(taps(spatial)):
        into, left = dx[inputs], rest[windows]
        if t == last:  # it gets what the others did not take
            passed_on = None
        else:
            less = np.less(x[inputs], largest[windows], out=losing[windows])
            passed_on = np.multiply(left, less, out=spare[windows])
        if add:
            into += left if passed_on is None else left - passed_on
        elif passed_on is None:
            into[...] = left
        else:
            np.subtract(left, passed_on, out=into)
        if passed_on is None or passed_on.shape == rest.shape:
            rest, spare, other = spare, other, spare
        else:  # windows that lack this tap keep what they have
            rest = given.copy() if rest is given else rest
            rest[windows] = passed_on


def _give_to_all(given: Array, one: Axis, axis: int, dx: Array) -> None:
    """Write dx: what is given to each window along one axis goes to each of its elements."""
    add = _prefill((one,), dx)
    for t in range(one.kernel):
        windows, inputs = one.tap(t)
        into, more = dx[_along(axis, inputs)], given[_along(axis, windows)]
        if add:
            into += more
        else:
            into[...] = more


def _prefill(spatial: tuple[Axis, ...], dx: Array) -> bool:
    """Fill dx with zeros unless each element lies in exactly one window; return whether some lie in several."""
    overlap = any(one.stride < one.kernel for one in spatial)
    if overlap or any(one.stride > one.kernel or one.out * one.kernel != one.size for one in spatial):
        dx.fill(0)
    return overlap


def _shares(spatial: tuple[Axis, ...], dtype: np.dtype[Any]) -> Array:
    """One over the number of real elements of each window, (windows..., 1)."""
    real = np.ones((), dtype)
    for one in spatial:
        counts = np.zeros(one.out, dtype)
        for t in range(one.kernel):
            counts[one.tap(t)[0]] += 1
        real = real[..., None] * np.maximum(counts, 1)
    return np.asarray(1 / real[..., None], dtype)
