"""Sums, means and others over one axis, several, or all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.inference import axis_numbers, boolean, int32, reduced_shape, sum_dtype


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    return axis_numbers(axis, x.ndim)


def _kept(y: Any, x: Any, axis: Any) -> Any:
    """A result (or its gradient) with size 1 in the place of the axes that it lacks."""
    axes = _axes(x, axis)
    return np.reshape(y, [1 if number in axes else size for number, size in enumerate(x.shape)])


def _count(x: Any, axis: Any) -> int:
    return math.prod(x.shape[number] for number in _axes(x, axis))


@function("Sum")
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the sum along an axis, several, or None for all; backward ``dx = dy``, spread out.

    Booleans and narrow whole numbers are summed in 32 bits.

    >>> sum(np.ones((2, 3)), axis=1)
    array([3., 3.])
    """
    return np.sum(x, axis=_axes(x, axis), keepdims=keepdims, dtype=sum_dtype(x))


@sum.gradient
def _(dy: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return np.broadcast_to(_kept(dy, x, axis), x.shape)


@function("Mean", unify="float")
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the mean along an axis, several, or None for all; backward ``dx = dy / n``.

    >>> mean(np.array([1, 2])).item()
    1.5
    """
    with np.errstate(invalid="ignore"):
        return np.sum(x, axis=_axes(x, axis), keepdims=keepdims) / x.dtype.type(_count(x, axis))


@mean.gradient
def _(dy: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return np.broadcast_to(_kept(dy, x, axis) / (_count(x, axis) or 1), x.shape)


@function("Average", operands=("x", "weights"), unify="float")
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """Return the mean along an axis, weighted by ``weights`` of x's shape or of the size of that axis.

    >>> average(np.array([1.0, 3.0]), weights=np.array([3.0, 1.0])).item()
    1.5
    """
    if weights is None:
        return mean.compute(x, axis)
    weights = _spread(x, axis, weights)
    total = np.sum(np.broadcast_to(weights, x.shape), axis=_axes(x, axis))
    return np.sum(x * weights, axis=_axes(x, axis)) / total


def _spread(x: Any, axis: Any, weights: Any) -> Any:
    """Weights of one axis in a shape that broadcasts to x's."""
    if weights.shape == x.shape:
        return weights
    axes = _axes(x, axis)
    if axis is None or weights.shape != tuple(x.shape[number] for number in axes):
        raise ValueError(f"average: weights of shape {weights.shape} do not fit axis {axis} of shape {x.shape}.")
    return np.reshape(weights, [x.shape[number] if number in axes else 1 for number in range(x.ndim)])


@average.gradient
def _(dy: Any, y: Any, x: Any, weights: Any, axis: Any) -> Any:
    if weights is None:
        return mean.derivative(dy, y, x, axis, False), None  # type: ignore[misc]
    spread = np.broadcast_to(_spread(x, axis, weights), x.shape)
    share = _kept(dy, x, axis) / np.sum(spread, axis=_axes(x, axis), keepdims=True)
    d_weights = share * (x - _kept(y, x, axis))
    others = tuple(number for number in range(x.ndim) if number not in _axes(x, axis))
    return share * spread, d_weights if weights.shape == x.shape else d_weights.sum(axis=others)


@average.output_shape
def _(shape: Any, weights: Any, axis: Any) -> Any:
    return reduced_shape(shape, axis=axis)


@function("Max")
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Return the largest element along an axis; the gradient goes to it, in equal parts where there are several.

    Args:
        x: array.
        axis: one axis, several, or None for all.
        keepdims: whether axes stay, with size 1.
        initial: a number to take part.

    >>> max(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [5, 7]
    """
    return np.max(x, axis=_axes(x, axis), keepdims=keepdims, **({} if initial is None else {"initial": initial}))


@function("Min")
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Return the smallest element along an axis; the gradient goes to it, in equal parts where there are several.

    >>> min(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [1, 2]
    """
    return np.min(x, axis=_axes(x, axis), keepdims=keepdims, **({} if initial is None else {"initial": initial}))


@function("Amax")
def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the largest element along an axis, as :func:`max` does.

    >>> amax(np.array([[1, 5], [7, 2]]), axis=0).tolist()
    [7, 5]
    """
    return np.max(x, axis=_axes(x, axis), keepdims=keepdims)


@function("Amin")
def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the smallest element along an axis, as :func:`min` does.

    >>> amin(np.array([[1, 5], [7, 2]]), axis=0).tolist()
    [1, 2]
    """
    return np.min(x, axis=_axes(x, axis), keepdims=keepdims)


def _to_extremes(dy: Any, y: Any, x: Any, axis: Any, keepdims: bool, initial: Any = None) -> Any:
    there = x == _kept(y, x, axis)
    count = np.maximum(np.sum(there, axis=_axes(x, axis), keepdims=True), 1)
    return there * (_kept(dy, x, axis) / count.astype(dy.dtype))


@function("Prod")
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """Return the product along an axis; backward gives each element dy times the product of the others.

    >>> prod(np.array([2.0, 3.0, 4.0])).item()
    24.0
    """
    return np.prod(x, axis=_axes(x, axis), keepdims=keepdims, dtype=sum_dtype(x, dtype=dtype))


@prod.gradient
def _(dy: Any, y: Any, x: Any, axis: Any, keepdims: bool, dtype: Any) -> Any:
    axes = _axes(x, axis)
    rows = np.moveaxis(x, axes, range(-len(axes), 0))
    flat = rows.reshape(*rows.shape[: x.ndim - len(axes)], _count(x, axis))
    # The product of those before times the product of those behind: no division, so zeros do no harm.
    ones = np.ones_like(flat[..., :1])
    before = np.cumprod(np.concatenate([ones, flat[..., :-1]], axis=-1), axis=-1)
    behind = np.cumprod(np.concatenate([ones, flat[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    others = np.moveaxis((before * behind).reshape(rows.shape), range(-len(axes), 0), axes)
    return others * _kept(dy, x, axis)


@function("Var", unify="float")
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the mean of (x - mean)^2 along an axis; backward ``dx = 2 dy (x - mean) / n``.

    >>> var(np.array([1.0, 3.0])).item()
    1.0
    """
    centred = x - mean.compute(x, axis, True)
    return mean.compute(np.square(centred, out=centred), axis, keepdims)


@var.gradient
def _(dy: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return (x - mean.compute(x, axis, True)) * (_kept(dy, x, axis) * (2 / (_count(x, axis) or 1)))


@function("Std", unify="float")
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the square root of the variance; backward ``dx = dy (x - mean) / (n y)``.

    >>> std(np.array([1.0, 3.0])).item()
    1.0
    """
    return np.sqrt(var.compute(x, axis, keepdims))


@std.gradient
def _(dy: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return var.derivative(dy / (2 * y), y, x, axis, keepdims)  # type: ignore[misc]


@function("Logsumexp", module="math", unify="float")
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum of exp(x)) along an axis, for large x too; backward ``dx = dy * exp(x - y)``.

    >>> logsumexp(np.array([1000.0, 1000.0])).item()
    1000.6931471805599
    """
    axes = _axes(x, axis)
    top = np.max(x, axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, np.zeros_like(top))
    y = np.log(np.sum(np.exp(x - top), axis=axes, keepdims=True)) + top
    return y if keepdims else y.reshape(np.delete(y.shape, axes))


@logsumexp.gradient
def _(dy: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return _kept(dy, x, axis) * np.exp(x - _kept(y, x, axis))


@function("Any")
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return whether any element along an axis is true.

    >>> any(np.array([[True, False], [False, False]]), axis=1).tolist()
    [True, False]
    """
    return np.any(x, axis=_axes(x, axis), keepdims=keepdims)


@function("All")
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return whether all elements along an axis are true.

    >>> all(np.array([[True, True], [False, True]]), axis=1).tolist()
    [True, False]
    """
    return np.all(x, axis=_axes(x, axis), keepdims=keepdims)


@function("CountNonzero")
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """Return how many elements along an axis are not 0.

    >>> count_nonzero(np.array([[0, 3], [1, 2]]), axis=1).tolist()
    [1, 2]
    """
    return np.asarray(np.count_nonzero(x, axis=_axes(x, axis))).astype("int32")


for _one in (max, min, amax, amin):
    _one.gradient(_to_extremes)
for _one in (sum, mean, max, min, amax, amin, prod, var, std, logsumexp, any, all, count_nonzero):
    _one.output_shape(reduced_shape)
for _one in (sum, prod):
    _one.output_dtype(sum_dtype)
for _one in (any, all):
    _one.output_dtype(boolean)
count_nonzero.output_dtype(int32)
