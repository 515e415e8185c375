"""Samples shared among threads: each takes its own ones from the inputs of a model to the outputs.

That is where every layer looks at each sample by itself: no thread waits for another after every layer. A transformer
of two blocks predicts 128 sequences in 0.9 of the time on two threads, a dense net of 784-512-512-10 units 128 samples
in 0.8. Sequences go through plans for just so many: that transformer predicts 8 or 16 of them in half of the time, 32
in 0.6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from nnlite.kernels import parallel
from nnlite.kernels.dense import FEW_ROWS, LARGE
from nnlite.models.along import is_regular

# Plans kept for one model.
KEPT = 16
# Sequences that a thread takes through a plan for just so many: alone, as many as stay in cache; of several threads,
# enough that they do not queue for the interpreter lock.
ALONE, BESIDE = 16, 64
# Elements of a layer's output times features of its input that one thread handles in a microsecond.
RATE = 40e3

Run = Callable[[list[Any]], list[Any]]  # from a model's inputs to its outputs


class Work(NamedTuple):
    """What a layer does with a sample: whether that is a sequence, the microseconds that it takes on one thread,
    roughly, and whether the weights are so large that threads had better share them."""

    on_sequences: bool
    microseconds: float
    large: bool


class Shared(NamedTuple):
    """How samples are shared by threads: the microseconds that each takes on one, how many are worth it, and whether
    most of the work is on sequences."""

    each: float
    fewest: int
    on_sequences: bool


def work_of(layer: Any, x: Any, y: Any) -> Work | None:
    """Return a layer's work; None if samples may not be cut apart, or the shapes are not known.

    Args:
        layer: any layer.
        x, y: shapes of its first input, and of its output.
    """
    if not x or not y or None in x[1:] or None in y[1:] or not is_alone(layer):
        return None
    large = any(variable.value.nbytes > LARGE for variable in layer.weights)
    return Work(max(len(x), len(y)) > 2, math.prod(y[1:]) * x[-1] / RATE, large)


def is_alone(layer: Any) -> bool:
    """Whether a layer says ``samples_alone``, that each sample's output depends on that sample only, and its class says
    so itself: one derived from it may do other things."""
    alone = getattr(layer, "samples_alone", False) and "samples_alone" in type(layer).__dict__
    return alone and all(map(is_regular, [layer, *layer.layers_inside]))


def worth_sharing(works: list[Work | None]) -> Shared | None:
    """Return how to share samples if each thread had better take its own ones through all layers; else None.

    That is where most of the work is on sequences. Elsewhere each thread reads all weights for its rows, which dense
    layers do anyway unless rows are few or weights large.
    """
    found = [work for work in works if work is not None]
    total = sum(work.microseconds for work in found)
    if len(found) < len(works):
        return None
    if sum(work.microseconds for work in found if work.on_sequences) > total / 2:
        return Shared(total, 1, True)
    return None if any(work.large for work in found) else Shared(total, FEW_ROWS, False)


def by_samples(run: Run, few: Callable[[int], Run], shared: Shared) -> Run:
    """Return a function that gives the outputs as ``run`` does, each thread's samples by themselves.

    Args:
        run: for any number of samples.
        few: makes the function for just so many; where it fails, ``run`` serves, whose errors say what is wrong.
        shared: how samples are shared.
    """
    plans: dict[int, Run] = {}

    def plan(n: int) -> Run:
        found = plans.get(n)
        if found is None:
            if len(plans) >= KEPT:
                plans.clear()
            try:
                found = few(n)
            except (ValueError, TypeError, NotImplementedError):
                found = run
            plans[n] = found
        return found

    def pieces(given: list[Any], most: int) -> list[list[Any]]:
        if not shared.on_sequences:
            return [run(given)]
        rows = len(given[0])
        number = -(-rows // most)
        edges = [rows * i // number for i in range(number + 1)]
        return [plan(stop - start)([x[start:stop] for x in given]) for start, stop in pairwise(edges)]

    def shared_run(given: list[Any]) -> list[Any]:
        rows = len(given[0])
        if rows < shared.fewest or any(len(x) != rows for x in given):
            return run(given)
        each = rows * shared.each
        most = BESIDE if len(parallel.parts(rows, each)) > 1 else ALONE
        done = parallel.run(
            lambda start, stop: pieces([x[start:stop] for x in given], most), rows, each, lead=parallel.LEAD
        )
        outputs = [piece for part in done for piece in part]
        return outputs[0] if len(outputs) == 1 else [np.concatenate(one) for one in zip(*outputs, strict=True)]

    return shared_run
