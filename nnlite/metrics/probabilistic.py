"""Measures of predicted probabilities: cross-entropies, Kullback-Leibler divergence, Poisson."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.kernels.losses import same_rank
from nnlite.losses import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from nnlite.metrics.base import MeanMetricWrapper, metric_class


@metric_class("kld", "KLD")
class KLDivergence(MeanMetricWrapper):
    """Mean of the sum of y_true log(y_true / y_pred), between two distributions.

    >>> round(KLDivergence()([[0.0, 1.0]], [[0.5, 0.5]]), 4)
    0.6931
    """

    def __init__(self, name: str = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(kl_divergence, name, dtype)


@metric_class()
class Poisson(MeanMetricWrapper):
    """Mean of y_pred - y_true log(y_pred + 1e-7).

    >>> Poisson()([[0.0]], [[2.0]])
    2.0
    """

    def __init__(self, name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, name, dtype)


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
