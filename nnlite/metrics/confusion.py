"""Metrics made of counts of true and false positives and negatives above thresholds: the counts, precision, recall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnlite.kernels.activation import silent
from nnlite.kernels.losses import same_rank
from nnlite.metrics.base import Metric, metric_class, prepared

# Keras's stand-in for minus infinity.
_NONE = -1e10
# The four counts, in the order of Keras's files.
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
# Where each is counted, given what is positive and what is predicted to be.
_WHERE: dict[str, Callable[[Any, Any], Any]] = {
    "true_positives": np.logical_and,
    "false_positives": np.less,
    "true_negatives": lambda actual, positive: ~(actual | positive),
    "false_negatives": np.greater,
}


# Up to this many limits are compared one by one, which is faster than finding the place among them.
_FEW = 3


class Thresholds:
    """Limits that predictions are compared with: in one pass over the predictions where there are many.

    Where the limits are k / (n - 1), predictions are cut to [0, 1] and rounded up in float32, as in Keras.
    """

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values, float)
        n = len(self.values)
        self.even = n >= 3 and np.allclose(np.clip(self.values, 0, 1), np.arange(n) / (n - 1), atol=1e-7)
        order = np.argsort(self.values, kind="stable")
        self._sorted, self._back = self.values[order], np.argsort(order, kind="stable")

    def counts(
        self,
        actual: Any,
        p: Any,
        weight: Any = None,
        by_label: bool = False,
        names: Sequence[str] = COUNTS,
    ) -> dict[str, Any]:
        """Return counts by name, of shape (limits,), or (limits, labels) with one for each label of the last axis.

        Args:
            actual: booleans.
            p: predictions of the same shape; NaN is above no limit.
            weight: of the same shape, or None for 1.
            by_label: whether labels are counted apart.
            names: which of the four are needed.
        """
        if not by_label and not self.even and len(self.values) <= _FEW:
            return self._compared(actual, p, weight, names)
        n, labels = len(self.values) + 1, p.shape[-1] if by_label else 1
        place = self._place(actual, p)
        if by_label:
            place *= labels
            place += np.arange(labels)
        table = np.bincount(place.reshape(-1), None if weight is None else weight.reshape(-1), 2 * n * labels)
        table = table.reshape((2, n, labels) if by_label else (2, n))
        over = table[:, ::-1].cumsum(1)[:, -2::-1]
        under = table.cumsum(1)[:, :-1]
        if not self.even:
            over, under = over[:, self._back], under[:, self._back]
        found = dict(zip(COUNTS, (over[1], over[0], under[0], under[1]), strict=True))
        return {name: found[name] for name in names}

    @silent
    def _place(self, actual: Any, p: Any) -> Any:
        """How many limits are smaller than each prediction; for positives, the number of limits and 1 more."""
        n = len(self.values)
        if self.even:
            found = p.astype(np.float32) * np.float32(n - 1)
            np.ceil(found, out=found)
            np.fmax(found, np.float32(self.values[0] < 0), out=found)  # NaN is the least
            np.minimum(found, np.float32(n - 1), out=found)
            found += actual * np.float32(n + 1)
            return found.astype(np.intp)
        found = np.searchsorted(self._sorted.astype(p.dtype), p, "left")
        found[np.isnan(p)] = 0
        found += actual * np.intp(n + 1)
        return found

    @silent
    def _compared(self, actual: Any, p: Any, weight: Any, names: Sequence[str]) -> dict[str, Any]:
        """The counts, limit by limit."""
        found = {name: np.zeros(len(self.values)) for name in names}
        for index, limit in enumerate(self.values.astype(p.dtype)):
            positive = p > limit
            for name in names:
                hits = _WHERE[name](actual, positive)
                found[name][index] = np.count_nonzero(hits) if weight is None else np.vdot(weight, hits)
        return found


class ConfusionMetric(Metric):
    """Counts at thresholds, of all predictions or of one class."""

    _thresholds: Thresholds
    _names: Sequence[str] = COUNTS  # which are kept
    class_id: int | None = None
    top_k: int | None = None

    def _add_counts(self, y_true: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """The counts of a batch, as :meth:`Thresholds.counts`."""
        y_true, y_pred = self._matching(y_true, y_pred)
        weight = None if sample_weight is None else self._fitting(sample_weight, y_pred)
        if self.top_k is not None:
            y_pred = _only_largest(y_pred, self.top_k)
        if self.class_id is not None:
            if y_pred.ndim < 2 or self.class_id >= y_pred.shape[-1]:
                raise ValueError(f"{self.name}: predictions of shape {y_pred.shape} have no class {self.class_id}.")
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
            weight = None if weight is None else weight[..., self.class_id]
        return self._thresholds.counts(y_true.astype(bool, copy=False), y_pred, weight, names=self._names)

    def _matching(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Targets and predictions as arrays of one shape."""
        y_true, y_pred = prepared(y_true, y_pred)
        if y_true.shape != y_pred.shape:
            raise ValueError(
                f"{self.name}: targets have shape {y_true.shape}, predictions {y_pred.shape}; they must be equal."
            )
        return y_true, y_pred

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


