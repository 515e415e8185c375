"""Sequences of different lengths, and windows on one long sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core.errors import known_arguments, nearest
from nnlite.training.data import PyDataset
from nnlite.utils.shuffling import set_shuffle_state, shuffle_state

_SIDES = ("pre", "post")


@known_arguments
def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Return sequences as the rows of one array: shorter ones padded, longer ones cut.

    Args:
        sequences: a list of sequences, each of numbers or of arrays of one shape.
        maxlen: length of the rows; that of the longest sequence where None.
        dtype: of the array; values are cut to it as in Keras, so that fractions need "float32".
        padding: "pre" pads before the sequence, "post" after it.
        truncating: "pre" drops the beginning of sequences that are too long, "post" the end.
        value: what is padded with.

    Returns:
        array of shape ``(len(sequences), maxlen, ...)``.

    Raises:
        ValueError: for a side that is neither "pre" nor "post", a negative maxlen, an entry that is no sequence, and
            elements of different shapes.

    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
    [[0, 1], [2, 3], [5, 6]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in _SIDES:
            raise ValueError(f"pad_sequences: {name} must be 'pre' or 'post', got {side!r}.{nearest(side, _SIDES)}")
    if maxlen is not None and (isinstance(maxlen, bool) or not isinstance(maxlen, (int, np.integer)) or maxlen < 0):
        raise ValueError(f"pad_sequences: maxlen must be a whole number of at least 0, got {maxlen!r}.")
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"pad_sequences: sequences must be a list of sequences, got {sequences!r}.")
    text = np.dtype(dtype).kind in "SU"
    if isinstance(value, str) and np.dtype(dtype).kind != "O" and not text:
        raise ValueError(f"pad_sequences: value {value!r} does not fit dtype {dtype!r}; for texts use dtype=object.")
    arrays = []
    for index, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__") or isinstance(sequence, (str, bytes)):
            raise ValueError(f"pad_sequences: sequences[{index}] must be a sequence, got {sequence!r}.")
        cut = len(sequence) if maxlen is None else maxlen
        kept = sequence[:cut] if truncating == "post" else sequence[max(0, len(sequence) - cut) :]
        arrays.append(np.asarray(kept, dtype=dtype))
    shape: tuple[int, ...] = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    for index, array in enumerate(arrays):
        if len(array) and array.shape[1:] != shape:
            raise ValueError(
                f"pad_sequences: the elements of sequences[{index}] have shape {array.shape[1:]}, those of the first "
                f"{shape}."
            )
    length = max(map(len, sequences), default=0) if maxlen is None else maxlen
    rows = np.full((len(arrays), length, *shape), value, dtype=dtype)
    for row, array in zip(rows, arrays, strict=True):
        if len(array):
            row[slice(len(array)) if padding == "post" else slice(length - len(array), None)] = array
    return rows


class Windows(PyDataset):
    """Batches of windows on a long sequence; made by :func:`timeseries_dataset_from_array`."""

    keeps_order = True

    def __init__(
        self, data: Any, targets: Any, positions: np.ndarray, steps: np.ndarray, batch_size: int | None, rng: Any
    ) -> None:
        super().__init__()
        self._data, self._targets = data, targets
        self._positions, self._steps = positions, steps
        self._batch_size, self._rng = batch_size, rng

    def __len__(self) -> int:
        return -(-len(self._positions) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} batches, got index {index}")
        if self._batch_size is None:
            at: Any = self._positions[index]
            where = at + self._steps
        else:
            at = self._positions[index * self._batch_size : (index + 1) * self._batch_size]
            where = at[:, None] + self._steps
        x = self._data[where]
        return x if self._targets is None else (x, self._targets[at])

    def on_epoch_end(self) -> None:
        if self._rng is not None:
            self._rng.shuffle(self._positions)

    def get_state(self) -> Any:
        return shuffle_state(self._positions, self._rng)

    def set_state(self, state: Any) -> None:
        set_shuffle_state(self._positions, self._rng, state)


@known_arguments
def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str | None = None,
) -> Windows:
    """Return batches of windows on a long sequence, as a ``PyDataset`` that ``fit`` takes.

    Window i begins at ``p = i * sequence_stride`` and holds ``data[p + j * sampling_rate]`` for j below
    ``sequence_length``; its target is ``targets[p]``. Windows are cut when they are asked for: the data is not copied.

    Args:
        data: array with time along its first axis.
        targets: the target of the window that begins at each time, or None for windows alone.
        sequence_length: steps of a window.
        sequence_stride: distance between the beginnings of neighbouring windows.
        sampling_rate: distance between neighbouring steps of a window.
        batch_size: windows a batch; None for windows one by one, without a batch axis.
        shuffle: whether the windows come in a random order, a new one every epoch.
        seed: of that order.
        start_index, end_index: the part of the data to use; from the first to before the last.
        format: accepted for Keras's sake; batches are NumPy arrays.

    Raises:
        ValueError: for numbers out of range, or a window longer than the data.

    >>> windows = timeseries_dataset_from_array(np.arange(6), np.arange(6) * 10, sequence_length=3, batch_size=2)
    >>> [(x.tolist(), y.tolist()) for x, y in windows]
    [([[0, 1, 2], [1, 2, 3]], [0, 10]), ([[2, 3, 4], [3, 4, 5]], [20, 30])]
    """
    what = "timeseries_dataset_from_array"
    data = np.asarray(data)
    targets = None if targets is None else np.asarray(targets)
    begin = 0 if start_index is None else start_index
    end = len(data) if end_index is None else end_index
    numbers = {"sequence_length": sequence_length, "sequence_stride": sequence_stride, "sampling_rate": sampling_rate}
    if batch_size is not None:
        numbers["batch_size"] = batch_size
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 1:
            raise ValueError(f"{what}: {name} must be a whole number of at least 1, got {number!r}.")
    if not 0 <= begin < end <= len(data):
        raise ValueError(
            f"{what}: start_index and end_index must mark a part of the {len(data)} steps, got {start_index} and "
            f"{end_index}."
        )
    count = end - begin - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets))
    if count < 1:
        raise ValueError(
            f"{what}: no window of {sequence_length} steps at a distance of {sampling_rate} fits into {end - begin} "
            f"steps" + ("." if targets is None else f" with {len(targets)} targets.")
        )
    positions, rng = np.arange(0, count, sequence_stride), None
    if shuffle:
        rng = np.random.RandomState(np.random.randint(10**6) if seed is None else seed)
        rng.shuffle(positions)
    steps = np.arange(sequence_length) * sampling_rate
    aims = None if targets is None else targets[begin:]
    return Windows(data[begin:end], aims, positions, steps, batch_size, rng)
