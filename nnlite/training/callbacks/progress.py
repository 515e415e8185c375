"""The progress display as a callback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnlite.training.callbacks.base import Callback, Logs
from nnlite.training.progress import Display, resolve


class ProgbarLogger(Callback):
    """Show how ``fit``, ``evaluate`` or ``predict`` gets on; added by them unless ``verbose`` is 0.

    On a terminal or in a notebook this is a bar an epoch with the time left, the time a step takes, loss and metrics;
    where ``sys.stdout`` is neither, or with ``verbose=2``, it is a line at the end of each epoch, without
    control characters. The validation inside ``fit`` shows nothing of its own. Under "auto", ``predict`` of a single
    batch shows nothing.

    >>> progress = ProgbarLogger()
    >>> progress.set_params({"verbose": 2, "epochs": 3, "steps": 10})
    >>> progress.on_train_begin(); progress.on_epoch_begin(0)
    Epoch 1/3
    """

    def __init__(self) -> None:
        self._kind: str | None = None
        self._mode = 0
        self._display: Display | None = None

    def set_params(self, params: Mapping[str, Any]) -> None:
        super().set_params(params)
        resolve(params.get("verbose", "auto"))  # a wrong value is an error before anything starts

    def _begin(self, kind: str) -> None:
        if self._kind is None:
            self._kind = kind
            self._mode = resolve(self.params.get("verbose", "auto"))

    def _open(self) -> None:
        if self._mode:
            self._display = Display(self.params.get("steps"), bar=self._mode == 1)

    def _finish(self, logs: Logs | None) -> None:
        if self._display is not None:
            display, self._display = self._display, None
            display.finish(logs)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.close()
        self._begin("train")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        epochs = self.params.get("epochs", 1)
        if self._mode and epochs > 1:
            print(f"Epoch {epoch + 1}/{epochs}", flush=True)
        self._open()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._display is not None:
            self._display.step(batch + 1, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self._display is not None and self.params.get("steps") is None:
            self.params = {**self.params, "steps": self._display.done}  # the next epoch is known to be as long
        self._finish(logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.close()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._begin("test")
        if self._kind == "test":
            self._open()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._kind == "test" and self._display is not None:
            self._display.step(batch + 1, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self._kind == "test":
            self._finish(logs)
            self.close()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._begin("predict")
        self._open()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._display is not None and (batch > 0 or not self._hides_one_batch()):
            self._display.step(batch + 1)
        elif self._display is not None:
            self._display.done = 1

    def on_predict_end(self, logs: Logs | None = None) -> None:
        if self._display is not None and self._display.done == 1 and self._hides_one_batch():
            self._display = None
        self._finish(None)
        self.close()

    def _hides_one_batch(self) -> bool:
        return bool(self.params.get("verbose", "auto") == "auto")

    def on_exit(self) -> None:
        self.close()

    def close(self) -> None:
        """End the line of a bar that is still open, as after an exception."""
        if self._display is not None:
            self._display.abandon()
        self._display = None
        self._kind = None
