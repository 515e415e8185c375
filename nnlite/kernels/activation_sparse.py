"""Activations that are zero or constant over a range: shrinkage, thresholds, sparse forms of sigmoid and softmax.

Pairs as in :mod:`nnlite.kernels.activation`; all keep x for the derivative. Where x is NaN the comparisons are false,
as in Keras on JAX.
"""

from __future__ import annotations

import numpy as np

from nnlite.kernels.activation import Array, empty_like, silent


def _choose(condition: Array, a: Array | float, b: Array | float, like: Array, out: Array | None) -> Array:
    """Write a where the condition holds, b elsewhere, into ``out`` or a new array."""
    y = empty_like(like, out)
    y[...] = np.where(condition, a, b)
    return y


def hard_tanh_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = min(max(x, -1), 1)."""
    return np.clip(x, -1, 1, out=empty_like(x, out))


@silent
def hard_tanh_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dx = dy where -1 <= x <= 1 or x is NaN, and 0 elsewhere."""
    return np.multiply(dy, ~(np.abs(x) > 1), out=empty_like(dy, out))


@silent
def hard_shrink_forward(x: Array, threshold: float = 0.5, out: Array | None = None) -> Array:
    """Return y = x where abs(x) > threshold, 0 elsewhere."""
    return _choose(np.abs(x) > threshold, x, 0.0, x, out)


@silent
def hard_shrink_backward(dy: Array, x: Array, threshold: float = 0.5, out: Array | None = None) -> Array:
    """Return dx = dy where abs(x) > threshold, 0 elsewhere."""
    return np.multiply(dy, np.abs(x) > threshold, out=empty_like(dy, out))


@silent
def soft_shrink_forward(x: Array, threshold: float = 0.5, out: Array | None = None) -> Array:
    """Return y = x - threshold where x > threshold, x + threshold where x < -threshold, 0 elsewhere."""
    below = np.where(x < -threshold, x + threshold, 0.0)
    return _choose(x > threshold, x - threshold, below, x, out)


@silent
def soft_shrink_backward(dy: Array, x: Array, threshold: float = 0.5, out: Array | None = None) -> Array:
    """Return dx = dy where x > threshold or x < -threshold, 0 elsewhere."""
    return np.multiply(dy, (x > threshold) | (x < -threshold), out=empty_like(dy, out))


@silent
def threshold_forward(x: Array, threshold: float, default_value: float, out: Array | None = None) -> Array:
    """Return y = x where x > threshold, default_value elsewhere."""
    return _choose(x > threshold, x, default_value, x, out)


@silent
def threshold_backward(dy: Array, x: Array, threshold: float, default_value: float, out: Array | None = None) -> Array:
    """Return dx = dy where x > threshold, 0 elsewhere."""
    return np.multiply(dy, x > threshold, out=empty_like(dy, out))


def sparse_sigmoid_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = min(max(x + 1, 0), 2) / 2."""
    y = np.add(x, 1, out=empty_like(x, out))
    np.clip(y, 0, 2, out=y)
    return np.multiply(y, 0.5, out=y)


@silent
def sparse_plus_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = 0 where x <= -1, x where x >= 1, (x + 1)^2 / 4 between."""
    middle = np.clip(x, -1, 1, out=np.empty(x.shape, x.dtype))
    np.add(middle, 1, out=middle)
    np.multiply(middle, middle, out=middle)
    np.multiply(middle, 0.25, out=middle)
    return np.maximum(middle, x, out=empty_like(x, out))


@silent
def sparse_plus_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dx = dy min(max(x + 1, 0), 2) / 2, which is dy times the sparse sigmoid."""
    return np.multiply(dy, sparse_sigmoid_forward(x), out=empty_like(dy, out))


@silent
def sparse_sigmoid_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dx = dy / 2 where -1 < x < 1, dy / 4 at -1 and 1, and 0 elsewhere."""
    size = np.abs(x)
    slope = np.multiply(size < 1, 0.25, dtype=x.dtype)
    slope += np.multiply(size <= 1, 0.25, dtype=x.dtype)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def _sparsemax_parts(x: Array, axis: int) -> tuple[Array, Array, Array]:
    """Return the order of x along the axis, largest first, the number k of those in the support, and tau."""
    order = np.argsort(-x, axis=axis, kind="stable")
    falling = np.take_along_axis(x, order, axis)
    sums = np.cumsum(falling, axis=axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    numbers = np.arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape(shape)
    support = falling - (sums - 1) / numbers > 0
    k = support.sum(axis, keepdims=True, dtype=x.dtype)
    tau = (np.where(support, sums, 0).sum(axis, keepdims=True, dtype=x.dtype) - 1) / k
    return order, k, tau


@silent
def sparsemax_forward(x: Array, axis: int = -1, out: Array | None = None) -> Array:
    """Return y = max(x - tau, 0) along the axis.

    With z the numbers from the largest down, c their running sums and k the number of j with z_j > (c_j - 1) / j,
    tau = (c_1 + ... + c_k - 1) / k.
    """
    y = empty_like(x, out)
    if x.size:
        _, _, tau = _sparsemax_parts(x, axis)
        np.subtract(x, tau, out=y)
        np.maximum(y, 0, out=y)
    return y


@silent
def sparsemax_backward(dy: Array, x: Array, axis: int = -1, out: Array | None = None) -> Array:
    """Return dx = s - (sum of s) * w along the axis: s = dy where y > 0, dy / 2 where x = tau, and 0 elsewhere.

    w is the derivative of tau: (k + 1 - i) / k for the i-th largest x up to the k-th, 0 for those behind.
    """
    dx = empty_like(dy, out)
    if not x.size:
        return dx
    order, k, tau = _sparsemax_parts(x, axis)
    shape = [1] * x.ndim
    shape[axis] = -1
    ranks = np.arange(x.shape[axis], dtype=x.dtype).reshape(shape)
    weights = np.empty(x.shape, x.dtype)
    np.put_along_axis(weights, order, np.maximum(k - ranks, 0) / k, axis)
    above = np.multiply(x > tau, 0.5, dtype=x.dtype)
    above += np.multiply(x >= tau, 0.5, dtype=x.dtype)
    np.multiply(dy, above, out=above)
    np.subtract(above, above.sum(axis, keepdims=True) * weights, out=dx)
    return dx
