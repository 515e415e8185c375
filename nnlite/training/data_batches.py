"""Batches of arrays, and what all kinds of batches have in common."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from nnlite import random
from nnlite.training.data_arrays import reader

# (x, y, sample_weight): x is an array, list or dict, y the same or None, sample_weight the same or None.
Batch = tuple[Any, Any, Any]


class Batches:
    """Data cut into batches, an epoch at a time.

    Attributes:
        steps: batches of one epoch; None while that is unknown, as with a generator in its first epoch.
        batch_size: rows of a full batch, None where the data comes in batches of its own.
        rows: rows of all the data, None where unknown.
        targets: all targets, where the data is arrays; else None.
        exhausted: True once the data is used up for good, as a generator is at its end: training cannot go on.

    Without ``limit``, an epoch is one pass over the data. With it, an epoch is that many batches and the next epoch
    goes on where it stopped; an epoch in which the pass ends is shorter, as in Keras, and a warning says so.
    """

    batch_size: Any = None
    rows: Any = None
    targets: Any = None
    _rng: np.random.Generator | None = None

    def __init__(self, steps: int | None, limit: int | None) -> None:
        self.steps = steps if limit is None else limit
        self.exhausted = False
        self._limit = limit
        self._pass: Iterator[Batch] | None = None
        self._ahead: Batch | None = None
        self._warned = False
        # Where it is: the order's random state when the pass began, the batches taken of it, and of all passes.
        self._began: Any = None
        self._taken = self._total = 0

    def passes(self, skip: int = 0) -> Iterator[Batch]:
        """Yield the batches of one pass over the data, without the first ``skip``."""
        raise NotImplementedError

    def peek(self) -> Batch | None:
        """Return a batch to look at before training, without using it up; None if the data has run out."""
        if self._ahead is None:
            self._ahead = self._first()
        return self._ahead

    def epoch(self, done: int = 0) -> Iterator[Batch]:
        """Yield ``(x, y, sample_weight)`` for each batch of one epoch, of which ``done`` have been taken before.

        To go on in the middle of an epoch, call :meth:`seek` first.
        """
        batch: Batch | None = None
        if not done:
            batch, self._ahead = self._ahead or self._first(), None
        elif done == self._limit:
            return
        else:
            batch = next(self._pass, None) if self._pass is not None else None
        current = self._pass
        count = done
        while batch is not None:
            count += 1
            self._taken += 1
            self._total += 1
            yield batch
            if count == self._limit:
                break
            batch = None  # freed before the next one is made
            batch = next(current, None)  # type: ignore[arg-type]  # there is a pass where there is a batch
        else:
            self._pass = None
        self._ended(count)

    def ran_out(self) -> bool:
        """Return whether there is no batch for another epoch, with a warning that says so."""
        return False

    def reset(self) -> None:
        """Begin the next epoch at the start of the data, wherever the last one stopped (an iterator just goes on)."""
        self.close()

    def close(self) -> None:
        """End the pass under way, and with it the threads that make its batches."""
        if isinstance(self._pass, Generator):
            self._pass.close()
        self._pass = self._ahead = None

    def position(self) -> dict[str, Any]:
        """Return where the data is, as plain values, for :meth:`seek` on the same data in another process."""
        inside = self._pass is not None and self._taken > 0
        order = self._began if inside else _state(self._rng)
        place = {"order": order, "taken": self._taken if inside else 0, "total": self._total}
        return place | {"rows": self.rows, "batch_size": self.batch_size}

    def seek(self, position: dict[str, Any]) -> None:
        """Go to where the data was when :meth:`position` was called.

        Raises ``ValueError`` if this is other data: of another size, or cut otherwise.
        """
        for name in ("rows", "batch_size"):
            if position[name] != getattr(self, name):
                raise ValueError(f"{name}: the data had {position[name]} then, it has {getattr(self, name)} now.")
        if (position["order"] is None) != (self._rng is None):
            raise ValueError("shuffle: the data was shuffled then and is not now, or the other way round.")
        if self._rng is not None:
            self._rng.bit_generator.state = position["order"]
        self._total = position["total"]
        self._ahead = self._pass = None
        if position["taken"]:
            self._begin(position["taken"])

    def _begin(self, skip: int = 0) -> None:
        self._began, self._taken = _state(self._rng), skip
        self._pass = self.passes(skip)

    def _first(self) -> Batch | None:
        batch = None
        if self._pass is not None and self._limit is not None:
            batch = next(self._pass, None)
        if batch is None:  # a new pass: the first one, or the last ended with the last epoch
            self._begin()
            batch = next(self._pass, None)  # type: ignore[arg-type]
        if batch is None:
            self._warn("there is no batch left for another epoch")
        return batch

    def _ended(self, count: int) -> None:
        if self._limit is None:
            self.steps = count or self.steps
        elif 0 < count < self._limit:
            self._warn(f"an epoch of {self._limit} steps got {count}")

    def _warn(self, what: str) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"The data ran out: {what}. Give data for steps_per_epoch * epochs batches, or an iterable that can be "
                f"started again.",
                UserWarning,
                stacklevel=4,
            )


class ArrayBatches(Batches):
    """Batches of rows of arrays: in memory, in memory maps, or read from a file a batch at a time."""

    def __init__(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        *,
        rows: int,
        batch_size: int,
        shuffle: bool | str,
        limit: int | None,
        weigh: Callable[[np.ndarray], np.ndarray] | None,
        rng: np.random.Generator | None,
    ) -> None:
        super().__init__(-(-rows // batch_size), limit)
        self.rows = rows
        self.targets = y
        self.batch_size = batch_size
        self.shuffle = shuffle
        self._rng = (rng or random.generator()) if shuffle else None
        self._x = reader(x)
        self._y = reader(y)
        self._w = reader(sample_weight)
        self._weigh = weigh

    def passes(self, skip: int = 0) -> Iterator[Batch]:
        read_x, read_y, read_w, weigh = self._x, self._y, self._w, self._weigh
        for rows in itertools.islice(self._order(), skip, None):
            y = read_y(rows)
            yield read_x(rows), y, read_w(rows) if weigh is None else weigh(y)

    def _order(self) -> Iterator[slice | np.ndarray]:
        """Yield the rows of each batch of one pass: a range, or their numbers."""
        n, size, rng = self.rows, self.batch_size, self._rng
        starts = range(0, n, size)
        if rng is None:
            for start in starts:
                yield slice(start, min(start + size, n))
        elif self.shuffle == "batch":
            for start in starts:
                yield start + rng.permutation(min(size, n - start))
        else:
            order = rng.permutation(n)
            for start in starts:
                yield order[start : start + size]


def _state(rng: np.random.Generator | None) -> Any:
    return None if rng is None else rng.bit_generator.state
