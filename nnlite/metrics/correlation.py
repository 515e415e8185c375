"""Correlation and agreement of targets and predictions, and the share of variance that is explained."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from nnlite.config import epsilon
from nnlite.core.variable import Variable
from nnlite.kernels.activation import silent
from nnlite.metrics.base import MeanMetricWrapper, Metric, metric_class, metric_function, prepared

_up = metric_function("up")


def _both(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_true, y_pred = prepared(y_true, y_pred)
    return y_true.astype(y_pred.dtype, copy=False), y_pred


@_up
@silent
def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Return cov(t, p) / (std(t) * std(p)) along the axis; NaN where one of them is constant.

    >>> pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).round(4).tolist()
    [1.0]
    """
    t, p = _both(y_true, y_pred)
    t, p = t - t.mean(axis, keepdims=True), p - p.mean(axis, keepdims=True)
    return (t / t.std(axis, keepdims=True) * (p / p.std(axis, keepdims=True))).mean(axis)


@_up
@silent
def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Return 2 cov(t, p) / (var(t) + var(p) + (mean(t) - mean(p))^2 + 1e-7) along the axis (Lin, 1989).

    >>> round(float(concordance_correlation([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]])[0]), 4)
    0.5714
    """
    t, p = _both(y_true, y_pred)
    t_mean, p_mean = t.mean(axis, keepdims=True), p.mean(axis, keepdims=True)
    covariance = ((t - t_mean) * (p - p_mean)).mean(axis)
    spread = t.var(axis) + p.var(axis) + np.square(t_mean - p_mean).reshape(covariance.shape)
    return 2 * covariance / (spread + p.dtype.type(epsilon()))


@metric_class()
class PearsonCorrelation(MeanMetricWrapper):
    """Mean of the correlation of targets and predictions along an axis: whether they are linear in each other.

    Args:
        name, dtype: as for :class:`nnlite.metrics.Metric`.
        axis: along which the correlation is taken.

    >>> round(PearsonCorrelation()([[0.0, 1.0, 0.5], [1.0, 1.0, 0.2]], [[0.1, 0.9, 0.5], [1.0, 0.9, 0.2]]), 4)
    0.9967
    """

    def __init__(self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


@metric_class()
class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean of the concordance of targets and predictions along an axis: whether they are equal.

    Args:
        name, dtype: as for :class:`nnlite.metrics.Metric`.
        axis: along which the correlation is taken.

    >>> round(ConcordanceCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]), 4)
    0.5714
    """

    def __init__(self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)


@metric_class()
class R2Score(Metric):
    """1 - sum of w (y_pred - y_true)^2 / sum of w (y_true - mean)^2, of each column, averaged.

    Args:
        class_aggregation: "uniform_average" for the mean over the columns, "variance_weighted_average" for one weighted
            by the columns' variances, None for a number a column.
        num_regressors: the number of features p that the model saw, for the adjusted score
            ``1 - (1 - R2) (n - 1) / (n - p - 1)``; 0 for the plain one. As in Keras, n counts every number predicted.
        name, dtype: as for :class:`nnlite.metrics.Metric`.

    Raises ``ValueError`` for arguments out of range, and for targets or predictions that are not (N, columns).

    >>> R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]]).__round__(4)
    0.5714
    """

    _direction = "up"
    # Made with the first batch.
    sum: Variable
    squared_sum: Variable
    total_mse: Variable
    count: Variable

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ValueError(f"R2Score: class_aggregation must be one of {known}, got {class_aggregation!r}.")
        if not isinstance(num_regressors, (int, np.integer)) or num_regressors < 0:
            raise ValueError(f"R2Score: num_regressors must be a whole number from 0, got {num_regressors!r}.")
        self.class_aggregation, self.num_regressors = class_aggregation, int(num_regressors)
        self.num_samples = self.add_weight(name="num_samples")
        self._columns: int | None = None

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = prepared(y_true, y_pred)
        if y_pred.ndim != 2 or y_true.shape != y_pred.shape:
            raise ValueError(
                f"{self.name}: targets and predictions must have one shape (N, columns), got {y_true.shape} and "
                f"{y_pred.shape}."
            )
        t, p = y_true.astype(float), y_pred.astype(float)
        weight = np.asarray(1.0 if sample_weight is None else sample_weight, float)
        try:
            weight = np.broadcast_to(weight[:, None] if weight.ndim == 1 else weight, t.shape)
        except ValueError:
            raise ValueError(
                f"{self.name}: sample_weight of shape {weight.shape} does not fit predictions of shape {p.shape}."
            ) from None
        if self._columns is None:
            self._columns = t.shape[1]
            for name, label in (("squared_sum",) * 2, ("sum",) * 2, ("total_mse", "residual"), ("count",) * 2):
                setattr(self, name, self.add_weight(t.shape[1:], name=label))
        elif self._columns != t.shape[1]:
            raise ValueError(f"{self.name}: {self._columns} columns before, now {t.shape[1]}.")
        self.sum.value += (t * weight).sum(0)
        self.squared_sum.value += (t * t * weight).sum(0)
        self.total_mse.value += (np.square(t - p) * weight).sum(0)
        self.count.value += weight.sum(0)
        self.num_samples.value += t.size

    @silent
    def result(self) -> Any:
        """Return the score; where targets are constant it is 0, or NaN if they are met exactly. 0 before any batch."""
        if not self.num_samples.value:
            return 0.0
        total = self.squared_sum.value - np.square(self.sum.value) / self.count.value
        score = 1 - self.total_mse.value / total
        score = np.where(np.isinf(score), 0.0, score)
        if self.class_aggregation == "uniform_average":
            score = score.mean()
        elif self.class_aggregation is not None:
            score = (total * score).sum() / total.sum()
        n, p = float(self.num_samples.value), self.num_regressors
        if p and p >= n - 1:
            warnings.warn(
                f"{self.name}: num_regressors={p} leaves nothing of {int(n)} numbers for an adjusted score; the plain "
                f"one is given.",
                stacklevel=2,
            )
        elif p:
            score = 1 - (1 - score) * (n - 1) / (n - p - 1)
        return score if np.ndim(score) else float(score)
