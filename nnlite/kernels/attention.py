"""Scaled dot-product attention and its gradients, on a few samples at a time.

For each sample and head, with queries q (T, H), keys k (S, H), values v (S, V)::

    p = softmax(scale q k^T)       (T, S), each row over the S keys that its query may look at
    y = (p * kept) v               (T, V)

The products read queries, keys and values where the projections wrote them, (batch, steps, heads, size), and the
softmax works on scores that are still in cache. What backward needs is q, k, v and p; the scores themselves are
never kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.activation import far_from_overflow, row_max, silent
from nnlite.kernels.elementwise import ones

Array = NDArray[Any]

# Scores in a chunk: enough that threads do not queue for the interpreter lock.
CHUNK = 262144
# Scores, and multiply-adds, that one thread handles in a microsecond.
RATE, GEMM_RATE = 400.0, 15e3
# What stands for the score of a key that a query may not look at, where maxima are taken.
HIDDEN = -1e9


def _by_head(a: Array, groups: int) -> Array:
    """Return (B, T, N, H) as a view (B, groups, N / groups, T, H)."""
    b, t, n, h = a.shape
    view: Array = a.reshape(b, t, groups, n // groups, h).transpose(0, 2, 3, 1, 4)
    return view


def _mask_by_head(mask: Array | None, groups: int, repeats: int) -> Array | None:
    """Return a mask (B or 1, N or 1, T or 1, S or 1) as one that broadcasts to (B, groups, repeats, T, S)."""
    if mask is None:
        return None
    b, n, t, s = mask.shape
    split = (1, 1) if n == 1 else (groups, repeats)
    return mask.reshape(b, *split, t, s)


def _part(a: Array, axis: int, start: int, stop: int) -> Array:
    """Return ``a`` from ``start`` to ``stop`` along an axis; all of it where that has size 1 and is broadcast."""
    if a.shape[axis] == 1:
        return a
    return a[start:stop] if axis == 0 else a[:, start:stop]


def masked_softmax(scores: Array, mask: Array | None = None, blind: float = 0.0) -> None:
    """Write the softmax of each row of ``scores`` (..., T, S) over the places where ``mask`` is true in its place.

    p = exp(s) * mask / sum of exp(s) * mask.

    Args:
        scores: C-contiguous.
        mask: booleans that broadcast to ``scores``, or None.
        blind: what rows of a mask without any true place are filled with.
    """
    if not scores.size:
        return
    if not far_from_overflow(scores):
        if mask is not None:
            np.copyto(scores, HIDDEN, where=~mask)
        np.subtract(scores, row_max(scores), out=scores)
    np.exp(scores, out=scores)
    if mask is not None:
        np.multiply(scores, mask, out=scores)
    sums = scores.reshape(-1, scores.shape[-1]) @ ones(scores.shape[-1], scores.dtype)
    if mask is not None:
        nowhere = sums == 0
        if nowhere.any():
            sums[nowhere] = 1
            scores.reshape(-1, scores.shape[-1])[nowhere] = blind
    np.divide(1, sums, out=sums)
    np.multiply(scores, sums.reshape(*scores.shape[:-1], 1), out=scores)


def dropped(p: Array, kept: Array | None, keep_scale: float, scratch: Array) -> Array:
    """Return p * kept * keep_scale, in ``scratch``; p itself where nothing is dropped."""
    if kept is None:
        return p
    np.multiply(p, kept, out=scratch)
    np.multiply(scratch, p.dtype.type(keep_scale), out=scratch)
    return scratch


def scores_backward(
    g: Array,
    p: Array,
    scratch: Array,
    kept: Array | None = None,
    keep_scale: float = 1.0,
    dp: Array | None = None,
    mask: Array | None = None,
) -> None:
    """Write the gradient of the scores into the place of ``g``, that of the probabilities after dropout.

    Args:
        g, p: (..., T, S).
        scratch: memory of that shape.
        kept, keep_scale, dp, mask: as for :func:`attention_backward`.
    """
    if kept is not None:
        np.multiply(g, kept, out=g)
        np.multiply(g, p.dtype.type(keep_scale), out=g)
    if dp is not None:
        np.add(g, dp, out=g)
    np.multiply(g, p, out=scratch)
    steps = p.shape[-1]
    sums = scratch.reshape(-1, steps) @ ones(steps, p.dtype)
    np.subtract(g, sums.reshape(*p.shape[:-1], 1), out=g)
    np.multiply(g, p, out=g)
    if mask is not None:
        np.multiply(g, mask, out=g)


@silent
def attention_forward(
    q: Array,
    k: Array,
    v: Array,
    scale: float,
    mask: Array | None = None,
    kept: Array | None = None,
    keep_scale: float = 1.0,
    probabilities: bool = True,
    blind: float = 0.0,
) -> tuple[Array, Array | None]:
    """Return y = (p * kept * keep_scale) v with p = softmax(scale q k^T).

    Args:
        q: (B, T, N, H).
        k: (B, S, G, H); N is a multiple of G, and so many neighbouring heads of q share one of k and v.
        v: (B, S, G, V).
        scale: of the scores.
        mask: (B or 1, N or 1, T or 1, S or 1) booleans: who may look where; None for anywhere.
        kept: (B, N, T, S) booleans, the probabilities that dropout spares; None for all.
        keep_scale: what the spared ones are multiplied by.
        probabilities: whether p is wanted; else it is None.
        blind: what p is for a query that may look nowhere.

    Returns:
        y (B, T, N, V), and p (B, N, T, S), without dropout.
    """
    b, t, n, h = q.shape
    s, groups, size = k.shape[1], k.shape[2], v.shape[3]
    y = memory.empty((b, t, n, size), q.dtype)
    p = memory.empty((b, n, t, s), q.dtype) if probabilities else None
    repeats = n // groups
    queries, keys, values, outputs = (_by_head(a, groups) for a in (q, k, v, y))
    by_head = _mask_by_head(mask, groups, repeats)
    spared = _mask_by_head(kept, groups, repeats)
    all_p = None if p is None else p.reshape(b, groups, repeats, t, s)
    axis, step = _cut(b, groups, repeats * t * s)
    factor = q.dtype.type(scale)
    outer = q.dtype.type(keep_scale)

    def task(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            last = min(stop, first + step)
            rows, keyed, valued = (_part(a, axis, first, last) for a in (queries, keys, values))
            scores = memory.empty((*rows.shape[:-1], s), q.dtype) if all_p is None else _part(all_p, axis, first, last)
            np.matmul(rows, keyed.swapaxes(-1, -2), out=scores)
            if scale != 1:
                np.multiply(scores, factor, out=scores)
            hidden = None if by_head is None else _part(by_head, axis, first, last)
            if scores.flags.c_contiguous:
                masked_softmax(scores, hidden, blind)
            else:  # cut by heads
                for i in range(b):
                    masked_softmax(scores[i], None if hidden is None else hidden[i % len(hidden)], blind)
            out = _part(outputs, axis, first, last)
            keep = None if spared is None else _part(spared, axis, first, last)
            np.matmul(scores if keep is None else scores * keep, valued, out=out)
            if keep is not None:
                np.multiply(out, outer, out=out)

    scores_work = b * n * t * s
    parallel.run(task, (b, groups)[axis], scores_work / RATE + scores_work * (h + size) / GEMM_RATE)
    return y, p


@silent
def attention_backward(
    dy: Array,
    q: Array,
    k: Array,
    v: Array,
    p: Array,
    scale: float,
    kept: Array | None = None,
    keep_scale: float = 1.0,
    dp: Array | None = None,
    mask: Array | None = None,
    out: Sequence[Array] | None = None,
) -> tuple[Array, Array, Array]:
    """Return the gradients (dq, dk, dv) of attention.

    With z = p * kept * keep_scale and g = (dy v^T) * kept * keep_scale + dp::

        dv = z^T dy      ds = p * (g - sum of g * p over the keys)      dq = scale ds k      dk = scale ds^T q

    Args:
        dy: (B, T, N, V).
        q, k, v, scale, kept, keep_scale: as in the forward.
        p: (B, N, T, S), of the forward.
        dp: gradient of p itself, where p was an output too; or None.
        mask: of the forward, needed only if ``blind`` was not 0: such rows of p do not depend on the scores.
        out: memory for the three, with any strides along which a row stays together; None for new memory.
    """
    b, t, n, h = q.shape
    s, groups, size = k.shape[1], k.shape[2], v.shape[3]
    repeats = n // groups
    dq, dk, dv = [memory.empty(a.shape, q.dtype) for a in (q, k, v)] if out is None else out
    queries, keys, values, dys, dqs, dks, dvs = (_by_head(a, groups) for a in (q, k, v, dy, dq, dk, dv))
    all_p = p.reshape(b, groups, repeats, t, s)
    spared = _mask_by_head(kept, groups, repeats)
    all_dp = None if dp is None else dp.reshape(b, groups, repeats, t, s)
    axis, step = _cut(b, groups, repeats * t * s)
    by_head = _mask_by_head(mask, groups, repeats)
    factor = q.dtype.type(scale)

    def task(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            last = min(stop, first + step)
            rows, keyed, valued, dout, prob = (_part(a, axis, first, last) for a in (queries, keys, values, dys, all_p))
            keep, more, seen = (None if a is None else _part(a, axis, first, last) for a in (spared, all_dp, by_head))
            scratch, g = (memory.empty(prob.shape, prob.dtype) for _ in range(2))
            _sum_groups(dropped(prob, keep, keep_scale, scratch), dout, _part(dvs, axis, first, last))
            np.matmul(dout, valued.swapaxes(-1, -2), out=g)
            scores_backward(g, prob, scratch, keep, keep_scale, more, seen)
            if scale != 1:
                np.multiply(g, factor, out=g)
            np.matmul(g, keyed, out=_part(dqs, axis, first, last))
            _sum_groups(g, rows, _part(dks, axis, first, last))

    scores_work = b * n * t * s
    parallel.run(task, (b, groups)[axis], 2 * (scores_work / RATE + scores_work * (h + size) / GEMM_RATE))
    return dq, dk, dv


def _sum_groups(a: Array, b: Array, out: Array) -> None:
    """Write a^T b, summed over the heads that share one of ``out``, into ``out`` (B, G, 1, S, H)."""
    if a.shape[2] == 1:
        np.matmul(a.swapaxes(-1, -2), b, out=out)
    else:
        np.matmul(a.swapaxes(-1, -2), b).sum(2, keepdims=True, out=out)


def _cut(samples: int, groups: int, scores: int) -> tuple[int, int]:
    """Return the axis (0 samples, 1 groups of heads) to cut the work along, and the length of a chunk along it.

    Args:
        samples, groups: how many there are.
        scores: of one sample and group.
    """
    axis = 1 if samples < min(groups, parallel.threads()) else 0
    return axis, max(1, CHUNK // max(1, scores * (samples if axis else groups)))
