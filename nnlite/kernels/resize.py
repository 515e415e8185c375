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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel

Array = NDArray[Any]
Edges = tuple[tuple[int, int], tuple[int, int]]

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
    return _products(x, [(axis, weights(old, new, method, antialias, x.dtype)) for axis, old, new in shapes])


def resize_backward(
    dy: Array, axes: tuple[int, int], size: tuple[int, int], method: str = "bilinear", antialias: bool = False
) -> Array:
    """Return dx for x of ``size`` along the axes: ``dx[i] = sum_j w[i, j] dy[j]``.

    >>> resize_backward(np.ones((1, 2, 4)), (1, 2), (2, 2))[0, 0].tolist()
    [2.0, 2.0]
    """
    shapes = zip(axes, size, (dy.shape[axis] for axis in axes), strict=True)
    return _products(dy, [(axis, weights(old, new, method, antialias, dy.dtype).T) for axis, old, new in shapes])


def _products(x: Array, factors: list[tuple[int, Array]]) -> Array:
    """Multiply along several axes, first where the result is smallest; images are shared among threads."""
    factors = [(axis, w) for axis, w in factors if w.shape[0] != w.shape[1]]
    factors.sort(key=lambda factor: factor[1].shape[1] / factor[1].shape[0])
    if not factors or not x.size:
        shape = list(x.shape)
        for axis, w in factors:
            shape[axis] = w.shape[1]
        return x if not factors else np.zeros(shape, x.dtype)
    steps = sum(w.shape[1] for _, w in factors)

    def task(start: int, stop: int) -> Array:
        part = x[start:stop]
        for axis, w in factors:
            part = _product(part, axis, w)
        return part

    parts = parallel.run(task, len(x), x.size * (steps / 4e4 + 0.004))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _product(x: Array, axis: int, w: Array) -> Array:
    """y[.., j, ..] = sum_i x[.., i, ..] w[i, j] along one axis."""
    *lead, size = x.shape[: axis + 1]
    after = x.shape[axis + 1 :]
    count = math.prod(after)
    y = x.reshape(-1, size) @ w if count == 1 else np.matmul(w.T, x.reshape(-1, size, count))
    return y.reshape(*lead, w.shape[1], *after)


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
    return np.broadcast_to(spread, split).reshape([size * t for size, t in zip(x.shape, times, strict=True)])


def repeat_backward(dy: Array, times: tuple[int, ...]) -> Array:
    """Return dx: the sums of dy over the places that a value of x went to.

    >>> repeat_backward(np.array([[1.0, 2.0, 3.0, 4.0]]), (1, 2)).tolist()
    [[3.0, 7.0]]
    """
    for axis, t in enumerate(times):
        if t > 1:
            whole = (slice(None),) * axis
            places = [(*whole, slice(first, None, t)) for first in range(t)]
            total = dy[places[0]] + dy[places[1]]
            for place in places[2:]:
                total += dy[place]
            dy = total
    return dy
