"""What the kernels of losses share: sums and means along an axis, and cuts of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.config import epsilon
from nnlite.kernels.activation import row_sum

Array = NDArray[Any]

# Sums of more elements are taken in pairs, which keeps their rounding small; of fewer, one after the other, faster.
_LONG = 1024


def dot(a: Array, b: Array, axis: int = -1) -> Array:
    """The sum of a * b along the axis."""
    if axis in (-1, a.ndim - 1) and a.shape[-1] <= _LONG:
        return np.asarray(np.einsum("...i,...i->...", a, b))
    return np.asarray((a * b).sum(axis))


def mean(values: Array, axis: int = -1) -> Array:
    """The mean along the axis; 0 where that is empty."""
    n = values.shape[axis]
    if n == 1:
        return values[..., 0] if axis in (-1, values.ndim - 1) else values.squeeze(axis)
    if axis in (-1, values.ndim - 1) and n <= _LONG:
        return np.asarray(row_sum(values)[..., 0] * values.dtype.type(1 / max(n, 1)))
    return np.asarray(values.sum(axis) * values.dtype.type(1 / max(n, 1)))


def spread(dvalues: Array, p: Array, factor: float = 1.0, axis: int = -1) -> Array:
    """The gradient by the values, times a factor, in a shape that goes with p."""
    scaled = np.asarray(dvalues * p.dtype.type(factor))
    if not scaled.ndim:
        return scaled
    return scaled[..., None] if axis in (-1, p.ndim - 1) else np.expand_dims(scaled, axis)


def cut(p: Array, high: float | None = None) -> Array:
    """Return p cut to [1e-7, high], where ``high`` is 1 - 1e-7 unless given."""
    q: Array = np.maximum(p, p.dtype.type(epsilon()))
    q = np.minimum(q, p.dtype.type(1 - epsilon() if high is None else high), out=q)
    return q


def cut_backward(dq: Array, p: Array, q: Array, high: float | None = None) -> Array:
    """Return the gradient by p, given that by the cut q, which is written over: 0 outside, a half on the edges, as in
    JAX."""
    bottom, top = p.dtype.type(epsilon()), p.dtype.type(1 - epsilon() if high is None else high)
    if q.size and q.min() > bottom and q.max() < top:
        return dq  # as nearly always
    edge = q == bottom
    edge |= q == top
    if edge.any():
        dq *= np.where(edge, np.where(p == q, p.dtype.type(0.5), p.dtype.type(0)), p.dtype.type(1))
    return dq
