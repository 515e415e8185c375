"""Layers that add noise in training, and penalties on what passes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite import random, regularizers
from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.kernels.dropout import keep, random_mask
from nnlite.layers import checks


class _Noise(Layer):
    """What the noise layers share: a random stream, and passing on outside of training."""

    supports_masking = True

    def __init__(self, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = random.generator(seed)

    def infer(self, x: Any) -> Any:
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def _normal(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return self.generator.standard_normal(shape, dtype=np.float32).astype(dtype, copy=False)


@registry.register("layers")
class GaussianNoise(_Noise):
    """In training ``y = x + stddev * noise`` with standard normal noise; otherwise y = x. Backward: ``dx = dy``.

    Args:
        stddev: standard deviation of the noise, from 0 to 1.
        seed: for a random stream of the layer's own.

    >>> GaussianNoise(0.5, seed=1)(np.zeros((2, 3), "float32"), training=True).shape
    (2, 3)
    """

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.stddev = checks.fraction(self, "stddev", stddev)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not training or self.stddev == 0:
            return x, None
        return x + self._normal(x.shape, x.dtype) * x.dtype.type(self.stddev), None

    def backward(self, dy: Any, cache: Any) -> Any:
        return dy


@registry.register("layers")
class GaussianDropout(_Noise):
    """In training ``y = x * noise`` with noise of mean 1 and deviation ``sqrt(rate / (1 - rate))`` (Srivastava, 2014).

    Backward: ``dx = dy * noise``. Outside of training y = x.

    Args:
        rate: as of :class:`Dropout`, from 0 to below 1.
        seed: for a random stream of the layer's own.

    >>> GaussianDropout(0.5, seed=1)(np.ones((2, 3), "float32"), training=True).shape
    (2, 3)
    """

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = checks.fraction(self, "rate", rate)
        if self.rate == 1:
            raise ValueError(f"{self.label}: rate must be below 1, got {rate!r}.")

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not training or self.rate == 0:
            return x, None
        noise = self._normal(x.shape, x.dtype) * x.dtype.type(math.sqrt(self.rate / (1 - self.rate)))
        noise += x.dtype.type(1)
        return x * noise, noise

    def backward(self, dy: Any, noise: Any) -> Any:
        return dy if noise is None else dy * noise


# SELU's value far below zero.
_FLOOR = -1.6732632423543772 * 1.0507009873554805


@registry.register("layers")
class AlphaDropout(_Noise):
    """Dropout that keeps mean and variance of SELU's outputs (Klambauer et al., 2017).

    In training, with f = -1.7581 and the same random ``kept`` as :class:`Dropout`::

        y = a * (x where kept, else f) + b;    a = 1 / sqrt((1 - rate) * (1 + rate * f**2));    b = -a * f * rate
          = a * (x - f) * kept + a * f * (1 - rate)

    Backward: ``dx = a * dy * kept``. Outside of training y = x.

    Args:
        rate: fraction to drop, from 0 to 1.
        noise_shape: shape of ``kept``, 1 along axes that are dropped together; None entries take the input's size.
        seed: for a random stream of the layer's own.

    >>> AlphaDropout(0.5, seed=1)(np.ones((2, 3), "float32"), training=True).shape
    (2, 3)
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = checks.fraction(self, "rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not training or self.rate == 0:
            return x, None
        kept = random_mask(self.generator, checks.shape_of_noise(self, self.noise_shape, x.shape), self.rate)
        return keep(x, kept, self._a, _FLOOR, self._a * _FLOOR * (1 - self.rate)), kept

    @property
    def _a(self) -> float:
        return 0.0 if self.rate == 1 else ((1 - self.rate) * (1 + self.rate * _FLOOR**2)) ** -0.5

    def backward(self, dy: Any, kept: Any) -> Any:
        return dy if kept is None else keep(dy, kept, self._a)


@registry.register("layers")
class ActivityRegularization(Layer):
    """Passes everything on and adds ``l1 * sum(|x|) + l2 * sum(x**2)``, by the batch size, to the loss.

    Args:
        l1, l2: weights of the two penalties.

    >>> ActivityRegularization(l2=0.1)(np.ones((2, 3), "float32")).shape
    (2, 3)
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.l1, self.l2 = checks.number(self, "l1", l1 or 0.0), checks.number(self, "l2", l2 or 0.0)
        self.activity_regularizer = regularizers.L1L2(l1=self.l1, l2=self.l2)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return x, None

    def backward(self, dy: Any, cache: Any) -> Any:
        return dy

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in super().get_config().items() if key != "activity_regularizer"}
