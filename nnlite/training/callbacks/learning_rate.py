"""Callbacks that set the learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite.training.callbacks.base import Callback, Logs
from nnlite.training.callbacks.monitor import Monitor


class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of every epoch.

    Args:
        schedule: function of the epoch (from 0), or of the epoch and the present learning rate, that returns a float.
        verbose: 1 prints every learning rate.

    The learning rate is recorded as ``learning_rate`` in ``History``.

    >>> LearningRateScheduler(lambda epoch, lr: lr * 0.9).verbose
    0
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: schedule got {schedule!r}, expected a function of the epoch.")
        self.schedule = schedule
        self.verbose = verbose
        self._arguments = _positional(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        arguments = (epoch, learning_rate(self))[: self._arguments]
        rate = self.schedule(*arguments)
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(f"The output of the `schedule` function should be a float. Got: {rate}")
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = learning_rate(self)


class ReduceLROnPlateau(Monitor):
    """Multiply the learning rate by a factor when a value has not become better for some epochs.

    Args:
        monitor: name of the value to watch.
        factor: factor on the learning rate, below 1.
        patience: epochs without improvement that are put up with.
        verbose: 1 prints every reduction.
        mode: "min", "max" or "auto".
        min_delta: changes smaller than this do not count as better.
        cooldown: epochs after a reduction in which nothing is counted.
        min_lr: the learning rate does not fall below this.

    The learning rate is recorded as ``learning_rate`` in ``History``.

    >>> ReduceLROnPlateau(factor=0.5, patience=2).factor
    0.5
    """

    remembers = ("best", "wait", "cooldown_counter", "_sign")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor got {factor}, expected a number below 1.")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best: Any = None
        self.wait = 0
        self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Return whether a reduction was so recent that epochs are not counted."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = learning_rate(self)
        current = self.current(logs, "Learning rate reduction is conditioned on metric")
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improved(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                old = learning_rate(self)
                if old > self.min_lr:
                    new = max(old * self.factor, self.min_lr)
                    self.model.optimizer.learning_rate = new
                    if self.verbose:
                        print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
                    self.cooldown_counter = self.cooldown
                    self.wait = 0


def learning_rate(callback: Callback) -> float:
    """Return the present learning rate of the callback's model."""
    optimizer = getattr(callback.model, "optimizer", None)
    if optimizer is None:
        raise ValueError(f"{type(callback).__name__}: the model has no optimizer; compile it with one.")
    return float(optimizer.learning_rate)


def _positional(function: Callable[..., Any]) -> int:
    """Return how many of (epoch, learning rate) a schedule takes."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return 1
    except ValueError:  # some functions written in C have no signature
        return 2
    return 2
