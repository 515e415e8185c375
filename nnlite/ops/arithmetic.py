"""Arithmetic of two operands that broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.operands import is_array, sum_to


@function("Add", operands=2, unify="same")
def add(x1: Any, x2: Any) -> Any:
    """Return ``x1 + x2``; backward ``dx1 = dx2 = dy``.

    >>> add(np.array([1.0, 2.0]), 1.0)
    array([2., 3.])
    """
    return np.add(x1, x2)


@add.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return sum_to(dy, x1), sum_to(dy, x2)


@function("Subtract", operands=2, unify="same")
def subtract(x1: Any, x2: Any) -> Any:
    """Return ``x1 - x2``; backward ``dx1 = dy``, ``dx2 = -dy``.

    >>> subtract(3.0, np.array([1.0, 2.0]))
    array([2., 1.])
    """
    return np.subtract(x1, x2)


@subtract.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return sum_to(dy, x1), sum_to(-dy, x2) if is_array(x2) else None


@function("Multiply", operands=2, unify="same")
def multiply(x1: Any, x2: Any) -> Any:
    """Return ``x1 * x2``; backward ``dx1 = dy * x2``, ``dx2 = dy * x1``.

    >>> multiply(np.array([1.0, 2.0]), 3.0)
    array([3., 6.])
    """
    return np.multiply(x1, x2)


@multiply.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return (sum_to(dy * x2, x1) if is_array(x1) else None, sum_to(dy * x1, x2) if is_array(x2) else None)


@function("Divide", operands=2, unify="float")
def divide(x1: Any, x2: Any) -> Any:
    """Return ``x1 / x2``, of whole numbers too; backward ``dx1 = dy / x2``, ``dx2 = -dy * y / x2``.

    >>> divide(np.array([1.0, 3.0]), 2.0)
    array([0.5, 1.5])
    """
    return np.divide(x1, x2)


@divide.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return (sum_to(dy / x2, x1) if is_array(x1) else None, sum_to(-dy * y / x2, x2) if is_array(x2) else None)


@function("TrueDivide", operands=2, unify="float")
def true_divide(x1: Any, x2: Any) -> Any:
    """Return ``x1 / x2``, of whole numbers too; backward ``dx1 = dy / x2``, ``dx2 = -dy * y / x2``.

    >>> true_divide(np.array([1.0, 3.0]), 2.0)
    array([0.5, 1.5])
    """
    return np.divide(x1, x2)


@true_divide.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return (sum_to(dy / x2, x1) if is_array(x1) else None, sum_to(-dy * y / x2, x2) if is_array(x2) else None)


@function("DivideNoNan", operands=2, unify="float")
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """Return ``x1 / x2``, and 0 where x2 is 0, as are the gradients there.

    >>> divide_no_nan(np.array([1.0, 3.0]), np.array([0.0, 2.0]))
    array([0. , 1.5])
    """
    x2 = np.asarray(x2, np.result_type(x1, x2))
    there = x2 != 0
    y = np.zeros(np.broadcast_shapes(np.shape(x1), x2.shape), x2.dtype)
    return np.divide(x1, x2, out=y, where=there)


@divide_no_nan.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    there = np.not_equal(x2, 0)
    safe = np.where(there, np.asarray(x2, dy.dtype), dy.dtype.type(1))
    return (
        sum_to(dy * there / safe, x1) if is_array(x1) else None,
        sum_to(-dy * y / safe, x2) if is_array(x2) else None,
    )


@function("FloorDivide", operands=2, unify="same")
def floor_divide(x1: Any, x2: Any) -> Any:
    """Return the largest whole number not above ``x1 / x2``; no gradient passes.

    >>> floor_divide(np.array([5.0, -5.0]), 2.0)
    array([ 2., -3.])
    """
    return np.floor_divide(x1, x2)


@function("Mod", operands=2, unify="same")
def mod(x1: Any, x2: Any) -> Any:
    """Return what is left of x1 divided by x2, with the sign of x2; backward ``dx1 = dy``, ``dx2 = -dy * (x1 // x2)``.

    >>> mod(np.array([5.0, -5.0]), 3.0)
    array([2., 1.])
    """
    return np.mod(x1, x2)


@mod.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return sum_to(dy, x1), sum_to(-dy * np.floor_divide(x1, x2), x2) if is_array(x2) else None


@function("Power", operands=2, unify="same")
def power(x1: Any, x2: Any) -> Any:
    """Return x1 to the power of x2; backward ``dx1 = dy * x2 * x1^(x2 - 1)``, ``dx2 = dy * y * log(x1)``.

    The gradient of x2 is 0 where x1 is 0.

    >>> power(np.array([1.0, 3.0]), 2)
    array([1., 9.])
    """
    return np.square(x1) if isinstance(x2, (int, float)) and x2 == 2 else np.power(x1, x2)


@power.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    dx1 = dx2 = None
    if is_array(x1):
        zero = np.equal(x2, 0)  # whose derivative is 0, at x1 = 0 too
        dx1 = sum_to(dy * x2 * np.power(x1, np.where(zero, np.ones_like(x1), x2 - np.ones_like(x1))), x1)
    if is_array(x2):
        dx2 = sum_to(dy * y * np.log(np.where(np.equal(x1, 0), np.ones_like(x2), x1)), x2)
    return dx1, dx2


@function("Maximum", operands=2, unify="same")
def maximum(x1: Any, x2: Any) -> Any:
    """Return the larger of each two; the gradient goes to it, half to each where they are equal.

    >>> maximum(np.array([-1.0, 2.0]), 0.0)
    array([0., 2.])
    """
    return np.maximum(x1, x2)


@maximum.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return _share(dy, np.greater(x1, x2), x1, x2)


def _share(dy: Any, first: Any, x1: Any, x2: Any) -> Any:
    """The gradient, to x1 where ``first``, to x2 elsewhere, and to both where they are equal."""
    share = np.where(np.equal(x1, x2), dy.dtype.type(0.5), first.astype(dy.dtype))
    return sum_to(dy * share, x1), sum_to(dy * (1 - share), x2)


@function("Minimum", operands=2, unify="same")
def minimum(x1: Any, x2: Any) -> Any:
    """Return the smaller of each two; the gradient goes to it, half to each where they are equal.

    >>> minimum(np.array([-1.0, 2.0]), 0.0)
    array([-1.,  0.])
    """
    return np.minimum(x1, x2)


@minimum.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return _share(dy, np.less(x1, x2), x1, x2)


@function("Arctan2", operands=2, unify="float")
def arctan2(x1: Any, x2: Any) -> Any:
    """Return the angle of the point (x2, x1); backward ``dx1 = dy * x2 / r``, ``dx2 = -dy * x1 / r``, r = x1^2 + x2^2.

    >>> np.round(arctan2(np.array([1.0, -1.0]), 0.0), 4)
    array([ 1.5708, -1.5708])
    """
    return np.arctan2(x1, x2)


@arctan2.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    scaled = dy / (np.square(x1) + np.square(x2))
    return sum_to(scaled * x2, x1), sum_to(-scaled * x1, x2)


@function("Logaddexp", operands=2, unify="float")
def logaddexp(x1: Any, x2: Any) -> Any:
    """Return log(exp(x1) + exp(x2)); backward ``dx1 = dy * exp(x1 - y)``, ``dx2 = dy * exp(x2 - y)``.

    >>> np.round(logaddexp(np.array([0.0, 1.0]), 0.0), 4)
    array([0.6931, 1.3133])
    """
    return np.logaddexp(x1, x2)


@logaddexp.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return sum_to(dy * np.exp(x1 - y), x1), sum_to(dy * np.exp(x2 - y), x2)


@function("Hypot", operands=2, unify="float")
def hypot(x1: Any, x2: Any) -> Any:
    """Return sqrt(x1^2 + x2^2); backward ``dx1 = dy * x1 / y``, ``dx2 = dy * x2 / y``, 0 where y is 0.

    >>> hypot(np.array([3.0]), 4.0)
    array([5.])
    """
    return np.hypot(x1, x2)


@hypot.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    scaled = dy / np.where(y == 0, np.ones_like(y), y)
    return sum_to(scaled * x1, x1), sum_to(scaled * x2, x2)
