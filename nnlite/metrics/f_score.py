"""F-scores: precision and recall in one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.config import epsilon
from nnlite.core.errors import nearest
from nnlite.metrics.base import Metric, metric_class, prepared

_AVERAGES = ("micro", "macro", "weighted")
_COUNTS = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


@metric_class()
class FBetaScore(Metric):
    """(1 + beta^2) * precision * recall / (beta^2 * precision + recall), of each class or averaged over them.

    1e-7 is added to every denominator.

    Args:
        average: None for one number a class; "macro" for their mean, "weighted" for the mean weighted by how often
            each class is right, "micro" for the score of the counts of all classes together.
        beta: how much more recall counts than precision; a float above 0.
        threshold: above which a prediction is positive, a float in (0, 1]; None for the largest of each row.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    Raises ``ValueError`` for arguments out of range, and for targets or predictions that are not (N, classes).

    >>> metric = FBetaScore(beta=2.0, threshold=0.5)
    >>> metric([[1, 1, 1], [1, 0, 0], [1, 1, 0]], [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]).round(4).tolist()
    [0.3846, 0.9091, 0.8333]
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        owner = type(self).__name__
        if average is not None and average not in _AVERAGES:
            hint = nearest(str(average), _AVERAGES)
            raise ValueError(f"{owner}: average must be None, 'micro', 'macro' or 'weighted', got {average!r}.{hint}")
        if not isinstance(beta, float) or not beta > 0:
            raise ValueError(f"{owner}: beta must be a float above 0, got {beta!r}.")
        if threshold is not None and (not isinstance(threshold, float) or not 0 < threshold <= 1):
            raise ValueError(f"{owner}: threshold must be a float above 0 and up to 1, or None; got {threshold!r}.")
        self.average, self.beta, self.threshold = average, beta, threshold
        self._classes: int | None = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = prepared(y_true, y_pred)
        if y_pred.ndim != 2 or y_true.shape != y_pred.shape:
            raise ValueError(
                f"{self.name}: targets and predictions must have one shape (N, classes), got {y_true.shape} and "
                f"{y_pred.shape}."
            )
        if sample_weight is None:
            weight: Any = 1.0
        else:
            weight = np.asarray(sample_weight, float)
            if weight.shape not in ((), (len(y_pred),), (len(y_pred), 1)):
                raise ValueError(
                    f"{self.name}: sample_weight of shape {weight.shape} does not fit predictions of shape "
                    f"{y_pred.shape}: give one number a row."
                )
            weight = weight.reshape(-1, 1)
        if self.threshold is None:
            # All zeros is no prediction, rather than one of every class.
            chosen = (y_pred >= y_pred.max(-1, keepdims=True, initial=-np.inf)) & (np.abs(y_pred) > 1e-9)
        else:
            chosen = y_pred > self.threshold
        actual = y_true.astype(float)
        axis = None if self.average == "micro" else 0
        found = (chosen * actual, chosen * (1 - actual), ~chosen * actual, actual)
        if self._classes is None:
            self._classes = y_pred.shape[1]
            for name in _COUNTS:
                setattr(self, name, self.add_weight(() if axis is None else y_pred.shape[1:], name=name))
        elif self._classes != y_pred.shape[1]:
            raise ValueError(f"{self.name}: {self._classes} classes before, now {y_pred.shape[1]}.")
        for name, one in zip(_COUNTS, found, strict=True):
            getattr(self, name).value += (one * weight).sum(axis)

    def result(self) -> Any:
        """Return the score: an array with a number a class for ``average=None``, else a float; 0 before any batch."""
        if self._classes is None:
            return 0.0
        tp, fp, fn, weight = (getattr(self, name).value for name in _COUNTS)
        tiny, square = epsilon(), self.beta**2
        precision, recall = tp / (tp + fp + tiny), tp / (tp + fn + tiny)
        score = (1 + square) * precision * recall / (square * precision + recall + tiny)
        if self.average == "weighted":
            return float((score * weight).sum() / (weight.sum() + tiny))
        return score if self.average is None else float(np.mean(score))


@metric_class()
class F1Score(FBetaScore):
    """2 * precision * recall / (precision + recall), of each class or averaged over them.

    Args:
        average, threshold: as for :class:`FBetaScore`.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> F1Score(average="micro")([[1, 0], [0, 1], [0, 1]], [[0.7, 0.3], [0.2, 0.8], [0.6, 0.4]]).__round__(4)
    0.6667
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
