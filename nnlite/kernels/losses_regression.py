"""Errors of numbers beyond the squared and the absolute one: forward and backward pairs, as in ``kernels.losses``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.config import epsilon
from nnlite.kernels.activation import silent
from nnlite.kernels.loss_parts import dot, mean, spread

Array = NDArray[Any]
Cache = Any


@silent
def absolute_percentage_error_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return 100 times the mean over the last axis of |p - y| / max(|y|, 1e-7)."""
    size = np.maximum(np.abs(y), p.dtype.type(epsilon()))
    e = p - y
    return mean(np.abs(e / size)) * p.dtype.type(100), (e, size)


@silent
def absolute_percentage_error_backward(dvalues: Array, cache: Cache) -> Array:
    """Return 100 * sign(p - y) / max(|y|, 1e-7) / n * dvalues; at p = y the sign is -1, as on Keras's JAX backend."""
    e, size = cache
    slope: Array = spread(dvalues, e, 100 / max(e.shape[-1], 1)) / size
    return np.where(e <= 0, -slope, slope)


@silent
def squared_logarithmic_error_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of (log(1 + p) - log(1 + y))^2, with p and y no smaller than 1e-7."""
    low = p.dtype.type(epsilon())
    above = np.maximum(p, low)
    above += 1
    e = np.log(above)
    e -= np.log(np.maximum(y, low) + 1)
    return dot(e, e) * p.dtype.type(1 / max(p.shape[-1], 1)), (e, above, p)


@silent
def squared_logarithmic_error_backward(dvalues: Array, cache: Cache) -> Array:
    """Return 2 * (log(1 + p) - log(1 + y)) / (1 + p) / n * dvalues; 0 where p < 1e-7, a half of it at 1e-7."""
    e, above, p = cache
    low = p.dtype.type(epsilon())
    g: Array = e / above
    g *= spread(dvalues, p, 2 / max(p.shape[-1], 1))
    below = p <= low
    if below.any():
        g *= np.where(below, np.where(p == low, p.dtype.type(0.5), p.dtype.type(0)), p.dtype.type(1))
    return g


@silent
def log_cosh_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of log(cosh(e)) = |e| + log(1 + exp(-2 |e|)) - log 2; e = p - y."""
    e = p - y
    size = np.abs(e)
    values = np.log1p(np.exp(size * -2))
    values += size
    values -= p.dtype.type(math.log(2))
    return mean(values), e


@silent
def log_cosh_backward(dvalues: Array, e: Cache) -> Array:
    """Return tanh(p - y) / n * dvalues."""
    g: Array = np.tanh(e)
    g *= spread(dvalues, e, 1 / max(e.shape[-1], 1))
    return g


def _inverse_norm(x: Array, axis: int) -> Array:
    """1 / |x| along the axis, which is kept; at most 1e7."""
    squares = np.expand_dims(dot(x, x, axis), axis)
    return np.asarray(np.minimum(1 / np.sqrt(squares), x.dtype.type(1 / epsilon())))


@silent
def cosine_similarity_forward(y: Array, p: Array, axis: int = -1) -> tuple[Array, Cache]:
    """Return -sum of (y / |y|) * (p / |p|) along the axis; norms under 1e-7 count as 1e-7."""
    y = y * _inverse_norm(y, axis)
    inverse = _inverse_norm(p, axis)
    q = p * inverse
    values = -dot(y, q, axis)
    return values, (y, q, inverse, values, axis)


@silent
def cosine_similarity_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (c * p / |p| - y / |y|) / |p| * dvalues, with c the similarity; -y / |y| / 1e-7 where |p| < 1e-7.

    There, at p = 0 above all, Keras's JAX backend has NaN.
    """
    y, q, inverse, values, axis = cache
    along = -np.expand_dims(values, axis)
    along *= inverse < q.dtype.type(1 / epsilon())
    g: Array = q * along
    g -= y
    g *= inverse * spread(dvalues, q, axis=axis)
    return g
