"""Callbacks that look at gradients: their size, and where numbers stop being numbers."""

from __future__ import annotations

import contextlib
import math
from typing import Any, NamedTuple

import numpy as np

from nnlite.core import structure, watching
from nnlite.training.callbacks.base import Callback, Logs
from nnlite.training.interrupts import StopTraining


class GradientMonitor(Callback):
    """Record how large the gradients and the updates of every layer are, as means over the batches of an epoch.

    Adds to the logs, and so to ``History``, for each layer that learns::

        gradient_norm/<layer> = mean over batches of sqrt(sum of dw**2)      w: all variables of the layer
        update_norm/<layer>   = mean over batches of sqrt(sum of (w_after - w_before)**2)

    Gradients that vanish towards the input, or grow, show at once; an update is healthy at about a thousandth of its
    weights. The gradients are those of the whole loss, before clipping.

    Args:
        updates: whether updates are measured too, which takes a copy of the weights.

    >>> import numpy as np, nnlite
    >>> model = nnlite.Sequential([nnlite.Input((2,)), nnlite.layers.Dense(1, name="out", kernel_initializer="zeros")])
    >>> model.compile(nnlite.optimizers.SGD(0.5), "mse")
    >>> history = model.fit(np.ones((1, 2)), np.ones((1, 1)), verbose=0, callbacks=[GradientMonitor()])
    >>> round(history.history["gradient_norm/out"][0], 4), round(history.history["update_norm/out"][0], 4)
    (3.4641, 1.7321)
    """

    def __init__(self, updates: bool = True) -> None:
        self.updates, self._scale = updates, 1.0
        self._before: list[np.ndarray] = []
        self._sums: dict[str, float] = {}
        self._batches = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._sums, self._batches = {}, 0

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._scale = float(self.model.optimizer.scale_loss(1.0))  # which the step may change at its end
        if self.updates:
            self._before = [v.numpy() for v in self.model.trainable_weights]

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        squares: dict[str, float] = {}
        for index, variable in enumerate(self.model.trainable_weights):
            layer = _layer_of(variable, self.model)
            name = f"gradient_norm/{layer}"
            squares[name] = squares.get(name, 0.0) + _square(variable.grad) / self._scale**2
            if self.updates:
                name = f"update_norm/{layer}"
                squares[name] = squares.get(name, 0.0) + _square(variable.value - self._before[index])
        self._before = []
        self._batches += 1
        for name, square in squares.items():
            self._sums[name] = self._sums.get(name, 0.0) + math.sqrt(square)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None and self._batches:
            logs.update({name: self._sums[name] / self._batches for name in sorted(self._sums)})


def _layer_of(variable: Any, model: Any) -> str:
    parts = str(variable.path).split("/")[:-1]
    return "/".join(parts[1:] if len(parts) > 1 and parts[0] == model.name else parts)


def _square(array: Any) -> float:
    flat = np.asarray(array).reshape(-1)
    return float(np.dot(flat, flat))


class Finding(NamedTuple):
    """Where :class:`NaNGuard` found the first number that is not finite.

    ``layer`` is a layer's name (None for the loss), ``tensor`` what of it, ``phase`` "forward", "backward", "loss" or
    "update"; epoch and batch count from 0.
    """

    layer: str | None
    tensor: str
    phase: str
    epoch: int
    batch: int
    message: str


class NaNGuard(Callback):
    """Stop training at the first NaN or infinity, and say in which layer, which tensor and which batch it arose.

    Looked at, in the order in which they are computed: the input and output of every layer, the gradient of the loss,
    the gradients that each layer returns and those of its variables, the loss, and the variables after the update.
    What is found before the update ends the step there: the weights are those that the batch was computed with. The
    price is a pass over each of these arrays.

    Args:
        raise_error: raise ``FloatingPointError`` instead of printing the message and ending ``fit``.

    Attributes:
        found: None, or a named tuple of layer, tensor, phase, epoch, batch and message.

    >>> import numpy as np, nnlite
    >>> model = nnlite.Sequential([nnlite.Input((2,), name="x"), nnlite.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> guard = NaNGuard()
    >>> _ = model.fit(np.full((1, 2), np.inf), np.ones((1, 1)), verbose=0, callbacks=[guard])
    Epoch 0, batch 0: the input of InputLayer 'x', shape (1, 2), is not finite: 0 NaN and 2 infinite of 2, first at
    [0, 0].
    >>> guard.found.layer, guard.found.tensor
    ('x', 'input')
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error
        self.found: Finding | None = None
        self._watching = contextlib.ExitStack()
        self._epoch = self._batch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.found = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._batch = batch
        self._watching.enter_context(watching.watched(self._look))

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._watching.close()
        try:
            if not math.isfinite((logs or {}).get("loss", 0.0)):
                self._stop(None, "loss", "loss", "the loss is not finite, though all outputs and gradients are")
            for variable in self.model.trainable_weights:
                what = _trouble(variable.value)
                if what:
                    where = f"the variable {variable.path!r}, shape {variable.shape}, is not finite after the update"
                    hint = "; is the learning rate too large?"
                    self._stop(_layer_of(variable, self.model), variable.name, "update", f"{where}: {what}{hint}")
        except StopTraining:
            self.model.stop_training = True

    def on_exit(self) -> None:
        self._watching.close()

    def _look(self, phase: str, layer: Any, taken: Any, given: Any) -> None:
        if phase == "forward":
            self._check(layer, "input", phase, taken)
            for variable in layer._own_in_order():
                self._check(layer, f"variable {variable.name!r}", phase, variable.value)
            self._check(layer, "output", phase, given)
            return
        self._check(layer, "gradient of the output", phase, taken)
        self._check(layer, "gradient of the input", phase, given)
        for variable in layer._own_in_order():
            if variable.trainable:
                self._check(layer, f"gradient of variable {variable.name!r}", phase, variable.grad)

    def _check(self, layer: Any, tensor: str, phase: str, arrays: Any) -> None:
        for array in structure.flatten(arrays):
            what = _trouble(array)
            if what:
                where = f"the {tensor} of {layer.label}, shape {np.shape(array)}, is not finite"
                self._stop(layer.name, tensor, phase, f"{where}: {what}")

    def _stop(self, layer: str | None, tensor: str, phase: str, what: str) -> None:
        message = f"Epoch {self._epoch}, batch {self._batch}: {what}."
        self.found = Finding(layer, tensor, phase, self._epoch, self._batch, message)
        self._watching.close()
        if self.raise_error:
            raise FloatingPointError(message)
        print(message)
        raise StopTraining(message)


def _trouble(array: Any) -> str:
    """What is not finite in an array; empty if all is."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        return ""
    with np.errstate(all="ignore"):
        # A sum is finite only if every number is; it may overflow where none is, so look again.
        if np.isfinite(array.sum()) or np.isfinite(array).all():
            return ""
    bad = ~np.isfinite(array)
    first = [int(i) for i in np.argwhere(bad)[0]]
    nans = int(np.isnan(array).sum())
    return f"{nans} NaN and {int(bad.sum()) - nans} infinite of {array.size}, first at {first}"
