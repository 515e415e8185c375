"""Losses of single samples and their gradients: forward and backward pairs.

Every forward returns the values, one a sample (the last axis is averaged or summed away), and a cache; the backward
takes the gradient by those values, as it comes from weights and reduction, and returns that by ``p``, the prediction.
That gradient has the values' shape, or is a single number for all of them. ``y`` is of ``p``'s dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel
from nnlite.kernels.activation import row_max, row_sum, sigmoid_forward, silent
from nnlite.kernels.elementwise import BLOCK
from nnlite.kernels.loss_parts import cut, cut_backward, dot, mean, spread

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


@silent
def squared_error_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of (p - y)^2."""
    e = p - y
    return dot(e, e) * p.dtype.type(1 / max(p.shape[-1], 1)), e


@silent
def squared_error_backward(dvalues: Array, e: Cache) -> Array:
    """Return 2 * (p - y) / n * dvalues."""
    g: Array = e * spread(dvalues, e, 2 / max(e.shape[-1], 1))
    return g


@silent
def absolute_error_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of |p - y|."""
    e = p - y
    return mean(np.abs(e)), e


@silent
def absolute_error_backward(dvalues: Array, e: Cache) -> Array:
    """Return sign(p - y) / n * dvalues; at p = y the sign is -1, as on Keras's JAX backend."""
    slope = spread(dvalues, e, 1 / max(e.shape[-1], 1))
    return np.where(e <= 0, -slope, slope)


@silent
def huber_forward(y: Array, p: Array, delta: float = 1.0) -> tuple[Array, Cache]:
    """Return the mean over the last axis of e^2 / 2 where |e| <= delta, delta * |e| - delta^2 / 2 beyond; e = p - y."""
    e = p - y
    size = np.abs(e)
    near = np.minimum(size, p.dtype.type(delta))
    size -= near * p.dtype.type(0.5)
    size *= near
    return mean(size), (e, delta)


@silent
def huber_backward(dvalues: Array, cache: Cache) -> Array:
    """Return clip(p - y, -delta, delta) / n * dvalues."""
    e, delta = cache
    slope: Array = np.minimum(np.maximum(e, e.dtype.type(-delta)), e.dtype.type(delta))
    slope *= spread(dvalues, e, 1 / max(e.shape[-1], 1))
    return slope


@silent
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
        return mean(values, axis), (y, p, None, axis)
    q = cut(p)
    values = y * np.log(q)
    values += (1 - y) * np.log(1 - q)
    return mean(np.negative(values, out=values), axis), (y, p, q, axis)


@silent
def binary_crossentropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (sigmoid(x) - y) / n for logits, (p - y) / (p (1 - p)) / n for probabilities (0 where cut), * dvalues."""
    y, p, q, axis = cache
    g: Array
    if q is None:
        g = sigmoid_forward(p) - y
    else:
        g = q - y
        g /= q * (1 - q)
        g = cut_backward(g, p, q)
    g *= spread(dvalues, p, 1 / max(p.shape[axis], 1), axis)
    return g


@silent
def categorical_crossentropy_forward(
    y: Array, p: Array, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> tuple[Array, Cache]:
    """Return -sum of y log p along the axis.

    Probabilities are divided by their sum and cut to [1e-7, 1 - 1e-7]; logits go through log softmax.
    """
    if label_smoothing:  # Keras divides by the size of the last axis, whatever ``axis`` is
        y = y * p.dtype.type(1 - label_smoothing) + p.dtype.type(label_smoothing / p.shape[-1])
    if not p.size:
        return dot(y, p, axis), (y, p, None, None, axis)
    if from_logits:
        shifted = p - row_max(p, axis)
        chosen = dot(y, shifted, axis)
        exp = np.exp(shifted, out=shifted)
        total, mass = row_sum(exp, axis), row_sum(y, axis)
        return (np.log(total) * mass).squeeze(axis) - chosen, (y, exp, None, mass / total, axis)
    total = row_sum(p, axis)
    share = p / total
    q = cut(share)
    return -dot(y, np.log(q), axis), (y, share, q, total, axis)


@silent
def categorical_crossentropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (softmax(x) * sum(y) - y) for logits, else -y / p through the normalization, * dvalues."""
    y, p, q, ratio, axis = cache
    scale = spread(dvalues, p, axis=axis)
    g: Array
    if not p.size:
        g = np.zeros_like(p)
    elif q is None:  # p is exp(x)
        g = p * (ratio * scale)
        g -= y * scale
    else:  # p is the share of the sum, which is ratio
        g = cut_backward(y / q, p, q)
        g = np.expand_dims(dot(g, p, axis), axis) - g
        g *= scale / ratio
    return g


