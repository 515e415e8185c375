"""The recurrent layers: whole sequences at once."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels.few_recurrent import gru_few, lstm_few, simple_rnn_few
from nnlite.kernels.gru import gru_backward, gru_forward
from nnlite.kernels.lstm import lstm_backward, lstm_forward
from nnlite.kernels.simple_rnn import simple_rnn_backward, simple_rnn_forward
from nnlite.layers.gru_cell import GRUCell
from nnlite.layers.rnn_cells import LSTMCell, SimpleRNNCell
from nnlite.layers.sequences import Sequences, are_alone


@registry.register("layers")
class SimpleRNN(Sequences):
    """A fully connected recurrent layer (Elman, 1990).

    ``h = activation(x[t] @ kernel + h @ recurrent_kernel + bias)`` for t = 0, 1, ...; y is h of the last step, or of
    all. Backward, from the last step to the first: ``dh += dy[t]; dz = dh * activation'(z); dh = dz @ R.T`` with R the
    recurrent kernel; ``dx[t] = dz @ kernel.T``, and the gradients of the variables are sums over the steps.

    Args:
        units: size U of state and output.
        activation: name or function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: how the variables start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: fraction of the inputs to drop in training, the same at all steps (Gal and Ghahramani, 2016).
        recurrent_dropout: fraction of the state to drop in training; then every gate has masks of its own.
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask: as for :class:`RNN`.
        seed: for a random stream of the layer's own.

    Shapes: x (N, T, I); y (N, U), or (N, T, U) with ``return_sequences``; kernel (I, U), recurrent_kernel (U, U), bias
    (U,).

    >>> import numpy as np
    >>> SimpleRNN(4)(np.ones((2, 5, 3), "float32")).shape
    (2, 4)
    """

    rows_alone = property(are_alone)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            name="simple_rnn_cell",
            units=units,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
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
        self._keep_arguments()

    def _few(self, x: Any) -> Any:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        return simple_rnn_few(x, w, u, self._bias(), self.return_sequences)

    def _kernel(self, x: Any, states: Any, mask: Any, keep: bool) -> tuple[Any, list[Any], Any]:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        h0 = states[0] if states else None
        y, h, cache = simple_rnn_forward(x, w, u, self._bias(), h0, mask, keep, self.return_sequences)
        return y, [h], cache

    def _kernel_back(self, dy: Any, dlast: list[Any], cache: Any, input_grad: bool) -> tuple[Any, ...]:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        return simple_rnn_backward(dy, dlast[0], w, u, cache, input_grad)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; ``seed``, which Keras leaves out here, only where there is one."""
        return {key: value for key, value in super().get_config().items() if key != "seed" or value is not None}


