"""Row-by-row work on (M, C) arrays in chunks that stay in cache: channel vectors, sums over rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory

Array = NDArray[Any]

# Elements a chunk: big enough that threads do not queue for the interpreter lock, small enough for the L2 cache.
CHUNK = 262144
# A vector of few channels is repeated up to this length, so that NumPy's inner loop is long enough for SIMD.
TILE = 8192
# Rows of few channels are added up side by side to this length; longer ones take longer to add up in the end.
WIDE = 2048

_ones: dict[Any, Array] = {}


def chunks(start: int, stop: int, channels: int) -> Iterator[slice]:
    """Cut rows ``start`` to ``stop`` into slices of about ``CHUNK`` elements."""
    step = max(1, CHUNK // max(1, channels))
    for i in range(start, stop, step):
        yield slice(i, min(stop, i + step))


def chunk_scratch(x: Array, rows: int) -> Array:
    """Return memory for the longest of the :func:`chunks` of so many rows of x (..., C)."""
    c = x.shape[-1]
    return memory.empty((min(rows, max(1, CHUNK // max(1, c))), c), x.dtype)


class Channels:
    """A vector of C channels, combined with (M, C) arrays of any M at full SIMD speed.

    >>> scale = Channels(np.array([2.0, 3.0]))
    >>> x = np.ones((3, 2)); scale.apply(np.multiply, x, x); x[2].tolist()
    [2.0, 3.0]
    """

    def __init__(self, vector: Array) -> None:
        self.vector = vector
        self.repeat = max(1, TILE // max(1, vector.size)) if vector.size < TILE // 4 else 1
        self._tiled: Array | None = None

    def apply(self, ufunc: np.ufunc, x: Array, out: Array) -> None:
        """Compute ``ufunc(x, vector, out=out)`` for C-contiguous x and out of shape (M, C)."""
        whole = len(x) // self.repeat * self.repeat if self.repeat > 1 else 0
        if whole:
            if self._tiled is None:
                self._tiled = _repeated(self.vector, self.repeat)
            width = self._tiled.size
            ufunc(x[:whole].reshape(-1, width), self._tiled, out=out[:whole].reshape(-1, width))
        if whole < len(x):
            ufunc(x[whole:], self.vector, out=out[whole:])


def _repeated(vector: Array, times: int) -> Array:
    """As ``numpy.tile``, in a fifth of the time."""
    tiled = np.empty((times, vector.size), vector.dtype)
    tiled[...] = vector
    return tiled.reshape(-1)


def finisher(b: Array | None, activation: Any) -> Callable[[Array], None]:
    """Return what adds a bias to bare products (..., C), C-contiguous, and applies an activation, in place.

    >>> y = np.zeros((2, 1))
    >>> finisher(np.array([3.0]), None)(y); y.tolist()
    [[3.0], [3.0]]
    """
    bias = None if b is None else Channels(b)

    def finish(result: Array) -> None:
        if bias is not None:
            flat = result.reshape(-1, result.shape[-1])
            bias.apply(np.add, flat, flat)
        if activation is not None:
            activation.forward(result, out=result)

    return finish


def column_sums(x: Array) -> Array:
    """Return the sum of each column of x (M, C), as a matrix product: faster than a reduction for few columns."""
    ones = _ones.get(x.dtype)
    if ones is None or len(ones) < len(x):
        ones = _ones[x.dtype] = np.ones(max(CHUNK, len(x)), x.dtype)
    sums: Array = ones[: len(x)] @ x
    return sums


def wide_sums(x: Array, times: Array | None = None) -> Array:
    """Return the sum of each column of x, or of x * times, both C-contiguous (M, C), in float64.

    Rows are laid side by side first: the sums are then of few numbers each, so that they lose few digits, and no
    product is written down.

    >>> x = np.arange(6.0).reshape(3, 2)
    >>> wide_sums(x).tolist(), wide_sums(x, x).tolist()
    ([6.0, 9.0], [20.0, 35.0])
    """
    c = x.shape[1]
    beside = max(1, WIDE // max(1, c))
    whole = len(x) // beside * beside
    if not whole:
        return _sums_beside(x, times, 1)
    total = _sums_beside(x[:whole], None if times is None else times[:whole], beside)
    if whole < len(x):
        total += _sums_beside(x[whole:], None if times is None else times[whole:], 1)
    return total


def _sums_beside(x: Array, times: Array | None, beside: int) -> Array:
    """The sums of the columns, of rows that are laid so many side by side."""
    c = x.shape[1]
    a = x.reshape(-1, beside * c)
    sums = np.add.reduce(a, axis=0) if times is None else np.einsum("ij,ij->j", a, times.reshape(a.shape))
    total: Array = np.add.reduce(sums.reshape(beside, c), axis=0, dtype=np.float64)
    return total


def as_rows(x: Array) -> Array:
    """Return x as a C-contiguous (M, C) array over its last axis, a view where possible."""
    return np.ascontiguousarray(x).reshape(-1, x.shape[-1])
