"""Convolutions whose kernel is another one at every place, which Keras had until version 2.15."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite import activations, config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels.windows import output_size
from nnlite.layers import applied, checks, layout, settings


class _LocallyConnected(Layer):
    """What LocallyConnected1D and 2D share; ``rank`` is the number of spatial axes."""

    rank: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = checks.positive(self, "filters", filters)
        self.kernel_size = checks.sizes(self, "kernel_size", kernel_size, self.rank)
        self.strides = checks.sizes(self, "strides", strides, self.rank)
        self.padding = checks.choice(self, "padding", padding, ("valid", "same"))
        self.data_format = config.standardize_data_format(data_format)
        if implementation not in (1, 2, 3):
            raise ValueError(f"{self.label}: implementation must be 1, 2 or 3, got {implementation!r}.")
        if implementation == 1 and self.padding == "same":
            raise ValueError(f"{self.label}: padding='same' goes with implementation 2 or 3, not 1.")
        self.implementation = implementation
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        settings.keep(
            self,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.input_spec: InputSpec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        self.input_spec.check(self, input_shape)
        _, *spatial, channels = layout.shape_to_last(input_shape, self.data_format)
        if None in (*spatial, channels):
            raise ValueError(f"{self.label}: all sizes of the input but the batch must be known, got {input_shape}.")
        _, *places, _ = layout.shape_to_last(self.compute_output_shape(input_shape), self.data_format)
        self._channels, self._spatial, self._places = channels, tuple(spatial), tuple(places)
        features = math.prod(self.kernel_size) * channels
        if self.implementation == 1:
            shape: tuple[int, ...] = (math.prod(places), features, self.filters)
        elif self.implementation == 2:
            first = self.data_format == "channels_first"
            shape = (
                (channels, *spatial, self.filters, *places) if first else (*spatial, channels, *places, self.filters)
            )
        else:
            shape = (int((self._sources >= 0).sum()) * channels * self.filters,)
        self.kernel = settings.add(self, "kernel", shape)
        self.bias = settings.add(self, "bias", (*places, self.filters)) if self.use_bias else None

    @property
    def _sources(self) -> NDArray[np.int64]:
        return _sources(self._spatial, self._places, self.kernel_size, self.strides, self.padding)

    @property
    def _index(self) -> NDArray[np.int64] | None:
        if self.implementation == 1:
            return None
        window = (self._spatial, self._places, self.kernel_size, self.strides, self.padding)
        first = self.data_format == "channels_first"
        return _index(window, self._channels, self.filters, first, self.implementation == 2)

    @property
    def _order(self) -> tuple[int, ...]:
        """The axes (place, tap, channel) in the order in which implementation 1 has the features of a place."""
        return (0, 2, 1) if self.data_format == "channels_first" else (0, 1, 2)

    def _kernels(self) -> Any:
        """(places, taps, channels, filters)"""
        value, (count, taps), index = self.kernel.value, self._sources.shape, self._index
        if index is not None:
            return np.where(index >= 0, value.reshape(-1)[index], value.dtype.type(0))
        if self._order == (0, 1, 2):
            return value.reshape(count, taps, self._channels, self.filters)
        return value.reshape(count, self._channels, taps, self.filters).transpose(0, 2, 1, 3)

    def _bias_last(self, bias: Any) -> Any:
        """The bias with its channels last. With the channels first Keras took its numbers in that order, in a row."""
        if self.data_format == "channels_last":
            return bias
        return np.moveaxis(bias.reshape(self.filters, *bias.shape[:-1]), 0, -1)

    def _windows(self, x: Any) -> Any:
        """(places, N, taps * channels) of x (N, ..., channels)."""
        sources = self._sources
        flat = x.reshape(len(x), math.prod(self._spatial), self._channels)
        flat = np.concatenate([flat, np.zeros((len(x), 1, self._channels), x.dtype)], axis=1)  # found at -1
        return flat[:, sources].transpose(1, 0, 2, 3).reshape(len(sources), len(x), sources.shape[1] * self._channels)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        shape = self.compute_output_shape(x.shape)
        last = layout.to_last(x, self.data_format)
        windows, kernels = self._windows(last), self._kernels()
        y = np.matmul(windows, kernels.reshape(len(kernels), -1, self.filters)).transpose(1, 0, 2)
        y = np.ascontiguousarray(y).reshape(layout.shape_to_last(shape, self.data_format))
        if self.bias is not None:
            y += self._bias_last(self.bias.value)
        y, kept = applied.apply(self.activation, layout.from_last(y, self.data_format), training)
        return y, (windows, kernels, last.shape, kept)

    def backward(self, dy: Any, cache: Any) -> Any:
        windows, kernels, shape, kept = cache
        dy = layout.to_last(applied.unapply(self.activation, dy, kept, self), self.data_format)
        if self.bias is not None:
            db = dy.sum(axis=0)
            if self.data_format == "channels_first":
                db = np.moveaxis(db, -1, 0)
            self.bias.accumulate(np.ascontiguousarray(db).reshape(self.bias.shape))
        d = dy.reshape(len(dy), len(kernels), self.filters).transpose(1, 0, 2)
        self._accumulate(np.matmul(windows.transpose(0, 2, 1), d).reshape(kernels.shape))
        parts = np.matmul(d, kernels.reshape(len(kernels), -1, self.filters).transpose(0, 2, 1))
        parts = parts.reshape(len(kernels), len(dy), kernels.shape[1], self._channels)
        dx = np.zeros((math.prod(shape[1:-1]) + 1, len(dy), self._channels), dy.dtype)
        np.add.at(dx, self._sources, parts.transpose(0, 2, 1, 3))
        return layout.from_last(dx[:-1].swapaxes(0, 1).reshape(shape), self.data_format)

    def _accumulate(self, gradient: Any) -> None:
        index = self._index
        if index is not None:
            found = np.zeros(self.kernel.size, gradient.dtype)
            found[index[index >= 0]] = gradient[index >= 0]
            gradient = found
        elif self._order != (0, 1, 2):
            gradient = gradient.transpose(0, 2, 1, 3)
        self.kernel.accumulate(gradient.reshape(self.kernel.shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *spatial, _ = layout.shape_to_last(input_shape, self.data_format)
        windows = zip(spatial, self.kernel_size, self.strides, strict=True)
        try:
            sizes = [n if n is None else output_size(n, k, s, self.padding) for n, k, s in windows]
        except ValueError as error:
            raise ValueError(f"{self.label}: input of shape {tuple(input_shape)}: {error}") from None
        return applied.shape(self.activation, layout.shape_from_last((batch, *sizes, self.filters), self.data_format))


@lru_cache(maxsize=64)
def _sources(spatial: Any, places: Any, kernel_size: Any, strides: Any, padding: str) -> NDArray[np.int64]:
    """The inputs (by their numbers, row by row) that each place sees, (places, taps); -1 for those beyond the edge.

    With "same" a window's middle, tap size // 2, is at place * stride.
    """
    found, inside = np.zeros((1, 1), np.int64), np.ones((1, 1), bool)
    for n, m, k, s in zip(spatial, places, kernel_size, strides, strict=True):
        at = np.arange(m)[:, None] * s + np.arange(k) - (k // 2 if padding == "same" else 0)
        shape = (found.shape[0] * m, found.shape[1] * k)
        found = (found[:, None, :, None] * n + at[:, None]).reshape(shape)
        inside = (inside[:, None, :, None] & ((at >= 0) & (at < n))[:, None]).reshape(shape)
    return np.where(inside, found, -1)


@lru_cache(maxsize=64)
def _index(window: Any, channels: int, filters: int, first: bool, all_of_them: bool) -> NDArray[np.int64]:
    """Where each place's kernel, (places, taps, channels, filters), stands in the variable; -1 for beyond the edge.

    The variable is the matrix of all inputs by all outputs, or else what connects in it, output by output.
    """
    size, count = math.prod(window[0]), math.prod(window[1])
    source = _sources(*window)[:, :, None, None]
    c, f = np.arange(channels)[:, None], np.arange(filters)
    place = np.arange(count)[:, None, None, None]
    if first:
        inputs, outputs = c * size + source, f * count + place
    else:
        inputs, outputs = source * channels + c, place * filters + f
    if all_of_them:
        return np.where(source >= 0, inputs * (count * filters) + outputs, -1)
    order = np.where(source >= 0, outputs * (size * channels) + inputs, -1)
    return np.where(order >= 0, np.searchsorted(np.sort(order[order >= 0]), order), -1)


@registry.register("layers")
class LocallyConnected1D(_LocallyConnected):
    """Convolution along one axis, with a kernel of its own at every place.

    ``y[n, t, f] = activation(bias[t, f] + sum over i, c of x[n, t * stride + i, c] * kernel[t, i, c, f])``.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: step of the window.
        padding: "valid"; "same" with implementation 2 and 3.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        activation: name or function; None for none.
        use_bias: whether a bias is added, another one at every place.
        kernel_initializer, bias_initializer: how the variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.
        implementation: the form of the kernel, for the files of Keras 2. 1: (places, taps x C, F); 2: all inputs by
            all outputs, of which only those count that a window connects; 3: those alone, output by output.

    Shapes: x (N, T, C), bias (T', F), y (N, T', F).

    >>> import numpy as np
    >>> LocallyConnected1D(4, 3)(np.ones((2, 7, 5), "float32")).shape
    (2, 5, 4)
    """

    rank = 1


@registry.register("layers")
class LocallyConnected2D(_LocallyConnected):
    """Convolution over images, with a kernel of its own at every place.

    ``y[n, p, q, f] = activation(bias[p, q, f] + sum over i, j, c of x[n, p * s + i, q * t + j, c] * kernel[p, q, i, j,
    c, f])`` for strides s and t.

    Args:
        filters: number of output channels F.
        kernel_size, strides: of the window, one number or one per spatial axis.
        padding, data_format, activation, use_bias, implementation, and how the variables start and are kept: as in
            :class:`LocallyConnected1D`.

    Shapes: x (N, H, W, C), bias (H', W', F), y (N, H', W', F), or with the channels first.

    >>> import numpy as np
    >>> LocallyConnected2D(4, (3, 2))(np.ones((2, 6, 7, 3), "float32")).shape
    (2, 4, 6, 4)
    """

    rank = 2
