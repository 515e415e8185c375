"""The best of one rate where another is good enough: precision at recall, sensitivity at specificity and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import loading
from nnlite.metrics.base import metric_class
from nnlite.metrics.confusion import COUNTS, ConfusionMetric, Thresholds, checked_index, fraction


class CountsAtThresholds(ConfusionMetric):
    """The four counts at each of many thresholds."""

    _direction = "up"

    def _make_counts(self, shape: tuple[int, ...]) -> None:
        for name in COUNTS:
            setattr(self, name, self.add_weight(shape, name=name))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        for name, found in self._add_counts(y_true, y_pred, sample_weight).items():
            getattr(self, name).value += found

    @property
    def _counts(self) -> list[Any]:
        """TP, FP, TN and FN."""
        return [getattr(self, name).value for name in COUNTS]


def spread_thresholds(owner: str, number: Any, least: int) -> Any:
    """Return that many numbers from 0 to 1.

    Raises ``ValueError`` for fewer than ``least``.
    """
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < least:
        raise ValueError(f"{owner}: num_thresholds must be a whole number from {least}, got {number!r}.")
    loading.spend((int(number), 8), np.float64, f"{owner} asks for thresholds and counts")
    return np.arange(number) / (number - 1) if number > 1 else np.array([0.5])


class _AtLeast(CountsAtThresholds):
    """The largest rate over all thresholds at which the other rate is at least what is asked."""

    _given: str  # the name of the argument

    def __init__(self, least: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        super().__init__(dtype, name)
        owner = type(self).__name__
        if isinstance(least, bool) or not isinstance(least, (int, float, np.number)) or not 0 <= least <= 1:
            raise ValueError(f"{owner}: {self._given} must lie between 0 and 1, got {least!r}.")
        self._thresholds = Thresholds(spread_thresholds(owner, num_thresholds, 1))
        self._least, self.num_thresholds = least, num_thresholds
        self.class_id = checked_index(owner, "class_id", class_id, 0)
        setattr(self, self._given, least)
        self._make_counts((num_thresholds,))

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        """The rate that must be large enough, and the one that is sought."""
        raise NotImplementedError

    def result(self) -> float:
        asked, sought = self._rates(*self._counts)
        return float(np.max(sought[asked >= self._least], initial=0.0))


@metric_class()
class SensitivityAtSpecificity(_AtLeast):
    """The best TP / (TP + FN) among thresholds where TN / (TN + FP) is at least ``specificity``.

    Args:
        specificity: from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly from 0 to 1.
        class_id: only this class counts.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    _given = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return fraction(tn, fp), fraction(tp, fn)


@metric_class()
class SpecificityAtSensitivity(_AtLeast):
    """The best TN / (TN + FP) among thresholds where TP / (TP + FN) is at least ``sensitivity``.

    Args:
        sensitivity: from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly from 0 to 1.
        class_id: only this class counts.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> round(SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]), 4)
    0.6667
    """

    _given = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return fraction(tp, fn), fraction(tn, fp)


@metric_class()
class PrecisionAtRecall(_AtLeast):
    """The best TP / (TP + FP) among thresholds where TP / (TP + FN) is at least ``recall``.

    Args:
        recall: from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly from 0 to 1.
        class_id: only this class counts.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    0.5
    """

    _given = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return fraction(tp, fn), fraction(tp, fp)


@metric_class()
class RecallAtPrecision(_AtLeast):
    """The best TP / (TP + FN) among thresholds where TP / (TP + FP) is at least ``precision``.

    Args:
        precision: from 0 to 1.
        num_thresholds: how many thresholds are tried, evenly from 0 to 1.
        class_id: only this class counts.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    0.5
    """

    _given = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)

    def _rates(self, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
        return fraction(tp, fp), fraction(tp, fn)
