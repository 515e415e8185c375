"""Depthwise convolution: every channel with filters of its own.

There is no sum over channels, so no matrix product. A row of pixels with its channels is one run of numbers instead,
and so are the filters, repeated along the row: each tap multiplies two runs and adds the result to a third.
``numpy.einsum`` does this in one loop for all taps, while the third stays in the innermost cache: 7 billion
multiply-adds a second on one thread, where ``multiply`` and ``add`` of whole arrays do 2.7. A few images at a time,
with zeros around them, so that all of it stays in cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.channels import finisher
from nnlite.kernels.windows import Axis, strided

Array = NDArray[Any]

# Multiply-adds that one thread does in a microsecond, for the choice of threads; bytes worked on at a time.
RATE = 5e3
CHUNK = 2_000_000


class DepthwiseCache(NamedTuple):
    """What :func:`depthwise_backward` needs; ``y`` only if the activation was fused."""

    x: Array
    w: Array
    y: Array | None
    spatial: tuple[Axis, ...]
    use_bias: bool
    activation: Any


def depthwise_forward(
    x: Array, w: Array, b: Array | None, spatial: tuple[Axis, ...], activation: Any = None
) -> tuple[Array, DepthwiseCache]:
    """Return ``y[n, o, c*M + m] = act(b[c*M + m] + sum over t of x[n, o*s - before + t*d, c] * w[t, c, m])``.

    Args:
        x: (N, sizes..., C).
        w: (kernel sizes..., C, M).
        b: (C * M,), or None.
        spatial: the windows along each axis (:func:`nnlite.kernels.windows.axes`).
        activation: an element-wise function of :mod:`nnlite.activations` whose derivative needs only y, or None.

    Returns:
        y (N, output sizes..., C * M) in the common dtype of x and w, and the cache.
    """
    dtype = np.result_type(x, w).newbyteorder("=")
    x, w = np.ascontiguousarray(x, dtype), w.astype(dtype, copy=False)
    filters = w.shape[-2] * w.shape[-1]
    y = memory.empty((len(x), *(one.out for one in spatial), filters), dtype)
    rows, taps = as_runs(y), along_rows(w, spatial[-1].out)
    finish = finisher(b, activation)

    def task(start: int, stop: int) -> None:
        windows = Windows(spatial, w, stop - start, CHUNK)
        for part in windows.parts(start, stop):
            correlate_runs(windows.look(x[part]), taps, rows[part])
            finish(y[part])

    parallel.run(task, len(x), y.size * math.prod(w.shape[:-2]) / RATE)
    return y, DepthwiseCache(x, w, None if activation is None else y, spatial, b is not None, activation)


def depthwise_backward(
    dy: Array, cache: DepthwiseCache, input_grad: bool = True, weight_grad: bool = True
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradients of :func:`depthwise_forward`.

    With dz = dy * act'(y): ``dw[t, c, m] = sum over n, o of x[n, o*s - before + t*d, c] * dz[n, o, c*M + m]``,
    ``db = sum over n, o of dz``, ``dx[n, i, c] = sum over m and all o, t with o*s - before + t*d = i of
    dz[n, o, c*M + m] * w[t, c, m]``.

    Args:
        dy: (N, output sizes..., C * M).
        cache: from :func:`depthwise_forward`.
        input_grad: whether dx is wanted; else it is None.
        weight_grad: whether dw and db are wanted; else they are None.

    Returns:
        dx (shape of x), dw (shape of w), db (C * M,) or None without a bias.
    """
    x, w, y, spatial, use_bias, activation = cache
    dy = np.ascontiguousarray(dy, x.dtype)
    kernel, (channels, multiplier) = w.shape[:-2], w.shape[-2:]
    dx = memory.empty(x.shape, x.dtype) if input_grad else None
    back = _Back(spatial, w) if input_grad else None
    run = spatial[-1].out * channels * multiplier

    def task(start: int, stop: int) -> tuple[Array, Array]:
        windows = Windows(spatial, w, stop - start, CHUNK)
        scratch = None if back is None else back.scratch(windows.images)
        total, db = np.zeros((*kernel, run), x.dtype), np.zeros(run, x.dtype)
        for part in windows.parts(start, stop):
            dz = dy[part] if activation is None or y is None else activation.backward(dy[part], y[part])
            if weight_grad:
                _add_products(windows.look(x[part]), as_runs(dz), total)
                if use_bias:
                    db += as_runs(dz).reshape(-1, run).sum(0)
            if back is not None and scratch is not None and dx is not None:
                back.give(dz, dx[part], scratch)
        return total, db

    sums = parallel.run(task, len(x), (input_grad + weight_grad) * dy.size * math.prod(kernel) / RATE)
    if not weight_grad:
        return dx, None, None
    dw = sum((total for total, _ in sums[1:]), sums[0][0]).reshape(*kernel, -1, channels, multiplier).sum(-3)
    db = sum((more for _, more in sums[1:]), sums[0][1]).reshape(-1, channels * multiplier).sum(0)
    return dx, dw, db if use_bias else None


