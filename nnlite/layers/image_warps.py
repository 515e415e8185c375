"""Layers that move images at random: turned over, turned, zoomed, shifted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.kernels import warp
from nnlite.layers import checks
from nnlite.layers.image_random import RandomImageLayer, batch_of, factor_range, share_range, uniform

_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@registry.register("layers")
class RandomFlip(RandomImageLayer):
    """In training, half of the images turned over; with both directions, over both at once.

    Backward: the gradient turned back.

    Args:
        mode: "horizontal" (left and right change places), "vertical" or "horizontal_and_vertical".
        seed: for a random stream of the layer's own.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x and y (N, H, W, C) or (H, W, C), or with the channels first. Transformation: ``{"flips": (N, 1, 1, 1)}``.

    >>> import numpy as np
    >>> layer = RandomFlip("horizontal")
    >>> layer.transform_images(np.array([[[[1.0], [2.0]]]]), {"flips": np.ones((1, 1, 1, 1), bool)}).ravel().tolist()
    [2.0, 1.0]
    """

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: Any = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = checks.choice(self, "mode", mode, _MODES)

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        flips = generator.random((batch_of(shape), *(1,) * (len(shape) - 1))) <= 0.5
        return {"flips": flips if len(shape) == 4 else flips.reshape(1, 1, 1), "input_shape": shape}

    def _forward(self, x: Any, transformation: Any) -> tuple[Any, Any]:
        flips = np.broadcast_to(np.asarray(transformation["flips"], bool).ravel(), len(x))
        return self._flipped(x, flips), flips

    def _backward(self, dy: Any, flips: Any) -> Any:
        return self._flipped(dy, flips)

    def _flipped(self, x: Any, flips: Any) -> Any:
        rows, columns = self._axes
        axes = {"vertical": (rows,), "horizontal": (columns,)}.get(self.mode, (rows, columns))
        y = x.copy()
        y[flips] = np.flip(x[flips], axes)
        return y


class _RandomWarp(RandomImageLayer):
    """What the affine warps share: ``_matrices`` gives (N, 6) from a transformation."""

    def __init__(self, fill_mode: str, interpolation: str, fill_value: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fill_mode = checks.choice(self, "fill_mode", fill_mode, warp.FILL_MODES)
        self.interpolation = checks.choice(self, "interpolation", interpolation, warp.INTERPOLATIONS)
        self.fill_value = checks.number(self, "fill_value", fill_value)

    def _matrices(self, transformation: Any, height: int, width: int) -> Any:
        raise NotImplementedError

    def _forward(self, x: Any, transformation: Any) -> tuple[Any, Any]:
        matrices = self._matrices(transformation, *self._size(x.shape))
        y = warp.warp_forward(self._last(x), matrices, self.interpolation, self.fill_mode, self.fill_value)
        return self._back(y), matrices

    def _backward(self, dy: Any, matrices: Any) -> Any:
        return self._back(warp.warp_backward(self._last(dy), matrices, self.interpolation, self.fill_mode))

    def _last(self, x: Any) -> Any:
        """With the channels last."""
        return np.moveaxis(x, 1, -1) if self.data_format == "channels_first" else x

    def _back(self, x: Any) -> Any:
        return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if self.data_format == "channels_first" else x


@registry.register("layers")
class RandomRotation(_RandomWarp):
    """In training, each image turned about its middle by a random angle.

    Pixel (i, j) is read at ``(i', j')``, with ``i' - ci = sin t (j - cj) + cos t (i - ci)`` and
    ``j' - cj = cos t (j - cj) - sin t (i - ci)`` about the middle (ci, cj); positive angles t turn counter-clockwise.
    Backward: the transpose of the weights that pixels were read with.

    Args:
        factor: greatest angle, in full turns, either way; or (lower, upper). 0.1 is up to 36 degrees.
        fill_mode: where pixels outside come from: "reflect", "wrap", "nearest", or "constant" for ``fill_value``.
        interpolation: "bilinear" or "nearest".
        seed: for a random stream of the layer's own.
        fill_value: a number.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x and y (N, H, W, C) or (H, W, C), or with the channels first. Transformation: ``{"rotation_matrix": (N, 8),
    "angle": degrees (N,), ...}``, the matrix of j' and i' (2 x 3, then two zeros).

    >>> import numpy as np
    >>> layer = RandomRotation((0.25, 0.25))
    >>> layer(np.array([[[1.0], [2.0]], [[3.0], [4.0]]]))[..., 0].round(4).tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.factor = factor_range(self, factor)

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        height, width = self._size(shape)
        lower, upper = self.factor
        angle = uniform(generator, (lower * 360, upper * 360), (batch_of(shape),))
        matrix = _rotation(angle * np.float32(math.pi / 180), height, width)
        return {
            "angle": angle,
            "rotation_matrix": matrix if len(shape) == 4 else matrix[0],
            "image_height": height,
            "image_width": width,
            "batch_size": len(angle),
        }

    def _matrices(self, transformation: Any, height: int, width: int) -> Any:
        return np.asarray(transformation["rotation_matrix"], np.float32).reshape(-1, 8)[:, :6]


