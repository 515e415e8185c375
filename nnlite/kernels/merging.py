"""Several arrays into one: products and extrema of two with their gradients, and sums over repeated axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.elementwise import BLOCK, over_elements, zeros_row

Array = NDArray[Any]


# Elements that one thread adds in a microsecond, for the choice of threads, and below which they are not thought of.
RATE, FEW = 1500.0, 65536


def plus(a: Array, b: Array, out: Array | None = None, relu: bool = False) -> Array:
    """Return a + b, or max(a + b, 0), for large arrays of one shape on several threads.

    Args:
        a, b: arrays that broadcast.
        out: where the sum goes; may be a or b.
        relu: whether a ReLU follows, which is done while the sum is in cache.
    """
    alike = a.shape == b.shape and a.dtype == b.dtype and a.dtype.isnative
    if a.size < FEW or not alike or not (a.flags.c_contiguous and b.flags.c_contiguous):
        y = np.asarray(np.add(a, b, out=out))
        return np.asarray(np.maximum(y, zeros_row(y), out=y if y.ndim else None)) if relu else y
    y = memory.empty(a.shape, a.dtype) if out is None else out
    flat_a, flat_b, flat_y = a.reshape(-1), b.reshape(-1), y.reshape(-1)

    def task(start: int, stop: int) -> None:
        # A sum alone is one operation: nothing is read twice, and threads need not take turns.
        step = BLOCK if relu else stop - start
        for first in range(start, stop, step):
            part = slice(first, min(stop, first + step))
            np.add(flat_a[part], flat_b[part], out=flat_y[part])
            if relu:
                np.maximum(flat_y[part], zeros_row(flat_y[part]), out=flat_y[part])

    parallel.run(task, a.size, (1 + relu) * a.size / RATE)
    return y


def add_up(arrays: list[Array], relu: bool = False) -> Array:
    """Return the sum of arrays that broadcast, or what a ReLU makes of it, in new memory.

    >>> add_up([np.array([1.0, -3.0]), np.array([1.0, 2.0])], relu=True).tolist()
    [2.0, 0.0]
    """
    if len(arrays) == 1:
        return np.maximum(arrays[0], zeros_row(arrays[0])) if relu else arrays[0].copy()
    *others, last = arrays
    y = others[0] if len(others) == 1 else add_up(others)
    own = len(others) > 1 and np.broadcast(y, last).shape == y.shape
    return plus(y, last, out=y if own else None, relu=relu)


def sum_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of an array of ``shape`` that was repeated to the gradient's shape: summed over the copies.

    Args:
        gradient: (N, ...).
        shape: of as many axes, each of that size or 1; axes of size 1 right after the first may be left out.

    >>> sum_to(np.ones((2, 3, 4)), (2, 4)).tolist()
    [[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]]
    """
    if gradient.shape == shape:
        return gradient
    full = raised(shape, gradient.ndim)
    axes = tuple(axis for axis, (n, m) in enumerate(zip(gradient.shape, full, strict=True)) if n != m)
    return gradient.sum(axis=axes, keepdims=True).reshape(shape) if axes else gradient.reshape(shape)


def raised(shape: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """Return a shape with axes of size 1 after the first, up to ``rank``.

    >>> raised((2, 4), 3)
    (2, 1, 4)
    """
    return (*shape[:1], *(1,) * (rank - len(shape)), *shape[1:])


def multiply_backward(dy: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """Return the gradients of y = a * b: da = dy * b and db = dy * a, summed over axes that were repeated."""
    return sum_to(times(dy, b), a.shape), sum_to(times(dy, a), b.shape)


def times(a: Array, b: Array) -> Array:
    """Return a * b, in recycled memory.

    >>> times(np.array([[2.0]]), np.array([3.0])).tolist()
    [[6.0]]
    """
    y: Array = np.multiply(a, b, out=memory.empty(np.broadcast(a, b).shape, np.result_type(a, b)))
    return y


def extremum_forward(
    a: Array, b: Array, ufunc: np.ufunc, valid_a: Array | None = None, valid_b: Array | None = None
) -> Array:
    """Return y = ufunc(a, b), the larger or the smaller; where one of them is not valid the other, a where none is.

    Args:
        a, b: arrays that broadcast.
        ufunc: ``np.maximum`` or ``np.minimum``.
        valid_a, valid_b: booleans that broadcast to them; None is all.

    >>> a, b, valid = np.array([1.0, 5.0]), np.array([3.0, 4.0]), np.array([False, True])
    >>> extremum_forward(a, b, np.maximum, valid_b=valid).tolist()
    [1.0, 5.0]
    """
    y: Array = ufunc(a, b)
    if valid_a is not None:
        y = np.where(valid_a, y, b)
    if valid_b is not None:
        y = np.where(valid_b, y, a)
    return y


def extremum_backward(
    dy: Array, a: Array, b: Array, ufunc: np.ufunc, valid_a: Array | None = None, valid_b: Array | None = None
) -> tuple[Array, Array]:
    """Return the gradients of :func:`extremum_forward`: dy goes to the one that was taken, half to each of two equals.

    >>> da, db = extremum_backward(np.ones(2), np.array([1.0, 4.0]), np.array([3.0, 4.0]), np.maximum)
    >>> da.tolist(), db.tolist()
    ([0.0, 0.5], [1.0, 0.5])
    """
    wins = np.greater if ufunc is np.maximum else np.less
    da, db = memory.empty(dy.shape, dy.dtype), memory.empty(dy.shape, dy.dtype)

    def share(dy: Array, a: Array, b: Array, db: Array, out: Array) -> None:
        np.multiply(dy, wins(a, b), out=out)
        equal = np.equal(a, b)
        if equal.any():
            half = np.multiply(dy, equal)
            np.multiply(half, half.dtype.type(0.5), out=half)
            np.add(out, half, out=out)
        np.subtract(dy, out, out=db)

    over_elements(share, (dy, np.broadcast_to(a, dy.shape), np.broadcast_to(b, dy.shape), db), da, 2.0)
    if valid_a is not None:
        da, db = np.where(valid_a, da, 0), np.where(valid_a, db, dy)
    if valid_b is not None:
        da, db = np.where(valid_b, da, dy), np.where(valid_b, db, 0)
    return sum_to(da, a.shape), sum_to(db, b.shape)
