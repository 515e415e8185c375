"""Convolution and pooling of a few images on one thread, with all that depends on shapes decided beforehand.

For one sample the large kernels' chunks, buffers and threads cost more than the arithmetic. Here a convolution is a
copy of windows and a product ("im2col"), as :func:`nnlite.kernels.conv.conv_forward` defines it, for so many windows
at a time as stay in the cache. All copies go to memory that the thread uses for every layer, and so finds in its cache.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.conv_im2col import SHORT_RUN
from nnlite.kernels.conv_winograd_columns import tiled_convolution
from nnlite.kernels.windows import Axis

Array = NDArray[Any]
Correlate = Callable[[Array, Array, "Array | None", "Array | None"], Array]

# Rows of a batch, up to which a plan is for just so many.
ROWS = 6
# Multiply-adds up to which one thread is as fast as several, all else counted, and bytes of all copied windows; up to
# which the direct sum is as fast as Winograd's algorithm, on one thread.
MOST, LARGEST = 30_000_000, 8 << 20
DIRECT = 50_000_000
# Bytes of windows that are multiplied at a time.
CHUNK = 600_000
# Bytes of results whose memory the system takes back after every use, and clears again for the next: so they get
# recycled memory. Less stays in cache.
LARGE = 1 << 19
# Elements of a row that vectors of few channels are repeated to.
LONG = 2048


def conv_plan(
    shape: tuple[int, ...],
    spatial: tuple[Axis, ...],
    filters: int,
    dtype: Any,
    shifts: bool = False,
    pool: tuple[int, ...] | None = None,
) -> Correlate | None:
    """Return ``correlate(x, w, scale, shift) -> y`` for inputs of one shape, or None where one thread is too slow.

    ``y[n, o, f] = scale[f] * sum over t, c of x[n, o*s - before + t*d, c] * w[t, c, f] + shift[f]``, see
    ``conv_forward``. Where there are more windows than numbers in one, scale and shift are multiplied along, in a copy
    of the kernel: the shift as the kernel of a column of ones.

    Args:
        shape: of x, (n, spatial axes..., C).
        spatial: the windows along each axis.
        filters: F.
        dtype: of x and w, which must be C-contiguous.
        shifts: whether there is a shift; else it is None, as the scale may be.
        pool: sizes of windows side by side, of whose y the largest alone are returned. The first of all windows are
            computed together then, the second ones, and so on: so maxima are taken of whole arrays, and windows in the
            last rows and columns that no maximum needs are left out. The shift is added to the maxima.

    >>> from nnlite.kernels.windows import axes
    >>> correlate = conv_plan((1, 5, 1), axes("same", (5,), (2,), (1,), (1,)), 1, "float64")
    >>> w = np.array([1.0, 10.0]).reshape(2, 1, 1)
    >>> correlate(np.arange(1.0, 6.0).reshape(1, 5, 1), w, None, None).ravel().tolist()
    [21.0, 32.0, 43.0, 54.0, 5.0]
    """
    dtype, n, channels = np.dtype(dtype), shape[0], shape[-1]
    sizes = pool or (1,) * len(spatial)
    spatial = tuple(one.first(size * (one.out // size)) for one, size in zip(spatial, sizes, strict=True))
    out = tuple(one.out // size for one, size in zip(spatial, sizes, strict=True))
    kernel = tuple(one.kernel for one in spatial)
    number, inner = math.prod(sizes), math.prod(kernel) * channels
    each = n * math.prod(out)
    places = number * each
    work, alone = places * inner * filters, parallel.threads() == 1
    if not alone and (work > MOST or places * inner * dtype.itemsize > LARGEST):
        return None
    if alone and work > DIRECT and tiled_convolution(n, (*kernel, channels, filters), dtype, spatial, 1):
        return None
    result, folds = (n, *out, filters), places > inner
    large = places * filters * dtype.itemsize >= LARGE
    beside = repeats(each, filters)
    if math.prod(kernel) == 1 and pool is None and all(one.stride == 1 for one in spatial):

        def at_points(x: Array, w: Array, scale: Array | None, shift: Array | None) -> Array:
            matrix = w.reshape(channels, filters)
            if scale is not None and folds:
                matrix = matrix * scale
            out = memory.empty((places, filters), dtype) if large else None
            y: Array = np.matmul(x.reshape(places, channels), matrix, out)
            if scale is not None and not folds:
                y *= scale
            if shift is not None:
                add_to_rows(y, shift, beside)
            return y.reshape(result)

        return at_points

    padded = (n, *(one.before + one.size + one.after for one in spatial), channels)
    inside = (slice(None), *(slice(one.before, one.before + one.size) for one in spatial))
    pads = padded != tuple(shape)
    steps = _strides(padded, dtype.itemsize)
    outer = tuple(step * one.stride for step, one in zip(steps[1:-1], spatial, strict=True))
    over = tuple(step * size for step, size in zip(outer, sizes, strict=True))
    taps = tuple(step * one.dilation for step, one in zip(steps[1:-1], spatial, strict=True))
    along = folds and shifts and pool is None
    width = inner + along  # with the column of ones
    by_planes = channels * kernel[-1] < SHORT_RUN < sizes[-1] * out[-1]
    everywhere = (slice(None),) * len(sizes)
    if by_planes:  # (n, taps..., C, windows...): the long runs are along the rows of windows
        view_shape = (n, *kernel, channels, *sizes, *out)
        view_strides = (steps[0], *taps, steps[-1], *outer, *over)
        copy_shape: tuple[int, ...] = (n, width, places // n)
        pieces: list[tuple[Any, Any, int]] = [(..., ..., each)]
    else:
        view_shape = (*sizes, n, *out, *kernel, channels)
        view_strides = (*outer, steps[0], *over, *taps, steps[-1])
        pieces = _pieces(n, out, number * width * dtype.itemsize)
        copy_shape = (number * max(count for _, _, count in pieces), width)
    first_copy = pads * math.prod(padded)  # where in the scratch memory they begin
    first_scaled = first_copy + math.prod(copy_shape)
    end = first_scaled + folds * width * filters
    if alone and end * dtype.itemsize > memory.LARGEST_SCRATCH:
        return None

    def prepare() -> _Memory:
        (scratch,) = memory.scratch((end,), dtype, 1)
        around = scratch[:first_copy].reshape(padded) if pads else scratch
        copies = scratch[first_copy:first_scaled].reshape(copy_shape)
        parts = []
        for which, where, count in pieces:
            if by_planes:
                strides = (copies.strides[0], *_strides(view_shape, dtype.itemsize)[1:])
                copy, left = np.ndarray(view_shape, dtype, copies, 0, strides), copies.swapaxes(1, 2)
            else:
                rows = (*sizes, which[0].stop - which[0].start, which[1].stop - which[1].start, *out[1:])
                strides = _strides((*rows, width), dtype.itemsize)[:-1] + _strides((*kernel, channels), dtype.itemsize)
                copy = np.ndarray((*rows, *kernel, channels), dtype, copies, 0, strides)
                which, left = (*everywhere, *which), copies[: number * count]
            parts.append((which, copy, left, where))
        return _Memory(
            around,
            around[inside] if pads else around,
            np.ndarray(view_shape, dtype, around, 0, view_strides) if pads else around,
            copies[:, inner:],
            parts,
            scratch[first_scaled:].reshape(-1, filters) if folds else scratch,
        )

    kept = threading.local()

    def correlate(x: Array, w: Array, scale: Array | None, shift: Array | None) -> Array:
        own = getattr(kept, "memory", None)
        if own is None:
            own = prepare()
            if end * dtype.itemsize <= memory.LARGEST_SCRATCH:
                kept.memory = own
        if pads:
            own.around.fill(0)
            own.inside[...] = x
            windows = own.windows
        else:  # the view takes the strides for granted
            windows = np.ndarray(view_shape, dtype, np.ascontiguousarray(x), 0, view_strides)
        matrix = w.reshape(inner, filters)
        if along or (folds and scale is not None):
            if scale is None:
                own.scaled[:inner] = matrix
            else:
                np.multiply(matrix, scale, out=own.scaled[:inner])
            if along:
                own.ones.fill(1)
                own.scaled[inner:] = shift
            matrix = own.scaled
        if len(own.parts) == 1:  # without out=, which takes some microseconds more
            _, copy, left, _ = own.parts[0]
            np.copyto(copy, windows)
            y = np.matmul(left, matrix, memory.empty((*left.shape[:-1], filters), dtype) if large else None)
            if scale is not None and not folds:
                y *= scale
            if pool is not None and by_planes:
                y = _largest(y.reshape(n, number, -1, filters).swapaxes(0, 1))
            elif pool is not None:
                y = _largest(y.reshape(number, -1, filters))
        else:
            y = memory.empty((each, filters), dtype)
            products = None if pool is None else memory.empty((len(own.parts[0][2]), filters), dtype)
            for which, copy, left, where in own.parts:
                product = y[where] if products is None else products[: len(left)]
                np.copyto(copy, windows[which])
                np.matmul(left, matrix, out=product)
                if scale is not None and not folds:
                    product *= scale
                if products is not None:
                    y[where] = _largest(product.reshape(number, -1, filters))
        if shift is not None and not along:
            add_to_rows(y, shift, beside)
        return y.reshape(result)

    return correlate


class _Memory(NamedTuple):
    """Where a thread works on one convolution, in memory that it uses for all others, too.

    Attributes:
        around, inside, windows: the input with zeros around it, where it stands there, and the windows of all.
        ones: the column of ones beside the copied windows.
        parts: of the windows: which, the copy of them, as a matrix, and where their products go in y.
        scaled: the copy of the kernel.
    """

    around: Array
    inside: Array
    windows: Array
    ones: Array
    parts: list[tuple[Any, Array, Array, Any]]
    scaled: Array


def _pieces(n: int, out: tuple[int, ...], size: int) -> list[tuple[Any, Any, int]]:
    """Cut all windows, of ``size`` bytes each, into what is copied at a time.

    Returns:
        for each: which images and rows of windows, which windows these are of all, and how many.
    """
    rows, each = out[0], math.prod(out[1:])
    number = -(-rows * each * size // CHUNK)  # pieces of an image
    images, step = (max(1, CHUNK // (rows * each * size)), rows) if number <= 1 else (1, -(-rows // number))
    pieces: list[tuple[Any, Any, int]] = []
    first = 0
    for i in range(0, n, images):
        for r in range(0, rows, step):
            which = slice(i, min(n, i + images)), slice(r, min(rows, r + step))
            count = (which[0].stop - i) * (which[1].stop - r) * each
            pieces.append((which, slice(first, first + count), count))
            first += count
    return pieces


def _largest(parts: Array) -> Array:
    """Return the largest elements along the first axis, by halves: each operation is on long runs.

    >>> _largest(np.array([[1.0, 5.0], [4.0, 2.0], [3.0, 3.0]])).tolist()
    [4.0, 5.0]
    """
    while len(parts) > 1:
        half = len(parts) // 2
        largest = np.maximum(parts[:half], parts[half : 2 * half])
        if len(parts) % 2:
            np.maximum(largest[0], parts[-1], out=largest[0])
        parts = largest
    return np.asarray(parts[0])


def repeats(rows: int, columns: int) -> int:
    """Return how many of so many rows are best added to as one: a divisor of their number.

    >>> repeats(1024, 32), repeats(676, 32), repeats(7, 5000)
    (64, 4, 1)
    """
    beside = math.gcd(rows, 1 << 16)
    while beside > 1 and beside * columns > LONG:
        beside //= 2
    return beside


def add_to_rows(y: Array, vector: Array, beside: int) -> None:
    """Add a vector to each row of y (rows, columns), C-contiguous, ``beside`` rows as one; see :func:`repeats`."""
    if beside == 1:
        y += vector
        return
    repeated = np.empty((beside, len(vector)), y.dtype)
    repeated[:] = vector
    long = y.reshape(-1, repeated.size)
    long += repeated.reshape(-1)


def max_pool_plan(spatial: tuple[Axis, ...]) -> Callable[[Array], Array]:
    """Return ``pool(x) -> y`` as :func:`nnlite.kernels.pooling.max_pool`, for windows that lie inside of x.

    >>> from nnlite.kernels.windows import axes
    >>> max_pool_plan(axes("valid", (4,), (2,), (2,), (1,)))(np.array([[[1.0], [3.0], [2.0], [0.0]]])).ravel().tolist()
    [3.0, 2.0]
    """
    places = [
        [(slice(None),) * axis + (one.tap(t)[1],) for t in range(one.kernel)] for axis, one in enumerate(spatial, 1)
    ]

    def pool(x: Array) -> Array:
        for first, *others in places:
            if not others:
                x = np.ascontiguousarray(x[first])
                continue
            if x.nbytes < LARGE:
                y = np.maximum(x[first], x[others[0]])
            else:
                y = np.maximum(x[first], x[others[0]], out=memory.empty(x[first].shape, x.dtype))
            for other in others[1:]:
                np.maximum(y, x[other], out=y)
            x = y
        return x

    return pool


def _strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of a C-contiguous array."""
    return tuple(itemsize * math.prod(shape[i + 1 :]) for i in range(len(shape)))
