"""Pooling with a given number of windows along each axis, whatever the size of the input.

Window o of O along an axis of n elements covers those from ``floor(o n / O)`` to before ``ceil((o + 1) n / O)``. With
g the greatest common divisor of n and O this is g times the same: O / g windows over n / g elements. So an axis is
seen as (g, n / g), and each of the O / g windows is worked on in all groups at once. One axis is done after the other:
the mean of a window is the mean of its rows' means, and so for the largest.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel

Array = NDArray[Any]

# Elements that one thread pools in a microsecond, for the choice of threads.
RATE = 2000.0
# Elements of x worked on at a time: they and their results stay in cache.
CHUNK = 524288
# Windows longer than this are reduced by one call, shorter ones by one for each element. Up to so many long windows,
# the place of the largest is looked for in one call, too; with more, going through the elements is faster.
LONG, FEW = 8, 16384


class Windows(NamedTuple):
    """The windows along one axis of ``size`` elements: ``groups`` times those that ``slices`` names."""

    size: int
    out: int
    groups: int
    slices: tuple[slice, ...]


class AdaptiveMaxCache(NamedTuple):
    """What the backward pass of the maximum needs: x, and the result after each axis."""

    stages: list[Array]
    spatial: tuple[Windows, ...]


def windows(size: int, out: int) -> Windows:
    """Return the windows along an axis.

    >>> windows(10, 4)
    Windows(size=10, out=4, groups=2, slices=(slice(0, 3, None), slice(2, 5, None)))
    """
    groups = math.gcd(size, out)
    inner, each = size // groups, out // groups
    return Windows(size, out, groups, tuple(slice(o * inner // each, -(-(o + 1) * inner // each)) for o in range(each)))


def adaptive_max_forward(x: Array, output_size: tuple[int, ...]) -> tuple[Array, AdaptiveMaxCache]:
    """Return y[n, o, c] = the largest of x[n, window o, c], and the cache for backward.

    Args:
        x: (N, spatial axes..., C), no axis but the first empty.
        output_size: number of windows along each spatial axis.

    Returns:
        y (N, output_size..., C) and the cache.

    >>> adaptive_max_forward(np.arange(5.0).reshape(1, 5, 1), (2,))[0].ravel().tolist()
    [2.0, 4.0]
    """
    spatial = _spatial(x.shape, output_size)
    shapes = [(len(x), *output_size[:axis], *x.shape[axis + 1 :]) for axis in range(1, len(spatial) + 1)]
    stages = [memory.empty(shape, x.dtype.newbyteorder("=")) for shape in shapes]
    _reduce(np.maximum, x, spatial, [*stages])
    return stages[-1], AdaptiveMaxCache([x, *stages], spatial)


def adaptive_max_backward(dy: Array, cache: AdaptiveMaxCache) -> Array:
    """Return dx: each dy goes to the first of the largest along the last axis, there to the first along the one before.

    Args:
        dy: (N, output_size..., C).
        cache: from :func:`adaptive_max_forward`.
    """
    stages, spatial = cache
    x = stages[0]
    dx = memory.empty(x.shape, stages[-1].dtype)

    def task(start: int, stop: int) -> None:
        for part in _chunks(start, stop, x.shape):
            given = np.asarray(dy[part], dx.dtype)
            for axis in range(len(spatial), 0, -1):
                before, largest = stages[axis - 1][part], stages[axis][part]
                target = dx[part] if axis == 1 else memory.empty(before.shape, dx.dtype)
                _give_to_largest(given, before, largest, spatial[axis - 1], axis, target)
                given = target

    parallel.run(task, len(x), x.size / RATE * 3)
    return dx


def adaptive_mean_forward(x: Array, output_size: tuple[int, ...]) -> Array:
    """Return y[n, o, c] = the mean of x[n, window o, c].

    Arguments and result as :func:`adaptive_max_forward`.

    >>> adaptive_mean_forward(np.arange(5.0).reshape(1, 5, 1), (2,)).ravel().tolist()
    [1.0, 3.0]
    """
    spatial = _spatial(x.shape, output_size)
    y = memory.empty((len(x), *output_size, x.shape[-1]), x.dtype.newbyteorder("="))
    _reduce(np.add, x, spatial, [*[None] * (len(spatial) - 1), y], _shares(spatial, y.dtype))
    return y


def adaptive_mean_backward(dy: Array, spatial_shape: tuple[int, ...]) -> Array:
    """Return dx: each dy is shared equally among its window.

    Args:
        dy: (N, output_size..., C).
        spatial_shape: sizes of x's spatial axes.
    """
    spatial = _spatial((0, *spatial_shape, 0), dy.shape[1:-1])
    dx = memory.empty((len(dy), *spatial_shape, dy.shape[-1]), dy.dtype.newbyteorder("="))
    share = _shares(spatial, dx.dtype)

    def task(start: int, stop: int) -> None:
        for part in _chunks(start, stop, dx.shape):
            given = dy[part] * share
            for axis in range(len(spatial), 0, -1):
                shape = (*given.shape[:axis], spatial[axis - 1].size, *given.shape[axis + 1 :])
                target = dx[part] if axis == 1 else memory.empty(shape, dx.dtype)
                _give_to_all(given, spatial[axis - 1], axis, target)
                given = target

    parallel.run(task, len(dx), dx.size / RATE)
    return dx


def _spatial(shape: tuple[int, ...], output_size: tuple[int, ...]) -> tuple[Windows, ...]:
    return tuple(windows(n, out) for n, out in zip(shape[1:-1], output_size, strict=True))


def _chunks(start: int, stop: int, shape: tuple[int, ...]) -> list[slice]:
    step = max(1, CHUNK // max(1, math.prod(shape[1:])))
    return [slice(i, min(stop, i + step)) for i in range(start, stop, step)]


def _grouped(a: Array, axis: int, groups: int) -> Array:
    """Return a with an axis cut into groups, and what counts the elements of a group in front; a view."""
    split = a.reshape(*a.shape[:axis], groups, a.shape[axis] // groups, *a.shape[axis + 1 :])
    return np.moveaxis(split, axis + 1, 0)


def _reduce(
    ufunc: np.ufunc, x: Array, spatial: tuple[Windows, ...], stages: list[Array | None], scale: Array | None = None
) -> None:
    """Write the windows' largest elements, or sums, after each axis; the last times ``scale``. None is not kept."""

    def task(start: int, stop: int) -> None:
        for part in _chunks(start, stop, x.shape):
            values = x[part]
            for axis, (one, stage) in enumerate(zip(spatial, stages, strict=True), 1):
                shape = (*values.shape[:axis], one.out, *values.shape[axis + 1 :])
                out = memory.empty(shape, x.dtype.newbyteorder("=")) if stage is None else stage[part]
                _reduce_axis(ufunc, values, one, axis, out)
                values = out
            if scale is not None:
                np.multiply(values, scale, out=values)

    parallel.run(task, len(x), x.size / RATE)


