"""Losses for numbers, measured against their size: percentages, logarithms, counts, angles."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses_more as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import fitting


@loss_function(kernels.percentage_error_forward, kernels.percentage_error_backward, fitting, "mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """Return 100 times the mean over the last axis of |y_true - y_pred| / max(|y_true|, 1e-7).

    >>> mean_absolute_percentage_error([[2.0]], [[1.0]]).tolist()
    [50.0]
    """
    return values_of(mean_absolute_percentage_error, y_true, y_pred)


@loss_function(kernels.logarithmic_error_forward, kernels.logarithmic_error_backward, fitting, "msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of (log(y_pred + 1) - log(y_true + 1))^2; numbers below 1e-7 count as 1e-7.

    >>> mean_squared_logarithmic_error([[1.0]], [[1.0]]).tolist()
    [0.0]
    """
    return values_of(mean_squared_logarithmic_error, y_true, y_pred)


@loss_function(kernels.log_cosh_forward, kernels.log_cosh_backward, fitting)
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of log(cosh(y_pred - y_true)).

    >>> log_cosh([[1.0]], [[1.0]]).tolist()
    [0.0]
    """
    return values_of(log_cosh, y_true, y_pred)


@loss_function(kernels.poisson_forward, kernels.poisson_backward, fitting)
def poisson(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of y_pred - y_true log(y_pred + 1e-7).

    >>> poisson([[0.0]], [[2.0]]).tolist()
    [2.0]
    """
    return values_of(poisson, y_true, y_pred)


@loss_function(
    kernels.kl_divergence_forward, kernels.kl_divergence_backward, fitting, "kld", "KLD", "kullback_leibler_divergence"
)
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Return the sum over the last axis of y_true log(y_true / y_pred), both cut to [1e-7, 1].

    >>> kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
    [0.0]
    """
    return values_of(kl_divergence, y_true, y_pred)


@loss_function(kernels.cosine_forward, kernels.cosine_backward, fitting)
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Return minus the cosine of the angle between y_true and y_pred, along an axis.

    >>> cosine_similarity([[0.0, 2.0]], [[0.0, 3.0]]).tolist()
    [-1.0]
    """
    return values_of(cosine_similarity, y_true, y_pred, axis=axis)


@registry.register("losses")
class MeanAbsolutePercentageError(FunctionLoss):
    """Mean of 100 |y_true - y_pred| / |y_true|; gradient 100 sign(y_pred - y_true) / |y_true| / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> MeanAbsolutePercentageError()([[2.0]], [[1.0]]).item()
    50.0
    """

    fn = staticmethod(mean_absolute_percentage_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class MeanSquaredLogarithmicError(FunctionLoss):
    """Mean of (log(y_pred + 1) - log(y_true + 1))^2.

    Gradient 2 (log(y_pred + 1) - log(y_true + 1)) / (y_pred + 1) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> MeanSquaredLogarithmicError()([[1.0]], [[1.0]]).item()
    0.0
    """

    fn = staticmethod(mean_squared_logarithmic_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class LogCosh(FunctionLoss):
    """Mean of log(cosh(y_pred - y_true)), half the squared error when small.

    Gradient tanh(y_pred - y_true) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> LogCosh()([[1.0]], [[1.0]]).item()
    0.0
    """

    fn = staticmethod(log_cosh)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "log_cosh",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class Poisson(FunctionLoss):
    """Mean of y_pred - y_true log(y_pred), for counts; gradient (1 - y_true / y_pred) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> Poisson()([[0.0]], [[2.0]]).item()
    2.0
    """

    fn = staticmethod(poisson)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "poisson",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class KLDivergence(FunctionLoss):
    """Sum of y_true log(y_true / y_pred), between two distributions; gradient -y_true / y_pred.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]).item()
    0.0
    """

    fn = staticmethod(kl_divergence)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class CosineSimilarity(FunctionLoss):
    """Minus the cosine of the angle: -sum(t * u) with t = y_true / |y_true|, u = y_pred / |y_pred|.

    Gradient (u sum(t u) - t) / |y_pred|.

    Args:
        axis: along which the vectors lie.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> CosineSimilarity()([[0.0, 2.0]], [[0.0, 3.0]]).item()
    -1.0
    """

    fn = staticmethod(cosine_similarity)

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {"axis": self.axis}
