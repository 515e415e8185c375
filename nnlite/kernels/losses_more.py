"""More losses of single samples and their gradients, in the form of :mod:`nnlite.kernels.losses`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.config import epsilon
from nnlite.kernels.activation import silent
from nnlite.kernels.losses import _cut, _cut_backward, _mean, _spread

Array = NDArray[Any]
Cache = Any


def _n(p: Array) -> int:
    return max(int(p.shape[-1]), 1)


@silent
def percentage_error_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return 100 times the mean over the last axis of |y - p| / max(|y|, 1e-7)."""
    size = np.maximum(np.abs(y), p.dtype.type(epsilon()))
    e = p - y
    return _mean(np.abs(e / size)) * p.dtype.type(100), (e, size)


@silent
def percentage_error_backward(dvalues: Array, cache: Cache) -> Array:
    """Return 100 sign(p - y) / max(|y|, 1e-7) / n * dvalues."""
    e, size = cache
    g: Array = np.where(e < 0, -1, 1).astype(e.dtype) / size * _spread(dvalues, e, 100 / _n(e))
    return g


@silent
def logarithmic_error_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of (log(max(p, 1e-7) + 1) - log(max(y, 1e-7) + 1))^2."""
    low = p.dtype.type(epsilon())
    cut = np.maximum(p, low)
    e = np.log1p(cut) - np.log1p(np.maximum(y, low))
    return _mean(e * e), (e, cut, p > low)


@silent
def logarithmic_error_backward(dvalues: Array, cache: Cache) -> Array:
    """Return 2 (log(p + 1) - log(y + 1)) / (p + 1) / n * dvalues where p > 1e-7, else 0."""
    e, cut, inside = cache
    g: Array = e / (cut + 1) * inside * _spread(dvalues, e, 2 / _n(e))
    return g


@silent
def log_cosh_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of log(cosh(p - y)) = e + log(1 + exp(-2 e)) - log 2."""
    e = p - y
    size = np.abs(e)
    return _mean(size + np.log1p(np.exp(-2 * size)) - p.dtype.type(np.log(2))), e


@silent
def log_cosh_backward(dvalues: Array, e: Cache) -> Array:
    """Return tanh(p - y) / n * dvalues."""
    g: Array = np.tanh(e) * _spread(dvalues, e, 1 / _n(e))
    return g


@silent
def kl_divergence_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the sum over the last axis of y log(y / p), both cut to [1e-7, 1]."""
    low, high = p.dtype.type(epsilon()), p.dtype.type(1)
    cut, y = np.clip(p, low, high), np.clip(y, low, high)
    return (y * np.log(y / cut)).sum(-1), (y, cut, (p >= low) & (p <= high))


@silent
def kl_divergence_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -y / p * dvalues where p lies inside, else 0."""
    y, cut, inside = cache
    g: Array = -y / cut * inside * _spread(dvalues, cut)
    return g


@silent
def poisson_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of p - y log(p + 1e-7)."""
    shifted = p + p.dtype.type(epsilon())
    return _mean(p - y * np.log(shifted)), (y, shifted)


@silent
def poisson_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (1 - y / (p + 1e-7)) / n * dvalues."""
    y, shifted = cache
    g: Array = (1 - y / shifted) * _spread(dvalues, shifted, 1 / _n(shifted))
    return g


def _signs(y: Array) -> Array:
    """Labels as -1 and 1, where all of them are 0 or 1."""
    return y * 2 - 1 if ((y == 0) | (y == 1)).all() else y


@silent
def hinge_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of max(1 - y p, 0), labels 0 and 1 taken as -1 and 1."""
    y = _signs(y)
    gap = 1 - y * p
    return _mean(np.maximum(gap, 0)), (y, gap)


@silent
def hinge_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -y / n * dvalues where 1 - y p > 0 (half of it at 0, as JAX has it)."""
    y, gap = cache
    active = (gap > 0) + (gap == 0) * y.dtype.type(0.5)
    g: Array = -y * active * _spread(dvalues, gap, 1 / _n(gap))
    return g


@silent
def squared_hinge_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of max(1 - y p, 0)^2, labels 0 and 1 taken as -1 and 1."""
    y = _signs(y)
    gap = np.maximum(1 - y * p, 0)
    return _mean(gap * gap), (y, gap)


@silent
def squared_hinge_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -2 y max(1 - y p, 0) / n * dvalues."""
    y, gap = cache
    g: Array = -y * gap * _spread(dvalues, gap, 2 / _n(gap))
    return g


@silent
def categorical_hinge_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return max(max((1 - y) p) - sum(y p) + 1, 0) over the last axis."""
    others = (1 - y) * p
    largest = others.max(-1)
    gap = largest - (y * p).sum(-1) + 1
    return np.maximum(gap, 0), (y, others == largest[..., None], gap)


@silent
def categorical_hinge_backward(dvalues: Array, cache: Cache) -> Array:
    """Return ((1 - y) where that is largest, equal ones sharing it, less y) * dvalues where the value is above 0."""
    y, largest, gap = cache
    active = ((gap > 0) + (gap == 0) * y.dtype.type(0.5))[..., None]
    share = largest / largest.sum(-1, keepdims=True).astype(y.dtype)
    g: Array = ((1 - y) * share - y) * active * _spread(dvalues, y)
    return g


@silent
def cosine_forward(y: Array, p: Array, axis: int = -1) -> tuple[Array, Cache]:
    """Return minus the sum along the axis of y / |y| * p / |p|."""
    low = p.dtype.type(1e-12)
    length = np.maximum(np.sqrt((p * p).sum(axis, keepdims=True)), low)
    unit, target = p / length, y / np.maximum(np.sqrt((y * y).sum(axis, keepdims=True)), low)
    return -(unit * target).sum(axis), (unit, target, length, axis)


@silent
def cosine_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (u sum(u t) - t) / |p| * dvalues with u = p / |p| and t = y / |y|."""
    unit, target, length, axis = cache
    g: Array = (unit * (unit * target).sum(axis, keepdims=True) - target) / length
    return g * _spread(dvalues, unit, axis=axis)


