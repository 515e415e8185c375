"""Pooling layers with a given number of windows, whatever the size of the input."""

from __future__ import annotations

from typing import Any

from nnlite import config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import pooling_adaptive as kernels
from nnlite.layers import checks, layout


class _Adaptive(Layer):
    """What they share. Window o of O along an axis of n covers ``floor(o n / O)`` to ``ceil((o + 1) n / O)``."""

    rank: int

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = checks.sizes(self, "output_size", output_size, self.rank)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        self.compute_output_shape(x.shape)
        y, cache = self._pool(layout.to_last(x, self.data_format))
        return layout.from_last(y, self.data_format), cache

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        if not input_grad:
            return None
        return layout.from_last(self._give_back(layout.to_last(dy, self.data_format), cache), self.data_format)

    def _pool(self, x: Any) -> tuple[Any, Any]:
        raise NotImplementedError

    def _give_back(self, dy: Any, cache: Any) -> Any:
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *spatial, channels = layout.shape_to_last(input_shape, self.data_format)
        if 0 in spatial:
            raise ValueError(f"{self.label}: an input of shape {tuple(input_shape)} has nothing to pool.")
        return layout.shape_from_last((batch, *self.output_size, channels), self.data_format)


class _AdaptiveAverage(_Adaptive):
    def _pool(self, x: Any) -> tuple[Any, Any]:
        return kernels.adaptive_mean_forward(x, self.output_size), x.shape[1:-1]

    def _give_back(self, dy: Any, cache: Any) -> Any:
        return kernels.adaptive_mean_backward(dy, cache)


class _AdaptiveMax(_Adaptive):
    def _pool(self, x: Any) -> tuple[Any, Any]:
        return kernels.adaptive_max_forward(x, self.output_size)

    def _give_back(self, dy: Any, cache: Any) -> Any:
        return kernels.adaptive_max_backward(dy, cache)


@registry.register("layers")
class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """The mean of each of so many windows of a sequence. Backward: dy is shared equally among the window.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, T, C), y (N, O, C).

    >>> import numpy as np
    >>> AdaptiveAveragePooling1D(2)(np.ones((2, 7, 3), "float32")).shape
    (2, 2, 3)
    """

    rank = 1


@registry.register("layers")
class AdaptiveAveragePooling2D(_AdaptiveAverage):
    """The mean of each of so many windows of an image. Backward: dy is shared equally among the window.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, H, W, C), y (N, O1, O2, C).

    >>> import numpy as np
    >>> AdaptiveAveragePooling2D(2)(np.ones((2, 7, 5, 3), "float32")).shape
    (2, 2, 2, 3)
    """

    rank = 2


@registry.register("layers")
class AdaptiveAveragePooling3D(_AdaptiveAverage):
    """The mean of each of so many windows of a volume. Backward: dy is shared equally among the window.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, D, H, W, C), y (N, O1, O2, O3, C).

    >>> import numpy as np
    >>> AdaptiveAveragePooling3D(2)(np.ones((2, 7, 5, 4, 3), "float32")).shape
    (2, 2, 2, 2, 3)
    """

    rank = 3


@registry.register("layers")
class AdaptiveMaxPooling1D(_AdaptiveMax):
    """The largest value of each of so many windows of a sequence. Backward: dy goes to the (first) largest one.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, T, C), y (N, O, C).

    >>> import numpy as np
    >>> AdaptiveMaxPooling1D(2)(np.ones((2, 7, 3), "float32")).shape
    (2, 2, 3)
    """

    rank = 1


@registry.register("layers")
class AdaptiveMaxPooling2D(_AdaptiveMax):
    """The largest value of each of so many windows of an image. Backward: dy goes to the (first) largest one.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Of equal ones the first along W gets it, there the first along H.

    Shapes: x (N, H, W, C), y (N, O1, O2, C).

    >>> import numpy as np
    >>> AdaptiveMaxPooling2D(2)(np.ones((2, 7, 5, 3), "float32")).shape
    (2, 2, 2, 3)
    """

    rank = 2


@registry.register("layers")
class AdaptiveMaxPooling3D(_AdaptiveMax):
    """The largest value of each of so many windows of a volume. Backward: dy goes to the (first) largest one.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Of equal ones the first along W gets it, there the first along H, there the first along D.

    Shapes: x (N, D, H, W, C), y (N, O1, O2, O3, C).

    >>> import numpy as np
    >>> AdaptiveMaxPooling3D(2)(np.ones((2, 7, 5, 4, 3), "float32")).shape
    (2, 2, 2, 2, 3)
    """

    rank = 3