def _reduce_axis(ufunc: np.ufunc, x: Array, one: Windows, axis: int, y: Array) -> None:
    """Write the windows' largest elements, or sums, along one axis."""
    inputs, outputs = _grouped(x, axis, one.groups), _grouped(y, axis, one.groups)
    for o, window in enumerate(one.slices):
        first, length = window.start, window.stop - window.start
        if length == 1:
            outputs[o] = inputs[first]
        elif length > LONG:
            ufunc.reduce(inputs[window], axis=0, out=outputs[o])
        else:
            ufunc(inputs[first], inputs[first + 1], out=outputs[o])
            for i in range(first + 2, window.stop):
                ufunc(outputs[o], inputs[i], out=outputs[o])


def _give_to_largest(given: Array, x: Array, largest: Array, one: Windows, axis: int, dx: Array) -> None:
    """Write dx: what is given to each window along one axis goes to its first element not less than the largest."""
    given, x, largest, dx = (_grouped(a, axis, one.groups) for a in (given, x, largest, dx))
    written = 0
    for rest, top, window in zip(given, largest, one.slices, strict=True):
        shared = dx[window.start].copy() if window.start < written else None  # it was in the window before, too
        if window.stop - window.start > LONG and rest.size <= FEW:
            dx[window] = 0
            np.put_along_axis(dx[window], np.equal(x[window], top).argmax(axis=0)[None], rest[None], axis=0)
        else:
            for i in range(window.start, window.stop - 1):
                passed_on = rest * np.less(x[i], top)
                np.subtract(rest, passed_on, out=dx[i])
                rest = passed_on
            dx[window.stop - 1] = rest  # what the others did not take
        if shared is not None:
            dx[window.start] += shared
        written = window.stop


def _give_to_all(given: Array, one: Windows, axis: int, dx: Array) -> None:
    """Write dx: what is given to each window along one axis goes to each of its elements."""
    given, dx = _grouped(given, axis, one.groups), _grouped(dx, axis, one.groups)
    written = 0
    for o, window in enumerate(one.slices):
        dx[window.start : written] += given[o]
        dx[max(written, window.start) : window.stop] = given[o]
        written = window.stop


def _shares(spatial: tuple[Windows, ...], dtype: np.dtype[Any]) -> Array:
    """One over the number of elements of each window, (windows..., 1)."""
    numbers = np.ones((), dtype)
    for one in spatial:
        lengths = [window.stop - window.start for window in one.slices] * one.groups
        numbers = numbers[..., None] * np.array(lengths, dtype)
    return np.asarray(1 / numbers[..., None], dtype)
