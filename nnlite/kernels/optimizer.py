"""Updates of optimizers: the arithmetic of one block, and the plan that walks all variables in blocks.

Every update function has the form ``update(g, s, t, *slots, settings) -> d``: ``g`` is the gradient, the slots are
changed in place, and ``d`` (an array among the others) is what the values change by, ``v -= d`` unless said otherwise.
All arrays are flat, of one dtype and of equal length; ``s`` and ``t`` are scratch. ``g`` is only read. Each element is
computed by itself, so that any cut into blocks and threads gives the same bits.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel

Array = NDArray[Any]

# Elements a block: enough that several threads do not queue for the interpreter's lock; one thread is no slower.
BLOCK = 524288
# Neighbours up to half this many elements are joined in blocks up to this; below a quarter they stay in one thread.
JOINED = 32768
# Elements that one thread passes over in a microsecond, for the choice of threads.
RATE = 8000.0


class Update(NamedTuple):
    """One optimizer's arithmetic for one step, with the step's settings bound."""

    function: Callable[..., Array | None]
    passes: int  # over the data, for the choice of threads
    apply: np.ufunc | None = np.subtract  # how d enters the values; None: they stay


def sgd(g: Array, s: Array, t: Array, *, lr: float) -> Array:
    """d = lr * g."""
    return np.multiply(g, lr, out=s)


def momentum(g: Array, s: Array, t: Array, m: Array, *, lr: float, mu: float, nesterov: bool) -> Array:
    """m = mu * m - lr * g; v += m, or with Nesterov's look ahead v += mu * m - lr * g."""
    np.multiply(g, lr, out=s)
    np.multiply(m, mu, out=m)
    np.subtract(m, s, out=m)
    if not nesterov:
        return m
    np.multiply(m, mu, out=t)
    return np.subtract(t, s, out=t)


