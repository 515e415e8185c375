"""Errors of numbers, averaged over all samples."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nnlite import losses
from nnlite.kernels.activation import silent
from nnlite.losses import (
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from nnlite.losses.base import run_forward
from nnlite.metrics.base import Mean, MeanMetricWrapper, metric_class, metric_function, prepared

mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error


@metric_class("mse", "MSE")
class MeanSquaredError(MeanMetricWrapper):
    """Mean of (y_pred - y_true)^2.

    >>> MeanSquaredError()([[0.0]], [[2.0]])
    4.0
    """

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_error, name, dtype)


@metric_class("mae", "MAE")
class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of |y_pred - y_true|.

    >>> MeanAbsoluteError()([[0.0]], [[2.0]])
    2.0
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_error, name, dtype)


@metric_class()
class RootMeanSquaredError(Mean):
    """Square root of the mean of (y_pred - y_true)^2 over everything.

    >>> RootMeanSquaredError()([[0.0]], [[2.0]])
    2.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    @silent
    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = prepared(y_true, y_pred)
        super().update_state(np.square(y_pred - y_true.astype(y_pred.dtype, copy=False)), sample_weight)

    def result(self) -> float:
        return float(np.sqrt(super().result()))


@metric_class("mape", "MAPE")
class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Mean of 100 |y_true - y_pred| / max(|y_true|, 1e-7).

    >>> MeanAbsolutePercentageError()([[2.0]], [[1.0]])
    50.0
    """

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype)


@metric_class("msle", "MSLE")
class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Mean of (log(y_pred + 1) - log(y_true + 1))^2; numbers below 1e-7 count as 1e-7.

    >>> round(MeanSquaredLogarithmicError()([[1.0]], [[3.0]]), 4)
    0.4805
    """

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype)


@metric_class()
class LogCoshError(MeanMetricWrapper):
    """Mean of log(cosh(y_pred - y_true)).

    >>> round(LogCoshError()([[1.0]], [[3.0]]), 4)
    1.325
    """

    def __init__(self, name: str = "logcosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, name, dtype)


@metric_function("up")
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Return the cosine of the angle between both along the axis: minus the loss of this name.

    >>> cosine_similarity([[0.0, 2.0]], [[0.0, 3.0]]).tolist()
    [1.0]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return -run_forward(losses.cosine_similarity, y_true, y_pred, {"axis": axis})[0]


@metric_class()
class CosineSimilarity(MeanMetricWrapper):
    """Mean of the cosine of the angle between targets and predictions: 1 for the same direction.

    Args:
        name, dtype: as for :class:`nnlite.metrics.Metric`.
        axis: along which the vectors lie.

    >>> CosineSimilarity()([[0.0, 2.0]], [[0.0, 3.0]])
    1.0
    """

    # Keras leaves the axis out of its files, and can read it.
    _recent: ClassVar[dict[str, Any]] = {"axis": -1}

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)
