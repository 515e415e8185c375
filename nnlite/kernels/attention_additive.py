"""Attention by a sum of tanh in the place of a product, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.activation import silent
from nnlite.kernels.attention import CHUNK, dropped, masked_softmax, scores_backward

Array = NDArray[Any]

# Elements of tanh that one thread computes in a microsecond.
RATE = 200.0


def _part(a: Array | None, rows: slice) -> Array | None:
    return a if a is None or len(a) == 1 else a[rows]


def _sums(q: Array, k: Array) -> Array:
    """Return q[i] + k[j] for all pairs, (B, T, S, D)."""
    sums: Array = q[:, :, None, :] + k[:, None, :, :]
    return sums


@silent
def additive_forward(
    q: Array,
    k: Array,
    v: Array,
    weights: Array,
    inner: float = 1.0,
    mask: Array | None = None,
    kept: Array | None = None,
    keep_scale: float = 1.0,
) -> tuple[Array, Array]:
    """Return y = (p * kept * keep_scale) v with p = softmax(s), s[i, j] = sum over d of weights[d] tanh(inner (q[i, d]
    + k[j, d])).

    Args:
        q: (B, T, D).
        k: (B, S, D).
        v: (B, S, V).
        weights: (D,).
        inner: a number.
        mask: (B or 1, T or 1, S) booleans: who may look where; None for anywhere. A query that may look nowhere gets
            the mean of v.
        kept, keep_scale: of dropout, (B, T, S), as in :func:`nnlite.kernels.attention.attention_forward`.

    Returns:
        y (B, T, V), and p (B, T, S), without dropout.
    """
    b, t, d = q.shape
    s = k.shape[1]
    y, p = memory.empty((b, t, v.shape[2]), q.dtype), memory.empty((b, t, s), q.dtype)
    step = max(1, CHUNK // max(1, t * s * d))

    def task(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            rows = slice(first, min(stop, first + step))
            u = _sums(q[rows], k[rows])
            np.multiply(u, q.dtype.type(inner), out=u)
            np.tanh(u, out=u)
            part = p[rows]
            np.matmul(u, weights, out=part)
            masked_softmax(part, _part(mask, rows), 1 / s)
            keep = _part(kept, rows)
            looked = part if keep is None else dropped(part, keep, keep_scale, np.empty_like(part))
            np.matmul(looked, v[rows], out=y[rows])

    parallel.run(task, b, b * t * s * d / RATE)
    return y, p


@silent
def additive_backward(
    dy: Array,
    q: Array,
    k: Array,
    v: Array,
    p: Array,
    weights: Array,
    inner: float = 1.0,
    mask: Array | None = None,
    kept: Array | None = None,
    keep_scale: float = 1.0,
    dp: Array | None = None,
) -> tuple[Array, Array, Array, Array, float]:
    """Return the gradients (dq, dk, dv, dweights, dinner) of additive attention.

    With ds as in dot-product attention, u = tanh(inner (q[i] + k[j])), computed once more, and
    e[i, j, d] = ds[i, j] weights[d] (1 - u^2)::

        dweights[d] = sum of ds u      dq[i] = inner sum over j of e      dk[j] = inner sum over i of e
        dinner = sum of e (q[i] + k[j])

    Args:
        dy: (B, T, V).
        q, k, v, weights, inner, mask, kept, keep_scale: as in the forward.
        p: (B, T, S), of the forward.
        dp: gradient of p itself, where p was an output too; or None.
    """
    b, t, d = q.shape
    s = k.shape[1]
    dq, dk, dv = (memory.empty(a.shape, q.dtype) for a in (q, k, v))
    step = max(1, CHUNK // max(1, t * s * d))
    factor = q.dtype.type(inner)

    def task(start: int, stop: int) -> tuple[Array, float]:
        dweights, dinner = np.zeros(d), 0.0
        for first in range(start, stop, step):
            rows = slice(first, min(stop, first + step))
            part, keep = p[rows], _part(kept, rows)
            scratch = np.empty(part.shape, part.dtype)
            np.matmul(dropped(part, keep, keep_scale, scratch).swapaxes(1, 2), dy[rows], out=dv[rows])
            g = np.matmul(dy[rows], v[rows].swapaxes(1, 2))
            scores_backward(g, part, scratch, keep, keep_scale, _part(dp, rows), _part(mask, rows))
            sums = _sums(q[rows], k[rows])
            u = np.tanh(sums * factor)
            dweights += g.reshape(-1) @ u.reshape(-1, d)
            np.multiply(u, u, out=u)
            np.subtract(1, u, out=u)
            np.multiply(u, weights, out=u)
            np.multiply(u, g[..., None], out=u)
            dinner += float(np.vdot(u, sums))
            np.multiply(u.sum(2), factor, out=dq[rows])
            np.multiply(u.sum(1), factor, out=dk[rows])
        return dweights, dinner

    partial = parallel.run(task, b, 2 * b * t * s * d / RATE)
    dweights = np.sum([found[0] for found in partial], axis=0).astype(q.dtype)
    return dq, dk, dv, dweights, sum(found[1] for found in partial)
