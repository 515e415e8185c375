"""Row-by-row work on (M, C) arrays in chunks that stay in cache: channel vectors, sums over rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
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


@lru_cache(maxsize=1024)
def laid(start: int, stop: int, channels: int, width: int = TILE) -> tuple[tuple[slice, int], ...]:
    """Cut rows ``start`` to ``stop`` into slices of about ``CHUNK`` elements, each with a number of rows by which it
    can be cut again: so many, laid side by side, are one row of at most ``width`` elements, or of one row's.

    Remembered, since a net asks for the same ones at each step.

    >>> laid(0, 7, 1, 3)
    ((slice(0, 6, None), 3), (slice(6, 7, None), 1))
    """
    beside = max(1, width // max(1, channels))
    whole = stop - (stop - start) % beside
    step = max(1, CHUNK // max(1, beside * channels)) * beside
    slices = [(slice(i, min(whole, i + step)), beside) for i in range(start, whole, step)]
    return (*slices, (slice(whole, stop), stop - whole)) if whole < stop else tuple(slices)


def repeated(vectors: Sequence[Array], rows: int, width: int = TILE) -> Array:
    """Return vectors of C channels, (k, times * C), each as often as :func:`laid` lays so many rows side by side.

    >>> repeated([np.array([1, 2]), np.array([3, 4])], 2).tolist()
    [[1, 2, 1, 2], [3, 4, 3, 4]]
    """
    c = vectors[0].size
    times = min(max(1, width // max(1, c)), max(1, rows))
    result = np.empty((len(vectors), times, c), vectors[0].dtype)
    for each, vector in zip(result, vectors, strict=True):
        each[...] = vector
    return result.reshape(len(vectors), times * c)


def wide_sums(x: Array) -> Array:
    """Return the sum of each column of x, C-contiguous (M, C), in float64.

    Rows are laid side by side first: the sums are then of few numbers each, so that they lose few digits.

    >>> wide_sums(np.arange(6.0).reshape(3, 2)).tolist()
    [6.0, 9.0]
    """
    c = x.shape[1]
    total = np.zeros(c)
    for rows, beside in laid(0, len(x), c, WIDE):
        sums = np.add.reduce(x[rows].reshape(-1, beside * c), axis=0)
        total += np.add.reduce(sums.reshape(beside, c), axis=0, dtype=np.float64)
    return total


def add_wide_sums(x: Array, times: Array, beside: int, into: Array) -> None:
    """Add the sums of the columns of x, C-contiguous (M, C), and those of x * times, to ``into``, (2, C) of float64.

    So many rows are laid side by side as :func:`laid` says for a width of ``WIDE``; no product is written down.
    """
    c = x.shape[1]
    a = x.reshape(-1, beside * c)
    sums = np.empty((2, beside * c), x.dtype)
    np.add.reduce(a, axis=0, out=sums[0])
    np.einsum("ij,ij->j", a, times.reshape(a.shape), out=sums[1])
    into += np.add.reduce(sums.reshape(2, beside, c), axis=1, dtype=np.float64)


def as_rows(x: Array) -> Array:
    """Return x as a C-contiguous (M, C) array over its last axis, a view where possible."""
    return memory.contiguous(x).reshape(-1, x.shape[-1])
