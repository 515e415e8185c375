"""Losses for numbers: squared, absolute and Huber error."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import fitting


@loss_function(kernels.squared_error_forward, kernels.squared_error_backward, fitting, "mse", "MSE")
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of (y_pred - y_true)^2.

    >>> mean_squared_error([[0.0, 0.0]], [[1.0, 2.0]]).tolist()
    [2.5]
    """
    return values_of(mean_squared_error, y_true, y_pred)


@loss_function(kernels.absolute_error_forward, kernels.absolute_error_backward, fitting, "mae", "MAE")
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of |y_pred - y_true|.

    >>> mean_absolute_error([[0.0, 0.0]], [[1.0, 2.0]]).tolist()
    [1.5]
    """
    return values_of(mean_absolute_error, y_true, y_pred)


@loss_function(kernels.huber_forward, kernels.huber_backward, fitting)
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Return the mean over the last axis of the Huber error: e^2 / 2 up to delta, delta * |e| - delta^2 / 2 beyond.

    >>> huber([[0.0, 0.0]], [[1.0, 2.0]]).tolist()
    [1.0]
    """
    return values_of(huber, y_true, y_pred, delta=delta)


@registry.register("losses")
class MeanSquaredError(FunctionLoss):
    """Mean of (y_pred - y_true)^2; gradient 2 * (y_pred - y_true) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> MeanSquaredError()([[0.0, 0.0]], [[1.0, 2.0]]).item()
    2.5
    """

    fn = staticmethod(mean_squared_error)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class MeanAbsoluteError(FunctionLoss):
    """Mean of |y_pred - y_true|; gradient sign(y_pred - y_true) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> MeanAbsoluteError()([[0.0, 0.0]], [[1.0, 2.0]]).item()
    1.5
    """

    fn = staticmethod(mean_absolute_error)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class Huber(FunctionLoss):
    """Squared error for small errors, absolute error for large ones (Huber, 1964).

    With e = y_pred - y_true: e^2 / 2 where |e| <= delta, else delta * |e| - delta^2 / 2; gradient
    clip(e, -delta, delta) / n.

    Args:
        delta: where the two meet.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> Huber()([[0.0, 0.0]], [[1.0, 2.0]]).item()
    1.0
    """

    fn = staticmethod(huber)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.delta = delta

    def options(self) -> dict[str, Any]:
        return {"delta": self.delta}
