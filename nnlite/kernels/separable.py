"""A depthwise convolution and the pointwise one after it, a few images at a time: for inference.

What the first gives is as large as what it takes, and a matrix product over all its pixels is all that reads it. So it
stays in cache, in memory that is used again for the next images: 0.8 of the time of both apart, in a net of such pairs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import gemm, memory, parallel
from nnlite.kernels.channels import finisher
from nnlite.kernels.conv import GEMM_RATE
from nnlite.kernels.depthwise import RATE, Windows, layout_of
from nnlite.kernels.windows import Axis

Array = NDArray[Any]

# Bytes of padded inputs worked on at a time. Five pairs of a net, 128 images, milliseconds on one thread and on two:
# 0.6 MB: 159, 116; 0.9: 120, 91; 1.3: 118, 90; 2: 120, 92; 3: 125, 100; apart: 148, 113.
CHUNK = 1_300_000


def separable_forward(
    x: Array,
    w: Array,
    b: Array | None,
    spatial: tuple[Axis, ...],
    activation: Any,
    point: Array,
    point_b: Array | None = None,
    point_activation: Any = None,
) -> Array:
    """Return ``y = act'(b' + h @ w')``, at each pixel, of h as :func:`depthwise_forward` returns it.

    Args:
        x, w, b, spatial, activation: of the depthwise convolution, see there.
        point: w' (1, ..., 1, C * M, F), the kernel of the pointwise convolution, without strides.
        point_b: b' (F,), or None.
        point_activation: act', an element-wise function of :mod:`nnlite.activations`, or None.

    Returns:
        y (N, output sizes..., F) in the common dtype of x, w and w'.
    """
    dtype = np.result_type(x, w, point).newbyteorder("=")
    x, w = np.ascontiguousarray(x, dtype), w.astype(dtype, copy=False)
    inner, filters = point.shape[-2:]
    matrix = gemm.arranged(point.reshape(inner, filters).astype(dtype, copy=False))
    y = memory.empty((len(x), *(one.out for one in spatial), filters), dtype)
    layout = layout_of(spatial, *w.shape[-2:])
    taps, first, second = layout.along_rows(w), finisher(b, activation), finisher(point_b, point_activation)

    def task(start: int, stop: int) -> None:
        windows = Windows(layout, dtype, stop - start, CHUNK)
        between = memory.empty((windows.images, *y.shape[1:-1], inner), dtype)
        for part in windows.parts(start, stop):
            h, result = between[: part.stop - part.start], y[part]
            windows.correlate(x[part], w, taps, h)
            first(h)
            gemm.matmul(h.reshape(-1, inner), matrix, result.reshape(-1, filters))
            second(result)

    pixels = y.size // max(1, filters)
    parallel.run(task, len(x), pixels * inner * (math.prod(w.shape[:-2]) / RATE + filters / GEMM_RATE))
    return y
