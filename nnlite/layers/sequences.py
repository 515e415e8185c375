"""What recurrent layers with a kernel for whole sequences share."""

from __future__ import annotations

from typing import Any

from nnlite import activations
from nnlite.kernels import few
from nnlite.layers.rnn import RNN
from nnlite.layers.rnn_cells import Cell


class Sequences(RNN):
    """SimpleRNN, LSTM and GRU: a kernel for whole sequences where the activations are the usual ones; else steps."""

    cell: Cell

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
        y, last, cache = self._kernel(x if dropped is None else x * dropped, states, mask, keep)
        if y is None:  # the last step is all that counts
            y = last[0][:, None].copy()
        alive = self._counts(mask)  # a masked step that counts repeats the state
        if alive is not None:
            alive = alive[:, -y.shape[1] :, None]
            y = y * alive
        return y, last, (True, cache, (dropped, alive))

    def _run_back(self, dy: Any, dstates: Any, cache: Any, shape: Any, input_grad: bool = True) -> tuple[Any, Any]:
        fast, inner, kept = cache
        if not fast:
            return super()._run_back(dy, dstates, inner, shape)
        dropped, alive = kept
        dlast = list(dstates)
        if dy is not None and not self.return_sequences:  # y is the last state
            dy = dy if alive is None else dy * alive[:, -1]
            dlast[0] = dy if dlast[0] is None else dy + dlast[0]
            dy = None
        elif dy is not None and alive is not None:
            dy = dy * alive
        dx, dw, du, db, *dbegin = self._kernel_back(dy, dlast, inner, input_grad)
        self.cell.kernel.accumulate(dw)
        self.cell.recurrent_kernel.accumulate(du)
        if self.cell.bias is not None:
            self.cell.bias.accumulate(db)
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
