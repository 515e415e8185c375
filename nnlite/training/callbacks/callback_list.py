"""The list that calls the callbacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nnlite.training.callbacks.base import Callback, History, Logs
from nnlite.training.callbacks.progress import ProgbarLogger

# Logs, or a function that makes them: batch logs are only worth computing when somebody reads them.
LazyLogs = Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None


class CallbackList:
    """Several callbacks, called in order: the user's, then :class:`History`, then the progress display.

    Args:
        callbacks: a list of callbacks, one callback, or None.
        add_history: add a :class:`History` unless there is one, and make it ``model.history``.
        add_progbar: add a progress display (:class:`nnlite.callbacks.ProgbarLogger`) unless there is one.
        model: the model, handed to every callback.
        params: ``verbose``, ``epochs``, ``steps``, handed to every callback.

    Batch hooks only reach callbacks that define them, and their ``logs`` may be a function, which is called when a
    callback reads them.

    Raises:
        TypeError: if something in the list is no callback.

    >>> hooks = CallbackList(Callback(), add_history=True, epochs=3)
    >>> [type(callback).__name__ for callback in hooks.callbacks], hooks.params
    (['Callback', 'History'], {'epochs': 3})
    """

    def __init__(
        self,
        callbacks: Iterable[Callback] | Callback | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks = _as_list(callbacks)
        self.history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if add_history and self.history is None:
            self.history = History()
            self.callbacks.append(self.history)
        self._add_progress(add_progbar)
        self.callbacks.sort(key=lambda callback: getattr(callback, "runs_last", False))
        self.params: Mapping[str, Any] = params
        self._listening: dict[str, list[Any]] = {}
        self._model = None
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def _add_progress(self, wanted: bool) -> None:
        self._progress = next((c for c in self.callbacks if isinstance(c, ProgbarLogger)), None)
        if wanted and self._progress is None:
            self._progress = ProgbarLogger()
            self.callbacks.append(self._progress)

    @property
    def model(self) -> Any:
        """The model that all callbacks were given."""
        return self._model

    def append(self, callback: Callback) -> None:
        """Add a callback at the end."""
        self.callbacks.append(callback)
        callback.set_model(self._model)
        callback.set_params(self.params)
        self._find_batch_hooks()

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Hand ``params`` to every callback."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)
        self._find_batch_hooks()

    def set_run(self, run: Any) -> None:
        """Hand the fit that is about to begin to every callback that takes it."""
        for callback in self.callbacks:
            if hasattr(callback, "set_run"):
                callback.set_run(run)

    def before_last(self) -> None:
        """Let callbacks that changed the weights for a while put them back, before the optimizer's last word."""
        for callback in self.callbacks:
            if hasattr(callback, "before_last"):
                callback.before_last()

    def set_model(self, model: Any) -> None:
        """Hand the model to every callback."""
        self._model = model
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def _find_batch_hooks(self) -> None:
        self._listening = {}
        for kind in ("train", "test", "predict"):
            for when in ("begin", "end"):
                hook = f"on_{kind}_batch_{when}"
                names = [hook, f"on_batch_{when}"] if kind == "train" else [hook]
                self._listening[hook] = [c for c in self.callbacks if any(defines(c, name) for name in names)]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._call("on_train_begin", logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._call("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._call("on_epoch_end", logs, epoch)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._call("on_test_begin", logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._call("on_test_end", logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._call("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._call("on_predict_end", logs)

    def on_train_batch_begin(self, batch: int, logs: LazyLogs = None) -> None:
        self._call_batch("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: LazyLogs = None) -> None:
        self._call_batch("on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: LazyLogs = None) -> None:
        self._call_batch("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: LazyLogs = None) -> None:
        self._call_batch("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: LazyLogs = None) -> None:
        self._call_batch("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: LazyLogs = None) -> None:
        self._call_batch("on_predict_batch_end", batch, logs)

    on_batch_begin = on_train_batch_begin
    on_batch_end = on_train_batch_end

    def _call(self, hook: str, logs: Logs | None, *where: int) -> None:
        logs = {} if logs is None else logs
        for callback in self.callbacks:
            getattr(callback, hook)(*where, logs)

    def listens(self, hook: str) -> bool:
        """Return whether a callback other than the progress display is called in a batch hook."""
        return any(callback is not self._progress for callback in self._listening[hook])

    def _call_batch(self, hook: str, batch: int, logs: LazyLogs) -> None:
        for callback in self._listening[hook]:
            if callback is not self._progress:  # which reads the logs only when it draws
                logs = made(logs)
            getattr(callback, hook)(batch, logs=logs)

    def close(self) -> None:
        """Tell every callback that the run is over, whatever ended it; to be called in a ``finally``."""
        for callback in self.callbacks:
            if hasattr(callback, "on_exit"):
                callback.on_exit()


def made(logs: LazyLogs) -> Any:
    """Return the logs themselves, made now if they were a function."""
    if callable(logs):
        return logs()
    return {} if logs is None else logs


def defines(callback: Any, hook: str) -> bool:
    """Return whether a callback does anything in ``hook``."""
    if hook in getattr(callback, "__dict__", ()):
        return True
    own = getattr(type(callback), hook, None)
    return own is not None and own is not getattr(Callback, hook)


def _as_list(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return list(callbacks.callbacks)
    if hasattr(callbacks, "set_model") or isinstance(callbacks, type) or not isinstance(callbacks, Iterable):
        callbacks = [callbacks]
    found = list(callbacks)
    for callback in found:
        if isinstance(callback, type):
            raise TypeError(
                f"callbacks: got the class {callback.__name__}, expected an object: {callback.__name__}(...)."
            )
        if not hasattr(callback, "set_model") or not hasattr(callback, "on_epoch_end"):
            raise TypeError(
                f"callbacks: got {callback!r}, expected objects of subclasses of nnlite.callbacks.Callback. "
                f"A function becomes one in LambdaCallback(on_epoch_end=function)."
            )
    return found
