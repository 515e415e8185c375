"""Losses of whole-number labels: generalized cross-entropy, circle loss, connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.kernels import losses_labels as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import no_nan, sparse


def _check_circle(name: str, y_true: Any, y_pred_shape: Any, **options: Any) -> None:
    no_nan(name, np.asarray(y_true))
    if len(y_pred_shape) != 2 or np.size(y_true) != np.shape(y_true)[0]:
        raise ValueError(
            f"{name}: expected one label a row, (N,), for an output of shape (N, D); got targets of shape "
            f"{np.shape(y_true)} and an output of shape {tuple(y_pred_shape)}."
        )


def _check_ctc(name: str, y_true: Any, y_pred_shape: Any, **options: Any) -> None:
    y_true = np.asarray(y_true)
    no_nan(name, y_true)
    if y_true.ndim != 2 or len(y_pred_shape) != 3:
        raise ValueError(
            f"{name}: expected targets (N, L) and logits (N, T, classes), got shapes {y_true.shape} and "
            f"{tuple(y_pred_shape)}."
        )
    if y_true.size and (y_true.min() < 0 or y_true.max() >= y_pred_shape[-1]):
        raise ValueError(
            f"{name}: labels go from {y_true.min()} to {y_true.max()}, expected 1 to {y_pred_shape[-1] - 1}, and 0 "
            f"to fill up shorter rows."
        )


@loss_function(kernels.generalized_forward, kernels.generalized_backward, sparse, takes_labels=True)
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float = 0.5) -> Any:
    """Return (1 - p^q) / q with p the probability of the label.

    >>> categorical_generalized_cross_entropy([1], [[0.0, 1.0]]).tolist()
    [0.0]
    """
    return values_of(categorical_generalized_cross_entropy, y_true, y_pred, q=q)


@loss_function(kernels.circle_forward, kernels.circle_backward, _check_circle, takes_labels=True)
def circle(y_true: Any, y_pred: Any, remove_diagonal: bool = True, gamma: float = 80.0, margin: float = 0.4) -> Any:
    """Return the circle loss of each row of embeddings of length 1.

    >>> circle([0, 0], [[1.0, 0.0], [1.0, 0.0]]).tolist()
    [0.0, 0.0]
    """
    return values_of(circle, y_true, y_pred, remove_diagonal=remove_diagonal, gamma=gamma, margin=margin)


@loss_function(kernels.ctc_forward, kernels.ctc_backward, _check_ctc, takes_labels=True)
def ctc(y_true: Any, y_pred: Any) -> Any:
    """Return -log of the probability that the logits (N, T, classes) spell the labels (N, L); 0 is the blank.

    >>> ctc([[1]], [[[0.0, 99.0]]]).shape
    (1,)
    """
    return values_of(ctc, y_true, y_pred)


circle.masks_zeros = True  # rows without a pair do not count


@registry.register("losses")
class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """(1 - p^q) / q with p the probability of the label, for noisy labels (Zhang and Sabuncu, 2018).

    Gradient: -p^(q - 1) at the label.

    Args:
        q: between 0, where it is the cross-entropy, and 1, where it is the absolute error.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]).item()
    1.0
    """

    fn = staticmethod(categorical_generalized_cross_entropy)

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.q = q

    def options(self) -> dict[str, Any]:
        return {"q": self.q}


@registry.register("losses")
class Circle(FunctionLoss):
    """Brings embeddings of one label together and others apart (Sun et al., 2020).

    ``softplus(logsumexp(gamma (margin + d)(d - margin)) + logsumexp(gamma (1 + margin - d)(1 - margin - d)))`` for each
    row, the first over the rows of equal label, the second over the others, d = max(1 - cosine, 0). Rows without a pair
    do not count.

    Args:
        gamma: scale of the distances.
        margin: how far apart is near enough.
        remove_diagonal: whether a row is no pair with itself.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> Circle()([0, 1], [[1.0, 0.0], [0.0, 1.0]]).item()
    0.0
    """

    fn = staticmethod(circle)

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal

    def options(self) -> dict[str, Any]:
        return {"gamma": self.gamma, "margin": self.margin, "remove_diagonal": self.remove_diagonal}


@registry.register("losses")
class CTC(FunctionLoss):
    """Connectionist temporal classification (Graves et al., 2006): labels for sequences that are not aligned.

    ``-log(sum of the probabilities of all paths that spell the labels)``, where a path gives each step a class, repeats
    are joined and the blank 0 is dropped. Gradient by the logits: softmax less the share of the paths in each class.

    Shapes: y_true (N, L), labels from 1, filled up with 0; y_pred (N, T, classes), logits.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> CTC()([[1]], [[[0.0, 99.0]]]).item() < 1e-6
    True
    """

    fn = staticmethod(ctc)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ctc",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
