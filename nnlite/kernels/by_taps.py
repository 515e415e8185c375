"""Convolutions with strides tap by tap, for images with an infinity or NaN: slow, and exact about whom these reach.

The fast ways fill kernels up with zeros where an output has no tap. Zero times infinity is NaN: it would reach outputs
whose windows do not hold it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.windows import Axis, taps

Array = NDArray[Any]


def not_finite(x: Array) -> Array:
    """Return the numbers of the images of x, C-contiguous, with an infinity or NaN; some of huge numbers may be among
    them.

    >>> not_finite(np.array([[1.0, 2.0], [np.nan, 1.0], [0.0, -np.inf]])).tolist()
    [1, 2]
    """
    flat = x.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        if math.isfinite(np.dot(flat, flat)):  # a third of the time of a sum, and nearly always enough
            return np.empty(0, np.intp)
        return np.flatnonzero(~np.isfinite(np.add.reduce(x, axis=tuple(range(1, x.ndim)))))


def depthwise(x: Array, w: Array, spatial: tuple[Axis, ...]) -> Array:
    """Return the sums over taps of :func:`nnlite.kernels.depthwise.depthwise_forward`, without b and act."""
    y = np.zeros((len(x), *(one.out for one in spatial), *w.shape[-2:]), x.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for tap, windows, inputs in taps(spatial):
            y[windows] += x[inputs][..., None] * w[tap]
    return y.reshape(*y.shape[:-2], -1)


def transposed(x: Array, w: Array, spatial: tuple[Axis, ...]) -> Array:
    """Return the sums over taps of :func:`nnlite.kernels.conv_transpose.conv_transpose_forward`, without b."""
    y = np.zeros((len(x), *(one.size for one in spatial), w.shape[-2]), x.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for tap, windows, outputs in taps(spatial):
            y[outputs] += x[windows] @ w[tap].T
    return y
