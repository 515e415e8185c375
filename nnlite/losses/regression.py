"""Losses for numbers: squared, absolute, relative and logarithmic errors, and directions."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses as kernels
from nnlite.kernels import losses_regression as more
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import fitting, fitting_along


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


@loss_function(more.absolute_percentage_error_forward, more.absolute_percentage_error_backward, fitting, "mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """Return 100 times the mean over the last axis of |y_pred - y_true| / |y_true|, which is at least 1e-7.

    >>> mean_absolute_percentage_error([[1.0, 4.0]], [[2.0, 3.0]]).tolist()
    [62.5]
    """
    return values_of(mean_absolute_percentage_error, y_true, y_pred)


@loss_function(more.squared_logarithmic_error_forward, more.squared_logarithmic_error_backward, fitting, "msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of (log(1 + y_pred) - log(1 + y_true))^2, negative numbers taken as 1e-7.

    >>> mean_squared_logarithmic_error([[3.0, 1.0]], [[3.0, 1.0]]).tolist()
    [0.0]
    """
    return values_of(mean_squared_logarithmic_error, y_true, y_pred)


@loss_function(more.log_cosh_forward, more.log_cosh_backward, fitting)
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of log(cosh(y_pred - y_true)).

    >>> round(float(log_cosh([[0.0]], [[1.0]])[0]), 4)
    0.4338
    """
    return values_of(log_cosh, y_true, y_pred)


@loss_function(more.cosine_similarity_forward, more.cosine_similarity_backward, fitting_along)
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Return minus the cosine of the angle between y_true and y_pred along the axis: -1 where they point the same way.

    >>> cosine_similarity([[0.0, 2.0]], [[0.0, 3.0]]).tolist()
    [-1.0]
    """
    return values_of(cosine_similarity, y_true, y_pred, axis=axis)


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


@registry.register("losses")
class MeanAbsolutePercentageError(FunctionLoss):
    """Mean of 100 * |y_pred - y_true| / max(|y_true|, 1e-7).

    Gradient: 100 * sign(y_pred - y_true) / max(|y_true|, 1e-7) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> MeanAbsolutePercentageError()([[1.0, 4.0]], [[2.0, 3.0]]).item()
    62.5
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
    """Mean of (log(1 + y_pred) - log(1 + y_true))^2, negative numbers taken as 1e-7.

    Gradient: 2 * (log(1 + y_pred) - log(1 + y_true)) / (1 + y_pred) / n, 0 where y_pred is below 1e-7.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> round(MeanSquaredLogarithmicError()([[0.0]], [[1.0]]).item(), 4)
    0.4805
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
    """Mean of log(cosh(e)), e = y_pred - y_true: e^2 / 2 for small errors, |e| - log 2 for large; gradient tanh(e) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> round(LogCosh()([[0.0]], [[1.0]]).item(), 4)
    0.4338
    """

    fn = staticmethod(log_cosh)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class CosineSimilarity(FunctionLoss):
    """Minus the cosine of the angle between y_true and y_pred: -1 for the same direction, 1 for the opposite one.

    With t and q both divided by their length (which is at least 1e-7) and c = sum(t q), the value is -c and its
    gradient (c q - t) / |y_pred|. At y_pred = 0 that is -1e7 t, where Keras's JAX backend has NaN.

    Args:
        axis: the axis that directions lie along.
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

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.axis == -1:  # Keras's config never holds it
            del config["axis"]
        return config
