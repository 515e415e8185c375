"""What recurrent layers with a kernel for whole sequences share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite import activations
from nnlite.core.input_spec import InputSpec
from nnlite.kernels import few
from nnlite.layers.rnn import RNN
from nnlite.layers.rnn_cells import Cell

Array = NDArray[Any]


class _Steps:
    """The steps that are done: all but those that a mask leaves out of every sequence, as where all are padded.

    Args:
        mask: (N, T), or None.
        count: T.

    Attributes:
        mask: of the steps that are done; None where all of them are in all sequences.
        skips: whether there are others.
    """

    def __init__(self, mask: Array | None, count: int) -> None:
        self.mask, self.skips, self._count = mask, False, count
        if mask is None:
            return
        some = np.logical_or.reduce(mask, axis=0)
        if not some.all():
            some[0] |= not some.any()  # one at least
            self.skips, self._done = True, np.flatnonzero(some)
            # Which of them gave the state that a step finds; -1 before the first.
            self._before = np.cumsum(some) - 1
            self.mask = mask = self.taken(mask)
        if mask.all():
            self.mask = None

    def taken(self, x: Array) -> Array:
        """Return what is done of x (N, T, ...)."""
        return x[:, self._done]

    def repeated(self, h: Array, h0: Array | None) -> Array:
        """Return the state after each of all steps, from that after each that is done, and that before the first."""
        y = h[:, np.maximum(self._before, 0)]
        y[:, : self._done[0]] = 0 if h0 is None else h0[:, None]
        return y

    def summed(self, dy: Array) -> tuple[Array, Array]:
        """Return the gradients by h and by h0, for dy by what :meth:`repeated` returns."""
        return np.add.reduceat(dy, self._done, axis=1), dy[:, : self._done[0]].sum(axis=1)

    def spread(self, dx: Array) -> Array:
        """Return the gradient by x, for that by what :meth:`taken` returns."""
        whole = np.zeros((len(dx), self._count, *dx.shape[2:]), dx.dtype)
        whole[:, self._done] = dx
        return whole


def are_alone(layer: Any) -> bool:
    """Return whether each sequence's output depends on that sequence only, and is all that the layer gives."""
    return not layer.stateful and not layer.return_state


class Sequences(RNN):
    """SimpleRNN, LSTM and GRU: a kernel for whole sequences where the activations are the usual ones; else steps."""

    cell: Cell

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def _keep_arguments(self) -> None:
        """Let the cell's settings be found, and written into configs, as the layer's."""
        for name in self.argument_names():
            if not hasattr(self, name) and hasattr(self.cell, name):
                setattr(self, name, getattr(self.cell, name))

    def _usual(self) -> bool:
        """Whether the kernel computes these activations."""
        sigmoid = getattr(self.cell, "recurrent_activation", activations.sigmoid)
        return self.cell.activation is activations.tanh and sigmoid is activations.sigmoid

    def _few(self, x: Any) -> Any:
        """Return y of a few short sequences, without states and mask."""
        raise NotImplementedError

    def _kernel(self, x: Any, states: Any, mask: Any, keep: bool) -> tuple[Any, list[Any], Any]:
        """Return y of all steps, or None unless they are wanted, the last states and a cache."""
        raise NotImplementedError

    def _kernel_back(self, dy: Any, dlast: list[Any], cache: Any, input_grad: bool) -> tuple[Any, ...]:
        """Return dx, dw, du, db and the gradients of the states."""
        raise NotImplementedError

    def _bias(self) -> Any:
        return None if self.cell.bias is None else self.cell.bias.value

    def _run(self, x: Any, states: Any, mask: Any, training: bool, keep: bool) -> tuple[Any, list[Any], Any]:
        cell = self.cell
        if not self._usual() or (training and 0 < cell.recurrent_dropout < 1):
            y, last, cache = super()._run(x, states, mask, training, keep)
            return y, last, (False, cache, None)
        dropped, _ = cell.draw(x[:, 0], training)
        if dropped is not None:
            x = x * dropped
        alive = self._counts(mask)  # a masked step that counts repeats the state
        steps = _Steps(mask, x.shape[1])
        if steps.skips:
            x = steps.taken(x)
        y, last, cache = self._kernel(x, states, steps.mask, keep)
        if y is None:  # the last step is all that counts
            y = last[0][:, None].copy()
        if steps.skips and self.return_sequences:
            y = steps.repeated(y, states[0] if states else None)
        if alive is not None:
            alive = alive[:, -y.shape[1] :, None]
            y = y * alive
        return y, last, (True, cache, (dropped, alive, steps))

    def _run_back(self, dy: Any, dstates: Any, cache: Any, shape: Any, input_grad: bool = True) -> tuple[Any, Any]:
        fast, inner, kept = cache
        if not fast:
            return super()._run_back(dy, dstates, inner, shape)
        dropped, alive, steps = kept
        dlast, dbefore = list(dstates), None
        if dy is not None and not self.return_sequences:  # y is the last state
            dy = dy if alive is None else dy * alive[:, -1]
            dlast[0] = dy if dlast[0] is None else dy + dlast[0]
            dy = None
        elif dy is not None and alive is not None:
            dy = dy * alive
        if dy is not None and steps.skips:
            dy, dbefore = steps.summed(dy)
        dx, dw, du, db, *dbegin = self._kernel_back(dy, dlast, inner, input_grad)
        self.cell.kernel.accumulate(dw)
        self.cell.recurrent_kernel.accumulate(du)
        if self.cell.bias is not None:
            self.cell.bias.accumulate(db)
        if dbefore is not None:
            dbegin[0] += dbefore
        if dx is not None and steps.skips:
            dx = steps.spread(dx)
        return (dx if dropped is None or dx is None else dx * dropped), dbegin

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        if isinstance(shape, list) or self.stateful or self.return_state or not self._usual():
            return None
        work = shape[0] * shape[1] * (self.cell.kernel.value.size + self.cell.recurrent_kernel.value.size)
        if not 0 < work <= few.MOST:
            return None
        return (lambda x: self._few(x[:, ::-1])) if self.go_backwards else self._few, 0

    def get_config(self) -> dict[str, Any]:
        config = {key: value for key, value in super().get_config().items() if key != "cell"}
        return config | {"zero_output_for_mask": self.zero_output_for_mask}
