"""Losses of single samples and their gradients: forward and backward pairs.

Every forward returns the values, one a sample (the last axis is averaged or summed away), and a cache; the backward
takes the gradient by those values, as it comes from weights and reduction, and returns that by ``p``, the prediction.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.config import epsilon
from nnlite.kernels.activation import sigmoid_forward, softmax_forward

Array = NDArray[Any]
Cache = Any


def same_rank(a: Array, b: Array) -> tuple[Array, Array]:
    """Return two arrays whose ranks differ by a last axis of size 1 with equal ranks; others as they are.

    (N,) beside (N, 1) becomes (N, 1); otherwise the axis of size 1 is dropped.
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[..., None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[..., None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def _shrink(n: int, dvalues: Array, dtype: Any) -> Array:
    """The gradient by the values spread over an averaged last axis of size n."""
    share: Array = dvalues[..., None] * dtype.type(1 / max(n, 1))
    return share


def squared_error_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of (p - y)^2."""
    e = p - y
    return np.einsum("...i,...i->...", e, e) * p.dtype.type(1 / max(p.shape[-1], 1)), e


def squared_error_backward(dvalues: Array, e: Cache) -> Array:
    """Return 2 * (p - y) / n * dvalues."""
    g: Array = e * _shrink(e.shape[-1], dvalues, e.dtype)
    g *= 2
    return g


def absolute_error_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of |p - y|."""
    e = p - y
    return np.abs(e).mean(-1, dtype=p.dtype), e


def absolute_error_backward(dvalues: Array, e: Cache) -> Array:
    """Return sign(p - y) / n * dvalues; at p = y the sign is -1, as on Keras's JAX backend."""
    sign: Array = (e > 0) * e.dtype.type(2) - e.dtype.type(1)
    return sign * _shrink(e.shape[-1], dvalues, e.dtype)


def huber_forward(y: Array, p: Array, delta: float = 1.0) -> tuple[Array, Cache]:
    """Return the mean over the last axis of e^2 / 2 where |e| <= delta, delta * |e| - delta^2 / 2 beyond; e = p - y."""
    e = p - y
    size = np.abs(e)
    near = np.minimum(size, p.dtype.type(delta))
    values = near * (size - near * p.dtype.type(0.5))
    return values.mean(-1, dtype=p.dtype), (e, delta)


def huber_backward(dvalues: Array, cache: Cache) -> Array:
    """Return clip(p - y, -delta, delta) / n * dvalues."""
    e, delta = cache
    slope: Array = np.clip(e, e.dtype.type(-delta), e.dtype.type(delta))
    return slope * _shrink(e.shape[-1], dvalues, e.dtype)


def binary_crossentropy_forward(
    y: Array, p: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> tuple[Array, Cache]:
    """Return the mean over the axis of -(y log p + (1 - y) log(1 - p)).

    Probabilities are cut to [1e-7, 1 - 1e-7]; logits use log p = -log(1 + exp(-x)), without a cut.
    """
    if label_smoothing:
        y = y * p.dtype.type(1 - label_smoothing) + p.dtype.type(0.5 * label_smoothing)
    if from_logits:
        values = np.maximum(p, 0) - p * y + np.log1p(np.exp(-np.abs(p)))
    else:
        q = np.clip(p, p.dtype.type(epsilon()), p.dtype.type(1 - epsilon()))
        values = -(y * np.log(q) + (1 - y) * np.log(1 - q))
    return values.mean(axis, dtype=p.dtype), (y, p, from_logits, axis)


def binary_crossentropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (sigmoid(x) - y) / n for logits, (p - y) / (p (1 - p)) / n for probabilities (0 where cut), * dvalues."""
    y, p, from_logits, axis = cache
    scale = np.expand_dims(dvalues, axis) * p.dtype.type(1 / max(p.shape[axis], 1))
    g: Array
    if from_logits:
        g = (sigmoid_forward(p) - y) * scale
        return g
    q = np.clip(p, p.dtype.type(epsilon()), p.dtype.type(1 - epsilon()))
    g = (q - y) / (q * (1 - q))
    g *= _passes(p)
    g *= scale
    return g


def _passes(p: Array) -> Array:
    """The derivative of cutting p to [1e-7, 1 - 1e-7]: 1 inside, 0 outside, 1/2 on the edges, as JAX has it."""
    low, high = p.dtype.type(epsilon()), p.dtype.type(1 - epsilon())
    inside: Array = ((p > low) & (p < high)).astype(p.dtype)
    inside += p.dtype.type(0.5) * ((p == low) | (p == high))
    return inside


def _normalized(p: Array, axis: int) -> tuple[Array, Array, Array]:
    """p / sum(p), the same cut to [1e-7, 1 - 1e-7], and the sum."""
    total = p.sum(axis, keepdims=True)
    share = p / total
    return share, np.clip(share, p.dtype.type(epsilon()), p.dtype.type(1 - epsilon())), total


def _normalized_backward(dq: Array, share: Array, q: Array, total: Array, axis: int) -> Array:
    """The gradient by p, given that by the cut share q."""
    dq = dq * _passes(share)
    dp: Array = (dq - (dq * share).sum(axis, keepdims=True)) / total
    return dp


def categorical_crossentropy_forward(
    y: Array, p: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> tuple[Array, Cache]:
    """Return -sum of y log p along the axis.

    Probabilities are divided by their sum and cut to [1e-7, 1 - 1e-7]; logits go through log softmax.
    """
    if label_smoothing:
        y = y * p.dtype.type(1 - label_smoothing) + p.dtype.type(label_smoothing / p.shape[axis])
    if from_logits:
        shifted = p - p.max(axis, keepdims=True, initial=-np.inf)
        log_p = shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))
        return -(y * log_p).sum(axis), (y, p, None, axis)
    share, q, total = _normalized(p, axis)
    return -(y * np.log(q)).sum(axis), (y, share, (q, total), axis)


def categorical_crossentropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (softmax(x) * sum(y) - y) for logits, else -y / p through the normalization, * dvalues."""
    y, p, normalized, axis = cache
    scale = np.expand_dims(dvalues, axis)
    g: Array
    if normalized is None:
        g = (softmax_forward(p, axis) * y.sum(axis, keepdims=True) - y) * scale
    else:
        q, total = normalized
        g = _normalized_backward(-y / q, p, q, total, axis) * scale
    return g


def sparse_categorical_crossentropy_forward(
    y: Array, p: Array, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> tuple[Array, Cache]:
    """Return -log p[label]; 0 where the label is ``ignore_class``.

    Args:
        y: whole-number labels, of p's shape without the axis (or with size 1 there).
        p: probabilities (normalized and cut as in the categorical form) or logits.
    """
    classes = p.shape[axis]
    last = np.moveaxis(p, axis, -1)
    labels = y.reshape(last.shape[:-1]).astype(np.intp)
    valid = None
    if ignore_class is not None:
        valid = labels != ignore_class
        labels = np.where(valid, labels, 0)
    rows = last.reshape(-1, classes)
    picked = (np.arange(len(rows)), labels.reshape(-1))
    if from_logits:
        shifted = rows - rows.max(-1, keepdims=True, initial=-np.inf)
        exp = np.exp(shifted)
        total = exp.sum(-1)
        values = np.log(total) - shifted[picked]
        kept: Any = (exp, total)
    else:
        total = rows.sum(-1)
        share = rows[picked] / total
        q = np.clip(share, p.dtype.type(epsilon()), p.dtype.type(1 - epsilon()))
        values = -np.log(q)
        kept = (share, q, total)
    values = values.reshape(labels.shape)
    if valid is not None:
        values = values * valid
    return values, (kept, picked, from_logits, valid, last.shape, axis)


def sparse_categorical_crossentropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (softmax(x) - onehot(y)) for logits, else -1 / p[label] through the normalization, * dvalues."""
    kept, picked, from_logits, valid, shape, axis = cache
    scale = dvalues if valid is None else dvalues * valid
    scale = np.broadcast_to(scale, shape[:-1]).reshape(-1)
    if from_logits:
        exp, total = kept
        g = exp * (scale / total)[:, None]
        g[picked] -= scale
    else:
        share, q, total = kept
        # By the shares: -1/q at the label. By p, divided by its sum: everywhere + share/q of the label, over the sum.
        slope = scale / q * _passes(share) / total
        g = np.empty((len(total), shape[-1]), slope.dtype)
        g[:] = (slope * share)[:, None]
        g[picked] -= slope
    return np.moveaxis(g.reshape(shape), -1, axis)


def reduced(values: Array, weight: Array | None, mask: Array | None, reduction: str | None) -> tuple[Any, Array]:
    """Return the reduced loss and the gradient by ``values`` of its sum.

    Args:
        values: losses of the samples.
        weight: sample weights, of the same rank up to a last axis of size 1, or None.
        mask: which samples count, of a shape that fits the weights, or None.
        reduction: "sum_over_batch_size" (also "mean"): sum of the weighted values over their number;
            "mean_with_sample_weight": over the sum of the weights; "sum"; "none" or None.
    """
    dtype = values.dtype
    if mask is not None:
        counted = mask.astype(dtype)
        if reduction in ("mean", "sum_over_batch_size"):
            counted = counted * dtype.type(counted.size / (float(counted.sum()) + epsilon()))
        if weight is None:
            weight = counted
        else:
            weight, counted = same_rank(weight.astype(dtype), counted)
            weight = weight * counted
    count = values.size
    if weight is None:
        weighted, scale = values, np.ones((), dtype)
    else:
        weight = weight.astype(dtype)
        expanded, weight = same_rank(values, weight)
        weighted = expanded * weight
        if weighted.shape != expanded.shape:
            raise ValueError(f"sample_weight of shape {weight.shape} does not fit losses of shape {values.shape}.")
        scale = np.broadcast_to(weight, expanded.shape).reshape(values.shape)
        count = weighted.size
    if reduction in (None, "none"):
        return weighted, np.broadcast_to(scale, values.shape)
    total = float(weighted.sum(dtype=np.float64))
    divisor = 1.0
    if reduction in ("mean", "sum_over_batch_size"):
        divisor = float(count)
    elif reduction == "mean_with_sample_weight":
        divisor = float(count) if weight is None else float(weight.sum(dtype=np.float64))
    if divisor == 0 or math.isnan(divisor):
        return dtype.type(0 if divisor == 0 else math.nan), np.zeros(values.shape, dtype)
    return dtype.type(total / divisor), np.broadcast_to(scale * dtype.type(1 / divisor), values.shape)
