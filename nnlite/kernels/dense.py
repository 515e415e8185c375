"""The dense (fully connected) product and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import gemm, memory, parallel
from nnlite.kernels.elementwise import ones, over_elements

Array = NDArray[Any]

# Multiply-adds that one thread does in a microsecond, and activations with their slopes, for the choice of threads.
GEMM_RATE, SLOPE_RATE = 40e3, 200.0
# Fewer rows than this, and weights of more bytes, are cut by the units.
FEW_ROWS, LARGE = 32, 4 << 20
# Gradients that take at most so many microseconds are computed without closures, which would take a tenth of it.
LITTLE = 200.0
# With at least so many times as many rows as either side of the weights, gradients are cut by rows.
TALL = 4
# Elements of a result that are finished together, few enough for the cache and enough that threads do not queue for the
# interpreter lock, and the fewest rows that BLAS is fast with.
CHUNK, FEWEST = 262144, 256


def dense_forward(x: Array, w: Array, b: Array | None = None, activation: Any = None) -> Array:
    """Return y = act(x @ w + b).

    Args:
        x: (N, I).
        w: (I, O).
        b: (O,), or None.
        activation: a function of :mod:`nnlite.activations` that works on rows and keeps their length, or None; it is
            applied while the result is in cache.

    Returns:
        y (N, O).
    """
    n, units = len(x), w.shape[1]
    y = memory.empty((n, units), x.dtype if x.dtype is w.dtype else np.result_type(x, w))
    if is_little(n, w.shape[0], units):
        with parallel.blas_pinned():
            _finished_product(x, w, b, activation, y)
        return y
    microseconds = x.size * units / GEMM_RATE
    # Rows lie together, but each thread reads all of w: that is dear where they are few or w is large.
    if units > n and (n < FEW_ROWS or w.nbytes > LARGE) and (activation is None or activation.elementwise):

        def columns(start: int, stop: int) -> None:
            part = None if b is None else b[start:stop]
            _finished_product(x, w[:, start:stop], part, activation, y[:, start:stop])

        parallel.run(columns, units, microseconds, align=16, lead=parallel.LEAD)
        return y

    def rows(start: int, stop: int) -> None:
        for part in _chunks(start, stop, units):
            _finished_product(x[part], w, b, activation, y[part])

    parallel.run(rows, n, microseconds, lead=parallel.LEAD)
    return y


def is_little(n: int, inputs: int, units: int) -> bool:
    """Return whether :func:`dense_forward` of n rows is one product on one thread, whose result stays in cache."""
    alone = n * inputs * units <= parallel.WORTH_THREADS * GEMM_RATE or parallel.threads() == 1
    return alone and n * units <= CHUNK


def _finished_product(x: Array, w: Array, b: Array | None, activation: Any, y: Array) -> None:
    """Write act(x @ w + b) into ``y``."""
    in_place = activation is None or activation.keeps == "y"
    z = y if in_place else memory.empty(y.shape, y.dtype)
    gemm.matmul(x, w, z)
    if b is not None:
        np.add(z, b, out=z)
    if activation is not None:
        activation.forward(z, out=y)


def dense_forward_with_slope(x: Array, w: Array, b: Array | None, activation: Any) -> tuple[Array, Array]:
    """Return y = act(z) of z = x @ w + b, and act'(z), each chunk of rows while its z is in cache; z is not kept.

    Args:
        x: (N, I).
        w: (I, O).
        b: (O,), or None.
        activation: a function of (z, slope, out), vectors, that writes act(z) into ``out`` and act'(z) into ``slope``.
    """
    n, units = len(x), w.shape[1]
    y, slope = (memory.empty((n, units), np.result_type(x, w)) for _ in range(2))

    def task(start: int, stop: int) -> None:
        chunks = _chunks(start, stop, units)
        room = memory.empty(y[chunks[0]].shape, y.dtype)
        for part in chunks:
            z = room[: part.stop - part.start]
            gemm.matmul(x[part], w, z)
            if b is not None:
                np.add(z, b, out=z)
            activation(z.reshape(-1), slope[part].reshape(-1), y[part].reshape(-1))

    parallel.run(task, n, x.size * units / GEMM_RATE + n * units / SLOPE_RATE, lead=parallel.LEAD)
    return y, slope


def _chunks(start: int, stop: int, units: int) -> list[slice]:
    """Cut rows into slices of about CHUNK elements, but no fewer rows than BLAS is fast with; there is one at least."""
    rows = max(FEWEST, CHUNK // max(1, units))
    return [slice(first, min(stop, first + rows)) for first in range(start, max(stop, start + 1), rows)]


def dense_backward(
    dy: Array,
    x: Array,
    w: Array,
    use_bias: bool = True,
    input_grad: bool = True,
    weight_grad: bool = True,
    dw: Array | None = None,
    slope: Array | None = None,
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradients of y = x @ w + b, or of y = act(x @ w + b) with the slope of act.

    dx = dz @ w.T, dw = x.T @ dz, db = sum of the rows of dz, with dz = dy * slope, or dy.

    Args:
        dy: (N, O).
        x: (N, I).
        w: (I, O).
        use_bias, input_grad, weight_grad: whether db, dx, dw are wanted; else they are None.
        dw: memory for dw (I, O), or None for new memory.
        slope: act'(z) (N, O), or None for 1.

    Returns:
        dx (N, I), dw (I, O), db (O,).
    """
    n, inputs = x.shape
    dtype = dy.dtype if dy.dtype is w.dtype else np.result_type(dy, w)
    products, work = input_grad + weight_grad, x.size * w.shape[1]
    if n >= TALL * max(w.shape) and work > gemm.SMALL:
        parts = [slice(None)] if input_grad else []
        dxs, dw, db = _backward_by_rows(dy, x, w, parts, use_bias, weight_grad, dw, slope)
        return dxs[0] if input_grad else None, dw, db
    if products * work <= LITTLE * GEMM_RATE:
        return _little_backward(dy, x, w, dtype, use_bias, input_grad, weight_grad, dw, slope)
    if slope is not None:
        dy = over_elements(np.multiply, (dy, slope), memory.empty(dy.shape, dtype), 0.5)
    dx = memory.empty(x.shape, dtype) if input_grad else None
    if weight_grad and dw is None:
        dw = memory.empty(w.shape, dtype)

    def task(start: int, stop: int) -> None:
        # Both are cut by the inputs: no partial sums to add, and each thread reads its own part of w and of dw.
        if weight_grad:
            gemm.matmul(x[:, start:stop].T, dy, dw[start:stop])  # type: ignore[index]
        if dx is not None:
            gemm.matmul(dy, w[start:stop].T, dx[:, start:stop])

    if products:
        parallel.run(task, inputs, products * work / GEMM_RATE, 16, parallel.LEAD)
    with parallel.blas_pinned():
        return dx, dw if weight_grad else None, _row_total(dy) if use_bias else None


