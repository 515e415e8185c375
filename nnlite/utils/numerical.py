"""Small helpers around arrays of data."""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from nnlite import random
from nnlite.core import naming
from nnlite.core.errors import known_arguments


@known_arguments
def set_random_seed(seed: int) -> None:
    """Seed Python's ``random``, NumPy's global generator and nnlite, so that a program repeats bit for bit.

    Raises ``ValueError`` unless ``seed`` is a whole number from 0 to 2**32 - 1.

    >>> set_random_seed(42)
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(f"set_random_seed: expected a whole number from 0 to 2**32 - 1, got {seed!r}.")
    python_random.seed(int(seed))
    np.random.seed(int(seed))
    random.set_seed(int(seed))


@known_arguments
def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Return whole-number labels as rows that are 1 at the label and 0 elsewhere.

    Args:
        x: labels from 0, of any shape; a last axis of size 1 is dropped.
        num_classes: number of classes; the largest label plus one where None.

    Returns:
        float64 array of shape ``x.shape + (num_classes,)``.

    Raises:
        ValueError: for labels that are negative, not whole, or too large for ``num_classes``.

    >>> to_categorical([0, 2]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    labels = np.asarray(x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels.reshape(labels.shape[:-1])
    whole = labels.dtype.kind in "iub" or (labels.dtype.kind == "f" and np.array_equal(labels, np.floor(labels)))
    if not whole:
        raise ValueError(f"to_categorical: labels must be whole numbers, got {labels.dtype} {labels.ravel()[:5]}.")
    labels = labels.astype(np.int64)
    classes = int(labels.max(initial=-1)) + 1 if num_classes is None else int(num_classes)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError(
            f"to_categorical: labels go from {labels.min()} to {labels.max()}, expected 0 to {classes - 1} "
            f"for num_classes={classes}."
        )
    out = np.zeros((labels.size, classes))
    out[np.arange(labels.size), labels.ravel()] = 1
    return out.reshape(*labels.shape, classes)


@known_arguments
def normalize(x: Any, axis: int = -1, order: Any = 2) -> np.ndarray:
    """Return ``x`` divided by its length along an axis; what has length 0 stays 0.

    Args:
        x: array of numbers.
        axis: the axis along which lengths are taken.
        order: which length: 2 the Euclidean, 1 the sum of absolute values, ``np.inf`` the largest.

    Raises:
        ValueError: for an axis that does not exist or an unknown order.

    >>> normalize([[3.0, 4.0], [0.0, 0.0]]).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    array = np.asarray(x)
    if array.ndim == 0 or not -array.ndim <= axis < array.ndim:
        raise ValueError(f"normalize: axis {axis!r} does not exist in an array of shape {array.shape}.")
    lengths = np.atleast_1d(np.linalg.norm(array, order, axis))
    lengths[lengths == 0] = 1
    result: np.ndarray = array / np.expand_dims(lengths.reshape(np.delete(array.shape, axis)), axis)
    return result


@known_arguments
def clear_session(free_memory: bool = True) -> None:
    """Count automatic names from the beginning again, as in a new process.

    Args:
        free_memory: accepted for Keras's sake; models are freed when nothing refers to them any more.

    >>> from nnlite.layers import Dense
    >>> clear_session(); Dense(1).name
    'dense'
    """
    naming.reset_names()
