"""Depthwise and separable convolution layers."""

from __future__ import annotations

from typing import Any

from nnlite import activations, config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels.conv import conv_backward, conv_forward
from nnlite.kernels.depthwise import depthwise_backward, depthwise_forward
from nnlite.kernels.few_depthwise import depthwise_plan
from nnlite.kernels.separable import separable_forward
from nnlite.kernels.windows import axes, output_size
from nnlite.layers import applied, checks, finishing, layout, settings


class _Depthwise(Layer):
    """What depthwise and separable convolutions share; ``rank`` is the number of spatial axes."""

    slides_windows = True  # see Conv
    rank: int
    paddings: tuple[str, ...] = ("valid", "same")

    def _keep_windows(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        depth_multiplier: int,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
    ) -> None:
        self.kernel_size = checks.sizes(self, "kernel_size", kernel_size, self.rank)
        self.strides = checks.sizes(self, "strides", strides, self.rank)
        self.padding = checks.choice(self, "padding", padding, self.paddings)
        self.depth_multiplier = checks.positive(self, "depth_multiplier", depth_multiplier)
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = checks.sizes(self, "dilation_rate", dilation_rate, self.rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self.label}: strides {self.strides} and dilation_rate {self.dilation_rate} cannot both be above 1."
            )
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.input_spec: InputSpec = InputSpec(ndim=self.rank + 2)

    def _channels(self, input_shape: Any) -> int:
        axis = 1 if self.data_format == "channels_first" else -1
        self.input_spec.check(self, input_shape)
        channels = checks.known(self, input_shape, axis)
        self.compute_output_shape(input_shape)  # raises where a kernel does not fit into the input
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _out_shape(self, input_shape: Any, filters: int | None) -> Any:
        batch, *spatial, channels = layout.shape_to_last(input_shape, self.data_format)
        windows = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        try:
            sizes = [n if n is None else output_size(n, k, s, self.padding, d) for n, k, s, d in windows]
        except ValueError as error:
            raise ValueError(f"{self.label}: input of shape {tuple(input_shape)}: {error}") from None
        filters = channels * self.depth_multiplier if filters is None else filters
        return applied.shape(self.activation, layout.shape_from_last((batch, *sizes, filters), self.data_format))

    def _spatial(self, shape: Any) -> Any:
        """The windows on an input of that shape, channels last."""
        return axes(self.padding, tuple(shape[1:-1]), self.kernel_size, self.strides, self.dilation_rate)

    def _depthwise(self, x: Any, w: Any, b: Any = None, activation: Any = None) -> tuple[Any, Any]:
        return depthwise_forward(x, w, b, self._spatial(x.shape), activation)

    def _separable(self, x: Any, w: Any, b: Any, activation: Any, *point: Any) -> Any:
        """What a pointwise convolution, of that kernel, bias and activation, makes of the depthwise one's output."""
        return separable_forward(x, w, b, self._spatial(x.shape), activation, *point)