@silent
def binary_focal_forward(
    y: Array,
    p: Array,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tuple[Array, Cache]:
    """Return the mean along the axis of (1 - p_t)^gamma * crossentropy, p_t = y p + (1 - y)(1 - p).

    With class balancing each term is weighed by y alpha + (1 - y)(1 - alpha).
    """
    kind = p.dtype.type
    if label_smoothing:
        y = y * kind(1 - label_smoothing) + kind(0.5 * label_smoothing)
    if from_logits:
        p = 1 / (1 + np.exp(-p))
    q = _cut(p)
    cross = -(y * np.log(q) + (1 - y) * np.log(1 - q))
    missing = 1 - (y * p + (1 - y) * (1 - p))
    weight = y * kind(alpha) + (1 - y) * kind(1 - alpha) if apply_class_balancing else kind(1)
    values = weight * missing ** kind(gamma) * cross
    return _mean(values, axis), (y, p, q, cross, missing, weight, gamma, from_logits, axis)


@silent
def binary_focal_backward(dvalues: Array, cache: Cache) -> Array:
    """Return the two products' slopes, through the sigmoid for logits, / n * dvalues."""
    y, p, q, cross, missing, weight, gamma, from_logits, axis = cache
    kind = p.dtype.type
    by_cross = _cut_backward((1 - y) / (1 - q) - y / q, p, q)
    slope = missing ** kind(gamma) * by_cross + kind(gamma) * missing ** kind(gamma - 1) * (1 - 2 * y) * cross
    slope = slope * weight
    if from_logits:
        slope = slope * p * (1 - p)
    g: Array = slope * _spread(dvalues, p, 1 / max(p.shape[axis], 1), axis)
    return g


@silent
def categorical_focal_forward(
    y: Array,
    p: Array,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tuple[Array, Cache]:
    """Return the sum along the axis of -alpha (1 - p)^gamma y log p, the probabilities divided by their sum and cut."""
    kind = p.dtype.type
    if label_smoothing:
        y = y * kind(1 - label_smoothing) + kind(label_smoothing / p.shape[-1])
    if from_logits:
        p = np.exp(p - p.max(axis, keepdims=True))
    total = p.sum(axis, keepdims=True)
    share = p / total
    q = _cut(share)
    values = -kind(alpha) * (1 - q) ** kind(gamma) * y * np.log(q)
    return values.sum(axis), (y, share, q, total, alpha, gamma, from_logits, axis)


@silent
def categorical_focal_backward(dvalues: Array, cache: Cache) -> Array:
    """Return alpha y (gamma (1 - p)^(gamma - 1) log p - (1 - p)^gamma / p) through the normalization, * dvalues."""
    y, share, q, total, alpha, gamma, from_logits, axis = cache
    kind = q.dtype.type
    slope = kind(gamma) * (1 - q) ** kind(gamma - 1) * np.log(q) - (1 - q) ** kind(gamma) / q
    d = _cut_backward(kind(alpha) * y * slope, share, q)
    d = d - (d * share).sum(axis, keepdims=True)
    g: Array = d * (share if from_logits else 1 / total) * _spread(dvalues, q, axis=axis)
    return g


def _along(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _over(dvalues: Array, p: Array, axis: Any) -> Array:
    """The gradient by values that were summed over ``axis``, in p's rank."""
    given = np.asarray(dvalues, p.dtype)
    return given if axis is None or not given.ndim else np.expand_dims(given, _along(axis))


@silent
def dice_forward(y: Array, p: Array, axis: Any = None) -> tuple[Array, Cache]:
    """Return 1 - 2 sum(y p) / (sum(y) + sum(p) + 1e-7) over the axes, all of them where None."""
    along = _along(axis)
    both = (y * p).sum(along, keepdims=True)
    total = y.sum(along, keepdims=True) + p.sum(along, keepdims=True) + p.dtype.type(epsilon())
    values = 1 - 2 * both / total
    return np.asarray(values.reshape(()) if axis is None else values.squeeze(along)), (y, both, total, axis)


@silent
def dice_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -2 (y total - both) / total^2 * dvalues."""
    y, both, total, axis = cache
    g: Array = -2 * (y * total - both) / (total * total) * _over(dvalues, y, axis)
    return g


@silent
def tversky_forward(y: Array, p: Array, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> tuple[Array, Cache]:
    """Return 1 - I / (I + alpha sum((1 - p) y) + beta sum(p (1 - y)) + 1e-7), I = sum(y p), over the axes."""
    along, kind = _along(axis), p.dtype.type
    both = (y * p).sum(along, keepdims=True)
    missed, extra = ((1 - p) * y).sum(along, keepdims=True), (p * (1 - y)).sum(along, keepdims=True)
    total = both + missed * kind(alpha) + extra * kind(beta) + kind(epsilon())
    values = 1 - both / total
    return np.asarray(values.reshape(()) if axis is None else values.squeeze(along)), (
        y,
        both,
        total,
        alpha,
        beta,
        axis,
    )


@silent
def tversky_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -(y total - both (y - alpha y + beta (1 - y))) / total^2 * dvalues."""
    y, both, total, alpha, beta, axis = cache
    slope = y * y.dtype.type(1 - alpha) + (1 - y) * y.dtype.type(beta)
    g: Array = -(y * total - both * slope) / (total * total) * _over(dvalues, y, axis)
    return g
