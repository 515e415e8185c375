"""Pooling layers with a given number of windows, whatever the size of the input."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.layers import checks, layout


class _Adaptive(Layer):
    """What they share. Window o of O along an axis of n covers ``floor(o n / O)`` to ``ceil((o + 1) n / O)``."""

    rank: int

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = checks.sizes(self, "output_size", output_size, self.rank)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _windows(self, shape: Any) -> Any:
        """Yield where each window's result goes, and the window."""
        edges = [
            [slice(o * n // out, -(-(o + 1) * n // out)) for o in range(out)]
            for n, out in zip(shape[1:-1], self.output_size, strict=True)
        ]
        for place in product(*(range(out) for out in self.output_size)):
            window = tuple(edge[o] for edge, o in zip(edges, place, strict=True))
            yield (slice(None), *place), (slice(None), *window)

    def _pool(self, window: Any, axes: tuple[int, ...]) -> Any:
        raise NotImplementedError

    def _back(self, given: Any, window: Any, axes: tuple[int, ...]) -> Any:
        raise NotImplementedError

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        x = layout.to_last(x, self.data_format)
        if 0 in x.shape[1:-1]:
            raise ValueError(f"{self.label}: an input of shape {x.shape} has nothing to pool.")
        y = np.empty((len(x), *self.output_size, x.shape[-1]), x.dtype)
        axes = tuple(range(1, x.ndim - 1))
        for place, window in self._windows(x.shape):
            y[place] = self._pool(x[window], axes)
        return layout.from_last(y, self.data_format), x

    def backward(self, dy: Any, x: Any, input_grad: bool = True) -> Any:
        if not input_grad:
            return None
        dy, dx = layout.to_last(dy, self.data_format), np.zeros_like(x)
        axes, ones = tuple(range(1, x.ndim - 1)), (1,) * self.rank
        for place, window in self._windows(x.shape):
            given = dy[place].reshape(len(x), *ones, x.shape[-1])
            dx[window] += self._back(given, x[window], axes)
        return layout.from_last(dx, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *_, channels = layout.shape_to_last(input_shape, self.data_format)
        return layout.shape_from_last((batch, *self.output_size, channels), self.data_format)


class _AdaptiveAverage(_Adaptive):
    def _pool(self, window: Any, axes: tuple[int, ...]) -> Any:
        return window.mean(axis=axes)

    def _back(self, given: Any, window: Any, axes: tuple[int, ...]) -> Any:
        count = int(np.prod([window.shape[axis] for axis in axes]))
        return np.broadcast_to(given / given.dtype.type(count), window.shape)


class _AdaptiveMax(_Adaptive):
    def _pool(self, window: Any, axes: tuple[int, ...]) -> Any:
        return window.max(axis=axes)

    def _back(self, given: Any, window: Any, axes: tuple[int, ...]) -> Any:
        largest = (window == window.max(axis=axes, keepdims=True)).astype(window.dtype)
        return largest * (given / np.maximum(largest.sum(axis=axes, keepdims=True), 1))


@registry.register("layers")
class AdaptiveAveragePooling1D(_AdaptiveAverage):
    """The mean of each of so many windows of a sequence. Backward: dy is shared equally among the window.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, T, C), y (N, O, C).

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

    >>> AdaptiveAveragePooling3D(2)(np.ones((2, 7, 5, 4, 3), "float32")).shape
    (2, 2, 2, 2, 3)
    """

    rank = 3


@registry.register("layers")
class AdaptiveMaxPooling1D(_AdaptiveMax):
    """The largest value of each of so many windows of a sequence. Backward: dy goes to it, equal ones share it.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, T, C), y (N, O, C).

    >>> AdaptiveMaxPooling1D(2)(np.ones((2, 7, 3), "float32")).shape
    (2, 2, 3)
    """

    rank = 1


@registry.register("layers")
class AdaptiveMaxPooling2D(_AdaptiveMax):
    """The largest value of each of so many windows of an image. Backward: dy goes to it, equal ones share it.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, H, W, C), y (N, O1, O2, C).

    >>> AdaptiveMaxPooling2D(2)(np.ones((2, 7, 5, 3), "float32")).shape
    (2, 2, 2, 3)
    """

    rank = 2


@registry.register("layers")
class AdaptiveMaxPooling3D(_AdaptiveMax):
    """The largest value of each of so many windows of a volume. Backward: dy goes to it, equal ones share it.

    Window o of O along an axis of n values covers those from ``floor(o * n / O)`` to before ``ceil((o + 1) * n / O)``.

    Args:
        output_size: number of windows, one number or one per spatial axis.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.

    Shapes: x (N, D, H, W, C), y (N, O1, O2, O3, C).

    >>> AdaptiveMaxPooling3D(2)(np.ones((2, 7, 5, 4, 3), "float32")).shape
    (2, 2, 2, 2, 3)
    """

    rank = 3