class _DepthwiseConv(_Depthwise):
    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._keep_windows(
            kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias
        )
        settings.keep(
            self,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name="kernel",
        )
        self.bias = settings.add(self, "bias", (channels * self.depth_multiplier,)) if self.use_bias else None

    @property
    def depthwise_kernel(self) -> Any:
        """The same as ``kernel``."""
        return self.kernel

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        fused = applied.fusible(self.activation, elementwise=True)
        bias = None if self.bias is None else self.bias.value
        y, cache = self._depthwise(layout.to_last(x, self.data_format), self.kernel.value, bias, fused)
        y, kept = layout.from_last(y, self.data_format), None
        if fused is None:
            y, kept = applied.apply(self.activation, y, training)
        return y, (cache, kept)

    fuses_batches = True

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        if self.data_format != "channels_last":
            return None
        if shape[0] is None:
            product = lambda *arguments: self._depthwise(*arguments)[0]  # noqa: E731
            out = self.compute_output_shape(shape)
            return finishing.fused(self, out, following, product, pointwise=self._separable)
        correlate = depthwise_plan(shape, self._spatial(shape), self.depth_multiplier, self._compute)
        done = finishing.parts(self, self.compute_output_shape(shape), following)
        return None if correlate is None else (done.along(correlate, self.kernel), done.taken)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        inner, kept = cache
        if applied.fusible(self.activation, elementwise=True) is None:
            dy = applied.unapply(self.activation, dy, kept, self)
        learns = self.kernel.trainable or (self.bias is not None and self.bias.trainable)
        dx, dw, db = depthwise_backward(layout.to_last(dy, self.data_format), inner, input_grad, learns)
        if dw is not None:
            self.kernel.accumulate(dw)
        if self.bias is not None and db is not None:
            self.bias.accumulate(db)
        return None if dx is None else layout.from_last(dx, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._out_shape(input_shape, None)


class _SeparableConv(_Depthwise):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = checks.positive(self, "filters", filters)
        self._keep_windows(
            kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias
        )
        settings.keep(
            self,
            depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
        )

    def build(self, input_shape: Any) -> None:
        channels = self._channels(input_shape)
        ones = (1,) * self.rank
        for kind, shape in (
            ("depthwise", (*self.kernel_size, channels, self.depth_multiplier)),
            ("pointwise", (*ones, channels * self.depth_multiplier, self.filters)),
        ):
            variable = self.add_weight(
                shape,
                getattr(self, f"{kind}_initializer"),
                regularizer=getattr(self, f"{kind}_regularizer"),
                constraint=getattr(self, f"{kind}_constraint"),
                name=f"{kind}_kernel",
            )
            setattr(self, f"{kind}_kernel", variable)
        self.bias = settings.add(self, "bias", (self.filters,)) if self.use_bias else None

    depthwise_kernel: Any
    pointwise_kernel: Any

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        between, cache = self._depthwise(layout.to_last(x, self.data_format), self.depthwise_kernel.value)
        bias = None if self.bias is None else self.bias.value
        z, point = conv_forward(between, self.pointwise_kernel.value, bias)
        y, kept = applied.apply(self.activation, layout.from_last(z, self.data_format), training)
        return y, (cache, point, kept)

    def infer(self, x: Any) -> Any:
        fused = applied.fusible(self.activation, elementwise=True)
        bias = None if self.bias is None else self.bias.value
        w, point = self.depthwise_kernel.value, self.pointwise_kernel.value
        y = self._separable(layout.to_last(x, self.data_format), w, None, None, point, bias, fused)
        y = layout.from_last(y, self.data_format)
        return y if fused is not None else applied.apply(self.activation, y)[0]

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        inner, point, kept = cache
        dz = layout.to_last(applied.unapply(self.activation, dy, kept, self), self.data_format)
        between, d_pointwise, db = conv_backward(dz, point)
        assert between is not None
        self.pointwise_kernel.accumulate(d_pointwise)
        if self.bias is not None:
            self.bias.accumulate(db)
        dx, dw, _ = depthwise_backward(between, inner, input_grad, self.depthwise_kernel.trainable)
        if dw is not None:
            self.depthwise_kernel.accumulate(dw)
        return None if dx is None else layout.from_last(dx, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._out_shape(input_shape, self.filters)


@registry.register("layers")
class DepthwiseConv1D(_DepthwiseConv):
    """Convolution of every channel of a sequence by itself, with M filters each.

    ``y[n, o, c*M + m] = activation(bias[c*M + m] + sum over t of x[n, o*s + t*d, c] * kernel[t, c, m])`` with strides
    s and dilation d. Backward: ``d_kernel[t, c, m] = sum of x * dz`` over the windows, dx gets ``dz * kernel[t]``.

    Args:
        kernel_size: size of the window, one number or one per spatial axis.
        strides: step of the window.
        padding: "valid", "same".
        depth_multiplier: number of filters M for each input channel.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring inputs of a window; not together with strides above 1.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        depthwise_initializer, bias_initializer: how the variables start.
        depthwise_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        depthwise_constraint, bias_constraint: projections after each update.

    Shapes: x (N, T, C), kernel (size, C, M), bias (C * M,), y (N, T', C * M).

    >>> import numpy as np
    >>> DepthwiseConv1D(3)(np.ones((2, 7, 5), "float32")).shape
    (2, 5, 5)
    """

    samples_alone = True
    rank = 1


@registry.register("layers")
class DepthwiseConv2D(_DepthwiseConv):
    """Convolution of every channel of an image by itself, with M filters each.

    ``y[n, o, c*M + m] = activation(bias[c*M + m] + sum over t of x[n, o*s + t*d, c] * kernel[t, c, m])`` with strides
    s and dilation d. Backward: ``d_kernel[t, c, m] = sum of x * dz`` over the windows, dx gets ``dz * kernel[t]``.

    Args:
        kernel_size: size of the window, one number or one per spatial axis.
        strides: step of the window.
        padding: "valid", "same".
        depth_multiplier: number of filters M for each input channel.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring inputs of a window; not together with strides above 1.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        depthwise_initializer, bias_initializer: how the variables start.
        depthwise_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        depthwise_constraint, bias_constraint: projections after each update.

    Shapes: x (N, H, W, C), kernel (kh, kw, C, M), bias (C * M,), y (N, H', W', C * M).

    >>> import numpy as np
    >>> DepthwiseConv2D(3, depth_multiplier=2)(np.ones((2, 7, 6, 5), "float32")).shape
    (2, 5, 4, 10)
    """

    samples_alone = True
    rank = 2


@registry.register("layers", "SeparableConvolution1D")
class SeparableConv1D(_SeparableConv):
    """A depthwise convolution of a sequence, then one of single positions that mixes the channels (Chollet, 2017).

    ``y = activation(depthwise(x) @ pointwise_kernel + bias)``, see :class:`DepthwiseConv1D`.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: step of the window.
        padding: "valid", "same".
        depth_multiplier: number of filters M for each input channel.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring inputs of a window; not together with strides above 1.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the variables start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections after each update.

    Shapes: x (N, T, C), depthwise_kernel (size, C, M), pointwise_kernel (1, C * M, F), bias (F,), y (N, T', F).

    >>> import numpy as np
    >>> SeparableConv1D(4, 3)(np.ones((2, 7, 5), "float32")).shape
    (2, 5, 4)
    """

    samples_alone = True
    rank = 1


@registry.register("layers", "SeparableConvolution2D")
class SeparableConv2D(_SeparableConv):
    """A depthwise convolution of an image, then one of single positions that mixes the channels (Chollet, 2017).

    ``y = activation(depthwise(x) @ pointwise_kernel + bias)``, see :class:`DepthwiseConv2D`.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: step of the window.
        padding: "valid", "same".
        depth_multiplier: number of filters M for each input channel.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring inputs of a window; not together with strides above 1.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the variables start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections after each update.

    Shapes: x (N, H, W, C), depthwise_kernel (kh, kw, C, M), pointwise_kernel (1, 1, C * M, F), bias (F,), y
    (N, H', W', F).

    >>> import numpy as np
    >>> SeparableConv2D(4, 3)(np.ones((2, 7, 6, 5), "float32")).shape
    (2, 5, 4, 4)
    """

    samples_alone = True
    rank = 2
