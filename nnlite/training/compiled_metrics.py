"""CompiledMetrics: the metrics of all outputs, and the names they are logged under."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nnlite import metrics as families
from nnlite.training.compiled import each_weight
from nnlite.training.outputs import is_several, leaves, names_of, per_output

# These are looked up by the shapes of targets and outputs.
BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


class Entry(NamedTuple):
    """One metric: the output it measures, the name it is logged under, and whether it heeds sample weights."""

    output: int
    name: str
    metric: Any
    weighted: bool


def resolve(identifier: Any, what: str) -> Any:
    """Return the metric meant by a name, config, function, class or object; "accuracy" stays until shapes are known.

    Raises:
        ValueError: for an unknown name.
        TypeError: for None, or what is no metric.
    """
    if identifier is None:
        raise TypeError(f"{what}: got None in a list of metrics; leave the list empty for an output without metrics.")
    if isinstance(identifier, str) and identifier.lower() in BY_SHAPE[:2]:
        return identifier
    metric = families.get(identifier)
    if not isinstance(metric, families.Metric):
        if not callable(metric):
            raise TypeError(f"{what}: got {identifier!r}, expected a name, a Metric or a function of (y_true, y_pred).")
        metric = families.MeanMetricWrapper(metric, name=_function_name(metric))
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def _function_name(function: Any) -> str:
    name = str(getattr(function, "__name__", type(function).__name__))
    return "lambda" if name == "<lambda>" else name


def _resolve_all(given: Any, what: str) -> Any:
    """Names to metrics wherever they stand in nested lists and dicts."""
    if isinstance(given, dict) and "class_name" not in given:
        return {key: _resolve_all(value, what) for key, value in given.items()}
    if isinstance(given, (list, tuple)):
        return [None if value is None else _resolve_all(value, what) for value in given]
    return None if given is None else resolve(given, what)


class CompiledMetrics:
    """All metrics given to compile, updated and read together.

    Args:
        metrics: a list for a single output; with several outputs a list with one entry (a metric, a list of metrics
            or None) an output, or a dict by output name. They pay no heed to sample weights.
        weighted_metrics: the same, for metrics that do.
        output_names: the model's names for its outputs, where it has any.

    Raises:
        ValueError: for unknown names.
        TypeError: for a single metric outside a list, and for what is no metric.
    """

    def __init__(
        self, metrics: Any = None, weighted_metrics: Any = None, output_names: Sequence[str] | None = None
    ) -> None:
        self.output_names = output_names
        self._given = []
        for given, what in ((metrics, "metrics"), (weighted_metrics, "weighted_metrics")):
            if given is not None and not is_several(given):
                raise TypeError(
                    f"{what}: expected a list or dict, got {given!r}. For a single metric write {what}=[{given!r}]."
                )
            self._given.append(_resolve_all(given, what) if given else None)
        self.entries: list[Entry] = []
        self._names: list[str | None] = []
        self.built = not any(self._given)

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Settle which metric measures which output, from the first batch (arrays, or anything with their shapes)."""
        outputs = leaves(y_pred)
        names = names_of(y_pred, self.output_names)
        targets = per_output(y_true, names, "y", partial=True) if len(outputs) > 1 else leaves(y_true)
        logged: dict[str, int] = {}
        entries = []
        for given, what, weighted in zip(self._given, ("metrics", "weighted_metrics"), (False, True), strict=True):
            for index, chosen in enumerate(self._each(given, names, what)):
                prefix = f"{names[index]}_" if len(names) > 1 and names[index] else ""
                for metric in chosen:
                    if isinstance(metric, str):
                        metric = families.resolve_accuracy(metric, np.shape(targets[index]), np.shape(outputs[index]))
                    name = _log_name(prefix, metric.name, weighted, logged)
                    entries.append(Entry(index, name, metric, weighted))
        self.entries, self._names, self.built = entries, names, True

    def _each(self, given: Any, names: list[str | None], what: str) -> list[list[Any]]:
        if given is None:
            return []
        if len(names) == 1:  # all of them, however they are wrapped
            return [_flat(given)]
        return [_flat(one) for one in per_output(given, names, what, partial=True)]

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None) -> None:
        """Add a batch to every metric."""
        settled = self.built
        try:
            if not settled:
                self.build(y_true, y_pred)
            if self.entries:
                self._update(y_true, y_pred, sample_weight, mask)
        except Exception:
            if not settled:  # what was refused settles nothing
                self.reset()
                self.entries, self.built = [], False
            raise

    def _update(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: Any) -> None:
        outputs = leaves(y_pred)
        if len(outputs) == 1:
            targets, weights, masks = leaves(y_true), leaves(sample_weight), leaves(mask)
        else:
            targets = per_output(y_true, self._names, "y", partial=True)
            weights = each_weight(sample_weight, self._names)
            masks = leaves(mask) if is_several(mask) else [mask] * len(outputs)
        for output, _, metric, weighted in self.entries:
            weight = weights[output] if weighted else None
            if masks[output] is not None and isinstance(metric, families.MeanMetricWrapper):
                weight = masked_weight(weight, masks[output], outputs[output].dtype)
            metric.update_state(targets[output], outputs[output], weight)

    @property
    def is_empty(self) -> bool:
        """Whether there are no metrics."""
        return not any(self._given)

    def reset(self) -> None:
        """Forget all batches."""
        for entry in self.entries:
            entry.metric.reset_state()

    @property
    def metrics(self) -> list[Any]:
        """The metrics in compile's order; known once a batch has been seen."""
        return [entry.metric for entry in self.entries]


def masked_weight(weight: Any, mask: Any, dtype: Any) -> Any:
    """Return sample weights that are zero where ``mask`` is False."""
    valid = np.asarray(mask).astype(dtype)
    if weight is None:
        return valid
    weight = np.asarray(weight)
    if weight.ndim == valid.ndim + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    return weight.reshape(weight.shape + (1,) * (valid.ndim - weight.ndim)) * valid


def _flat(given: Any) -> list[Any]:
    if isinstance(given, dict):
        given = [given[key] for key in sorted(given)]
    if isinstance(given, (list, tuple)):
        return [metric for one in given for metric in _flat(one)]
    return [] if given is None else [given]


def _log_name(prefix: str, name: str, weighted: bool, taken: dict[str, int]) -> str:
    """The name in logs: a weighted metric whose name is taken gets "weighted_", then numbers tell equal names apart."""
    full = prefix + name
    if full in taken and weighted:
        full = f"{prefix}weighted_{name}"
    count = taken.get(full, 0)
    taken[full] = count + 1
    return f"{full}_{count}" if count else full
