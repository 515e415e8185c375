"""Callbacks that watch one value, and early stopping."""

from __future__ import annotations

import math
import warnings
from typing import Any

from nnlite.core.errors import nearest
from nnlite.training.callbacks.base import Callback, Logs


class Monitor(Callback):
    """Base class of callbacks that watch one of the values in the logs.

    Args:
        monitor: name of the value, as ``History`` has it.
        mode: "min" or "max" says which way is better; "auto" knows it for losses and for the model's metrics.
        min_delta: changes smaller than this do not count as better.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: unknown mode {mode!r}, taken as 'auto'. Known: 'auto', 'min', 'max'.",
                UserWarning,
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self._sign: int | None = {"min": -1, "max": 1}.get(mode)

    def improved(self, current: Any, best: Any) -> bool:
        """Return whether ``current`` is better than ``best`` by more than ``min_delta``; anything beats None, NaN.

        Raises ``ValueError`` where it is several numbers.
        """
        if getattr(current, "ndim", 0):
            raise ValueError(
                f"{type(self).__name__}: monitor={self.monitor!r} is an array of {current.size} numbers, expected one. "
                f"Give the metric an argument that makes one of them, such as average='macro'."
            )
        if best is None or math.isnan(best):
            return True
        if self._sign is None:
            self._sign = self._direction()
        if self._sign == -1:
            return bool(current + self.min_delta < best)
        return bool(current - self.min_delta > best)

    def current(self, logs: Logs | None, consequence: str) -> Any:
        """Return the watched value, or None, with a warning that begins with ``consequence``, if it is missing."""
        if self._sign is None:
            self._sign = self._direction()
        value = (logs or {}).get(self.monitor)
        if value is None:
            known = list(logs or {})
            hint = nearest(self.monitor, known)
            if self.monitor.removeprefix("val_") in known:
                hint = " Pass fit validation_split or validation_data."
            warnings.warn(
                f"{consequence} `{self.monitor}` which is not available.{hint} "
                f"Available metrics are: {','.join(known)}",
                UserWarning,
                stacklevel=4,
            )
        return value

    def _direction(self) -> int:
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return -1
        metrics = _metrics(self.model)
        # in a model of several outputs the names in the logs begin with that of the output
        for exact in (True, False):
            found = [m for m in metrics if (m.name == name if exact else name.endswith(f"_{m.name}"))]
            directions = {m._direction for m in found if getattr(m, "_direction", None) in ("up", "down")}
            if len(directions) == 1:
                return 1 if directions == {"up"} else -1
        known = [metric.name for metric in metrics]
        raise ValueError(
            f"{type(self).__name__}: cannot tell whether monitor={self.monitor!r} should rise or fall."
            f"{nearest(name, known)} The model's metrics: {', '.join(known) or 'none'}. Pass mode='max' or mode='min'."
        )


def _metrics(model: Any) -> list[Any]:
    found: list[Any] = []
    for metric in getattr(model, "metrics", None) or []:
        inner = getattr(metric, "metrics", None)
        found += inner if isinstance(inner, (list, tuple)) else [metric]
    return found


class EarlyStopping(Monitor):
    """Stop training when a value has not become better for some epochs.

    Args:
        monitor: name of the value to watch.
        min_delta: changes smaller than this do not count as better.
        patience: epochs without improvement that are put up with.
        verbose: 1 prints when training is stopped.
        mode: "min", "max" or "auto".
        baseline: a value that must be beaten too before patience starts again.
        restore_best_weights: end with the weights of the best epoch instead of those of the last,
            also when training ran to its end.
        start_from_epoch: epochs before this one are not looked at.

    >>> EarlyStopping(monitor="val_accuracy", patience=3, restore_best_weights=True).patience
    3
    """

    remembers = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights", "_sign")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: Any = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.current(logs, "Early stopping conditioned on metric")
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improved(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improved(current, self.baseline):
                self.wait = 0
            return  # an improvement never ends training, not even one that stays above the baseline
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
