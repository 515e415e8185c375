"""Comparisons, logic and choice; no gradient passes but through :func:`where`."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.inference import boolean, broadcast_shape, result_dtype
from nnlite.ops.operands import sum_to, unify


@function("Equal", operands=2, unify="same")
def equal(x1: Any, x2: Any) -> Any:
    """Return whether ``x1 == x2``, element by element.

    >>> equal(np.array([1.0, 2.0]), 2).tolist()
    [False, True]
    """
    return np.equal(x1, x2)


@function("NotEqual", operands=2, unify="same")
def not_equal(x1: Any, x2: Any) -> Any:
    """Return whether ``x1 != x2``, element by element.

    >>> not_equal(np.array([1.0, 2.0]), 2).tolist()
    [True, False]
    """
    return np.not_equal(x1, x2)


@function("Less", operands=2, unify="same")
def less(x1: Any, x2: Any) -> Any:
    """Return whether ``x1 < x2``, element by element.

    >>> less(np.array([1.0, 2.0]), 2).tolist()
    [True, False]
    """
    return np.less(x1, x2)


@function("LessEqual", operands=2, unify="same")
def less_equal(x1: Any, x2: Any) -> Any:
    """Return whether ``x1 <= x2``, element by element.

    >>> less_equal(np.array([1.0, 2.0]), 2).tolist()
    [True, True]
    """
    return np.less_equal(x1, x2)


@function("Greater", operands=2, unify="same")
def greater(x1: Any, x2: Any) -> Any:
    """Return whether ``x1 > x2``, element by element.

    >>> greater(np.array([1.0, 2.0]), 2).tolist()
    [False, False]
    """
    return np.greater(x1, x2)


@function("GreaterEqual", operands=2, unify="same")
def greater_equal(x1: Any, x2: Any) -> Any:
    """Return whether ``x1 >= x2``, element by element.

    >>> greater_equal(np.array([1.0, 2.0]), 2).tolist()
    [False, True]
    """
    return np.greater_equal(x1, x2)


@function("LogicalAnd", operands=2, unify="same")
def logical_and(x1: Any, x2: Any) -> Any:
    """Return whether both are true; numbers are true unless 0.

    >>> logical_and(np.array([True, False]), True).tolist()
    [True, False]
    """
    return np.logical_and(x1, x2)


@function("LogicalOr", operands=2, unify="same")
def logical_or(x1: Any, x2: Any) -> Any:
    """Return whether one or both are true; numbers are true unless 0.

    >>> logical_or(np.array([True, False]), True).tolist()
    [True, True]
    """
    return np.logical_or(x1, x2)


@function("LogicalXor", operands=2, unify="same")
def logical_xor(x1: Any, x2: Any) -> Any:
    """Return whether just one is true; numbers are true unless 0.

    >>> logical_xor(np.array([True, False]), True).tolist()
    [False, True]
    """
    return np.logical_xor(x1, x2)


@function("LogicalNot")
def logical_not(x: Any) -> Any:
    """Return whether x is false; numbers are true unless 0.

    >>> logical_not(np.array([True, False])).tolist()
    [False, True]
    """
    return np.logical_not(x)


@function("Isnan")
def isnan(x: Any) -> Any:
    """Return whether each element is not a number.

    >>> isnan(np.array([1.0, np.nan, np.inf])).tolist()
    [False, True, False]
    """
    return np.isnan(x)


@function("Isinf")
def isinf(x: Any) -> Any:
    """Return whether each element is infinite, of either sign.

    >>> isinf(np.array([1.0, np.nan, np.inf])).tolist()
    [False, False, True]
    """
    return np.isinf(x)


@function("Isfinite")
def isfinite(x: Any) -> Any:
    """Return whether each element is a finite number.

    >>> isfinite(np.array([1.0, np.nan, np.inf])).tolist()
    [True, False, False]
    """
    return np.isfinite(x)


@function("Isclose", operands=4)
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Return whether ``|x1 - x2| <= atol + rtol * |x2|``.

    >>> isclose(np.array([1.0, 1.1]), 1.0).tolist()
    [True, False]
    """
    return np.isclose(x1, x2, rtol, atol, equal_nan)


@isclose.output_shape
def _(x1: Any, x2: Any, rtol: Any, atol: Any, equal_nan: bool) -> Any:
    return broadcast_shape(x1, x2)


@function("Where", operands=3)
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """Return x1 where ``condition``, x2 elsewhere; the gradient goes to the one that was taken.

    With a condition alone: the positions where it is true, an array for each axis (of arrays, not of symbols).

    >>> where(np.array([True, False]), np.array([1.0, 2.0]), 0.0).tolist()
    [1.0, 0.0]
    """
    if x1 is None and x2 is None:
        return tuple(one.astype("int32") for one in np.nonzero(condition))
    if x1 is None or x2 is None:
        raise ValueError("where: give x1 and x2, or neither.")
    x1, x2 = unify([x1, x2], floats=False)
    dtype = np.dtype(result_dtype(x1, x2))
    return np.where(np.asarray(condition, bool), np.asarray(x1, dtype), np.asarray(x2, dtype))


@where.gradient
def _(dy: Any, y: Any, condition: Any, x1: Any, x2: Any) -> Any:
    zero, condition = dy.dtype.type(0), np.asarray(condition, bool)
    return None, sum_to(np.where(condition, dy, zero), x1), sum_to(np.where(condition, zero, dy), x2)


@where.output_shape
def _(condition: Any, x1: Any, x2: Any) -> Any:
    if x1 is None or x2 is None:
        raise ValueError("where takes x1 and x2 on symbols: how many positions there are is not known before.")
    return broadcast_shape(condition, x1, x2)


@where.output_dtype
def _(condition: Any, x1: Any, x2: Any) -> Any:
    return result_dtype(x1, x2)


for _one in (equal, not_equal, less, less_equal, greater, greater_equal, isclose, isnan, isinf, isfinite):
    _one.output_dtype(boolean)
for _one in (logical_and, logical_or, logical_xor, logical_not):
    _one.output_dtype(boolean)
