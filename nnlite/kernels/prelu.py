"""PReLU: a ReLU with slopes below zero of its own, one for each column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.channels import laid, repeated
from nnlite.kernels.elementwise import zeros_row

Array = NDArray[Any]

# Elements that one thread passes over in a microsecond, for the choice of threads.
RATE = 3000.0


def prelu_forward(x: Array, alpha: Array) -> Array:
    """Return y = max(x, 0) + alpha * min(x, 0).

    Args:
        x: (M, C), C-contiguous.
        alpha: (C,).

    >>> prelu_forward(np.array([[-1.0, -1.0], [2.0, 2.0]]), np.array([0.0, 0.5])).tolist()
    [[0.0, -0.5], [2.0, 2.0]]
    """
    y, c = memory.empty(x.shape, x.dtype), x.shape[1]
    (slopes,) = repeated((alpha,), len(x))

    def task(start: int, stop: int) -> None:
        for rows, beside in laid(start, stop, c):
            by = slopes[: beside * c]
            given, out = x[rows].reshape(-1, by.size), y[rows].reshape(-1, by.size)
            (low,) = memory.scratch(given.shape, x.dtype, 1)
            zeros = zeros_row(given)
            np.minimum(given, zeros, out=low)
            np.multiply(low, by, out=low)
            np.maximum(given, zeros, out=out)
            np.add(out, low, out=out)

    parallel.run(task, len(x), 4 * x.size / RATE)
    return y


def prelu_backward(dy: Array, x: Array, alpha: Array, input_grad: bool = True) -> tuple[Array | None, Array]:
    """Return dx = dy where x > 0, alpha * dy where x < 0, and 0 between; and dalpha, the sums of dy * min(x, 0).

    Args:
        dy, x: (M, C), C-contiguous.
        alpha: (C,).
        input_grad: whether dx is wanted; else it is None.

    >>> dx, dalpha = prelu_backward(np.ones((2, 1)), np.array([[-3.0], [2.0]]), np.array([0.5]))
    >>> dx.tolist(), dalpha.tolist()
    ([[0.5], [1.0]], [-3.0])
    """
    dx, c = memory.empty(x.shape, x.dtype) if input_grad else None, x.shape[1]
    (slopes,) = repeated((alpha,), len(x))

    def task(start: int, stop: int) -> Array:
        total = np.zeros(c)
        for rows, beside in laid(start, stop, c):
            by = slopes[: beside * c]
            given, by_y = x[rows].reshape(-1, by.size), dy[rows].reshape(-1, by.size)
            (low,) = memory.scratch(given.shape, x.dtype, 1)
            np.minimum(given, zeros_row(given), out=low)
            sums = np.einsum("ij,ij->j", by_y, low)
            total += np.add.reduce(sums.reshape(beside, c), axis=0, dtype=np.float64)
            if dx is None:
                continue
            out, where = dx[rows].reshape(-1, by.size), memory.empty(given.shape, bool)
            np.multiply(by_y, by, out=low)
            np.multiply(low, np.less(given, 0, out=where), out=low)
            np.multiply(by_y, np.greater(given, 0, out=where), out=out)
            np.add(out, low, out=out)
        return total

    first, *others = parallel.run(task, len(x), (8 if input_grad else 2) * x.size / RATE)
    return dx, sum(others, first).astype(x.dtype)
