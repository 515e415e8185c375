"""Initializers: how variables start. Each is called with a shape and a dtype and returns an array."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite import config, random
from nnlite.core import registry, serialization

Shape = tuple[int, ...]


class Initializer(serialization.Configurable):
    """Base class: a subclass defines ``__call__(shape, dtype=None) -> array``; ``get_config`` follows its arguments.

    >>> class Half(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.full(shape, 0.5, dtype)
    >>> Half()((2,), "float32").tolist()
    [0.5, 0.5]
    """

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        """Return the array."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, shape, dtype=None).")


def _dtype(dtype: Any) -> np.dtype:
    name = dtype or config.floatx()
    return np.dtype(np.float32 if name in ("float16", "bfloat16") else name)


@registry.register("initializers", "zeros", "zero")
class Zeros(Initializer):
    """All 0.

    >>> Zeros()((2,)).tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return np.zeros(shape, _dtype(dtype))


@registry.register("initializers", "ones", "one")
class Ones(Initializer):
    """All 1.

    >>> Ones()((2,)).tolist()
    [1.0, 1.0]
    """

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return np.ones(shape, _dtype(dtype))


@registry.register("initializers", "constant")
class Constant(Initializer):
    """All ``value``, a number or an array that broadcasts to the shape.

    >>> Constant(3)((2,)).tolist()
    [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return np.full(shape, self.value, _dtype(dtype))


@registry.register("initializers", "identity", "IdentityInitializer")
class Identity(Initializer):
    """``gain`` on the diagonal of a matrix, 0 elsewhere.

    Raises ``ValueError`` for a shape that is no matrix's.

    >>> Identity()((2, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity: expected a shape of two axes, got {tuple(shape)}.")
        return np.eye(*shape, dtype=_dtype(dtype)) * _dtype(dtype).type(self.gain)


class _Random(Initializer):
    """What the random initializers share.

    With a seed, every call returns the same numbers, as in Keras; without, every call draws new ones from nnlite's
    stream (see ``nnlite.utils.set_random_seed``).
    """

    seed: Any

    def _set_seed(self, seed: Any) -> None:
        random.generator(seed)  # raises where it is none
        self.seed = seed

    def _generator(self) -> np.random.Generator:
        return random.generator(self.seed)


def _truncated_normal(generator: np.random.Generator, mean: float, std: float, shape: Any, dtype: Any) -> np.ndarray:
    """Normal numbers, drawn again where they are further than two standard deviations from the mean."""
    values = generator.standard_normal(math.prod(shape))
    while True:
        far = np.flatnonzero(np.abs(values) > 2)
        if not far.size:
            return (values * std + mean).astype(_dtype(dtype)).reshape(shape)
        values[far] = generator.standard_normal(far.size)


@registry.register("initializers", "random_normal", "normal")
class RandomNormal(_Random):
    """Normal numbers.

    >>> RandomNormal(seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev
        self._set_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return (self._generator().standard_normal(shape) * self.stddev + self.mean).astype(_dtype(dtype))


@registry.register("initializers", "truncated_normal")
class TruncatedNormal(_Random):
    """Normal numbers, none further than two standard deviations from the mean.

    >>> bool((abs(TruncatedNormal(seed=1)((99,))) <= 0.1).all())
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev
        self._set_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return _truncated_normal(self._generator(), self.mean, self.stddev, shape, dtype)


@registry.register("initializers", "random_uniform", "uniform")
class RandomUniform(_Random):
    """Numbers spread evenly from ``minval`` to ``maxval``.

    >>> bool((abs(RandomUniform(seed=1)((99,))) <= 0.05).all())
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval, self.maxval = minval, maxval
        self._set_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        return self._generator().uniform(self.minval, self.maxval, shape).astype(_dtype(dtype))


def compute_fans(shape: Any) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a kernel: (in, out) for matrices, times the window's size for convolutions.

    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    """
    shape = tuple(shape)
    if len(shape) < 2:
        fan = shape[0] if shape else 1
        return fan, fan
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


@registry.register("initializers", "variance_scaling")
class VarianceScaling(_Random):
    """Random numbers whose variance is ``scale / n``, n the fan that ``mode`` names.

    Args:
        scale: above 0.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal", "untruncated_normal" or "uniform".
        seed: for the same numbers at every call.

    Raises ``ValueError`` for other values.

    >>> values = VarianceScaling(1.0, "fan_avg", "uniform", seed=0)((50, 100))
    >>> bool(abs(values).max() <= (6 / 150) ** 0.5)
    True
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
    ) -> None:
        if scale <= 0:
            raise ValueError(f"{type(self).__name__}: scale must be above 0, got {scale!r}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"{type(self).__name__}: mode must be 'fan_in', 'fan_out' or 'fan_avg', got {mode!r}.")
        distribution = "truncated_normal" if str(distribution).lower() == "normal" else str(distribution).lower()
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                f"{type(self).__name__}: distribution must be 'truncated_normal', 'untruncated_normal' or 'uniform', "
                f"got {distribution!r}."
            )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self._set_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        fan_in, fan_out = compute_fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        generator = self._generator()
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return generator.uniform(-limit, limit, shape).astype(_dtype(dtype))
        if self.distribution == "untruncated_normal":
            return (generator.standard_normal(shape) * math.sqrt(variance)).astype(_dtype(dtype))
        # Cutting the tails at two standard deviations leaves 0.8796 of the deviation.
        return _truncated_normal(generator, 0.0, math.sqrt(variance) / 0.87962566103423978, shape, dtype)


class _Scaled(VarianceScaling):
    """A member of the family with everything but the seed fixed."""

    settings: tuple[float, str, str]

    def __init__(self, seed: Any = None) -> None:
        super().__init__(*self.settings, seed=seed)


@registry.register("initializers", "glorot_uniform")
class GlorotUniform(_Scaled):
    """Uniform up to sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010).

    >>> GlorotUniform(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_avg", "uniform")


@registry.register("initializers", "glorot_normal")
class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio, 2010).

    >>> GlorotNormal(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_avg", "truncated_normal")


@registry.register("initializers", "he_uniform")
class HeUniform(_Scaled):
    """Uniform up to sqrt(6 / fan_in) (He et al., 2015).

    >>> HeUniform(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (2.0, "fan_in", "uniform")


@registry.register("initializers", "he_normal")
class HeNormal(_Scaled):
    """Truncated normal of variance 2 / fan_in (He et al., 2015).

    >>> HeNormal(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (2.0, "fan_in", "truncated_normal")


@registry.register("initializers", "lecun_uniform")
class LecunUniform(_Scaled):
    """Uniform up to sqrt(3 / fan_in) (LeCun et al., 1998).

    >>> LecunUniform(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_in", "uniform")


@registry.register("initializers", "lecun_normal")
class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / fan_in (LeCun et al., 1998).

    >>> LecunNormal(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_in", "truncated_normal")


@registry.register("initializers", "orthogonal", "OrthogonalInitializer")
class Orthogonal(_Random):
    """A random matrix with orthogonal rows or columns, times ``gain`` (Saxe et al., 2013).

    A shape of more axes is filled as a matrix of (all but the last, last).

    Raises ``ValueError`` for a shape of less than two axes.

    >>> q = Orthogonal(seed=0)((3, 3), "float64")
    >>> bool(np.allclose(q @ q.T, np.eye(3)))
    True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        self._set_seed(seed)

    def __call__(self, shape: Any, dtype: Any = None) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected a shape of at least two axes, got {tuple(shape)}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        normal = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(normal)
        q = q * np.sign(np.diag(r))  # makes the distribution uniform
        q = q.T if rows < columns else q
        return (q.reshape(shape) * self.gain).astype(_dtype(dtype))


def get(identifier: Any) -> Any:
    """Return the initializer meant by a name, a config, a class, or a function of (shape, dtype).

    >>> get("he_normal").mode
    'fan_in'
    """
    return serialization.get("initializers", identifier)


def serialize(initializer: Any) -> Any:
    """Return the config of an initializer.

    >>> serialize(GlorotUniform())["config"]
    {'seed': None}
    """
    return serialization.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the initializer that a config describes.

    >>> deserialize(serialize(Constant(2))).value
    2
    """
    return serialization.deserialize(config, "initializers", custom_objects)
