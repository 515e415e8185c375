"""Constraints: what variables are projected onto after each update."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnlite import config
from nnlite.core import lazy, registry, serialization

Array = np.ndarray[Any, Any]


class Constraint(serialization.Configurable):
    """Base class: a subclass defines ``__call__(w) -> w``, which returns a new array of the same shape.

    >>> class Small(Constraint):
    ...     def __call__(self, w):
    ...         return np.clip(w, -1, 1)
    >>> Small()(np.array([3.0])).tolist()
    [1.0]
    """

    def __call__(self, w: Any) -> Any:
        """Return the projection of w."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, w) -> array.")

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class _Norm(Constraint):
    """What the constraints on lengths share: the axes of one vector."""

    axis: Any

    def _set_axis(self, axis: Any) -> None:
        axes = axis if isinstance(axis, (list, tuple)) else [axis]
        if not axes or not all(isinstance(a, (int, np.integer)) and not isinstance(a, bool) for a in axes):
            raise ValueError(f"{type(self).__name__}: axis must be a whole number or several, got {axis!r}.")
        self.axis = [int(a) for a in axes] if isinstance(axis, (list, tuple)) else int(axis)

    def _norm(self, w: Array) -> Array:
        axes = tuple(self.axis) if isinstance(self.axis, list) else (self.axis,)
        if not all(-w.ndim <= a < w.ndim for a in axes):
            raise ValueError(
                f"{type(self).__name__}: axis {self.axis} does not exist in a variable of shape {w.shape}."
            )
        return np.sqrt((w * w).sum(axis=axes, keepdims=True))


def _number(owner: Any, name: str, value: Any, low: float = 0.0, high: float = math.inf) -> Any:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        wanted = f"of at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise ValueError(f"{type(owner).__name__}: {name} must be a number {wanted}, got {value!r}.")
    return value.item() if isinstance(value, np.generic) else value


def _floats(w: Any) -> Array:
    array = np.asarray(w)
    return array if array.dtype.kind == "f" else array.astype(config.floatx())


@registry.register("constraints", "max_norm")
class MaxNorm(_Norm):
    """Vectors along ``axis`` no longer than ``max_value``: ``w * clip(n, 0, max_value) / (n + 1e-7)``, n the length.

    Args:
        max_value: greatest length.
        axis: axis or axes of one vector: 0 for the columns of a dense kernel, [0, 1, 2] for the filters of a Conv2D.

    Raises:
        ValueError: for a negative length, or an axis that is no whole number.

    >>> MaxNorm(1.0)(np.array([[3.0], [4.0]])).round(4).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = _number(self, "max_value", max_value)
        self._set_axis(axis)

    def __call__(self, w: Any) -> Array:
        w = _floats(w)
        n = self._norm(w)
        return w * (np.clip(n, 0, self.max_value) / (n + config.epsilon()))


@registry.register("constraints", "non_neg")
class NonNeg(Constraint):
    """Nothing below 0: ``max(w, 0)``.

    >>> NonNeg()(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Any) -> Array:
        return np.maximum(_floats(w), 0)


@registry.register("constraints", "unit_norm")
class UnitNorm(_Norm):
    """Vectors along ``axis`` of length 1: ``w / (n + 1e-7)``, n the length.

    Args:
        axis: axis or axes of one vector.

    Raises:
        ValueError: for an axis that is no whole number.

    >>> UnitNorm()(np.array([[3.0], [4.0]])).round(4).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, axis: Any = 0) -> None:
        self._set_axis(axis)

    def __call__(self, w: Any) -> Array:
        w = _floats(w)
        return w / (self._norm(w) + config.epsilon())


@registry.register("constraints", "min_max_norm")
class MinMaxNorm(_Norm):
    """Vectors along ``axis`` with a length moved towards the range ``min_value`` to ``max_value``.

    ``w * (rate * clip(n, min_value, max_value) + (1 - rate) * n) / (n + 1e-7)``, n the length.

    Args:
        min_value, max_value: the range.
        rate: how far to move, from 0 to 1 for into the range at once.
        axis: axis or axes of one vector.

    Raises:
        ValueError: for other values, or an empty range.

    >>> MinMaxNorm(0.0, 1.0)(np.array([[3.0], [4.0]])).round(4).tolist()
    [[0.6], [0.8]]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0) -> None:
        self.min_value = _number(self, "min_value", min_value)
        self.max_value = _number(self, "max_value", max_value)
        if min_value > max_value:
            raise ValueError(f"{type(self).__name__}: min_value {min_value!r} is above max_value {max_value!r}.")
        self.rate = _number(self, "rate", rate, high=1.0)
        self._set_axis(axis)

    def __call__(self, w: Any) -> Array:
        w = _floats(w)
        n = self._norm(w)
        desired = np.clip(n, self.min_value, self.max_value) * self.rate + n * (1 - self.rate)
        return w * (desired / (n + config.epsilon()))


# Keras's other spellings of the classes.
max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def get(identifier: Any) -> Any:
    """Return the constraint meant by a name, a config, a class or an object; None for None.

    Raises:
        ValueError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

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
    """Return the constraint that a config or a name describes.

    >>> deserialize(serialize(MaxNorm(3))).max_value
    3
    """
    with registry.custom_object_scope(custom_objects):
        return serialization.get("constraints", config)


if not TYPE_CHECKING:
    __getattr__ = lazy.missing(__name__)
