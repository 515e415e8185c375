"""RNN: any cell over all steps of a sequence; and cells on top of each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry, serialization
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.core.structure import flatten
from nnlite.layers.rnn_cells import sizes, sum_of


class _States:
    """The states that a stateful layer hands on from batch to batch."""

    __slots__ = ("arrays",)

    def __init__(self) -> None:
        self.arrays: list[Any] | None = None


@registry.register("layers")
class RNN(Layer):
    """A cell run over the steps of sequences, each step beginning with the states that the last one left.

    ``y[:, t], states = cell(x[:, t], states)`` for t = 0, 1, ...; backward goes through the steps in the opposite
    order and hands the gradients of the states from each step to the one before.

    Args:
        cell: a cell (a layer with ``state_size``, whose ``forward([x, *states])`` returns ``[y, *states]``), or a list
            of cells, on top of each other.
        return_sequences: whether y of all steps is returned, or of the last one alone.
        return_state: whether the last states are returned too, after y.
        go_backwards: whether the steps are done from last to first (and returned in that order).
        stateful: whether a batch begins with the states that the last one ended with; batches must be of one size.
            :meth:`reset_state` begins anew.
        unroll: as on JAX, changes y of the steps that a mask leaves out, and nothing else: it is y of the step before,
            0 before the first step that counts, whatever ``zero_output_for_mask`` says.
        zero_output_for_mask: whether y of a step that the mask leaves out is 0, or the first state, which for the
            built-in cells is y of the step before it.

    A call takes ``initial_state`` (a list of arrays; they get gradients) and ``mask`` (N, T): where it is False the
    states stay as they are.

    Shapes: x (N, T, ...); y (N, U), or (N, T, U) with ``return_sequences``; each state (N, size).

    Raises:
        ValueError: for sequences without a step, a mask or states of another shape, and a batch of another size if
            stateful.

    >>> from nnlite.layers import LSTMCell
    >>> RNN(LSTMCell(4), return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
    (2, 5, 4)
    """

    supports_masking = True
    named_inputs = ("sequences", "initial_state")

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("implementation", None)  # older scripts chose between two ways of Keras's to the same numbers
        super().__init__(**kwargs)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not isinstance(cell, Layer) or not hasattr(cell, "state_size"):
            raise ValueError(
                f"{self.label}: cell must be a layer with a state_size, whose forward([x, *states]) returns "
                f"([y, *states], cache), got {cell!r}."
            )
        self.cell = cell
        self.return_sequences, self.return_state = bool(return_sequences), bool(return_state)
        self.go_backwards, self.stateful, self.unroll = bool(go_backwards), bool(stateful), bool(unroll)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self._states = _States()
        self.input_spec = InputSpec(min_ndim=3)

    @property
    def state_size(self) -> Any:
        """Sizes of the states, as the cell has them."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    @property
    def states(self) -> Any:
        """The states that the next batch begins with, if stateful; None before the first."""
        return self._states.arrays

    @states.setter
    def states(self, arrays: Any) -> None:
        self._states.arrays = None if arrays is None else [np.array(state) for state in arrays]

    def reset_state(self) -> None:
        """Begin the next batch with states of zeros."""
        self._states.arrays = None

    reset_states = reset_state

    def build(self, input_shape: Any) -> None:
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        if self.input_spec is not None:
            self.input_spec.check(self, shape)
        if not self.cell.built:
            self.cell.build((shape[0], *shape[2:]))

    # ---- around the steps ----

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        return self._forward(x, training, mask, keep=True)

    def infer(self, x: Any, mask: Any = None) -> Any:
        return self._forward(x, False, mask, keep=False)[0]

    def _forward(self, x: Any, training: bool, mask: Any, keep: bool) -> tuple[Any, Any]:
        x, *given = x if isinstance(x, list) else [x]
        states, mask = self._begin(x, given), self._checked_mask(x, mask)
        if self.go_backwards:
            x, mask = x[:, ::-1], None if mask is None else mask[:, ::-1]
        y, last, cache = self._run(x, states, mask, bool(training), keep)
        if self.stateful:
            self._states.arrays = [np.array(state) for state in last]
        output = y if self.return_sequences else np.ascontiguousarray(y[:, -1])
        result = [output, *self._nested(last)] if self.return_state else output
        return result, (cache, len(given), x.shape, len(last))

    def _begin(self, x: Any, given: list[Any]) -> list[Any] | None:
        if x.shape[1] == 0:
            raise ValueError(f"{self.label}: sequences must have at least one step, got an input of shape {x.shape}.")
        wanted = self._wanted(x)
        if given:
            shapes = [np.shape(state) for state in given]
            if shapes != wanted:
                raise ValueError(f"{self.label}: initial_state must have shapes {wanted}, got {shapes}.")
            return [np.asarray(state, self._compute) for state in given]
        if self.stateful and self._states.arrays is not None:
            held = self._states.arrays
            if len(held[0]) != len(x):
                raise ValueError(
                    f"{self.label} is stateful: its states are those of {len(held[0])} sequences, got a batch of "
                    f"{len(x)}. Use batches of one size, or call reset_state() first."
                )
            if (shapes := [state.shape for state in held]) != wanted:
                raise ValueError(
                    f"{self.label} is stateful: its states have shapes {shapes}, an input of shape {x.shape} needs "
                    f"{wanted}. Use inputs of one size, or call reset_state() first."
                )
            return held
        return None

    def _wanted(self, x: Any) -> list[tuple[int, ...]]:
        """The shapes of the states."""
        return [(len(x), size) for size in sizes(self.cell.state_size)]

    def _checked_mask(self, x: Any, mask: Any) -> Any:
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        if mask is None:
            return None
        mask = np.asarray(mask)
        if mask.shape == (*x.shape[:2], 1):
            mask = mask[..., 0]
        if mask.shape != x.shape[:2]:
            raise ValueError(
                f"{self.label}: the mask must have one entry for each step, shape {x.shape[:2]}, got {mask.shape}."
            )
        return mask.astype(bool)

    def _nested(self, states: list[Any]) -> list[Any]:
        """The states as the cell's ``state_size`` nests them."""
        left = iter(states)

        def laid(size: Any) -> Any:
            return [laid(one) for one in size] if isinstance(size, (list, tuple)) else next(left)

        return [laid(size) for size in self.state_size]

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        inner, given, shape, count = cache
        flat = flatten(dy) if self.return_state else [dy]
        output, dstates = flat[0], flat[1:] if self.return_state else [None] * count
        dx, dbegin = self._run_back(output, dstates, inner, shape, input_grad)
        if not input_grad:
            return None
        if self.go_backwards:
            dx = dx[:, ::-1]
        return [dx, *dbegin] if given else dx

    # ---- the steps ----

    def _run(self, x: Any, states: Any, mask: Any, training: bool, keep: bool) -> tuple[Any, list[Any], Any]:
        """Return y of all steps, the last states and a cache."""
        if states is None:
            states = [np.zeros((len(x), size), self._compute) for size in sizes(self.cell.state_size)]
        options = {"masks": self.cell.draw(x[:, 0], training)} if hasattr(self.cell, "draw") else {}
        outputs, caches = [], []
        repeated, counts = self._repeated(), self._counts(mask)
        for t in range(x.shape[1]):
            (y, *after), cache = self.cell.forward([x[:, t], *states], training, **options)
            if mask is not None:
                done = mask[:, t].reshape(-1, *(1,) * (y.ndim - 1))
                y = np.where(done, y, y.dtype.type(0) if repeated is None else states[repeated])
                if counts is not None and repeated is not None:
                    y = y * counts[:, t].reshape(done.shape)
                after = [np.where(mask[:, t][:, None], a, s) for a, s in zip(after, states, strict=True)]
            outputs.append(y)
            if keep:
                caches.append(cache)
            states = after
        return np.stack(outputs, axis=1), states, (caches, mask)

    def _run_back(
        self, dy: Any, dstates: list[Any], cache: Any, shape: Any, input_grad: bool = True
    ) -> tuple[Any, list[Any]]:
        """Return the gradients of x (None or not unless ``input_grad``) and of the states at the begin."""
        caches, mask = cache
        steps, repeated, counts = shape[1], self._repeated(), self._counts(mask)
        dx: list[Any] = [None] * steps
        for t in range(steps - 1, -1, -1):
            own = None if dy is None else dy[:, t] if self.return_sequences else dy if t == steps - 1 else None
            if mask is None:
                dx[t], *dstates = self.cell.backward([own, *dstates], caches.pop())
                continue
            done = mask[:, t][:, None]
            if own is not None and counts is not None:
                own = own * counts[:, t][:, None]
            past = [None if d is None else np.where(done, 0, d) for d in dstates]
            if own is not None and repeated is not None:
                past[repeated] = sum_of([past[repeated], np.where(done, 0, own)], own)
            through = [None if d is None else np.where(done, d, 0) for d in (own, *dstates)]
            dx[t], *before = self.cell.backward(through, caches.pop())
            dstates = [sum_of(pair, pair[0]) for pair in zip(before, past, strict=True)]
        return np.stack(dx, axis=1), dstates

    def _repeated(self) -> int | None:
        """Which state stands for the output at a step that the mask leaves out, as Keras has it on JAX."""
        if self.zero_output_for_mask and not self.unroll:
            return None
        return int(getattr(self.cell, "output_state", 0))

    def _counts(self, mask: Any) -> Any:
        """Where y is not forced to 0, (N, T); None for everywhere."""
        if mask is not None and self.unroll:
            return np.logical_or.accumulate(mask, axis=1)
        return mask if self.zero_output_for_mask else None

    # ---- description ----

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        batch, steps = shape[:2]
        size = getattr(self.cell, "output_size", None) or sizes(self.cell.state_size)[0]
        output = (batch, steps, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        return [output, *self._nested([(batch, size) for size in sizes(self.cell.state_size)])]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        own = mask if self.return_sequences else None
        return [own, *(None for _ in self.state_size)] if self.return_state else own


@registry.register("layers")
class StackedRNNCells(Layer):
    """Cells on top of each other, as one cell: the output of each is the input of the next.

    Args:
        cells: list of cells.

    The states are those of the first cell, then of the second, and so on.

    >>> from nnlite.layers import GRUCell, LSTMCell
    >>> RNN(StackedRNNCells([LSTMCell(3), GRUCell(4)]))(np.ones((2, 5, 3), "float32")).shape
    (2, 4)
    """

    named_inputs = ("inputs", "states")

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = list(cells)
        for cell in self.cells:
            if not isinstance(cell, Layer) or not hasattr(cell, "state_size"):
                raise ValueError(f"{self.label}: every cell must be a layer with a state_size, got {cell!r}.")
        if not self.cells:
            raise ValueError(f"{self.label}: needs at least one cell.")

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the cells' states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        last = self.cells[-1]
        return getattr(last, "output_size", None) or sizes(last.state_size)[0]

    @property
    def output_state(self) -> int:
        """Which of the states is the output: the first of the last cell."""
        return len(sizes(self.state_size[:-1]))

    def build(self, input_shape: Any) -> None:
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        for cell in self.cells:
            if not cell.built:
                cell.build(shape)
            shape = (shape[0], getattr(cell, "output_size", None) or sizes(cell.state_size)[0])

    def draw(self, x: Any, training: bool) -> Any:
        """Return the dropout masks of all cells for a sequence."""
        found = []
        for cell in self.cells:
            found.append(cell.draw(x, training) if hasattr(cell, "draw") else None)
            x = np.empty((len(x), getattr(cell, "output_size", None) or sizes(cell.state_size)[0]), x.dtype)
        return found

    def forward(self, x: Any, training: bool = False, masks: Any = None) -> tuple[Any, Any]:
        x, *states = x
        masks = self.draw(x, training) if masks is None else masks
        caches, after = [], []
        for cell, drawn in zip(self.cells, masks, strict=True):
            count = len(sizes(cell.state_size))
            options = {} if drawn is None else {"masks": drawn}
            (x, *new), cache = cell.forward([x, *states[:count]], training, **options)
            states = states[count:]
            after += new
            caches.append(cache)
        return [x, *after], caches

    def backward(self, dy: Any, cache: Any) -> Any:
        dx, *dstates = dy
        found: list[Any] = []
        for cell in reversed(self.cells):
            count = len(sizes(cell.state_size))
            dx, *before = cell.backward([dx, *dstates[len(dstates) - count :]], cache.pop())
            dstates = dstates[: len(dstates) - count]
            found = before + found
        return [dx, *found]

    def compute_output_shape(self, input_shape: Any) -> Any:
        first = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        return [(first[0], self.output_size), *((first[0], size) for size in sizes(self.state_size))]

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        cells = [serialization.deserialize(c, "layers") if isinstance(c, dict) else c for c in config["cells"]]
        return super().from_config({**config, "cells": cells})
