"""Initializers that always return the same values."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry, serialization
from nnlite.initializers.base import Array, Initializer, checked_dtype, checked_number, checked_shape


@registry.register("initializers", "zeros", "zero")
class Zeros(Initializer):
    """All 0.

    >>> Zeros()((2,)).tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        return np.zeros(checked_shape(self, shape), checked_dtype(dtype))


@registry.register("initializers", "ones", "one")
class Ones(Initializer):
    """All 1.

    >>> Ones()((2,)).tolist()
    [1.0, 1.0]
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        return np.ones(checked_shape(self, shape), checked_dtype(dtype))


@registry.register("initializers", "constant")
class Constant(Initializer):
    """All ``value``, a number or an array that broadcasts to the shape.

    Raises:
        ValueError: if the value does not fit the shape.

    >>> Constant(3)((2,)).tolist()
    [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        shape, given = checked_shape(self, shape), np.asarray(self.value)
        try:
            return np.array(np.broadcast_to(given, shape), checked_dtype(dtype), order="C")
        except ValueError:
            raise ValueError(
                f"Constant: a value of shape {given.shape} does not fit a variable of shape {shape}."
            ) from None

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        value = config.get("value", 0.0)
        return cls(serialization.deserialize(value) if isinstance(value, dict) else value)


@registry.register("initializers", "identity", "IdentityInitializer")
class Identity(Initializer):
    """``gain`` on the diagonal of a matrix, 0 elsewhere.

    Raises:
        ValueError: for a shape that is no matrix's.

    >>> Identity()((2, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = checked_number(self, "gain", gain)

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        shape = checked_shape(self, shape)
        if len(shape) != 2:
            raise ValueError(f"Identity: expected a shape of two axes, got {shape}.")
        return (np.eye(*shape) * self.gain).astype(checked_dtype(dtype))
