"""What can be wrong with targets, said before anything changes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


def no_nan(name: str, y_true: Any) -> None:
    """Raise ``ValueError`` if a target is NaN, or no number at all."""
    if y_true.dtype.kind == "f":
        if np.isnan(y_true).any():
            first = [int(i) for i in np.argwhere(np.isnan(y_true))[0]]
            raise ValueError(
                f"{name}: {int(np.isnan(y_true).sum())} target(s) are NaN, the first at {first}. "
                f"Drop those rows or fill them in."
            )
    elif y_true.dtype.kind not in "iub":
        raise ValueError(f"{name}: targets must be numbers, got dtype {y_true.dtype}.")


def number(owner: str, what: str, value: Any, low: float = -np.inf, high: float = np.inf) -> None:
    """Raise ``ValueError`` unless an argument is a number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not low <= value <= high:
        where = f" from {low} to {high}" if np.isfinite(high) else f" of at least {low}" if np.isfinite(low) else ""
        raise ValueError(f"{owner}: {what} must be a number{where}, got {value!r}.")


def fitting(name: str, y_true: Any, y_pred_shape: Any, **options: Any) -> None:
    """Raise ``ValueError`` unless targets have the output's shape, up to a last axis of size 1, and are numbers.

    Targets that would only be broadcast to it are refused: y of (N, 1) beside an output of (N, 3) is a mistake.
    """
    y_true = np.asarray(y_true)
    no_nan(name, y_true)
    wanted, given = tuple(y_pred_shape), y_true.shape
    if given == wanted:
        return
    if len(given) == len(wanted) - 1 and wanted[-1] == 1:
        wanted = wanted[:-1]
    elif len(given) == len(wanted) + 1 and given[-1] == 1:
        given = given[:-1]
    if len(given) == len(wanted) and all(w is None or g == w for g, w in zip(given, wanted, strict=True)):
        return
    hint = ""
    if y_true.dtype.kind in "iu" and y_true.shape[1:] in (wanted[1:-1], (*wanted[1:-1], 1)):
        hint = " For whole-number labels use sparse_categorical_crossentropy, or nnlite.utils.to_categorical."
    raise ValueError(
        f"{name}: targets have shape {y_true.shape}, but the output has shape {tuple(y_pred_shape)}; they must be "
        f"equal.{hint}"
    )


def fitting_along(name: str, y_true: Any, y_pred_shape: Any, axis: Any = -1, **options: Any) -> None:
    """Raise ``ValueError`` unless targets fit and the output has the axis, or axes."""
    fitting(name, y_true, y_pred_shape)
    rank = len(y_pred_shape)
    for one in () if axis is None else axis if isinstance(axis, (list, tuple)) else (axis,):
        if isinstance(one, bool) or not isinstance(one, (int, np.integer)) or not -rank <= one < rank:
            raise ValueError(f"{name}: axis {axis!r} does not exist in an output of shape {tuple(y_pred_shape)}.")


def one_hot(name: str, y_true: Any, y_pred_shape: Any, axis: int = -1, **options: Any) -> None:
    """Raise ``ValueError`` unless targets fit; warn where there is but one class."""
    fitting(name, y_true, y_pred_shape)
    if y_pred_shape[axis] == 1:
        warnings.warn(
            f"{name}: the output of shape {tuple(y_pred_shape)} has a single class, whose probability is always 1. "
            f"For two classes and one output use binary_crossentropy.",
            SyntaxWarning,
            stacklevel=2,
        )


def binary(name: str, y_true: Any, y_pred_shape: Any, **options: Any) -> None:
    """Raise ``ValueError`` unless targets fit and lie between 0 and 1."""
    fitting(name, y_true, y_pred_shape)
    y_true = np.asarray(y_true)
    if y_true.size and y_true.dtype.kind != "b":
        low, high = y_true.min(), y_true.max()
        if low < 0 or high > 1:
            raise ValueError(
                f"{name}: targets must lie between 0 and 1, got values from {low} to {high}. "
                f"Labels -1 and 1 become 0 and 1 with (y + 1) / 2."
            )


def sparse(name: str, y_true: Any, y_pred_shape: Any, ignore_class: Any = None, axis: int = -1, **options: Any) -> None:
    """Raise ``ValueError`` unless targets are whole-number labels within the number of classes."""
    y_true = np.asarray(y_true)
    no_nan(name, y_true)
    shape = list(y_pred_shape)
    classes = shape.pop(axis)
    given = list(y_true.shape)
    if len(given) == len(y_pred_shape) and given[axis] == 1:
        given.pop(axis)
    if len(given) != len(shape) or any(w not in (None, g) for g, w in zip(given, shape, strict=True)):
        hint = ""
        if len(given) == len(y_pred_shape) and given[axis] == classes:
            hint = " They look one-hot: use categorical_crossentropy, or y.argmax(-1)."
        raise ValueError(
            f"{name}: expected one whole-number label a sample, shape {tuple(shape)} for an output of shape "
            f"{tuple(y_pred_shape)}; got targets of shape {y_true.shape}.{hint}"
        )
    if not y_true.size:
        return
    if y_true.dtype.kind == "f" and not np.array_equal(y_true, np.floor(y_true)):
        raise ValueError(
            f"{name}: labels must be whole numbers, got {y_true.dtype} values such as {y_true.ravel()[:3]}."
        )
    if y_true.dtype == np.int64 and classes is not None and y_true.view(np.uint64).max() < classes:
        return  # a negative label would be a large one
    low, high = y_true.min(), y_true.max()
    if low < 0 or (classes is not None and high >= classes):
        if ignore_class is not None:
            kept = y_true[y_true != ignore_class]
            if not kept.size or (kept.min() >= 0 and (classes is None or kept.max() < classes)):
                return
        hint = "Give the last layer more units, or number the classes from 0."
        if classes == 1:
            hint = "For two classes and one output use binary_crossentropy."
        raise ValueError(
            f"{name}: labels go from {low} to {high}, but the output has {classes} classes, so labels must be 0 to "
            f"{classes - 1}. {hint}"
        )
