"""Accuracies: how often a prediction is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core.registry import register
from nnlite.metrics.base import MeanMetricWrapper, prepared


def _up(function: Any) -> Any:
    function._direction = "up"
    return register("metrics")(function)


@_up
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1 where y_true equals y_pred exactly, else 0.

    >>> accuracy([1, 2], [1, 3]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return (y_true == y_pred).astype(np.float32)


@_up
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Return the fraction along the last axis where (y_pred > threshold) equals y_true.

    >>> binary_accuracy([[1], [0]], [[0.9], [0.6]]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return (y_true == (y_pred > threshold)).mean(-1, dtype=np.float32)


@_up
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Return 1 where the largest prediction is at the largest target, else 0; the first of equals counts.

    >>> categorical_accuracy([[0, 1]], [[0.2, 0.8]]).tolist()
    [1.0]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return (y_true.argmax(-1) == y_pred.argmax(-1)).astype(np.float32)


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
    return (y_true == y_pred.argmax(-1)).astype(np.float32)


def _in_top_k(labels: Any, y_pred: Any, k: int) -> Any:
    """Whether fewer than k predictions are larger than that of the label; a prediction that is not finite is wrong."""
    labels = labels.astype(np.intp)
    own = np.take_along_axis(y_pred, labels[..., None], -1)
    rank = (y_pred > own).sum(-1)
    return ((rank < k) & np.isfinite(own[..., 0])).astype(np.float32)


@_up
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Return 1 where the largest target is among the k largest predictions, else 0.

    >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.6, 0.3]], k=2).tolist()
    [1.0]
    """
    y_true, y_pred = prepared(y_true, y_pred)
    return _in_top_k(y_true.argmax(-1), y_pred, k)


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
    return _in_top_k(y_true, y_pred, k)


@register("metrics")
class Accuracy(MeanMetricWrapper):
    """How often y_true equals y_pred exactly. The string "accuracy" in compile means another: ``resolve_accuracy``.

    >>> Accuracy()([1, 2], [1, 3])
    0.5
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


@register("metrics")
class BinaryAccuracy(MeanMetricWrapper):
    """How often (y_pred > threshold) equals y_true.

    >>> BinaryAccuracy()([[1], [0]], [[0.9], [0.6]])
    0.5
    """

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float, np.number)) or not 0 <= threshold <= 1:
            raise ValueError(f"BinaryAccuracy: threshold must lie between 0 and 1, got {threshold!r}.")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@register("metrics")
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the right one, for one-hot targets.

    >>> CategoricalAccuracy()([[0, 1]], [[0.2, 0.8]])
    1.0
    """

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


@register("metrics")
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
            hits = labels == y_pred.argmax(-1)
            self.total.value += np.count_nonzero(hits)
            self.count.value += hits.size
            return
        super().update_state(y_true, y_pred, sample_weight)


@register("metrics")
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k likeliest, for one-hot targets.

    >>> TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.1, 0.6, 0.3]])
    1.0
    """

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@register("metrics")
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
