"""Layers that prepare data."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.layers import checks


@registry.register("layers")
class Rescaling(Layer):
    """``y = x * scale + offset``; backward ``dx = dy * scale``.

    Args:
        scale: a number, or one per channel; 1 / 255 brings bytes to 0..1.
        offset: a number, or one per channel.

    >>> import numpy as np
    >>> Rescaling(1 / 127.5, offset=-1)(np.array([[0, 255]], "uint8")).tolist()
    [[-1.0, 1.0]]
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = checks.numbers(self, "scale", scale)
        self.offset = checks.numbers(self, "offset", offset)

    @property
    def samples_alone(self) -> bool:
        """Whether the numbers are not one per sample."""
        return np.ndim(self.scale) < 2 and np.ndim(self.offset) < 2

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = list(input_shape)
        for axis, size in enumerate(reversed(np.shape(self.scale)), 1):  # of one channel it may make several
            if axis <= len(sizes) and sizes[-axis] == 1:
                sizes[-axis] = size
        return tuple(sizes)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        y = x * np.asarray(self.scale, x.dtype)
        y += np.asarray(self.offset, x.dtype)
        return y, None

    def backward(self, dy: Any, cache: Any) -> Any:
        return dy * np.asarray(self.scale, dy.dtype)
