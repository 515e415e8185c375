"""What the kernels of recurrent layers share: a batch in parts, each thread running whole sequences of its part.

A sequence's steps depend on each other, a batch's rows do not: so the rows are cut once, and a thread takes its rows
through all steps, forward or backward, without waiting for others. The input's share of all steps is one product
before the loop, the gradients of the weights are one product after it. Inside, time comes first: (T, n, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel

Array = NDArray[Any]

# Multiply-adds that a thread does in a microsecond in such loops, for the choice of threads.
RATE = 15e3


class Part(NamedTuple):
    """What one thread keeps of its rows: where they begin and end, the inputs by time, and the kernel's own."""

    start: int
    stop: int
    x: Array
    own: Any


def by_time(x: Array) -> Array:
    """Return (n, T, I) as a new array (T, n, I)."""
    return np.ascontiguousarray(x.transpose(1, 0, 2))


def projected(xt: Array, w: Array, b: Array | None) -> Array:
    """Return ``xt @ w + b`` for all steps at once: (T, n, I) to (T, n, G)."""
    z = xt.reshape(-1, xt.shape[2]) @ w
    if b is not None:
        z += b
    return z.reshape(*xt.shape[:2], w.shape[1])


def run(task: Callable[[int, int], Any], rows: int, steps: int, inputs: int, units: int, gates: int) -> list[Any]:
    """Call ``task(start, stop)`` for parts of the rows, on threads where the work is worth it."""
    work = rows * steps * gates * units * (inputs + units) / RATE
    return parallel.run(task, rows, work)


def run_parts(task: Callable[[Part], Any], parts: list[Part], units: int, gates: int) -> list[Any]:
    """Call ``task`` for each of the parts that forward made."""
    steps, _, inputs = parts[0].x.shape
    work = 2 * sum(p.stop - p.start for p in parts) * steps * gates * units * (inputs + units) / RATE
    found = parallel.run(lambda a, b: [task(part) for part in parts[a:b]], len(parts), work)
    return [result for results in found for result in results]


def weight_gradients(xt: Array, dz: Array, h: Array, du_from: Array | None = None) -> tuple[Array, Array, Array]:
    """Return dw, du, db of ``z = x @ w + h @ u + b`` over all steps: products over time and rows at once.

    Args:
        xt: (T, n, I).
        dz: (T, n, G).
        h: the states before each step, (T, n, U).
        du_from: the gradient of ``h @ u`` where that is another than dz.
    """
    flat = dz.reshape(-1, dz.shape[2])
    dw = xt.reshape(-1, xt.shape[2]).T @ flat
    other = flat if du_from is None else du_from.reshape(flat.shape)
    return dw, h.reshape(-1, h.shape[2]).T @ other, flat.sum(axis=0)


def input_gradient(dz: Array, w: Array) -> Array:
    """Return dx of shape (n, T, I) for dz of shape (T, n, G)."""
    dx: Array = dz.reshape(-1, dz.shape[2]) @ w.T
    by_rows: Array = dx.reshape(*dz.shape[:2], w.shape[0]).transpose(1, 0, 2)
    return by_rows


def rests(mask: Array | None, t: int, start: int, stop: int) -> Array | None:
    """Return the rows that a mask (N, T) leaves as they are at a step; None if it leaves none."""
    if mask is None:
        return None
    rest = ~mask[start:stop, t]
    return rest if rest.any() else None


def added(pairs: list[Any]) -> Any:
    """Return the sums of the parts' gradients, in the order of the parts."""
    total = list(pairs[0])
    for one in pairs[1:]:
        total = [a + b for a, b in zip(total, one, strict=True)]
    return total