def as_runs(y: Array) -> Array:
    """View y (N, ..., width, C) as (N, ..., width * C)."""
    return y.reshape(*y.shape[:-2], y.shape[-2] * y.shape[-1])


def along_rows(w: Array, width: int) -> Array:
    """Repeat the filters (taps..., C, M) for every pixel of a row: (taps..., width * C * M)."""
    w = w.reshape(*w.shape[:-2], w.shape[-2] * w.shape[-1])
    return np.tile(w, (*(1,) * (w.ndim - 1), width))


def windows_as_runs(
    padded: Array,
    outs: Sequence[int],
    strides: Sequence[int],
    kernel: Sequence[int],
    spread: Sequence[int],
    run: int,
    first: int = 0,
) -> Array:
    """Return the windows of padded images as runs: (n, windows but along the last axis..., taps..., run).

    The images are C-contiguous; the first of their windows begins at the byte ``first``.
    """
    image, *steps = padded.strides
    over = (step * stride for step, stride in zip(steps, strides, strict=False))
    within = (step * distance for step, distance in zip(steps, spread, strict=False))
    shape = (len(padded), *outs, *kernel, run)
    return strided(padded, shape, (image, *over, *within, padded.itemsize), first)


def correlate_runs(view: Array, taps: Array, out: Array) -> None:
    """Write the sum over taps of ``view * taps`` into out.

    Args:
        view: from :func:`windows_as_runs`.
        taps: (taps..., run).
        out: (n, windows but along the last axis..., run).
    """
    over, axes = list(range(out.ndim - 1)), list(range(view.ndim))
    np.einsum(view, axes, taps, axes[len(over) :], [*over, axes[-1]], out=out)


def _add_products(view: Array, dz: Array, total: Array) -> None:
    """Add the sums over images and rows of ``view * dz`` to total (taps..., run), see :func:`correlate_runs`."""
    axes = list(range(dz.ndim))
    for tap in np.ndindex(*total.shape[:-1]):
        which = (slice(None),) * (dz.ndim - 1) + tap
        total[tap] += np.einsum(view[which], axes, dz, axes, axes[-1:])


