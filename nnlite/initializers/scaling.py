"""Initializers whose variance depends on the number of inputs and outputs (fans) of a kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nnlite.core import registry
from nnlite.core.errors import nearest
from nnlite.initializers.base import Array, RandomInitializer, checked_dtype, checked_number, checked_shape
from nnlite.initializers.distributions import truncated_normal

_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
# What cutting the tails at two standard deviations leaves of the standard deviation.
_CUT = 0.87962566103423978


def compute_fans(
    shape: Sequence[int], input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a kernel: (in, out) of a matrix, times the window's size for convolutions.

    Args:
        shape: of the kernel, the last two axes its inputs and outputs.
        input_axes, output_axes: for other kernels, the axes whose sizes multiply to the fans.

    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        fan = shape[0] if shape else 1
        return fan, fan
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


@registry.register("initializers", "variance_scaling")
class VarianceScaling(RandomInitializer):
    """Random numbers of variance ``scale / n``, where n is the number of inputs, of outputs, or their mean.

    Args:
        scale: above 0.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (also called "normal"), "untruncated_normal" or "uniform".
        seed: a whole number for the same numbers at every call, or None.
        input_axes, output_axes: axes that count as inputs and outputs; None for what :func:`compute_fans` takes.

    Raises:
        ValueError: for other values.

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
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale = checked_number(self, "scale", scale)
        if scale <= 0:
            raise ValueError(f"{type(self).__name__}: scale must be above 0, got {scale!r}.")
        self.mode = self._choice("mode", mode, _MODES)
        normal = isinstance(distribution, str) and distribution.lower() == "normal"
        self.distribution = "truncated_normal" if normal else self._choice("distribution", distribution, _DISTRIBUTIONS)
        self.input_axes = None if input_axes is None else list(input_axes)
        self.output_axes = None if output_axes is None else list(output_axes)

    def _choice(self, name: str, value: Any, options: tuple[str, ...]) -> str:
        text = value.lower() if isinstance(value, str) else value
        if text not in options:
            raise ValueError(
                f"{type(self).__name__}: {name} must be one of {', '.join(map(repr, options))}, "
                f"got {value!r}.{nearest(value, options)}"
            )
        return str(text)

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        shape = checked_shape(self, shape)
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        generator = self.generator()
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            values = generator.uniform(-limit, limit, shape)
        elif self.distribution == "untruncated_normal":
            values = generator.standard_normal(shape) * math.sqrt(variance)
        else:
            values = truncated_normal(generator, shape) * (math.sqrt(variance) / _CUT)
        return values.astype(checked_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; axes only where given, since Keras before 3.12 does not know them."""
        config = super().get_config()
        for name in ("input_axes", "output_axes"):
            if config.get(name) is None:
                config.pop(name, None)
        return config


class _Fixed(VarianceScaling):
    """A member of the family with scale, mode and distribution fixed."""

    settings: tuple[float, str, str]

    def __init__(
        self, seed: Any = None, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
    ) -> None:
        super().__init__(*self.settings, seed=seed, input_axes=input_axes, output_axes=output_axes)


@registry.register("initializers", "glorot_uniform")
class GlorotUniform(_Fixed):
    """Uniform from -limit to limit = sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward neural networks".

    >>> GlorotUniform(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_avg", "uniform")


@registry.register("initializers", "glorot_normal")
class GlorotNormal(_Fixed):
    """Truncated normal of variance 2 / (fan_in + fan_out).

    Source: Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward neural networks".

    >>> GlorotNormal(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_avg", "truncated_normal")


@registry.register("initializers", "he_uniform")
class HeUniform(_Fixed):
    """Uniform from -limit to limit = sqrt(6 / fan_in); for ReLU.

    Source: He et al., 2015, "Delving deep into rectifiers".

    >>> HeUniform(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (2.0, "fan_in", "uniform")


@registry.register("initializers", "he_normal")
class HeNormal(_Fixed):
    """Truncated normal of variance 2 / fan_in; for ReLU.

    Source: He et al., 2015, "Delving deep into rectifiers".

    >>> HeNormal(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (2.0, "fan_in", "truncated_normal")


@registry.register("initializers", "lecun_uniform")
class LecunUniform(_Fixed):
    """Uniform from -limit to limit = sqrt(3 / fan_in).

    Source: LeCun et al., 1998, "Efficient BackProp".

    >>> LecunUniform(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_in", "uniform")


@registry.register("initializers", "lecun_normal")
class LecunNormal(_Fixed):
    """Truncated normal of variance 1 / fan_in; for SELU.

    Source: LeCun et al., 1998, "Efficient BackProp"; Klambauer et al., 2017, "Self-normalizing neural networks".

    >>> LecunNormal(seed=0)((2, 3)).shape
    (2, 3)
    """

    settings = (1.0, "fan_in", "truncated_normal")
