"""What happens to one batch: the train step, the test step and the predict step."""

from __future__ import annotations

import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from nnlite.core import changes, penalties, registry, structure, tracking
from nnlite.core.layer import Layer
from nnlite.training.outputs import unpack_x_y_sample_weight

if TYPE_CHECKING:  # what only training needs is imported when a model is compiled
    from nnlite.training.compiled_model import Compiled
    from nnlite.training.data import Batches

# Rows of targets looked through at once, so that checking takes little memory.
_CHECKED_AT_A_TIME = 16384


class Steps:
    """The three steps; a subclass of a model may override each, as in Keras."""

    # What the steps use of the layer that they are mixed into.
    forward: Any
    backward: Any
    infer: Any
    cast_inputs: Any
    output_mask: Any
    compute_output_shape: Any
    build: Any
    built: Any
    label: Any
    takes_texts: Any
    dtype_policy: Any
    trainable_weights: Any
    non_trainable_weights: Any
    get_metrics_result: Any
    _takes_input_grad: Any

    _compiled: Compiled | None = None
    optimizer: Any = None

    def train_step(self, data: Any) -> dict[str, Any]:
        """Learn from one batch and return the logs.

        Gradients stay in ``variable.grad`` until the next step begins. What is wrong with the batch or its targets is
        raised before anything changes.

        Args:
            data: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``.
        """
        logs = self._learn(data)
        return self.get_metrics_result() if logs is None else logs  # type: ignore[no-any-return]

    def _learn(self, data: Any, checked: bool = False) -> dict[str, Any] | None:
        """Learn from one batch; return the logs if an override of :meth:`compute_metrics` makes any.

        Args:
            data: as for :meth:`train_step`.
            checked: whether the loss has looked through these targets before.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        x = self.cast_inputs(x)
        compiled = self._prepare(x, y, sample_weight, training=True, checked=checked)
        for variable in compiled.trainable:
            variable.zero_grad()
        states = [] if compiled.tried else [v for v in self.non_trainable_weights if not v.created_trainable]
        kept = [(state, state.value.copy()) for state in states]
        try:
            with penalties.collected() as extra:
                y_pred, cache = self.forward(x, training=True)
            mask = self.output_mask(cache)
            loss, loss_cache = compiled.loss.forward(y, y_pred, sample_weight, mask)
            total = loss + compiled.regularization() + sum(map(float, extra))
            compiled.track(total, compiled.loss.parts(loss_cache), _rows(x))
            # Before the update, so that a metric that fails leaves the weights as they are.
            logs = self._measured(x, y, y_pred, sample_weight, mask)
        except Exception:
            for variable, value in kept:  # statistics that forward has moved
                variable.assign(value)
            raise
        compiled.tried = True
        if compiled.trainable:
            self.backward(compiled.loss.backward(loss_cache), cache, **self._no_input_grad())
            for variable in compiled.regularized:
                variable.accumulate(variable.regularizer.gradient(variable.value))
            self._scale_gradients(compiled)
            self.optimizer.apply()
        return logs

    def test_step(self, data: Any) -> dict[str, Any]:
        """Measure one batch and return the logs.

        Args:
            data: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        x = self.cast_inputs(x)
        compiled, mask = self._prepare(x, y, sample_weight, training=False), None
        with penalties.collected() as extra:
            if compiled.makes_masks:
                y_pred, cache = self.forward(x, training=False)
                mask = self.output_mask(cache)
            else:
                y_pred = self.infer(x)
        loss, loss_cache = compiled.loss.forward(y, y_pred, sample_weight, mask)
        total = loss + compiled.regularization() + sum(map(float, extra))
        compiled.track(total, compiled.loss.parts(loss_cache), _rows(x))
        logs = self._measured(x, y, y_pred, sample_weight, mask)
        return self.get_metrics_result() if logs is None else logs  # type: ignore[no-any-return]

    def predict_step(self, data: Any) -> Any:
        """Return the output for one batch.

        Args:
            data: ``x``, or a tuple that begins with it.
        """
        return self.infer(self.cast_inputs(unpack_x_y_sample_weight(data)[0]))

    def function_of_batch(self, x: Any) -> Any:
        """Return a function of such an array that does what :meth:`predict_step` would, without its checks, or None."""

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> float:
        """Return the compiled loss of given outputs, with the regularizers' values.

        The value alone: nothing could differentiate an override of this method, so a loss of one's own is a subclass
        of ``nnlite.losses.Loss`` with ``call`` and ``gradient``, or an override of :meth:`train_step`.
        """
        compiled = self._need_compiled("compute_loss")
        loss: float = compiled.loss.forward(y, y_pred, sample_weight)[0]
        regularized = [v for v in self.trainable_weights if v.regularizer is not None]
        return loss + sum(float(v.regularizer(v.value)) for v in regularized)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> dict[str, Any]:
        """Add a batch to the compiled metrics and return all metrics' values, as :meth:`get_metrics_result` does."""
        self._need_compiled("compute_metrics").metrics.update(y, y_pred, sample_weight, mask)
        results: dict[str, Any] = self.get_metrics_result()
        return results

    # ---- around the steps ----

    def _measured(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, mask: Any) -> dict[str, Any] | None:
        """Add a batch to the compiled metrics; return what an override of :meth:`compute_metrics` does."""
        if _is_own(self.compute_metrics, Steps.compute_metrics):
            self._need_compiled("fit").metrics.update(y, y_pred, sample_weight, mask)
            return None
        options = {} if mask is None else {"mask": mask}
        return self.compute_metrics(x, y, y_pred, sample_weight, **options)

    def _no_input_grad(self) -> dict[str, bool]:
        return {"input_grad": False} if self._takes_input_grad else {}

    def _scale_gradients(self, compiled: Compiled) -> None:
        """Multiply by the optimizer's loss scale, which its ``apply`` divides by; after backward, so that activity
        regularizers, whose gradients enter there, are scaled too."""
        factor = float(self.optimizer.scale_loss(1.0))
        if factor != 1.0:
            for variable in compiled.trainable:
                gradient: Any = variable.grad
                gradient *= variable.value.dtype.type(factor)

    def _need_compiled(self, method: str) -> Compiled:
        if self._compiled is None:
            raise ValueError(
                f"{self.label} is not compiled: call compile() before {method}(), for example "
                f"model.compile(optimizer='adam', loss='mse')."
            )
        return self._compiled

    def _prepare(self, x: Any, y: Any, sample_weight: Any, training: bool, checked: bool = False) -> Compiled:
        """Build what is not built yet, and raise what can be known to be wrong before anything changes."""
        compiled = self._need_compiled("fit" if training else "evaluate")
        if compiled.stale:
            self._refresh(x, (y, sample_weight))
        if not training and compiled.makes_masks is None:
            compiled.makes_masks = any(layer.makes_mask for layer in _all_layers(self))
        if compiled.loss.is_empty:
            if y is None and not compiled.metrics.is_empty:
                raise ValueError("y: got None, but the compiled metrics need targets.")
        elif not checked:
            compiled.loss.check(y, self._shape_of_output(compiled, x), sample_weight)
        if training and not compiled.ready:
            self._ready_optimizer(compiled)
        return compiled

    def _look_over(self, data: Batches, training: bool) -> bool:
        """Build for the first batch of ``data``, and raise what the loss has against it and all targets in memory.

        Return whether these were all the targets that there are.

        Targets elsewhere (files, streams) are checked batch by batch, each before it changes anything. Steps that are
        overridden check for themselves.
        """
        first = data.peek()
        if first is None:
            return False
        x, y, sample_weight = first
        x = self.cast_inputs(x)
        self._refresh(x, (y, sample_weight))
        if self._overrides_step(training):
            return False
        compiled = self._need_compiled("fit")
        in_memory = data.targets is not None and all(type(t) is np.ndarray for t in structure.flatten(data.targets))
        if in_memory and not compiled.loss.is_empty:  # first, since it knows which row is which
            shapes = self._shape_of_output(compiled, x)
            for start in range(0, data.rows, _CHECKED_AT_A_TIME):
                part = slice(start, start + _CHECKED_AT_A_TIME)
                try:
                    compiled.loss.check(structure.map_arrays(data.targets, operator.itemgetter(part)), shapes)
                except (ValueError, TypeError) as error:
                    if start:
                        raise type(error)(f"Among the rows from {start}: {error}") from None
                    raise
        self._prepare(x, y, sample_weight, training)
        return in_memory

    def _overrides_step(self, training: bool) -> bool:
        if training:
            return not _is_own(self.train_step, Steps.train_step)
        return not _is_own(self.test_step, Steps.test_step)

    def _shape_of_output(self, compiled: Compiled, x: Any) -> Any:
        key = x.shape[1:] if type(x) is np.ndarray else repr(_open_shape(x))
        shape = compiled.output_shapes.get(key)
        if shape is None:
            try:
                shape = self.compute_output_shape(_open_shape(x))
            except TypeError:
                if not self.takes_texts:
                    raise
                # texts beside numbers: which of the inputs are which, only data tell
                shape = _open_shape(self.infer(_some_rows(x)))
            compiled.output_shapes[key] = shape
        return shape

    def _refresh(self, x: Any, targets: Any = None) -> None:
        """Build the model for ``x``; look up which variables learn.

        Where ``targets``, a pair with their weights, are there too, nothing is built for an ``x`` whose output does
        not fit them: it would be refused later, and the next ``x`` for its other shape.
        """
        compiled = self._need_compiled("fit")
        if not self.built:
            own_step = self._overrides_step(training=True) or self._overrides_step(training=False)
            if targets is not None and not compiled.loss.is_empty and not own_step and _tells_shape(self):
                y, sample_weight = targets
                compiled.loss.check(y, self.compute_output_shape(_open_shape(x)), sample_weight)
            self.build(_open_shape(x))
            if self.takes_texts:  # which a model may have to see before it has all its variables
                self.infer(_some_rows(x))
        compiled.trainable = self.trainable_weights
        compiled.regularized = [v for v in compiled.trainable if v.regularizer is not None]
        compiled.makes_masks = None
        compiled.stale, compiled.ready = False, False
        if compiled.seen != changes.count():
            compiled.output_shapes.clear()
        compiled.seen = changes.count()

    def _ready_optimizer(self, compiled: Compiled) -> None:
        """Build the optimizer, once nothing can be wrong any more.

        Raises ``ValueError`` if there is none, or it was built for other variables.
        """
        if self.optimizer is None:
            raise ValueError(f"{self.label} was compiled with optimizer=None: it can be evaluated, not trained.")
        if not compiled.trainable:
            warnings.warn(f"{self.label} has no trainable weights: training will only measure.", stacklevel=5)
        elif not {id(v) for v in compiled.trainable} <= {id(v) for v in compiled.known}:
            self.optimizer.build(compiled.trainable)  # which raises if it was built for others
            compiled.known = compiled.trainable
        compiled.ready = True


