"""Connectionist temporal classification (Graves et al., 2006), as a forward and backward pair.

A row of L labels is written by a path of T steps, each a label or the blank: equal steps that follow each other count
once, then blanks are dropped. The 2 L + 1 places in "blank, label, blank, ... label, blank" are the states of that
path; it stays, goes to the next, or skips a blank between two labels that differ. All samples take a step together,
with sums of probabilities in logarithms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.activation import row_max, row_sum, silent

Array = NDArray[Any]
Cache = Any

BLANK = 0
# The logarithm of "impossible", as in Keras and in the optax it follows: a label too long for the steps costs that much
# for each step it lacks, rather than infinitely much.
_COST = -1e5
# Less than the sum of such costs over any path.
_NOTHING = -1e30


def _log_add(a: Array, b: Array, c: Array) -> Array:
    """log(exp(a) + exp(b) + exp(c))."""
    top = np.maximum(a, b)
    np.maximum(top, c, out=top)
    total: Array = np.exp(a - top)
    total += np.exp(b - top)
    total += np.exp(c - top)
    np.log(total, out=total)
    total += top
    return total


@silent
def ctc_forward(y: Array, x: Array) -> tuple[Array, Cache]:
    """Return -log of the probability of the labels, the sum over all paths that write them.

    With a(t, s) the probability of all beginnings of paths that are in state s at step t, and e(t, s) that of the
    state's symbol: a(t, s) = e(t, s) * (a(t-1, s) + a(t-1, s-1) + a(t-1, s-2) where a blank may be skipped).

    Args:
        y: labels (N, L), 1 to C - 1; 0, the blank, fills rows up at the end.
        x: logits (N, T, C).
    """
    n, steps, classes = x.shape
    length = y.shape[1]
    labels = y.astype(np.intp)
    if labels.size and labels.view(np.uintp).max() >= classes:  # negative ones too
        raise IndexError(f"A label lies outside 0 to {classes - 1}.")
    if x.size:
        log_p = x - row_max(x, -1)
        log_p -= np.log(row_sum(np.exp(log_p), -1))
    else:
        log_p = np.zeros_like(x)
    states = np.full((n, 2 * length + 1), BLANK, np.intp)
    states[:, 1::2] = labels
    emitted = np.take_along_axis(log_p, np.broadcast_to(states[:, None], (n, steps, 2 * length + 1)), 2)
    emitted = np.ascontiguousarray(emitted.transpose(1, 0, 2))  # (T, N, S)
    skip = np.full((n, 2 * length + 1), _COST, x.dtype)  # what it costs to come from two states before
    skip[:, 3::2][labels[:, 1:] != labels[:, :-1]] = 0

    alpha = np.empty((steps, n, 2 * length + 1), x.dtype)
    last = np.full((n, 2 * length + 1), _COST, x.dtype)
    last[:, 0] = 0
    for t in range(steps):
        last = np.add(_log_add(last, *_from_before(last, skip)), emitted[t], out=alpha[t])
    end = 2 * (labels != BLANK).sum(1)
    rows = np.arange(n)
    before_end = np.where(end > 0, last[rows, end - 1], x.dtype.type(_NOTHING))
    total = np.logaddexp(last[rows, end], before_end)
    return -total, (labels, log_p, emitted, skip, alpha, end, total)


def _from_before(last: Array, skip: Array) -> tuple[Array, Array]:
    """What comes to each state from the one before it, and from two before it."""
    one, two = np.full_like(last, _NOTHING), np.full_like(last, _NOTHING)
    one[:, 1:] = last[:, :-1]
    two[:, 2:] = last[:, :-2]
    two += skip
    return one, two


@silent
def ctc_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (softmax(x) - the expected share of each class at each step) * dvalues.

    That share is the sum over the class's states of a(t, s) * b(t, s) / the probability of the labels; b are the
    endings of paths: b(t, s) = sum over s' = s, s + 1, s + 2 of e(t+1, s') b(t+1, s'), and b(T, s) is 1 for the last
    label and the blank after it.
    """
    labels, log_p, emitted, skip, alpha, end, total = cache
    steps, n, states = alpha.shape
    rows = np.arange(n)
    beta = np.full((n, states), _NOTHING, log_p.dtype)
    beta[rows, end] = 0
    beta[rows[end > 0], end[end > 0] - 1] = 0
    share = np.empty_like(alpha)
    for t in range(steps - 1, -1, -1):
        np.exp(alpha[t] + beta - total[:, None], out=share[t])
        beta = beta + emitted[t]
        one, two = np.full_like(beta, _NOTHING), np.full_like(beta, _NOTHING)
        one[:, :-1] = beta[:, 1:]
        two[:, :-2] = beta[:, 2:] + skip[:, 2:]
        beta = _log_add(beta, one, two)
    g: Array = np.exp(log_p)
    g[:, :, BLANK] -= share[:, :, 0::2].sum(2).T
    for place in range(labels.shape[1]):  # a class may stand at several places
        g[rows, :, labels[:, place]] -= share[:, :, 2 * place + 1].T
    g *= np.broadcast_to(np.asarray(dvalues, g.dtype), (n,))[:, None, None]
    return g
