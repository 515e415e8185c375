"""The cells of recurrent layers: one step of each, with the step's own backward."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import activations, random
from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.layers import applied, checks, settings


class Cell(Layer):
    """What the built-in cells share: variables, dropout, and products with a mask of their own for each gate.

    A cell is a layer of several inputs: ``forward([x, *states])`` returns ``[y, *states]``, and ``backward([dy,
    *dstates], cache)`` returns ``[dx, *dstates]``; ``state_size`` is the size of its state, or a list of sizes. A cell
    of one's own keeps to the same, and :class:`RNN` runs it. ``cell(x, states)`` returns ``(y, states)`` as in Keras.
    """

    named_inputs = ("inputs", "states")
    gates: int

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
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
        self.units = checks.positive(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
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
        self.state_size: Any = self.units
        self.output_size = self.units

    def build(self, input_shape: Any) -> None:
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        inputs = checks.known(self, shape, -1)
        self.kernel = settings.add(self, "kernel", (inputs, self.gates * self.units))
        self.recurrent_kernel = self.add_weight(
            (self.units, self.gates * self.units),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = settings.add(self, "bias", self._bias_shape()) if self.use_bias else None

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        output, *states = super().__call__(*inputs, **options)
        return output, states

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Return states of zeros for a batch."""
        return [np.zeros((batch_size or 0, size), self._compute) for size in sizes(self.state_size)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        first = input_shape[0] if input_shape and isinstance(input_shape[0], (tuple, list)) else input_shape
        return [(first[0], size) for size in (self.units, *sizes(self.state_size))]

    # ---- dropout ----

    def draw(self, x: Any, training: bool) -> tuple[Any, Any]:
        """Return the dropout masks, scaled, of inputs and states for all steps of a sequence; None where none is due.

        Arrays (n, 1, size), or with ``recurrent_dropout`` (n, gates, size): then each gate has masks of its own.
        """
        if not training or not (self.dropout or self.recurrent_dropout):
            return None, None
        count = self.gates if self.recurrent_dropout else 1
        return (
            self._mask(self.dropout, (len(x), count, x.shape[-1]), x.dtype),
            self._mask(self.recurrent_dropout, (len(x), count, self.units), x.dtype),
        )

    def _mask(self, rate: float, shape: tuple[int, ...], dtype: Any) -> Any:
        if not 0 < rate < 1:
            return None
        kept = self.generator.random(shape, dtype=np.float32) >= rate
        return kept * dtype.type(1 / (1 - rate))

    # ---- products ----

    def _times(self, a: Any, w: Any, mask: Any) -> Any:
        """a @ w, where a mask (n, gates, size) gives each gate's columns an input of its own."""
        if mask is None:
            return a @ w
        if mask.shape[1] == 1:
            return (a * mask[:, 0]) @ w
        width = w.shape[1] // mask.shape[1]
        return np.concatenate(
            [(a * mask[:, g]) @ w[:, g * width : (g + 1) * width] for g in range(mask.shape[1])], axis=1
        )

    def _back(self, dz: Any, a: Any, w: Any, mask: Any) -> tuple[Any, Any]:
        """Return da and dw of :meth:`_times`."""
        if mask is None:
            return dz @ w.T, a.T @ dz
        if mask.shape[1] == 1:
            return (dz @ w.T) * mask[:, 0], (a * mask[:, 0]).T @ dz
        width = w.shape[1] // mask.shape[1]
        da, dw = np.zeros_like(a), np.empty_like(w)
        for g in range(mask.shape[1]):
            part = slice(g * width, (g + 1) * width)
            da += (dz[:, part] @ w[:, part].T) * mask[:, g]
            dw[:, part] = (a * mask[:, g]).T @ dz[:, part]
        return da, dw


def sizes(state_size: Any) -> list[int]:
    """Return the sizes of all states, of nested lists too."""
    if isinstance(state_size, (list, tuple)):
        return [size for one in state_size for size in sizes(one)]
    return [int(state_size)]


def sum_of(gradients: Any, like: Any) -> Any:
    """Return the sum of gradients, None among them counting for nothing; zeros if all are None."""
    found = [g for g in gradients if g is not None]
    return np.zeros_like(like) if not found else found[0] if len(found) == 1 else sum(found[1:], found[0])


@registry.register("layers")
class SimpleRNNCell(Cell):
    """One step of :class:`SimpleRNN`: ``h' = activation(x @ kernel + h @ recurrent_kernel + bias)``.

    Backward, with dz = dh' * activation'(z): ``dx = dz @ kernel.T``, ``dh = dz @ recurrent_kernel.T``.

    Args:
        units: size U of state and output.
        activation: of the output; name or function.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: how the variables start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: fractions of inputs and state to drop in training, the same at all steps.
        seed: for a random stream of the cell's own.

    Shapes: x (N, I), h (N, U); kernel (I, U), recurrent_kernel (U, U), bias (U,).

    >>> y, states = SimpleRNNCell(4)(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")])
    >>> y.shape, len(states)
    ((2, 4), 1)
    """

    gates = 1

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )

    def forward(self, x: Any, training: bool = False, masks: Any = None) -> tuple[Any, Any]:
        x, h = x
        masks = self.draw(x, training) if masks is None else masks
        z = self._times(x, self.kernel.value, masks[0]) + self._times(h, self.recurrent_kernel.value, masks[1])
        if self.bias is not None:
            z += self.bias.value
        y, kept = applied.apply(self.activation, z, training)
        return [y, y], (x, h, masks, kept)

    def backward(self, dy: Any, cache: Any) -> Any:
        x, h, masks, kept = cache
        dz = applied.unapply(self.activation, sum_of(dy, h), kept, self)
        dx, dw = self._back(dz, x, self.kernel.value, masks[0])
        dh, du = self._back(dz, h, self.recurrent_kernel.value, masks[1])
        self.kernel.accumulate(dw)
        self.recurrent_kernel.accumulate(du)
        if self.bias is not None:
            self.bias.accumulate(dz.sum(axis=0))
        return [dx, dh]


