"""Pooling over windows: the largest or the mean element of each channel.

One spatial axis is done after the other: the largest of a window is the largest of its rows' largest, and the first of
the largest is the first in the first of the rows that have it. Every tap of the window is a view of the whole chunk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
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

    In a window with NaN it goes to one of them.

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


class _Tap(NamedTuple):
    """The windows along one axis that have a tap inside, and the inputs it finds there: which they are, and which among
    those of the same remainder by the stride."""

    windows: slice
    inputs: slice
    remainder: int
    place: slice


# A net asks again each step.
@lru_cache(maxsize=1024)
def _taps_along(one: Axis) -> list[_Tap]:
    """Return the taps of the windows along one axis, in order."""
    found = []
    for windows, inputs in map(one.tap, range(one.kernel)):
        first, remainder = divmod(inputs.start, one.stride)
        found.append(_Tap(windows, inputs, remainder, slice(first, first + windows.stop - windows.start)))
    return found


@lru_cache(maxsize=1024)
def _all_taps(spatial: tuple[Axis, ...]) -> list[Any]:
    """Return the taps of the windows along all axes, in order."""
    return list(taps(spatial))


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
    found = [(tap.windows, x[_along(axis, tap.inputs)]) for tap in _taps_along(one)]
    return _reduce_taps(ufunc, found, one, axis, out)


def _reduce_taps(
    ufunc: np.ufunc, found: list[tuple[slice, Array]], one: Axis, axis: int, out: Array | None = None
) -> Array:
    """Return the windows' largest elements, or sums, along one axis, given what each tap of which windows finds."""
    if out is None:
        shape, dtype = found[0][1].shape, found[0][1].dtype
        out = memory.empty((*shape[:axis], one.out, *shape[axis + 1 :]), dtype)
    everywhere = slice(0, one.out)
    # A tap that every window has inside starts, with the next such tap where there is one; the others follow.
    full = [i for i, (windows, _) in enumerate(found) if windows == everywhere][:2]
    if len(full) == 2:
        ufunc(found[full[0]][1], found[full[1]][1], out=out)
    elif full:
        out[...] = found[full[0]][1]
    else:
        out.fill(-np.inf if ufunc is np.maximum else 0)
    for i, (windows, inputs) in enumerate(found):
        if i not in full:
            part = out[_along(axis, windows)]
            ufunc(part, inputs, out=part)
    return out


def _apart(x: Array, one: Axis, axis: int) -> list[Array]:
    """Return the elements along an axis by their remainder by the stride, views."""
    return [x[_along(axis, slice(remainder, None, one.stride))] for remainder in range(one.stride)]


def give_to_largest(given: Array, x: Array, largest: Array, spatial: tuple[Axis, ...], dx: Array) -> None:
    """Write dx of a few images: what a window is given goes to the first of its largest elements.

    Where windows overlap, it goes along the first axis to the first row that has the largest, in that row along the
    next axis, and so on: 3 + 3 taps, where the same at once would be 9. Windows of their own elements are seen at once.
    """
    if all(one.stride >= one.kernel for one in spatial):
        _give_apart(given, x, largest, spatial, dx)
        return
    rank = len(spatial)
    stages = []
    for axis in range(rank, 0, -1):
        one, shape = spatial[axis - 1], x.shape
        inputs = _apart(x, one, axis)
        if axis == rank and one.stride > 1:
            # Elements at distances of a stride are runs of C numbers only here, for each of which NumPy's loops begin
            # anew: three to six times the time of long runs, to which they are copied.
            inputs = [_copied(part) for part in inputs]
        if axis == 1:
            x = largest
        else:
            found = [(tap.windows, inputs[tap.remainder][_along(axis, tap.place)]) for tap in _taps_along(one)]
            x = _reduce_taps(np.maximum, found, one, axis)
        stages.append((axis, one, inputs, x, shape))
    for axis, one, inputs, x, shape in reversed(stages):
        target = dx if axis == rank else memory.empty(shape, dx.dtype)
        gradients = _apart(target, one, axis)
        copied = axis == rank and one.stride > 1
        parts = [memory.empty(part.shape, dx.dtype) for part in gradients] if copied else gradients
        _give_along(given, inputs, x, one, axis, parts)
        if copied:
            for gradient, part in zip(gradients, parts, strict=True):
                gradient[...] = part
        given = target


