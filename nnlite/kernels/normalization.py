"""Batch normalization and its gradients."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.activation import relu_backward
from nnlite.kernels.channels import Channels, as_rows, chunk_scratch, chunks, wide_sums

Array = NDArray[Any]

# Elements that one thread handles in a microsecond in one of these passes, for the choice of threads.
RATE = 1000.0
# How many times as large as the variance the square of a mean is where sums of squares lose digits.
FAR = 4.0


def moments(x: Array) -> tuple[Array, Array]:
    """Return mean and biased variance of the columns of x (M, C), C-contiguous.

    ``variance = sum(x^2) / m - mean^2`` loses digits where the mean is larger than the spread. Where it is, in any
    column, or where squares overflow, all is done again with the deviations from the mean that was found.
    """
    about = None
    while True:
        mean, square = _sums_about(about, x) / max(len(x), 1)
        squared = mean * mean
        variance = np.maximum(square - squared, 0)
        if about is not None:
            return (about + mean).astype(x.dtype), variance.astype(x.dtype)
        if math.isfinite(np.add.reduce(square)) and (squared <= FAR * variance).all():
            return mean.astype(x.dtype), variance.astype(x.dtype)
        about = mean.astype(x.dtype)


def _sums_about(about: Array | None, x: Array) -> Array:
    """The sums of the columns of x - about and of their squares, (2, C); about is 0 where None."""
    m, c = x.shape

    def task(start: int, stop: int) -> Array:
        sums = np.zeros((2, c))
        deviations = None if about is None else _Deviations(about, x, stop - start)
        for rows in chunks(start, stop, c):
            part = x[rows] if deviations is None else deviations.of(rows)
            sums[0] += wide_sums(part)
            sums[1] += wide_sums(part, part)
        return sums

    return functools.reduce(operator.iadd, parallel.run(task, m, 2 * x.size / RATE))


class _Deviations:
    """One thread's memory for the deviations of a few rows at a time from a vector."""

    def __init__(self, about: Array, x: Array, rows: int) -> None:
        self.about, self.x = Channels(about), x
        self.scratch = chunk_scratch(x, rows)

    def of(self, rows: slice) -> Array:
        """Return x[rows] - about, valid until the next call."""
        part = self.scratch[: rows.stop - rows.start]
        self.about.apply(np.subtract, self.x[rows], part)
        return part


def masked_moments(x: Array, mask: Array) -> tuple[Array, Array]:
    """Return mean and biased variance of the columns of x (M, C) where mask, (M, 1) or (M, C), is true.

    The divisor is the number of such elements plus 1e-7, so that an empty mask gives zeros.
    """
    count = counts(mask, x.dtype)
    mean = np.where(mask, x, 0).sum(axis=0, dtype=x.dtype) / count
    return mean, np.square(np.where(mask, x - mean, 0)).sum(axis=0, dtype=x.dtype) / count


def counts(mask: Array, dtype: Any) -> Array:
    """Return how many elements of each column of mask count, plus 1e-7."""
    number: Array = np.count_nonzero(mask, axis=0) + 1e-7
    return number.astype(dtype)


def scale_shift(x: Array, scale: Array, shift: Array, relu: bool = False) -> Array:
    """Return x * scale + shift for C-contiguous x (M, C) and vectors (C,), or what a ReLU makes of it."""
    y = memory.empty(x.shape, x.dtype)

    def task(start: int, stop: int) -> None:
        by, plus, least = Channels(scale), Channels(shift), Channels(np.zeros_like(shift))
        for rows in chunks(start, stop, x.shape[1]):
            by.apply(np.multiply, x[rows], y[rows])
            plus.apply(np.add, y[rows], y[rows])
            if relu:
                least.apply(np.maximum, y[rows], y[rows])

    parallel.run(task, len(x), (2 + relu) * x.size / RATE)
    return y