def checked_thresholds(owner: str, thresholds: Any, default: float = 0.5) -> Thresholds:
    """Return the thresholds given as a number, several numbers or None.

    Raises ``ValueError`` where one lies outside of 0 to 1.
    """
    if thresholds is None:
        return Thresholds([default])
    limits = np.atleast_1d(np.asarray(thresholds, float))
    if limits.ndim != 1 or not limits.size or not ((limits >= 0) & (limits <= 1)).all():
        raise ValueError(f"{owner}: thresholds must lie between 0 and 1, got {thresholds!r}.")
    return Thresholds(limits)


def checked_index(owner: str, what: str, value: Any, least: int) -> Any:
    """Return a whole number from ``least``, or None.

    Raises ``ValueError`` for anything else.
    """
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least):
        raise ValueError(f"{owner}: {what} must be a whole number from {least}, or None; got {value!r}.")
    return value


def fraction(part: Any, rest: Any) -> Any:
    """Return part / (part + rest), 0 where both are 0."""
    total = part + rest
    return np.divide(part, total, out=np.zeros_like(total), where=total != 0)


def _only_largest(y_pred: Any, k: int) -> Any:
    """The k largest predictions of each sample, the first of equals; as good as none in the place of the others."""
    order = np.argsort(-y_pred, axis=-1, kind="stable")[..., :k]
    kept = np.full(y_pred.shape, _NONE, y_pred.dtype)
    np.put_along_axis(kept, order, np.take_along_axis(y_pred, order, -1), -1)
    return kept


class _Fraction(ConfusionMetric):
    """Of the true positives and another count, the share of the true positives."""

    _direction = "up"
    _second: str  # the name of the other count

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        owner = type(self).__name__
        self.thresholds = thresholds
        self.top_k = checked_index(owner, "top_k", top_k, 1)
        self.class_id = checked_index(owner, "class_id", class_id, 0)
        # With top_k alone, all that are left count as positive.
        self._thresholds = checked_thresholds(owner, thresholds, 0.5 if top_k is None else _NONE)
        n = len(self._thresholds.values)
        self.true_positives = self.add_weight((n,), name="true_positives")
        setattr(self, self._second, self.add_weight((n,), name=self._second))
        self._names = ("true_positives", self._second)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        for name, found in self._add_counts(y_true, y_pred, sample_weight).items():
            getattr(self, name).value += found

    def result(self) -> Any:
        """Return the fraction, a number for a single threshold, else an array; 0 where nothing was counted."""
        found = fraction(self.true_positives.value, getattr(self, self._second).value)
        return float(found[0]) if len(found) == 1 else found


@metric_class()
class Precision(_Fraction):
    """Of all predicted positives, the fraction that is right: TP / (TP + FP).

    Args:
        thresholds: above which a prediction is positive, one or several; 0.5 where None.
        top_k: only the k largest predictions of each sample count.
        class_id: only this class counts.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    _second = "false_positives"


@metric_class()
class Recall(_Fraction):
    """Of all actual positives, the fraction that was found: TP / (TP + FN).

    Args:
        thresholds: above which a prediction is positive, one or several; 0.5 where None.
        top_k: only the k largest predictions of each sample count.
        class_id: only this class counts.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1])
    0.6666666666666666
    """

    _second = "false_negatives"


class _Count(ConfusionMetric):
    """One of the four counts."""

    _count: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.thresholds = thresholds
        self._thresholds = checked_thresholds(type(self).__name__, thresholds)
        self._names = (self._count,)
        self.accumulator = self.add_weight((len(self._thresholds.values),), name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.accumulator.value += self._add_counts(y_true, y_pred, sample_weight)[self._count]

    def result(self) -> Any:
        """Return the count, a number for a single threshold, else an array."""
        found = self.accumulator.value
        return float(found[0]) if len(found) == 1 else found.copy()


@metric_class()
class TruePositives(_Count):
    """How many positives were predicted positive: the sum of weights where y_true and y_pred > threshold.

    Args:
        thresholds: one or several; 0.5 where None.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> TruePositives()([0, 1, 1, 1], [1, 0, 1, 1])
    2.0
    """

    _count = "true_positives"


@metric_class()
class TrueNegatives(_Count):
    """How many negatives were predicted negative: the sum of weights where not y_true and y_pred <= threshold.

    Args:
        thresholds: one or several; 0.5 where None.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0])
    2.0
    """

    _count = "true_negatives"


@metric_class()
class FalsePositives(_Count):
    """How many negatives were predicted positive: the sum of weights where not y_true and y_pred > threshold.

    Args:
        thresholds: one or several; 0.5 where None.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1])
    2.0
    """

    _count = "false_positives"


@metric_class()
class FalseNegatives(_Count):
    """How many positives were predicted negative: the sum of weights where y_true and y_pred <= threshold.

    Args:
        thresholds: one or several; 0.5 where None.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    >>> FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0])
    2.0
    """

    _count = "false_negatives"
