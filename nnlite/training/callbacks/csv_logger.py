"""A line of a CSV file for every epoch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from nnlite.training.callbacks.base import Callback, Logs, plain


class CSVLogger(Callback):
    """Write the losses and metrics of every epoch to a CSV file.

    The columns are ``epoch`` (from 0) and the names of the first epoch's logs, sorted; what an epoch has no value for
    is "NA". Every line is on disk before the next epoch begins.

    Args:
        filename: path of the file.
        separator: what stands between two values.
        append: go on in an existing file, instead of replacing it.

    Raises:
        OSError: when training begins, if the file cannot be written.

    >>> import pathlib, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "log.csv")
    >>> logger = CSVLogger(path, separator=";")
    >>> logger.on_train_begin()
    >>> logger.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
    >>> pathlib.Path(path).read_text().split()
    ['epoch;loss;val_loss', '0;0.5;0.75']
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self.keys: list[str] | None = None

    remembers = ("keys",)
    _run: Any = None

    def set_run(self, run: Any) -> None:
        """Take the fit that begins: where it goes on with an interrupted one, the lines of that are kept."""
        self._run = run

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.keys = None
        resumed, self._run = self._run is not None and self._run.resumed, None
        if (self.append or resumed) and os.path.exists(self.filename):
            self._header = os.path.getsize(self.filename) == 0
        else:
            self._header = True
            open(self.filename, "w", encoding="utf-8").close()  # a path that cannot be written is an error now

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                # the first epoch may be one without validation
                self.keys += [f"val_{key}" for key in self.keys]
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            import csv

            writer = csv.writer(file, delimiter=self.separator)
            if self._header:
                writer.writerow(["epoch", *self.keys])
                self._header = False
            writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])


def _cell(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f"[{', '.join(map(str, value))}]"
    return value
