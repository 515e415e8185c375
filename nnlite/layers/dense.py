"""The dense layer."""

from __future__ import annotations

import math
from typing import Any

from nnlite import activations
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import few, scaled
from nnlite.kernels.dense import dense_backward, dense_forward, dense_forward_with_slope, is_little
from nnlite.layers import applied, checks, finishing, settings


@registry.register("layers")
class Dense(Layer):
    """Every output is a weighted sum of every input: ``y = activation(x @ kernel + bias)``.

    Backward, with z = x @ kernel + bias and dz = dy * activation'(z)::

        dx = dz @ kernel.T      d_kernel = x.T @ dz      d_bias = sum of dz over the rows

    Args:
        units: size of the output's last axis.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: how the variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank, lora_alpha, quantization_config: as in Keras's configs; must be None.

    Shapes: x (N, ..., I), y (N, ..., units); kernel (I, units), bias (units,).

    >>> import numpy as np
    >>> layer = Dense(3, activation="relu")
    >>> layer(np.ones((2, 5), "float32")).shape
    (2, 3)
    """

    samples_alone = True
    supports_masking = True
    takes_scaled = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        checks.none_of(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.units = checks.positive(self, "units", units)
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
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        inputs = checks.known(self, input_shape, -1)
        self.kernel = settings.add(self, "kernel", (inputs, self.units))
        self.bias = settings.add(self, "bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: inputs})

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        y, kept = self._activated(x.shape, *self._operands(x), training)
        return y, (x, kept)

    def _activated(self, shape: Any, rows: Any, w: Any, b: Any, training: bool) -> tuple[Any, Any]:
        """The output for an input of a shape, of these rows, and what backward needs of its activation."""
        both, shape = applied.with_slope(self.activation) if training else None, (*shape[:-1], self.units)
        if both is not None:
            y, slope = dense_forward_with_slope(rows, w, b, both)
            return y.reshape(shape), applied.Slope(slope)
        fused = applied.fusible(self.activation) if training else applied.in_chunks(self.activation)
        y = dense_forward(rows, w, b, fused).reshape(shape)
        if fused is None:
            return applied.apply(self.activation, y, training)
        return y, y if fused.keeps == "y" else None

    def _operands(self, x: Any) -> tuple[Any, Any, Any]:
        return x.reshape(-1, x.shape[-1]), self.kernel.value, None if self.bias is None else self.bias.value

    fuses_batches = True

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        if shape[0] is None:
            return self._inference_of_rows(shape, following) if len(shape) == 2 else None
        rows = math.prod(shape[:-1])
        if rows * shape[-1] * self.units > few.MOST:
            return None
        kernel, result = self.kernel, (*shape[:-1], self.units)
        finish, taken = finishing.finishing(self, result, following)

        if len(shape) == 2:
            return lambda x: finish(x.dot(kernel.value)), taken  # in half of the time that matmul's call takes
        return lambda x: finish((x.reshape(rows, -1) @ kernel.value).reshape(result)), taken

    def _inference_of_rows(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        """:meth:`inference` for any number of rows; of little work, Python's own would be a third in the kernel."""
        result = (1, self.units)
        found = finishing.fused(self, result, following, dense_forward, by_rows=True)
        finish, taken = finishing.finishing(self, result, following)
        if found is None or found[1] != taken:
            return found
        of_many, kernel, inputs, units = found[0], self.kernel, shape[1], self.units

        def infer(x: Any) -> Any:
            return finish(x.dot(kernel.value)) if is_little(len(x), inputs, units) else of_many(x)

        return infer, taken

    # For a normalization before this layer, whose scale and shift go into the weights: see nnlite.kernels.scaled.

    def scaled_units(self) -> int | None:
        """How many columns the weights have; None where they had better be left alone."""
        return self.units

    def forward_scaled(self, x: Any, gamma: Any, beta: Any, keep: bool) -> tuple[Any, Any]:
        """Return the output for x * gamma + beta and, if ``keep``, the cache in training."""
        rows, w, b = self._operands(x)
        w, b = scaled.weights_forward(w, b, gamma, beta)
        y, kept = self._activated(x.shape, rows, w, b, keep)
        return y, (x, kept, w, gamma, beta) if keep else None

    def backward_scaled(self, dy: Any, cache: Any, input_grad: bool) -> tuple[Any, Any, Any]:
        """Accumulate the gradients of the variables; return those of x, gamma and beta."""
        x, kept, w, gamma, beta = cache
        dx, dw, db = self._gradients(dy, x, kept, w, input_grad=input_grad)
        dw, dgamma, dbeta = scaled.weights_backward(dw, db, self.kernel.value, gamma, beta)
        self.kernel.accumulate(dw)
        if self.bias is not None:
            self.bias.accumulate(db)
        return dx, dgamma, dbeta

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        x, kept = cache
        if kept is None and applied.in_chunks(self.activation) is not None:  # z, in inference computed but not kept
            kept = dense_forward(*self._operands(x)).reshape(dy.shape)
        dx, dw, db = self._gradients(
            dy,
            x,
            kept,
            self.kernel.value,
            use_bias=self.bias is not None and self.bias.trainable,
            input_grad=input_grad,
            weight_grad=self.kernel.trainable,
            dw=self.kernel.memory_for_grad(),
        )
        if dw is not None:
            self.kernel.accumulate(dw)
        if self.bias is not None and db is not None:
            self.bias.accumulate(db)
        return dx

    def _gradients(self, dy: Any, x: Any, kept: Any, w: Any, **wanted: Any) -> tuple[Any, Any, Any]:
        """The gradients of x, of the weights that were used, and of the bias; each None where not wanted."""
        slope = kept.slope if type(kept) is applied.Slope else None
        dz = dy if slope is not None else applied.unapply(self.activation, dy, kept, self)
        rows = x.reshape(-1, x.shape[-1])
        dx, dw, db = dense_backward(dz.reshape(-1, self.units), rows, w, slope=slope, **wanted)
        return None if dx is None else dx.reshape(x.shape), dw, db

    def compute_output_shape(self, input_shape: Any) -> Any:
        return applied.shape(self.activation, (*input_shape[:-1], self.units))
