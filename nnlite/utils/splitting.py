"""Data in two parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core.errors import known_arguments
from nnlite.training.data import PyDataset


class Samples(PyDataset):
    """Rows of arrays, in batches of 32 unless :meth:`batch` says otherwise; made by :func:`split_dataset`."""

    def __init__(self, arrays: Any, rows: np.ndarray, batch_size: int = 32) -> None:
        super().__init__()
        self._arrays, self._rows, self._batch_size = arrays, rows, batch_size

    @property
    def num_samples(self) -> int:
        """The number of rows."""
        return len(self._rows)

    def batch(self, batch_size: int) -> Samples:
        """Return the same rows in batches of another size."""
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch: batch_size must be a whole number of at least 1, got {batch_size!r}.")
        return Samples(self._arrays, self._rows, int(batch_size))

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch_size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} batches, got index {index}")
        rows = self._rows[index * self._batch_size : (index + 1) * self._batch_size]
        return _take(self._arrays, rows)


class Part(PyDataset):
    """Some of the batches of another data set; made by :func:`split_dataset`."""

    def __init__(self, source: Any, batches: np.ndarray) -> None:
        super().__init__()
        self._source, self._batches = source, batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} batches, got index {index}")
        return self._source[int(self._batches[index])]


@known_arguments
def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[PyDataset, PyDataset]:
    """Return data in two parts, as ``PyDataset`` objects that ``fit`` takes.

    Args:
        dataset: an array, a tuple, list or dict of arrays with as many rows each, or a ``PyDataset``, which is split
            by batches.
        left_size: rows (batches) of the first part: a whole number, or a fraction between 0 and 1.
        right_size: those of the second part; what is left over where None. One of the two must be given.
        shuffle: whether rows (batches) are drawn at random.
        seed: of that draw.
        preferred_backend: accepted for Keras's sake.

    Returns:
        Two data sets. Rows of arrays come in batches of 32; ``part.batch(n)`` changes that.

    Raises:
        TypeError: for other data.
        ValueError: for sizes that do not fit, and arrays of different lengths.

    >>> left, right = split_dataset((np.arange(10), np.arange(10) * 2), left_size=0.8)
    >>> left.num_samples, right.num_samples, right[0][1].tolist()
    (8, 2, [16, 18])
    """
    whole = isinstance(dataset, PyDataset)
    if not whole:
        if not isinstance(dataset, (np.ndarray, list, tuple, dict)):
            raise TypeError(
                f"split_dataset: expected an array, a tuple, list or dict of arrays, or a PyDataset, got a "
                f"{type(dataset).__name__}."
            )
        if isinstance(dataset, list) and not all(isinstance(one, np.ndarray) for one in dataset):
            dataset = np.asarray(dataset)
        lengths = {len(array) for array in _leaves(dataset)}
        if len(lengths) != 1:
            raise ValueError(f"split_dataset: all arrays must have as many rows, got {sorted(lengths)}.")
        (count,) = lengths
    else:
        count = len(dataset)
    left, right = _sizes(left_size, right_size, count)
    order = np.arange(count)
    if shuffle:
        np.random.RandomState(seed).shuffle(order)
    parts = order[:left], order[left : left + right]
    if whole:
        return Part(dataset, parts[0]), Part(dataset, parts[1])
    return Samples(dataset, parts[0]), Samples(dataset, parts[1])


def _sizes(left: Any, right: Any, count: int) -> tuple[int, int]:
    found = {}
    for name, size in (("left_size", left), ("right_size", right)):
        fraction = isinstance(size, (float, np.floating))
        whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
        if size is not None and not (fraction and 0 < size < 1) and not (whole and 0 < size < count):
            raise ValueError(
                f"split_dataset: {name} got {size!r}, expected a whole number from 1 to {count - 1} or a fraction "
                f"between 0 and 1."
            )
        if size is not None:
            found[name] = round(size * count) if fraction else int(size)
    if not found:
        raise ValueError("split_dataset: give left_size or right_size.")
    first = found.get("left_size", count - found.get("right_size", 0))
    second = found.get("right_size", count - first)
    if first < 1 or second < 1 or first + second > count:
        raise ValueError(
            f"split_dataset: {count} cannot be cut into {first} and {second}; each part needs at least one."
        )
    return first, second


def _leaves(arrays: Any) -> list[Any]:
    if isinstance(arrays, dict):
        return list(arrays.values())
    return list(arrays) if isinstance(arrays, (list, tuple)) else [arrays]


def _take(arrays: Any, rows: np.ndarray) -> Any:
    if isinstance(arrays, dict):
        return {name: array[rows] for name, array in arrays.items()}
    return tuple(array[rows] for array in arrays) if isinstance(arrays, (list, tuple)) else arrays[rows]
