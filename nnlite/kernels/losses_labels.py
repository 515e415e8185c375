"""Losses of whole-number labels: generalized cross-entropy, circle loss, connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.activation import silent
from nnlite.kernels.losses import _spread

Array = NDArray[Any]
Cache = Any

# Stands for the logarithm of 0.
_LOG_ZERO = -1e5


@silent
def generalized_forward(y: Array, p: Array, q: float = 0.5) -> tuple[Array, Cache]:
    """Return (1 - p[label]^q) / q."""
    labels = y.reshape(p.shape[:-1]).astype(np.int64)
    chosen = np.take_along_axis(p, labels[..., None], -1)
    return (1 - chosen[..., 0] ** p.dtype.type(q)) / p.dtype.type(q), (labels, chosen, q, p.shape)


@silent
def generalized_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -p[label]^(q - 1) * dvalues at the label, else 0."""
    labels, chosen, q, shape = cache
    g = np.zeros(shape, chosen.dtype)
    slope = -(chosen ** chosen.dtype.type(q - 1)) * _spread(dvalues, g)
    np.put_along_axis(g, labels[..., None], slope, -1)
    return g


@silent
def circle_forward(
    y: Array, p: Array, gamma: float = 80.0, margin: float = 0.4, remove_diagonal: bool = True
) -> tuple[Array, Cache]:
    """Return softplus(logsumexp of the positive pairs + logsumexp of the negative pairs) for each row.

    With d = max(1 - p @ p.T, 0): a pair of equal labels counts ``gamma (margin + d)(d - margin)``, another one
    ``gamma (1 + margin - d)(1 - margin - d)``.
    """
    labels, kind = y.reshape(-1), p.dtype.type
    d = np.maximum(1 - p @ p.T, 0)
    same = labels[:, None] == labels
    other = ~same
    if remove_diagonal:
        same = same & ~np.eye(len(p), dtype=bool)
    weight = np.maximum(kind(1 + margin) - d, 0)
    near = kind(gamma) * (kind(margin) + d) * (d - kind(margin))
    far = kind(gamma) * weight * (kind(1 - margin) - d)
    positive, p_share = _log_sum(near, same)
    negative, n_share = _log_sum(far, other)
    total = positive + negative
    values = np.maximum(total, 0) + np.log1p(np.exp(-np.abs(total)))
    slope = p_share * 2 * d + n_share * np.where(weight > 0, 2 * d - 2, 0)
    return np.where(np.isneginf(total), kind(0), values), (p, total, slope * kind(gamma), d > 0)


def _log_sum(x: Array, mask: Array) -> tuple[Array, Array]:
    """The logarithm of the sum of exp(x) over the masked, and each one's share of the sum."""
    masked = np.where(mask, x, -np.inf)
    top = masked.max(1, keepdims=True, initial=-np.inf)
    powers = np.exp(masked - np.where(np.isfinite(top), top, 0))
    total = powers.sum(1, keepdims=True)
    share = powers / np.where(total > 0, total, 1)
    return (np.log(total) + np.where(np.isfinite(top), top, 0))[:, 0].astype(x.dtype), share.astype(x.dtype)


@silent
def circle_backward(dvalues: Array, cache: Cache) -> Array:
    """Return the gradient through both factors of every pair: with S by p @ p.T, ``S @ p + S.T @ p``."""
    p, total, slope, inside = cache
    sigmoid = 1 / (1 + np.exp(-total))
    given = np.broadcast_to(np.asarray(dvalues, p.dtype), total.shape)
    s = -(slope * inside) * (sigmoid * given)[:, None]
    g: Array = s @ p + s.T @ p
    return g


@silent
def ctc_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return -log of the probability that the steps' classes, repeats joined and blanks dropped, spell the labels.

    (Graves et al., 2006.) The labels with blanks around them are l; with log softmax a of the logits::

        alpha[t, s] = log(exp(alpha[t-1, s]) + exp(alpha[t-1, s-1]) + exp(alpha[t-1, s-2] if l[s] may follow l[s-2]))
                      + a[t, l[s]]

    and beta likewise from the end.

    Args:
        y: (N, L) labels from 1; 0 is the blank and fills up shorter rows.
        p: (N, T, C) logits.
    """
    n, steps, _ = p.shape
    y = y.astype(np.int64)
    count = (y != 0).sum(1)
    size = 2 * y.shape[1] + 1
    spelled = np.zeros((n, size), np.int64)
    spelled[:, 1::2] = y
    shifted = p - p.max(-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    emitted = np.take_along_axis(logs, np.broadcast_to(spelled[:, None], (n, steps, size)), 2).astype(np.float64)
    jumps = np.zeros((n, size), bool)  # from two places before: over a blank between different labels
    jumps[:, 2:] = (spelled[:, 2:] != 0) & (spelled[:, 2:] != spelled[:, :-2])
    valid = np.arange(size) < (2 * count + 1)[:, None]
    rows = np.arange(n)

    def run(emitted: Array, jumps: Array, first: Array) -> Array:
        table = np.full((steps, n, size), _LOG_ZERO)
        table[0] = np.where(first, emitted[:, 0], _LOG_ZERO)
        for t in range(1, steps):
            before = table[t - 1]
            one, two = np.full_like(before, _LOG_ZERO), np.full_like(before, _LOG_ZERO)
            one[:, 1:] = before[:, :-1]
            two[:, 2:] = before[:, :-2]
            two = np.where(jumps, two, _LOG_ZERO)
            table[t] = np.maximum(np.logaddexp(np.logaddexp(before, one), two) + emitted[:, t], _LOG_ZERO)
        return table

    start = (np.arange(size) < 2) & valid
    alpha = run(np.where(valid[:, None], emitted, _LOG_ZERO), jumps, start)
    last = np.minimum(2 * count, size - 1)
    ends = alpha[-1][rows, last], np.where(count > 0, alpha[-1][rows, np.maximum(last - 1, 0)], _LOG_ZERO)
    total = np.maximum(np.logaddexp(*ends), _LOG_ZERO)
    return (-total).astype(p.dtype), (p, logs, spelled, emitted, alpha, total, count, jumps, valid)


@silent
def ctc_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (softmax(p) - the share of the paths that are in each class at each step) * dvalues."""
    p, logs, spelled, emitted, alpha, total, count, jumps, valid = cache
    n, steps, classes = p.shape
    size = spelled.shape[1]
    places = np.arange(size)
    last = (2 * count)[:, None]
    ending = ((places == last) | ((places == last - 1) & (count > 0)[:, None])) & valid
    beta = np.where(ending, 0.0, _LOG_ZERO)
    shares = np.empty((n, steps, size))
    ahead = np.zeros_like(jumps)
    ahead[:, :-2] = jumps[:, 2:]
    for t in range(steps - 1, -1, -1):
        shares[:, t] = np.exp(alpha[t] + beta - total[:, None])
        inner = np.maximum(beta + np.where(valid, emitted[:, t], _LOG_ZERO), _LOG_ZERO)
        one, two = np.full_like(inner, _LOG_ZERO), np.full_like(inner, _LOG_ZERO)
        one[:, :-1] = inner[:, 1:]
        two[:, :-2] = inner[:, 2:]
        two = np.where(ahead, two, _LOG_ZERO)
        beta = np.maximum(np.logaddexp(np.logaddexp(inner, one), two), _LOG_ZERO)
    hot = (spelled[..., None] == np.arange(classes)).astype(np.float64)
    g: Array = np.exp(logs) - (shares @ hot).astype(p.dtype)
    given = np.asarray(dvalues, p.dtype)
    g *= given if not given.ndim else given.reshape(n, 1, 1)
    return g
