"""Regularizers: penalties on weights or outputs, each with its gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite.core import registry, serialization


class Regularizer(serialization.Configurable):
    """Base class: a subclass defines ``__call__(x) -> number`` and ``gradient(x) -> array``.

    >>> class Sum(Regularizer):
    ...     def __call__(self, x):
    ...         return x.sum()
    ...     def gradient(self, x):
    ...         return np.ones_like(x)
    >>> Sum()(np.ones(3)).item()
    3.0
    """

    def __call__(self, x: Any) -> Any:
        """Return the penalty."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, x) -> number.")

    def gradient(self, x: Any) -> Any:
        """Return the derivative of the penalty by x."""
        raise NotImplementedError(
            f"{type(self).__name__} has no gradient: define gradient(self, x) -> array of the shape of x."
        )


def _strength(owner: Any, name: str, value: Any) -> float:
    value = 0.0 if value is None else value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number) or number < 0:
        raise ValueError(f"{type(owner).__name__}: {name} must be a number of at least 0, got {value!r}.")
    return number


def _absolute(x: Any, strength: float) -> Any:
    return strength * np.abs(x).sum()


def _sign(x: Any) -> Any:
    return (x >= 0) * x.dtype.type(2) - x.dtype.type(1)


def _square(x: Any, strength: float) -> Any:
    flat = x.reshape(-1)
    return strength * (flat @ flat)


@registry.register("regularizers", "l1")
class L1(Regularizer):
    """``l1 * sum of |x|``; gradient ``l1 * sign(x)``, with sign(0) = 1 as on Keras's JAX backend.

    >>> L1(0.1)(np.array([1.0, -2.0])).round(6).item()
    0.3
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _strength(self, "l1", l1)

    def __call__(self, x: Any) -> Any:
        return _absolute(x, self.l1)

    def gradient(self, x: Any) -> Any:
        return _sign(x) * x.dtype.type(self.l1)


@registry.register("regularizers", "l2")
class L2(Regularizer):
    """``l2 * sum of x^2``; gradient ``2 * l2 * x``.

    >>> L2(0.1)(np.array([1.0, -2.0])).item()
    0.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _strength(self, "l2", l2)

    def __call__(self, x: Any) -> Any:
        return _square(x, self.l2)

    def gradient(self, x: Any) -> Any:
        return x * x.dtype.type(2 * self.l2)


@registry.register("regularizers", "l1l2")
class L1L2(Regularizer):
    """``l1 * sum of |x| + l2 * sum of x^2``; gradient ``l1 * sign(x) + 2 * l2 * x``.

    >>> L1L2(0.1, 0.1)(np.array([1.0, -2.0])).round(6).item()
    0.8
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _strength(self, "l1", l1), _strength(self, "l2", l2)

    def __call__(self, x: Any) -> Any:
        return _absolute(x, self.l1) + _square(x, self.l2)

    def gradient(self, x: Any) -> Any:
        return _sign(x) * x.dtype.type(self.l1) + x * x.dtype.type(2 * self.l2)


l1, l2, l1_l2 = L1, L2, L1L2


def get(identifier: Any) -> Any:
    """Return the regularizer meant by a name, a config or an object; None for None.

    >>> get("l2").l2
    0.01
    """
    return serialization.get("regularizers", identifier)


def serialize(regularizer: Any) -> Any:
    """Return the config of a regularizer.

    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return serialization.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the regularizer that a config describes.

    >>> deserialize(serialize(L1(0.5))).l1
    0.5
    """
    return serialization.deserialize(config, "regularizers", custom_objects)
