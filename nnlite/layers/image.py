"""Layers that bring images to a size, and what all layers of images share."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.kernels import resize
from nnlite.layers import checks


class ImageLayer(Layer):
    """A layer of images: a batch (N, H, W, C) or one image (H, W, C), or with the channels before rows and columns.

    A subclass defines ``_forward`` and ``_backward`` for a batch; what they do is decided by a ``transformation``.

    Args:
        data_format: "channels_last" or "channels_first"; the configured default where None.
        bounding_box_format: kept in the config, for files from Keras; boxes are not transformed.
    """

    def __init__(self, data_format: str | None = None, bounding_box_format: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.bounding_box_format = bounding_box_format

    @property
    def _axes(self) -> tuple[int, int]:
        """Axes of rows and columns in a batch."""
        return (2, 3) if self.data_format == "channels_first" else (1, 2)

    def _size(self, shape: Any) -> tuple[Any, Any]:
        """Rows and columns in the shape of a batch or of one image."""
        self._check_rank(shape)
        return tuple(shape[axis - 4] for axis in self._axes)  # type: ignore[return-value]

    def _check_rank(self, shape: Any) -> None:
        if len(shape) not in (3, 4):
            axes = "C, H, W" if self.data_format == "channels_first" else "H, W, C"
            raise ValueError(
                f"{self.label} takes a batch of images (N, {axes}) or one image ({axes}), got shape {tuple(shape)}."
            )

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        self._check_rank(x.shape)
        return self.transform(x, None)

    def transform(self, images: Any, transformation: Any) -> tuple[Any, Any]:
        """Return the transformed images, a batch or one, and the cache for ``backward``."""
        images = self.cast_inputs(images)
        self._check_rank(images.shape)
        y, cache = self._forward(images if images.ndim == 4 else images[None], transformation)
        return (y if images.ndim == 4 else y[0]), cache

    def backward(self, dy: Any, cache: Any) -> Any:
        return self._backward(dy, cache) if dy.ndim == 4 else self._backward(dy[None], cache)[0]

    def _forward(self, x: Any, transformation: Any) -> tuple[Any, Any]:
        """Transform a batch."""
        raise NotImplementedError

    def _backward(self, dy: Any, cache: Any) -> Any:
        """The gradient of a batch."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._check_rank(input_shape)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; a bounding box format only where one was given."""
        found = super().get_config()
        return {key: value for key, value in found.items() if key != "bounding_box_format" or value is not None}


class SizedImageLayer(ImageLayer):
    """A layer whose images have a given size: ``_edges`` says what is cut off or added, the rest is resampled."""

    interpolation, antialias, fill_value = "bilinear", False, 0.0

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height = checks.positive(self, "height", height)
        self.width = checks.positive(self, "width", width)

    def _edges(self, height: int, width: int) -> resize.Edges:
        """What to add (or cut, where negative) above, below, left and right."""
        raise NotImplementedError

    def _forward(self, x: Any, transformation: Any) -> tuple[Any, Any]:
        if 0 in self._size(x.shape):
            raise ValueError(f"{self.label}: images must have pixels, got shape {x.shape}.")
        edges = self._edges(*self._size(x.shape)) if transformation is None else transformation
        framed = resize.frame_forward(x, self._axes, edges, self.fill_value)
        y = resize.resize_forward(framed, self._axes, (self.height, self.width), self.interpolation, self.antialias)
        return y, (edges, self._size(framed.shape))

    def _backward(self, dy: Any, cache: Any) -> Any:
        edges, size = cache
        d = resize.resize_backward(dy, self._axes, size, self.interpolation, self.antialias)
        return resize.frame_backward(d, self._axes, edges)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(super().compute_output_shape(input_shape))
        for axis, size in zip(self._axes, (self.height, self.width), strict=True):
            shape[axis - 4] = size
        return tuple(shape)


