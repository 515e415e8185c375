"""Connectionist temporal classification, for labels shorter than the sequences they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.kernels import losses_ctc as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import no_nan


def _check(name: str, y_true: Any, y_pred_shape: Any, **options: Any) -> None:
    """Raise ``ValueError`` unless targets are rows of labels, filled up with zeros at the end."""
    y_true, shape = np.asarray(y_true), tuple(y_pred_shape)
    no_nan(name, y_true)
    if len(shape) != 3:
        raise ValueError(f"{name}: expected logits of shape (rows, steps, classes), the output has shape {shape}.")
    if y_true.ndim != 2 or shape[0] not in (None, len(y_true)):
        raise ValueError(
            f"{name}: expected a row of labels a sample, shape (rows, labels), for an output of shape {shape}; got "
            f"targets of shape {y_true.shape}."
        )
    if not y_true.size:
        return
    if y_true.dtype.kind == "f" and not np.array_equal(y_true, np.floor(y_true)):
        raise ValueError(f"{name}: labels must be whole numbers, got values such as {y_true.ravel()[:3]}.")
    classes = shape[2]
    wrong = y_true < 0 if classes is None else (y_true < 0) | (y_true >= classes)
    if wrong.any():
        first = [int(i) for i in np.argwhere(wrong)[0]]
        top = "" if classes is None else f" to {classes - 1}"
        hint = " Fill rows up with 0." if y_true[tuple(first)] < 0 else " Give the last layer more units."
        raise ValueError(f"{name}: labels must be 1{top}, got {y_true[tuple(first)]} at {first}; 0 is the blank.{hint}")
    inside = (y_true[:, :-1] == 0) & (y_true[:, 1:] != 0)
    if inside.any():
        first = [int(i) for i in np.argwhere(inside)[0]]
        raise ValueError(
            f"{name}: there is a 0 before other labels, at {first}; 0, the blank, only fills rows up at the end."
        )


def _row(y_pred_shape: Any, **options: Any) -> tuple[Any, ...]:
    return (y_pred_shape[0],)


@loss_function(kernels.ctc_forward, kernels.ctc_backward, _check, takes_labels=True, values_shape=_row)
def ctc(y_true: Any, y_pred: Any) -> Any:
    """Return -log of the probability of the labels, summed over all ways to spread them over the steps.

    >>> import numpy as np
    >>> round(float(ctc([[1, 2]], np.zeros((1, 3, 3), "float32"))[0]), 4)  # log(27 / 5): 5 of 27 paths write 1, 2
    1.6864
    """
    return values_of(ctc, y_true, y_pred)


@registry.register("losses")
class CTC(FunctionLoss):
    """-log of the probability of a row of labels, given logits of more steps (Graves et al., 2006).

    A path gives a class at each step; it writes the labels if they are left once equal neighbours are taken together
    and blanks, class 0, dropped. The probability is the sum over all such paths. Gradient: softmax(y_pred) minus the
    expected share of each class at each step, given the labels.

    All steps of y_pred count. Labels that cannot be written in so few steps cost about 1e5 for each step they lack, as
    on Keras's JAX backend.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    Shapes: y_true whole numbers (N, labels) from 1, filled up with 0 at the end; y_pred logits (N, steps, classes).

    Raises:
        ValueError: for labels outside the classes, and for a 0 before other labels (Keras takes a negative number for a
            label of probability 1, and as many of the row's first numbers as it has that are not 0).

    >>> import numpy as np
    >>> round(CTC()([[1, 2]], np.zeros((1, 3, 3), "float32")).item(), 4)
    1.6864
    """

    fn = staticmethod(ctc)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "ctc", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)
