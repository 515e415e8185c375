"""Padding with zeros and its gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory
from nnlite.kernels.windows import clear_around

Array = NDArray[Any]
Pads = Sequence[tuple[int, int]]


def zero_padding_forward(x: Array, pads: Pads) -> Array:
    """Return x with zeros around it.

    Args:
        x: any shape.
        pads: (before, after) for every axis of x, none negative.

    >>> zero_padding_forward(np.ones((1, 2)), [(0, 0), (1, 2)]).tolist()
    [[0.0, 1.0, 1.0, 0.0, 0.0]]
    """
    shape = [n + before + after for n, (before, after) in zip(x.shape, pads, strict=True)]
    y = memory.empty(shape, x.dtype.newbyteorder("="))
    inside = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, pads, strict=True))
    clear_around(y[None], inside)
    y[inside] = x
    return y


def zero_padding_backward(dy: Array, pads: Pads) -> Array:
    """Return dx: dy without its border.

    >>> zero_padding_backward(np.array([[5.0, 6.0, 7.0]]), [(0, 0), (1, 0)]).tolist()
    [[6.0, 7.0]]
    """
    inside = tuple(slice(before, n - after) for n, (before, after) in zip(dy.shape, pads, strict=True))
    dx = memory.empty(dy[inside].shape, dy.dtype.newbyteorder("="))
    np.copyto(dx, dy[inside])
    return dx
