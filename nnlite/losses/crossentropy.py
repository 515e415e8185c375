"""Cross-entropies: binary, categorical (one-hot) and sparse (whole-number labels)."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry
from nnlite.kernels import losses as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import binary, number, one_hot, sparse


@loss_function(kernels.binary_crossentropy_forward, kernels.binary_crossentropy_backward, binary, "bce", "BCE")
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Return the mean over the axis of -(y log p + (1 - y) log(1 - p)).

    >>> round(float(binary_crossentropy([[1.0]], [[0.5]])[0]), 4)
    0.6931
    """
    options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
    return values_of(binary_crossentropy, y_true, y_pred, **options)


@loss_function(kernels.categorical_crossentropy_forward, kernels.categorical_crossentropy_backward, one_hot)
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Return -sum of y log p along the axis, for one-hot targets.

    >>> round(float(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
    0.6931
    """
    options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
    return values_of(categorical_crossentropy, y_true, y_pred, **options)


def _not_ignored(y_true: Any, values: Any, ignore_class: int | None = None, **options: Any) -> Any:
    return None if ignore_class is None else (y_true != ignore_class).reshape(values.shape)


@loss_function(
    kernels.sparse_categorical_crossentropy_forward,
    kernels.sparse_categorical_crossentropy_backward,
    sparse,
    takes_labels=True,
    mask=_not_ignored,
)
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """Return -log of the probability of the label, for whole-number labels.

    >>> round(float(sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]), 4)
    0.6931
    """
    options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
    return values_of(sparse_categorical_crossentropy, y_true, y_pred, **options)


class _Smoothed(FunctionLoss):
    """What the binary and the categorical cross-entropy share: their arguments."""

    default_name: str

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name or self.default_name, reduction, dtype)
        number(type(self).__name__, "label_smoothing", label_smoothing, 0, 1)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def options(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing, "axis": self.axis}


@registry.register("losses")
class BinaryCrossentropy(_Smoothed):
    """Mean of -(y log p + (1 - y) log(1 - p)) for targets between 0 and 1.

    Gradient, with x the logit: (sigmoid(x) - y) / n; by probabilities (p - y) / (p (1 - p)) / n, and 0 where p is cut.

    Args:
        from_logits: whether y_pred are logits; else probabilities, which are cut to [1e-7, 1 - 1e-7].
        label_smoothing: targets become y * (1 - s) + s / 2.
        axis: the axis that is averaged.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    Shapes: y_true and y_pred equal, up to a last axis of size 1.

    >>> round(float(BinaryCrossentropy()([[1.0]], [[0.5]])), 4)
    0.6931
    """

    fn = staticmethod(binary_crossentropy)

    default_name = "binary_crossentropy"


@registry.register("losses")
class CategoricalCrossentropy(_Smoothed):
    """-sum of y log p for one-hot targets.

    Gradient, with x the logits: softmax(x) - y; by probabilities, which are divided by their sum and cut to
    [1e-7, 1 - 1e-7]: -y / p through that division, and 0 where cut.

    Args:
        from_logits: whether y_pred are logits; else probabilities.
        label_smoothing: targets become y * (1 - s) + s / classes.
        axis: the axis of the classes.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    Shapes: y_true and y_pred (N, ..., classes).

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    fn = staticmethod(categorical_crossentropy)

    default_name = "categorical_crossentropy"


@registry.register("losses")
class SparseCategoricalCrossentropy(FunctionLoss):
    """-log of the probability of the label, for whole-number labels.

    The same as :class:`CategoricalCrossentropy` of one-hot targets, without making them.

    Args:
        from_logits: whether y_pred are logits; else probabilities.
        ignore_class: a label whose samples do not count, or None.
        axis: the axis of the classes.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    Shapes: y_true (N, ...) or (N, ..., 1), y_pred (N, ..., classes).

    >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    fn = staticmethod(sparse_categorical_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def options(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, "ignore_class": self.ignore_class, "axis": self.axis}
