"""Layer normalization and attention of a few short sequences on one thread, with all that depends on shapes decided.

What :mod:`nnlite.kernels.normalization_rows` and :mod:`nnlite.kernels.attention` define, without their chunks, buffers
and threads, which cost more than the arithmetic of one sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.activation import silent
from nnlite.kernels.attention import masked_softmax

Array = NDArray[Any]

# Elements, and scores, up to which one thread is as fast, all else counted.
MOST = 65536


def layer_norm_plan(
    rows: int, columns: int, dtype: Any, epsilon: float
) -> Callable[[Array, Array | None, Array | None], Array] | None:
    """Return ``normalize(x, gamma, beta) -> y`` for x of so many rows, or None where that is too much for one thread.

    >>> normalize = layer_norm_plan(1, 2, "float64", 0.0)
    >>> normalize(np.array([[1.0, 3.0]]), None, np.array([5.0, 5.0])).tolist()
    [[4.0, 6.0]]
    """
    if not 0 < rows * columns <= MOST:
        return None
    dtype = np.dtype(dtype)
    averages, plus = np.full(columns, 1 / columns, dtype), np.array(epsilon, dtype)

    def normalize(x: Array, gamma: Array | None, beta: Array | None) -> Array:
        y: Array = x - (x @ averages)[:, None]
        deviation = np.square(y) @ averages
        deviation += plus
        np.sqrt(deviation, out=deviation)
        y /= deviation[:, None]
        if gamma is not None:
            y *= gamma
        if beta is not None:
            y += beta
        return y

    return normalize


def attention_plan(
    samples: int, steps: int, keys: int, heads: int, dtype: Any, scale: float
) -> Callable[[Array, Array, Array], Array] | None:
    """Return ``attend(q, k, v) -> y`` for rows of projections, or None where that is too much for one thread.

    q is (samples * steps, heads * H), k (samples * keys, heads * H), v (samples * keys, heads * V) and y
    (samples * steps, heads * V): ``softmax(scale q k^T) v`` by samples and heads, with no masks.

    >>> attend = attention_plan(1, 1, 2, 1, "float64", 1.0)
    >>> attend(np.zeros((1, 3)), np.ones((2, 3)), np.array([[1.0], [3.0]])).tolist()
    [[2.0]]
    """
    if not 0 < samples * heads * steps * keys <= MOST:
        return None
    factor = np.array(scale, dtype)

    @silent
    def attend(q: Array, k: Array, v: Array) -> Array:
        scores = np.matmul(
            (q * factor).reshape(samples, steps, heads, -1).transpose(0, 2, 1, 3),
            k.reshape(samples, keys, heads, -1).transpose(0, 2, 3, 1),
        )
        masked_softmax(scores)
        y = np.empty((samples, steps, v.shape[1]), v.dtype)
        by_head = y.reshape(samples, steps, heads, -1).transpose(0, 2, 1, 3)
        np.matmul(scores, v.reshape(samples, keys, heads, -1).transpose(0, 2, 1, 3), out=by_head)
        return y.reshape(samples * steps, -1)

    return attend
