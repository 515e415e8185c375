"""Losses of margins: forward and backward pairs, as in ``kernels.losses``.

At a margin met exactly the derivative is half of that outside, as on Keras's JAX backend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.activation import silent
from nnlite.kernels.loss_parts import dot, mean, spread

Array = NDArray[Any]
Cache = Any


def _signs(y: Array) -> Array:
    """The targets, 0 and 1 as -1 and 1 if they are nothing else."""
    return 2 * y - 1 if np.logical_or(y == 0, y == 1).all() else y


def _outside(margin: Array) -> Array:
    """1 where the margin is not met, a half where it is met exactly, 0 elsewhere."""
    return np.asarray((np.sign(margin) + 1) * margin.dtype.type(0.5))


@silent
def hinge_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of max(1 - y p, 0), with targets of 0 and 1 alone taken as -1 and 1."""
    y = _signs(y)
    margin = 1 - y * p
    return mean(np.maximum(margin, 0)), (y, margin)


@silent
def hinge_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -y / n * dvalues where 1 - y p > 0."""
    y, margin = cache
    g: Array = y * _outside(margin)
    g *= spread(dvalues, margin, -1 / max(margin.shape[-1], 1))
    return g


@silent
def squared_hinge_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return the mean over the last axis of max(1 - y p, 0)^2, with targets of 0 and 1 alone taken as -1 and 1."""
    y = _signs(y)
    margin = np.maximum(1 - y * p, 0)
    return dot(margin, margin) * p.dtype.type(1 / max(p.shape[-1], 1)), (y, margin)


@silent
def squared_hinge_backward(dvalues: Array, cache: Cache) -> Array:
    """Return -2 y max(1 - y p, 0) / n * dvalues."""
    y, margin = cache
    g: Array = y * margin
    g *= spread(dvalues, margin, -2 / max(margin.shape[-1], 1))
    return g


@silent
def categorical_hinge_forward(y: Array, p: Array) -> tuple[Array, Cache]:
    """Return max(max((1 - y) p) - sum(y p) + 1, 0), both along the last axis."""
    wrong = (1 - y) * p
    largest = wrong.max(-1, keepdims=True)
    margin = largest[..., 0] - dot(y, p) + 1
    return np.maximum(margin, 0), (y, wrong, largest, margin)


@silent
def categorical_hinge_backward(dvalues: Array, cache: Cache) -> Array:
    """Return ((1 - y) at the largest (1 - y) p, shared by equals, - y) * dvalues where the value is above 0."""
    y, wrong, largest, margin = cache
    at = (wrong == largest).astype(y.dtype)
    at /= at.sum(-1, keepdims=True)
    g: Array = (1 - y) * at
    g -= y
    g *= spread(dvalues * _outside(margin), y)
    return g
