"""Batch normalization and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.channels import CHUNK, Channels, as_rows, chunks, column_dots, column_sums

Array = NDArray[Any]

# Elements that one thread handles in a microsecond in one of these passes, for the choice of threads.
RATE = 1000.0


def moments(x: Array) -> tuple[Array, Array]:
    """Return mean and biased variance of the columns of x (M, C).

    Each chunk's deviations are taken from the chunk's own mean and the chunks are combined in order (Chan, Golub and
    LeVeque, 1979), so that a mean far larger than the spread costs no accuracy.
    """
    m, c = x.shape

    def task(start: int, stop: int) -> list[tuple[int, Array, Array]]:
        found = []
        scratch = np.empty((min(stop - start, max(1, CHUNK // max(1, c))), c), x.dtype)
        for rows in chunks(start, stop, c):
            part = x[rows]
            mean = column_sums(part) / x.dtype.type(len(part))
            deviation = scratch[: len(part)]
            Channels(mean).apply(np.subtract, part, deviation)
            found.append((len(part), mean, column_dots(deviation, deviation, deviation)))
        return found

    count, mean, square = 0, np.zeros(c), np.zeros(c)
    for found in parallel.run(task, m, 2 * x.size / RATE):
        for n, part_mean, part_square in found:
            delta = part_mean - mean
            total = count + n
            mean = mean + delta * (n / total)
            square = square + part_square + delta * delta * (count * n / total)
            count = total
    divisor = max(count, 1)
    return mean.astype(x.dtype), (square / divisor).astype(x.dtype)


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


def scale_shift(x: Array, scale: Array, shift: Array) -> Array:
    """Return x * scale + shift for x (M, C) and vectors (C,)."""
    y = memory.empty(x.shape, x.dtype)

    def task(start: int, stop: int) -> None:
        by, plus = Channels(scale), Channels(shift)
        for rows in chunks(start, stop, x.shape[1]):
            by.apply(np.multiply, x[rows], y[rows])
            plus.apply(np.add, y[rows], y[rows])

    parallel.run(task, len(x), 2 * x.size / RATE)
    return y


def batch_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, mean: Array, variance: Array, epsilon: float
) -> tuple[Array, Array]:
    """Return y = (x - mean) * inv * gamma + beta and inv = 1 / sqrt(variance + epsilon).

    Args:
        x: (..., C), normalized over all axes but the last.
        gamma, beta: (C,), or None for 1 and 0.
        mean, variance: (C,), of this batch or moving averages.
        epsilon: keeps the root away from zero.
    """
    inv = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    scale = inv if gamma is None else inv * gamma
    shift = -mean * scale if beta is None else beta - mean * scale
    return scale_shift(as_rows(x), scale, shift).reshape(x.shape), inv


def batch_norm_backward(
    dy: Array,
    x: Array,
    gamma: Array | None,
    mean: Array,
    inv: Array,
    batch_statistics: bool,
    mask: Array | None = None,
    input_grad: bool = True,
) -> tuple[Array | None, Array, Array]:
    """Return the gradients (dx, dgamma, dbeta) of batch normalization.

    With xhat = (x - mean) * inv: dbeta = sum(dy), dgamma = sum(dy * xhat) over all axes but the last, and
    dx = gamma * inv * (dy - dbeta / m - xhat * dgamma / m), where the last two terms are there only if mean and
    variance were those of this batch of m rows (and only on the rows that ``mask`` counts).

    Args:
        dy, x: (..., C).
        gamma: (C,) or None for 1.
        mean, inv: (C,), as in forward.
        batch_statistics: whether mean and variance depended on x.
        mask: (M, 1) or (M, C) booleans: what the statistics were taken over; None for all.
        input_grad: whether dx is wanted; else it is None.
    """
    rows_x, rows_dy = as_rows(x), as_rows(dy)
    m, c = rows_x.shape

    def sums(start: int, stop: int) -> tuple[Array, Array]:
        dbeta, dxhat = np.zeros(c), np.zeros(c)
        minus = Channels(mean)
        scratch = np.empty((min(stop - start, max(1, CHUNK // max(1, c))), c), x.dtype)
        for rows in chunks(start, stop, c):
            centred = scratch[: rows.stop - rows.start]
            minus.apply(np.subtract, rows_x[rows], centred)
            dbeta += column_sums(rows_dy[rows])
            dxhat += column_dots(rows_dy[rows], centred, centred)
        return dbeta, dxhat

    partial = parallel.run(sums, m, 3 * x.size / RATE)
    dbeta = np.sum([p[0] for p in partial], axis=0).astype(x.dtype)
    dgamma = (np.sum([p[1] for p in partial], axis=0) * inv).astype(x.dtype)
    if not input_grad:
        return None, dgamma, dbeta
    scale = inv if gamma is None else inv * gamma
    if not batch_statistics:
        return scale_shift(rows_dy, scale, np.zeros_like(scale)).reshape(x.shape), dgamma, dbeta
    if mask is not None:
        centred = rows_x - mean
        inner = np.where(mask, dbeta + centred * (inv * dgamma), 0) / counts(mask, x.dtype)
        return ((rows_dy - inner) * scale).reshape(x.shape), dgamma, dbeta

    # dx = dy * scale + (x - mean) * slope + offset
    slope, offset = -scale * inv * dgamma / x.dtype.type(max(m, 1)), -scale * dbeta / x.dtype.type(max(m, 1))
    dx = memory.empty(rows_x.shape, x.dtype)

    def combine(start: int, stop: int) -> None:
        by, minus, times, plus = Channels(scale), Channels(mean), Channels(slope), Channels(offset)
        scratch = np.empty((min(stop - start, max(1, CHUNK // max(1, c))), c), x.dtype)
        for rows in chunks(start, stop, c):
            centred, out = scratch[: rows.stop - rows.start], dx[rows]
            minus.apply(np.subtract, rows_x[rows], centred)
            times.apply(np.multiply, centred, centred)
            by.apply(np.multiply, rows_dy[rows], out)
            np.add(out, centred, out=out)
            plus.apply(np.add, out, out)

    parallel.run(combine, m, 5 * x.size / RATE)
    return dx.reshape(x.shape), dgamma, dbeta