def adam(
    g: Array,
    s: Array,
    t: Array,
    m: Array,
    u: Array,
    largest: Array | None = None,
    *,
    lr: float,
    step: int,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Array:
    """m = b1 * m + (1 - b1) * g; u = b2 * u + (1 - b2) * g^2; d = rate * m / (sqrt(u) + epsilon).

    ``rate`` is :func:`adam_rate` for this step. With a third slot (AMSGrad) its running maximum stands for u in d.
    """
    rate = adam_rate(lr, step, beta_1, beta_2, g.dtype)
    # In place where possible: that moves two thirds of the memory.
    np.multiply(m, beta_1, out=m)
    np.multiply(g, 1 - beta_1, out=s)
    np.add(m, s, out=m)
    np.multiply(u, beta_2, out=u)
    np.multiply(g, g, out=s)
    np.multiply(s, 1 - beta_2, out=s)
    np.add(u, s, out=u)
    if largest is not None:
        u = np.maximum(largest, u, out=largest)
    np.sqrt(u, out=s)
    np.add(s, epsilon, out=s)
    np.divide(m, s, out=s)
    return np.multiply(s, rate, out=s)


@functools.lru_cache(maxsize=16)
def adam_rate(lr: float, step: int, beta_1: float, beta_2: float, dtype: Any = "float64") -> float:
    """Return ``lr * sqrt(1 - b2^step) / (1 - b1^step)``: the step size that makes up for means that began at zero.

    Computed in the variables' own ``dtype``, as Keras does: for float32 the early differences from 1 lose digits,
    and a run follows Keras's only if it loses the same ones.

    >>> round(adam_rate(0.001, 1, 0.9, 0.999), 6)
    0.000316
    """
    kind = np.dtype(dtype).type
    one, t = kind(1), kind(step)
    with np.errstate(under="ignore"):
        return float(kind(lr) * np.sqrt(one - kind(beta_2) ** t) / (one - kind(beta_1) ** t))


def rmsprop(
    g: Array,
    s: Array,
    t: Array,
    u: Array,
    *others: Array,
    lr: float,
    rho: float,
    mu: float,
    epsilon: float,
    centered: bool,
) -> Array:
    """u = rho * u + (1 - rho) * g^2; d = lr * g / sqrt(u + epsilon).

    Centred (last slot a): a = rho * a + (1 - rho) * g, and u - a^2 stands for u in d. With momentum (second slot b):
    b = mu * b + d stands for d.
    """
    np.multiply(g, g, out=s)
    np.multiply(s, 1 - rho, out=s)
    np.multiply(u, rho, out=u)
    np.add(u, s, out=u)
    if centered:
        a = others[-1]
        np.multiply(a, rho, out=a)
        np.multiply(g, 1 - rho, out=s)
        np.add(a, s, out=a)
        np.multiply(a, a, out=s)
        u = np.subtract(u, s, out=s)
    np.add(u, epsilon, out=s)
    np.sqrt(s, out=s)
    np.multiply(g, lr, out=t)
    np.divide(t, s, out=t)
    if not mu:
        return t
    b = others[0]
    np.multiply(b, mu, out=b)
    return np.add(b, t, out=b)


def average(v: Array, s: Array, t: Array, a: Array, *, momentum: float) -> None:
    """a = momentum * a + (1 - momentum) * v; here the values come in the gradients' place and stay as they are."""
    np.multiply(a, momentum, out=a)
    np.multiply(v, 1 - momentum, out=s)
    np.add(a, s, out=a)


def squares(arrays: Sequence[Array]) -> list[float]:
    """Return each array's sum of squares; infinite where its dtype cannot hold that.

    >>> squares([np.array([3.0, 4.0]), np.array([[2.0]])])
    [25.0, 4.0]
    """
    with parallel.blas_pinned(), np.errstate(all="ignore"):
        return [float(np.dot(flat, flat)) for flat in (a.reshape(-1) for a in arrays)]


# ---- walking the variables ----


class Span(NamedTuple):
    """Elements ``start`` to ``stop`` of the flattened variable ``number``."""

    number: int
    start: int
    stop: int


class Block(NamedTuple):
    """What one call of an update covers: a stretch of one variable, or several whole ones lying side by side."""

    spans: list[Span]
    slots: list[Array]
    values: list[Array]
    edges: list[int]  # where each span begins in the block, and where the last one ends


class Plan:
    """How the values and slots of given variables are cut into blocks, for the number of threads at hand.

    Small variables that are neighbours in the flat slots are updated together: their gradients are gathered, and a
    model of many small variables costs hardly more calls than one of few.

    Args:
        values: the arrays to change in place, C-contiguous and of one dtype.
        slots: flat arrays, each with room for all variables.
        offsets: where each variable's part of the slots begins.
        passes: how often an update passes over the data, for the choice of threads.
    """

    def __init__(self, values: Sequence[Array], slots: Sequence[Array], offsets: Sequence[int], passes: int) -> None:
        self.dtype = values[0].dtype
        sizes = [value.size for value in values]
        cuts = parallel.parts(sum(sizes), sum(sizes) * passes / RATE, lead=parallel.LEAD)
        flat = [_flat(value) for value in values]
        self.shares: list[list[Block]] = []
        for spans in _share(sizes, cuts):
            groups = _grouped(spans, sizes, offsets)
            self.shares.append([_block(group, flat, slots, offsets) for group in groups])
        self.room = max((block.edges[-1] for share in self.shares for block in share), default=0)

    def run(
        self,
        update: Update,
        gradients: Sequence[Array],
        factors: Sequence[float] | None = None,
        limit: float | None = None,
        decays: Sequence[float] | None = None,
    ) -> None:
        """Make one step.

        Args:
            update: the arithmetic.
            gradients: one for each variable, of its dtype and shape.
            factors: what each gradient is multiplied by first.
            limit: the gradients' elements are clipped to this absolute value, after that.
            decays: the part of each variable that is taken off before the update.
        """

        def task(first: int, last: int) -> None:
            with np.errstate(all="ignore"):  # infinities and NaN run through, as in every other framework
                for share in self.shares[first:last]:
                    s, t, room = _scratch(self.room, self.dtype)
                    for block in share:
                        n = block.edges[-1]
                        if decays is not None:
                            _decay(block, decays, s)
                        g = _gradient(block, gradients, room)
                        if factors is not None or limit is not None:
                            g = _clipped(block, g, factors, limit, room)
                        d = update.function(g, s[:n], t[:n], *block.slots)
                        if d is not None and update.apply is not None:
                            _change(block, update.apply, d)

        if len(self.shares) == 1:
            task(0, 1)
        else:
            parallel.run_ranges(task, [(i, i + 1) for i in range(len(self.shares))])


def _flat(array: Array) -> Array:
    if not array.flags.c_contiguous:
        raise ValueError(f"Expected a C-contiguous array to update in place, got strides {array.strides}.")
    return array.reshape(-1)


def _share(sizes: Sequence[int], cuts: list[tuple[int, int]]) -> list[list[Span]]:
    """Deal out the elements in order, about as cut; variables are cut at multiples of 16 elements, small ones never."""
    shares: list[list[Span]] = [[] for _ in cuts]
    dealt, k = 0, 0
    for index, size in enumerate(sizes):
        start = 0
        while start < size:
            left = cuts[k][1] - dealt
            stop = size if k == len(cuts) - 1 or size - start <= left + JOINED // 4 else start + left // 16 * 16
            if stop > start:
                shares[k].append(Span(index, start, stop))
                dealt, start = dealt + stop - start, stop
            if start < size:
                k += 1
    return shares


def _grouped(spans: list[Span], sizes: Sequence[int], offsets: Sequence[int]) -> list[list[Span]]:
    """Cut long spans into equal pieces and join short neighbours."""
    groups: list[list[Span]] = []
    joined, end = 0, -1  # elements in the last group, and where it ends in the slots; -1: it takes no more
    for span in spans:
        index, start, stop = span
        size = stop - start
        if size != sizes[index] or size > JOINED // 2:
            pieces = -(-size // BLOCK)
            edges = [start + size * i // pieces for i in range(pieces + 1)]
            groups += [[Span(index, a, b)] for a, b in pairwise(edges)]
            end = -1
            continue
        if offsets[index] == end and joined + size <= JOINED:
            groups[-1].append(span)
        else:
            groups.append([span])
            joined = 0
        joined, end = joined + size, offsets[index] + size
    return groups


def _block(spans: list[Span], values: Sequence[Array], slots: Sequence[Array], offsets: Sequence[int]) -> Block:
    edges = [0]
    for span in spans:
        edges.append(edges[-1] + span.stop - span.start)
    begin = offsets[spans[0].number] + spans[0].start
    own = [values[span.number][span.start : span.stop] for span in spans]
    return Block(spans, [slot[begin : begin + edges[-1]] for slot in slots], own, edges)


_kept = threading.local()


def _scratch(n: int, dtype: np.dtype[Any]) -> tuple[Array, Array, Array]:
    """Three arrays of ``n`` elements that this thread uses again in its next step."""
    memory: Array | None = getattr(_kept, "memory", None)
    if memory is None or memory.nbytes < 3 * n * dtype.itemsize:
        memory = _kept.memory = np.empty(3 * n * dtype.itemsize, np.uint8)
    flat = memory[: 3 * n * dtype.itemsize].view(dtype)
    return flat[:n], flat[n : 2 * n], flat[2 * n :]


def _gradient(block: Block, gradients: Sequence[Array], room: Array) -> Array:
    index, start, stop = block.spans[0]
    if len(block.spans) == 1:
        return gradients[index].reshape(-1)[start:stop]
    parts = [gradients[span.number] for span in block.spans]
    return np.concatenate(parts, axis=None, out=room[: block.edges[-1]])


def _clipped(block: Block, g: Array, factors: Sequence[float] | None, limit: float | None, room: Array) -> Array:
    out = room[: g.size]
    if factors is not None:
        for span, (a, b) in zip(block.spans, pairwise(block.edges), strict=True):
            np.multiply(g[a:b], factors[span.number], out=out[a:b])
        g = out
    return g if limit is None else np.clip(g, -limit, limit, out=out)


def _decay(block: Block, decays: Sequence[float], s: Array) -> None:
    for span, v in zip(block.spans, block.values, strict=True):
        decay = decays[span.number]
        if decay:
            np.subtract(v, np.multiply(v, decay, out=s[: v.size]), out=v)


def _change(block: Block, apply: np.ufunc, d: Array) -> None:
    if len(block.values) == 1:
        v = block.values[0]
        apply(v, d, out=v)
        return
    edges = block.edges
    for v, a, b in zip(block.values, edges, edges[1:], strict=False):
        apply(v, d[a:b], out=v)
