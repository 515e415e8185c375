"""Class weights: a weight for each row, from its label."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nnlite import config


def weigher(class_weight: Mapping[int, float]) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that maps the targets of a batch to the weights of its rows.

    Labels are whole numbers, ``(N,)`` or ``(N, 1)``, or one-hot rows; a class that has no weight counts 1.

    >>> weigher({0: 0.5, 2: 4.0})(np.array([0, 1, 2]))
    array([0.5, 1. , 4. ], dtype=float32)

    Raises ``ValueError`` if ``class_weight`` is not a dict of whole numbers to finite numbers.
    """
    if not isinstance(class_weight, Mapping):
        hint = ""
        if isinstance(class_weight, (list, tuple, np.ndarray)):
            hint = " Pass dict(enumerate(class_weight))."
        elif class_weight == "balanced":
            hint = " For balanced classes, give n_rows / (n_classes * count) for each class."
        raise ValueError(f"class_weight: got {class_weight!r}, expected a dict from class number to weight.{hint}")
    pairs = sorted((_class(key), _weight(key, value)) for key, value in class_weight.items())
    if not pairs:
        return lambda y: np.ones(len(y), config.floatx())
    classes = np.array([key for key, _ in pairs])
    weights = np.array([value for _, value in pairs], dtype=config.floatx())

    def weigh(y: Any) -> np.ndarray:
        labels = np.asarray(y)
        if labels.ndim > 1:
            labels = labels.argmax(-1) if labels.shape[-1] > 1 else labels[..., 0]
        if labels.dtype.kind not in "iu":
            labels = np.rint(labels).astype(np.int64)
        place = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
        return np.where(classes[place] == labels, weights[place], weights.dtype.type(1))

    return weigh


def _class(key: Any) -> int:
    try:
        if isinstance(key, float) and key.is_integer():
            return int(key)
        return operator.index(key)
    except TypeError:
        raise ValueError(
            f"class_weight: got the key {key!r}, expected class numbers (whole numbers, as in y or as the position in "
            f"a one-hot row)."
        ) from None


def _weight(key: Any, value: Any) -> float:
    try:
        weight = float(value)
    except (TypeError, ValueError):
        weight = float("nan")
    if not np.isfinite(weight):
        raise ValueError(f"class_weight: got {value!r} for class {key!r}, expected a finite number.")
    return weight
