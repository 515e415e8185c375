"""The dense (fully connected) product and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel

Array = NDArray[Any]

# Multiply-adds that one thread does in a microsecond, for the choice of threads.
GEMM_RATE = 40e3


def dense_forward(x: Array, w: Array, b: Array | None = None, activation: Any = None) -> Array:
    """Return y = act(x @ w + b).

    Args:
        x: (N, I).
        w: (I, O).
        b: (O,), or None.
        activation: a function of :mod:`nnlite.activations` that works on rows and whose derivative needs only y, or
            None; it is applied while the rows are in cache.

    Returns:
        y (N, O).
    """
    y = np.empty((len(x), w.shape[1]), np.result_type(x, w))

    def task(start: int, stop: int) -> None:
        rows = y[start:stop]
        np.matmul(x[start:stop], w, out=rows)
        if b is not None:
            np.add(rows, b, out=rows)
        if activation is not None:
            activation.forward(rows, out=rows)

    parallel.run(task, len(x), x.size * w.shape[1] / GEMM_RATE)
    return y


def dense_backward(
    dy: Array, x: Array, w: Array, use_bias: bool = True, input_grad: bool = True
) -> tuple[Array | None, Array, Array | None]:
    """Return the gradients of y = x @ w + b.

    dx = dy @ w.T, dw = x.T @ dy, db = sum of the rows of dy.

    Args:
        dy: (N, O).
        x: (N, I).
        w: (I, O).
        use_bias: whether db is wanted; else it is None.
        input_grad: whether dx is wanted; else it is None.

    Returns:
        dx (N, I), dw (I, O), db (O,).
    """
    dtype = np.result_type(dy, w)
    dx = np.empty(x.shape, dtype) if input_grad else None
    dw = np.empty(w.shape, dtype)
    n, inputs = x.shape
    work = x.size * w.shape[1] / GEMM_RATE * (2 if input_grad else 1)
    # dw is cut by its own rows, so no partial sums need adding; both products share one fork and join.
    columns = parallel.parts(inputs, work, align=16)
    rows = parallel.parts(n, work)

    def task(start: int, stop: int) -> None:
        for part in range(start, stop):
            if part < len(columns):
                i, j = columns[part]
                np.matmul(x[:, i:j].T, dy, out=dw[i:j])
            if dx is not None and part < len(rows):
                i, j = rows[part]
                np.matmul(dy[i:j], w.T, out=dx[i:j])

    parallel.run(task, max(len(columns), len(rows)), work)
    return dx, dw, dy.sum(0) if use_bias else None
