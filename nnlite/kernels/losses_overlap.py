"""Losses of the overlap of regions: forward and backward pairs.

``axis`` names one or several axes to sum over, or is None for all; the values have the other axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.config import epsilon
from nnlite.kernels.activation import silent

Array = NDArray[Any]
Cache = Any
Axis = int | Sequence[int] | None


def _axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    return (int(axis),) if isinstance(axis, (int, np.integer)) else tuple(axis)


@silent
def dice_forward(y: Array, p: Array, axis: Axis = None) -> tuple[Array, Cache]:
    """Return 1 - 2 sum(y p) / (sum y + sum p + 1e-7)."""
    axes = _axes(axis, p.ndim)
    both = 2 * (y * p).sum(axes, keepdims=True)
    total = y.sum(axes, keepdims=True) + p.sum(axes, keepdims=True) + p.dtype.type(epsilon())
    share = both / total
    return np.asarray(1 - share.squeeze(axes)), (y, share, total, axes)


@silent
def dice_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (share - 2 y) / (sum y + sum p + 1e-7) * dvalues, with share = 1 - the value."""
    y, share, total, axes = cache
    g: Array = share - 2 * y
    g *= np.expand_dims(np.broadcast_to(dvalues, share.squeeze(axes).shape), axes) / total
    return g


@silent
def tversky_forward(
    y: Array, p: Array, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> tuple[Array, Cache]:
    """Return 1 - i / (i + alpha * sum((1 - p) y) + beta * sum(p (1 - y)) + 1e-7), i = sum(y p)."""
    axes, alpha, beta = _axes(axis, p.ndim), float(alpha), float(beta)
    both = (y * p).sum(axes, keepdims=True)
    missed = ((1 - p) * y).sum(axes, keepdims=True)
    false = (p * (1 - y)).sum(axes, keepdims=True)
    total = both + missed * alpha + false * beta + p.dtype.type(epsilon())
    return np.asarray(1 - (both / total).squeeze(axes)), (y, both, total, alpha, beta, axes)


@silent
def tversky_backward(dvalues: Array, cache: Cache) -> Array:
    """Return (i * dt - y * t) / t^2 * dvalues, with t the denominator and dt = y - alpha y + beta (1 - y)."""
    y, both, total, alpha, beta, axes = cache
    scale = np.expand_dims(np.broadcast_to(dvalues, both.squeeze(axes).shape), axes) / total
    share = both / total
    # dt * share - y, gathered by powers of y
    g: Array = y * (share * (1 - alpha - beta) - 1)
    g += share * beta
    g *= scale
    return g
