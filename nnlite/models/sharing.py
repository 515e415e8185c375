"""Samples shared among threads: each takes its own ones from the inputs of a model to the outputs.

That is where every layer looks at each sample by itself: no thread waits for another after every layer. A transformer
of two blocks predicts 128 sequences in 0.9 of the time on two threads, a dense net of 784-512-512-10 units 128 samples
in 0.8. Sequences go through plans for just so many: that transformer predicts 8 or 16 of them in half of the time, 32
in 0.6. So do images, unless they are many: a residual net predicts 8 of them in 0.6 of the time, 16 in 0.65, 32 in 0.8.
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
# Samples that a thread takes through a plan for just so many, alone and beside others: alone, as many as stay in cache;
# of several threads, enough that they do not queue for the interpreter lock. Of small images as many more as take so
# many microseconds, where calls of NumPy take their share.
SEQUENCES, IMAGES, SMALL = (16, 64), (8, 16), 500.0
# Microseconds of images, on one thread, from which on those that need several such plans had better go through every
# layer together: the larger a batch, the better are convolutions that do some of its images at a time. A net of two
# convolutions, of 60 microseconds an image, predicts 128 by plans in 0.87 of the time; a VGG-like one, of 970, in 1.2.
MOST = 12e3
# Rows of dense nets are cut at multiples of so many, which products are fastest with: one of 66 rows and 784 x 512
# weights takes as long as one of 68.
ALIGN = 4
# Elements of a layer's output times features of its input that one thread handles in a microsecond.
RATE = 40e3

Run = Callable[[list[Any]], list[Any]]  # from a model's inputs to its outputs


class Work(NamedTuple):
    """What a layer does with a sample.

    Attributes:
        microseconds: that it takes on one thread, roughly.
        on_sequences: whether the sample is a sequence, or has more axes.
        slides: whether the layer multiplies windows of it; else ``multiplies``, whether it multiplies at all.
        large: whether the weights are so large that threads had better share them.
    """

    microseconds: float
    on_sequences: bool
    slides: bool
    multiplies: bool
    large: bool


class Shared(NamedTuple):
    """How samples are shared by threads.

    Attributes:
        each: microseconds that a sample takes on one.
        fewest: samples that are worth it.
        most: samples that are, where these need more than one plan a thread.
        alone, beside: how many a thread takes through a plan for just so many, alone and beside others; 0 for any
            number at once, without such a plan.
    """

    each: float
    fewest: int
    most: float
    alone: int
    beside: int


def work_of(layer: Any, x: Any, y: Any) -> Work | None:
    """Return a layer's work; None if samples may not be cut apart, or the shapes are not known.

    Args:
        layer: any layer.
        x, y: shapes of its first input, and of its output.
    """
    if not x or not y or None in x[1:] or None in y[1:] or not is_alone(layer):
        return None
    large = any(variable.value.nbytes > LARGE for variable in layer.weights)
    matrices = [variable.value.size for variable in layer.weights if variable.value.ndim > 1]
    slides = getattr(layer, "slides_windows", False)
    if slides and layer.data_format != "channels_last":  # there are no plans for a few of these
        return None
    products = math.prod(y[1:-1]) * sum(matrices) if slides else math.prod(y[1:]) * x[-1]
    return Work(products / RATE, max(len(x), len(y)) > 2, slides, bool(matrices), large)


def is_alone(layer: Any, what: str = "samples_alone") -> bool:
    """Whether a layer says ``samples_alone``, that each sample's output depends on that sample only, and its class says
    so itself: one derived from it may do other things.

    Recurrent layers say ``rows_alone``, since they share the samples of a batch between threads better themselves.
    """
    alone = getattr(layer, what, False) and what in type(layer).__dict__
    return alone and all(map(is_regular, [layer, *layer.layers_inside]))


def worth_sharing(works: list[Work | None]) -> Shared | None:
    """Return how to share samples if each thread had better take its own ones through all layers; else None.

    That is where most of the work is on sequences, or, of a few images, on their windows. Elsewhere each thread reads
    all weights for its rows, which dense layers do anyway unless rows are few or weights large.
    """
    found = [work for work in works if work is not None]
    if len(found) < len(works):
        return None
    windows = sum(work.microseconds for work in found if work.slides)
    if windows > sum(work.microseconds for work in found if work.multiplies) / 2:
        alone, beside = (max(number, int(SMALL / windows)) for number in IMAGES)
        return Shared(windows, 1, MOST / windows, alone, beside)
    total = sum(work.microseconds for work in found)
    if sum(work.microseconds for work in found if work.on_sequences) > total / 2:
        return Shared(total, 1, math.inf, *SEQUENCES)
    return None if any(work.large for work in found) else Shared(total, FEW_ROWS, math.inf, 0, 0)


def by_samples(run: Run, few: Callable[[int], Run], shared: Shared) -> Run:
    """Return a function that gives the outputs as ``run`` does, each thread's samples by themselves.

    Args:
        run: for any number of samples.
        few: makes the function for just so many; where it fails, ``run`` serves, whose errors say what is wrong.
        shared: how samples are shared.
    """
    plans: dict[tuple[int, int], Run] = {}

    def plan(n: int) -> Run:
        key = (n, parallel.threads())  # which a plan may depend on
        found = plans.get(key)
        if found is None:
            if len(plans) >= KEPT:
                plans.clear()
            try:
                found = few(n)
            except (ValueError, TypeError, NotImplementedError):
                found = run
            plans[key] = found
        return found

    def pieces(given: list[Any], most: int) -> list[list[Any]]:
        if not most:
            return [run(given)]
        rows = len(given[0])
        number = -(-rows // most)
        edges = [rows * i // number for i in range(number + 1)]
        return [plan(stop - start)([x[start:stop] for x in given]) for start, stop in pairwise(edges)]

    def shared_run(given: list[Any]) -> list[Any]:
        rows = len(given[0])
        each = rows * shared.each
        if each <= parallel.WORTH_THREADS and not shared.alone:  # as of small dense nets: little but this function
            return run(given)
        parts = len(parallel.parts(rows, each))
        most = shared.beside if parts > 1 else shared.alone
        if not shared.fewest <= rows <= max(shared.most, parts * most) or any(len(x) != rows for x in given):
            return run(given)
        align = 1 if shared.alone else ALIGN
        done = parallel.run(
            lambda start, stop: pieces([x[start:stop] for x in given], most), rows, each, align, parallel.LEAD
        )
        outputs = [piece for part in done for piece in part]
        return outputs[0] if len(outputs) == 1 else [np.concatenate(one) for one in zip(*outputs, strict=True)]

    return shared_run
