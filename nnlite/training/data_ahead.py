"""Items made by threads, ahead of whoever takes them and in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Ahead:
    """What ``make`` returns for each of ``order``, in that order, made by threads before it is asked for.

    An error of ``make`` is raised in the place of its item, and ends everything. The threads end with the last item,
    and soon after :meth:`close`; they keep no process from ending.

    Args:
        make: function of one of ``order``; called from several threads.
        order: what to make; read by one thread at a time.
        workers: how many threads.
        most: how many items are made, or in the making, ahead at most.

    >>> list(Ahead(lambda i: i * i, range(4), workers=2, most=3))
    [0, 1, 4, 9]
    """

    def __init__(self, make: Callable[[Any], Any], order: Iterable[Any], workers: int, most: int) -> None:
        self._make, self._order, self._most = make, iter(order), most
        self._changed = threading.Condition()
        # By the number of their place: (item, None) or (None, error). How many are begun, and how many are taken.
        self._made: dict[int, tuple[Any, BaseException | None]] = {}
        self._begun = self._taken = 0
        self._last = self._closed = False
        for number in range(workers):
            threading.Thread(target=self._work, name=f"nnlite-data_{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._begun - self._taken >= self._most and not self._closed and not self._last:
                    self._changed.wait()
                if self._closed or self._last:
                    return
                try:
                    what = next(self._order)
                except StopIteration:
                    self._last = True
                    self._changed.notify_all()
                    return
                number = self._begun
                self._begun += 1
            try:
                made: tuple[Any, BaseException | None] = (self._make(what), None)
            except BaseException as error:  # whatever it is, it belongs to whoever takes the item
                made = (None, error)
            with self._changed:
                self._made[number] = made
                self._changed.notify_all()
            del made  # not kept alive while waiting for the next one

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with self._changed:
            while self._taken not in self._made:
                if self._closed or (self._last and self._taken == self._begun):
                    raise StopIteration
                self._changed.wait()
            item, error = self._made.pop(self._taken)
            self._taken += 1
            self._changed.notify_all()
        if error is not None:
            self.close()
            raise error
        return item

    def close(self) -> None:
        """Make no more items; those in the making are finished and dropped."""
        with self._changed:
            self._closed = True
            self._made.clear()
            self._changed.notify_all()
