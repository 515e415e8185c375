"""From what users pass as data to batches: one entry for arrays, files, frames, iterables and data sets.

Whole arrays are never cast, copied or read from disk: that happens to a batch at a time.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nnlite import random
from nnlite.training.data_arrays import Rows, arrays, check_rows, is_array_like, leaves, map_leaves, reader
from nnlite.training.data_batches import ArrayBatches, Batch, Batches
from nnlite.training.data_streams import DatasetBatches, PyDataset, StreamBatches, check_class_weight
from nnlite.training.data_weights import weigher

__all__ = [
    "ArrayBatches",
    "Batch",
    "Batches",
    "DatasetBatches",
    "PyDataset",
    "Rows",
    "StreamBatches",
    "batches",
    "split",
]


def batches(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    steps: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    rng: np.random.Generator | None = None,
    texts: bool = False,
) -> Batches:
    """Return ``x``, ``y`` and ``sample_weight`` cut into batches.

    Args:
        x: array, list or dict of arrays (several inputs); arrays may be ndarrays, memory maps, h5py data sets, pandas
            frames and series, nested lists of numbers. Or a :class:`PyDataset`, or any iterable of batches ``(x,)``,
            ``(x, y)``, ``(x, y, sample_weight)``, which then carries targets and weights itself.
        y: targets, of the same kinds and as many rows.
        sample_weight: a weight for each row (or each of several outputs).
        batch_size: rows in a batch; 32, or with ``steps`` rows / steps rounded up. Ignored for batches that are made
            elsewhere. The last batch of a pass may be smaller.
        shuffle: True for a new order of all rows in every pass (of the batches of a :class:`PyDataset`; an
            iterable's order is its own), False or None for none; ``"batch"`` shuffles inside each batch of
            neighbouring rows, which reads a compressed h5py data set many times faster.
        steps: batches in an epoch; the next epoch goes on where the last one stopped.
        class_weight: weight for each class number of ``y``, handed on as the rows' weights.
        rng: makes the order; None takes a child of the process-wide stream.
        texts: whether ``x`` may hold texts.

    Raises:
        ValueError: for no rows, lengths that differ, ragged lists, sizes below 1, weights that cannot be applied.
        TypeError: for text where none may be, Python objects, sparse matrices and other things that are not numbers.

    >>> cut = batches(np.arange(10).reshape(5, 2), np.arange(5), batch_size=2)
    >>> cut.steps, [y.tolist() for x, y, w in cut.epoch()]
    (3, [[0, 1], [2, 3], [4]])
    """
    if shuffle not in (None, True, False, "batch"):
        raise ValueError(f"shuffle: got {shuffle!r}, expected True, False or 'batch'.")
    steps = None if steps is None else count("steps", steps)
    batch_size = None if batch_size is None else count("batch_size", batch_size)
    weigh = None if class_weight is None else weigher(class_weight)
    if shuffle and rng is None:
        rng = random.generator()
    if isinstance(x, PyDataset) or not is_array_like(x):
        _check_stream(x, y, sample_weight)
        if isinstance(x, PyDataset):
            return DatasetBatches(x, steps, weigh, rng if shuffle and not x.keeps_order else None, texts)
        return StreamBatches(x, steps, weigh, texts)
    x, y, sample_weight, rows = _checked(x, y, sample_weight, texts)
    if weigh is not None:
        check_class_weight(y, sample_weight)
    if batch_size is None:
        batch_size = 32 if steps is None else math.ceil(rows / steps)
    return ArrayBatches(
        x,
        y,
        sample_weight,
        rows=rows,
        batch_size=batch_size,
        shuffle=shuffle or False,
        limit=steps,
        weigh=weigh,
        rng=rng,
    )


def whole_batch(x: Any, y: Any, sample_weight: Any, *, class_weight: Any = None, texts: bool = False) -> Batch:
    """Return all rows as one batch; arguments and errors are those of :func:`batches`.

    >>> whole_batch([[1.0], [2.0]], [0, 1], None)[1]
    array([0, 1])
    """
    if sample_weight is class_weight is None and _are_numbers(x, y):
        return x, y, None
    if isinstance(x, PyDataset) or not is_array_like(x):
        (batch,) = batches(x, y, sample_weight, steps=1, class_weight=class_weight, texts=texts).epoch()
        return batch
    weigh = None if class_weight is None else weigher(class_weight)
    x, y, sample_weight, rows = _checked(x, y, sample_weight, texts)
    if weigh is not None:
        check_class_weight(y, sample_weight)
    x, y, sample_weight = (reader(part)(slice(0, rows)) for part in (x, y, sample_weight))
    return x, y, sample_weight if weigh is None else weigh(y)


def split(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    validation_split: float = 0.0,
    *,
    classes: bool = True,
    texts: bool = False,
) -> tuple[Batch, Batch]:
    """Return the first rows for training and the last for validation, as views: nothing is copied or read.

    The validation part begins at row ``floor(rows * (1 - validation_split))``. With ``classes``, targets that are
    labels (whole numbers, or one-hot rows) are looked through, and a warning says which classes one part lacks:
    sorted data cannot be split this way.

    Raises ``ValueError`` if the fraction is not between 0 and 1, a part would be empty, or ``x`` is not arrays.

    >>> (x, y, w), (x_val, y_val, w_val) = split(np.arange(10), np.arange(10) % 2, validation_split=0.2)
    >>> x_val, y_val
    (array([8, 9]), array([0, 1]))
    """
    if isinstance(x, PyDataset) or not is_array_like(x):
        raise ValueError(
            f"validation_split: works for arrays, got x of type {type(x).__name__}. Pass validation_data instead."
        )
    number = isinstance(validation_split, (int, float, np.integer, np.floating))
    fraction = float(validation_split) if number else math.nan
    if not 0 < fraction < 1:
        raise ValueError(f"validation_split: got {validation_split!r}, expected a fraction between 0 and 1.")
    x, y, sample_weight, rows = _checked(x, y, sample_weight, texts)
    at = math.floor(rows * (1 - validation_split))  # in its own precision: 1 - float32(0.3) is 0.7 there, as in Keras
    if not 0 < at < rows:
        raise ValueError(
            f"validation_split={validation_split!r} of {rows} rows leaves {at} for training and {rows - at} for "
            f"validation, expected at least one each. Give more data or another fraction."
        )
    if classes and isinstance(y, (np.ndarray, Rows)):
        _warn_of_missing_classes(y, at)
    parts = [[_range(part, start, stop) for part in (x, y, sample_weight)] for start, stop in ((0, at), (at, rows))]
    return tuple(parts[0]), tuple(parts[1])


def _are_numbers(x: Any, y: Any) -> bool:
    """Return whether x and y are one array of numbers each, with as many rows, as in nearly every batch."""
    both = (x, y) if y is not None else (x,)
    if not all(type(a) is np.ndarray and a.dtype.kind in "fiub" and a.ndim for a in both):
        return False
    return len(both[-1]) == len(x) > 0


def _checked(x: Any, y: Any, sample_weight: Any, texts: bool) -> tuple[Any, Any, Any, int]:
    x, y, sample_weight = arrays(x, "x", texts), arrays(y, "y"), arrays(sample_weight, "sample_weight")
    named = [*leaves(x, "x"), *leaves(y, "y"), *leaves(sample_weight, "sample_weight")]
    if not any(True for _ in leaves(x, "x")):
        raise ValueError(f"x: got {x!r}, expected at least one array.")
    for name, weight in leaves(sample_weight, "sample_weight"):
        if isinstance(weight, np.ndarray) and weight.dtype.kind == "f" and not np.isfinite(weight).all():
            row = int(np.argmin(np.isfinite(weight).reshape(len(weight), -1).all(-1)))
            raise ValueError(f"{name}: got {weight[row]} in row {row}, expected finite numbers.")
    return x, y, sample_weight, check_rows(named)


def _check_stream(x: Any, y: Any, sample_weight: Any) -> None:
    kind = type(x).__name__
    if isinstance(x, Mapping):
        raise TypeError(f"x: got a {kind}, expected one of the arrays in it (or a dict of several inputs).")
    if not isinstance(x, PyDataset) and not isinstance(x, Iterable):
        raise TypeError(
            f"x: got {'None' if x is None else f'a {kind}'}, expected an array, a list or dict of arrays, a PyDataset "
            f"or an iterable of batches."
        )
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"{name}: must be None where x is a {kind}, whose batches carry their own targets and weights."
            )


def count(name: str, value: Any) -> int:
    """Return a number of rows or batches; raise ``ValueError`` if it cannot be one."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise ValueError(f"{name}: got {value!r}, expected a whole number of at least 1.")
    return number


def _range(value: Any, start: int, stop: int) -> Any:
    def cut(array: Any, name: str) -> Any:
        if isinstance(array, Rows):
            return Rows(array.source, array.start + start, array.start + stop)
        return array[start:stop]

    return map_leaves(value, cut, "")


def _warn_of_missing_classes(y: np.ndarray | Rows, at: int) -> None:
    head, tail = _classes(y, 0, at), _classes(y, at, len(y))
    if head is None or tail is None:
        return
    for part, missing in (("validation", head - tail), ("training", tail - head)):
        if missing:
            shown = ", ".join(map(str, sorted(missing)[:10])) + (", ..." if len(missing) > 10 else "")
            warnings.warn(
                f"validation_split takes the last {len(y) - at} rows as they are, and class(es) {shown} of the "
                f"{len(head | tail)} in y do not occur in the {part} part. If the rows are sorted, shuffle them first.",
                UserWarning,
                stacklevel=4,
            )


def _classes(y: np.ndarray | Rows, start: int, stop: int, most: int = 1000) -> set[int] | None:
    """Return the classes among these rows, or None if the targets are not labels. Reads a part at a time."""
    found: set[int] = set()
    width = y.shape[1] if y.ndim == 2 else 1
    if y.ndim > 2 or (y.dtype.kind not in "biuf") or width == 0:
        return None
    for first in range(start, stop, 65536 // width + 1):
        part = np.asarray(y[first : min(stop, first + 65536 // width + 1)])
        if width > 1:
            if not (((part == 0) | (part == 1)).all() and (np.count_nonzero(part, axis=1) == 1).all()):
                return None
            part = part.argmax(axis=1)
        elif part.dtype.kind == "f" and not ((part == 0) | (part == 1)).all():
            return None
        found.update(np.unique(part).astype(np.int64).tolist())
        if len(found) > most:
            return None
    return found
