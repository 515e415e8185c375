"""Convolutional recurrent layers: an LSTM whose products are convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import activations, config, random
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels.conv_lstm import Activation, conv_lstm_backward, conv_lstm_forward
from nnlite.kernels.windows import output_size
from nnlite.layers import applied, checks, layout, settings
from nnlite.layers.rnn import RNN


class ConvLSTMCell(Layer):
    """What a convolutional LSTM has for each step: the kernels, the bias and the settings."""

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        unit_forget_bias: bool,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rank = rank
        self.filters = self.state_size = checks.positive(self, "filters", filters)
        self.kernel_size = checks.sizes(self, "kernel_size", kernel_size, rank)
        self.strides = checks.sizes(self, "strides", strides, rank)
        self.padding = checks.choice(self, "padding", padding, ("valid", "same"))
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = checks.sizes(self, "dilation_rate", dilation_rate, rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self.label}: strides {self.strides} and dilation_rate {self.dilation_rate} cannot both be above 1."
            )
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias, self.unit_forget_bias = bool(use_bias), bool(unit_forget_bias)
        settings.keep(
            self,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
        )
        self.dropout = checks.fraction(self, "dropout", dropout)
        self.recurrent_dropout = checks.fraction(self, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.generator = random.generator(seed)

    def build(self, input_shape: Any) -> None:
        channels = checks.known(self, input_shape, 1 if self.data_format == "channels_first" else -1)
        self.kernel = settings.add(self, "kernel", (*self.kernel_size, channels, 4 * self.filters))
        self.recurrent_kernel = self.add_weight(
            (*self.kernel_size, self.filters, 4 * self.filters),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = settings.add(self, "bias", (4 * self.filters,)) if self.use_bias else None
        if self.bias is not None and self.unit_forget_bias:
            self.bias.value[self.filters : 2 * self.filters] = 1

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        raise NotImplementedError(f"{self.label} is a part of its layer, which computes all steps at once.")

    def output_shape(self, step_shape: Any) -> tuple[Any, ...]:
        """Return the shape of the states for one step's input, with the channels last."""
        batch, *spatial, _ = layout.shape_to_last(step_shape, self.data_format)
        windows = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        sizes = [n if n is None else output_size(n, k, s, self.padding, d) for n, k, s, d in windows]
        return (batch, *sizes, self.filters)

    def draw(self, rate: float, shape: tuple[int, ...], dtype: Any) -> Any:
        """Return dropout masks, scaled, of arrays (..., channels): (..., 4, channels), so one a gate, or None."""
        if not 0 < rate < 1:
            return None
        kept = self.generator.random((*shape[:-1], 4, shape[-1]), dtype=np.float32) >= rate
        return kept * dtype.type(1 / (1 - rate))


class _ConvLSTM(RNN):
    """What the three share; ``rank`` is the number of spatial axes."""

    rank: int
    cell: ConvLSTMCell

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            rank=self.rank,
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            name="conv_lstm_cell",
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        for name in self.argument_names():
            if not hasattr(self, name) and hasattr(cell, name):
                setattr(self, name, getattr(cell, name))
        self.input_spec = InputSpec(ndim=self.rank + 3)

    @property
    def state_size(self) -> list[int]:
        """The channels of the two states, h and c."""
        return [self.cell.filters, self.cell.filters]

    def build(self, input_shape: Any) -> None:
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        InputSpec(ndim=self.rank + 3).check(self, shape)
        self._output_of(shape)  # raises where a kernel does not fit into the input
        if not self.cell.built:
            self.cell.build((shape[0], *shape[2:]))
        axis = 2 if self.cell.data_format == "channels_first" else -1
        self.input_spec = InputSpec(ndim=self.rank + 3, axes={axis: shape[axis]})

    def _output_of(self, shape: Any) -> tuple[Any, ...]:
        """The shape of a state, in the layer's data format."""
        try:
            return layout.shape_from_last(self.cell.output_shape((shape[0], *shape[2:])), self.cell.data_format)
        except ValueError as error:
            raise ValueError(f"{self.label}: input of shape {tuple(shape)}: {error}") from None

    def _wanted(self, x: Any) -> list[tuple[int, ...]]:
        return [self._output_of(x.shape)] * 2

    # ---- the steps ----

    def _activations(self) -> dict[str, Activation]:
        """The activations as the kernel takes them; none where they are the usual ones, which it has itself."""
        if self.cell.activation is activations.tanh and self.cell.recurrent_activation is activations.sigmoid:
            return {}

        def pair(function: Any) -> Activation:
            return Activation(
                lambda z: applied.apply(function, z), lambda dy, kept: applied.unapply(function, dy, kept, self)
            )

        return {"act": pair(self.cell.activation), "gate": pair(self.cell.recurrent_activation)}

    def _run(self, x: Any, states: Any, mask: Any, training: bool, keep: bool) -> tuple[Any, list[Any], Any]:
        cell, last = self.cell, self.cell.data_format
        x = np.moveaxis(x, 2, -1) if last == "channels_first" else x
        shape = cell.output_shape(layout.shape_from_last((len(x), *x.shape[2:]), last))
        y, h, c, cache = conv_lstm_forward(
            x,
            cell.kernel.value,
            cell.recurrent_kernel.value,
            None if cell.bias is None else cell.bias.value,
            None if states is None else [layout.to_last(state, last) for state in states],
            mask=mask,
            dropped=cell.draw(cell.dropout, (len(x), *x.shape[2:]), x.dtype) if training else None,
            recurrent_dropped=cell.draw(cell.recurrent_dropout, shape, x.dtype) if training else None,
            every=self.return_sequences,
            keep=keep,
            **self._activations(),
            strides=cell.strides,
            padding=cell.padding,
            dilation=cell.dilation_rate,
        )
        alive = self._counts(mask)  # a masked step that counts repeats the state
        if alive is not None:
            alive = alive.reshape(*alive.shape, *(1,) * (self.rank + 1))
            y = y * alive[:, -y.shape[1] :]
        y = np.ascontiguousarray(np.moveaxis(y, -1, 2)) if last == "channels_first" else y
        return y, [layout.from_last(state, last) for state in (h, c)], (cache, alive)

    def _run_back(
        self, dy: Any, dstates: list[Any], cache: Any, shape: Any, input_grad: bool = True
    ) -> tuple[Any, list[Any]]:
        (inner, alive), last = cache, self.cell.data_format
        dh, dc = (None if d is None else layout.to_last(d, last) for d in dstates)
        if dy is not None and not self.return_sequences:  # y is the last state
            dy = layout.to_last(dy, last)
            dy = dy if alive is None else dy * alive[:, -1]
            dh, dy = dy if dh is None else dy + dh, None
        elif dy is not None:
            dy = np.moveaxis(dy, 2, -1) if last == "channels_first" else dy
            dy = dy if alive is None else dy * alive
        dx, dw, du, db, *dbegin = conv_lstm_backward(dy, dh, dc, inner, input_grad)
        self.cell.kernel.accumulate(dw)
        self.cell.recurrent_kernel.accumulate(du)
        if self.cell.bias is not None:
            self.cell.bias.accumulate(db)
        dx = np.moveaxis(dx, -1, 2) if last == "channels_first" and dx is not None else dx
        return dx, [layout.from_last(d, last) for d in dbegin]

    # ---- description ----

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        state = self._output_of(shape)
        output = (state[0], shape[1], *state[1:]) if self.return_sequences else state
        return [output, state, state] if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in super().get_config().items() if key != "cell"}


