"""Losses of overlap, for segmentation."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses_more as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import fitting


@loss_function(kernels.dice_forward, kernels.dice_backward, fitting)
def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """Return 1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred)), over the axes, all where None.

    >>> dice([[1.0, 0.0]], [[1.0, 0.0]]).item() < 1e-6
    True
    """
    return values_of(dice, y_true, y_pred, axis=axis)


@loss_function(kernels.tversky_forward, kernels.tversky_backward, fitting)
def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """Return 1 - I / (I + alpha sum(y_true (1 - y_pred)) + beta sum(y_pred (1 - y_true))), I = sum(y_true y_pred).

    >>> tversky([[1.0, 0.0]], [[1.0, 0.0]]).item() < 1e-6
    True
    """
    return values_of(tversky, y_true, y_pred, alpha=alpha, beta=beta, axis=axis)


@registry.register("losses")
class Dice(FunctionLoss):
    """1 - 2 I / (sum(y_true) + sum(y_pred)) with I = sum(y_true y_pred); gradient -2 (y_true total - I) / total^2.

    Args:
        axis: the axes that are summed, all of them where None.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> Dice()([[1.0, 0.0]], [[1.0, 1.0]]).item() < 0.34
    True
    """

    fn = staticmethod(dice)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {"axis": self.axis}


@registry.register("losses")
class Tversky(FunctionLoss):
    """1 - I / (I + alpha missed + beta extra), a Dice that weighs misses and false alarms (Salehi et al., 2017).

    Args:
        alpha: weight of what was missed, sum(y_true (1 - y_pred)).
        beta: weight of what is too much, sum(y_pred (1 - y_true)).
        axis: the axes that are summed, all of them where None.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> Tversky()([[1.0, 0.0]], [[1.0, 1.0]]).item() < 0.34
    True
    """

    fn = staticmethod(tversky)

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "beta": self.beta, "axis": self.axis}
