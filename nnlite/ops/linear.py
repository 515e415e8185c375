"""Products of matrices and of more axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.inference import axis_number, broadcast_shape, product, view_shape
from nnlite.ops.operands import is_array, sum_to


@function("Matmul", operands=2, unify="same")
def matmul(x1: Any, x2: Any) -> Any:
    """Return the product of matrices, those on the last two axes; the axes before broadcast.

    Backward ``dx1 = dy @ x2.T``, ``dx2 = x1.T @ dy``.

    >>> matmul(np.ones((2, 3)), np.ones((3, 1))).tolist()
    [[3.0], [3.0]]
    """
    _matmul_shape(x1.shape, x2.shape)
    return np.matmul(x1, x2)


@matmul.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    # vectors take part as matrices with one row or one column
    rows = x1[None] if x1.ndim == 1 else x1
    columns = x2[:, None] if x2.ndim == 1 else x2
    d = dy[..., None] if x2.ndim == 1 else dy
    d = np.expand_dims(d, -2) if x1.ndim == 1 else d
    dx1 = dx2 = None
    if is_array(x1):
        dx1 = np.reshape(sum_to(np.matmul(d, np.swapaxes(columns, -1, -2)), rows), x1.shape)
    if is_array(x2):
        if columns.ndim == 2 and rows.ndim > 2:  # one product in place of many that are summed
            dx2 = rows.reshape(-1, rows.shape[-1]).T @ d.reshape(-1, d.shape[-1])
        else:
            dx2 = sum_to(np.matmul(np.swapaxes(rows, -1, -2), d), columns)
        dx2 = np.reshape(dx2, x2.shape)
    return dx1, dx2


@matmul.output_shape
def _matmul_shape(one: Any, other: Any) -> Any:
    if not one or not other:
        raise ValueError(f"matmul takes arrays of at least one axis, got shapes {tuple(one)} and {tuple(other)}.")
    inner, matching = one[-1], other[-2] if len(other) > 1 else other[0]
    if None not in (inner, matching) and inner != matching:
        raise ValueError(
            f"matmul: the last axis of x1, shape {tuple(one)}, and the one before the last of x2, shape "
            f"{tuple(other)}, must have the same size, got {inner} and {matching}."
        )
    rows = (one[-2],) if len(one) > 1 else ()
    columns = (other[-1],) if len(other) > 1 else ()
    return (*broadcast_shape(one[:-2], other[:-2]), *rows, *columns)


@function("Dot", operands=2, unify="same")
def dot(x1: Any, x2: Any) -> Any:
    """Return the sums of products over the last axis of x1 and the one before the last of x2; numbers multiply.

    >>> dot(np.array([1.0, 2.0]), np.array([3.0, 4.0])).item()
    11.0
    """
    return np.multiply(x1, x2) if np.ndim(x1) == 0 or np.ndim(x2) == 0 else np.dot(x1, x2)


@dot.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    if np.ndim(x1) == 0 or np.ndim(x2) == 0:
        return sum_to(dy * x2, x1), sum_to(dy * x1, x2)
    return _tensordot_gradient(dy, x1, x2, [x1.ndim - 1], [x2.ndim - 2 if x2.ndim > 1 else 0])


@dot.output_shape
def _(one: Any, other: Any) -> Any:
    if not isinstance(one, tuple) or not isinstance(other, tuple) or not one or not other:
        return broadcast_shape(one, other)
    return _contracted(one, other, [len(one) - 1], [len(other) - 2 if len(other) > 1 else 0], "dot")


@function("Inner", operands=2, unify="same")
def inner(x1: Any, x2: Any) -> Any:
    """Return the sums of products over the last axis of both.

    >>> inner(np.array([1.0, 2.0]), np.array([[3.0, 4.0]])).tolist()
    [11.0]
    """
    return np.multiply(x1, x2) if np.ndim(x1) == 0 or np.ndim(x2) == 0 else np.inner(x1, x2)


@inner.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    if np.ndim(x1) == 0 or np.ndim(x2) == 0:
        return sum_to(dy * x2, x1), sum_to(dy * x1, x2)
    return _tensordot_gradient(dy, x1, x2, [x1.ndim - 1], [x2.ndim - 1])


@inner.output_shape
def _(one: Any, other: Any) -> Any:
    if not isinstance(one, tuple) or not isinstance(other, tuple) or not one or not other:
        return broadcast_shape(one, other)
    return _contracted(one, other, [len(one) - 1], [len(other) - 1], "inner")


@function("Tensordot", operands=2, unify="same")
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Return the sums of products over pairs of axes: the last ``axes`` of x1 and the first of x2, or the axes of each
    in two lists.

    >>> tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    first, second = _pairs(x1.ndim, x2.ndim, axes)
    return np.tensordot(x1, x2, (first, second))


def _pairs(rank1: int, rank2: int, axes: Any) -> tuple[list[int], list[int]]:
    if isinstance(axes, (int, np.integer)):
        if axes > min(rank1, rank2):
            raise ValueError(f"tensordot: axes={axes} of arrays of {rank1} and {rank2} axes.")
        return [rank1 - int(axes) + number for number in range(axes)], list(range(axes))
    first, second = ([one] if isinstance(one, (int, np.integer)) else list(one) for one in axes)
    if len(first) != len(second):
        raise ValueError(f"tensordot: axes={axes!r} names {len(first)} axes of x1 and {len(second)} of x2.")
    return [axis_number(a, rank1, "axes") for a in first], [axis_number(a, rank2, "axes") for a in second]


@tensordot.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any, axes: Any) -> Any:
    return _tensordot_gradient(dy, x1, x2, *_pairs(x1.ndim, x2.ndim, axes))


def _tensordot_gradient(dy: Any, x1: Any, x2: Any, first: list[int], second: list[int]) -> Any:
    free1 = [number for number in range(x1.ndim) if number not in first]
    free2 = [number for number in range(x2.ndim) if number not in second]
    dx1 = dx2 = None
    if is_array(x1):  # its axes arrive in the order free, then those of the sum in x2's order
        made = np.tensordot(dy, x2, (list(range(len(free1), dy.ndim)), free2))
        order = free1 + [first[second.index(number)] for number in sorted(second)]
        dx1 = np.transpose(made, np.argsort(order))
    if is_array(x2):
        made = np.tensordot(x1, dy, (free1, list(range(len(free1)))))
        order = [second[first.index(number)] for number in sorted(first)] + free2
        dx2 = np.transpose(made, np.argsort(order))
    return dx1, dx2


@tensordot.output_shape
def _(one: Any, other: Any, axes: Any) -> Any:
    return _contracted(one, other, *_pairs(len(one), len(other), axes), "tensordot")


def _contracted(one: Any, other: Any, first: list[int], second: list[int], what: str) -> Any:
    for a, b in zip(first, second, strict=True):
        if None not in (one[a], other[b]) and one[a] != other[b]:
            raise ValueError(
                f"{what}: axis {a} of shape {tuple(one)} and axis {b} of shape {tuple(other)} differ in size."
            )
    left = (size for number, size in enumerate(one) if number not in first)
    return (*left, *(size for number, size in enumerate(other) if number not in second))


@function("Outer", operands=2, unify="same")
def outer(x1: Any, x2: Any) -> Any:
    """Return the product of each element of x1 with each of x2, a matrix.

    >>> outer(np.array([1.0, 2.0]), np.array([3.0, 4.0])).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    return _flat(x1, x2)[:, None] * _flat(x2, x1)


