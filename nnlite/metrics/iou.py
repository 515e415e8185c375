"""Intersection over union: how well regions that are labelled alike cover each other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlite.config import epsilon
from nnlite.metrics.base import Metric, metric_class


@metric_class()
class IoU(Metric):
    """The mean over classes of TP / (TP + FP + FN), from the counts of all pairs of true and predicted classes.

    Classes that occur neither in targets nor in predictions do not count. 1e-7 is added to every denominator.

    Args:
        num_classes: how many classes there are; pairs with another number are left out.
        target_class_ids: the classes that are averaged over.
        name: as for :class:`nnlite.metrics.Metric`.
        dtype: of the counts; whole numbers where None, to which weights are cut (with a warning), as in Keras.
        ignore_class: where it is the target, the pair does not count.
        sparse_y_true, sparse_y_pred: whether these are class numbers; else the largest along ``axis`` is taken.
        axis: the axis of the classes.

    >>> IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1]).__round__(4)
    0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__("int32" if dtype in (None, "int") else dtype, name)
        owner = type(self).__name__
        if isinstance(num_classes, bool) or not isinstance(num_classes, (int, np.integer)) or num_classes < 1:
            raise ValueError(f"{owner}: num_classes must be a whole number of at least 1, got {num_classes!r}.")
        self.target_class_ids = [int(c) for c in target_class_ids]
        if not all(0 <= c < num_classes for c in self.target_class_ids):
            raise ValueError(
                f"{owner}: target_class_ids must lie between 0 and {num_classes - 1}, got {target_class_ids!r}."
            )
        self.num_classes, self.ignore_class, self.axis = int(num_classes), ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self._whole = np.dtype(self.dtype).kind in "iu"
        self.total_cm = self.add_weight((self.num_classes,) * 2, dtype=self.dtype, name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true = np.asarray(y_true) if self.sparse_y_true else np.argmax(y_true, self.axis)
        pred = np.asarray(y_pred) if self.sparse_y_pred else np.argmax(y_pred, self.axis)
        if true.size != pred.size:
            raise ValueError(f"{self.name}: targets {np.shape(y_true)} do not fit predictions {np.shape(y_pred)}.")
        with np.errstate(invalid="ignore"):  # NaN and infinities become numbers outside the classes
            true, pred = true.reshape(-1).astype(np.int64), pred.reshape(-1).astype(np.int64)
        n = self.num_classes
        counted = (true >= 0) & (true < n) & (pred >= 0) & (pred < n)
        if self.ignore_class is not None:
            counted &= true != self.ignore_class
        weight = None if sample_weight is None else self._fitting(sample_weight, true)[counted]
        table = np.bincount(true[counted] * n + pred[counted], weight, n * n).reshape(n, n)
        self.total_cm.value += table.astype(self.total_cm.dtype)

    def _fitting(self, sample_weight: Any, true: Any) -> Any:
        weight = np.asarray(sample_weight)
        if self._whole and weight.dtype.kind == "f":
            whole = weight.astype(np.int64)
            if (whole != weight).any():
                warnings.warn(
                    f"{self.name}: sample_weight is cut to whole numbers, of which its counts are; give the metric "
                    f"dtype='float32' to keep fractions.",
                    stacklevel=3,
                )
            weight = whole
        try:
            return np.broadcast_to(weight.reshape(-1) if weight.ndim else weight, true.shape)
        except ValueError:
            raise ValueError(
                f"{self.name}: sample_weight of shape {weight.shape} does not fit {true.size} targets."
            ) from None

    def result(self) -> float:
        """Return the mean; 0 where none of the classes occurred."""
        table = self.total_cm.value.astype(float)
        union = table.sum(0) + table.sum(1) - table.diagonal()
        union, both = union[self.target_class_ids], table.diagonal()[self.target_class_ids]
        share = np.where(union > 0, both / (union + epsilon()), 0)
        return float(share.sum() / (np.count_nonzero(union) + epsilon()))


@metric_class()
class BinaryIoU(IoU):
    """IoU of classes 0 and 1, of predictions that are 1 from a threshold on.

    Args:
        target_class_ids: [0], [1] or both.
        threshold: from which a prediction is 1.
        name, dtype: as for :class:`IoU`.

    >>> BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7]).__round__(4)
    0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(y_true, np.asarray(y_pred, np.float32) >= np.float32(self.threshold), sample_weight)


@metric_class()
class MeanIoU(IoU):
    """IoU averaged over all classes.

    Args:
        num_classes: how many classes there are.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: as for :class:`IoU`.

    >>> MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1]).__round__(4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        classes = range(num_classes) if isinstance(num_classes, (int, np.integer)) else ()
        super().__init__(num_classes, classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@metric_class()
class OneHotIoU(IoU):
    """IoU of one-hot targets, and of predictions whose largest counts.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class, sparse_y_pred, axis: as for :class:`IoU`.

    >>> y, p = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0]], [[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.5, 0.3, 0.1]]
    >>> OneHotIoU(num_classes=3, target_class_ids=[0, 2])(y, [*p, [0.1, 0.4, 0.5]]).__round__(4)
    0.1667
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@metric_class()
class OneHotMeanIoU(MeanIoU):
    """IoU averaged over all classes, of one-hot targets, and of predictions whose largest counts.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_pred, axis: as for :class:`IoU`.

    >>> OneHotMeanIoU(num_classes=2)([[1, 0], [0, 1]], [[0.8, 0.2], [0.3, 0.7]]).__round__(4)
    1.0
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