@registry.register("layers")
class ConvLSTM1D(_ConvLSTM):
    """A convolutional LSTM over sequences of rows: :class:`ConvLSTM2D` with one spatial axis.

    Shapes (channels last): x (N, T, L, C); y (N, L', F), or (N, T, L', F) with ``return_sequences``.

    >>> import numpy as np
    >>> ConvLSTM1D(2, 3, padding="same")(np.ones((1, 4, 5, 3), "float32")).shape
    (1, 5, 2)
    """

    rank = 1


@registry.register("layers")
class ConvLSTM2D(_ConvLSTM):
    """A convolutional LSTM over sequences of images (Shi et al., 2015, without peepholes).

    With s the recurrent activation, a the activation and * the convolution, for t = 0, 1, ...::

        z = x[t] * kernel + h * recurrent_kernel + bias      (in four parts: i, f, c, o)
        c = s(z_f) c + s(z_i) a(z_c);    h = s(z_o) a(c)

    y is h of the last step, or of all; the states are [h, c]. The convolutions of all steps with the kernel are one;
    those of h have stride 1 and padding "same". Backward as for ``LSTM``, with convolutions for its products.

    Args:
        filters: channels F of states and output.
        kernel_size, strides, padding, data_format, dilation_rate: of the convolution with the input, as for
            ``Conv2D``; kernel_size is the recurrent kernel's too.
        activation, recurrent_activation: of candidate and output, and of the gates; name or function.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: how the variables start.
        unit_forget_bias: whether the bias of the forget gate starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: fractions of input and state to drop in training, the same at all steps; every gate
            has masks of its own.
        seed: for a random stream of the layer's own.
        return_sequences, return_state, go_backwards, stateful, unroll: as for :class:`RNN`. (Keras on JAX takes masks
            with ``unroll`` alone.)

    Shapes (channels last): x (N, T, H, W, C); y (N, H', W', F), or (N, T, H', W', F) with ``return_sequences``; kernel
    (kernel sizes..., C, 4 F), recurrent_kernel (kernel sizes..., F, 4 F), bias (4 F,).

    Raises:
        ValueError: for arguments out of range, a kernel that does not fit into the input, sequences without a step,
            and masks or states of another shape.

    >>> import numpy as np
    >>> ConvLSTM2D(2, 3, padding="same")(np.ones((1, 4, 5, 5, 3), "float32")).shape
    (1, 5, 5, 2)
    """

    rank = 2


@registry.register("layers")
class ConvLSTM3D(_ConvLSTM):
    """A convolutional LSTM over sequences of volumes: :class:`ConvLSTM2D` with three spatial axes.

    Shapes (channels last): x (N, T, D, H, W, C); y (N, D', H', W', F), or (N, T, D', H', W', F) with
    ``return_sequences``.

    >>> import numpy as np
    >>> ConvLSTM3D(2, 3, padding="same")(np.ones((1, 2, 3, 3, 3, 1), "float32")).shape
    (1, 3, 3, 3, 2)
    """

    rank = 3