class Windows:
    """A thread's copy of a few images with zeros around them, and the windows in it as runs.

    With a stride along the last axis the inputs of a tap do not lie together, so there each tap has a copy of its own.
    The channels are repeated for each of their filters.
    """

    def __init__(self, spatial: tuple[Axis, ...], w: Array, images: int, chunk: int) -> None:
        self.spatial, last = spatial, spatial[-1]
        self.apart = last.stride > 1
        row = (last.kernel, last.out) if self.apart else (last.before + last.size + last.after,)
        sizes = (*(one.before + one.size + one.after for one in spatial[:-1]), *row, *w.shape[-2:])
        self.images = max(1, min(images, chunk // max(1, math.prod(sizes) * w.dtype.itemsize)))
        self.run = last.out * math.prod(w.shape[-2:])
        copies = self.apart or w.shape[-1] > 1 or any(one.before or one.after for one in spatial)
        self.scratch = np.zeros((self.images, *sizes), w.dtype) if copies else None

    def parts(self, start: int, stop: int) -> list[slice]:
        """Return the images that are worked on at a time."""
        return [slice(first, min(stop, first + self.images)) for first in range(start, stop, self.images)]

    def look(self, x: Array) -> Array:
        """Return the windows of a few images, see :func:`windows_as_runs`."""
        *rows, last = self.spatial
        x = padded = x[..., None]
        if self.scratch is not None:
            padded = self.scratch[: len(x)]
            where = (slice(None), *(slice(one.before, one.before + one.size) for one in rows))
            inside = padded[where]
            if self.apart:
                for t in range(last.kernel):
                    windows, inputs = last.tap(t)
                    inside[..., t, windows, :, :] = x[..., inputs, :, :]
            else:
                inside[..., last.before : last.before + last.size, :, :] = x
        spread = (*(one.dilation for one in rows), 1 if self.apart else last.dilation)
        kernel = [one.kernel for one in self.spatial]
        return windows_as_runs(
            padded, [one.out for one in rows], [one.stride for one in rows], kernel, spread, self.run
        )


class _Back:
    """How dz is given back to the inputs: one correlation with dz for all inputs at distances of the stride."""

    def __init__(self, spatial: tuple[Axis, ...], w: Array) -> None:
        self.spatial, self.multiplier, self.dtype = spatial, w.shape[-1], w.dtype
        each = [one.back() for one in spatial]
        self.before = [max([0, *(-share.outputs[0] for share in shares if share.taps)]) for shares in each]
        ends = [max([0, *(share.number + share.outputs[-1] for share in shares if share.taps)]) for shares in each]
        self.sizes = [n + max(one.out, end) for n, one, end in zip(self.before, spatial, ends, strict=True)]
        self.channels = w.shape[-2] * w.shape[-1]
        self.whole = all(share.taps for shares in each for share in shares)  # whether every input is in some window
        self.shares = [
            (along, along_rows(w[np.ix_(*(share.taps for share in along))], along[-1].number))
            for along in product(*each)
            if all(share.taps for share in along)
        ]

    def scratch(self, images: int) -> Array:
        """Return memory for the dz of some images with zeros around."""
        return np.zeros((images, *self.sizes, self.channels), self.dtype)

    def give(self, dz: Array, dx: Array, scratch: Array) -> None:
        """Write dx of a few images."""
        padded, run = scratch[: len(dz)], self.channels
        inside = (slice(None), *(slice(n, n + one.out) for n, one in zip(self.before, self.spatial, strict=True)))
        padded[inside] = dz
        if not self.whole:
            dx.fill(0)
        for along, taps in self.shares:
            counts, kernel = [share.number for share in along], [len(share.taps) for share in along]
            places = zip(self.before, along, padded.strides[1:], strict=False)
            first = sum((n + share.outputs[0]) * step for n, share, step in places)
            spread = [share.outputs.step for share in along]
            view = windows_as_runs(
                padded, counts[:-1], [1] * (len(counts) - 1), kernel, spread, counts[-1] * run, first
            )
            inputs = (slice(None), *(share.inputs for share in along))
            target = dx[inputs]
            if self.multiplier == 1 and self.spatial[-1].stride == 1:
                correlate_runs(view, taps, as_runs(target))
                continue
            shape = (len(dz), *counts, run // self.multiplier, self.multiplier)
            (found,) = memory.scratch(shape, dx.dtype, 1)
            correlate_runs(view, taps, found.reshape(len(dz), *counts[:-1], -1))
            if self.multiplier == 1:
                np.copyto(target, found[..., 0])
            else:
                np.add.reduce(found, -1, out=target)
