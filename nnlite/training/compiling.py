"""What compile does, and the metrics that result from it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from nnlite.core.errors import unknown_arguments
from nnlite.training.steps import Steps, own_metrics


class Compiling(Steps):
    """The part of a model that is set up by compile: optimizer, loss and metrics."""

    loss: Any = None
    stop_training = False
    run_eagerly = False
    jit_compile: Any = "auto"
    steps_per_execution = 1

    @property
    def logged_names(self) -> Sequence[str] | None:
        """The names under which the outputs are logged, in their order; None where outputs come as a dict."""
        return getattr(self, "output_names", None)

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        **kwargs: Any,
    ) -> None:
        """Say how the model learns and what is measured.

        Compiled again without a loss, a model keeps the one it has; without metrics of either kind, it keeps those.

        Args:
            optimizer: a name or an :class:`~nnlite.optimizers.Optimizer`; None for a model that is only evaluated.
            loss: a name, a :class:`~nnlite.losses.Loss` or one of ``nnlite.losses``'s functions; for several outputs a
                list, or a dict by output name, in which None means no loss. ``"crossentropy"`` is chosen by shapes.
            loss_weights: factors of the losses in their sum: a number, or a list or dict as for ``loss``.
            metrics: list of names, :class:`~nnlite.metrics.Metric` objects or functions of ``(y_true, y_pred)``;
                for several outputs a list of lists or a dict. ``"accuracy"`` is chosen by shapes. Metrics pay no heed
                to sample weights.
            weighted_metrics: the same, weighted by sample and class weights.
            run_eagerly, steps_per_execution, jit_compile: accepted for scripts written for Keras; they change nothing,
                as everything runs at once, step by step.
            auto_scale_loss: whether the optimizer of a model of policy "mixed_float16" is wrapped in a
                :class:`~nnlite.optimizers.LossScaleOptimizer`. The files then are Keras's; the numbers do not need it.

        Raises:
            ValueError: for unknown names, and lists that do not fit together.
            TypeError: for unknown keywords and for what is no optimizer, loss or metric. The model then is compiled as
                it was before.

        >>> import nnlite
        >>> model = nnlite.Sequential([nnlite.Input((4,)), nnlite.layers.Dense(3, activation="softmax")])
        >>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> model.compiled
        True
        """
        from nnlite import optimizers
        from nnlite.training.compile_config import KEYS
        from nnlite.training.compiled import CompiledLoss
        from nnlite.training.compiled_metrics import CompiledMetrics
        from nnlite.training.compiled_model import Compiled

        if kwargs:
            raise TypeError(unknown_arguments("compile", kwargs, (*KEYS, "auto_scale_loss")))
        if type(self).compute_loss is not Steps.compute_loss and type(self).train_step is Steps.train_step:
            raise TypeError(
                f"{type(self).__name__} overrides compute_loss, of which nothing could compute the gradient. Write a "
                f"subclass of nnlite.losses.Loss with call(y_true, y_pred) and gradient(y_true, y_pred), or override "
                f"train_step."
            )
        before = {} if self._compiled is None else self._compiled.arguments
        if loss is None and before:
            loss = before["loss"]
            loss_weights = before["loss_weights"] if loss_weights is None else loss_weights
        if metrics is None and weighted_metrics is None and before:
            metrics, weighted_metrics = before["metrics"], before["weighted_metrics"]
        made = None if optimizer is None else optimizers.get(optimizer)
        scales = made is None or isinstance(made, optimizers.LossScaleOptimizer)
        wraps = auto_scale_loss and not scales and self.dtype_policy.name == "mixed_float16"
        steps = optimizers.LossScaleOptimizer(made, name="loss_scale_optimizer") if wraps else made
        names: Sequence[str] | None = self.logged_names
        arguments = {
            "optimizer": made,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }
        compiled = Compiled(
            CompiledLoss(loss, loss_weights, names), CompiledMetrics(metrics, weighted_metrics, names), arguments
        )
        self._compiled, self.optimizer, self.loss = compiled, steps, loss
        self.run_eagerly, self.jit_compile, self.steps_per_execution = run_eagerly, jit_compile, steps_per_execution
        self.stop_training = False

    @property
    def compiled(self) -> bool:
        """Whether :meth:`compile` has been called."""
        return self._compiled is not None

    def get_compile_config(self) -> dict[str, Any]:
        """Return what the model was compiled with as plain data; empty if it was not."""
        from nnlite.training import compile_config

        return {} if self._compiled is None else compile_config.to_config(self._compiled.arguments)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what :meth:`get_compile_config` returned; a built model's optimizer gets its variables.

        Raises ``ValueError`` or ``TypeError`` for a config that describes no training, such as a schedule that has no
        numbers.
        """
        if type(self).compile is not Compiling.compile:
            warnings.warn(
                f"{type(self).__name__} overrides compile(), so it was not compiled from the file's config. Override "
                f"compile_from_config() and get_compile_config() too, or call compile() after loading.",
                stacklevel=2,
            )
            return
        from nnlite.training import compile_config

        arguments = compile_config.from_config(config)
        float(getattr(arguments.get("optimizer"), "learning_rate", 0))  # a schedule only now computes with what it got
        self.compile(**arguments)
        if self.optimizer is not None and self.built and self.trainable_weights:
            self.optimizer.build(self.trainable_weights)

    @property
    def metrics(self) -> list[Any]:
        """The metrics that training and evaluation keep: the loss's mean, then those of the outputs, then compile's
        (known once a batch has been seen), then those in attributes of the model."""
        compiled = self._compiled
        if compiled is None:
            return own_metrics(self)
        found = [compiled.loss_tracker, *compiled.output_trackers, *compiled.metrics.metrics]
        own = own_metrics(self)
        return [*found, *(m for m in own if not any(m is other for other in found))] if own else found

    @property
    def metrics_names(self) -> list[str]:
        """Names as Keras 3 gives them: ``["loss", "compile_metrics"]``; logs have those of ``get_metrics_result``."""
        compiled = self._compiled
        if compiled is None:
            return []
        names = ["loss"] if compiled.metrics.is_empty else ["loss", "compile_metrics"]
        return [*names, *(tracker.name for tracker in compiled.output_trackers), *(m.name for m in own_metrics(self))]

    def reset_metrics(self) -> None:
        """Forget what the metrics have seen."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the value of every metric by the name it is logged under."""
        compiled = self._compiled
        names = {} if compiled is None else {id(entry.metric): entry.name for entry in compiled.metrics.entries}
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            results.update(value if isinstance(value, dict) else {names.get(id(metric), metric.name): value})
        return results
