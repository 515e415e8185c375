"""Run a kernel over large arrays: in blocks that stay in cache, and on several threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel

Array = NDArray[Any]

# Elements a block of kernels that work on each element alone: two threads that run small NumPy loops wait for each
# other's lock. Of 2M elements on two threads, in blocks of 64K, 128K, 256K: leaky ReLU 2.6, 1.8, 1.5 ms, derivative of
# tanh 3.0, 2.2, 2.1 ms.
BLOCK = 262144
# Elements of rows that are worked on together; with no more, one thread does all.
FEW_ROWS = 65536
# Below this many elements along the last axis, a row operand costs more than a scalar one.
SHORT = 64
# Elements of a row that stays in the innermost cache, beside what it is compared with.
LONG = 32768
# Up to this many elements, arranging them costs more than it saves.
SMALL = 2048

_rows: dict[tuple[np.dtype[Any], float], Array] = {}


def zeros_row(x: Array) -> Array | int:
    """Return zeros to compare ``x`` with: a row of them, for NumPy's vector loop, or 0 where rows would be short.

    ``np.maximum(x, row)`` takes a third of the time of ``np.maximum(x, 0)``.
    """
    row = constant_row(x, 0.0)
    return row if isinstance(row, np.ndarray) else 0


def constant_row(x: Array, value: float) -> Array | float:
    """:func:`zeros_row` for another constant, of which there are few in all: rows are kept."""
    length = x.shape[-1] if x.ndim else 0
    return _row(x.dtype, value)[:length] if SHORT <= length <= BLOCK else value


def ones(length: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector of ones to multiply with, which may not be written to: products with it are sums."""
    return _row(dtype, 1.0)[:length] if length <= BLOCK else np.ones(length, dtype)


def _row(dtype: np.dtype[Any], value: float) -> Array:
    row = _rows.get((dtype, value))
    if row is None:
        row = np.full(BLOCK, value, dtype)
        row.flags.writeable = False
        _rows[dtype, value] = row
    return row


def not_below_zero(x: Array, out: Array) -> Array:
    """Write ``max(x, 0)`` into ``out``, which may be x, and return it: in longer rows than those of x, if it can."""
    size = x.size
    length = size if size <= LONG else math.gcd(size, LONG)
    if length < SHORT or not (x.flags.c_contiguous and out.flags.c_contiguous):
        return np.maximum(x, zeros_row(x), out=out)
    shape = (size,) if size <= LONG else (-1, length)
    flat = x.reshape(shape)
    np.maximum(flat, _row(x.dtype, 0.0)[:length], out=flat if out is x else out.reshape(shape))
    return out


def over_elements(
    kernel: Callable[..., Any], arrays: Sequence[Array], out: Array, nanoseconds: float, **options: Any
) -> Array:
    """Call ``kernel(*arrays, out=out, **options)`` piece by piece, for a kernel that works on each element alone.

    Args:
        kernel: writes into ``out``.
        arrays: operands, all of ``out``'s shape; a kernel may write into some of them, too.
        out: where the result goes; may be one of ``arrays`` if the kernel allows that.
        nanoseconds: what an element takes on one thread, roughly.
    """
    # Few elements are left as they are, unless their rows are too short for NumPy's inner loops.
    if out.ndim and out.size <= (FEW_ROWS if out.shape[-1] >= SHORT else SMALL):
        kernel(*arrays, out=out, **options)
        return out
    operands = [*arrays, out]
    if all(a.flags.c_contiguous for a in operands):
        operands = [a.reshape(-1) for a in operands]
    if out.size <= FEW_ROWS:
        kernel(*operands[:-1], out=operands[-1], **options)
        return out
    length = len(operands[-1])
    step = max(1, BLOCK * length // out.size)

    def task(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            *parts, part_out = (a[first : min(stop, first + step)] for a in operands)
            kernel(*parts, out=part_out, **options)

    parallel.run(task, length, out.size * nanoseconds / 1000)
    return out


def over_rows(
    kernel: Callable[..., Any], arrays: Sequence[Array], out: Array, nanoseconds: float, axis: int | Sequence[int] = -1
) -> Array:
    """Call ``kernel(*arrays, axis=..., out=out)`` piece by piece, for a kernel that mixes elements along ``axis``.

    Args:
        kernel: writes into ``out``.
        arrays: operands, all of ``out``'s shape.
        out: where the result goes.
        nanoseconds: what an element takes on one thread, roughly.
        axis: one axis or several.
    """
    if out.size <= SMALL and out.ndim and axis == -1:
        kernel(*arrays, axis=axis, out=out)
        return out
    axes = normalized_axes(axis, out.ndim)
    operands = [*arrays, out]
    if axes == (out.ndim - 1,) and out.ndim != 2 and out.size and all(a.flags.c_contiguous for a in operands):
        operands = [a.reshape(-1, out.shape[-1]) for a in operands]
        axes = (1,)
    free = [a for a in range(operands[-1].ndim) if a not in axes]
    if out.size <= FEW_ROWS or not free:
        kernel(*operands[:-1], axis=axes if len(axes) > 1 else axes[0], out=operands[-1])
        return out
    cut = free[0]
    operands = [np.moveaxis(a, cut, 0) for a in operands]
    moved = tuple(a + 1 if a < cut else a for a in axes)
    along = moved if len(moved) > 1 else moved[0]
    length = len(operands[-1])
    step = max(1, FEW_ROWS * length // out.size)

    def task(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            *parts, part_out = (a[first : min(stop, first + step)] for a in operands)
            kernel(*parts, axis=along, out=part_out)

    parallel.run(task, length, out.size * nanoseconds / 1000)
    return out


def normalized_axes(axis: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return ``axis`` as sorted numbers from 0.

    Raises ``ValueError`` if one does not exist, or is there twice.
    """
    given = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    if not given or not all(-ndim <= a < ndim for a in given):
        raise ValueError(f"axis {axis} does not exist in an array of {ndim} axes.")
    axes = tuple(sorted(int(a) % ndim for a in given))
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis {axis} names an axis of an array of {ndim} axes twice.")
    return axes
