"""The area under a curve of rates: ROC, precision and recall, and their gains."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.config import epsilon
from nnlite.core.errors import nearest
from nnlite.kernels.activation import sigmoid_forward, silent
from nnlite.metrics.base import metric_class
from nnlite.metrics.confusion import Thresholds, fraction
from nnlite.metrics.tradeoffs import CountsAtThresholds, spread_thresholds

_CURVES = {"roc": "ROC", "ROC": "ROC", "pr": "PR", "PR": "PR", "prgain": "PRGAIN", "PRGAIN": "PRGAIN"}
_SUMS = {name: name.lower() for short in ("interpolation", "minoring", "majoring") for name in (short, short.title())}


@metric_class()
class AUC(CountsAtThresholds):
    """The area under the ROC curve, or another one, from the counts at thresholds.

    Over neighbouring thresholds, the later one larger, ``sum of (x[i] - x[i+1]) * height(y[i], y[i+1])`` with

    - "ROC": x = FP / (FP + TN), y = TP / (TP + FN);
    - "PR": x = TP / (TP + FN), y = TP / (TP + FP);
    - "PRGAIN": x = max(1 - FN / TP * P / N, 0), y = 1 - FP / TP * P / N, with P and N the positives and negatives
      (Flach and Kull, 2015).

    Args:
        num_thresholds: how many thresholds there are, evenly from 0 to 1.
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: the height is the mean ("interpolation"), the smaller ("minoring") or the larger ("majoring")
            of both. Under "PR", "interpolation" takes true and false positives as linear in between (Davis and
            Goadrich, 2006).
        name, dtype: as for :class:`nnlite.metrics.Metric`.
        thresholds: these, instead of even ones; one below 0 and one above 1 are added.
        multi_label: whether each column of predictions (N, labels) has a curve of its own; the areas are averaged.
        num_labels: the number of columns, if it is to be checked.
        label_weights: weights of the columns: of their areas under ``multi_label``, else of their predictions.
        from_logits: whether predictions are logits, whose sigmoid is taken.

    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        for what, value, known in (("curve", curve, _CURVES), ("summation_method", summation_method, _SUMS)):
            if not isinstance(value, str) or value not in known:
                raise ValueError(f"AUC: unknown {what} {value!r}.{nearest(str(value), sorted(set(known.values())))}")
        if num_labels and not multi_label:
            raise ValueError(f"AUC: num_labels={num_labels!r} is for multi_label=True only.")
        if thresholds is None:
            inner = spread_thresholds("AUC", num_thresholds, 2)[1:-1]
        else:
            inner = np.sort(np.asarray(thresholds, float).ravel())
            if not ((inner >= 0) & (inner <= 1)).all():
                raise ValueError(f"AUC: thresholds must lie between 0 and 1, got {thresholds!r}.")
        self._own = thresholds is not None
        self._thresholds = Thresholds([-epsilon(), *inner, 1 + epsilon()])
        self.num_thresholds = len(inner) + 2
        self.curve, self.summation_method = _CURVES[curve], _SUMS[summation_method]
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.asarray(label_weights, float)
        if self.label_weights is not None and (
            self.label_weights.ndim != 1 or num_labels not in (None, 0, len(self.label_weights))
        ):
            raise ValueError(f"AUC: label_weights must be one number a label, got {label_weights!r}.")
        self._labels = num_labels if multi_label else 1
        if self._labels:
            self._make_counts((self.num_thresholds, self._labels) if multi_label else (self.num_thresholds,))

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, the first below 0 and the last above 1."""
        return [float(t) for t in self._thresholds.values]

    def _add_counts(self, y_true: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        y_true, y_pred = self._matching(y_true, y_pred)
        if self.multi_label and (y_pred.ndim != 2 or self._labels not in (None, 0, y_pred.shape[1])):
            raise ValueError(
                f"{self.name}: with multi_label, predictions must have shape (N, {self._labels or 'labels'}), got "
                f"{y_pred.shape}."
            )
        weight = None if sample_weight is None else self._fitting(sample_weight, y_pred)
        if self.label_weights is not None:
            if y_pred.ndim != 2 or y_pred.shape[1] != len(self.label_weights):
                raise ValueError(
                    f"{self.name}: {len(self.label_weights)} label_weights do not fit predictions of shape "
                    f"{y_pred.shape}."
                )
            if not self.multi_label:
                weight = np.broadcast_to(self.label_weights, y_pred.shape) * (1 if weight is None else weight)
        if not self._labels:
            self._labels = y_pred.shape[1]
            self._make_counts((self.num_thresholds, self._labels))
        if self.from_logits:
            y_pred = sigmoid_forward(y_pred)
        return self._thresholds.counts(y_true.astype(bool, copy=False), y_pred, weight, self.multi_label)

    @silent
    def result(self) -> float:
        """Return the area, 0 before the first batch."""
        if not self._labels:
            return 0.0
        tp, fp, tn, fn = self._counts
        recall, precision = fraction(tp, fn), fraction(tp, fp)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._mean(_interpolated(tp, fp, fn))
        if self.curve == "ROC":
            x, y = fraction(fp, tn), recall
        elif self.curve == "PR":
            x, y = recall, precision
        else:
            ratio = np.divide(tp + fn, tn + fp, out=np.zeros_like(tp), where=tn + fp != 0)
            share = np.divide(ratio, tp, out=np.zeros_like(tp), where=tp != 0)
            x = np.where(tp == 0, 0, np.maximum(1 - share * fn, 0))
            y = np.where(tp == 0, 1, 1 - share * fp)
        if self.summation_method == "interpolation":
            height = (y[:-1] + y[1:]) / 2
        else:
            height = (np.minimum if self.summation_method == "minoring" else np.maximum)(y[:-1], y[1:])
        return self._mean(((x[:-1] - x[1:]) * height).sum(0))

    def _mean(self, areas: Any) -> float:
        """The mean over labels."""
        if not self.multi_label or self.label_weights is None:
            return float(np.mean(areas))
        total = self.label_weights.sum()
        return float((areas * self.label_weights).sum() / total) if total else 0.0

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["thresholds"]
        if self._own:
            config["thresholds"] = self.thresholds[1:-1]
        if self.label_weights is not None:
            config["label_weights"] = self.label_weights.tolist()
        return config


def _interpolated(tp: Any, fp: Any, fn: Any) -> Any:
    """The area under precision over recall, with counts linear between thresholds.

    There TP = s * P + c, of P predicted positives, with s = dTP / dP; so that precision TP / P integrated over TP gives
    ``s * (dTP + c * log(P[i] / P[i+1]))``.
    """
    predicted = tp + fp
    d_tp, d_predicted = tp[:-1] - tp[1:], predicted[:-1] - predicted[1:]
    slope = np.divide(d_tp, d_predicted, out=np.zeros_like(d_tp), where=d_predicted > 0)
    start = tp[1:] - slope * predicted[1:]
    both = (predicted[:-1] > 0) & (predicted[1:] > 0)
    ratio = np.divide(predicted[:-1], predicted[1:], out=np.ones_like(d_tp), where=both)
    positives = tp[1:] + fn[1:]
    area = slope * (d_tp + start * np.log(ratio))
    return np.divide(area, positives, out=np.zeros_like(area), where=positives > 0).sum(0)
