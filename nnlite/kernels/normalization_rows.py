"""Normalization of rows, each by itself: by mean and variance, by its length; with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.channels import Channels, chunks, column_sums

Array = NDArray[Any]

# Elements that one thread handles in a microsecond in one of these passes, for the choice of threads.
RATE = 1000.0
# The greatest factor by which unit normalization stretches a row: a row of zeros stays zero.
LARGEST = 1e12
# Up to so many rows, repeating a vector to combine it with several at once costs more than it saves.
FEW = 512


@lru_cache(maxsize=64)
def _averages(d: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector whose product with rows of d elements is their means."""
    vector = np.full(d, 1 / max(d, 1), dtype)
    vector.flags.writeable = False
    return vector


def _channels(vector: Array, rows: int) -> Channels:
    """Return gamma or beta, to be combined with so many rows."""
    channels = Channels(vector)
    if rows <= FEW:
        channels.repeat = 1
    return channels


def layer_norm_forward(
    x: Array, gamma: Array | None, beta: Array | None, epsilon: float
) -> tuple[Array, tuple[Array, Array]]:
    """Return y = xhat * gamma + beta with xhat = (x - mean) / sqrt(variance + epsilon) of each row.

    Args:
        x: (M, D), each row normalized by its own mean and biased variance.
        gamma, beta: (D,), or None for 1 and 0.
        epsilon: keeps the root away from zero.

    Returns:
        y (M, D), and the cache (xhat (M, D), inv (M, 1)).
    """
    xhat = memory.empty(x.shape, x.dtype)
    y = memory.empty(x.shape, x.dtype) if gamma is not None or beta is not None else xhat
    inv = np.empty((len(x), 1), x.dtype)
    d = x.shape[1]
    averages = _averages(d, x.dtype)

    share, plus = x.dtype.type(1 / max(d, 1)), x.dtype.type(epsilon)
    scale, shift = (None if v is None else _channels(v, len(x)) for v in (gamma, beta))

    def task(start: int, stop: int) -> None:
        for rows in chunks(start, stop, d):
            part, out = xhat[rows], y[rows]
            np.subtract(x[rows], (x[rows] @ averages)[:, None], out=part)
            deviation = np.einsum("ij,ij->i", part, part)[:, None]
            deviation *= share
            deviation += plus
            np.divide(1, np.sqrt(deviation, out=deviation), out=inv[rows])
            np.multiply(part, inv[rows], out=part)
            if scale is not None:
                scale.apply(np.multiply, part, out)
            if shift is not None:
                shift.apply(np.add, out if scale is not None else part, out)

    parallel.run(task, len(x), 5 * x.size / RATE)
    return y, (xhat, inv)


def layer_norm_backward(
    dy: Array, cache: tuple[Array, Array], gamma: Array | None, input_grad: bool = True, weight_grads: bool = True
) -> tuple[Array | None, Array, Array]:
    """Return the gradients (dx, dgamma, dbeta) of layer normalization.

    With g = dy * gamma: dx = inv * (g - mean(g) - xhat * mean(g * xhat)), means over each row;
    dgamma = sum over rows of dy * xhat, dbeta = sum over rows of dy.

    Args:
        dy: (M, D).
        cache: (xhat, inv) of the forward.
        gamma: (D,) or None for 1.
        input_grad: whether dx is wanted; else it is None.
        weight_grads: whether dgamma and dbeta are wanted; else they are zeros.
    """
    xhat, inv = cache
    m, d = xhat.shape
    dx = memory.empty(xhat.shape, xhat.dtype) if input_grad else None
    averages = _averages(d, xhat.dtype)

    # Means over rows as products with gamma / d: mean(g) = dy @ weights, mean(g * xhat) = (dy * xhat) @ weights.
    weights = averages if gamma is None else averages * gamma
    scale = None if gamma is None else _channels(gamma, m)

    def task(start: int, stop: int) -> Array:
        sums = np.zeros((2, d))
        for rows in chunks(start, stop, d):
            part = dy[rows]
            (product,) = memory.scratch(part.shape, xhat.dtype, 1)
            np.multiply(part, xhat[rows], out=product)
            if weight_grads:
                sums[0] += column_sums(product)
                sums[1] += column_sums(part)
            if dx is None:
                continue
            along, mean, out = (product @ weights)[:, None], (part @ weights)[:, None], dx[rows]
            np.multiply(xhat[rows], along, out=product)
            np.add(product, mean, out=product)
            g = part
            if scale is not None:
                g = out
                scale.apply(np.multiply, part, out)
            np.subtract(g, product, out=out)
            np.multiply(out, inv[rows], out=out)
        return sums

    total, *more = parallel.run(task, m, 6 * xhat.size / RATE)
    for sums in more:
        np.add(total, sums, out=total)
    dgamma, dbeta = total.astype(xhat.dtype)
    return dx, dgamma, dbeta


