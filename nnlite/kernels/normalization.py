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
from nnlite.kernels.channels import WIDE, add_wide_sums, as_rows, laid, repeated
from nnlite.kernels.elementwise import zeros_row

Array = NDArray[Any]

# Elements that one thread handles in a microsecond in one of these passes, for the choice of threads.
RATE = 1500.0
# How many times as large as the variance the square of a mean is where sums of squares lose digits.
FAR = 4.0
# At most so many rows and elements are normalized as the formulas say: all else would take longer than the arithmetic.
FEW_ROWS, FEW = 512, 16384


def _is_little(x: Array) -> bool:
    """Whether x (M, C) is that small."""
    return len(x) <= FEW_ROWS and x.size <= FEW


def moments(x: Array) -> tuple[Array, Array]:
    """Return mean and biased variance of the columns of x (M, C), C-contiguous.

    ``variance = sum(x^2) / m - mean^2`` loses digits where the mean is larger than the spread. Where it is, in any
    column, or where squares overflow, all is done again with the deviations from the mean that was found; as it is at
    once for few rows.
    """
    if _is_little(x):
        m = max(len(x), 1)
        centre: Array = (np.add.reduce(x, axis=0, dtype=np.float64) / m).astype(x.dtype)
        deviations = x - centre
        return centre, np.einsum("ij,ij->j", deviations, deviations) / x.dtype.type(m)
    about = None
    while True:
        found = _sums_about(about, x)
        found /= max(len(x), 1)
        mean, variance = found
        squared = mean * mean
        variance -= squared
        np.maximum(variance, 0, out=variance)
        if about is not None:
            mean += about
        elif not math.isfinite(np.add.reduce(variance)) or not (squared <= FAR * variance).all():
            about = mean.astype(x.dtype)
            continue
        mean, variance = found.astype(x.dtype)
        return mean, variance


def _sums_about(about: Array | None, x: Array) -> Array:
    """The sums of the columns of x - about and of their squares, (2, C); about is 0 where None."""
    c = x.shape[1]

    def task(start: int, stop: int) -> Array:
        sums = np.zeros((2, c))
        for rows, beside in laid(start, stop, c, WIDE):
            part = x[rows]
            if about is not None:
                part = np.subtract(part, about, out=memory.empty(part.shape, part.dtype))
            add_wide_sums(part, part, beside, sums)
        return sums

    return functools.reduce(operator.iadd, parallel.run(task, len(x), 2 * x.size / RATE))


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
    if _is_little(x):
        np.add(np.multiply(x, scale, out=y), shift, out=y)
        return np.maximum(y, zeros_row(y), out=y) if relu else y
    c = x.shape[1]
    vectors = repeated((scale, shift), len(x))

    def task(start: int, stop: int) -> None:
        for rows, beside in laid(start, stop, c):
            by, plus = vectors[:, : beside * c]
            given, out = x[rows].reshape(-1, by.size), y[rows].reshape(-1, by.size)
            np.multiply(given, by, out=out)
            np.add(out, plus, out=out)
            if relu:
                np.maximum(out, zeros_row(out), out=out)

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
    if mask is None and _is_little(rows_x):
        dz = rows_dy if rows_y is None else relu_backward(rows_dy, rows_y)
        scale = None if not input_grad else inv if gamma is None else inv * gamma
        dx, dgamma, dbeta = _little_backward(dz, (rows_x - mean) * inv, scale, batch_statistics)
        return None if dx is None else dx.reshape(x.shape), dgamma, dbeta
    dz = rows_dy if rows_y is None else memory.empty(rows_x.shape, x.dtype)
    m, c = rows_x.shape
    # sum(dz * (x - mean)) = sum(dz * x) - mean * sum(dz), unless that loses digits.
    deviation = mean * inv
    far = bool((deviation * deviation > FAR).any())

    def sums_of_rows(start: int, stop: int) -> Array:
        sums = np.zeros((2, c))
        for rows, beside in laid(start, stop, c, WIDE):
            given, of_x = dz[rows], rows_x[rows]
            if rows_y is not None:
                wide = (-1, beside * c)
                relu_backward(rows_dy[rows].reshape(wide), rows_y[rows].reshape(wide), out=given.reshape(wide))
            add_wide_sums(given, of_x - mean if far else of_x, beside, sums)
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
    share = scale / x.dtype.type(-max(m, 1))
    slope = share * inv * dgamma
    offset = share * dbeta - mean * slope
    dx = memory.empty(rows_x.shape, x.dtype) if y is None else dz
    vectors = repeated((scale, slope, offset), m)

    def combine(start: int, stop: int) -> None:
        pieces = laid(start, stop, c)
        scratch = memory.empty((max((rows.stop - rows.start for rows, _ in pieces), default=0) * c,), x.dtype)
        for rows, beside in pieces:
            by, times, plus = vectors[:, : beside * c]
            given, out = rows_x[rows].reshape(-1, by.size), dx[rows].reshape(-1, by.size)
            sloped = scratch[: given.size].reshape(given.shape)
            np.multiply(given, times, out=sloped)
            np.add(sloped, plus, out=sloped)
            np.multiply(dz[rows].reshape(given.shape), by, out=out)
            np.add(out, sloped, out=out)

    parallel.run(combine, m, 4 * x.size / RATE)
    return dx.reshape(x.shape), dgamma, dbeta


def _little_backward(
    dz: Array, xhat: Array, scale: Array | None, batch_statistics: bool
) -> tuple[Array | None, Array, Array]:
    """:func:`batch_norm_backward` of few rows as the formulas say, with ``scale = gamma * inv``; no dx where None.

    xhat is written over.
    """
    dbeta, dgamma = np.add.reduce(dz, axis=0), np.einsum("ij,ij->j", dz, xhat)
    if scale is None:
        return None, dgamma, dbeta
    if not batch_statistics:
        return dz * scale, dgamma, dbeta
    m = dz.dtype.type(max(len(dz), 1))
    xhat *= dgamma / m
    xhat += dbeta / m
    dx = np.subtract(dz, xhat, out=xhat)
    dx *= scale
    return dx, dgamma, dbeta
