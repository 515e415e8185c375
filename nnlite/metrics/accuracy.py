"""Accuracies: how often a prediction is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.metrics.base import MeanMetricWrapper, metric_class, metric_function, prepared

_up = metric_function("up")


def _matches(name: str, expected: Any, found: Any) -> Any:
    """1 where both are equal, else 0; arrays of different shapes would be compared crosswise."""
    if expected.shape != found.shape:
        raise ValueError(f"{name}: targets of shape {expected.shape} do not fit predictions of shape {found.shape}.")
    return expected == found


@_up
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1 where y_true equals y_pred exactly, else 0.

    >>> accuracy([1, 2], [1, 3]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return _matches("accuracy", y_true.astype(y_pred.dtype, copy=False), y_pred).astype(np.float32)


@_up
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Return 1 where (y_pred > threshold) equals y_true, else 0.

    >>> binary_accuracy([[1, 1], [0, 1]], [[0.9, 0.2], [0.6, 0.8]]).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return _matches("binary_accuracy", y_true, y_pred > float(threshold)).astype(np.float32)


@_up
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1 where the largest prediction is at the largest target, else 0; the first of equals counts.

    >>> categorical_accuracy([[0, 1]], [[0.2, 0.8]]).tolist()
    [1.0]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return _matches("categorical_accuracy", y_true.argmax(-1), y_pred.argmax(-1)).astype(np.float32)


def _labels(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    return y_true, y_pred


@_up
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1 where the largest prediction is at the label, else 0.

    >>> sparse_categorical_accuracy([1], [[0.2, 0.8]]).tolist()
    [1.0]
    """
    y_true, y_pred = _labels(y_true, y_pred)
    return _matches("sparse_categorical_accuracy", y_true, y_pred.argmax(-1)).astype(np.float32)


def _in_top_k(name: str, labels: Any, y_pred: Any, k: int) -> Any:
    """Whether fewer than k predictions are larger than that of the label; NaN is smaller than all.

    A label that is no class, such as one that the loss ignores, is wrong.
    """
    if labels.shape != y_pred.shape[:-1]:
        raise ValueError(f"{name}: targets of shape {labels.shape} do not fit predictions of shape {y_pred.shape}.")
    rows = y_pred.reshape(-1, y_pred.shape[-1])
    columns = labels.reshape(-1).astype(np.intp)
    outside = columns.view(np.uintp) >= rows.shape[1]  # negative ones too
    any_outside = outside.any()
    if any_outside:
        columns[outside] = 0
    own = np.fmax(rows[np.arange(len(rows)), columns], -np.inf)  # which makes -inf of NaN
    right = np.add.reduce(rows > own[:, None], axis=-1, dtype=np.int32) < k
    if any_outside:
        right &= ~outside
    return right.reshape(labels.shape).astype(np.float32)


@_up
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return 1 where the largest target is among the k largest predictions, else 0.

    >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.6, 0.3]], k=2).tolist()
    [1.0]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return _in_top_k("top_k_categorical_accuracy", y_true.argmax(-1), y_pred, k)


@_up
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """Return 1 where the label is among the k largest predictions, else 0.

    With ``from_sorted_ids``, y_pred holds class numbers, the likeliest first.

    >>> sparse_top_k_categorical_accuracy([2], [[0.1, 0.6, 0.3]], k=2).tolist()
    [1.0]
    """
    y_true, y_pred = _labels(y_true, y_pred)
    if from_sorted_ids:
        return (y_pred[..., :k] == y_true[..., None]).any(-1).astype(np.float32)
    return _in_top_k("sparse_top_k_categorical_accuracy", y_true, y_pred, k)


@metric_class()
class Accuracy(MeanMetricWrapper):
    """How often y_true equals y_pred exactly. The string "accuracy" in compile means another: ``resolve_accuracy``.

    >>> Accuracy()([1, 2], [1, 3])
    0.5
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


@metric_class()
class BinaryAccuracy(MeanMetricWrapper):
    """How often (y_pred > threshold) equals y_true.

    >>> BinaryAccuracy()([[1], [0]], [[0.9], [0.6]])
    0.5
    """

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float, np.number)) or not 0 <= threshold <= 1:
            raise ValueError(f"BinaryAccuracy: threshold must lie between 0 and 1, got {threshold!r}.")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@metric_class()
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the right one, for one-hot targets.

    >>> CategoricalAccuracy()([[0, 1]], [[0.2, 0.8]])
    1.0
    """

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


@metric_class()
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the right one, for whole-number labels.

    >>> SparseCategoricalAccuracy()([1], [[0.2, 0.8]])
    1.0
    """

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        if sample_weight is None:  # in nearly every training step: counted without arrays of float
            labels, y_pred = _labels(y_true, y_pred)
            hits = _matches(self.name, labels, y_pred.argmax(-1))
            self._add(np.count_nonzero(hits), hits.size, hits.shape)
            return
        super().update_state(y_true, y_pred, sample_weight)


@metric_class()
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k likeliest, for one-hot targets.

    >>> TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.1, 0.6, 0.3]])
    1.0
    """

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=_checked(type(self).__name__, k))


@metric_class()
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k likeliest, for whole-number labels.

    >>> SparseTopKCategoricalAccuracy(k=2)([2], [[0.1, 0.6, 0.3]])
    1.0
    """

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        k = _checked(type(self).__name__, k)
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)


def resolve_accuracy(name: str, y_true_shape: Any, y_pred_shape: Any) -> Any:
    """Return the metric that "accuracy" (or "acc") means for targets and outputs of these shapes.

    One output: binary accuracy. Targets of one axis less, or with a last axis of 1: sparse categorical accuracy.
    Otherwise: categorical accuracy.

    >>> resolve_accuracy("acc", (8,), (8, 10))
    <SparseCategoricalAccuracy name=acc>
    """
    if y_pred_shape[-1] == 1:
        return BinaryAccuracy(name=name)
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return SparseCategoricalAccuracy(name=name)
    return CategoricalAccuracy(name=name)


def _checked(owner: str, k: Any) -> int:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"{owner}: k must be a whole number of at least 1, got {k!r}.")
    return int(k)
