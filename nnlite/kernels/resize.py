"""Resampling along axes: images of another size, as sums of neighbouring pixels, and its transpose.

Pixel i of a line of n covers the interval from i to i + 1. Output pixel j of m has its centre at
``c = (j + 1/2) n / m - 1/2`` in input pixels, and is ``y[j] = sum_i x[i] w[i, j]`` with
``w[i, j] = k(|c - i|) / sum_l k(|c - l|)`` for a kernel function k (Keys, 1981, for the cubic one). An image is resized
along one axis after the other, each a product with such a matrix; backward multiplies by its transpose.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel

Array = NDArray[Any]
Edges = tuple[tuple[int, int], tuple[int, int]]

# Where at most one entry of a column in this many counts, sums of places beat the product: an image of 512 x 512 x 3 to
# 224 x 224 in 0.5 ms rather than 5.5, one of 128 x 128 to 64 x 64 in 0.18 rather than 0.45, of 64 x 64 in no less.
_SPARSE = 40
# Pixels of fewer values are not worth an inner loop.
_FEW = 16

METHODS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


def _linear(d: Array) -> Any:
    return np.maximum(0, 1 - d)


def _cubic(d: Array) -> Any:
    near = (1.5 * d - 2.5) * d * d + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d < 1, near, np.where(d < 2, far, 0))


def _lanczos(radius: int, d: Array) -> Any:
    return np.where(d <= radius, np.sinc(d) * np.sinc(d / radius), 0)


_KERNELS: dict[str, Callable[[Array], Any]] = {
    "bilinear": _linear,
    "bicubic": _cubic,
    "lanczos3": lambda d: _lanczos(3, d),
    "lanczos5": lambda d: _lanczos(5, d),
}


@lru_cache(maxsize=128)
def weights(size: int, new_size: int, method: str = "bilinear", antialias: bool = False, dtype: Any = "f4") -> Array:
    """Return the matrix w, (size, new_size), of the module's formula; read-only, as it is kept for the next call.

    Args:
        size: pixels of a line.
        new_size: pixels that it is to have.
        method: one of METHODS; "nearest" takes the pixel that the centre lies in.
        antialias: whether kernels widen with the pixels where ``new_size`` is smaller, so that all of the line counts.
        dtype: of the matrix.

    >>> weights(2, 4)[0].tolist()
    [1.0, 0.75, 0.25, 0.0]
    """
    if method == "nearest":
        found = np.zeros((size, new_size), dtype)
        found[_nearest(size, new_size), np.arange(new_size)] = 1
    else:
        centres = (np.arange(new_size) + 0.5) * (size / new_size) - 0.5
        wide = max(size / new_size, 1.0) if antialias else 1.0
        values = _KERNELS[method](np.abs(centres - np.arange(size)[:, None]) / wide)
        found = (values / values.sum(axis=0)).astype(dtype)
    found.flags.writeable = False
    return found


def _nearest(size: int, new_size: int) -> Array:
    """floor((j + 1/2) size / new_size), in the single precision that decides ties as JAX does."""
    scale = np.float32(size) * (np.float32(1) / np.float32(new_size))
    places: Array = np.floor((np.arange(new_size, dtype=np.float32) + np.float32(0.5)) * scale)
    return places.astype(np.intp)


def resize_forward(
    x: Array, axes: tuple[int, int], size: tuple[int, int], method: str = "bilinear", antialias: bool = False
) -> Array:
    """Return y, x with another size along two neighbouring axes; axes that keep theirs are left alone.

    Args:
        x: (N, ...), float.
        axes: which, as in ``x.shape``; not 0.
        size: the new sizes.
        method: one of METHODS.
        antialias: see :func:`weights`.

    >>> resize_forward(np.array([[[0.0, 1.0], [2.0, 3.0]]]), (1, 2), (2, 4))[0, 0].tolist()
    [0.0, 0.25, 0.75, 1.0]
    """
    shapes = list(zip(axes, (x.shape[axis] for axis in axes), size, strict=True))
    if method == "nearest":
        for axis, old, new in shapes:
            if old != new:
                x = x.take(_nearest(old, new), axis=axis)
        return x
    return _products(x, [(axis, _factor(old, new, method, antialias, x.dtype, False)) for axis, old, new in shapes])


def resize_backward(
    dy: Array, axes: tuple[int, int], size: tuple[int, int], method: str = "bilinear", antialias: bool = False
) -> Array:
    """Return dx for x of ``size`` along the axes: ``dx[i] = sum_j w[i, j] dy[j]``.

    >>> resize_backward(np.ones((1, 2, 4)), (1, 2), (2, 2))[0, 0].tolist()
    [2.0, 2.0]
    """
    shapes = zip(axes, size, (dy.shape[axis] for axis in axes), strict=True)
    return _products(dy, [(axis, _factor(old, new, method, antialias, dy.dtype, True)) for axis, old, new in shapes])


class _Factor(NamedTuple):
    """A matrix (size in, size out) and, where few of its entries count, those: places and values (most, size out)."""

    matrix: Array
    places: Array | None = None
    values: Array | None = None


@lru_cache(maxsize=128)
def _factor(size: int, new_size: int, method: str, antialias: bool, dtype: Any, transposed: bool) -> _Factor:
    """The weights, or their transpose, as the faster of both forms."""
    w = weights(size, new_size, method, antialias, dtype)
    w = w.T if transposed else w
    most = int((w != 0).sum(axis=0).max())
    if most * _SPARSE > len(w):
        return _Factor(w)
    places = np.argsort(w == 0, axis=0, kind="stable")[:most]
    return _Factor(w, places, np.take_along_axis(w, places, axis=0))


def _products(x: Array, factors: list[tuple[int, _Factor]]) -> Array:
    """Multiply along several axes, first where the result is smallest; images are shared among threads."""
    ratios = [f.matrix.shape[1] / f.matrix.shape[0] for _, f in factors]
    factors = [factors[i] for i in np.argsort(ratios, kind="stable") if ratios[i] != 1]
    if not factors:
        return x
    shape = list(x.shape)
    for axis, factor in factors:
        shape[axis] = factor.matrix.shape[1]
    y = memory.empty(shape, x.dtype)
    steps = sum(f.matrix.shape[1] if f.places is None else 40 * len(f.places) for _, f in factors)

    def task(start: int, stop: int) -> None:
        part = x[start:stop]
        for axis, factor in factors:
            part = _product(part, axis, factor)
        y[start:stop] = part

    if y.size:
        parallel.run(task, len(x), x.size * (steps / 4e4 + 0.004))
    return y


def _product(x: Array, axis: int, factor: _Factor) -> Array:
    """y[.., j, ..] = sum_i x[.., i, ..] w[i, j] along one axis."""
    w, places, values = factor
    shape = (*x.shape[:axis], w.shape[1], *x.shape[axis + 1 :])
    size, after = len(w), math.prod(x.shape[axis + 1 :])
    if places is None or values is None:
        y: Array = memory.empty(shape, x.dtype)
        if after == 1:
            np.matmul(x.reshape(-1, size), w, out=y.reshape(-1, w.shape[1]))
        else:
            np.matmul(w.T, x.reshape(-1, size, after), out=y.reshape(-1, w.shape[1], after))
        return y
    if after < _FEW:  # as one long line, in which the values of a pixel follow each other
        places = (places[:, :, None] * after + np.arange(after)).reshape(len(places), -1)
        values, size, after = np.repeat(values, after, axis=1), size * after, 1
    lines = x.reshape(-1, size, after)
    y = lines.take(places[0], axis=1)
    y *= values[0][:, None]
    for place, value in zip(places[1:], values[1:], strict=True):
        part = lines.take(place, axis=1)
        part *= value[:, None]
        y += part
    return y.reshape(shape)


def frame_forward(x: Array, axes: tuple[int, int], edges: Edges, fill_value: float = 0.0) -> Array:
    """Return y: x with a border of ``fill_value`` along two neighbouring axes, or without that much of its own.

    Args:
        x: any shape.
        axes: which.
        edges: (before, after) for each of them; added where positive, cut off where negative, not both.

    >>> frame_forward(np.array([[1.0, 2.0, 3.0]]), (0, 1), ((1, 0), (-1, -1))).tolist()
    [[0.0], [2.0]]
    """
    kept, into, shape = [slice(None)] * x.ndim, [slice(None)] * x.ndim, list(x.shape)
    for axis, (before, after) in zip(axes, edges, strict=True):
        kept[axis] = slice(max(0, -before), shape[axis] - max(0, -after))
        shape[axis] += before + after
        into[axis] = slice(max(0, before), shape[axis] - max(0, after))
    if all(edge <= 0 for pair in edges for edge in pair):
        return x[tuple(kept)]
    y = np.full(shape, fill_value, x.dtype)
    y[tuple(into)] = x[tuple(kept)]
    return y


def frame_backward(dy: Array, axes: tuple[int, int], edges: Edges) -> Array:
    """Return dx: dy without the border, and zeros for what was cut off.

    >>> frame_backward(np.array([[0.0], [5.0]]), (0, 1), ((1, 0), (-1, -1))).tolist()
    [[0.0, 5.0, 0.0]]
    """
    (top, bottom), (left, right) = edges
    return frame_forward(dy, axes, ((-top, -bottom), (-left, -right)))


def repeat_forward(x: Array, times: tuple[int, ...]) -> Array:
    """Return y: each value of x ``times[axis]`` times in a row along each axis.

    >>> repeat_forward(np.array([[1.0, 2.0]]), (1, 2)).tolist()
    [[1.0, 1.0, 2.0, 2.0]]
    """
    if all(t == 1 for t in times):
        return x
    split = [part for size, t in zip(x.shape, times, strict=True) for part in (size, t)]
    spread = x.reshape([part for size in x.shape for part in (size, 1)])
    y = memory.empty([size * t for size, t in zip(x.shape, times, strict=True)], x.dtype)
    y.reshape(split)[...] = spread
    return y


def repeat_backward(dy: Array, times: tuple[int, ...]) -> Array:
    """Return dx: the sums of dy over the places that a value of x went to.

    >>> repeat_backward(np.array([[1.0, 2.0, 3.0, 4.0]]), (1, 2)).tolist()
    [[3.0, 7.0]]
    """
    for axis, t in enumerate(times):
        if t > 1:
            whole = (slice(None),) * axis
            places = [(*whole, slice(first, None, t)) for first in range(t)]
            first = dy[places[0]]
            total = np.add(first, dy[places[1]], out=memory.empty(first.shape, dy.dtype))
            for place in places[2:]:
                total += dy[place]
            dy = total
    return dy