def _flat(x: Any, other: Any) -> Any:
    return np.ravel(x) if isinstance(x, np.ndarray) else np.full(1, x, getattr(other, "dtype", None))


@outer.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return np.reshape(dy @ _flat(x2, x1), np.shape(x1)), np.reshape(_flat(x1, x2) @ dy, np.shape(x2))


@outer.output_shape
def _(one: Any, other: Any) -> Any:
    return tuple(product(shape) if isinstance(shape, tuple) else 1 for shape in (one, other))


@function("Trace")
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the sum of the diagonal of the matrices on two axes.

    >>> trace(np.eye(3)).item()
    3.0
    """
    return np.trace(x, offset, axis1, axis2)


@trace.gradient
def _(dy: Any, y: Any, x: Any, offset: int, axis1: int, axis2: int) -> Any:
    dx = np.zeros(x.shape, dy.dtype)
    np.einsum("...ii->...i", _diagonal_block(dx, offset, axis1, axis2))[...] = np.asarray(dy)[..., None]
    return dx


def _diagonal_block(x: Any, offset: int, axis1: int, axis2: int) -> Any:
    """A view of the square whose diagonal is the one meant, its axes at the end."""
    moved = np.moveaxis(x, (axis1, axis2), (-2, -1))
    moved = moved[..., max(-offset, 0) :, max(offset, 0) :]
    size = min(moved.shape[-2:])
    return moved[..., :size, :size]


@trace.output_shape
def _(shape: Any, offset: int, axis1: int, axis2: int) -> Any:
    skipped = {axis_number(axis1, len(shape)), axis_number(axis2, len(shape))}
    return tuple(size for number, size in enumerate(shape) if number not in skipped)


@function("Diagonal")
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the diagonal of the matrices on two axes, as the last axis.

    >>> diagonal(np.arange(4).reshape(2, 2)).tolist()
    [0, 3]
    """
    return np.diagonal(x, offset, axis1, axis2)


@diagonal.gradient
def _(dy: Any, y: Any, x: Any, offset: int, axis1: int, axis2: int) -> Any:
    dx = np.zeros(x.shape, dy.dtype)
    np.einsum("...ii->...i", _diagonal_block(dx, offset, axis1, axis2))[...] = dy
    return dx


@diagonal.output_shape
def _(shape: Any, offset: int, axis1: int, axis2: int) -> Any:
    found = view_shape(np.diagonal)(shape, offset=offset, axis1=axis1, axis2=axis2)
    return (*found[:-1], None) if None in (shape[axis1], shape[axis2]) else found
