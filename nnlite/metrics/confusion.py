"""Metrics made of counts of true and false positives and negatives: precision and recall."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.kernels.losses import same_rank
from nnlite.metrics.base import Metric, metric_class, prepared

# Keras's stand-in for minus infinity.
_NONE = -1e10


class _Confusion(Metric):
    """True positives, and what else was predicted positive (or is), at one or several thresholds."""

    _direction = "up"
    # The name of the other count, and whether it is of predictions; else it is of targets.
    _second: str
    _of_predictions: bool

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        default = _NONE if top_k is not None else 0.5  # with top_k, all that are left count as positive
        limits = np.atleast_1d(np.asarray(default if thresholds is None else thresholds, float))
        if thresholds is not None and not ((limits >= 0) & (limits <= 1)).all():
            raise ValueError(f"{type(self).__name__}: thresholds must lie between 0 and 1, got {thresholds!r}.")
        for what, value, least in (("top_k", top_k, 1), ("class_id", class_id, 0)):
            if value is not None and (not isinstance(value, (int, np.integer)) or value < least):
                raise ValueError(
                    f"{type(self).__name__}: {what} must be a whole number from {least}, or None; got {value!r}."
                )
        self._limits = limits
        self.true_positives = self.add_weight((len(limits),), name="true_positives")
        setattr(self, self._second, self.add_weight((len(limits),), name=self._second))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = prepared(y_true, y_pred)
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"{self.name}: targets have shape {y_true.shape}, predictions {y_pred.shape}; they must be equal."
            )
        weight = None if sample_weight is None else self._fitting(sample_weight, y_pred)
        if self.top_k is not None:
            y_pred = _only_largest(y_pred, self.top_k)
        if self.class_id is not None:
            if y_pred.ndim < 2 or self.class_id >= y_pred.shape[-1]:
                raise ValueError(f"{self.name}: predictions of shape {y_pred.shape} have no class {self.class_id}.")
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
            weight = None if weight is None else weight[..., self.class_id]
        actual = y_true.astype(bool, copy=False)
        hits, misses = self.true_positives.value, getattr(self, self._second).value
        for index, limit in enumerate(self._limits.astype(y_pred.dtype)):
            positive = y_pred > limit
            right = positive & actual
            wrong = (positive if self._of_predictions else actual) & ~right
            hits[index] += np.count_nonzero(right) if weight is None else weight[right].sum()
            misses[index] += np.count_nonzero(wrong) if weight is None else weight[wrong].sum()

    def _fitting(self, sample_weight: Any, y_pred: Any) -> Any:
        """The weights in the predictions' shape: one a row, or one a prediction."""
        weight = same_rank(np.asarray(sample_weight, np.float64), y_pred)[0]
        weight = weight.reshape(weight.shape + (1,) * (y_pred.ndim - weight.ndim))
        try:
            return np.broadcast_to(weight, y_pred.shape)
        except ValueError:
            raise ValueError(
                f"{self.name}: sample_weight of shape {np.shape(sample_weight)} does not fit predictions of shape "
                f"{y_pred.shape}."
            ) from None

    def result(self) -> Any:
        """Return the fraction, a number for a single threshold, else an array; 0 where nothing was counted."""
        hits, total = self.true_positives.value, self.true_positives.value + getattr(self, self._second).value
        if len(hits) == 1:
            return float(hits[0] / total[0]) if total[0] else 0.0
        return np.divide(hits, total, out=np.zeros_like(hits), where=total > 0)


def _only_largest(y_pred: Any, k: int) -> Any:
    """The k largest predictions of each sample, the first of equals; as good as none in the place of the others."""
    order = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.full(y_pred.shape, _NONE, y_pred.dtype)
    np.put_along_axis(kept, order, np.take_along_axis(y_pred, order, -1), -1)
    return kept


@metric_class()
class Precision(_Confusion):
    """Of all predicted positives, the fraction that is right: TP / (TP + FP).

    Args:
        thresholds: above which a prediction is positive, one or several; 0.5 where None.
        top_k: only the k largest predictions of each sample count.
        class_id: only this class counts.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    _second, _of_predictions = "false_positives", True


@metric_class()
class Recall(_Confusion):
    """Of all actual positives, the fraction that was found: TP / (TP + FN).

    Args:
        thresholds: above which a prediction is positive, one or several; 0.5 where None.
        top_k: only the k largest predictions of each sample count.
        class_id: only this class counts.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    _second, _of_predictions = "false_negatives", False