def _by_blocks(task: Callable[[slice], Any], rows: Array) -> None:
    """Call ``task`` for slices of many rows: as many as fit the cache, on several threads."""
    step, quiet = max(1, BLOCK * len(rows) // rows.size), silent(task)

    def several(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            quiet(slice(first, min(stop, first + step)))

    parallel.run(several, len(rows), rows.size / 1000)


def _exponentials(rows: Array, at: Array) -> tuple[Array, Array, Array]:
    """exp(x - max x) of every row, its sum, and x - max x at the (flat) places ``at``, one a row."""
    if rows.size <= BLOCK:
        shifted = rows - row_max(rows)
        chosen = shifted.reshape(-1)[at]
        exp = np.exp(shifted, out=shifted)
        return exp, row_sum(exp)[:, 0], chosen
    exp, total, chosen = np.empty_like(rows), np.empty(len(rows), rows.dtype), np.empty(len(rows), rows.dtype)

    def task(part: slice) -> None:
        shifted = np.subtract(rows[part], row_max(rows[part]), out=exp[part])
        chosen[part] = shifted.reshape(-1)[at[part] - part.start * rows.shape[1]]
        np.exp(shifted, out=shifted)
        total[part] = row_sum(shifted)[:, 0]

    _by_blocks(task, rows)
    return exp, total, chosen


def _scaled(rows: Array, slope: Array) -> Array:
    """Every row times its own number."""
    if rows.size <= BLOCK:
        scaled: Array = rows * slope[:, None]
        return scaled
    out = np.empty_like(rows)
    _by_blocks(lambda part: np.multiply(rows[part], slope[part, None], out=out[part]), rows)
    return out


@silent
def sparse_categorical_crossentropy_forward(
    y: Array, p: Array, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> tuple[Array, Cache]:
    """Return -log p[label]; 0 where the label is ``ignore_class``.

    Args:
        y: whole-number labels, of any number type and of p's shape without the axis (or with size 1 there).
        p: probabilities (normalized and cut as in the categorical form) or logits.

    Raises ``IndexError`` for a label outside the classes.
    """
    last = p if axis in (-1, p.ndim - 1) else np.moveaxis(p, axis, -1)
    classes = last.shape[-1]
    rows = np.ascontiguousarray(last).reshape(-1, classes)
    labels = y.reshape(-1).astype(np.intp, copy=False)
    valid = None
    if ignore_class is not None:
        valid = labels != ignore_class
        labels = np.where(valid, labels, 0)
        rows = np.where(valid[:, None], rows, p.dtype.type(1))  # predictions there may be NaN
    if len(labels) != len(rows):
        raise IndexError(f"There are {len(labels)} labels for {len(rows)} predictions.")
    if labels.size and labels.view(np.uintp).max() >= classes:  # negative ones too
        raise IndexError(f"A label lies outside 0 to {classes - 1}.")
    at = np.arange(0, rows.size, classes or 1)
    at += labels
    kept: tuple[Any, ...]
    if not rows.size:
        values, kept = np.zeros(len(rows), p.dtype), (rows, rows)
    elif from_logits:
        exp, total, chosen = _exponentials(rows, at)
        values, kept = np.log(total) - chosen, (exp, total)
    else:
        total = row_sum(rows)[:, 0]
        share = rows.reshape(-1)[at] / total
        q = cut(share)
        values, kept = -np.log(q), (share, q, total)
    if valid is not None:
        values = np.where(valid, values, p.dtype.type(0))
    return values.reshape(last.shape[:-1]), (kept, at, valid, last.shape, axis)


@silent
def sparse_categorical_crossentropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (softmax(x) - onehot(y)) for logits, else -1 / p[label] through the normalization, * dvalues."""
    kept, at, valid, shape, axis = cache
    dtype = kept[0].dtype
    scale = np.asarray(dvalues, dtype)
    scale = scale.reshape(-1) if scale.ndim else scale
    if valid is not None:
        scale = scale * valid
    if not math.prod(shape):
        g = np.zeros(shape, dtype)
    elif len(kept) == 2:
        exp, total = kept
        g = _scaled(exp, scale / total)
        g.reshape(-1)[at] -= scale
    else:
        share, q, total = kept
        # By the shares: -1/q at the label. By p, divided by its sum: everywhere + share/q of the label, over the sum.
        slope = cut_backward(scale / q, share, q) / total
        g = np.empty((len(total), shape[-1]), dtype)
        g[:] = (slope * share)[:, None]
        g.reshape(-1)[at] -= slope
    g = g.reshape(shape)
    return g if axis in (-1, len(shape) - 1) else np.moveaxis(g, -1, axis)


@silent
def reduced(values: Array, weight: Array | None, mask: Array | None, reduction: str | None) -> tuple[Any, Array]:
    """Return the reduced loss and the gradient by ``values`` of its sum.

    Args:
        values: losses of the samples.
        weight: sample weights, of the same rank up to a last axis of size 1, or None. A single value without axes is
            weighed by each of them.
        mask: which samples count, of a shape that fits the weights, or None.
        reduction: "sum_over_batch_size" (also "mean"): sum of the weighted values over their number;
            "mean_with_sample_weight": over the sum of the weights; "sum"; "none" or None.

    The gradient has the shape of ``values``, or is one number for all. Raises ``ValueError`` for weights that do not
    fit.
    """
    dtype = values.dtype
    averaged = reduction in ("mean", "sum_over_batch_size")
    if mask is not None:
        weight = _masked(weight, mask.astype(dtype), averaged)
    if weight is not None and weight.ndim and not values.ndim:  # one value for all: as many as there are weights
        value, slopes = reduced(np.broadcast_to(values, weight.shape), weight, None, reduction)
        return value, slopes.sum(dtype=dtype)
    if weight is None:
        count: float = values.size
        weighted, scale = values, dtype.type(1)
    else:
        expanded, weight = same_rank(values, weight.astype(dtype, copy=False))
        try:
            scale = np.broadcast_to(weight, expanded.shape)
        except ValueError:
            raise ValueError(
                f"sample_weight of shape {weight.shape} does not fit losses of shape {values.shape}."
            ) from None
        weighted, scale = expanded * weight, scale.reshape(values.shape)
        count = weighted.size if averaged else float(weight.sum(dtype=np.float64))
    if reduction in (None, "none"):
        return weighted, scale
    total = float(np.add.reduce(weighted, axis=None, dtype=np.float64))
    if reduction == "sum":
        return dtype.type(total), scale
    if not count:
        return dtype.type(0), np.zeros(values.shape, dtype)
    return dtype.type(total / count), scale * dtype.type(1 / count)


def _masked(weight: Array | None, counted: Array, averaged: bool) -> Array:
    """Weights that are 0 where ``counted`` is; averaged over all, they then give the mean over what counts."""
    if averaged:
        valid = float(counted.sum(dtype=np.float64))
        counted = counted * counted.dtype.type(counted.size / valid if valid else 0)
    if weight is None:
        return counted
    weight, counted = same_rank(weight.astype(counted.dtype, copy=False), counted)
    try:
        return weight * counted
    except ValueError:
        raise ValueError(
            f"sample_weight of shape {weight.shape} does not fit a mask of shape {counted.shape}."
        ) from None
