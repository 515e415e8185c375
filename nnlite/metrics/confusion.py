"""Metrics made of counts of true and false positives and negatives: precision and recall."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core.registry import register
from nnlite.metrics.base import Metric, prepared


class _Confusion(Metric):
    """Counts at one or several thresholds; a subclass names the two that it gathers."""

    _direction = "up"
    second: str

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
        default = -np.inf if top_k is not None else 0.5  # with top_k, all that are left count as positive
        limits = np.atleast_1d(np.asarray(default if thresholds is None else thresholds, float))
        if thresholds is not None and ((limits < 0).any() or (limits > 1).any() or np.isnan(limits).any()):
            raise ValueError(f"{type(self).__name__}: thresholds must lie between 0 and 1, got {thresholds!r}.")
        self._limits = limits
        self.true_positives = self.add_weight((len(limits),), name="true_positives")
        setattr(self, self.second, self.add_weight((len(limits),), name=self.second))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = prepared(y_true, y_pred)
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"{self.name}: targets have shape {y_true.shape}, predictions {y_pred.shape}; they must be equal."
            )
        if y_pred.size and (np.nanmin(y_pred) < 0 or np.nanmax(y_pred) > 1):
            raise ValueError(
                f"{self.name}: predictions must lie between 0 and 1, got values from {y_pred.min()} to {y_pred.max()}."
            )
        weight: Any = np.ones(())
        if sample_weight is not None:
            weight = np.asarray(sample_weight, float)
            weight = weight.reshape(weight.shape + (1,) * (y_pred.ndim - weight.ndim))
        weight = np.broadcast_to(weight, y_pred.shape)
        if self.top_k is not None:
            order = np.argsort(-y_pred, axis=-1, kind="stable")[..., : self.top_k]
            kept = np.zeros(y_pred.shape, bool)
            np.put_along_axis(kept, order, True, -1)
            y_pred = np.where(kept, y_pred, -np.inf if self.thresholds is None else -1e10)
        if self.class_id is not None:
            y_true, y_pred, weight = y_true[..., self.class_id], y_pred[..., self.class_id], weight[..., self.class_id]
        actual = y_true.reshape(-1).astype(bool)
        weight, y_pred = weight.reshape(-1), y_pred.reshape(-1)
        for index, limit in enumerate(self._limits):
            positive = y_pred > limit
            self.true_positives.value[index] += weight[positive & actual].sum()
            self._count_second(index, positive, actual, weight)

    def _count_second(self, index: int, positive: Any, actual: Any, weight: Any) -> None:
        raise NotImplementedError

    def result(self) -> Any:
        first, second = self.true_positives.value, getattr(self, self.second).value
        total = first + second
        ratio = np.divide(first, total, out=np.zeros_like(first), where=total > 0)
        return float(ratio[0]) if len(ratio) == 1 else ratio


@register("metrics")
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

    second = "false_positives"

    def _count_second(self, index: int, positive: Any, actual: Any, weight: Any) -> None:
        self.false_positives.value[index] += weight[positive & ~actual].sum()  # type: ignore[attr-defined]


@register("metrics")
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

    second = "false_negatives"

    def _count_second(self, index: int, positive: Any, actual: Any, weight: Any) -> None:
        self.false_negatives.value[index] += weight[~positive & actual].sum()  # type: ignore[attr-defined]
