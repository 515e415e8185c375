"""Constraints: what variables are projected onto after each update."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry, serialization


class Constraint(serialization.Configurable):
    """Base class: a subclass defines ``__call__(w) -> w``.

    >>> class Small(Constraint):
    ...     def __call__(self, w):
    ...         return np.clip(w, -1, 1)
    >>> Small()(np.array([3.0])).tolist()
    [1.0]
    """

    def __call__(self, w: Any) -> Any:
        """Return the projection of w."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, w) -> array.")


def _norm(w: Any, axis: Any) -> Any:
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return np.sqrt((w * w).sum(axis=axes, keepdims=True))


@registry.register("constraints", "max_norm")
class MaxNorm(Constraint):
    """Lengths along ``axis`` cut to ``max_value``: ``w * clip(n, 0, max_value) / (n + 1e-7)`` with n the length.

    Args:
        max_value: greatest length.
        axis: axis or axes of one vector; 0 for the columns of a dense kernel, [0, 1, 2] for a Conv2D's.

    >>> MaxNorm(1.0)(np.array([[3.0], [4.0]])).round(4).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norm = _norm(w, self.axis)
        return w * (np.clip(norm, 0, w.dtype.type(self.max_value)) / (w.dtype.type(config.epsilon()) + norm))


@registry.register("constraints", "non_neg")
class NonNeg(Constraint):
    """Nothing below 0: ``w * (w >= 0)``.

    >>> NonNeg()(np.array([-1.0, 2.0])).tolist()
    [-0.0, 2.0]
    """

    def __call__(self, w: Any) -> Any:
        return w * (w >= 0)


@registry.register("constraints", "unit_norm")
class UnitNorm(Constraint):
    """Lengths along ``axis`` brought to 1: ``w / (n + 1e-7)``.

    Args:
        axis: axis or axes of one vector.

    >>> UnitNorm()(np.array([[3.0], [4.0]])).round(4).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (w.dtype.type(config.epsilon()) + _norm(w, self.axis))


@registry.register("constraints", "min_max_norm")
class MinMaxNorm(Constraint):
    """Lengths along ``axis`` moved towards the range ``min_value`` to ``max_value``.

    ``w * (rate * clip(n, min_value, max_value) + (1 - rate) * n) / (n + 1e-7)``.

    Args:
        min_value, max_value: the range.
        rate: how far to move, 1 for into the range at once.
        axis: axis or axes of one vector.

    >>> MinMaxNorm(0.0, 1.0)(np.array([[3.0], [4.0]])).round(4).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        norm = _norm(w, self.axis)
        low, high, rate = (w.dtype.type(v) for v in (self.min_value, self.max_value, self.rate))
        desired = rate * np.clip(norm, low, high) + (1 - rate) * norm
        return w * (desired / (w.dtype.type(config.epsilon()) + norm))


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def get(identifier: Any) -> Any:
    """Return the constraint meant by a name, a config or an object; None for None.

    >>> get("max_norm").max_value
    2
    """
    return serialization.get("constraints", identifier)


def serialize(constraint: Any) -> Any:
    """Return the config of a constraint.

    >>> serialize(UnitNorm())["config"]
    {'axis': 0}
    """
    return serialization.serialize(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the constraint that a config describes.

    >>> deserialize(serialize(MaxNorm(3))).max_value
    3
    """
    return serialization.deserialize(config, "constraints", custom_objects)
