"""Regularizers: penalties on variables or outputs, each with its gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry, serialization

Array = np.ndarray[Any, Any]


class Regularizer(serialization.Configurable):
    """Base class: a subclass defines ``__call__(x) -> number`` and ``gradient(x) -> array`` of the shape of x.

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
            f"{type(self).__name__} has no gradient, so nothing can be trained with it: define "
            f"gradient(self, x) -> array of the shape of x, the derivative of the penalty."
        )

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _strength(owner: Any, name: str, value: Any) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise ValueError(f"{type(owner).__name__}: {name} must be a finite number of at least 0, got {value!r}.")
    return float(value)


def _floats(x: Any) -> Array:
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _absolute(x: Array) -> Any:
    return np.abs(x).sum()


def _square(x: Array) -> Any:
    flat = x.reshape(-1)
    return np.dot(flat, flat)


@registry.register("regularizers", "l1")
class L1(Regularizer):
    """``l1 * sum of |x|``; gradient ``l1 * sign(x)``, 0 at 0.

    Args:
        l1: strength, at least 0.

    Raises:
        ValueError: for another strength.

    >>> L1(0.5)(np.array([1.0, -2.0])).item()
    1.5
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _strength(self, "l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Any) -> Any:
        return _absolute(_floats(x)) * self.l1

    def gradient(self, x: Any) -> Array:
        return np.sign(_floats(x)) * self.l1


@registry.register("regularizers", "l2")
class L2(Regularizer):
    """``l2 * sum of x^2``; gradient ``2 * l2 * x``.

    Args:
        l2: strength, at least 0.

    Raises:
        ValueError: for another strength.

    >>> L2(0.5)(np.array([1.0, -2.0])).item()
    2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _strength(self, "l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        return _square(_floats(x)) * self.l2

    def gradient(self, x: Any) -> Array:
        return _floats(x) * (2 * self.l2)


@registry.register("regularizers", "l1l2")
class L1L2(Regularizer):
    """``l1 * sum of |x| + l2 * sum of x^2``; gradient ``l1 * sign(x) + 2 * l2 * x``.

    Args:
        l1: strength of the first, at least 0.
        l2: strength of the second, at least 0.

    Raises:
        ValueError: for other strengths.

    >>> L1L2(0.5, 0.5)(np.array([1.0, -2.0])).item()
    4.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _strength(self, "l1", 0.0 if l1 is None else l1)
        self.l2 = _strength(self, "l2", 0.0 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        x = _floats(x)
        return _absolute(x) * self.l1 + _square(x) * self.l2

    def gradient(self, x: Any) -> Array:
        x = _floats(x)
        return np.sign(x) * self.l1 + x * (2 * self.l2)


@registry.register("regularizers", "orthogonal_regularizer")
class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean of ``|n_i n_j|`` over all pairs of rows, or columns, scaled to length 1: n = x / |x|.

    Gradient: with N the scaled rows, S the signs of their products with each other (0 with themselves) and
    ``G = factor / pairs * S N``, that of a row x is ``(g - n (g n)) / |x|``. Lengths below 1e-7 count as that, and a
    single row, which makes no pair, has no penalty (both are NaN in Keras).

    Args:
        factor: strength, at least 0.
        mode: "rows" or "columns".

    Raises:
        ValueError: for other arguments, and for variables that are no matrices.

    >>> OrthogonalRegularizer(0.5)(np.array([[1.0, 0.0], [3.0, 4.0]])).round(6).item()
    0.3
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode must be 'rows' or 'columns', got {mode!r}.")
        self.factor, self.mode = _strength(self, "factor", factor), mode

    def _parts(self, x: Any) -> tuple[Array, Array, Array]:
        """Return the vectors scaled, one over their lengths, and their products with each other."""
        x = _floats(x)
        if x.ndim != 2:
            raise ValueError(f"OrthogonalRegularizer: expected a matrix, got a variable of shape {x.shape}.")
        rows = x if self.mode == "rows" else x.T
        with np.errstate(divide="ignore"):
            inverse = np.minimum(1 / np.sqrt(np.square(rows).sum(1, keepdims=True)), 1 / config.epsilon())
        n = rows * inverse
        products = n @ n.T
        np.fill_diagonal(products, 0)
        return n, inverse, products

    def _each(self, count: int) -> float:
        return self.factor * 2 / (count * (count - 1)) if count > 1 else 0.0

    def __call__(self, x: Any) -> Any:
        n, _, products = self._parts(x)
        return _absolute(products) * (self._each(len(n)) / 2)

    def gradient(self, x: Any) -> Array:
        n, inverse, products = self._parts(x)
        g = np.sign(products) @ n * self._each(len(n))
        along = (g * n).sum(1, keepdims=True) * (inverse < 1 / config.epsilon())
        dx = (g - n * along) * inverse
        return dx if self.mode == "rows" else np.ascontiguousarray(dx.T)


# Keras's other spellings of the classes.
l1, l2, l1_l2 = L1, L2, L1L2
orthogonal_regularizer = OrthogonalRegularizer


def get(identifier: Any) -> Any:
    """Return the regularizer meant by a name, a config, a class or an object; None for None.

    Raises:
        ValueError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

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
    """Return the regularizer that a config or a name describes.

    >>> deserialize(serialize(L1(0.5))).l1
    0.5
    """
    with registry.custom_object_scope(custom_objects):
        return serialization.get("regularizers", config)
