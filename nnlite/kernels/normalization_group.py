"""Normalization of groups of channels within each sample, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.channels import TILE, chunks

Array = NDArray[Any]

# Elements that one thread handles in a microsecond in one of these passes, for the choice of threads.
RATE = 1000.0


class _PerSample:
    """Vectors of channels, one for each sample, combined with (N, P, C) arrays at full SIMD speed.

    A few positions are taken for one row, so that NumPy's inner loop is long enough also with few channels.
    """

    def __init__(self, positions: int, channels: int) -> None:
        self.channels = channels
        most = max(1, TILE // max(1, channels)) if channels < TILE // 4 else 1
        self.repeat = next(r for r in range(min(most, max(positions, 1)), 0, -1) if positions % r == 0)

    def apply(self, ufunc: np.ufunc, x: Array, vectors: Array, out: Array) -> None:
        """Compute ``ufunc(x, vectors[:, None], out=out)`` for contiguous x and out (K, P, C), vectors (K, C)."""
        if not out.size:
            return
        rows = (len(x), -1, self.repeat * self.channels)
        tiled = vectors[:, None]
        if self.repeat > 1:
            repeated = memory.empty((len(x), self.repeat, self.channels), vectors.dtype)
            repeated[...] = tiled
            tiled = repeated.reshape(len(x), 1, -1)
        ufunc(x.reshape(rows), tiled, out=out.reshape(rows))


def _sums(x: Array) -> Array:
    """Return the sums over the positions of x (K, P, C), (K, C)."""
    sums: Array = np.matmul(np.ones((1, x.shape[1]), x.dtype), x)[:, 0]
    return sums


def _group_means(sums: Array, groups: int, positions: int) -> Array:
    """Return the means of groups (K, G), given the sums of the channels (K, C)."""
    k, c = sums.shape
    size = positions * (c // groups)
    means: Array = sums.reshape(k, groups, c // groups).sum(axis=2) / sums.dtype.type(max(1, size))
    return means


def _spread(of_groups: Array, channels: int) -> Array:
    """Return (K, C) from (K, G): each group's value for each of its channels."""
    return np.repeat(of_groups, channels // max(1, of_groups.shape[1]), axis=1)


def group_norm_forward(
    x: Array, groups: int, gamma: Array | None, beta: Array | None, epsilon: float
) -> tuple[Array, tuple[Array, Array]]:
    """Return y = (x - mean) * inv * gamma + beta with inv = 1 / sqrt(variance + epsilon).

    Args:
        x: (N, P, C), normalized over the positions and the C / G neighbouring channels of each group.
        groups: G.
        gamma, beta: (C,), or None for 1 and 0.
        epsilon: keeps the root away from zero.

    Returns:
        y (N, P, C), and the cache (mean (N, G), inv (N, G)).
    """
    n, p, c = x.shape
    y = memory.empty(x.shape, x.dtype)
    mean, inv = np.empty((n, groups), x.dtype), np.empty((n, groups), x.dtype)
    per = _PerSample(p, c)

    def task(start: int, stop: int) -> None:
        scratch: Array | None = None
        for k in chunks(start, stop, p * c):
            out = y[k]
            mean[k] = _group_means(_sums(x[k]), groups, p)
            per.apply(np.subtract, x[k], _spread(mean[k], c), out)
            if scratch is None or len(scratch) < len(out):
                scratch = memory.empty(out.shape, out.dtype)
            square = np.multiply(out, out, out=scratch[: len(out)])
            variance = _group_means(_sums(square), groups, p)
            inv[k] = 1 / np.sqrt(variance + x.dtype.type(epsilon))
            scale = _spread(inv[k], c)
            per.apply(np.multiply, out, scale if gamma is None else scale * gamma, out)
            if beta is not None:
                per.apply(np.add, out, np.broadcast_to(beta, scale.shape), out)

    parallel.run(task, n, 6 * x.size / RATE)
    return y, (mean, inv)


def group_norm_backward(
    dy: Array, x: Array, cache: tuple[Array, Array], gamma: Array | None, input_grad: bool = True
) -> tuple[Array | None, Array, Array]:
    """Return the gradients (dx, dgamma, dbeta) of group normalization.

    With xhat = (x - mean) * inv and g = dy * gamma: dx = inv * (g - mean(g) - xhat * mean(g * xhat)), means over each
    group; dgamma = sum of dy * xhat, dbeta = sum of dy over samples and positions.

    Args:
        dy, x: (N, P, C).
        cache: (mean, inv) of the forward.
        gamma: (C,) or None for 1.
        input_grad: whether dx is wanted; else it is None.
    """
    mean, inv = cache
    n, p, c = x.shape
    groups = mean.shape[1]
    dx = memory.empty(x.shape, x.dtype) if input_grad else None
    per = _PerSample(p, c)

    def task(start: int, stop: int) -> tuple[Array, Array]:
        dgamma, dbeta = np.zeros(c), np.zeros(c)
        for k in chunks(start, stop, p * c):
            scale = _spread(inv[k], c)
            centred = memory.empty(x[k].shape, x.dtype)
            per.apply(np.subtract, x[k], _spread(mean[k], c), centred)
            along = np.multiply(dy[k], centred, out=memory.empty(centred.shape, x.dtype) if dx is None else dx[k])
            by_xhat, by_one = _sums(along) * scale, _sums(dy[k])
            dgamma += by_xhat.sum(axis=0)
            dbeta += by_one.sum(axis=0)
            if dx is None:
                continue
            if gamma is not None:
                by_xhat, by_one = by_xhat * gamma, by_one * gamma
            slope = -scale * scale * _spread(_group_means(by_xhat, groups, p), c)
            offset = -scale * _spread(_group_means(by_one, groups, p), c)
            out = dx[k]
            per.apply(np.multiply, dy[k], scale if gamma is None else scale * gamma, out)
            per.apply(np.multiply, centred, slope, centred)
            np.add(out, centred, out=out)
            per.apply(np.add, out, offset, out)
        return dgamma, dbeta

    partial = parallel.run(task, n, 8 * x.size / RATE)
    dgamma = np.sum([part[0] for part in partial], axis=0).astype(x.dtype)
    dbeta = np.sum([part[1] for part in partial], axis=0).astype(x.dtype)
    return dx, dgamma, dbeta
