"""What the kernels of recurrent layers share: a batch in parts, each thread running whole sequences of its part.

A sequence's steps depend on each other, a batch's rows do not: so the rows are cut once, and a thread takes its rows
through all steps, forward or backward, without waiting for others. Inside, time comes first: (T, n, ...).

Each call of NumPy costs, and more so on several threads, so the loops over the steps do little: ``x @ w + h @ u + b``
is one product of ``[h, 1, x]``; backward computes the slopes, and the gradients of weights and inputs, for a block of
steps at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel

Array = NDArray[Any]
T = TypeVar("T")

# Multiply-adds that a thread does in a microsecond in such loops, for the choice of threads.
RATE = 15e3
# Microseconds of a step below which a second thread costs more than it does: many small operations wait for each other.
# A training step of an LSTM (64 inputs, 256 units, 20 steps) in ms on one and two threads: of 6 sequences 15 and 20, of
# 16 26 and 24. A prediction (32, 128, 40 steps) by an LSTM: of 24 sequences 6.0 and 5.7, of 32 7.8 and 6.3, of 48 10.7
# and 8.3; by a GRU: of 32 7.0 and 7.7, of 48 8.7 and 7.8; by a SimpleRNN: of 32 1.7 and 2.9, of 64 2.8 and 3.2.
STEP_WORTH_THREADS = 150.0
# Elements of a state below which one thread takes all rows through the steps in training, and another one does what
# needs no loop. A step of training in ms so, and by rows on both: LSTMs of 64 units, of 64 sequences 12.5 and 11.7, of
# 128 18.3 and 16.0; of 128 units, of 24 9.0 and 10.9, of 32 11.5 and 15.0, of 48 15.1 and 17.1, of 64 21.2 and 20.5; of
# 256 units, of 16 11.7 and 12.6, of 24 17.9 and 14.5.
STATE_WORTH_THREADS = 6144
# Microseconds of work that are worth another thread beside the loop over the steps, and seconds for which that waits:
# of 16 sequences, an LSTM of 128 units takes 8.1 ms with it and 8.2 without, of 8 5.9 and 5.3.
WORTH_BESIDE, PATIENCE = 2500.0, 5.0
# Elements of a state, over several steps, that backward passes work on at once.
AT_ONCE = 32768


class Part(NamedTuple):
    """What one thread keeps of its rows: where they begin and end, ``[h, 1, x]`` or x by time, and the kernel's own."""

    start: int
    stop: int
    x: Array
    own: Any


def work(rows: int, steps: int, inputs: int, units: int, gates: int) -> float:
    """Return in how many microseconds a thread multiplies ``[h, x]`` of all steps by the weights."""
    return rows * steps * gates * units * (inputs + units) / RATE


def run(
    task: Callable[[int, int], Any], rows: int, steps: int, inputs: int, units: int, gates: int, helped: bool = False
) -> list[Any]:
    """Call ``task(start, stop)`` for parts of the rows, on threads where the work is worth it.

    Args:
        helped: whether tasks on all rows leave work to other threads, see :func:`beside`, in forward or in backward.
    """
    whole = work(rows, steps, inputs, units, gates)
    small = whole <= steps * STEP_WORTH_THREADS or (helped and rows * units < STATE_WORTH_THREADS)
    return parallel.run(task, rows, 0.0 if small else whole)


def run_parts(
    task: Callable[[Part], Any], parts: list[Part], steps: int, inputs: int, units: int, gates: int
) -> list[Any]:
    """Call ``task`` for each of the parts that forward made."""
    work = 2 * sum(p.stop - p.start for p in parts) * steps * gates * units * (inputs + units) / RATE
    found = parallel.run(lambda a, b: [task(part) for part in parts[a:b]], len(parts), work)
    return [result for results in found for result in results]


def is_worth_beside(rows: int, steps: int, inputs: int, units: int, gates: int) -> bool:
    """Whether there is another thread for what a loop over the steps leaves to do, and enough of that."""
    return parallel.threads() > 1 and work(rows, steps, inputs, units, gates) > WORTH_BESIDE


