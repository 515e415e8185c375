"""Arrays in recycled memory.

Fresh memory is dear: the system hands it out page by page, cleared, while it is first written to, which in a small
network takes a quarter of a training step. A step needs the same sizes again and again, so the memory of an array
that nobody refers to any more is kept here for the next of its size.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Smaller arrays are left to the system, which recycles those itself.
SMALLEST = 1 << 16
# Bytes kept for reuse at most. In training, what is kept and what is in use may together be so much more than what was
# in use at once: a step finds all the memory of the one before, and sizes that never come again take no more than this.
KEPT = 256 << 20
ALIGNED = 64
# Bytes of scratch that a thread keeps.
LARGEST_SCRATCH = 8 << 20

_lock = threading.Lock()
_free: dict[int, list[Array]] = {}  # by size, the size that came back longest ago first
_kept = _used = _most = 0  # bytes kept, in use, and in use at once at most in training
_trainings = 0  # how many go on
_returned: deque[Array] = deque()
_scratch = threading.local()


class _Memory(np.ndarray[Any, Any]):
    """The bytes of one array. A class of their own, since NumPy would else take them, in the place of the block, for
    what the array is a view of."""


class _Block(np.ndarray[Any, Any]):
    """Owner of the memory of one array and of all its views: when the last of them is gone, it gives it back."""

    def __del__(self, returned: deque[Any] = _returned) -> None:
        # This may run anywhere, even while this thread holds the lock: a deque's append needs none.
        returned.append(self.base)


def empty(shape: Sequence[int], dtype: Any) -> Array:
    """Return a C-contiguous array of unknown contents, as ``numpy.empty`` does.

    >>> empty((2, 3), "float32").shape
    (2, 3)
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    memory = _take(size)
    if memory is None:
        memory = np.empty(size + ALIGNED, np.uint8)
        start = -memory.ctypes.data % ALIGNED
        memory = memory[start : start + size].view(_Memory)
    array: Array = np.ndarray(shape, dtype, memory.view(_Block))
    return array


def contiguous(x: Array) -> Array:
    """Return x, or a C-contiguous copy if it is not.

    >>> contiguous(np.ones((2, 3)).T).flags.c_contiguous
    True
    """
    if x.flags.c_contiguous:
        return x
    copy = empty(x.shape, x.dtype)
    np.copyto(copy, x)
    return copy


def joined(arrays: Sequence[Array]) -> Array:
    """Return arrays of one dtype one after the other along their first axis; a single one as it is.

    >>> joined([np.ones((1, 2)), np.zeros((2, 2))]).tolist()
    [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    """
    first = arrays[0]
    if len(arrays) == 1:
        return first
    return np.concatenate(arrays, out=empty((sum(map(len, arrays)), *first.shape[1:]), first.dtype))


def scratch(shape: Sequence[int], dtype: Any, count: int) -> list[Array]:
    """Return so many arrays of unknown contents that this thread uses again, for whatever calls this next.

    Only for what returns before it calls anything else that does: a tenth of the time of :func:`empty`.
    """
    asked = (shape, dtype, count)
    last: Any = getattr(_scratch, "last", None)
    if last is not None and last[0] == asked:  # as in every step of a training
        same: list[Array] = last[1]
        return same
    dtype = np.dtype(dtype)
    size = math.prod(shape)
    step = -(-size * dtype.itemsize // ALIGNED) * ALIGNED + 9 * ALIGNED
    own: Array | None = getattr(_scratch, "memory", None)
    if count * step > LARGEST_SCRATCH:
        own = np.empty(count * step, np.uint8)
    elif own is None or own.nbytes < count * step:
        own = _scratch.memory = np.empty(count * step, np.uint8)
    arrays = [np.ndarray(shape, dtype, own, i * step) for i in range(count)]
    if count * step <= LARGEST_SCRATCH:
        _scratch.last = (asked, arrays)
    return arrays


@contextlib.contextmanager
def step() -> Iterator[None]:
    """Around a training step: keep all its memory for the next one, until something else asks for memory."""
    global _trainings
    with _lock:
        _trainings += 1
    try:
        yield
    finally:
        with _lock:
            _trainings -= 1


@contextlib.contextmanager
def training() -> Iterator[None]:
    """Around a whole training: keep all of a step's memory for the next one, and give it back at the end."""
    try:
        with step():
            yield
    finally:
        with _lock:
            _collect()
            _release()


def _take(size: int) -> Array | None:
    """Return the memory of that size that was given back last, if any."""
    global _used, _most
    with _lock:
        _collect()
        found = _pop(size) if size in _free else None
        _used += size
        _most = max(_most, _used)
        _release()
        return found


def _collect() -> None:
    """Have what was given back ready for use."""
    global _kept, _used
    while _returned:
        memory = _returned.popleft()
        _free.setdefault(memory.nbytes, []).append(memory)
        _kept += memory.nbytes
        _used -= memory.nbytes


def _release() -> None:
    """Leave the sizes that came back longest ago to the system, as far as too much is kept."""
    global _most
    if not _trainings:
        _most = _used
    while _kept and _kept + _used > _most + KEPT:
        _pop(next(iter(_free)))


def _pop(size: int) -> Array:
    global _kept
    same = _free[size]
    memory = same.pop()
    if not same:
        del _free[size]
    _kept -= size
    return memory


def _unlock_after_fork() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock_after_fork)