@registry.register("layers")
class LSTMCell(Cell):
    """One step of :class:`LSTM`.

    With s the recurrent activation and a the activation::

        z = x @ kernel + h @ recurrent_kernel + bias      (in four parts: i, f, c, o)
        c' = s(z_f) * c + s(z_i) * a(z_c);    h' = s(z_o) * a(c')

    Args:
        units: size U of states and output.
        activation: of the candidate and of the output; name or function.
        recurrent_activation: of the three gates.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: how the variables start.
        unit_forget_bias: whether the bias of the forget gate starts at 1 (Jozefowicz et al., 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: fractions of inputs and state to drop in training, the same at all steps.
        seed: for a random stream of the cell's own.

    Shapes: x (N, I), h and c (N, U); kernel (I, 4 U), recurrent_kernel (U, 4 U), bias (4 U,).

    >>> y, states = LSTMCell(4)(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")] * 2)
    >>> y.shape, len(states)
    ((2, 4), 2)
    """

    gates = 4

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            seed,
            **kwargs,
        )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = bool(unit_forget_bias)
        self.state_size = [self.units, self.units]

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self.bias is not None and self.unit_forget_bias:
            self.bias.value[self.units : 2 * self.units] = 1

    def forward(self, x: Any, training: bool = False, masks: Any = None) -> tuple[Any, Any]:
        x, h, c = x
        masks = self.draw(x, training) if masks is None else masks
        z = self._times(x, self.kernel.value, masks[0]) + self._times(h, self.recurrent_kernel.value, masks[1])
        if self.bias is not None:
            z += self.bias.value
        parts = [np.ascontiguousarray(part) for part in np.split(z, 4, axis=1)]
        acts = (self.recurrent_activation, self.recurrent_activation, self.activation, self.recurrent_activation)
        (i, ki), (f, kf), (g, kg), (o, ko) = (applied.apply(a, p, training) for a, p in zip(acts, parts, strict=True))
        after = f * c + i * g
        hyperbolic, kc = applied.apply(self.activation, after, training)
        y = o * hyperbolic
        return [y, y, after], (x, h, c, masks, (i, f, g, o), (ki, kf, kg, ko), hyperbolic, kc)

    def backward(self, dy: Any, cache: Any) -> Any:
        x, h, c, masks, (i, f, g, o), kept, hyperbolic, kc = cache
        dh = sum_of(dy[:2], h)
        dc = applied.unapply(self.activation, dh * o, kc, self)
        dc = dc if dy[2] is None else dc + dy[2]
        acts = (self.recurrent_activation, self.recurrent_activation, self.activation, self.recurrent_activation)
        slopes = (dc * g, dc * c, dc * i, dh * hyperbolic)
        parts = [applied.unapply(a, s, k, self) for a, s, k in zip(acts, slopes, kept, strict=True)]
        dz = np.concatenate(parts, axis=1)
        dx, dw = self._back(dz, x, self.kernel.value, masks[0])
        dh, du = self._back(dz, h, self.recurrent_kernel.value, masks[1])
        self.kernel.accumulate(dw)
        self.recurrent_kernel.accumulate(du)
        if self.bias is not None:
            self.bias.accumulate(dz.sum(axis=0))
        return [dx, dh, dc * f]