def largest_window(height: int, width: int, new_height: int, new_width: int) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of the largest window in the middle of an image with the new one's shape.

    >>> largest_window(4, 8, 2, 3)
    (0, 1, 4, 6)
    """
    rows = max(1, min(height, int(width * new_height / new_width)))
    columns = max(1, min(width, int(height * new_width / new_height)))
    return (height - rows) // 2, (width - columns) // 2, rows, columns


def cut_to(height: int, width: int, window: tuple[int, int, int, int]) -> resize.Edges:
    """Return the edges that leave of an image its window (top, left, height, width), as far as it lies inside."""
    top, left, rows, columns = window
    return (-top, -max(0, height - top - rows)), (-left, -max(0, width - left - columns))


@registry.register("layers")
class Resizing(SizedImageLayer):
    """Images of another size.

    Each new pixel is a weighted sum of those around its centre, rows and columns apart: ``y = Wh^T x Ww``, with centres
    at half pixels; backward ``dx = Wh dy Ww^T``.

    Args:
        height, width: the new size.
        interpolation: "bilinear", "nearest", "bicubic" (Keys, 1981), "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: whether to cut off what is not of the new shape, the same on both sides, rather than to
            distort the images.
        pad_to_aspect_ratio: whether to add borders for that instead.
        fill_mode: "constant".
        fill_value: of those borders.
        antialias: whether all pixels count where images become smaller, rather than the nearest ones.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x (N, H, W, C) or (H, W, C), y (N, height, width, C) or (height, width, C), or with the channels first.
    Called on whole numbers, it gives whole numbers of the same type, rounded; as a part of a model it gives floats.

    Raises:
        ValueError: for unknown options, and both ways to keep the shape at once.

    >>> import numpy as np
    >>> Resizing(1, 2)(np.array([[[[0.0], [1.0], [2.0], [3.0]]]])).ravel().tolist()
    [0.5, 2.5]
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)
        self.interpolation = checks.choice(self, "interpolation", interpolation, resize.METHODS)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = bool(crop_to_aspect_ratio), bool(pad_to_aspect_ratio)
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(f"{self.label}: only one of crop_to_aspect_ratio and pad_to_aspect_ratio may be True.")
        self.fill_mode = checks.choice(self, "fill_mode", fill_mode, ("constant",))
        self.fill_value = checks.number(self, "fill_value", fill_value)
        self.antialias = bool(antialias)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output of arrays, or a new symbol of symbols."""
        y = super().__call__(*inputs, **options)
        kind = getattr(inputs[0], "dtype", None)
        if isinstance(y, np.ndarray) and isinstance(kind, np.dtype) and kind.kind in "iu":
            y = np.clip(np.rint(y), np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)
        return y

    def _edges(self, height: int, width: int) -> resize.Edges:
        if self.crop_to_aspect_ratio:
            return cut_to(height, width, largest_window(height, width, self.height, self.width))
        rows = columns = 0
        if self.pad_to_aspect_ratio:
            rows = (max(height, int(width * self.height / self.width)) - height) // 2
            columns = (max(width, int(height * self.width / self.height)) - width) // 2 if not rows else 0
        return (rows, rows), (columns, columns)


@registry.register("layers")
class CenterCrop(SizedImageLayer):
    """The middle of images; where they are too small, the largest window of the same shape, enlarged bilinearly.

    Backward: the gradient with zeros around it, of enlarged images the transpose of the bilinear weights.

    Args:
        height, width: the size of the middle.
        data_format: "channels_last" or "channels_first"; the configured default where None.

    Shapes: x (N, H, W, C) or (H, W, C), y (N, height, width, C) or (height, width, C), or with the channels first.

    >>> import numpy as np
    >>> CenterCrop(1, 2)(np.arange(12.0).reshape(1, 3, 4, 1)).ravel().tolist()
    [5.0, 6.0]
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)

    def _edges(self, height: int, width: int) -> resize.Edges:
        rows, columns = height - self.height, width - self.width
        if rows >= 0 and columns >= 0:
            return cut_to(height, width, (rows // 2, columns // 2, self.height, self.width))
        return cut_to(height, width, largest_window(height, width, self.height, self.width))
