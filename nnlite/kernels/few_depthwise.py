"""Depthwise convolution of a few images on one thread, with all that depends on shapes decided beforehand.

What :mod:`nnlite.kernels.depthwise` defines, without its chunks, buffers and threads.
"""

from __future__ import annotations

import math
import threading
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.depthwise import correlate_runs
from nnlite.kernels.few import LARGE, Correlate, add_to_rows, repeats
from nnlite.kernels.windows import Axis, windows_as_runs

Array = NDArray[Any]

# Multiply-adds up to which one thread is as fast as several, all else counted.
MOST = 2_500_000


class _Memory(NamedTuple):
    """Where a thread works on one convolution, in memory that it uses for all others, too.

    Attributes:
        around, inside: the input with zeros around it, and where it stands there, both (n, sizes..., C, M).
        apart: where each tap along the last axis has inputs of its own, as strides want it: from where to where they
            are copied.
        runs: the windows as runs of numbers.
        taps: the filters, repeated for every pixel of a row.
    """

    around: Array
    inside: Array
    apart: tuple[Array, Array] | None
    runs: Array
    taps: Array


def depthwise_plan(shape: tuple[int, ...], spatial: tuple[Axis, ...], multiplier: int, dtype: Any) -> Correlate | None:
    """Return ``correlate(x, w, scale, shift) -> y`` for inputs of one shape, or None where one thread is too slow.

    ``y[n, o, f] = scale[f] * sum over t of x[n, o*s - before + t*d, c] * w[t, c, m] + shift[f]`` with f = c*M + m, see
    ``depthwise_forward``; scale and shift may be None. The scale is multiplied along, in a copy of the filters.

    Args:
        shape: of x, (n, spatial axes..., C).
        spatial: the windows along each axis.
        multiplier: M.
        dtype: of x and w, which must be C-contiguous.

    >>> from nnlite.kernels.windows import axes
    >>> correlate = depthwise_plan((1, 3, 1), axes("same", (3,), (2,), (1,), (1,)), 1, "float64")
    >>> w = np.array([1.0, 10.0]).reshape(2, 1, 1)
    >>> correlate(np.arange(1.0, 4.0).reshape(1, 3, 1), w, None, np.array([0.5])).ravel().tolist()
    [21.5, 32.5, 3.5]
    """
    dtype, (n, *_, channels), (*rows, last) = np.dtype(dtype), shape, spatial
    out, kernel = [one.out for one in spatial], [one.kernel for one in spatial]
    filters, places = channels * multiplier, n * math.prod(out)
    pixel = (channels, multiplier)
    padded = (n, *(one.before + one.size + one.after for one in spatial), *pixel)
    spread = (*padded[: len(spatial)], last.kernel, last.out, *pixel) if last.stride > 1 else (0,)
    taps = (*kernel, last.out, filters)
    sizes = [math.prod(one) for one in (padded, spread, taps)]
    too_large = sum(sizes) * dtype.itemsize > memory.LARGEST_SCRATCH
    if too_large or (parallel.threads() > 1 and places * filters * math.prod(kernel) > MOST):
        return None
    inside = (slice(None), *(slice(one.before, one.before + one.size) for one in spatial))
    beside = repeats(places, filters)
    empty = memory.empty if places * filters * dtype.itemsize >= LARGE else np.empty

    def prepare() -> _Memory:
        (scratch,) = memory.scratch((sum(sizes),), dtype, 1)
        around = source = scratch[: sizes[0]].reshape(padded)
        distances, apart = [one.dilation for one in spatial], None
        if last.stride > 1:
            source, distances[-1] = scratch[sizes[0] : sum(sizes[:2])].reshape(spread), 1
            step = around.strides[-3]
            strides = (*around.strides[:-3], step * last.dilation, step * last.stride, *around.strides[-2:])
            apart = np.ndarray(spread, dtype, around, 0, strides), source
        strided = [one.stride for one in rows]
        runs = windows_as_runs(source, out[:-1], strided, kernel, distances, last.out * filters)
        return _Memory(around, around[inside], apart, runs, scratch[sum(sizes[:2]) :].reshape(taps))

    kept = threading.local()

    def correlate(x: Array, w: Array, scale: Array | None, shift: Array | None) -> Array:
        own = getattr(kept, "memory", None)
        if own is None:
            own = kept.memory = prepare()
        own.around.fill(0)
        own.inside[...] = x[..., None]
        if own.apart is not None:
            np.copyto(own.apart[1], own.apart[0])
        each = w.reshape(*kernel, 1, filters)
        if scale is None:
            own.taps[...] = each
        else:
            np.multiply(each, scale, out=own.taps)
        y = empty((n, *out, filters), dtype)
        correlate_runs(own.runs, own.taps.reshape(*kernel, -1), y.reshape(n, *out[:-1], -1))
        if shift is not None:
            add_to_rows(y.reshape(places, filters), shift, beside)
        return y

    return correlate
