"""Pooling layers over whole maps, maximum and average."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer


class _GlobalPooling(Layer):
    """What the global pooling layers share."""

    rank: int

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = bool(keepdims)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _axes(self) -> tuple[int, ...]:
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))

    def _spread(self, dy: Any) -> Any:
        """dy with the pooled axes back, of size 1."""
        return dy if self.keepdims else np.expand_dims(dy, self._axes)

    def compute_output_shape(self, input_shape: Any) -> Any:
        pooled = self._axes
        if self.keepdims:
            return tuple(1 if axis in pooled else size for axis, size in enumerate(input_shape))
        return tuple(size for axis, size in enumerate(input_shape) if axis not in pooled)


class _GlobalAveragePooling(_GlobalPooling):
    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return x.mean(axis=self._axes, keepdims=self.keepdims, dtype=x.dtype), (x.shape, None)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        if not input_grad:
            return None
        shape, weight = cache
        if weight is None:
            weight = dy.dtype.type(1 / max(1, int(np.prod([shape[axis] for axis in self._axes]))))
        return np.broadcast_to(self._spread(dy) * weight, shape).copy()


class _GlobalMaxPooling(_GlobalPooling):
    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        y = x.max(axis=self._axes, keepdims=True)
        return y if self.keepdims else y.squeeze(self._axes), (x, y)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        if not input_grad:
            return None
        x, y = cache
        largest = (x == y).astype(x.dtype)
        return largest * (self._spread(dy) / largest.sum(axis=self._axes, keepdims=True).clip(1))


@registry.register("layers", "GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean over all steps of a sequence: ``y = mean over t of x[:, t]``; with a mask, over the valid steps.

    Backward: ``dx[:, t] = dy / T``.

    Args:
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        keepdims: whether the pooled axes stay, with size 1.

    Shapes: x (N, T, C), mask (N, T), y (N, C).

    >>> import numpy as np
    >>> GlobalAveragePooling1D()(np.arange(6.0).reshape(1, 3, 2)).tolist()
    [[2.0, 3.0]]
    """

    rank = 1
    supports_masking = True

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        if mask is None:
            return super().forward(x, training)
        weight = mask.astype(x.dtype)
        weight = weight[:, None, :] if self.data_format == "channels_first" else weight[:, :, None]
        weight = weight / weight.sum(axis=self._axes, keepdims=True)
        return (x * weight).sum(axis=self._axes, keepdims=self.keepdims), (x.shape, weight)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None


@registry.register("layers", "GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel of an image. Backward: ``dx = dy / (H * W)`` everywhere.

    Args:
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        keepdims: whether the pooled axes stay, with size 1.

    Shapes: x (N, H, W, C), y (N, C).

    >>> import numpy as np
    >>> GlobalAveragePooling2D()(np.ones((2, 7, 7, 3), "float32")).shape
    (2, 3)
    """

    rank = 2


@registry.register("layers", "GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest value over all steps of a sequence. Backward: dy goes to it, shared where several are equal.

    Args:
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        keepdims: whether the pooled axes stay, with size 1.

    Shapes: x (N, T, C), y (N, C).

    >>> import numpy as np
    >>> GlobalMaxPooling1D()(np.arange(6.0).reshape(1, 3, 2)).tolist()
    [[4.0, 5.0]]
    """

    rank = 1


@registry.register("layers", "GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest value of each channel of an image. Backward: dy goes to it, shared where several are equal.

    Args:
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        keepdims: whether the pooled axes stay, with size 1.

    Shapes: x (N, H, W, C), y (N, C).

    >>> import numpy as np
    >>> GlobalMaxPooling2D()(np.ones((2, 7, 7, 3), "float32")).shape
    (2, 3)
    """

    rank = 2


@registry.register("layers", "GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of each channel of a volume. Backward: ``dx = dy / (D * H * W)`` everywhere.

    Args:
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        keepdims: whether the pooled axes stay, with size 1.

    Shapes: x (N, D, H, W, C), y (N, C).

    >>> import numpy as np
    >>> GlobalAveragePooling3D()(np.ones((2, 7, 7, 7, 3), "float32")).shape
    (2, 3)
    """

    rank = 3


@registry.register("layers", "GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest value of each channel of a volume. Backward: dy goes to it, shared where several are equal.

    Args:
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        keepdims: whether the pooled axes stay, with size 1.

    Shapes: x (N, D, H, W, C), y (N, C).

    >>> import numpy as np
    >>> GlobalMaxPooling3D()(np.ones((2, 7, 7, 7, 3), "float32")).shape
    (2, 3)
    """

    rank = 3
