"""Layers that make sequences, images and volumes larger."""

from __future__ import annotations

from typing import Any

from nnlite import config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import resize
from nnlite.layers import checks


class _UpSampling(Layer):
    """What the three share: each value several times in a row."""

    @property
    def _times(self) -> tuple[int, ...]:
        """How many times along each axis."""
        raise NotImplementedError

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return resize.repeat_forward(x, self._times), None

    def backward(self, dy: Any, cache: Any) -> Any:
        return resize.repeat_backward(dy, self._times)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(None if n is None else n * t for n, t in zip(input_shape, self._times, strict=True))


class _UpSamplingND(_UpSampling):
    """With a size for each axis between batch and channels."""

    rank: int

    def __init__(self, size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.size = checks.sizes(self, "size", size, self.rank)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _times(self) -> tuple[int, ...]:
        return (1, 1, *self.size) if self.data_format == "channels_first" else (1, *self.size, 1)


@registry.register("layers")
class UpSampling1D(_UpSampling):
    """Each step of a sequence ``size`` times in a row.

    ``y[t] = x[t // size]``; backward ``dx[t] = sum of dy[t size + i]`` over i below ``size``.

    Args:
        size: how many times.

    Shapes: x (N, T, C), y (N, T size, C).

    >>> import numpy as np
    >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]])).ravel().tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = checks.positive(self, "size", size)
        self.input_spec = InputSpec(ndim=3)

    @property
    def _times(self) -> tuple[int, ...]:
        return (1, self.size, 1)


@registry.register("layers")
class UpSampling2D(_UpSamplingND):
    """Images of ``size`` times as many rows and columns.

    With "nearest" each pixel is repeated, and backward sums dy over its copies. The others weigh neighbouring pixels
    by a kernel around the centre of the new pixel, rows and columns apart, ``y = Wh^T x Ww``; backward
    ``dx = Wh dy Ww^T``. Centres lie at half pixels: a row 0, 1 becomes 0, 0.25, 0.75, 1 where it is doubled by
    "bilinear".

    Args:
        size: one number, or (rows, columns).
        data_format: "channels_last" (N, H, W, C) or "channels_first" (N, C, H, W); the configured default where None.
        interpolation: "nearest", "bilinear", "bicubic" (Keys, 1981), "lanczos3" or "lanczos5".

    Whole numbers give floats, in Keras whole numbers.

    >>> import numpy as np
    >>> UpSampling2D((1, 2), interpolation="bilinear")(np.array([[[[0.0], [1.0]]]])).ravel().tolist()
    [0.0, 0.25, 0.75, 1.0]
    """

    rank = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = checks.choice(self, "interpolation", interpolation, resize.METHODS)

    @property
    def _axes(self) -> tuple[int, int]:
        return (2, 3) if self.data_format == "channels_first" else (1, 2)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if self.interpolation == "nearest":
            return super().forward(x, training)
        height, width = (x.shape[axis] for axis in self._axes)
        rows, columns = self.size
        return resize.resize_forward(x, self._axes, (height * rows, width * columns), self.interpolation), None

    def backward(self, dy: Any, cache: Any) -> Any:
        if self.interpolation == "nearest":
            return super().backward(dy, cache)
        height, width = (dy.shape[axis] // t for axis, t in zip(self._axes, self.size, strict=True))
        return resize.resize_backward(dy, self._axes, (height, width), self.interpolation)


@registry.register("layers")
class UpSampling3D(_UpSamplingND):
    """Each voxel of a volume repeated along the three axes; backward sums dy over its copies.

    Args:
        size: one number, or one for each axis.
        data_format: "channels_last" (N, D, H, W, C) or "channels_first" (N, C, D, H, W); the configured default where
            None.

    >>> import numpy as np
    >>> UpSampling3D((1, 2, 3))(np.ones((1, 2, 2, 2, 5))).shape
    (1, 2, 4, 6, 5)
    """

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(size, data_format, **kwargs)
