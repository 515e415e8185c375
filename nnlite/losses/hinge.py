"""Losses that ask for a margin."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses_more as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import fitting


@loss_function(kernels.hinge_forward, kernels.hinge_backward, fitting)
def hinge(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of max(1 - y_true y_pred, 0); labels 0 and 1 count as -1 and 1.

    >>> hinge([[1.0]], [[0.25]]).tolist()
    [0.75]
    """
    return values_of(hinge, y_true, y_pred)


@loss_function(kernels.squared_hinge_forward, kernels.squared_hinge_backward, fitting)
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of max(1 - y_true y_pred, 0)^2; labels 0 and 1 count as -1 and 1.

    >>> squared_hinge([[1.0]], [[0.5]]).tolist()
    [0.25]
    """
    return values_of(squared_hinge, y_true, y_pred)


@loss_function(kernels.categorical_hinge_forward, kernels.categorical_hinge_backward, fitting)
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """Return max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0) over the last axis.

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 1.0]]).tolist()
    [0.5]
    """
    return values_of(categorical_hinge, y_true, y_pred)


@registry.register("losses")
class Hinge(FunctionLoss):
    """Mean of max(1 - y_true y_pred, 0), labels -1 and 1 (or all 0 and 1); gradient -y_true / n where above 0.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> Hinge()([[1.0]], [[0.25]]).item()
    0.75
    """

    fn = staticmethod(hinge)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class SquaredHinge(FunctionLoss):
    """Mean of max(1 - y_true y_pred, 0)^2, labels -1 and 1 (or all 0 and 1); gradient -2 y_true max(...) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> SquaredHinge()([[1.0]], [[0.5]]).item()
    0.25
    """

    fn = staticmethod(squared_hinge)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "squared_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class CategoricalHinge(FunctionLoss):
    """max(neg - pos + 1, 0) with neg = max((1 - y_true) y_pred) and pos = sum(y_true y_pred).

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 1.0]]).item()
    0.5
    """

    fn = staticmethod(categorical_hinge)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
