"""Convolution over any number of spatial axes, channels last, and its gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel
from nnlite.kernels.conv_im2col import Columns
from nnlite.kernels.windows import Axis, axes, per_axis

Array = NDArray[Any]
Sizes = int | Sequence[int]

# Multiply-adds that one thread does in a microsecond, for the choice of threads.
GEMM_RATE = 40e3


class ConvCache(NamedTuple):
    """What :func:`conv_backward` needs; ``y`` only if the activation was fused."""

    x: Array
    w: Array
    y: Array | None
    spatial: tuple[Axis, ...]
    groups: int
    use_bias: bool
    activation: Any


def conv_forward(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    strides: Sizes = 1,
    padding: str = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    activation: Any = None,
) -> tuple[Array, ConvCache]:
    """Return y = act(b + correlation of x with w), and the cache for :func:`conv_backward`.

    ``y[n, o, f] = act(b[f] + sum over t, c of x[n, o*s - before + t*d, c] * w[t, c, f])``, where o and t run over all
    spatial axes, s is the stride, d the dilation, and x is zero outside. With groups, output channel f sees the input
    channels of its own group only.

    Args:
        x: (N, spatial axes..., C).
        w: (kernel sizes..., C / groups, F).
        b: (F,), or None.
        strides, dilation: one number, or one per spatial axis.
        padding: "valid", "same", or "causal" (one spatial axis).
        groups: divides C and F.
        activation: an element-wise function of :mod:`nnlite.activations` whose derivative needs only y, or None. It is
            applied while the result is in cache.

    Returns:
        y (N, output sizes..., F) in the common dtype of x and w, and the cache.

    Raises:
        ValueError: shapes do not fit together, the window does not fit into x, or the padding is unknown.

    >>> x = np.arange(1.0, 6.0).reshape(1, 5, 1)
    >>> conv_forward(x, np.array([1.0, 10.0]).reshape(2, 1, 1), padding="same")[0].ravel().tolist()
    [21.0, 32.0, 43.0, 54.0, 5.0]
    """
    x, w, spatial = _prepare(x, w, b, strides, padding, dilation, groups)
    n, filters = len(x), w.shape[-1]
    y = np.empty((n, *(one.out for one in spatial), filters), x.dtype)
    lowered = Columns(spatial, x.shape[-1], filters, groups, x.dtype)
    matrix = lowered.matrix(w)

    def task(start: int, stop: int) -> None:
        scratch = lowered.scratch(stop - start)
        for i in range(start, stop, lowered.images):
            part = slice(i, min(stop, i + lowered.images))
            lowered.correlate(x[part], matrix, y[part], scratch)
            if b is not None:
                y[part] += b
            if activation is not None:
                activation.forward(y[part], out=y[part])

    parallel.run(task, n, _work(y, w))
    return y, ConvCache(x, w, None if activation is None else y, spatial, groups, b is not None, activation)


def conv_backward(dy: Array, cache: ConvCache, input_grad: bool = True) -> tuple[Array | None, Array, Array | None]:
    """Return the gradients of :func:`conv_forward`.

    With dz = dy * act'(y): ``dw[t, c, f] = sum over n, o of x[n, o*s - before + t*d, c] * dz[n, o, f]``,
    ``db = sum over n, o of dz``, ``dx[n, i, c] = sum over f and all o, t with o*s - before + t*d = i of
    dz[n, o, f] * w[t, c, f]``.

    Args:
        dy: (N, output sizes..., F).
        cache: from :func:`conv_forward`.
        input_grad: whether dx is wanted; else it is None.

    Returns:
        dx (shape of x), dw (shape of w), db (F,) or None without a bias.
    """
    x, w, spatial, activation = cache.x, cache.w, cache.spatial, cache.activation
    dx = np.empty(x.shape, x.dtype) if input_grad else None
    lowered = Columns(spatial, x.shape[-1], w.shape[-1], cache.groups, x.dtype)
    matrix = lowered.matrix(w)

    def task(start: int, stop: int) -> tuple[Array, Array]:
        scratch = lowered.scratch(stop - start)
        dw, db = np.zeros(matrix.shape, x.dtype), np.zeros(w.shape[-1], x.dtype)
        for i in range(start, stop, lowered.images):
            part = slice(i, min(stop, i + lowered.images))
            dz = np.ascontiguousarray(dy[part], x.dtype)
            if activation is not None and cache.y is not None:
                dz = activation.backward(dz, cache.y[part])
            dw += lowered.kernel_gradient(x[part], dz, scratch)
            db += dz.reshape(-1, len(db)).sum(0)
            if dx is not None:
                lowered.input_gradient(dz, matrix, dx[part], scratch)
        return dw, db

    sums = parallel.run(task, len(x), _work(dy, w) * 3)
    dw, db = sums[0]
    for more_dw, more_db in sums[1:]:
        dw += more_dw
        db += more_db
    return dx, lowered.kernel(dw, w.shape), db if cache.use_bias else None


def _work(y: Array, w: Array) -> float:
    return y.size * (math.prod(w.shape[:-1]) / GEMM_RATE + 1e-3)


def _prepare(
    x: Array, w: Array, b: Array | None, strides: Sizes, padding: str, dilation: Sizes, groups: int
) -> tuple[Array, Array, tuple[Axis, ...]]:
    rank = w.ndim - 2
    if rank < 1 or x.ndim != w.ndim:
        raise ValueError(
            f"Convolution: x must be (batch, spatial axes..., channels) and w (kernel sizes..., channels / groups, "
            f"filters) with as many spatial axes, got shapes {x.shape} and {w.shape}."
        )
    channels, filters = x.shape[-1], w.shape[-1]
    if groups < 1 or channels % groups or filters % groups:
        raise ValueError(
            f"Convolution: groups ({groups}) must divide the channels ({channels}) and filters ({filters})."
        )
    if w.shape[-2] * groups != channels:
        raise ValueError(
            f"Convolution: x has {channels} channels, but w of shape {w.shape} with groups={groups} takes "
            f"{w.shape[-2] * groups}."
        )
    if b is not None and b.shape != (filters,):
        raise ValueError(f"Convolution: b must have shape ({filters},), one number a filter, got {b.shape}.")
    spatial = axes(
        padding, x.shape[1:-1], w.shape[:-2], per_axis(strides, rank, "strides"), per_axis(dilation, rank, "dilation")
    )
    dtype = np.result_type(x, w).newbyteorder("=")
    return x.astype(dtype, copy=False), w.astype(dtype, copy=False), spatial
