"""Convolution layers."""

from __future__ import annotations

import math
from typing import Any

from nnlite import activations, config
from nnlite.core import registry, wrapping
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import few
from nnlite.kernels.conv import conv_backward, conv_forward, conv_pool
from nnlite.kernels.windows import axes, output_size
from nnlite.layers import applied, checks, finishing, layout, settings


class _Conv(Layer):
    """What Conv1D and Conv2D share; ``rank`` is the number of spatial axes."""

    slides_windows = True  # what is so much work that a few samples fill caches and threads
    rank: int
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = checks.positive(self, "filters", filters)
        self.kernel_size = checks.sizes(self, "kernel_size", kernel_size, self.rank)
        self.strides = checks.sizes(self, "strides", strides, self.rank)
        self.padding = checks.choice(self, "padding", padding, self.paddings)
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = checks.sizes(self, "dilation_rate", dilation_rate, self.rank)
        self.groups = checks.positive(self, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"{self.label}: filters ({filters}) must be a multiple of groups ({groups}).")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self.label}: strides {self.strides} and dilation_rate {self.dilation_rate} cannot both be above 1."
            )
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
        axis = 1 if self.data_format == "channels_first" else -1
        self.input_spec.check(self, input_shape)
        channels = checks.known(self, input_shape, axis)
        if channels % self.groups:
            raise ValueError(
                f"{self.label}: the input's {channels} channels must be a multiple of groups ({self.groups})."
            )
        self.compute_output_shape(input_shape)  # raises where a kernel does not fit into the input
        self.kernel = settings.add(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self.bias = settings.add(self, "bias", (self.filters,)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def _settings(self) -> dict[str, Any]:
        return {"strides": self.strides, "padding": self.padding, "dilation": self.dilation_rate}

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        fused = applied.fusible(self.activation, elementwise=True)
        y, cache = self._correlated(layout.to_last(x, self.data_format), fused)
        y = layout.from_last(y, self.data_format)
        kept = None
        if fused is None:
            y, kept = applied.apply(self.activation, y, training)
        return y, (cache, kept)

    def takes_along(self, layer: Any) -> bool:
        """Whether training does that layer, which follows, too; see :mod:`nnlite.models.along`."""
        from nnlite.layers import pooling  # not for the many models that have none

        # No class derived from one, which may pool otherwise.
        pools = type(layer) is (pooling.MaxPooling1D, pooling.MaxPooling2D, pooling.MaxPooling3D)[self.rank - 1]
        plain = self.activation in (None, activations.linear) or applied.fusible(self.activation, elementwise=True)
        return pools and bool(plain) and self.data_format == layer.data_format == "channels_last"

    def forward_along(self, x: Any, layer: Any) -> tuple[Any, Any]:
        """Return the maxima of the output in training, and the cache with which backward undoes both."""
        x = wrapping.prepare(self, x)
        windows = layer.windows(self.compute_output_shape(x.shape))
        y, cache = self._correlated(x, applied.fusible(self.activation, elementwise=True), pool=windows)
        return y, (cache, None)

    def _correlated(self, x: Any, fused: Any, pool: Any = None) -> Any:
        bias = None if self.bias is None else self.bias.value
        options = {"groups": self.groups, "activation": fused, "pool": pool}
        return conv_forward(x, self.kernel.value, bias, **options, **self._settings())

    def _product(self, x: Any, w: Any, b: Any, activation: Any) -> Any:
        return conv_forward(x, w, b, groups=self.groups, activation=activation, **self._settings())[0]

    def _pooled(self, x: Any, w: Any, b: Any, activation: Any) -> Any:
        return conv_pool(x, w, b, activation=activation, **self._settings())

    fuses_batches = True

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        if self.data_format != "channels_last":
            return None
        if shape[0] is None:
            pooled = self._pooled if self.rank == 2 and self.groups == 1 else None
            return finishing.fused(self, self.compute_output_shape(shape), following, self._product, pooled)
        if self.groups > 1:
            return None
        spatial = axes(self.padding, tuple(shape[1:-1]), self.kernel_size, self.strides, self.dilation_rate)
        done, pool = finishing.parts(self, self.compute_output_shape(shape), following), None
        if done.rises and len(following) > done.taken and math.prod(self.kernel_size) > 1:
            pool = finishing.pool_sizes(following[done.taken], len(shape))
        correlate = few.conv_plan(shape, spatial, self.filters, self._compute, done.affine is not None, pool)
        return None if correlate is None else (done.along(correlate, self.kernel), done.taken + (pool is not None))

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        conv_cache, kept = cache
        if applied.fusible(self.activation, elementwise=True) is None:
            dy = applied.unapply(self.activation, dy, kept, self)
        dx, dw, db = conv_backward(layout.to_last(dy, self.data_format), conv_cache, input_grad=input_grad)
        self.kernel.accumulate(dw)
        if self.bias is not None:
            self.bias.accumulate(db)
        return None if dx is None else layout.from_last(dx, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *spatial, _ = layout.shape_to_last(input_shape, self.data_format)
        windows = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        try:
            sizes = [n if n is None else output_size(n, k, s, self.padding, d) for n, k, s, d in windows]
        except ValueError as error:
            raise ValueError(f"{self.label}: input of shape {tuple(input_shape)}: {error}") from None
        whole = layout.shape_from_last((batch, *sizes, self.filters), self.data_format)
        return applied.shape(self.activation, whole)


@registry.register("layers", "Convolution1D")
class Conv1D(_Conv):
    """Convolution along one axis, such as time.

    ``y[n, t, f] = activation(bias[f] + sum over i, c of x[n, t * stride + i * dilation, c] * kernel[i, c, f])``.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: step of the window.
        padding: "valid", "same" or "causal" (zeros before the start only).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring inputs of a window; not together with strides above 1.
        groups: the channels are cut into so many groups, each convolved with its own filters.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.

    Shapes: x (N, T, C), kernel (size, C / groups, F), bias (F,), y (N, T', F).

    >>> import numpy as np
    >>> Conv1D(4, 3, padding="causal")(np.ones((2, 7, 5), "float32")).shape
    (2, 7, 4)
    """

    samples_alone = True
    rank = 1
    paddings = ("valid", "same", "causal")


@registry.register("layers", "Convolution2D")
class Conv2D(_Conv):
    """Convolution over images.

    ``y[n, h, w, f] = activation(bias[f] + sum over i, j, c of x[n, h*s + i*d, w*s + j*d, c] * kernel[i, j, c, f])``
    with strides s and dilation d: the cross-correlation that the field calls convolution. Backward: d_kernel is the
    correlation of x with dz, dx the full correlation of dz with the flipped kernel.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: step of the window.
        padding: "valid" (none) or "same" (zeros around, so that y has ceil(size / stride) positions).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring inputs of a window; not together with strides above 1.
        groups: the channels are cut into so many groups, each convolved with its own filters.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.

    Shapes: x (N, H, W, C), kernel (kh, kw, C / groups, F), bias (F,), y (N, H', W', F).

    >>> import numpy as np
    >>> Conv2D(8, 3, activation="relu")(np.ones((2, 28, 28, 1), "float32")).shape
    (2, 26, 26, 8)
    """

    samples_alone = True
    rank = 2


@registry.register("layers", "Convolution3D")
class Conv3D(_Conv):
    """Convolution over volumes, or images over time.

    ``y[n, a, h, w, f] = activation(bias[f] + sum over k, i, j, c of x[n, a*s + k*d, h*s + i*d, w*s + j*d, c] *
    kernel[k, i, j, c, f])`` with strides s and dilation d. Backward: d_kernel is the correlation of x with dz, dx the
    full correlation of dz with the flipped kernel.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: step of the window.
        padding: "valid" (none) or "same" (zeros around, so that y has ceil(size / stride) positions).
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring inputs of a window; not together with strides above 1.
        groups: the channels are cut into so many groups, each convolved with its own filters.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.

    Shapes: x (N, D, H, W, C), kernel (kd, kh, kw, C / groups, F), bias (F,), y (N, D', H', W', F).

    >>> import numpy as np
    >>> Conv3D(8, 3, activation="relu")(np.ones((2, 6, 8, 8, 1), "float32")).shape
    (2, 4, 6, 6, 8)
    """

    samples_alone = True
    rank = 3
