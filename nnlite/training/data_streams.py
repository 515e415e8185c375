"""Batches that arrive one by one: from iterables and generators, and from :class:`PyDataset`."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from nnlite.training.data_ahead import Ahead
from nnlite.training.data_arrays import arrays, check_rows, leaves
from nnlite.training.data_batches import Batch, Batches


class PyDataset:
    """Base class for data that can give its batch number ``i`` at any time, for example from files.

    A subclass defines ``__getitem__(i)``, which returns the whole batch ``i`` as ``(x,)``, ``(x, y)`` or
    ``(x, y, sample_weight)``, and ``__len__``, the number of batches. It may define ``on_epoch_begin`` and
    ``on_epoch_end``. ``fit(shuffle=True)`` takes the batches in a new order every epoch.

    Args:
        workers: batches made at a time, by as many threads, while the model computes with earlier ones. The batches
            come in the same order, so results are those of one worker. 0 and 1 make each batch when it is needed.
        use_multiprocessing: accepted for Keras's sake; threads are used in either case (NumPy and file reading
            let them run side by side). With it, one worker makes batches ahead, too.
        max_queue_size: batches made, or in the making, ahead at most.

    ``__getitem__`` must bear being called from several threads where there are several workers. What it raises leaves
    ``fit`` at that batch. The threads end with the pass over the data, and with ``fit`` however it ends.

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, i):
    ...         x = np.arange(4.0)[:, None] + 4 * i
    ...         return x, x**2
    >>> len(Squares())
    3
    """

    # Whether fit(shuffle=True) leaves the batches in their order, of a data set that sees to its order itself.
    keeps_order = False
    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        if workers < 0 or max_queue_size < 1:
            raise ValueError(
                f"PyDataset: got workers={workers!r}, max_queue_size={max_queue_size!r}, expected workers >= 0 and "
                f"max_queue_size >= 1."
            )
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index), which returns a batch.")

    @property
    def num_batches(self) -> int | None:
        """The number of batches: ``len(self)``; a subclass without end may return None."""
        if type(self).__len__ is PyDataset.__len__:
            return None
        return len(self)

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__(self), the number of batches.")

    def __iter__(self) -> Iterator[Any]:
        """Go through the batches once, in order."""
        for index in itertools.count() if self.num_batches is None else range(self.num_batches):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """Called before the first batch of an epoch is asked for."""

    def on_epoch_end(self) -> None:
        """Called after the last batch of an epoch."""

    def get_state(self) -> Any:
        """Return what the data set changes of itself, such as an order, for ``BackupAndRestore``: plain values and
        arrays in lists and dicts; None where there is nothing."""
        return None

    def set_state(self, state: Any) -> None:
        """Go back to what :meth:`get_state` returned, in another process."""


class StreamBatches(Batches):
    """Batches from an iterable of ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``, or of ``x`` alone.

    An iterator (a generator, a zip) is used up once; other iterables are started again for every pass.

    >>> stream = StreamBatches(([[i, i]], [i]) for i in range(3))
    >>> [y.tolist() for x, y, w in stream.epoch()]
    [[0], [1], [2]]
    """

    def __init__(
        self,
        source: Iterable[Any],
        limit: int | None = None,
        weigh: Callable[[np.ndarray], np.ndarray] | None = None,
        texts: bool = False,
    ) -> None:
        length = None
        if limit is None and not isinstance(source, Iterator):
            with contextlib.suppress(TypeError):
                length = len(source)  # type: ignore[arg-type]
        super().__init__(length, limit)
        self._source = source
        self._once = isinstance(source, Iterator)
        self._weigh, self._texts = weigh, texts
        self._seen = 0

    def ran_out(self) -> bool:
        return self._once and self.peek() is None

    def reset(self) -> None:
        if not self._once:
            super().reset()
            self._seen = 0

    def seek(self, position: dict[str, Any]) -> None:
        """Go to where the stream was. One that cannot be started again is at its beginning: it is read up to there."""
        if not self._once:
            self._seen = 0
            super().seek(position)
            return
        if self._ahead is not None:  # it has been looked at
            self._pass = itertools.chain([self._ahead], self._pass or ())
        elif self._pass is None:
            self._begin()
        self._ahead, self._total, self._taken = None, position["total"], position["taken"]
        for _ in range(position["total"]):
            next(self._pass, None)  # type: ignore[arg-type]

    def passes(self, skip: int = 0) -> Iterator[Batch]:
        for number, item in enumerate(self._source, self._seen):
            self._seen = number + 1
            if number >= skip:
                yield unpack(item, number, self._weigh, self._texts)
        if self._seen == 0:
            raise ValueError(f"x: the {type(self._source).__name__} gave no batch at all, expected at least one.")
        self.exhausted = self._once
        if not self._once:
            self._seen = 0


class DatasetBatches(Batches):
    """Batches from a :class:`PyDataset`, in a new order every pass if there is an ``rng``."""

    def __init__(
        self,
        dataset: PyDataset,
        limit: int | None,
        weigh: Callable[[np.ndarray], np.ndarray] | None,
        rng: np.random.Generator | None,
        texts: bool = False,
    ) -> None:
        count = dataset.num_batches
        if count is not None and count < 1:
            raise ValueError(f"x: the {type(dataset).__name__} has {count} batches, expected at least one.")
        if count is None and limit is None:
            raise ValueError(
                f"x: the {type(dataset).__name__} has no end (num_batches is None), give the steps of an epoch."
            )
        super().__init__(count, limit)
        self._dataset = dataset
        self._weigh, self._texts = weigh, texts
        self._rng = rng

    def peek(self) -> Batch | None:
        """Return batch 0, asked for in an epoch of its own: what is looked at is not taken out of the next epoch."""
        self._dataset.on_epoch_begin()
        batch = unpack(self._dataset[0], 0, self._weigh, self._texts)
        self._dataset.on_epoch_end()
        return batch

    def position(self) -> dict[str, Any]:
        return super().position() | {"dataset": self._dataset.get_state()}

    def seek(self, position: dict[str, Any]) -> None:
        if position.get("dataset") is not None:
            self._dataset.set_state(position["dataset"])
        super().seek(position)

    def epoch(self, done: int = 0) -> Iterator[Batch]:
        self._dataset.on_epoch_begin()
        yield from super().epoch(done)
        self._dataset.on_epoch_end()

    def passes(self, skip: int = 0) -> Iterator[Batch]:
        count = self._dataset.num_batches  # may change between epochs
        order: Iterator[int]
        if count is None:
            order = iter(range(2**62))
        elif self._rng is not None:
            order = iter(self._rng.permutation(count).tolist())
        else:
            order = iter(range(count))
        for index, item in self._items(itertools.islice(order, skip, None)):
            yield unpack(item, index, self._weigh, self._texts)

    def _items(self, order: Iterator[int]) -> Iterator[tuple[int, Any]]:
        dataset = self._dataset
        if dataset.workers < 1 or (dataset.workers == 1 and not dataset.use_multiprocessing):
            yield from map(self._item, order)
            return
        ahead = Ahead(self._item, order, dataset.workers, dataset.max_queue_size)
        try:
            yield from ahead
        finally:
            ahead.close()

    def _item(self, index: int) -> tuple[int, Any]:
        try:
            return index, self._dataset[index]
        except Exception as error:
            if sys.version_info >= (3, 11):  # which batch it was; the error stays the user's own
                error.add_note(f"This was batch {index} of the {type(self._dataset).__name__}.")
            raise


def unpack(item: Any, number: int, weigh: Callable[[np.ndarray], np.ndarray] | None, texts: bool = False) -> Batch:
    """Return one batch from outside as checked arrays ``(x, y, sample_weight)``."""
    parts = tuple(item) if isinstance(item, (tuple, list)) else (item,)
    if not 1 <= len(parts) <= 3 or parts[0] is None:
        raise ValueError(
            f"Batch {number} of the data is a {type(item).__name__} of {len(parts)} parts, expected (x,), (x, y) or "
            f"(x, y, sample_weight). Several inputs go into x as a list or dict."
        )
    names = ("x", "y", "sample_weight")
    try:
        given = zip((*parts, None, None)[:3], names, strict=True)
        x, y, w = (arrays(part, name, texts and name == "x") for part, name in given)
        check_rows([leaf for part, name in zip((x, y, w), names, strict=True) for leaf in leaves(part, name)])
    except (ValueError, TypeError) as error:
        raise type(error)(f"Batch {number} of the data: {error}") from error
    if weigh is not None:
        check_class_weight(y, w)
        w = weigh(y)
    return x, y, w


def check_class_weight(y: Any, sample_weight: Any) -> None:
    """Raise ``ValueError`` where class weights cannot be told from these targets and weights."""
    if sample_weight is not None:
        raise ValueError("class_weight and sample_weight cannot both be given: multiply them into one sample_weight.")
    if y is None:
        raise ValueError("class_weight: needs targets y, got none.")
    if isinstance(y, (list, dict)):
        raise ValueError(
            f"class_weight: works for one array of targets, got {len(y)}. Give a sample_weight for each output instead."
        )
