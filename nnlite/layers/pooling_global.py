"""Pooling layers over whole maps, maximum and average."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import pooling_global as kernels
from nnlite.kernels.activation import silent


class _GlobalPooling(Layer):
    """What the global pooling layers share. The kernels see all L positions in one axis: (N, L, C), or (N, C, L)."""

    rank: int

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = bool(keepdims)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _steps(self) -> int:
        """The axis of the positions, in what the kernels see."""
        return 2 if self.data_format == "channels_first" else 1

    def _flat(self, x: Any) -> Any:
        self.compute_output_shape(x.shape)
        first, last = (x.shape[:2], x.shape[2:]) if self._steps == 2 else (x.shape[:1], x.shape[1:-1])
        return x.reshape(*first, math.prod(last), *x.shape[len(first) + self.rank :])

    def _pooled(self, y: Any, shape: Any) -> Any:
        return y.reshape(self.compute_output_shape(shape)) if self.keepdims else y

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        pooled = range(self._steps, self._steps + self.rank)
        if 0 in input_shape[pooled.start : pooled.stop]:
            raise ValueError(f"{self.label}: an input of shape {tuple(input_shape)} has nothing to pool.")
        if self.keepdims:
            return tuple(1 if axis in pooled else size for axis, size in enumerate(input_shape))
        return tuple(size for axis, size in enumerate(input_shape) if axis not in pooled)


class _GlobalAveragePooling(_GlobalPooling):
    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        y = kernels.global_mean_forward(self._flat(x), steps=self._steps)
        return self._pooled(y, x.shape), (x.shape, None)

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        if self._steps == 2:
            return None
        flat, pooled = (shape[0], math.prod(shape[1:-1]), shape[-1]), self.compute_output_shape(shape)
        weight = np.full(flat[1], 1 / flat[1], self._compute)
        mean = silent(lambda x: np.matmul(weight, x.reshape(flat)).reshape(pooled))
        return mean, 0

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        if not input_grad:
            return None
        shape, weight = cache
        length = math.prod(shape[self._steps : self._steps + self.rank])
        dy = dy.reshape(len(dy), math.prod(dy.shape[1:]))
        return kernels.global_mean_backward(dy, length, weight, steps=self._steps).reshape(shape)


class _GlobalMaxPooling(_GlobalPooling):
    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        y = kernels.global_max_forward(self._flat(x), steps=self._steps)
        return self._pooled(y, x.shape), (x, y)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        if not input_grad:
            return None
        x, y = cache
        return kernels.global_max_backward(dy.reshape(y.shape), self._flat(x), y, steps=self._steps).reshape(x.shape)


@registry.register("layers", "GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean over all steps of a sequence: ``y = mean over t of x[:, t]``; with a mask, over the valid steps.

    Backward: ``dx[:, t] = dy / T``, with a mask dy by the number of valid steps, and 0 where it is False. What stands
    there does not matter, not even NaN. A sample without a valid step gives NaN, as in Keras.

    Args:
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        keepdims: whether the pooled axes stay, with size 1.

    Shapes: x (N, T, C), mask (N, T), y (N, C). The mask ends here: y has none.

    Raises ``ValueError`` for an input without steps, and a mask of another shape.

    >>> import numpy as np
    >>> GlobalAveragePooling1D()(np.arange(6.0).reshape(1, 3, 2)).tolist()
    [[2.0, 3.0]]
    """

    rank = 1
    samples_alone = True
    supports_masking = True
    inference = _GlobalAveragePooling.inference  # is without masks

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        if mask is None:
            return super().forward(x, training)
        valid, expected = np.asarray(mask, bool), (len(x), x.shape[self._steps])
        if valid.shape != expected:
            raise ValueError(
                f"{self.label}: the mask must have one entry for each step, shape {expected}, got {valid.shape}."
            )
        y, weight = kernels.masked_mean_forward(self._flat(x), valid, steps=self._steps)
        return self._pooled(y, x.shape), (x.shape, weight)

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

    samples_alone = True
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

    samples_alone = True
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

    samples_alone = True
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

    samples_alone = True
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

    samples_alone = True
    rank = 3
