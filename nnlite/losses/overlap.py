"""Losses of the overlap of regions, for segmentation: Dice and Tversky."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses_overlap as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import fitting_along, number

Axis = int | Sequence[int] | None


@loss_function(kernels.dice_forward, kernels.dice_backward, fitting_along)
def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Any:
    """Return 1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + 1e-7) over the axes, over all where None.

    >>> dice([[1.0, 0.0]], [[0.5, 0.5]]).item()
    0.5
    """
    return values_of(dice, y_true, y_pred, axis=axis)


@loss_function(kernels.tversky_forward, kernels.tversky_backward, fitting_along)
def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None) -> Any:
    """Return 1 - i / (i + alpha * missed + beta * false + 1e-7) over the axes, over all where None.

    i = sum(y_true y_pred), missed = sum(y_true (1 - y_pred)), false = sum((1 - y_true) y_pred).

    >>> round(tversky([[1.0, 0.0]], [[0.5, 0.5]]).item(), 4)
    0.5
    """
    return values_of(tversky, y_true, y_pred, alpha=alpha, beta=beta, axis=axis)


def _plain(axis: Any) -> Any:
    """Axes as a list, as files have them."""
    return list(axis) if isinstance(axis, (list, tuple)) else axis


@registry.register("losses")
class Dice(FunctionLoss):
    """1 - the Dice coefficient: 1 - 2 sum(y_true y_pred) / t, t = sum(y_true) + sum(y_pred) + 1e-7.

    Gradient: (2 sum(y_true y_pred) / t - 2 y_true) / t.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.
        axis: the axes to sum over, such as (1, 2, 3) for a value a sample; all where None, the batch included, which
            gives a single value.

    >>> Dice()([[1.0, 0.0]], [[0.5, 0.5]]).item()
    0.5
    """

    fn = staticmethod(dice)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.axis = _plain(axis)

    def options(self) -> dict[str, Any]:
        return {"axis": self.axis}


@registry.register("losses")
class Tversky(FunctionLoss):
    """1 - the Tversky index: 1 - i / t, t = i + alpha * missed + beta * false + 1e-7 (Salehi et al., 2017).

    i = sum(y_true y_pred), missed = sum(y_true (1 - y_pred)), false = sum((1 - y_true) y_pred). Gradient:
    (i dt / t - y_true) / t, with dt = y_true (1 - alpha - beta) + beta. alpha = beta = 0.5 gives :class:`Dice`.

    Args:
        alpha: weight of what is missed.
        beta: weight of what is predicted falsely.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.
        axis: the axes to sum over; all where None, the batch included, which gives a single value.

    >>> round(Tversky(alpha=0.7, beta=0.3)([[1.0, 0.0]], [[0.5, 0.5]]).item(), 4)
    0.5
    """

    fn = staticmethod(tversky)

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        number(type(self).__name__, "alpha", alpha, 0)
        number(type(self).__name__, "beta", beta, 0)
        self.alpha, self.beta, self.axis = alpha, beta, _plain(axis)

    def options(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "beta": self.beta, "axis": self.axis}
