"""The circle loss of embeddings, as a forward and backward pair."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.activation import sigmoid_forward, silent

Array = NDArray[Any]
Cache = Any


def _log_sum_exp(x: Array, chosen: Array) -> tuple[Array, Array]:
    """The logarithm of the sum of exp(x) over what is chosen of each row, and the shares of that sum."""
    x = np.where(chosen, x, x.dtype.type(-np.inf))
    top = x.max(1, keepdims=True, initial=-np.inf)
    exp = np.exp(x - np.where(np.isinf(top), x.dtype.type(0), top))
    total = exp.sum(1, keepdims=True)
    share = exp / np.where(total == 0, x.dtype.type(1), total)
    return np.where(np.isinf(top), top, np.log(total) + top)[:, 0], share


@silent
def circle_forward(
    y: Array,
    p: Array,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> tuple[Array, Cache]:
    """Return log(1 + sum exp(-gamma a+ (margin - d)) * sum exp(gamma a- (1 - margin - d))), one a row.

    d = max(1 - p r', 0) is the distance of a row to each reference, a+ = max(margin + d, 0) and
    a- = max(1 + margin - d, 0) are weights; the first sum is over references of the same label (but for the row itself
    where ``remove_diagonal``), the second over those of another. A row that lacks one of them has the value 0.

    Args:
        y: labels (N,) or (N, 1).
        p: embeddings (N, D), of length 1.
        ref_labels, ref_embeddings: what each row is compared with, of (M,) and (M, D); the rows themselves where None.
        remove_diagonal, gamma, margin: as above.
    """
    gamma, margin, labels = float(gamma), float(margin), y.reshape(-1)
    others = labels if ref_labels is None else np.asarray(ref_labels).reshape(-1)
    ref = p if ref_embeddings is None else np.asarray(ref_embeddings, p.dtype)
    raw = 1 - p @ ref.T
    d = np.maximum(raw, 0)
    same = labels.astype(np.int64)[:, None] == others.astype(np.int64)
    different = ~same
    if remove_diagonal:
        same &= ~np.eye(len(labels), len(others), dtype=np.bool_)
    near, far = margin + d, 1 + margin - d
    positive, p_share = _log_sum_exp(-gamma * np.maximum(near, 0) * (margin - d), same)
    negative, n_share = _log_sum_exp(gamma * np.maximum(far, 0) * (1 - margin - d), different)
    both = positive + negative
    values = np.logaddexp(both, both.dtype.type(0))
    kept = both, p_share, n_share, raw, d, near, far
    return values, (kept, p, ref, ref_embeddings is None, gamma, margin)


def _half_at_zero(x: Array) -> Array:
    """The derivative of max(x, 0): 1 above 0, a half at 0, as on Keras's JAX backend."""
    return np.asarray((np.sign(x) + 1) * x.dtype.type(0.5))


@silent
def circle_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -dd r, and -dd' p where the rows are the references, with dd the gradient by the distances.

    dd = sigmoid(log of both sums) * dvalues * gamma * (share+ (a+ - a+' (margin - d)) + share- (a-' (1 - margin - d) -
    a-)); the shares are those of the terms in their sums, a' the derivatives of the weights.
    """
    (both, p_share, n_share, raw, d, near, far), p, ref, to_itself, gamma, margin = cache
    dd: Array = p_share * (np.maximum(near, 0) - _half_at_zero(near) * (margin - d))
    dd -= n_share * (np.maximum(far, 0) + _half_at_zero(far) * (1 - margin - d))
    scale = sigmoid_forward(both) * np.asarray(dvalues, both.dtype)
    dd *= _half_at_zero(raw) * (gamma * scale)[:, None]
    dp: Array = -(dd @ ref)
    if to_itself:
        dp -= dd.T @ p
    return dp
