"""Pooling over all positions of each sample: the (weighted) mean and the largest element of each channel.

Arrays are (N, L, C) with ``steps=1``, L positions of C channels, or (N, C, L) with ``steps=2``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel

Array = NDArray[Any]

# Elements that one thread sums, compares or writes in a microsecond.
SUM_RATE, MAX_RATE, WRITE_RATE = 8000.0, 3000.0, 4000.0
# Elements worked on at a time by the gradient of the maximum: they and its scratch stay in cache.
CHUNK = 262144


def global_mean_forward(x: Array, weight: Array | None = None, *, steps: int = 1) -> Array:
    """Return y[n, c] = sum over the positions l of weight[n, l] * x[n, l, c], as a matrix product.

    Args:
        x: (N, L, C) with L > 0, or (N, C, L) with ``steps=2``.
        weight: (N, L); 1 / L everywhere where None.
        steps: the axis of the positions.

    >>> global_mean_forward(np.array([[[1.0, 2.0], [3.0, 6.0]]])).tolist()
    [[2.0, 4.0]]
    """
    if weight is None:
        weight = np.full((1, x.shape[steps]), 1 / x.shape[steps], x.dtype.newbyteorder("="))
    y = np.empty((len(x), x.shape[3 - steps]), weight.dtype)

    def task(start: int, stop: int) -> None:
        _weighted_sum(x[start:stop], weight if len(weight) == 1 else weight[start:stop], steps, y[start:stop])

    parallel.run(task, len(x), x.size / SUM_RATE)
    return y


def global_mean_backward(dy: Array, length: int, weight: Array | None = None, *, steps: int = 1) -> Array:
    """Return dx[n, l, c] = weight[n, l] * dy[n, c].

    Args:
        dy: (N, C).
        length: the number L of positions.
        weight: as in the forward.
        steps: the axis of the positions in dx.

    >>> global_mean_backward(np.array([[2.0, 4.0]]), 2).tolist()
    [[[1.0, 2.0], [1.0, 2.0]]]
    """
    n, channels = dy.shape
    dx = memory.empty((n, length, channels) if steps == 1 else (n, channels, length), dy.dtype.newbyteorder("="))
    given = np.expand_dims(dy * dy.dtype.type(1 / length) if weight is None else dy, steps)
    spread = None if weight is None else np.expand_dims(weight, 3 - steps)

    def task(start: int, stop: int) -> None:
        if spread is None:
            dx[start:stop] = given[start:stop]
        else:
            np.multiply(given[start:stop], spread[start:stop], out=dx[start:stop])

    parallel.run(task, n, dx.size / WRITE_RATE)
    return dx


def masked_mean_forward(x: Array, mask: Array, *, steps: int = 1) -> tuple[Array, Array]:
    """Return y[n, c] = the mean of x[n, l, c] over the positions l where the mask is true, and their weight.

    Args:
        x: as in :func:`global_mean_forward`; what is not valid may be anything, even NaN.
        mask: booleans (N, L). A sample without a valid position gives NaN.
        steps: the axis of the positions.

    Returns:
        y (N, C), and the weight (N, L) for :func:`global_mean_backward`.

    >>> masked_mean_forward(np.array([[[1.0], [3.0], [np.inf]]]), np.array([[True, True, False]]))[0].tolist()
    [[2.0]]
    """
    number = mask.sum(axis=1, keepdims=True)
    weight = np.asarray(mask / np.maximum(number, 1), x.dtype.newbyteorder("="))
    y = global_mean_forward(x, weight, steps=steps)
    if not np.isfinite(y).all():
        y = global_mean_forward(np.where(np.expand_dims(mask, 3 - steps), x, 0), weight, steps=steps)
    y[number[:, 0] == 0] = np.nan
    return y, weight


def global_max_forward(x: Array, *, steps: int = 1) -> Array:
    """Return y[n, c] = max over the positions l of x[n, l, c].

    Args:
        x: (N, L, C) with L > 0, or (N, C, L) with ``steps=2``.
        steps: the axis of the positions.

    >>> global_max_forward(np.array([[[1.0, 6.0], [3.0, 2.0]]])).tolist()
    [[3.0, 6.0]]
    """
    y = np.empty((len(x), x.shape[3 - steps]), x.dtype.newbyteorder("="))

    def task(start: int, stop: int) -> None:
        np.maximum.reduce(x[start:stop], axis=steps, out=y[start:stop])

    parallel.run(task, len(x), x.size / MAX_RATE)
    return y


def global_max_backward(dy: Array, x: Array, y: Array, *, steps: int = 1) -> Array:
    """Return dx: each dy is shared equally by the elements of its channel that are as large as the largest.

    Args:
        dy: (N, C).
        x, y: input and output of the forward.
        steps: the axis of the positions.

    >>> global_max_backward(np.array([[4.0]]), np.array([[[1.0], [3.0], [3.0]]]), np.array([[3.0]])).ravel().tolist()
    [0.0, 2.0, 2.0]
    """
    dx = memory.empty(x.shape, y.dtype)
    ones = np.ones((1, x.shape[steps]), y.dtype)
    step = max(1, CHUNK * len(x) // max(1, x.size))

    def task(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            part = slice(first, min(stop, first + step))
            largest = np.equal(x[part], np.expand_dims(y[part], steps))
            np.copyto(dx[part], largest)
            number = _weighted_sum(dx[part], ones, steps, np.empty(y[part].shape, y.dtype))
            share = dy[part] / np.maximum(number, 1)
            np.multiply(dx[part], np.expand_dims(share, steps), out=dx[part])

    parallel.run(task, len(x), x.size / MAX_RATE * 2)
    return dx


def _weighted_sum(x: Array, weight: Array, steps: int, out: Array) -> Array:
    """Write the sum over the positions of weight (N or 1, L) times x, and return it."""
    with np.errstate(invalid="ignore"):  # 0 * inf, of what is masked
        if steps == 1:
            np.matmul(weight[:, None, :], x, out=out[:, None, :])
        else:
            np.matmul(x, weight[:, :, None], out=out[:, :, None])
    return out
