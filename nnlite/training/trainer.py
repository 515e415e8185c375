"""Trainer: compile, fit, evaluate and predict, around any layer that keeps the contract."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

from nnlite.core import changes
from nnlite.core.errors import known_arguments, unknown_arguments
from nnlite.kernels import memory, parallel
from nnlite.training.compiling import Compiling
from nnlite.training.gradients import Differentiable
from nnlite.training.interrupts import StopTraining, held_back, many_steps
from nnlite.training.predict import is_numbers, owned, predict
from nnlite.training.profiling import Profiled
from nnlite.training.steps import own_metrics

if TYPE_CHECKING:  # what prediction does without is imported where it is used
    from nnlite.training.callbacks import CallbackList, History
    from nnlite.training.data import Batches
    from nnlite.training.run import Run


# Attributes that say how a run goes. They hold no variables, so setting them is no change to look for those again.
_PROGRESS = frozenset(("history", "stop_training", "stop_evaluating", "stop_predicting"))


class Trainer(Compiling, Differentiable, Profiled):
    """What a model has beyond a layer: it can be compiled, trained, evaluated and asked for predictions.

    A mixin: ``class Sequential(Trainer, Layer)``. It uses ``forward``, ``backward``, ``infer``, ``cast_inputs``,
    ``output_mask``, ``build``, ``takes_texts`` and ``trainable_weights`` of the layer, and nothing else.
    """

    history: Any = None
    stop_evaluating = False
    stop_predicting = False

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _PROGRESS:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        **kwargs: Any,
    ) -> History:
        """Train for a number of epochs and return the :class:`~nnlite.callbacks.History`.

        Ctrl-C ends training between two steps (a second one at once): the model is whole, and fit may be called again.

        Args:
            x: inputs: an array, a list or dict of arrays, a ``PyDataset``, or an iterable of batches.
            y: targets, for arrays.
            batch_size: rows a step, 32 where None.
            epochs: number of the epoch to end before.
            verbose: 0 silent, 1 a bar, 2 a line an epoch; ``"auto"`` decides by the terminal.
            callbacks: list of :class:`~nnlite.callbacks.Callback`.
            validation_split: fraction of rows, the last ones, kept for validation.
            validation_data: ``(x, y)``, ``(x, y, sample_weight)``, or anything ``x`` may be.
            shuffle: whether rows come in a new order each epoch; ``"batch"`` shuffles inside neighbouring rows.
            class_weight: weight of each class number.
            sample_weight: weight of each row.
            initial_epoch: number of the first epoch.
            steps_per_epoch, validation_steps: batches in an epoch; all where None.
            validation_batch_size: ``batch_size`` where None.
            validation_freq: validate every so many epochs, or in the listed ones (counted from 1).

        Raises:
            ValueError: if the model is not compiled, for data that does not fit, and values out of range.
            TypeError: for numbers that are not whole where a count is meant, and data that is no numbers.

        >>> import numpy as np, nnlite
        >>> x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
        >>> model = nnlite.Sequential([nnlite.Input((1,)), nnlite.layers.Dense(1)])
        >>> model.compile(optimizer=nnlite.optimizers.SGD(0.1), loss="mse")
        >>> history = model.fit(x, 3 * x, epochs=20, verbose=0)
        >>> history.history["loss"][-1] < history.history["loss"][0]
        True
        """
        from nnlite.training.callbacks import CallbackList
        from nnlite.training.data import batches, count, split
        from nnlite.training.epochs import about_validation, check_frequency, is_due, validation, whole, will_validate
        from nnlite.training.run import Run

        if kwargs:
            raise TypeError(unknown_arguments("fit", kwargs, _FIT))
        compiled = self._need_compiled("fit")
        epochs, initial_epoch = whole(epochs, "epochs"), whole(initial_epoch, "initial_epoch")
        check_frequency(validation_freq)
        if steps_per_epoch is not None:
            count("steps_per_epoch", steps_per_epoch)
        texts = not is_numbers(x) and self.takes_texts
        if validation_split and validation_data is None:
            labels = not _is_regression(self.loss)
            (x, y, sample_weight), validation_data = split(
                x, y, sample_weight, validation_split, classes=labels, texts=texts
            )
        train = batches(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            steps=steps_per_epoch,
            class_weight=class_weight,
            texts=texts,
        )
        held_out = None
        if validation_data is not None:
            held_out = validation(validation_data, validation_batch_size, batch_size, validation_steps, texts)
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                verbose=verbose,
                epochs=epochs,
                steps=train.steps,
                model=self,
            )
        self.stop_training, compiled.stale = False, True
        logs: dict[str, Any] = {}
        closing = contextlib.closing
        with closing(callbacks), closing(train), closing(held_out or train), memory.training():
            checked = self._look_over(train, training=True)
            if held_out is not None and will_validate(initial_epoch, epochs, validation_freq):
                with about_validation():
                    self._look_over(held_out, training=False)
                held_out.reset()
            run = Run(self, train, held_out, callbacks, initial_epoch)
            run.checked = compiled.loss if checked else None
            callbacks.set_run(run)  # where one may go on with an earlier run
            callbacks.on_train_begin()
            run.began()
            for epoch in range(run.epoch, epochs):
                run.epoch = epoch
                if epoch > initial_epoch and not run.step and train.ran_out():
                    break
                if not run.step:
                    self.reset_metrics()
                callbacks.on_epoch_begin(epoch)
                compiled.stale = compiled.stale or compiled.seen != changes.count()  # by a callback, maybe
                with many_steps():
                    logs = self._train_epoch(run)
                if held_out is not None and is_due(epoch, validation_freq):
                    held_out.reset()
                    values = self._test_epoch(held_out, callbacks)
                    logs = logs | {f"val_{name}": value for name, value in values.items()}
                logs = plain(logs)
                run.epoch, run.step = epoch + 1, 0
                callbacks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            callbacks.before_last()
            if self.optimizer is not None and epochs > initial_epoch:
                self.optimizer.finalize_variable_values(self.trainable_weights)
            callbacks.on_train_end(logs)
        history: History = self.history
        return history

    def _train_epoch(self, run: Run) -> dict[str, Any]:
        callbacks = run.callbacks
        logs: Any = plain(self.get_metrics_result()) if run.step else {}
        for step, data in enumerate(run.train.epoch(run.step), run.step):
            callbacks.on_train_batch_begin(step)
            try:
                logs = self._train_on(data, run)
            except StopTraining:
                self.stop_training = True
                break
            run.step = step + 1
            # What a callback adds to the logs there is not the epoch's.
            callbacks.on_train_batch_end(step, logs if callable(logs) else dict(logs))
            if self.stop_training:
                break
        return logs() if callable(logs) else logs  # type: ignore[no-any-return]

    def _train_on(self, data: Any, run: Run | None = None) -> Any:
        """Learn from one batch; return the logs, or what makes them where nobody but the display may want them."""
        with held_back(), parallel.blas_pinned():
            compiled = self._need_compiled("fit")
            if compiled.stale:
                self._refresh(self.cast_inputs(data[0]), data[1:])
            if not compiled.ready and self._overrides_step(training=True):
                self._ready_optimizer(compiled)
            if run is None or self._overrides_step(training=True):
                return plain(self.train_step(data))
            logs = self._learn(data, checked=run.checked is compiled.loss)
            if logs is None and run.callbacks.listens("on_train_batch_end"):
                logs = self.get_metrics_result()
            return (lambda: plain(self.get_metrics_result())) if logs is None else plain(logs)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Return the loss, or a list of it and the metrics, over the data in inference mode.

        Args:
            x, y, sample_weight, batch_size, verbose, callbacks: as for :meth:`fit`.
            steps: batches to use; all where None.
            return_dict: whether to return a dict by name, sorted, in the place of a list (the loss, then the metrics
                in compile's order; for several outputs the loss, the outputs' losses, then the rest by name).

        Raises:
            ValueError: if the model is not compiled, and for data that does not fit.

        >>> import numpy as np, nnlite
        >>> model = nnlite.Sequential([nnlite.Input((2,)), nnlite.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse", metrics=["mae"])
        >>> model.evaluate(np.ones((3, 2)), np.zeros((3, 1)), verbose=0)
        [4.0, 2.0]
        """
        from nnlite.training.callbacks import CallbackList
        from nnlite.training.data import batches

        if kwargs:
            raise TypeError(unknown_arguments("evaluate", kwargs, _EVALUATE))
        self._need_compiled("evaluate")
        data = batches(x, y, sample_weight, batch_size=batch_size, steps=steps, texts=self.takes_texts)
        if not isinstance(callbacks, CallbackList):
            callbacks = CallbackList(
                callbacks, add_progbar=verbose != 0, verbose=verbose, epochs=1, steps=data.steps, model=self
            )
        with contextlib.closing(callbacks), contextlib.closing(data):
            logs = self._test_epoch(data, callbacks)
        return logs if return_dict else self._in_order(logs)

    def _test_epoch(self, data: Batches, callbacks: CallbackList) -> dict[str, Any]:
        logs: dict[str, Any] = {}
        self.stop_evaluating = False
        self._need_compiled("evaluate").stale = True
        callbacks.on_test_begin()
        self.reset_metrics()
        for step, batch in enumerate(data.epoch()):
            callbacks.on_test_batch_begin(step)
            with parallel.blas_pinned():
                logs = plain(self.test_step(batch))
            callbacks.on_test_batch_end(step, logs)
            if self.stop_evaluating:
                break
        callbacks.on_test_end(logs)
        return logs

    @known_arguments
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the outputs for all rows of ``x``: an array, or a list or dict of arrays as the model gives them.

        Beyond the result itself it needs the memory of a few batches. Works on a model that is not compiled.

        Args:
            x: inputs, as for :meth:`fit`.
            batch_size: rows a step, 32 where None (several such steps may be computed at once).
            verbose: 0 silent, 1 a bar, 2 a line; ``"auto"`` shows nothing for a single batch.
            steps: batches to use; all where None.
            callbacks: list of :class:`~nnlite.callbacks.Callback`.

        Raises:
            ValueError: for data that does not fit.

        >>> import numpy as np, nnlite
        >>> model = nnlite.Sequential([nnlite.Input((2,)), nnlite.layers.Dense(1, kernel_initializer="ones")])
        >>> model.predict(np.ones((3, 2)))
        array([[2.],
               [2.],
               [2.]], dtype=float32)
        """
        return predict(self, x, batch_size, verbose, steps, callbacks)

    # ---- single batches ----

    @known_arguments
    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Learn from one batch; return its loss, a list of loss and metrics, or with ``return_dict`` a dict.

        Raises as :meth:`fit` does; the model then is as it was.
        """
        compiled = self._need_compiled("train_on_batch")
        compiled.stale = compiled.stale or compiled.seen != changes.count()
        data = self._whole_batch(x, y, sample_weight, class_weight)
        self.reset_metrics()
        with memory.step():
            logs = self._train_on(data)
        return logs if return_dict else self._in_order(logs)

    @known_arguments
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Measure one batch; return its loss, a list of loss and metrics, or with ``return_dict`` a dict.

        Raises as :meth:`evaluate` does.
        """
        self._need_compiled("test_on_batch").stale = True
        data = self._whole_batch(x, y, sample_weight)
        self.reset_metrics()
        with parallel.blas_pinned():
            logs = plain(self.test_step(data))
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch."""
        with parallel.blas_pinned():
            return owned(self.predict_step((x,)), x)

    def _whole_batch(self, x: Any, y: Any, sample_weight: Any, class_weight: Any = None) -> Any:
        from nnlite.training.data import whole_batch

        texts = not is_numbers(x) and self.takes_texts
        return whole_batch(x, y, sample_weight, class_weight=class_weight, texts=texts)

    def _in_order(self, logs: dict[str, Any]) -> Any:
        """The values of logs as evaluate lists them; a single one by itself."""
        if len(logs) == 1:
            return next(iter(logs.values()))
        compiled = self._need_compiled("evaluate")
        first = [compiled.loss_tracker.name, *(tracker.name for tracker in compiled.output_trackers)]
        if not compiled.output_trackers:
            first += [entry.name for entry in compiled.metrics.entries]
        first += [metric.name for metric in own_metrics(self)]
        names = [name for name in dict.fromkeys(first) if name in logs]
        names += sorted(name for name in logs if name not in names)
        return [logs[name] for name in names]


def _arguments(method: Any) -> tuple[str, ...]:
    return tuple(name for name in inspect.signature(method).parameters if name not in ("self", "kwargs"))


_FIT, _EVALUATE = _arguments(Trainer.fit), _arguments(Trainer.evaluate)


def _is_regression(loss: Any) -> bool:
    """Whether targets may be any numbers, as for the built-in errors; whole numbers among them are no classes then."""
    from nnlite import losses
    from nnlite.losses.checks import fitting

    found = losses.get(loss) if isinstance(loss, str) else loss
    return getattr(getattr(found, "fn", found), "check", None) is fitting


def plain(logs: Any) -> dict[str, Any]:
    """Return logs sorted by name, with Python floats for single numbers; what is larger stays an array.

    Raises ``TypeError`` if an overridden step returned no dict.
    """
    if not isinstance(logs, dict):
        raise TypeError(f"train_step and test_step must return a dict of logs, got {logs!r}.")
    floats = {}
    for name in sorted(logs):
        value = logs[name]
        if type(value) is not float:
            with contextlib.suppress(TypeError, ValueError):
                value = float(value)
        floats[name] = value
    return floats
