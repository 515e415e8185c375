"""Working memory that a thread keeps between calls.

Fresh memory is dear: the system hands it out page by page, cleared, as it is first written to, which can take longer
than the arithmetic done in it. What a kernel needs only while it runs is therefore borrowed from here. It is never
handed to a caller.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
New = Callable[[tuple[int, ...], Any], Array]

# Bytes that a thread keeps; what was returned last is kept first.
KEPT = 32 << 20


class _Shelf(threading.local):
    def __init__(self) -> None:
        self.free: list[Array] = []


_shelf = _Shelf()


@contextmanager
def borrowed() -> Iterator[New]:
    """Lend working memory: ``new(shape, dtype)`` is an array of unknown contents, valid until the block ends.

    >>> with borrowed() as new:
    ...     new((2, 3), "float32").shape
    (2, 3)
    """
    lent: list[Array] = []
    free = _shelf.free

    def new(shape: tuple[int, ...], dtype: Any) -> Array:
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        fits = [i for i, one in enumerate(free) if size <= one.nbytes <= 4 * size]
        if fits:
            memory = free.pop(min(fits, key=lambda i: free[i].nbytes))
        else:
            memory = np.empty(size, np.uint8)
        lent.append(memory)
        return memory[:size].view(dtype).reshape(shape)

    try:
        yield new
    finally:
        free.extend(lent)
        kept = sum(one.nbytes for one in free)
        while kept > KEPT:
            kept -= free.pop(0).nbytes
