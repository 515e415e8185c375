"""The circle loss, for embeddings whose distance tells classes apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.kernels import losses_circle as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import no_nan, number


def _check(name: str, y_true: Any, y_pred_shape: Any, **options: Any) -> None:
    """Raise ``ValueError`` unless there is a whole-number label for each of the embeddings."""
    y_true, shape = np.asarray(y_true), tuple(y_pred_shape)
    no_nan(name, y_true)
    if len(shape) != 2:
        raise ValueError(f"{name}: expected one embedding a sample, an output of shape (rows, size); got {shape}.")
    if y_true.shape[1:] not in ((), (1,)) or shape[0] not in (None, len(y_true)):
        raise ValueError(
            f"{name}: expected one whole-number label a sample for an output of shape {shape}; got targets of shape "
            f"{y_true.shape}."
        )
    if y_true.dtype.kind == "f" and not np.array_equal(y_true, np.floor(y_true)):
        raise ValueError(f"{name}: labels must be whole numbers, got values such as {y_true.ravel()[:3]}.")


@loss_function(
    kernels.circle_forward,
    kernels.circle_backward,
    _check,
    takes_labels=True,
    mask=lambda y_true, values, **options: values > 0,  # rows without a pair of each kind do not count
)
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """Return how far each embedding is from keeping others of its label near and those of another far.

    >>> values = circle([0, 0, 1], [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], gamma=1)
    >>> [round(value, 2) for value in values.tolist()]
    [1.09, 1.85, 0.0]
    """
    options = {"ref_labels": ref_labels, "ref_embeddings": ref_embeddings}
    options |= {"remove_diagonal": remove_diagonal, "gamma": gamma, "margin": margin}
    return values_of(circle, y_true, y_pred, **options)


@registry.register("losses")
class Circle(FunctionLoss):
    """Brings embeddings of one label together and takes others apart (Sun et al., 2020, "Circle loss").

    log(1 + sum exp(-gamma a+ (margin - d)) * sum exp(gamma a- (1 - margin - d))), with d = max(1 - cosine, 0) the
    distance to the other rows of the batch, the first sum over those of the same label, the second over the rest, and
    weights a+ = max(margin + d, 0), a- = max(1 + margin - d, 0). The gradient goes through the weights too; rows that
    lack either kind of others do not count.

    Args:
        gamma: scale.
        margin: how near is near enough.
        remove_diagonal: whether a row is left out of its own others.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    Shapes: y_true whole numbers (N,) or (N, 1); y_pred (N, size), of length 1.

    >>> rows = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> round(Circle(gamma=1)([0, 0, 1], rows).item(), 2)
    1.47
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
        number(type(self).__name__, "gamma", gamma, 0)
        number(type(self).__name__, "margin", margin)
        self.gamma, self.margin, self.remove_diagonal = gamma, margin, remove_diagonal

    def options(self) -> dict[str, Any]:
        return {"gamma": self.gamma, "margin": self.margin, "remove_diagonal": self.remove_diagonal}
