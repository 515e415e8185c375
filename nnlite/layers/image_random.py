"""What layers share that change images at random in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import random
from nnlite.layers import checks
from nnlite.layers.image import ImageLayer


class RandomImageLayer(ImageLayer):
    """A layer that draws a transformation for each image of a batch in training, and is the identity outside of it.

    Drawing and applying are two methods, as in Keras: ``transform_images(x, get_random_transformation(x))``. As in
    Keras, a call by hand is one in training unless it says ``training=False``.

    Args:
        seed: for a random stream of the layer's own.
    """

    def __init__(self, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = random.generator(seed)

    def __call__(self, *inputs: Any, training: bool | None = True, **options: Any) -> Any:
        """Compute the output of arrays, or a new symbol of symbols."""
        return super().__call__(*inputs, training=training is None or bool(training), **options)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Return what :meth:`transform_images` is to do with ``data``, a batch or one image; None outside of training.

        Draws from the layer's stream, or from ``seed``'s.
        """
        self._check_rank(np.shape(data))
        if not training:
            return None
        shape = np.shape(data)
        return self._draw(self.generator if seed is None else random.generator(seed), shape)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """Return the images, a batch or one, transformed as :meth:`get_random_transformation` says."""
        return self.transform(images, transformation)[0] if training else self.cast_inputs(images)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        self._check_rank(x.shape)
        if not training:
            return x, None
        return self.transform(x, self.get_random_transformation(x))

    def backward(self, dy: Any, cache: Any) -> Any:
        return dy if cache is None else super().backward(dy, cache)

    def infer(self, x: Any) -> Any:
        self._check_rank(x.shape)
        return x

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draw a transformation for images of a shape."""
        raise NotImplementedError


def uniform(generator: np.random.Generator, bounds: tuple[float, float], shape: tuple[int, ...]) -> Any:
    """Draw float32 numbers between two bounds."""
    return generator.uniform(*bounds, shape).astype(np.float32)


def batch_of(shape: tuple[int, ...]) -> int:
    """Return how many images an array of a shape holds: one, where it has no batch axis."""
    return shape[0] if len(shape) == 4 else 1


def factor_range(layer: ImageLayer, factor: Any, low: float = -1, high: float = 1) -> tuple[float, float]:
    """Return a factor as (lower, upper): a pair in order, or -number to number, but not below ``low``.

    Raises ``ValueError`` for a number outside of ``low`` to ``high``, and a pair all outside, as Keras does.
    """
    values = _one_or_two(layer, "factor", factor, f"from {low:g} to {high:g}")
    if values[0] > high or values[-1] < low:
        raise ValueError(f"{layer.label}: factor must lie between {low:g} and {high:g}, got {factor!r}.")
    return tuple(sorted(values)) if len(values) == 2 else (max(-abs(values[0]), low), abs(values[0]))


def share_range(layer: ImageLayer, name: str, factor: Any, least: bool = True) -> tuple[float, float]:
    """Return a share of the size as (lower, upper): a pair in order, or -number to number.

    Raises ``ValueError`` for numbers outside of -1 to 1, and for -1 itself without ``least``.
    """
    values = _one_or_two(layer, name, factor, "from -1 to 1" if least else "above -1 and up to 1")
    if max(values) > 1 or min(values) < -1 or (min(values) == -1 and not least):
        wanted = "from -1 to 1" if least else "above -1 and up to 1"
        raise ValueError(f"{layer.label}: {name} must be {wanted}, got {factor!r}.")
    return tuple(sorted(values)) if len(values) == 2 else (-abs(values[0]), abs(values[0]))


def _one_or_two(layer: ImageLayer, name: str, factor: Any, wanted: str) -> Any:
    """The numbers of a factor."""
    values = factor if isinstance(factor, (tuple, list)) else (factor,)
    real = all(isinstance(v, (int, float, np.number)) and v == v for v in values)
    if len(values) not in (1, 2) or not real:
        raise ValueError(f"{layer.label}: {name} must be a number {wanted}, or a pair of them, got {factor!r}.")
    return values


def value_pair(layer: ImageLayer, value: Any) -> Any:
    """Return a range of values; raises unless it is a pair of numbers."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"{layer.label}: value_range must be a pair of numbers, got {value!r}.")
    for number in value:
        checks.number(layer, "value_range", number)
    return value
