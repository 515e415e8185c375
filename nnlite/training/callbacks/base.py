"""The hooks of the training loop, and the list that calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnlite.core.errors import KnownArguments, unknown_arguments

Logs = dict[str, Any]


class Callback(KnownArguments):
    """Base class for code that runs at certain points of ``fit``, ``evaluate`` and ``predict``.

    Override the hooks you need. ``self.model`` is the model, ``self.params`` holds ``verbose``, ``epochs`` and
    ``steps``. Setting ``self.model.stop_training = True`` ends training after the batch. ``logs`` holds the loss and
    the metrics by name; epochs and batches count from 0.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch} done, loss {logs['loss']}!")
    >>> Shout().on_epoch_end(0, {"loss": 0.5})
    epoch 0 done, loss 0.5!
    """

    # Names of the attributes that BackupAndRestore keeps, of a callback whose doings depend on what it has seen.
    remembers: tuple[str, ...] = ()
    # Whether it comes after all others, to see what they have done.
    runs_last = False
    # defaults of the class, so that a subclass need not call super().__init__()
    params: Mapping[str, Any] = {}
    _model: Any = None

    @property
    def model(self) -> Any:
        """The model that is trained, evaluated or used for prediction."""
        return self._model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Take ``verbose``, ``epochs`` and ``steps`` of the run that begins."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model of the run that begins."""
        self._model = model

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called when ``fit`` begins."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called when ``fit`` ends, with the logs of the last epoch; not if it ends by an exception."""

    def on_exit(self) -> None:
        """Called last of all when ``fit``, ``evaluate`` or ``predict`` is over, also if an exception ends it."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before the first batch of an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after the validation of an epoch, with its losses and metrics; what is added to ``logs`` is kept."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Old name of ``on_train_batch_begin``."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Old name of ``on_train_batch_end``."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a training batch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a training batch, with the means of this epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called when ``evaluate``, or the validation inside ``fit``, begins."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called when ``evaluate``, or the validation inside ``fit``, ends."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of ``evaluate`` or of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of ``evaluate`` or of validation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called when ``predict`` begins."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called when ``predict`` ends."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before a batch of ``predict``."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after a batch of ``predict``, with ``logs["outputs"]``."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_") and name != "on_exit")


class History(Callback):
    """Record the losses and metrics of every epoch; ``fit`` returns one.

    Attributes:
        history: for each name the list of its values, one an epoch.
        epoch: numbers of the epochs, from 0.

    >>> history = History()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(plain(value))


class LambdaCallback(Callback):
    """A callback made of functions, one for each hook it is given for.

    Args:
        on_epoch_begin, on_epoch_end, on_train_begin, on_train_end, on_train_batch_begin, on_train_batch_end: functions
            with the arguments of those hooks.
        kwargs: functions for the other hooks.

    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs)).on_epoch_end(3, {"loss": 1.0})
    3 {'loss': 1.0}
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Callable[..., Any] | None,
    ) -> None:
        unknown = set(kwargs) - set(HOOKS)
        if unknown:
            raise TypeError(unknown_arguments("LambdaCallback", unknown, HOOKS))
        kwargs.update(
            on_epoch_begin=on_epoch_begin,
            on_epoch_end=on_epoch_end,
            on_train_begin=on_train_begin,
            on_train_end=on_train_end,
            on_train_batch_begin=on_train_batch_begin,
            on_train_batch_end=on_train_batch_end,
        )
        for name, function in kwargs.items():
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback: {name} got {function!r}, expected a function.")
                setattr(self, name, function)


def plain(value: Any) -> Any:
    """Return a NumPy scalar or one-element array without axes as a Python number, other things as they are."""
    return value.item() if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0 else value