def _copied(x: Array) -> Array:
    copy = memory.empty(x.shape, x.dtype)
    np.copyto(copy, x)
    return copy


def _give_along(given: Array, inputs: list[Array], largest: Array, one: Axis, axis: int, parts: list[Array]) -> None:
    """Write the gradients of what :func:`_apart` returns: what each window along one axis is given goes to the first
    of its elements that is not less than the largest."""
    less = np.empty(given.shape, bool)
    rest, spare = given, None
    untouched = set(range(len(parts)))
    for t, (windows, _, remainder, place) in enumerate(_taps_along(one)):
        if windows.start == windows.stop:
            continue
        where, there = _along(axis, windows), _along(axis, place)
        into, left, new = parts[remainder][there], rest[where], remainder in untouched
        if new:
            untouched.remove(remainder)
            for outside in _outside(place, parts[remainder].shape[axis]):
                parts[remainder][_along(axis, outside)] = 0
        if t == one.kernel - 1:  # it gets what the others did not take
            if new:
                into[...] = left
            else:
                into += left
            break
        passed_on = memory.empty(given.shape, given.dtype) if spare is None else spare
        loses = np.less(inputs[remainder][there], largest[where], out=less[where])
        lost = np.multiply(left, loses, out=passed_on[where])
        if new:
            np.subtract(left, lost, out=into)
        else:
            into += left
            into -= lost
        for outside in _outside(windows, one.out):  # windows that lack this tap keep what they have
            passed_on[_along(axis, outside)] = rest[_along(axis, outside)]
        rest, spare = passed_on, None if rest is given else rest
    for remainder in untouched:
        parts[remainder].fill(0)


def _outside(inside: slice, size: int) -> list[slice]:
    """Return what of an axis is before and after a slice of it, where there is anything."""
    return [one for one in (slice(0, inside.start), slice(inside.stop, size)) if one.start < one.stop]


def _give_apart(given: Array, x: Array, largest: Array, spatial: tuple[Axis, ...], dx: Array) -> None:
    """Write dx, as :func:`give_to_largest`, where no element is in two windows."""
    if any(one.stride > one.kernel or one.out * one.kernel != one.size for one in spatial):
        dx.fill(0)
    last = math.prod(one.kernel for one in spatial) - 1
    losing = np.empty(given.shape, bool)
    rest, spare, other = given, memory.empty(given.shape, dx.dtype), memory.empty(given.shape, dx.dtype)
    for t, (_, windows, inputs) in enumerate(_all_taps(spatial)):
        into, left = dx[inputs], rest[windows]
        if t == last:  # it gets what the others did not take
            passed_on = None
        else:
            less = np.less(x[inputs], largest[windows], out=losing[windows])
            passed_on = np.multiply(left, less, out=spare[windows])
        if passed_on is None:
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
    add = _prefill(one, dx)
    for windows, inputs, *_ in _taps_along(one):
        into, more = dx[_along(axis, inputs)], given[_along(axis, windows)]
        if add:
            into += more
        else:
            into[...] = more


def _prefill(one: Axis, dx: Array) -> bool:
    """Fill dx with zeros unless each element lies in exactly one window; return whether some lie in several."""
    overlap = one.stride < one.kernel
    if overlap or one.stride > one.kernel or one.out * one.kernel != one.size:
        dx.fill(0)
    return overlap


@lru_cache(maxsize=1024)
def _shares(spatial: tuple[Axis, ...], dtype: np.dtype[Any]) -> Array:
    """One over the number of real elements of each window, (windows..., 1)."""
    real = np.ones((), dtype)
    for one in spatial:
        counts = np.zeros(one.out, dtype)
        for tap in _taps_along(one):
            counts[tap.windows] += 1
        real = real[..., None] * np.maximum(counts, 1)
    return np.asarray(1 / real[..., None], dtype)