def batch_norm_forward(
    x: Array,
    gamma: Array | None,
    beta: Array | None,
    mean: Array,
    variance: Array,
    epsilon: float,
    relu: bool = False,
) -> tuple[Array, Array]:
    """Return y = (x - mean) * inv * gamma + beta, or max(y, 0), and inv = 1 / sqrt(variance + epsilon).

    Args:
        x: (..., C), normalized over all axes but the last.
        gamma, beta: (C,), or None for 1 and 0.
        mean, variance: (C,), of this batch or moving averages.
        epsilon: keeps the root away from zero.
        relu: whether a ReLU follows.
    """
    inv = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    scale = inv if gamma is None else inv * gamma
    shift = -mean * scale if beta is None else beta - mean * scale
    return scale_shift(as_rows(x), scale, shift, relu).reshape(x.shape), inv


def batch_norm_backward(
    dy: Array,
    x: Array,
    gamma: Array | None,
    mean: Array,
    inv: Array,
    batch_statistics: bool,
    mask: Array | None = None,
    input_grad: bool = True,
    y: Array | None = None,
) -> tuple[Array | None, Array, Array]:
    """Return the gradients (dx, dgamma, dbeta) of batch normalization.

    With xhat = (x - mean) * inv: dbeta = sum(dy), dgamma = sum(dy * xhat) over all axes but the last, and
    dx = gamma * inv * (dy - dbeta / m - xhat * dgamma / m), where the last two terms are there only if mean and
    variance were those of this batch of m rows (and only on the rows that ``mask`` counts). After a ReLU, dy is taken
    where y > 0.

    Args:
        dy, x: (..., C).
        gamma: (C,) or None for 1.
        mean, inv: (C,), as in forward.
        batch_statistics: whether mean and variance depended on x.
        mask: (M, 1) or (M, C) booleans: what the statistics were taken over; None for all.
        input_grad: whether dx is wanted; else it is None.
        y: the output, if that was a ReLU's; dy is the gradient by it then.
    """
    rows_x, rows_dy = as_rows(x), as_rows(dy)
    rows_y = None if y is None else as_rows(y)
    dz = rows_dy if rows_y is None else memory.empty(rows_x.shape, x.dtype)
    m, c = rows_x.shape
    # sum(dz * (x - mean)) = sum(dz * x) - mean * sum(dz), unless that loses digits.
    far = bool((mean * mean * inv * inv > FAR).any())

    def sums_of_rows(start: int, stop: int) -> Array:
        sums = np.zeros((2, c))
        deviations = _Deviations(mean, rows_x, stop - start) if far else None
        for rows in chunks(start, stop, c):
            if rows_y is not None:
                relu_backward(rows_dy[rows], rows_y[rows], out=dz[rows])
            sums[0] += wide_sums(dz[rows])
            sums[1] += wide_sums(dz[rows], rows_x[rows] if deviations is None else deviations.of(rows))
        return sums

    found = parallel.run(sums_of_rows, m, (2 if y is None else 4) * x.size / RATE)
    of_dz, of_products = functools.reduce(operator.iadd, found)
    dbeta = of_dz.astype(x.dtype)
    dgamma = ((of_products if far else of_products - mean * of_dz) * inv).astype(x.dtype)
    if not input_grad:
        return None, dgamma, dbeta
    scale = inv if gamma is None else inv * gamma
    if not batch_statistics:
        return scale_shift(dz, scale, np.zeros_like(scale)).reshape(x.shape), dgamma, dbeta
    if mask is not None:
        centred = rows_x - mean
        inner = np.where(mask, dbeta + centred * (inv * dgamma), 0) / counts(mask, x.dtype)
        return ((dz - inner) * scale).reshape(x.shape), dgamma, dbeta

    # dx = dz * scale + x * slope + offset
    slope = -scale * inv * dgamma / x.dtype.type(max(m, 1))
    offset = -scale * dbeta / x.dtype.type(max(m, 1)) - mean * slope
    dx = memory.empty(rows_x.shape, x.dtype) if y is None else dz

    def combine(start: int, stop: int) -> None:
        by, times, plus = Channels(scale), Channels(slope), Channels(offset)
        scratch = chunk_scratch(x, stop - start)
        for rows in chunks(start, stop, c):
            sloped, out = scratch[: rows.stop - rows.start], dx[rows]
            times.apply(np.multiply, rows_x[rows], sloped)
            plus.apply(np.add, sloped, sloped)
            by.apply(np.multiply, dz[rows], out)
            np.add(out, sloped, out=out)

    parallel.run(combine, m, 4 * x.size / RATE)
    return dx.reshape(x.shape), dgamma, dbeta
