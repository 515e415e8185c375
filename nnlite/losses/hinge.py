"""Losses of margins: hinge, squared hinge and categorical hinge."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses_hinge as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import fitting


@loss_function(kernels.hinge_forward, kernels.hinge_backward, fitting)
def hinge(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of max(1 - y_true * y_pred, 0); targets of 0 and 1 alone become -1 and 1.

    >>> hinge([[1.0, -1.0]], [[0.5, -2.0]]).tolist()
    [0.25]
    """
    return values_of(hinge, y_true, y_pred)


@loss_function(kernels.squared_hinge_forward, kernels.squared_hinge_backward, fitting)
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of max(1 - y_true * y_pred, 0)^2; targets of 0 and 1 alone become -1 and 1.

    >>> squared_hinge([[1.0, -1.0]], [[0.5, -2.0]]).tolist()
    [0.125]
    """
    return values_of(squared_hinge, y_true, y_pred)


@loss_function(kernels.categorical_hinge_forward, kernels.categorical_hinge_backward, fitting)
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """Return max(largest of the wrong classes - the right one + 1, 0), for one-hot targets.

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 0.75]]).tolist()
    [0.75]
    """
    return values_of(categorical_hinge, y_true, y_pred)


@registry.register("losses")
class Hinge(FunctionLoss):
    """Mean of max(1 - y_true * y_pred, 0) for targets of -1 and 1; gradient -y_true / n where that is above 0.

    Targets that are 0 and 1, in the whole batch, become -1 and 1 first.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> Hinge()([[1.0, -1.0]], [[0.5, -2.0]]).item()
    0.25
    """

    fn = staticmethod(hinge)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class SquaredHinge(FunctionLoss):
    """Mean of max(1 - y_true * y_pred, 0)^2 for targets of -1 and 1.

    Gradient: -2 y_true max(1 - y_true * y_pred, 0) / n. Targets that are 0 and 1, in the whole batch, become -1 and 1.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> SquaredHinge()([[1.0, -1.0]], [[0.5, -2.0]]).item()
    0.125
    """

    fn = staticmethod(squared_hinge)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class CategoricalHinge(FunctionLoss):
    """max(neg - pos + 1, 0) for one-hot targets, with neg = max((1 - y_true) y_pred) and pos = sum(y_true y_pred).

    Gradient where that is above 0: 1 - y_true at the largest wrong prediction (shared by equals), -y_true at the right.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]]).item()
    0.75
    """

    fn = staticmethod(categorical_hinge)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)
