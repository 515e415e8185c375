"""One layer of threads, ours, under every kernel.

NumPy releases the interpreter lock in matrix products and in large element-wise loops, so chunks of a batch run side
by side in plain Python threads. BLAS is held to one thread meanwhile: its own workers spin, and fight with ours and
with every other process. Work is cut statically, so that results depend on the number of threads only, never on
which of them finishes first.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

from nnlite import config

T = TypeVar("T")

# A fork and join costs about 100 microseconds; below this much work one thread is as fast.
WORTH_THREADS = 500.0
# Microseconds by which the caller may work longer than the others, who begin later and whose end he would sleep over.
# Not for convolutions: unequal numbers of images make unequal chunks, which costs more. A training step of a
# 784-512-512-10 net on two threads: 0: 4.10 ms, 40: 4.03, 80: 3.93, 130: 3.95, 160: 4.00.
LEAD = 80.0


class _Depth(threading.local):
    """How many times a thread is inside."""

    value = 0


class _Inside(threading.local):
    """Whether a thread is doing a part of a task; what is unset is the class's, ten times as fast as a default."""

    value = False


class _Limit(NamedTuple):
    """What reads and sets the number of threads of a BLAS library."""

    get: Callable[[], int]
    set: Callable[[int], Any]


class _BlasGuard:
    """Holds every BLAS library of the process to one thread while anybody is inside; counted, for all threads.

    The first to enter remembers the libraries' settings and pins them, the last to leave restores them; a thread that
    is inside already enters again for next to nothing. Libraries that load later (SciPy brings its own) are looked for
    whenever a module has been imported since the last look. A library on OpenMP has a setting per thread, so each
    thread that enters pins and restores its own.
    """

    def __init__(self) -> None:
        self._lock, self._depth = threading.Lock(), _Depth()
        self._inside = 0
        self._modules = -1
        self._shared: list[_Limit] = []
        self._per_thread: list[_Limit] = []
        self._before: list[int] = []
        self._own = threading.local()  # what each thread found in the libraries that have a setting per thread

    def __enter__(self) -> None:
        if self._depth.value == 0:
            with self._lock:
                self._inside += 1
                if self._inside == 1:
                    if len(sys.modules) != self._modules:
                        self._find()
                    self._before = _pin(self._shared)
            if self._per_thread:
                self._own.before = _pin(self._per_thread)
        self._depth.value += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth.value -= 1
        if self._depth.value == 0:
            if self._per_thread:
                _restore(self._per_thread, getattr(self._own, "before", []))
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    _restore(self._shared, self._before)

    def _find(self) -> None:
        from threadpoolctl import ThreadpoolController

        found = [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
        per_thread = [library for library in found if getattr(library, "threading_layer", "") == "openmp"]
        self._per_thread = [_Limit(one.get_num_threads, one.set_num_threads) for one in per_thread]
        self._shared = [_limit(library) for library in found if library not in per_thread]
        self._modules = len(sys.modules)

    def restore_after_fork(self) -> None:
        """Give the child of a fork the settings that its parent had before it entered."""
        if self._inside:
            _restore(self._shared, self._before)


def _limit(library: Any) -> _Limit:
    """A library's limit; OpenBLAS's by its own functions, as threadpoolctl lets one thread only set it."""
    for prefix, suffix in itertools.product(("", "scipy_"), ("", "64_", "_64")):
        names = (f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set"))
        functions: list[Any] = [getattr(library.dynlib, name, None) for name in names]
        if None not in functions:
            return _Limit(*functions)
    return _Limit(library.get_num_threads, library.set_num_threads)


def _pin(limits: list[_Limit]) -> list[int]:
    """Set all to one thread; return what they were. Each single sample pays for this."""
    before = []
    for get, put in limits:
        number = get()
        before.append(number)
        if number != 1:
            put(1)
    return before


def _restore(limits: list[_Limit], before: list[int]) -> None:
    for (_, put), number in zip(limits, before):  # noqa: B905 (libraries may have come, whose settings stay)
        if number != 1:
            put(number)


_guard = _BlasGuard()
_inside_worker = _Inside()


def blas_pinned() -> _BlasGuard:
    """Return the context manager that holds BLAS to one thread; entering it again inside costs next to nothing."""
    return _guard


class _Job(Generic[T]):
    """One part of a task: done by whoever takes it first, a worker or the caller who has finished his own."""

    def __init__(self, task: Callable[[int, int], T], start: int, stop: int) -> None:
        self._task: Callable[[], T] | None = lambda: task(start, stop)
        self._taken, self._done = threading.Lock(), threading.Lock()
        self._done.acquire()
        self._result: T
        self._error: BaseException | None = None

    def take(self) -> None:
        """Do it, unless somebody else has taken it."""
        if not self._taken.acquire(blocking=False):
            return
        assert self._task is not None
        try:
            self._result = _as_worker(self._task)
        except BaseException as error:
            self._error = error
        finally:
            self._task = None  # it holds on to arrays
            self._done.release()

    def wait(self) -> None:
        """Return when it is done, whatever comes; an interrupt of the waiting is raised after that."""
        interrupt: BaseException | None = None
        while True:
            try:
                self._done.acquire()
                break
            except BaseException as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def result(self) -> T:
        """Return what the task returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


class _Pool:
    """Threads that take jobs from one queue; started when first needed, kept until the process ends."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job[Any]] = SimpleQueue()
        self._workers = 0
        self._lock = threading.Lock()

    def put(self, jobs: list[_Job[T]]) -> None:
        """Have these done."""
        if self._workers < len(jobs):
            with self._lock:
                while self._workers < len(jobs):
                    threading.Thread(target=self._work, name="nnlite", daemon=True).start()
                    self._workers += 1
        for job in jobs:
            self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get().take()


_pool = _Pool()


def _forget_pool() -> None:
    """After a fork the child has none of the parent's threads, and a lock may be held by one that is gone."""
    global _pool, _guard
    _pool = _Pool()
    inherited, _guard = _guard, _BlasGuard()
    inherited.restore_after_fork()
    _inside_worker.value = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def threads() -> int:
    """Return how many threads the caller may use: one inside a worker, else the configured number."""
    return 1 if _inside_worker.value else config.get_num_threads()


def parts(n: int, microseconds: float, align: int = 1, lead: float = 0.0) -> list[tuple[int, int]]:
    """Cut ``range(n)`` into contiguous parts, one a thread, or a single one if the work is too small to share.

    Args:
        n: number of items (rows, images, channels).
        microseconds: rough estimate of what all of the work takes on one thread.
        align: parts begin at multiples of this.
        lead: by how many microseconds the first part, which is the caller's own, is longer.

    >>> parts(10, 0.0)
    [(0, 10)]
    """
    wanted = min(threads(), -(-n // align)) if microseconds > WORTH_THREADS else 1
    if wanted <= 1:
        return [(0, n)]
    units = -(-n // align)
    each = units * (1 - min(lead / microseconds, 0.125)) / wanted  # of the others
    edges = [0, *(min(n, align * round(units - each * (wanted - i))) for i in range(1, wanted + 1))]
    return [(start, stop) for start, stop in pairwise(edges) if start < stop]


def _as_worker(task: Callable[[], T]) -> T:
    _inside_worker.value = True
    try:
        with _guard:
            return task()
    finally:
        _inside_worker.value = False


def run(task: Callable[[int, int], T], n: int, microseconds: float, align: int = 1, lead: float = 0.0) -> list[T]:
    """Call ``task(start, stop)`` for each of :func:`parts`, the first in the calling thread; results in order.

    All parts have finished before this returns or raises; if several raise, the first part's error is the one seen.
    """
    if microseconds <= WORTH_THREADS:
        with _guard:
            return [task(0, n)]
    ranges = parts(n, microseconds, align, lead)
    if len(ranges) == 1:
        with _guard:
            return [task(*ranges[0])]
    return run_ranges(task, ranges)


def run_ranges(task: Callable[[int, int], T], ranges: list[tuple[int, int]]) -> list[T]:
    """Call ``task(start, stop)`` for every given range at once, the first in the calling thread; results in order."""
    own, *others = [_Job(task, start, stop) for start, stop in ranges]
    with _guard:
        try:
            _pool.put(others)
            own.take()
        finally:
            for job in others:
                job.take()  # the workers may have enough to do
                job.wait()
    return [job.result() for job in (own, *others)]
