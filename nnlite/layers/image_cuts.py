"""Layers that cut images at random places, and change their contrast and brightness at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.kernels import intensity, resize
from nnlite.layers.image import SizedImageLayer, cut_to, largest_window
from nnlite.layers.image_random import RandomImageLayer, batch_of, factor_range, uniform, value_pair


@registry.register("layers")
class RandomCrop(RandomImageLayer, SizedImageLayer):
    """In training, a window of a given size at a random place, the same for all images of a batch.

    Images that are not larger both ways are cut where they can be and resized bilinearly. Backward: the gradient with
    zeros around it. Outside of training images pass unchanged whatever their size, as in Keras 3.15 (whose
    documentation says otherwise); put a :class:`CenterCrop` behind it if the rest of the model needs the size.

    Args:
        height, width: the size of the window.
        seed: for a random stream of the layer's own.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x (N, H, W, C) or (H, W, C), y (N, height, width, C) or (height, width, C), or with the channels first.
    Transformation: ``(top, left)``.

    >>> import numpy as np
    >>> layer = RandomCrop(1, 2)
    >>> layer.transform_images(np.arange(6.0).reshape(2, 3, 1), (1, 1)).ravel().tolist()
    [4.0, 5.0]
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: Any = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(height=height, width=width, seed=seed, data_format=data_format, name=name, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Return (top, left) of the window: random in training where the images are larger both ways."""
        height, width = self._size(np.shape(data))
        if training and height > self.height and width > self.width:
            return super().get_random_transformation(data, training, seed)
        return largest_window(height, width, self.height, self.width)[:2]

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        height, width = self._size(shape)
        return int(generator.integers(height - self.height + 1)), int(generator.integers(width - self.width + 1))

    def _forward(self, x: Any, transformation: Any) -> tuple[Any, Any]:
        top, left = transformation
        edges: resize.Edges = cut_to(*self._size(x.shape), (int(top), int(left), self.height, self.width))
        return super()._forward(x, edges)


@registry.register("layers")
class RandomContrast(RandomImageLayer):
    """In training, the contrast of each image changed by a random factor f.

    ``y = (x - m) f + m`` with m the mean of each channel, cut to the range of values; backward
    ``dx = f g + (1 - f) mean(g)``, with g the gradient where y was not cut.

    Args:
        factor: f is drawn from 1 - lower to 1 + upper for a pair (lower, upper), and for a number, from 0 to 1, from 1
            to 1 + factor.
        value_range: (lowest, highest) value of an image.
        seed: for a random stream of the layer's own.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x and y (N, H, W, C) or (H, W, C). Transformation: ``{"contrast_factor": (N, 1, 1, 1)}``.

    >>> import numpy as np
    >>> RandomContrast((-1, 1))(np.array([[[100.0], [120.0]]])).ravel().tolist()
    [90.0, 130.0]
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = factor_range(self, factor, low=0)
        self.value_range = value_pair(self, value_range)

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        lower, upper = self.factor
        drawn = uniform(generator, (1 - lower, 1 + upper), (batch_of(shape), 1, 1, 1))
        return {"contrast_factor": drawn if len(shape) == 4 else drawn[0]}

    def _forward(self, x: Any, transformation: Any) -> tuple[Any, Any]:
        factor = np.asarray(transformation["contrast_factor"], x.dtype)
        return intensity.contrast_forward(x, factor, self._axes, *self._limits), (x, factor)

    def _backward(self, dy: Any, cache: Any) -> Any:
        x, factor = cache
        return intensity.contrast_backward(dy, x, factor, self._axes, *self._limits)

    @property
    def _limits(self) -> tuple[float, float]:
        low, high = self.value_range
        return float(low), float(high)


@registry.register("layers")
class RandomBrightness(RandomImageLayer):
    """In training, a random number added to each image.

    ``y = x + d``, cut to the range of values; backward ``dx = dy`` where y was not cut.

    Args:
        factor: d is drawn from -factor to factor times the length of the range of values, or from (lower, upper); a
            number is from -1 to 1.
        value_range: (lowest, highest) value of an image.
        seed: for a random stream of the layer's own.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x and y (N, H, W, C) or (H, W, C). Transformation: ``{"rgb_delta": (N, 1, 1, 1)}``. Whole numbers become
    floats first; Keras adds modulo 256 to bytes.

    >>> import numpy as np
    >>> RandomBrightness((0.1, 0.1), value_range=(0, 10))(np.array([[[1.0], [9.5]]])).ravel().tolist()
    [2.0, 10.0]
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = factor_range(self, factor)
        self.value_range = sorted(value_pair(self, value_range))

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        low, high = self._limits
        drawn = uniform(generator, self.factor, (batch_of(shape), 1, 1, 1)) * np.float32(high - low)
        return {"rgb_delta": drawn if len(shape) == 4 else drawn[0]}

    def _forward(self, x: Any, transformation: Any) -> tuple[Any, Any]:
        delta = np.asarray(transformation["rgb_delta"], x.dtype)
        return intensity.brightness_forward(x, delta, *self._limits), (x, delta)

    def _backward(self, dy: Any, cache: Any) -> Any:
        x, delta = cache
        return intensity.brightness_backward(dy, x, delta, *self._limits)

    @property
    def _limits(self) -> tuple[float, float]:
        low, high = self.value_range
        return float(low), float(high)