@registry.register("layers")
class LSTM(Sequences):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with a forget gate (Gers et al., 2000).

    With s the recurrent activation and a the activation, for t = 0, 1, ...::

        z = x[t] @ kernel + h @ recurrent_kernel + bias      (in four parts: i, f, c, o)
        c = s(z_f) * c + s(z_i) * a(z_c);    h = s(z_o) * a(c)

    y is h of the last step, or of all; the states are [h, c]. Backward goes from the last step to the first: dc takes
    over ``dh * s(z_o) * a'(c)``, each part of dz is its factor's gradient times its slope, ``dx[t] = dz @ kernel.T``,
    ``dh = dz @ recurrent_kernel.T``, ``dc = dc * s(z_f)``.

    Args:
        units: size U of state and output.
        activation: name or function; None for none.
        recurrent_activation: of the gates.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: how the variables start.
        unit_forget_bias: whether the bias of the forget gate starts at 1 (Jozefowicz et al., 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: fraction of the inputs to drop in training, the same at all steps (Gal and Ghahramani, 2016).
        recurrent_dropout: fraction of the state to drop in training; then every gate has masks of its own.
        seed: for a random stream of the layer's own.
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask: as for :class:`RNN`.
        use_cudnn: accepted for Keras's sake.

    Shapes: x (N, T, I); y (N, U), or (N, T, U) with ``return_sequences``; kernel (I, 4 U), recurrent_kernel (U, 4 U),
    bias (4 U,).

    >>> import numpy as np
    >>> y, h, c = LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3), "float32"))
    >>> y.shape, h.shape, c.shape
    ((2, 5, 4), (2, 4), (2, 4))
    """

    rows_alone = property(are_alone)

    def __init__(
        self,
        units: int,
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
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            name="lstm_cell",
            units=units,
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
        self._keep_arguments()

    def _few(self, x: Any) -> Any:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        return lstm_few(x, w, u, self._bias(), self.return_sequences)

    def _kernel(self, x: Any, states: Any, mask: Any, keep: bool) -> tuple[Any, list[Any], Any]:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        h0, c0 = states or (None, None)
        y, h, c, cache = lstm_forward(x, w, u, self._bias(), h0, c0, mask, keep, self.return_sequences)
        return y, [h, c], cache

    def _kernel_back(self, dy: Any, dlast: list[Any], cache: Any, input_grad: bool) -> tuple[Any, ...]:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        return lstm_backward(dy, dlast[0], dlast[1], w, u, cache, input_grad)


@registry.register("layers")
class GRU(Sequences):
    """Gated recurrent unit (Cho et al., 2014).

    With s the recurrent activation and a the activation, for t = 0, 1, ...::

        z = s(x[t] @ kernel_z + h @ recurrent_kernel_z + bias_z);    r likewise
        reset_after:  k = a(x[t] @ kernel_h + bias[0]_h + r * (h @ recurrent_kernel_h + bias[1]_h))
        otherwise:    k = a(x[t] @ kernel_h + bias_h + (r * h) @ recurrent_kernel_h)
        h = z * h + (1 - z) * k

    y is h of the last step, or of all. Backward, from the last step to the first: ``dz = dh * (h_before - k)``,
    ``dk = dh * (1 - z)``, each times its slope and through its products; ``dh_before = dh * z`` and what the products
    with the state return.

    Args:
        units: size U of state and output.
        activation: name or function; None for none.
        recurrent_activation: of the gates.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: how the variables start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on y.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout: fraction of the inputs to drop in training, the same at all steps (Gal and Ghahramani, 2016).
        recurrent_dropout: fraction of the state to drop in training; then every gate has masks of its own.
        seed: for a random stream of the layer's own.
        return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask: as for :class:`RNN`.
        reset_after: whether the reset gate acts after the product with the state (as cuDNN has it) or before it.
        use_cudnn: accepted for Keras's sake.

    Shapes: x (N, T, I); y (N, U), or (N, T, U) with ``return_sequences``; kernel (I, 3 U), recurrent_kernel (U, 3 U),
    bias (2, 3 U), or (3 U,) without ``reset_after``; gates in the order z, r, h.

    >>> import numpy as np
    >>> GRU(4)(np.ones((2, 5, 3), "float32")).shape
    (2, 4)
    """

    cell: GRUCell

    rows_alone = property(are_alone)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            name="gru_cell",
            units=units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            reset_after=reset_after,
            seed=seed,
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
        self._keep_arguments()

    def _few(self, x: Any) -> Any:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        return gru_few(x, w, u, self._bias(), self.cell.reset_after, self.return_sequences)

    def _kernel(self, x: Any, states: Any, mask: Any, keep: bool) -> tuple[Any, list[Any], Any]:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        h0 = states[0] if states else None
        y, h, cache = gru_forward(x, w, u, self._bias(), h0, mask, self.cell.reset_after, keep, self.return_sequences)
        return y, [h], cache

    def _kernel_back(self, dy: Any, dlast: list[Any], cache: Any, input_grad: bool) -> tuple[Any, ...]:
        w, u = self.cell.kernel.value, self.cell.recurrent_kernel.value
        return gru_backward(dy, dlast[0], w, u, cache, input_grad)
