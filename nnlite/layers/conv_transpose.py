"""Transposed convolution layers."""

from __future__ import annotations

from typing import Any

from nnlite import activations, config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels.conv_transpose import conv_transpose_backward, conv_transpose_forward, transposed_axis
from nnlite.layers import applied, checks, layout, settings


class _ConvTranspose(Layer):
    """What the three share; ``rank`` is the number of spatial axes."""

    rank: int

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.padding = checks.choice(self, "padding", padding, ("valid", "same"))
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = checks.sizes(self, "output_padding", output_padding, self.rank, least=0)
            if any(p >= s for p, s in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{self.label}: output_padding {self.output_padding} must be smaller than strides {self.strides}."
                )
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = checks.sizes(self, "dilation_rate", dilation_rate, self.rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self.label}: strides {self.strides} and dilation_rate {self.dilation_rate} cannot both be above 1."
            )
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
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
        self.compute_output_shape(input_shape)  # raises where nothing is left
        self.kernel = settings.add(self, "kernel", (*self.kernel_size, self.filters, channels))
        self.bias = settings.add(self, "bias", (self.filters,)) if self.use_bias else None
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def _axes(self, sizes: Any) -> tuple[Any, ...]:
        more = self.output_padding or (None,) * self.rank
        numbers = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, more, strict=True)
        return tuple(None if n is None else transposed_axis(n, k, s, self.padding, d, p) for n, k, s, d, p in numbers)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        x = layout.to_last(x, self.data_format)
        bias = None if self.bias is None else self.bias.value
        z, cache = conv_transpose_forward(x, self.kernel.value, bias, self._axes(x.shape[1:-1]))
        y, kept = applied.apply(self.activation, layout.from_last(z, self.data_format), training)
        return y, (cache, kept)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        inner, kept = cache
        dz = layout.to_last(applied.unapply(self.activation, dy, kept, self), self.data_format)
        dx, dw, db = conv_transpose_backward(dz, inner, input_grad, self.kernel.trainable)
        if dw is not None:
            self.kernel.accumulate(dw)
        if self.bias is not None:
            self.bias.accumulate(db)
        return None if dx is None else layout.from_last(dx, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *sizes, _ = layout.shape_to_last(input_shape, self.data_format)
        try:
            spatial = [None if one is None else one.size for one in self._axes(sizes)]
        except ValueError as error:
            raise ValueError(f"{self.label}: input of shape {tuple(input_shape)}: {error}") from None
        whole = layout.shape_from_last((batch, *spatial, self.filters), self.data_format)
        return applied.shape(self.activation, whole)


@registry.register("layers", "Convolution1DTranspose")
class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution along one axis: every step of x gives to a window of y.

    ``y[n, o, f] = act(bias[f] + sum of x[n, i, c] * kernel[t, f, c] over c and all i, t with i*s + t*d - cut = o)``
    with strides s and dilation d: the gradient of a convolution's input, as a layer (Zeiler et al., 2010). Backward: dx
    is the convolution of dz with the kernel, d_kernel the correlation of dz with x.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: how far apart the windows of neighbouring inputs lie.
        padding: "valid" keeps every output, "same" cuts y to ``size * strides``.
        output_padding: outputs more, along each axis; must be smaller than the stride. None for none more than needed.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring outputs of a window; not together with strides above 1.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.

    Shapes: x (N, T, C), kernel (size, F, C), bias (F,), y (N, T', F).

    >>> import numpy as np
    >>> Conv1DTranspose(4, 3, strides=2)(np.ones((2, 7, 5), "float32")).shape
    (2, 15, 4)
    """

    rank = 1


@registry.register("layers", "Convolution2DTranspose")
class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution of images: every pixel of x gives to a window of y; with strides the image grows.

    ``y[n, o, f] = act(bias[f] + sum of x[n, i, c] * kernel[t, f, c] over c and all i, t with i*s + t*d - cut = o)``
    with strides s and dilation d: the gradient of a convolution's input, as a layer (Zeiler et al., 2010). Backward: dx
    is the convolution of dz with the kernel, d_kernel the correlation of dz with x.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: how far apart the windows of neighbouring inputs lie.
        padding: "valid" keeps every output, "same" cuts y to ``size * strides``.
        output_padding: outputs more, along each axis; must be smaller than the stride. None for none more than needed.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        dilation_rate: distance between neighbouring outputs of a window; not together with strides above 1.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.

    Shapes: x (N, H, W, C), kernel (kh, kw, F, C), bias (F,), y (N, H', W', F).

    >>> import numpy as np
    >>> Conv2DTranspose(4, 3, strides=2, padding="same")(np.ones((2, 7, 5, 3), "float32")).shape
    (2, 14, 10, 4)
    """

    rank = 2


@registry.register("layers", "Convolution3DTranspose")
class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution of volumes: every point of x gives to a window of y.

    ``y[n, o, f] = act(bias[f] + sum of x[n, i, c] * kernel[t, f, c] over c and all i, t with i*s + t*d - cut = o)``
    with strides s and dilation d: the gradient of a convolution's input, as a layer (Zeiler et al., 2010). Backward: dx
    is the convolution of dz with the kernel, d_kernel the correlation of dz with x.

    Args:
        filters: number of output channels F.
        kernel_size: size of the window, one number or one per spatial axis.
        strides: how far apart the windows of neighbouring inputs lie.
        padding: "valid" keeps every output, "same" cuts y to ``size * strides``.
        data_format: "channels_last" (N, ..., C) or "channels_first" (N, C, ...); the configured default where None.
        output_padding: outputs more, along each axis; must be smaller than the stride. None for none more than needed.
        dilation_rate: distance between neighbouring outputs of a window; not together with strides above 1.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.

    Shapes: x (N, D, H, W, C), kernel (kd, kh, kw, F, C), bias (F,), y (N, D', H', W', F).

    >>> import numpy as np
    >>> Conv3DTranspose(4, 2, strides=2)(np.ones((2, 3, 4, 5, 3), "float32")).shape
    (2, 6, 8, 10, 4)
    """

    rank = 3

    def __init__(  # Keras names these two in another order here
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs)
