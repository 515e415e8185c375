"""The cell of the GRU."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import activations
from nnlite.core import registry
from nnlite.layers import applied
from nnlite.layers.rnn_cells import Cell, sum_of


@registry.register("layers")
class GRUCell(Cell):
    """One step of :class:`GRU`.

    With s the recurrent activation and a the activation::

        z = s(x @ kernel_z + h @ recurrent_kernel_z + bias_z);    r likewise
        reset_after:  k = a(x @ kernel_h + bias[0]_h + r * (h @ recurrent_kernel_h + bias[1]_h))
        otherwise:    k = a(x @ kernel_h + bias_h + (r * h) @ recurrent_kernel_h)
        h' = z * h + (1 - z) * k

    Args:
        units: size U of state and output.
        activation: of the candidate k; name or function.
        recurrent_activation: of the two gates.
        use_bias: whether biases are added.
        kernel_initializer, recurrent_initializer, bias_initializer: how the variables start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: projections after each update.
        dropout, recurrent_dropout: fractions of inputs and state to drop in training, the same at all steps.
        reset_after: whether the reset gate acts after the product with the state (as cuDNN has it) or before it.
        seed: for a random stream of the cell's own.

    Shapes: x (N, I), h (N, U); kernel (I, 3 U), recurrent_kernel (U, 3 U), bias (2, 3 U), or (3 U,) without
    ``reset_after``; gates in the order z, r, h.

    >>> y, states = GRUCell(4)(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")])
    >>> y.shape, len(states)
    ((2, 4), 1)
    """

    gates = 3

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
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
        self.reset_after = bool(reset_after)

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _biases(self) -> tuple[Any, Any]:
        if self.bias is None:
            return None, None
        return (self.bias.value[0], self.bias.value[1]) if self.reset_after else (self.bias.value, None)

    def forward(self, x: Any, training: bool = False, masks: Any = None) -> tuple[Any, Any]:
        x, h = x
        masks = self.draw(x, training) if masks is None else masks
        n, (b_in, b_own) = self.units, self._biases()
        u = self.recurrent_kernel.value
        a = self._times(x, self.kernel.value, masks[0])
        a = a if b_in is None else a + b_in
        inner = self._times(h, u if self.reset_after else u[:, : 2 * n], self._of(masks[1], self.reset_after))
        inner = inner if b_own is None else inner + b_own
        z, kz = applied.apply(self.recurrent_activation, a[:, :n] + inner[:, :n], training)
        r, kr = applied.apply(self.recurrent_activation, a[:, n : 2 * n] + inner[:, n : 2 * n], training)
        third = None if masks[1] is None else masks[1][:, -1]
        if self.reset_after:
            acted = inner[:, 2 * n :]
            product = r * acted
        else:
            acted = r * (h if third is None else h * third)
            product = acted @ u[:, 2 * n :]
        k, kk = applied.apply(self.activation, a[:, 2 * n :] + product, training)
        y = z * h + (1 - z) * k
        return [y, y], (x, h, masks, z, r, k, acted, (kz, kr, kk))

    @staticmethod
    def _of(mask: Any, all_gates: bool) -> Any:
        """The masks of the gates that a product with the state makes."""
        return mask if mask is None or all_gates or mask.shape[1] == 1 else mask[:, :2]

    def backward(self, dy: Any, cache: Any) -> Any:
        x, h, masks, z, r, k, acted, (kz, kr, kk) = cache
        dh, n, u = sum_of(dy, h), self.units, self.recurrent_kernel.value
        third = None if masks[1] is None else masks[1][:, -1]
        da_h = applied.unapply(self.activation, dh * (1 - z), kk, self)
        du = np.zeros_like(u)
        onward = dh * z
        if self.reset_after:
            dr, d_acted = da_h * acted, da_h * r
        else:
            shared = da_h @ u[:, 2 * n :].T
            before = h if third is None else h * third
            dr = shared * before
            onward = onward + (shared * r if third is None else shared * r * third)
            du[:, 2 * n :] = acted.T @ da_h
        da_z = applied.unapply(self.recurrent_activation, dh * (h - k), kz, self)
        da_r = applied.unapply(self.recurrent_activation, dr, kr, self)
        da = np.concatenate([da_z, da_r, da_h], axis=1)
        inner = np.concatenate([da_z, da_r, d_acted], axis=1) if self.reset_after else da[:, : 2 * n]
        columns = slice(None) if self.reset_after else slice(2 * n)
        back, own = self._back(inner, h, u[:, columns], self._of(masks[1], self.reset_after))
        du[:, columns] = own
        dx, dw = self._back(da, x, self.kernel.value, masks[0])
        self.kernel.accumulate(dw)
        self.recurrent_kernel.accumulate(du)
        if self.bias is not None:
            db = da.sum(axis=0)
            self.bias.accumulate(np.stack([db, inner.sum(axis=0)]) if self.reset_after else db)
        return [dx, back + onward]