def _rotation(angle: Any, height: int, width: int) -> Any:
    """The matrices (N, 8) of rotations about the middle by float32 angles in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
    zero = np.zeros_like(cos)
    return np.stack([cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, zero, zero], axis=1)


@registry.register("layers")
class RandomZoom(_RandomWarp):
    """In training, each image enlarged or made smaller about its middle by random factors.

    Pixel (i, j) is read at ``(ci + h (i - ci), cj + w (j - cj))`` about the middle (ci, cj), for random h and w:
    above 1 the image becomes smaller, below 1 larger. Backward: the transpose of the weights that pixels were read
    with.

    Args:
        height_factor: h - 1 is drawn from -factor to factor, or from (lower, upper); above -1 and up to 1.
        width_factor: the same for w; where None, w is h.
        fill_mode: where pixels outside come from: "reflect", "wrap", "nearest", or "constant" for ``fill_value``.
        interpolation: "bilinear" or "nearest".
        seed: for a random stream of the layer's own.
        fill_value: a number.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x and y (N, H, W, C) or (H, W, C), or with the channels first. Transformation: ``{"height_zoom": (N, 1),
    "width_zoom": (N, 1)}``.

    >>> import numpy as np
    >>> layer = RandomZoom((1.0, 1.0), (0.0, 0.0), fill_mode="constant")
    >>> layer(np.array([[[0.0], [1.0], [2.0]]]).transpose(1, 0, 2)).ravel().tolist()
    [0.0, 1.0, 0.0]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = share_range(self, "height_factor", height_factor, least=False)
        self._width_range = None
        if width_factor is not None:
            self._width_range = share_range(self, "width_factor", width_factor, least=False)

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        count = (batch_of(shape), 1)
        height = 1 + uniform(generator, self._height_range, count)
        width = height
        if self._width_range is not None:
            width = 1 + uniform(generator, self._width_range, count)
        return {"height_zoom": height, "width_zoom": width, "input_shape": shape}

    def _matrices(self, transformation: Any, height: int, width: int) -> Any:
        h, w = (np.asarray(transformation[f"{name}_zoom"], np.float32).reshape(-1) for name in ("height", "width"))
        zero = np.zeros_like(h)
        x, y = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
        return np.stack([w, zero, x * (1 - w), zero, h, y * (1 - h)], axis=1)


@registry.register("layers")
class RandomTranslation(_RandomWarp):
    """In training, each image shifted by random shares of its size.

    Pixel (i, j) is read at ``(i - v, j - u)`` for a random shift by v rows down and u columns to the right. Backward:
    the transpose of the weights that pixels were read with.

    Args:
        height_factor: v is drawn from -factor to factor times the height, or from (lower, upper); from -1 to 1.
        width_factor: the same for u and the width.
        fill_mode: where pixels outside come from: "reflect", "wrap", "nearest", or "constant" for ``fill_value``.
        interpolation: "bilinear" or "nearest".
        seed: for a random stream of the layer's own.
        fill_value: a number.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x and y (N, H, W, C) or (H, W, C), or with the channels first. Transformation: ``{"translations": (N, 2)}``,
    (u, v) in pixels.

    >>> import numpy as np
    >>> layer = RandomTranslation(0.0, (0.5, 0.5), fill_mode="constant")
    >>> layer(np.array([[[1.0], [2.0]]])).ravel().tolist()
    [0.0, 1.0]
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height_range = share_range(self, "height_factor", height_factor)
        self._width_range = share_range(self, "width_factor", width_factor)

    def _draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
        height, width = self._size(shape)
        count = (batch_of(shape), 1)
        down = uniform(generator, self._height_range, count) * np.float32(height)
        right = uniform(generator, self._width_range, count) * np.float32(width)
        return {"translations": np.concatenate([right, down], axis=1), "input_shape": shape}

    def _matrices(self, transformation: Any, height: int, width: int) -> Any:
        right, down = np.asarray(transformation["translations"], np.float32).reshape(-1, 2).T
        zero, one = np.zeros_like(right), np.ones_like(right)
        return np.stack([one, zero, -right, zero, one, -down], axis=1)