def rms_norm_forward(x: Array, scale: Array, epsilon: float) -> tuple[Array, Array]:
    """Return y = x * inv * scale with inv = 1 / sqrt(mean(x**2) + epsilon) of each row, and inv.

    Args:
        x: (M, D).
        scale: (D,).
        epsilon: keeps the root away from zero.

    Returns:
        y (M, D), inv (M, 1).
    """
    share, plus = x.dtype.type(1 / max(x.shape[1], 1)), x.dtype.type(epsilon)
    return _stretched(x, lambda square: 1 / np.sqrt(square * share + plus), scale)


def rms_norm_backward(
    dy: Array, x: Array, inv: Array, scale: Array, input_grad: bool = True
) -> tuple[Array | None, Array]:
    """Return the gradients (dx, dscale) of :func:`rms_norm_forward`.

    With g = dy * scale: dx = inv * (g - x * inv**2 * mean(g * x)), the mean over each row;
    dscale = sum over rows of dy * x * inv.

    Args:
        dy, x: (M, D).
        inv: (M, 1), of the forward.
        scale: (D,).
        input_grad: whether dx is wanted; else it is None.
    """
    share = inv * inv * x.dtype.type(1 / max(x.shape[1], 1))
    dx, dscale = _stretched_backward(dy, x, inv, share, scale, input_grad)
    assert dscale is not None
    return dx, dscale


def unit_norm_forward(x: Array) -> tuple[Array, Array]:
    """Return y = x * inv with inv = 1 / sqrt(sum(x**2)) of each row (M, D), at most 1e12; and inv (M, 1)."""

    def inverse(square: Array) -> Array:
        with np.errstate(divide="ignore"):
            inv: Array = np.minimum(1 / np.sqrt(square), x.dtype.type(LARGEST))
        return inv

    return _stretched(x, inverse, None)


def unit_norm_backward(dy: Array, x: Array, inv: Array) -> Array:
    """Return dx = inv * (dy - x * inv**2 * sum(dy * x)), where a row has length 0 or nearly inv * dy.

    Args:
        dy, x: (M, D).
        inv: (M, 1), of the forward.
    """
    dx, _ = _stretched_backward(dy, x, inv, inv * inv * (inv < x.dtype.type(LARGEST)), None, True)
    assert dx is not None
    return dx


def _stretched(x: Array, inverse: Callable[[Array], Array], scale: Array | None) -> tuple[Array, Array]:
    """Return y = x * inv (* scale), inv being a function of each row's sum of squares; and inv."""
    y, inv = memory.empty(x.shape, x.dtype), np.empty((len(x), 1), x.dtype)

    def task(start: int, stop: int) -> None:
        for rows in chunks(start, stop, x.shape[1]):
            part, out = x[rows], y[rows]
            inv[rows] = inverse(np.einsum("ij,ij->i", part, part))[:, None]
            np.multiply(part, inv[rows], out=out)
            if scale is not None:
                np.multiply(out, scale, out=out)

    parallel.run(task, len(x), 3 * x.size / RATE)
    return y, inv


def _stretched_backward(
    dy: Array, x: Array, inv: Array, share: Array, scale: Array | None, input_grad: bool
) -> tuple[Array | None, Array | None]:
    """Return dx = inv * (g - x * share * sum(g * x)), with g = dy * scale, and dscale = sum of dy * x * inv."""
    dx = memory.empty(x.shape, x.dtype) if input_grad else None
    d = x.shape[1]

    def task(start: int, stop: int) -> Array:
        dscale = np.zeros(d)
        for rows in chunks(start, stop, d):
            part, g = x[rows], dy[rows]
            scratch = part * inv[rows]
            if scale is not None:
                product = scratch * g
                dscale += column_sums(product)
                g = np.multiply(g, scale, out=product)
            if dx is None:
                continue
            along = np.einsum("ij,ij->i", g, part)[:, None]
            np.multiply(scratch, along * share[rows], out=scratch)
            np.multiply(g, inv[rows], out=dx[rows])
            np.subtract(dx[rows], scratch, out=dx[rows])
        return dscale

    partial = parallel.run(task, len(x), 6 * x.size / RATE)
    return dx, None if scale is None else np.sum(partial, axis=0).astype(x.dtype)


def variance_norm_forward(x: Array, gamma: Array, epsilon: float) -> tuple[Array, Array]:
    """Return y = x * inv * gamma with inv = 1 / sqrt(variance + epsilon) of each row (M, D); and inv (M, 1).

    What Keras once took for the root mean square: the mean is taken out of the variance, and not out of x.
    """
    inv = 1 / np.sqrt(x.var(axis=1, keepdims=True) + x.dtype.type(epsilon))
    return x * inv * gamma, inv


def variance_norm_backward(dy: Array, x: Array, inv: Array, gamma: Array) -> tuple[Array, Array]:
    """Return the gradients (dx, dgamma) of :func:`variance_norm_forward`.

    With g = dy * gamma: dx = inv * (g - (x - mean(x)) * inv**2 * mean(g * x)); dgamma = sum over rows of dy * x * inv.
    """
    g = dy * gamma
    centred = x - x.mean(axis=1, keepdims=True)
    dx = inv * (g - centred * inv * inv * (g * x).mean(axis=1, keepdims=True))
    return dx, (dy * x * inv).sum(axis=0)
