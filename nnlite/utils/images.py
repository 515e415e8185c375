"""Images between files, Pillow and arrays."""

from __future__ import annotations

import io
import os
import warnings
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core.errors import known_arguments, nearest
from nnlite.layers.image import Resizing, largest_window

MODES = {"grayscale": 1, "rgb": 3, "rgba": 4}
_PIL_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_GRAY = ("L", "I;16", "I")
_FILTERS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow(what: str) -> Any:
    """Return the module ``PIL.Image``; raises ``ImportError`` with what to do where it is not installed."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"{what} needs Pillow, which is not installed: pip install pillow") from error
    return Image


@known_arguments
def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Return a file as a Pillow image.

    Args:
        path: the file's path, or a ``BytesIO`` with its content.
        color_mode: "rgb", "rgba" or "grayscale" (of which 16 and 32 bit images stay so).
        target_size: (height, width) to resize it to with Pillow, or None.
        interpolation: of that: "nearest", "bilinear", "bicubic", "lanczos", "box" or "hamming".
        keep_aspect_ratio: whether what is not of the target's shape is cut off first, the same on both sides.

    Raises:
        ImportError: without Pillow.
        ValueError: for a file that is no image, or is damaged, and unknown options.

    >>> image = load_img("cat.png", target_size=(64, 64))  # doctest: +SKIP
    """
    what = "load_img"
    if color_mode not in MODES:
        raise ValueError(
            f"{what}: color_mode must be 'grayscale', 'rgb' or 'rgba', got {color_mode!r}.{nearest(color_mode, MODES)}"
        )
    if interpolation not in _FILTERS:
        raise ValueError(
            f"{what}: interpolation must be one of {', '.join(map(repr, _FILTERS))}, got {interpolation!r}."
            f"{nearest(interpolation, _FILTERS)}"
        )
    image = open_image(what, path, color_mode)
    if target_size is None:
        return image
    height, width = checked_size(what, "target_size", target_size)
    if image.size == (width, height):
        return image
    box = None
    if keep_aspect_ratio:
        columns, rows = image.size
        top, left, rows, columns = largest_window(rows, columns, height, width)
        box = (left, top, left + columns, top + rows)
    return image.resize((width, height), getattr(pillow(what).Resampling, interpolation.upper()), box=box)


def open_image(what: str, path: Any, color_mode: str) -> Any:
    """Return a file as a Pillow image of a color mode; raises ``ValueError`` with its name where that fails."""
    library = pillow(what)
    if not isinstance(path, (io.BytesIO, str, bytes, os.PathLike)):
        raise TypeError(f"{what}: path must be a path or a BytesIO, got a {type(path).__name__}.")
    try:
        if isinstance(path, io.BytesIO):
            source = path
        else:
            with open(path, "rb") as file:
                source = io.BytesIO(file.read())
        image = library.open(source)
        image.load()
        kept = image.mode == _PIL_MODES[color_mode] or (color_mode == "grayscale" and image.mode in _GRAY)
        return image if kept else image.convert(_PIL_MODES[color_mode])
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on damaged files
        name = "the given bytes" if isinstance(path, io.BytesIO) else repr(os.fsdecode(path))
        raise ValueError(f"{what}: {name} cannot be read as an image: {error}") from error


def checked_size(what: str, name: str, size: Any) -> tuple[int, int]:
    """Return (height, width) from a pair or one number; raises unless they are whole numbers above 0."""
    found = (size, size) if isinstance(size, (int, np.integer)) else size
    try:
        height, width = found
        good = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in (height, width))
    except (TypeError, ValueError):
        good = False
    if not good:
        raise ValueError(f"{what}: {name} must be (height, width), whole numbers above 0, got {size!r}.")
    return int(height), int(width)


@known_arguments
def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """Return a Pillow image (or an array) as an array (height, width, channels), or with the channels first.

    Args:
        img: the image; (height, width) gets one channel.
        data_format: "channels_last" or "channels_first"; the configured default where None.
        dtype: of the array; the configured float type where None.

    >>> img_to_array(np.zeros((2, 3))).shape
    (2, 3, 1)
    """
    first = config.standardize_data_format(data_format) == "channels_first"
    x = np.asarray(img, dtype=dtype or config.floatx())
    if x.ndim == 2:
        x = x[:, :, None]
    if x.ndim != 3:
        raise ValueError(f"img_to_array: img must have 2 or 3 axes, got shape {x.shape}.")
    return x.transpose(2, 0, 1) if first else x


@known_arguments
def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """Return an array of one image as a Pillow image.

    Args:
        x: (height, width, channels) or with the channels first; 1, 3 or 4 channels.
        data_format: "channels_last" or "channels_first"; the configured default where None.
        scale: whether values are moved to 0 to 255, the lowest to 0 and the highest to 255; otherwise they are cut to
            whole numbers as they are.
        dtype: to compute in; the configured float type where None.

    Raises:
        ImportError: without Pillow.
        ValueError: for other shapes.

    >>> image = array_to_img(np.zeros((2, 3, 3)))  # doctest: +SKIP
    """
    library = pillow("array_to_img")
    first = config.standardize_data_format(data_format) == "channels_first"
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3:
        raise ValueError(f"array_to_img: x must be one image with 3 axes, got shape {x.shape}.")
    if first:
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in MODES.values() or not x.size:
        raise ValueError(f"array_to_img: x must have pixels of 1, 3 or 4 channels, got shape {x.shape}.")
    if scale:
        x = x - x.min()
        highest = x.max()
        x = x / highest * 255 if highest != 0 else x
    if x.shape[2] > 1:
        return library.fromarray(x.astype("uint8"))
    return library.fromarray(x[:, :, 0].astype("int32" if x.max() > 255 else "uint8"))


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Write an array of one image into a file.

    Args:
        path: path or open file.
        x: the image, see :func:`array_to_img`.
        data_format: "channels_last" or "channels_first"; the configured default where None.
        file_format: such as "png"; by the path's ending where None.
        scale: see :func:`array_to_img`.
        kwargs: for Pillow's ``Image.save``.

    >>> save_img("cat.png", np.zeros((2, 3, 3)))  # doctest: +SKIP
    """
    image = array_to_img(x, data_format, scale)
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(os.fspath(path))[1][1:].lower() or None
    if file_format is not None and file_format.lower() == "jpg":
        file_format = "jpeg"
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("save_img: JPEG files hold no transparency; it is left out.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)


@known_arguments
def smart_resize(x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last") -> np.ndarray:
    """Return images in another size without distortion: what is not of the new shape is cut off, both sides the same.

    Args:
        x: one image or a batch of them.
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        data_format: "channels_last" or "channels_first".

    >>> smart_resize(np.zeros((4, 8, 3)), (2, 2)).shape
    (2, 2, 3)
    """
    height, width = checked_size("smart_resize", "size", size)
    layer = Resizing(height, width, interpolation, True, data_format=data_format, name="smart_resize")
    return layer.transform(x, None)[0]
