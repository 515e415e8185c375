"""Functions of images: ``ops.image.resize``."""

from __future__ import annotations

import sys
from typing import Any

from nnlite import config
from nnlite.kernels import resize as kernels
from nnlite.ops.base import function

image = sys.modules[__name__]  # what the package calls this module


@function("Resize", operands=("images",), module="image", unify="float")
def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """Return an image, or a batch of them, in another size.

    Args:
        images: (N, H, W, C) or (H, W, C), for "channels_first" (N, C, H, W) or (C, H, W).
        size: the new height and width.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        antialias: whether all pixels count where the image gets smaller.
        crop_to_aspect_ratio, pad_to_aspect_ratio: must be False; ``layers.Resizing`` does that.
        fill_mode, fill_value: of what is padded.
        data_format: "channels_last" or "channels_first", as in ``nnlite.config`` for None.

    >>> import numpy as np
    >>> resize(np.ones((1, 8, 8, 3)), (4, 2)).shape
    (1, 4, 2, 3)
    """
    _checked(interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio)
    batch, axes = _batch(images, data_format)
    y = kernels.resize_forward(batch, axes, tuple(size), interpolation, antialias)
    return y if images.ndim == 4 else y[0]


def _checked(interpolation: str, crop: bool, pad: bool) -> None:
    if interpolation not in kernels.METHODS:
        raise ValueError(f"interpolation must be one of {', '.join(kernels.METHODS)}, got {interpolation!r}.")
    if crop or pad:
        raise ValueError(
            "crop_to_aspect_ratio and pad_to_aspect_ratio are not supported here; the layer layers.Resizing has them."
        )


def _first_axis(rank: int, data_format: str | None) -> int:
    """Where the height is, in a batch."""
    if rank not in (3, 4):
        raise ValueError(f"takes an image of 3 axes or a batch of 4, got {rank} axes.")
    return 2 if (data_format or config.image_data_format()) == "channels_first" else 1


def _batch(images: Any, data_format: str | None) -> tuple[Any, tuple[int, int]]:
    axis = _first_axis(images.ndim, data_format)
    return images if images.ndim == 4 else images[None], (axis, axis + 1)


@resize.gradient
def _(dy: Any, y: Any, images: Any, size: Any, interpolation: str, antialias: bool, *_: Any, **options: Any) -> Any:
    batch, axes = _batch(images, options["data_format"])
    sizes = (batch.shape[axes[0]], batch.shape[axes[1]])
    d = dy if dy.ndim == 4 else dy[None]
    return kernels.resize_backward(d, axes, sizes, interpolation, antialias).reshape(images.shape)


@resize.output_shape
def _(
    shape: Any, size: Any, interpolation: str, crop_to_aspect_ratio: bool, pad_to_aspect_ratio: bool, **options: Any
) -> Any:
    _checked(interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio)
    axis = _first_axis(len(shape), options["data_format"]) - (len(shape) == 3)
    if len(tuple(size)) != 2:
        raise ValueError(f"size must be (height, width), got {size!r}.")
    return (*shape[:axis], *size, *shape[axis + 2 :])
