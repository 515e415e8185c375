"""Pooling layers over windows, maximum and average."""

from __future__ import annotations

from typing import Any

from nnlite import config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import few, pooling
from nnlite.kernels.windows import axes, output_size
from nnlite.layers import checks, layout


class _Pooling(Layer):
    """What the window pooling layers share; ``rank`` is the number of spatial axes."""

    rank: int
    kernel_forward: Any
    kernel_backward: Any

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = checks.sizes(self, "pool_size", pool_size, self.rank)
        self.strides = self.pool_size if strides is None else checks.sizes(self, "strides", strides, self.rank)
        self.padding = checks.choice(self, "padding", padding, ("valid", "same"))
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        x = layout.to_last(x, self.data_format)
        y, cache = type(self).kernel_forward(x, self.pool_size, strides=self.strides, padding=self.padding)
        return layout.from_last(y, self.data_format), cache

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        if not input_grad:
            return None
        dx = type(self).kernel_backward(layout.to_last(dy, self.data_format), cache)
        return layout.from_last(dx, self.data_format)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)  # raises where a window does not fit into the input

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *spatial, channels = layout.shape_to_last(input_shape, self.data_format)
        settings = zip(spatial, self.pool_size, self.strides, strict=True)
        try:
            sizes = [n if n is None else output_size(n, k, s, self.padding) for n, k, s in settings]
        except ValueError as error:
            raise ValueError(f"{self.label}: input of shape {tuple(input_shape)}: {error}") from None
        return layout.shape_from_last((batch, *sizes, channels), self.data_format)


class _MaxPooling(_Pooling):
    kernel_forward = staticmethod(pooling.max_pool_forward)
    kernel_backward = staticmethod(pooling.max_pool_backward)

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def infer(self, x: Any) -> Any:
        x = layout.to_last(x, self.data_format)
        return layout.from_last(
            pooling.max_pool(x, self.pool_size, strides=self.strides, padding=self.padding), self.data_format
        )

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        if self.data_format != "channels_last" or self.padding != "valid":
            return None
        return few.max_pool_plan(self.windows(shape)), 0

    def windows(self, shape: Any) -> Any:
        """Return the windows along each spatial axis of an input of a shape, channels last."""
        return axes(self.padding, tuple(shape[1:-1]), self.pool_size, self.strides, (1,) * self.rank)


class _AveragePooling(_Pooling):
    kernel_forward = staticmethod(pooling.avg_pool_forward)
    kernel_backward = staticmethod(pooling.avg_pool_backward)


@registry.register("layers", "MaxPool1D")
class MaxPooling1D(_MaxPooling):
    """The largest value of each window along one axis. Backward: dy goes to the (first) largest one.

    Args:
        pool_size: size of the window, one number or one per spatial axis.
        strides: step of the window; ``pool_size`` where None.
        padding: "valid" (windows inside the input only) or "same" (ceil(size / stride) windows; what lies outside
            does not count).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, T, C), y (N, T', C).

    >>> import numpy as np
    >>> MaxPooling1D(2)(np.arange(6.0).reshape(1, 6, 1)).ravel().tolist()
    [1.0, 3.0, 5.0]
    """

    samples_alone = True
    rank = 1


@registry.register("layers", "MaxPool2D")
class MaxPooling2D(_MaxPooling):
    """The largest value of each window of an image. Backward: dy goes to the (first) largest one.

    Args:
        pool_size: size of the window, one number or one per spatial axis.
        strides: step of the window; ``pool_size`` where None.
        padding: "valid" (windows inside the input only) or "same" (ceil(size / stride) windows; what lies outside
            does not count).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, H, W, C), y (N, H', W', C).

    >>> import numpy as np
    >>> MaxPooling2D()(np.ones((2, 7, 7, 3), "float32")).shape
    (2, 3, 3, 3)
    """

    samples_alone = True
    rank = 2


@registry.register("layers", "AvgPool1D")
class AveragePooling1D(_AveragePooling):
    """The mean of each window along one axis. Backward: dy is shared equally among the window.

    Args:
        pool_size: size of the window, one number or one per spatial axis.
        strides: step of the window; ``pool_size`` where None.
        padding: "valid" (windows inside the input only) or "same" (ceil(size / stride) windows; what lies outside
            does not count).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, T, C), y (N, T', C).

    >>> import numpy as np
    >>> AveragePooling1D(2)(np.arange(6.0).reshape(1, 6, 1)).ravel().tolist()
    [0.5, 2.5, 4.5]
    """

    samples_alone = True
    rank = 1


@registry.register("layers", "AvgPool2D")
class AveragePooling2D(_AveragePooling):
    """The mean of each window of an image. Backward: dy is shared equally among the window.

    Args:
        pool_size: size of the window, one number or one per spatial axis.
        strides: step of the window; ``pool_size`` where None.
        padding: "valid" (windows inside the input only) or "same" (ceil(size / stride) windows; what lies outside
            does not count).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, H, W, C), y (N, H', W', C).

    >>> import numpy as np
    >>> AveragePooling2D(2)(np.ones((2, 7, 7, 3), "float32")).shape
    (2, 3, 3, 3)
    """

    samples_alone = True
    rank = 2


@registry.register("layers", "MaxPool3D")
class MaxPooling3D(_MaxPooling):
    """The largest value of each window of a volume. Backward: dy goes to the (first) largest one.

    Args:
        pool_size: size of the window, one number or one per spatial axis.
        strides: step of the window; ``pool_size`` where None.
        padding: "valid" (windows inside the input only) or "same" (ceil(size / stride) windows; what lies outside
            does not count).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, D, H, W, C), y (N, D', H', W', C).

    >>> import numpy as np
    >>> MaxPooling3D()(np.ones((2, 7, 7, 7, 3), "float32")).shape
    (2, 3, 3, 3, 3)
    """

    samples_alone = True
    rank = 3


@registry.register("layers", "AvgPool3D")
class AveragePooling3D(_AveragePooling):
    """The mean of each window of a volume. Backward: dy is shared equally among the window.

    Args:
        pool_size: size of the window, one number or one per spatial axis.
        strides: step of the window; ``pool_size`` where None.
        padding: "valid" (windows inside the input only) or "same" (ceil(size / stride) windows; what lies outside
            does not count).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, D, H, W, C), y (N, D', H', W', C).

    >>> import numpy as np
    >>> AveragePooling3D(2)(np.ones((2, 7, 7, 7, 3), "float32")).shape
    (2, 3, 3, 3, 3)
    """

    samples_alone = True
    rank = 3
