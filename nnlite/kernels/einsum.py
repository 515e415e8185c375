"""Products of an array with a kernel along named axes, and their gradients: ``einsum`` as one matrix product.

Every axis of x and of the kernel w plays one part, told by where its letter stands::

    batch   in x, w and y     the product is done for each of its indices apart
    rows    in x and y
    inner   in x and w        summed over
    columns in w and y
    lost    in x alone        summed over before

so that y is x, as (batch, rows, inner), times w, as (batch, inner, columns). Where the axes stand in that order
already, nothing is copied.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.dense import GEMM_RATE, dense_backward, dense_forward

Array = NDArray[Any]


class Plan(NamedTuple):
    """How the axes of a product are ordered for a matrix product.

    ``x``, ``w``: the axes of each in the order (batch, rows, inner), (batch, inner, columns); those of x after the
    lost ones are summed away. ``y``: the axes of the result in the order (batch, rows, columns). ``batch``, ``rows``,
    ``inner``, ``columns``: how many there are of each. ``lost``: axes of x.
    """

    x: tuple[int, ...]
    w: tuple[int, ...]
    y: tuple[int, ...]
    batch: int
    rows: int
    inner: int
    columns: int
    lost: tuple[int, ...]


@lru_cache(maxsize=1024)
def plan(x: tuple[str, ...], w: tuple[str, ...], y: tuple[str, ...]) -> Plan:
    """Return the plan for axes of these names.

    Every name of w must stand in x or in y, every name of y in x or in w, and none twice in one of them.

    >>> plan(("a", "b", "c"), ("c", "d"), ("a", "b", "d"))
    Plan(x=(0, 1, 2), w=(0, 1), y=(0, 1, 2), batch=0, rows=2, inner=1, columns=1, lost=())
    """
    batch = [name for name in w if name in x and name in y]
    inner = [name for name in w if name in x and name not in y]
    columns = [name for name in y if name not in x]
    rows = [name for name in y if name in x and name not in w]
    lost = tuple(i for i, name in enumerate(x) if name not in w and name not in y)
    kept = [name for name in x if name in w or name in y]
    return Plan(
        tuple(kept.index(name) for name in batch + rows + inner),
        tuple(w.index(name) for name in batch + inner + columns),
        tuple(y.index(name) for name in batch + rows + columns),
        len(batch),
        len(rows),
        len(inner),
        len(columns),
        lost,
    )


def _matrices(a: Array, order: tuple[int, ...], batch: int, rows: int) -> Array:
    """Return ``a`` as (batch, rows, rest), its axes in this order; a view where they stand so."""
    ordered = a if _inverse(order) is None else a.transpose(order)
    sizes = ordered.shape
    parts = (sizes[:batch], sizes[batch : batch + rows], sizes[batch + rows :])
    matrices: Array = ordered.reshape([math.prod(part) for part in parts])
    return matrices


def _back(a: Array, order: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Undo :func:`_matrices`: return ``a``, with its axes where they came from, as an array of ``shape``."""
    back = _inverse(order)
    if back is None:
        return a.reshape(shape)
    moved: Array = a.reshape([shape[i] for i in order]).transpose(back)
    return moved


@lru_cache(maxsize=256)
def _inverse(order: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the order of axes that undoes this one; None if it changes nothing."""
    return None if order == tuple(range(len(order))) else tuple(map(order.index, range(len(order))))


def _by_batch(a: Array, b: Array) -> Array:
    """Return the products of two stacks of matrices."""
    out = memory.empty((len(a), a.shape[1], b.shape[2]), np.result_type(a, b))

    ufunc = np.multiply if a.shape[2] == 1 else np.matmul  # many products of a column and a row

    def task(start: int, stop: int) -> None:
        ufunc(a[start:stop], b[start:stop], out=out[start:stop])

    parallel.run(task, len(a), a.size * b.shape[2] / GEMM_RATE)
    return out


def einsum_forward(
    x: Array, w: Array, axes: Plan, y_shape: tuple[int, ...], b: Array | None = None, activation: Any = None
) -> Array:
    """Return y = act(einsum(x, w) + b).

    Args:
        x: its axes as the plan was made for.
        w: the kernel.
        axes: the plan.
        y_shape: shape of the result.
        b: one number for each index of the columns, or None; only without batch axes.
        activation: applied while the result is in cache, as in :func:`nnlite.kernels.dense.dense_forward`; for plans
            with one axis of columns, the last of y, unless it works on each element alone. Only without batch axes.
    """
    if axes.lost:
        x = x.sum(axes.lost)
    left, right = _matrices(x, axes.x, axes.batch, axes.rows), _matrices(w, axes.w, axes.batch, axes.inner)
    if axes.batch:
        return _back(_by_batch(left, right), axes.y, y_shape)
    y = dense_forward(left[0], right[0], None if b is None else b.reshape(-1), activation)
    return _back(y, axes.y, y_shape)


def einsum_backward(
    dy: Array,
    x: Array,
    w: Array,
    axes: Plan,
    use_bias: bool = False,
    input_grad: bool = True,
    weight_grad: bool = True,
    dw: Array | None = None,
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradients of y = einsum(x, w) + b.

    dx is the product of dy and w summed over the columns, dw that of x and dy summed over the rows, db the sum of dy
    over the rows (for b as in the forward).

    Args:
        dy: of y's shape.
        x, w, axes: as in the forward.
        use_bias, input_grad, weight_grad: whether db, dx, dw are wanted; else they are None.
        dw: memory for dw, or None for new memory.

    Returns:
        dx of x's shape, dw of w's, db (columns,).
    """
    x_shape = x.shape
    if axes.lost:
        x = x.sum(axes.lost)
    left, right = _matrices(x, axes.x, axes.batch, axes.rows), _matrices(w, axes.w, axes.batch, axes.inner)
    out = _matrices(dy, axes.y, axes.batch, axes.rows)
    dx: Array | None
    db = None
    if axes.batch:
        dx = _by_batch(out, right.swapaxes(1, 2)) if input_grad else None
        dw = _back(_by_batch(left.swapaxes(1, 2), out), axes.w, w.shape) if weight_grad else None
    else:
        in_order = dw is not None and axes.w == tuple(range(w.ndim))
        target = dw.reshape(right[0].shape) if dw is not None and in_order else None
        dx, found, db = dense_backward(out[0], left[0], right[0], use_bias, input_grad, weight_grad, target)
        if not in_order:
            dw = None if found is None else _back(found, axes.w, w.shape)
    if dx is not None:
        dx = _back(dx, axes.x, x.shape)
        if axes.lost:
            dx = np.broadcast_to(np.expand_dims(dx, axes.lost), x_shape).copy()
    return dx, dw, db
