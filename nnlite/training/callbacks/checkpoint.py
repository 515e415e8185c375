"""Save the model, or its weights, while it is trained."""

from __future__ import annotations

import os
import warnings
from typing import Any

from nnlite.core.errors import nearest
from nnlite.training.callbacks.base import Logs
from nnlite.training.callbacks.monitor import Monitor


class ModelCheckpoint(Monitor):
    """Save the model after every epoch, after so many batches, or whenever it is the best so far.

    Args:
        filepath: where to: ends in ".keras", with ``save_weights_only`` in ".weights.h5". May hold the
            fields ``{epoch}`` (from 1), ``{batch}`` (from 1, if saving by batches) and any name in the logs, as in
            ``"{epoch:02d}-{val_loss:.2f}.keras"``. Folders that are missing are made.
        monitor: the value that tells which model is best.
        verbose: 1 prints what is saved.
        save_best_only: save only when the value has become better; with a constant path the file is replaced.
        save_weights_only: save the weights instead of the whole model.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the value the first model must beat.

    Raises:
        ValueError: for a path with another ending, or another ``save_freq``.

    >>> ModelCheckpoint("best.keras", save_best_only=True).filepath
    'best.keras'
    """

    remembers = ("best", "_batches", "_sign")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        if not isinstance(filepath, (str, os.PathLike)):
            raise TypeError(f"ModelCheckpoint: filepath got {filepath!r}, expected the path of a file.")
        self.filepath = os.fspath(filepath)
        if save_weights_only and not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                f"ModelCheckpoint: filepath got {self.filepath!r}, expected a name that ends in '.weights.h5' with "
                f"save_weights_only=True."
            )
        if not save_weights_only and not self.filepath.endswith(".keras"):
            hint = " For the weights alone, pass save_weights_only=True." if self.filepath.endswith(".h5") else ""
            raise ValueError(
                f"ModelCheckpoint: filepath got {self.filepath!r}, expected a name that ends in '.keras'.{hint}"
            )
        if save_freq != "epoch":
            if isinstance(save_freq, (bool, str)) or not isinstance(save_freq, int) or save_freq < 1:
                raise ValueError(
                    f"ModelCheckpoint: save_freq got {save_freq!r}, expected 'epoch' or a number of batches (>= 1)."
                )
            # defined on this object alone: batch logs are not worth making for a checkpoint that does not read them
            self.on_train_batch_end = self._count_batch  # type: ignore[method-assign]
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best: Any = initial_value_threshold
        self._epoch = 0
        self._batches = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def _count_batch(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches >= int(self.save_freq):
            self._batches = 0
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        path = self._path(epoch, batch, logs)
        if not self._due(epoch, path, logs):
            return
        if os.path.isdir(path):
            raise IsADirectoryError(f"ModelCheckpoint: filepath {path!r} is a folder, expected the name of a file.")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        self._say(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _due(self, epoch: int, path: str, logs: Logs) -> bool:
        if not self.save_best_only:
            self._say(f"\nEpoch {epoch + 1}: saving model to {path}")
            return True
        if self._sign is None:
            self._sign = self._direction()
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"Can save best model only with {self.monitor} available.{nearest(self.monitor, logs)} The model is "
                f"saved as it is. Available: {', '.join(logs)}.",
                UserWarning,
                stacklevel=5,
            )
            return True
        if getattr(current, "ndim", 0):
            warnings.warn(
                f"Can save best model only where {self.monitor} is one number, got {current.size}. The model is saved "
                f"as it is.",
                UserWarning,
                stacklevel=5,
            )
            return True
        if not self.improved(current, self.best):
            self._say(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {_shown(self.best)}")
            return False
        self._say(
            f"\nEpoch {epoch + 1}: {self.monitor} improved from {_shown(self.best)} to {_shown(current)}, "
            f"saving model to {path}"
        )
        self.best = current
        return True

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        fields: dict[str, Any] = {**logs, "epoch": epoch + 1}
        if batch is not None:
            fields["batch"] = batch + 1
        try:
            return self.filepath.format(**fields)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} has the field {error}, known now: {', '.join(fields)}."
                f"{nearest(error.args[0], fields)}"
            ) from error

    def _say(self, message: str) -> None:
        if self.verbose > 0:
            print(message)


def _shown(value: Any) -> str:
    return "None" if value is None else f"{value:.5f}"
