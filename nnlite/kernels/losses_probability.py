"""Losses of probabilities beyond the cross-entropies: forward and backward pairs, as in ``kernels.losses``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.config import epsilon
from nnlite.kernels.activation import row_max, row_sum, sigmoid_forward, silent
from nnlite.kernels.loss_parts import cut, cut_backward, dot, mean, spread

Array = NDArray[Any]
Cache = Any


@silent
def kl_divergence_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the sum over the last axis of y * log(y / p), both cut to [1e-7, 1]."""
    y, q = cut(y, 1.0), cut(p, 1.0)
    return dot(y, np.log(y / q)), (y, p, q)


@silent
def kl_divergence_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -y / p * dvalues; 0 where p is cut, a half of it on the edges 1e-7 and 1, as on Keras's JAX backend."""
    y, p, q = cache
    g: Array = y / q
    g *= spread(dvalues, p, -1)
    return cut_backward(g, p, q, 1.0)


@silent
def poisson_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of p - y * log(p + 1e-7)."""
    above = p + p.dtype.type(epsilon())
    return mean(p - y * np.log(above)), (y, above)


@silent
def poisson_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (1 - y / (p + 1e-7)) / n * dvalues."""
    y, above = cache
    g: Array = 1 - y / above
    g *= spread(dvalues, above, 1 / max(above.shape[-1], 1))
    return g


def _power_slope(base: Array, gamma: float) -> Array:
    """The derivative of base^gamma by the base."""
    return np.zeros_like(base) if gamma == 0 else np.asarray(gamma * base ** (gamma - 1))


@silent
def binary_focal_crossentropy_forward(
    y: Array,
    p: Array,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tuple[Array, Cache]:
    """Return the mean over the axis of m^gamma * -(y log p + (1 - y) log(1 - p)), m = y (1 - p) + (1 - y) p.

    Logits become p = sigmoid(x). In the logarithms p is cut to [1e-7, 1 - 1e-7], in m it is not. With
    ``apply_class_balancing``, each is weighted by y alpha + (1 - y) (1 - alpha).
    """
    if label_smoothing:
        y = y * p.dtype.type(1 - label_smoothing) + p.dtype.type(0.5 * label_smoothing)
    if from_logits:
        p = sigmoid_forward(p)
    q = cut(p)
    entropy = y * np.log(q)
    entropy += (1 - y) * np.log(1 - q)
    np.negative(entropy, out=entropy)
    miss = p - 2 * y * p + y
    alpha, gamma = float(alpha), float(gamma)
    factor = miss**gamma
    weight = y * (2 * alpha - 1) + (1 - alpha) if apply_class_balancing else None
    values = factor * entropy
    if weight is not None:
        values *= weight
    return mean(values, axis), (y, p, q, entropy, miss, factor, weight, gamma, from_logits, axis)


@silent
def binary_focal_crossentropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (gamma m^(gamma - 1) (1 - 2 y) * ce + m^gamma * (p - y) / (p (1 - p))) / n * dvalues, ce the entropy.

    The second term is 0 where p is cut. For logits all is multiplied by p (1 - p).
    """
    y, p, q, entropy, miss, factor, weight, gamma, from_logits, axis = cache
    g: Array = q - y
    g /= q * (1 - q)
    g = cut_backward(g, p, q)
    g *= factor
    g += _power_slope(miss, gamma) * (1 - 2 * y) * entropy
    if weight is not None:
        g *= weight
    if from_logits:
        g *= p * (1 - p)
    g *= spread(dvalues, p, 1 / max(p.shape[axis], 1), axis)
    return g


@silent
def categorical_focal_crossentropy_forward(
    y: Array,
    p: Array,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> tuple[Array, Cache]:
    """Return the sum along the axis of -alpha (1 - p)^gamma y log p.

    Probabilities are divided by their sum and cut to [1e-7, 1 - 1e-7]; logits go through softmax first. ``alpha`` is
    a number, or an array that fits the last axis.
    """
    if label_smoothing:  # Keras divides by the size of the last axis, whatever ``axis`` is
        y = y * p.dtype.type(1 - label_smoothing) + p.dtype.type(label_smoothing / p.shape[-1])
    weighted = y * np.asarray(alpha, p.dtype)
    if not p.size:
        return dot(y, p, axis), (weighted, p, p, p, p, p, None, 0.0, axis)
    if from_logits:
        p = np.exp(p - row_max(p, axis))
    total = row_sum(p, axis)
    share = p / total
    q = cut(share)
    log, rest = np.log(q), 1 - q
    factor = rest ** float(gamma)
    cache = weighted, share, q, log, rest, factor, None if from_logits else total, float(gamma), axis
    return -dot(weighted * factor, log, axis), cache


@silent
def categorical_focal_crossentropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return, through softmax or the division by the sum, dq = alpha y (gamma (1-q)^(gamma-1) log q - (1-q)^gamma / q).

    Softmax: q (dq - sum(dq q)); division: (dq - sum(dq q)) / sum(p); dq is 0 where q is cut; all * dvalues.
    """
    weighted, share, q, log, rest, factor, total, gamma, axis = cache
    if not share.size:
        return np.zeros_like(share)
    g: Array = _power_slope(rest, gamma) * log
    g -= factor / q
    g *= weighted
    g = cut_backward(g, share, q)
    g -= np.expand_dims(dot(g, share, axis), axis)
    g *= share if total is None else 1 / total
    g *= spread(dvalues, share, axis=axis)
    return g


@silent
def generalized_cross_entropy_forward(y: Array, p: Array, q: float) -> tuple[Array, Cache]:
    """Return (1 - p[label]^q) / q.

    Args:
        y: whole-number labels, of any number type and of p's shape without the last axis (or with size 1 there).
        p: probabilities, taken as they are.
        q: between 0 (cross-entropy) and 1 (absolute error).

    Raises ``IndexError`` for a label outside the classes.
    """
    rows = np.ascontiguousarray(p).reshape(-1, p.shape[-1])
    labels = y.reshape(-1).astype(np.intp)
    if len(labels) != len(rows):
        raise IndexError(f"There are {len(labels)} labels for {len(rows)} predictions.")
    if labels.size and labels.view(np.uintp).max() >= p.shape[-1]:  # negative ones too
        raise IndexError(f"A label lies outside 0 to {p.shape[-1] - 1}.")
    at = np.arange(len(rows)) * p.shape[-1] + labels
    chosen = rows.reshape(-1)[at]
    values = (1 - chosen ** float(q)) * p.dtype.type(1 / q)
    return values.reshape(p.shape[:-1]), (chosen, at, p.shape, float(q))


@silent
def generalized_cross_entropy_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -p^(q - 1) * dvalues at the label, 0 elsewhere."""
    chosen, at, shape, q = cache
    g = np.zeros(shape, chosen.dtype)
    slope = -(chosen ** (q - 1)) * np.asarray(dvalues, chosen.dtype).reshape(-1)
    g.reshape(-1)[at] = slope
    return g
