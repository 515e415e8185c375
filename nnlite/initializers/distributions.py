"""Initializers that draw from a distribution that is the same for every shape, and orthogonal matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.initializers.base import Array, RandomInitializer, checked_dtype, checked_number, checked_shape


def truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return standard normal numbers, drawn again where they are further than 2 from 0.

    >>> bool(abs(truncated_normal(np.random.default_rng(0), (1000,))).max() <= 2)
    True
    """
    values = generator.standard_normal(math.prod(shape))
    far = np.flatnonzero(np.abs(values) > 2)
    while far.size:
        values[far] = generator.standard_normal(far.size)
        far = far[np.abs(values[far]) > 2]
    return values.reshape(shape)


@registry.register("initializers", "random_normal", "normal")
class RandomNormal(RandomInitializer):
    """Normal numbers.

    Args:
        mean: their mean.
        stddev: their standard deviation.
        seed: a whole number for the same numbers at every call, or None.

    >>> RandomNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = checked_number(self, "mean", mean), checked_number(self, "stddev", stddev, least=0)

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        values = self.generator().standard_normal(checked_shape(self, shape))
        return (values * self.stddev + self.mean).astype(checked_dtype(dtype))


@registry.register("initializers", "truncated_normal")
class TruncatedNormal(RandomInitializer):
    """Normal numbers, drawn again where they are further than two standard deviations from the mean.

    Args:
        mean: their mean.
        stddev: the standard deviation before the tails are cut.
        seed: a whole number for the same numbers at every call, or None.

    >>> bool((abs(TruncatedNormal(seed=1)((99,))) <= 0.1).all())
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = checked_number(self, "mean", mean), checked_number(self, "stddev", stddev, least=0)

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        values = truncated_normal(self.generator(), checked_shape(self, shape))
        return (values * self.stddev + self.mean).astype(checked_dtype(dtype))


@registry.register("initializers", "random_uniform", "uniform")
class RandomUniform(RandomInitializer):
    """Numbers spread evenly from ``minval`` to ``maxval``.

    Args:
        minval, maxval: the range.
        seed: a whole number for the same numbers at every call, or None.

    Raises:
        ValueError: if the range is empty.

    >>> bool((abs(RandomUniform(seed=1)((99,))) <= 0.05).all())
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = checked_number(self, "minval", minval), checked_number(self, "maxval", maxval)
        if minval > maxval:
            raise ValueError(f"{type(self).__name__}: minval {minval!r} is above maxval {maxval!r}.")

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        return (
            self.generator().uniform(self.minval, self.maxval, checked_shape(self, shape)).astype(checked_dtype(dtype))
        )


@registry.register("initializers", "orthogonal", "OrthogonalInitializer")
class Orthogonal(RandomInitializer):
    """A random matrix with orthonormal columns (rows, if there are fewer of those), times ``gain``.

    It is the Q of the QR decomposition of a matrix of normal numbers, with signs that make all such matrices equally
    likely. A shape of more axes is filled as a matrix of (all axes but the last, the last).

    Args:
        gain: factor.
        seed: a whole number for the same numbers at every call, or None.

    Raises:
        ValueError: for a shape of less than two axes.

    Source: Saxe et al., 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks".

    >>> q = Orthogonal(seed=0)((3, 3), "float64")
    >>> bool(np.allclose(q @ q.T, np.eye(3)))
    True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        super().__init__(seed)
        self.gain = checked_number(self, "gain", gain)

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        shape = checked_shape(self, shape)
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected a shape of at least two axes, got {shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(self.generator().standard_normal((max(rows, columns), min(rows, columns))))
        q = q * np.copysign(1.0, np.diag(r))
        q = q.T if rows < columns else q
        return np.ascontiguousarray((q.reshape(shape) * self.gain).astype(checked_dtype(dtype)))
