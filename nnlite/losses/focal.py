"""Focal losses: cross-entropies that look past what is easy (Lin et al., 2017)."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses_more as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import binary, one_hot


@loss_function(kernels.binary_focal_forward, kernels.binary_focal_backward, binary)
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Return the mean along the axis of (1 - p_t)^gamma times the binary cross-entropy, p_t = y p + (1 - y)(1 - p).

    >>> binary_focal_crossentropy([[1.0]], [[1.0]]).shape
    (1,)
    """
    return values_of(
        binary_focal_crossentropy,
        y_true,
        y_pred,
        apply_class_balancing=apply_class_balancing,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )


@loss_function(kernels.categorical_focal_forward, kernels.categorical_focal_backward, one_hot)
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Return the sum along the axis of -alpha (1 - p)^gamma y log(p).

    >>> categorical_focal_crossentropy([[0.0, 1.0]], [[0.0, 1.0]]).shape
    (1,)
    """
    return values_of(
        categorical_focal_crossentropy,
        y_true,
        y_pred,
        alpha=alpha,
        gamma=gamma,
        from_logits=from_logits,
        label_smoothing=label_smoothing,
        axis=axis,
    )


@registry.register("losses")
class BinaryFocalCrossentropy(FunctionLoss):
    """Mean of (1 - p_t)^gamma times the binary cross-entropy, p_t = y p + (1 - y)(1 - p).

    The gradient is that of both factors.

    Args:
        apply_class_balancing: whether terms are weighed by alpha for ones and 1 - alpha for zeros.
        alpha: that weight.
        gamma: how much less the easy samples count.
        from_logits: whether y_pred is logits, not probabilities.
        label_smoothing: how far targets are moved towards one half.
        axis: the axis that is averaged.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> BinaryFocalCrossentropy()([[1.0]], [[0.5]]).item() < 0.2
    True
    """

    fn = staticmethod(binary_focal_crossentropy)

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {
            "apply_class_balancing": self.apply_class_balancing,
            "alpha": self.alpha,
            "gamma": self.gamma,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }


@registry.register("losses")
class CategoricalFocalCrossentropy(FunctionLoss):
    """Sum of -alpha (1 - p)^gamma y log(p) over the classes.

    Gradient: alpha y (gamma (1 - p)^(gamma - 1) log(p) - (1 - p)^gamma / p), through the division by the sum.

    Args:
        alpha: weight of all terms.
        gamma: how much less the easy samples count.
        from_logits: whether y_pred is logits, not probabilities.
        label_smoothing: how far targets are moved towards equal shares.
        axis: the axis of the classes.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]).item() < 0.05
    True
    """

    fn = staticmethod(categorical_focal_crossentropy)

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

    def options(self) -> dict[str, Any]:
        return {
            "alpha": self.alpha,
            "gamma": self.gamma,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": self.axis,
        }