def _is_own(method: Any, function: Any) -> bool:
    """Return whether an object's method is this function, overridden neither by a class nor by the object."""
    return getattr(method, "__func__", None) is function


def _tells_shape(layer: Any) -> bool:
    """Return whether a layer knows the shape of its output before it is built: those of nnlite that run nothing."""
    known = registry.kind_of(type(layer)) and type(layer).compute_output_shape is not Layer.compute_output_shape
    return layer.built or bool(known and not layer.takes_texts and all(map(_tells_shape, layer.layers_inside)))


def _rows(x: Any) -> int:
    return len(x) if isinstance(x, np.ndarray) else len(structure.flatten(x)[0])


def _open_shape(x: Any) -> Any:
    return structure.map_arrays(x, lambda a: (None, *np.shape(a)[1:]))


def _some_rows(x: Any) -> Any:
    return structure.map_arrays(x, lambda a: a[:2])


def _all_layers(layer: Any) -> list[Any]:
    return [layer] + [inner for child in layer.layers_inside for inner in _all_layers(child)]


def own_metrics(model: Any) -> list[Any]:
    """Return the metrics that a model holds in attributes of its own."""
    compiled, now = model._compiled, changes.count()
    if compiled is not None and compiled.own_metrics[0] == now:
        return list(compiled.own_metrics[1])
    from nnlite.metrics import Metric

    found = tracking.find(model, Metric)
    if compiled is not None:
        compiled.own_metrics = now, found
    return list(found)
