"""Transposed convolution: the gradient of a convolution's input, as a layer's forward pass.

Each input gives its value, times the kernel, to a window of outputs; windows overlap where the stride is smaller than
the kernel. So the windows are those of a convolution over the *outputs*, one for each input, and the three products of
a convolution change roles: its dx is the forward pass here, its forward pass the dx, and its dw the dw.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import by_taps, memory, parallel
from nnlite.kernels.channels import as_rows, wide_sums
from nnlite.kernels.conv import CHUNK, GEMM_RATE, conv_backward, conv_forward
from nnlite.kernels.conv_return import Returning, returning
from nnlite.kernels.windows import Axis

Array = NDArray[Any]


class TransposeCache(NamedTuple):
    """What :func:`conv_transpose_backward` needs."""

    x: Array
    w: Array
    spatial: tuple[Axis, ...]
    use_bias: bool


def transposed_axis(
    size: int, kernel: int, stride: int, padding: str, dilation: int = 1, output_padding: int | None = None
) -> Axis:
    """Return the windows over the outputs, ``Axis.size`` of them, that ``size`` inputs give to.

    With the kernel's reach k = (kernel - 1) * dilation + 1 there are ``(size - 1) * stride + k`` outputs that get
    anything; "valid" keeps them all (and ``max(stride - k, 0)``, or ``output_padding``, zeros at the end), "same" cuts
    them to ``size * stride``, or with ``output_padding`` to ``(size - 1) * stride + k % 2 + output_padding``; an odd
    one is cut at the end.

    >>> transposed_axis(3, 3, 2, "same").size, transposed_axis(3, 3, 2, "valid").size
    (6, 7)
    """
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        before = 0
        out = (size - 1) * stride + reach + (max(stride - reach, 0) if output_padding is None else output_padding)
    else:
        total = stride + reach - 2 if output_padding is None else reach + reach % 2 - 2 + output_padding
        left = min(total // 2 + total % 2, reach - 1)
        before = reach - 1 - left
        out = (size - 1) * stride + 2 + total - reach
    if out < 1:
        raise ValueError(
            f"A transposed convolution of {size} inputs with a kernel of {kernel}, stride {stride} and output_padding "
            f"{output_padding} leaves no output."
        )
    after = max(0, (size - 1) * stride + reach - before - out)
    return Axis(out, kernel, stride, dilation, before, after, size)


def conv_transpose_forward(
    x: Array, w: Array, b: Array | None, spatial: tuple[Axis, ...]
) -> tuple[Array, TransposeCache]:
    """Return ``y[n, o, f] = b[f] + sum over c and all i, t with i*s + t*d - before = o of x[n, i, c] * w[t, f, c]``.

    Args:
        x: (N, sizes..., C).
        w: (kernel sizes..., F, C).
        b: (F,), or None.
        spatial: windows over the outputs, one along each axis (:func:`transposed_axis`).

    Returns:
        y (N, output sizes..., F) and the cache.
    """
    dtype = np.result_type(x, w).newbyteorder("=")
    x, w = np.ascontiguousarray(x, dtype), w.astype(dtype, copy=False)
    y = memory.empty((len(x), *(one.size for one in spatial), w.shape[-2]), dtype)
    back = returning(spatial, w.shape[-2], w.shape[-1], 1, dtype, CHUNK)
    kernel = back.matrices(w)
    fills = any(one.stride > 1 for one in spatial)  # the kernel has zeros, which must not meet an infinity or NaN

    def task(start: int, stop: int) -> None:
        giving = Returning(back, kernel, stop - start)
        for first in range(start, stop, back.how.images):
            part = slice(first, min(stop, first + back.how.images))
            giving.give(x[part], y[part])
            if fills and len(bad := by_taps.not_finite(x[part])):
                y[part][bad] = by_taps.transposed(x[part][bad], w, spatial)
            if b is not None:
                y[part] += b

    parallel.run(task, len(x), x.size * w[..., 0].size / GEMM_RATE)
    return y, TransposeCache(x, w, spatial, b is not None)


def conv_transpose_backward(
    dy: Array, cache: TransposeCache, input_grad: bool = True, weight_grad: bool = True
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradients of :func:`conv_transpose_forward`.

    ``dx[n, i, c] = sum over t, f of dy[n, i*s + t*d - before, f] * w[t, f, c]``, a convolution of dy;
    ``dw[t, f, c] = sum over n, i of dy[n, i*s + t*d - before, f] * x[n, i, c]``, that convolution's kernel gradient;
    ``db = sum of dy``.
    """
    x, w, spatial, use_bias = cache
    dy = np.ascontiguousarray(dy, x.dtype)
    db = wide_sums(as_rows(dy)).astype(dy.dtype) if use_bias else None
    dx, reverse = conv_forward(dy, w, None, padding=spatial)
    dw = conv_backward(x, reverse, input_grad=False)[1] if weight_grad else None
    return dx if input_grad else None, dw, db
