"""The plan that walks all variables of an optimizer in blocks, and the form of the updates that it runs there.

Every update function has the form ``update(g, s, t, *slots, settings) -> d``: ``g`` is the gradient, the slots are
changed in place, and ``d`` (an array among the others) is what the values change by, ``v -= d`` unless said otherwise.
Those that need the values themselves have the form ``update(g, s, t, v, *slots, settings)`` and change ``v`` in place.
All arrays are flat, of one dtype and of equal length; ``s`` and ``t`` are scratch. ``g`` is only read. Each element is
computed by itself, so that any cut into blocks and threads gives the same bits. The updates are in
``optimizer_momentum``, ``optimizer_adam`` and ``optimizer_squares``; those that look at whole variables, their norms or
their rows, in ``optimizer_whole``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel

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
    writes: bool = False  # whether the function gets the values too, and changes them itself


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
            for share in self.shares[first:last]:
                self._update_share(share, update, gradients, factors, limit, decays)

        if len(self.shares) == 1:
            task(0, 1)
        else:
            parallel.run_ranges(task, [(i, i + 1) for i in range(len(self.shares))])

    @np.errstate(all="ignore")  # infinities and NaN run through, as in every other framework
    def _update_share(
        self,
        share: list[Block],
        update: Update,
        gradients: Sequence[Array],
        factors: Sequence[float] | None,
        limit: float | None,
        decays: Sequence[float] | None,
    ) -> None:
        s, t, room, *more = memory.scratch((self.room,), self.dtype, 3 + update.writes)
        for block in share:
            n = block.edges[-1]
            if decays is not None:
                _decay(block, decays, s)
            g = _gradient(block, gradients, room)
            if factors is not None or limit is not None:
                g = _clipped(block, g, factors, limit, room)
            if update.writes:
                _rewrite(block, update, g, s[:n], t[:n], more[0])
                continue
            d = update.function(g, s[:n], t[:n], *block.slots)
            if d is not None and update.apply is not None:
                _change(block, update.apply, d)


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


def _rewrite(block: Block, update: Update, g: Array, s: Array, t: Array, room: Array) -> None:
    if len(block.values) == 1:
        update.function(g, s, t, block.values[0], *block.slots)
        return
    v = np.concatenate(block.values, out=room[: block.edges[-1]])
    update.function(g, s, t, v, *block.slots)
    for own, (a, b) in zip(block.values, pairwise(block.edges), strict=True):
        own[...] = v[a:b]