def beside(made: Iterator[T], use: Callable[[T], None]) -> None:
    """Call ``use`` for each of what an iterator makes, in order, on a thread of its own, while the iterator goes on."""
    ready: SimpleQueue[T | None] = SimpleQueue()

    def task(which: int, _: int) -> None:
        if which == 0:
            try:
                for one in made:
                    ready.put(one)
            finally:
                ready.put(None)
            return
        try:
            while (next_one := ready.get(timeout=PATIENCE)) is not None:
                use(next_one)
        except Empty:  # the other part may never come, as after an interrupt
            pass

    parallel.run_ranges(task, [(0, 1), (1, 2)])
    while not ready.empty():
        if (left := ready.get()) is not None:
            use(left)


def rests(mask: Array | None, start: int, stop: int, steps: int) -> list[Array | None]:
    """Return for each step which rows of a part a mask (N, T) leaves as they are, (n,); None where it leaves none."""
    if mask is None:
        return [None] * steps
    left = ~mask[start:stop].T
    return [rows if some else None for rows, some in zip(left, left.any(axis=1), strict=True)]


def added(pairs: list[Any]) -> Any:
    """Return the sums of the parts' gradients, in the order of the parts."""
    total = list(pairs[0])
    for one in pairs[1:]:
        total = [a + b for a, b in zip(total, one, strict=True)]
    return total


def stacked(u: Array, b: Array | None, w: Array) -> Array:
    """Return the weights (U + 1 + I, G) of ``[h, 1, x]``: u, b (or zeros), w."""
    bias = np.zeros((1, u.shape[1]), u.dtype) if b is None else b.reshape(1, -1)
    return np.concatenate([u, bias, w])


def unstacked(weights: Array, units: int) -> tuple[Array, Array, Array]:
    """Return the parts u, b, w of what :func:`stacked` makes."""
    return weights[:units], weights[units], weights[units + 1 :]


def extended(x: Array, units: int, h0: Array | None, keep: bool = True) -> Array:
    """Return (T + 1, n, U + 1 + I), ``[h, 1, x]`` of each step, for x (n, T, I); of h the first alone, x of T steps.

    Unless these are to be kept, there is room for one step only, (1, n, U + 1 + I), and x is left out.
    """
    n, steps, inputs = x.shape
    hx = memory.empty((steps + 1 if keep else 1, n, units + 1 + inputs), x.dtype)
    hx[0, :, :units] = 0 if h0 is None else h0
    hx[:, :, units] = 1
    if keep:
        hx[:-1, :, units + 1 :] = x.transpose(1, 0, 2)
    return hx


def begun(d_last: Array | None, start: int, stop: int, units: int, dtype: Any) -> Array:
    """Return the gradient by a state after the last step, for some rows, as an array of one's own."""
    return np.zeros((stop - start, units), dtype) if d_last is None else np.array(d_last[start:stop], dtype)


def blocks(steps: int, size: int) -> list[tuple[int, int]]:
    """Return (first, number) of blocks of steps, for states of so many elements: small enough that a block stays in the
    cache, large enough that operations on it cost no more than their arithmetic."""
    block = max(1, AT_ONCE // max(1, size))
    return [(first, min(block, steps - first)) for first in range(0, max(1, steps), block)]


def input_gradient(dz: Array, w: Array) -> Array:
    """Return dx (n, T, I) for dz (T, n, G), whose rows must be contiguous."""
    rows = dz.reshape(-1, dz.shape[2])
    flat = np.matmul(rows, w.T, out=memory.empty((len(rows), len(w)), dz.dtype))
    dx: Array = flat.reshape(*dz.shape[:2], len(w)).transpose(1, 0, 2)
    return dx


class Sum:
    """The gradient by the weights of ``z = hx @ weights``, block of steps by block."""

    total: Array
    _share: Array | None = None

    def add(self, hx: Array, dz: Array) -> None:
        """Add what some steps and rows contribute, for hx (T, n, U) and dz (T, n, G): one product."""
        left, right = hx.reshape(-1, hx.shape[2]).T, dz.reshape(-1, dz.shape[2])
        if self._share is None:
            self.total, self._share = memory.empty((2, len(left), right.shape[1]), dz.dtype)
            np.matmul(left, right, out=self.total)
        else:
            self.total += np.matmul(left, right, out=self._share)
