"""Losses as metrics: errors and cross-entropies, averaged over all samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.kernels import losses as kernels
from nnlite.kernels.activation import silent
from nnlite.kernels.losses import same_rank
from nnlite.metrics.base import Mean, MeanMetricWrapper, metric_class, metric_function, prepared

_down = metric_function("down")


def _values(kernel: Any, y_true: Any, y_pred: Any, **options: Any) -> Any:
    y_true, y_pred = prepared(y_true, y_pred)
    return kernel(y_true.astype(y_pred.dtype, copy=False), y_pred, **options)[0]


@_down
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of (y_pred - y_true)^2.

    >>> mean_squared_error([[0.0]], [[2.0]]).tolist()
    [4.0]
    """
    return _values(kernels.squared_error_forward, y_true, y_pred)


@_down
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of |y_pred - y_true|.

    >>> mean_absolute_error([[0.0]], [[2.0]]).tolist()
    [2.0]
    """
    return _values(kernels.absolute_error_forward, y_true, y_pred)


@_down
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Return the mean over the last axis of e^2 / 2 up to delta, delta * |e| - delta^2 / 2 beyond.

    >>> huber([[0.0]], [[2.0]]).tolist()
    [1.5]
    """
    return _values(kernels.huber_forward, y_true, y_pred, delta=delta)


@_down
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Return the mean over the last axis of -(y log p + (1 - y) log(1 - p)).

    >>> round(float(binary_crossentropy([[1.0]], [[0.5]])[0]), 4)
    0.6931
    """
    options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
    return _values(kernels.binary_crossentropy_forward, y_true, y_pred, **options)


@_down
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Return -sum of y log p along the axis.

    >>> round(float(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
    0.6931
    """
    options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
    return _values(kernels.categorical_crossentropy_forward, y_true, y_pred, **options)


@_down
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """Return -log p[label].

    >>> round(float(sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]), 4)
    0.6931
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    y_pred = y_pred if y_pred.dtype.kind == "f" else y_pred.astype(np.float32)
    return kernels.sparse_categorical_crossentropy_forward(y_true, y_pred, from_logits, ignore_class, axis)[0]


@metric_class("mse", "MSE")
class MeanSquaredError(MeanMetricWrapper):
    """Mean of (y_pred - y_true)^2.

    >>> MeanSquaredError()([[0.0]], [[2.0]])
    4.0
    """

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_error, name, dtype)


@metric_class("mae", "MAE")
class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of |y_pred - y_true|.

    >>> MeanAbsoluteError()([[0.0]], [[2.0]])
    2.0
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_error, name, dtype)


@metric_class()
class RootMeanSquaredError(Mean):
    """Square root of the mean of (y_pred - y_true)^2 over everything.

    >>> RootMeanSquaredError()([[0.0]], [[2.0]])
    2.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    @silent
    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = prepared(y_true, y_pred)
        super().update_state(np.square(y_pred - y_true.astype(y_pred.dtype, copy=False)), sample_weight)

    def result(self) -> float:
        return float(np.sqrt(super().result()))


@metric_class("bce", "BCE")
class BinaryCrossentropy(MeanMetricWrapper):
    """Mean of -(y log p + (1 - y) log(1 - p)).

    >>> round(BinaryCrossentropy()([[1.0]], [[0.5]]), 4)
    0.6931
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(binary_crossentropy, name, dtype, **options)


@metric_class()
class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean of -sum of y log p, for one-hot targets.

    >>> round(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    0.6931
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_crossentropy, name, dtype, **options)


@metric_class()
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean of -log p[label], for whole-number labels.

    >>> round(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]]), 4)
    0.6931
    """

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, name, dtype, **options)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        ignored = self._options["ignore_class"]
        if ignored is not None and sample_weight is not None:
            # As in Keras: with weights, ignored samples do not count; without, they count as 0.
            valid = np.asarray(y_true) != ignored
            weight, valid = same_rank(np.asarray(sample_weight), valid)
            sample_weight = weight * valid
        super().update_state(y_true, y_pred, sample_weight)
