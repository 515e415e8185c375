"""What all initializers are: called with a shape and a dtype, they return an array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlite import random
from nnlite.core import dtypes, serialization

Array = np.ndarray[Any, Any]


class Initializer(serialization.Configurable):
    """Base class: a subclass defines ``__call__(shape, dtype=None) -> array``; ``get_config`` follows its arguments.

    >>> class Half(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.full(shape, 0.5, dtype)
    >>> Half()((2,), "float32").tolist()
    [0.5, 0.5]
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        """Return the array."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, shape, dtype=None) -> array.")

    def clone(self) -> Any:
        """Return a new initializer with the same arguments."""
        return type(self).from_config(self.get_config())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


class RandomInitializer(Initializer):
    """Base class of those that draw numbers.

    With a whole number as ``seed`` every call returns the same numbers, as in Keras. With None every call draws new
    ones from nnlite's stream (see ``nnlite.utils.set_random_seed``), with a ``nnlite.random.SeedGenerator`` from that.

    >>> class Signs(RandomInitializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return self.generator().choice([-1.0, 1.0], shape).astype(dtype)
    >>> init = Signs(seed=3)
    >>> bool((init((9,), "float32") == init((9,), "float32")).all())
    True
    """

    def __init__(self, seed: Any = None) -> None:
        if isinstance(seed, dict):  # as Keras writes a SeedGenerator
            seed = random.SeedGenerator((seed.get("config") or {}).get("seed"))
        random.check_seed(seed)
        self.seed = seed

    def generator(self) -> np.random.Generator:
        """Return the generator that a call draws from."""
        return random.generator(self.seed)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        config = super().get_config()
        if isinstance(self.seed, random.SeedGenerator):
            config["seed"] = {
                "module": "keras.random",
                "class_name": "SeedGenerator",
                "config": {"seed": self.seed.seed, "name": "seed_generator"},
                "registered_name": None,
            }
        return config


def checked_shape(owner: Any, shape: Any) -> tuple[int, ...]:
    """Return ``shape`` as a tuple of ints.

    Raises ``ValueError``, naming the initializer, if a size is unknown or negative.
    """
    sizes = (shape,) if isinstance(shape, (int, np.integer)) else shape
    whole = isinstance(sizes, (Sequence, np.ndarray)) and not isinstance(sizes, (str, bytes))
    if not whole or not all(isinstance(d, (int, np.integer)) and not isinstance(d, bool) and d >= 0 for d in sizes):
        raise ValueError(f"{type(owner).__name__}: shape must be a tuple of whole numbers, got {shape!r}.")
    return tuple(int(d) for d in sizes)


def checked_dtype(dtype: Any) -> np.dtype[Any]:
    """Return the NumPy type for a dtype's name, floatx for None."""
    return dtypes.compute_dtype(dtypes.policy_name(dtype))


def checked_number(owner: Any, name: str, value: Any, least: float = -math.inf) -> Any:
    """Return ``value``; raises ``ValueError``, naming the argument, unless it is finite and at least ``least``."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < least:
        wanted = "a finite number" if least == -math.inf else f"a finite number of at least {least:g}"
        raise ValueError(f"{type(owner).__name__}: {name} must be {wanted}, got {value!r}.")
    return value
