"""channels_first as a transpose around kernels that know one layout: channels last."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.kernels import memory


def to_last(x: Any, data_format: str) -> Any:
    """Return x with its channels last, as a view."""
    return np.moveaxis(x, 1, -1) if data_format == "channels_first" else x


def from_last(x: Any, data_format: str) -> Any:
    """Return x, which has its channels last, in ``data_format``."""
    return memory.contiguous(np.moveaxis(x, -1, 1)) if data_format == "channels_first" else x


def shape_to_last(shape: Any, data_format: str) -> tuple[Any, ...]:
    """Return a shape with the channels last."""
    shape = tuple(shape)
    return (shape[0], *shape[2:], shape[1]) if data_format == "channels_first" else shape


def shape_from_last(shape: Any, data_format: str) -> tuple[Any, ...]:
    """Return a shape that has the channels last in ``data_format``."""
    shape = tuple(shape)
    return (shape[0], shape[-1], *shape[1:-1]) if data_format == "channels_first" else shape