def _little_backward(
    dy: Array,
    x: Array,
    w: Array,
    dtype: np.dtype[Any],
    use_bias: bool,
    input_grad: bool,
    weight_grad: bool,
    dw: Array | None,
    slope: Array | None,
) -> tuple[Array | None, Array | None, Array | None]:
    """:func:`dense_backward` as the formulas say, where anything else would take longer than the products."""
    dx = db = None
    with parallel.blas_pinned():
        dz = dy if slope is None else np.multiply(dy, slope)
        if weight_grad:
            dw = memory.empty(w.shape, dtype) if dw is None else dw
            gemm.matmul(x.T, dz, dw)
        if input_grad:
            dx = memory.empty(x.shape, dtype)
            gemm.matmul(dz, w.T, dx)
        if use_bias:
            db = _row_total(dz)
    return dx, dw if weight_grad else None, db


def dense_backward_in_parts(
    dy: Array, x: Array, w: Array, parts: list[slice], use_bias: bool = True, weight_grad: bool = True
) -> tuple[list[Array], Array | None, Array | None]:
    """Return the gradients of y = x @ w + b, a product of several weights side by side, with a dx for each part of it.

    dx = dy[:, part] @ w[:, part].T; dw and db are those of the whole.

    Args:
        dy, x, w, use_bias, weight_grad: as for :func:`dense_backward`.
        parts: columns of w.
    """
    if len(x) >= TALL * max(w.shape):
        return _backward_by_rows(dy, x, w, parts, use_bias, weight_grad, None)
    dxs = [dense_backward(dy[:, part], x, w[:, part], False, True, False)[0] for part in parts]
    _, dw, db = dense_backward(dy, x, w, use_bias, False, weight_grad)
    return [dx for dx in dxs if dx is not None], dw, db


def _backward_by_rows(
    dy: Array,
    x: Array,
    w: Array,
    parts: list[slice],
    use_bias: bool,
    weight_grad: bool,
    dw: Array | None,
    slope: Array | None = None,
) -> tuple[list[Array], Array | None, Array | None]:
    """:func:`dense_backward_in_parts` for many rows, such as the steps of sequences: each thread takes its own rows.

    That way the products are of the shapes that BLAS is fastest at, 1.2 times as fast for 4096 rows and weights
    256 x 64; the partial sums of dw and db are added in order.
    """
    dtype = np.result_type(dy, w)
    dxs = [memory.empty(x.shape, dtype) for _ in parts]
    turned = [gemm.arranged(w[:, part].T) for part in parts]
    row = ones(len(x), dtype)

    def task(start: int, stop: int) -> tuple[Array | None, Array | None]:
        share, bias = None, None
        for rows in _chunks(start, stop, w.shape[1]) if slope is not None else [slice(start, stop)]:
            dz = (
                dy[rows]
                if slope is None
                else np.multiply(dy[rows], slope[rows], out=memory.empty(dy[rows].shape, dtype))
            )
            for part, factor, dx in zip(parts, turned, dxs, strict=True):
                gemm.matmul(dz[:, part], factor, dx[rows])
            if weight_grad:
                share = _plus(share, x[rows].T @ dz)
            if use_bias:
                bias = _plus(bias, row[rows] @ dz)
        return share, bias

    products = 1 + bool(parts) + weight_grad
    partial = parallel.run(task, len(x), products * x.size * w.shape[1] / GEMM_RATE, lead=parallel.LEAD)
    first = _sum([share for share, _ in partial if share is not None])
    bias = _sum([share for _, share in partial if share is not None])
    if first is not None and dw is not None:
        np.copyto(dw, first)
        first = dw
    return dxs, first, bias


def _row_total(a: Array) -> Array:
    """Return the sum of the rows: as a product, which takes half of the time of a sum."""
    total: Array = np.matmul(ones(len(a), a.dtype), a)
    return total


def _sum(parts: list[Array]) -> Array | None:
    """Return the sum of ``parts`` in the first of them, or None if there are none."""
    total: Array | None = None
    for part in parts:
        total = _plus(total, part)
    return total


def _plus(total: Array | None, part: Array) -> Array:
    """Return ``total + part`` in the place of ``total``; ``part`` itself if that is the first."""
    return part if total is None else np.add(total, part, out=total)
