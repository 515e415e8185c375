"""Convolution of a few images on one thread, with all that depends on shapes decided beforehand.

For one sample the large kernels' chunks, buffers and threads cost more than the arithmetic. Here a convolution is one
copy of all windows and one product ("im2col"), as :func:`nnlite.kernels.conv.conv_forward` defines it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.conv_im2col import SHORT_RUN
from nnlite.kernels.windows import Axis

Array = NDArray[Any]

# Rows of a batch, up to which a plan is for just so many.
ROWS = 4
# Multiply-adds up to which one thread is as fast, all else counted.
MOST = 30_000_000
# Bytes of copied windows that stay in the cache.
LARGEST = 8 << 20


def conv_plan(
    shape: tuple[int, ...], spatial: tuple[Axis, ...], filters: int, dtype: Any
) -> Callable[[Array, Array], Array] | None:
    """Return ``correlate(x, w) -> y`` for inputs of one shape, or None where that is too much for one thread.

    ``y[n, o, f] = sum over t, c of x[n, o*s - before + t*d, c] * w[t, c, f]``, see ``conv_forward``.

    Args:
        shape: of x, (n, spatial axes..., C).
        spatial: the windows along each axis.
        filters: F.
        dtype: of x and w, which must be C-contiguous.

    >>> from nnlite.kernels.windows import axes
    >>> correlate = conv_plan((1, 5, 1), axes("same", (5,), (2,), (1,), (1,)), 1, "float64")
    >>> correlate(np.arange(1.0, 6.0).reshape(1, 5, 1), np.array([1.0, 10.0]).reshape(2, 1, 1)).ravel().tolist()
    [21.0, 32.0, 43.0, 54.0, 5.0]
    """
    dtype, n, channels = np.dtype(dtype), shape[0], shape[-1]
    out = tuple(one.out for one in spatial)
    kernel = tuple(one.kernel for one in spatial)
    places, inner = n * math.prod(out), math.prod(kernel) * channels
    if places * inner * filters > MOST or places * inner * dtype.itemsize > LARGEST:
        return None
    result = (n, *out, filters)
    if math.prod(kernel) == 1 and all(one.stride == 1 for one in spatial):
        return lambda x, w: (x.reshape(places, channels) @ w.reshape(channels, filters)).reshape(result)

    padded = (n, *(one.before + one.size + one.after for one in spatial), channels)
    inside = (slice(None), *(slice(one.before, one.before + one.size) for one in spatial))
    pads = padded != tuple(shape)
    steps = _strides(padded, dtype.itemsize)
    outer = [step * one.stride for step, one in zip(steps[1:-1], spatial, strict=True)]
    taps = [step * one.dilation for step, one in zip(steps[1:-1], spatial, strict=True)]
    by_planes = channels * kernel[-1] < SHORT_RUN < out[-1]
    if by_planes:  # (n, taps..., C, windows...): the long runs are along the rows of windows
        view_shape = (n, *kernel, channels, *out)
        view_strides = (steps[0], *taps, steps[-1], *outer)
    else:
        view_shape = (n, *out, *kernel, channels)
        view_strides = (steps[0], *outer, *taps, steps[-1])

    def correlate(x: Array, w: Array) -> Array:
        if not x.flags.c_contiguous:  # the view below takes the strides for granted
            x = np.ascontiguousarray(x)
        if pads:
            around = np.zeros(padded, dtype)
            around[inside] = x
            x = around
        windows = np.ndarray(view_shape, dtype, x, 0, view_strides)
        matrix = w.reshape(inner, filters)
        if by_planes:
            planes = windows.copy().reshape(n, inner, -1).swapaxes(1, 2)
            y: Array = planes @ matrix
        else:
            y = windows.reshape(places, inner) @ matrix
        return y.reshape(result)

    return correlate


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
            y = np.maximum(x[first], x[others[0]])
            for other in others[1:]:
                np.maximum(y, x[other], out=y)
            x = y
        return x

    return pool


def _strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of a C-contiguous array."""
    return tuple(itemsize * math.prod(shape[i + 1 :]) for i in range(len(shape)))
