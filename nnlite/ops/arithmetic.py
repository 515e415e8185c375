"""Arithmetic of two operands that broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function, sum_to


@function("Add", operands=2)
def add(x1: Any, x2: Any) -> Any:
    """Return ``x1 + x2``; backward ``dx1 = dx2 = dy``.

    >>> add(np.array([1.0, 2.0]), 1.0)
    array([2., 3.])
    """
    return np.add(x1, x2)


@add.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return sum_to(dy, x1), sum_to(dy, x2)


@function("Multiply", operands=2)
def multiply(x1: Any, x2: Any) -> Any:
    """Return ``x1 * x2``; backward ``dx1 = dy * x2``, ``dx2 = dy * x1``.

    >>> multiply(np.array([1.0, 2.0]), 3.0)
    array([3., 6.])
    """
    return np.multiply(x1, x2)


@multiply.gradient
def _(dy: Any, y: Any, x1: Any, x2: Any) -> Any:
    return sum_to(dy * x2, x1), sum_to(dy * x1, x2)
