"""Hinges: how far predictions are from a margin on the right side."""

from __future__ import annotations

from typing import Any

from nnlite.losses import categorical_hinge, hinge, squared_hinge
from nnlite.metrics.base import MeanMetricWrapper, metric_class


@metric_class()
class Hinge(MeanMetricWrapper):
    """Mean of max(1 - y_true * y_pred, 0), for targets -1 and 1; 0 and 1 are taken as these.

    >>> Hinge()([[-1.0, 1.0]], [[0.5, 0.5]])
    1.0
    """

    def __init__(self, name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name, dtype)


@metric_class()
class SquaredHinge(MeanMetricWrapper):
    """Mean of max(1 - y_true * y_pred, 0)^2, for targets -1 and 1; 0 and 1 are taken as these.

    >>> SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]])
    1.25
    """

    def __init__(self, name: str = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name, dtype)


@metric_class()
class CategoricalHinge(MeanMetricWrapper):
    """Mean of max(1 + largest of (1 - y_true) y_pred - sum of y_true y_pred, 0).

    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]])
    0.75
    """

    def __init__(self, name: str = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name, dtype)
