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
from nnlite.kernels.windows import Axis, Share, strided

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
    finish = finisher(b, activation)

    def task(start: int, stop: int) -> None:
        windows = Windows(spatial, w, stop - start, CHUNK)
        for part in windows.parts(start, stop):
            windows.correlate(x[part], y[part])
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
    dx = memory.empty(x.shape, x.dtype) if input_grad else None
    strided = spatial[-1].stride > 1
    back = _Back(spatial, w) if input_grad or strided else None

    def task(start: int, stop: int) -> tuple[Array, Array]:
        windows = Windows(spatial, w, stop - start, CHUNK)
        scratch = None if back is None else back.scratch(windows.images)
        total = np.zeros((*w.shape[:-3], windows.wide, windows.run), x.dtype)
        db = np.zeros(dy.shape[-2] * dy.shape[-1], x.dtype)
        for part in windows.parts(start, stop):
            dz = dy[part] if activation is None or y is None else activation.backward(dy[part], y[part])
            if strided and back is not None and scratch is not None:
                kept = back.repeated(dz, scratch)
            if weight_grad:
                _add_products(windows.look(x[part]), kept if strided else as_runs(dz), total)
                if use_bias:
                    db += as_runs(dz).reshape(-1, len(db)).sum(0)
            if back is not None and scratch is not None and dx is not None:
                if not strided:
                    back.repeated(dz, scratch)
                back.give(dx[part], scratch)
        return total, db

    sums = parallel.run(task, len(x), (input_grad + weight_grad) * dy.size * math.prod(w.shape[:-2]) / RATE)
    if not weight_grad:
        return dx, None, None
    dw = _narrowed(sum((total for total, _ in sums[1:]), sums[0][0]), w, spatial[-1])
    db = sum((more for _, more in sums[1:]), sums[0][1]).reshape(-1, dy.shape[-1]).sum(0)
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


def _places(last: Axis) -> slice:
    """Where the taps along the last axis are among those of wide pixels, see :class:`Windows`."""
    return slice(0, (last.kernel - 1) * last.dilation + 1, last.dilation)


def _narrowed(total: Array, w: Array, last: Axis) -> Array:
    """Return dw, of w's shape, out of the products of windows and gradients, (taps..., wide taps, run)."""
    by_tap: Array = total.reshape(*total.shape[:-1], last.out, -1, *w.shape[-2:]).sum(-4)
    if last.stride == 1:
        return by_tap.reshape(w.shape)
    by_tap = by_tap.reshape(*w.shape[:-3], -1, *w.shape[-2:])
    return np.ascontiguousarray(by_tap[..., _places(last), :, :])


class Windows:
    """A thread's copy of a few images with zeros around them, and the windows in it as runs.

    With a stride s along the last axis the inputs of a tap do not lie together. There s neighbouring pixels are taken
    for one of s * C channels, over which the windows go in steps of one: tap ``j * s + r`` is part r of wide tap j,
    and the s parts of what the wide filters give are added up. The channels are repeated for each of their filters.
    """

    def __init__(self, spatial: tuple[Axis, ...], w: Array, images: int, chunk: int) -> None:
        self.spatial, self.kernel, (*rows, last) = spatial, w.shape[:-2], spatial
        self.step = last.stride
        self.wide = last.kernel if self.step == 1 else -(-_places(last).stop // self.step)
        width = last.before + last.size + last.after if self.step == 1 else self.step * (last.out + self.wide - 1)
        sizes = (*(one.before + one.size + one.after for one in rows), width, *w.shape[-2:])
        self.images = max(1, min(images, chunk // max(1, math.prod(sizes) * w.dtype.itemsize)))
        self.channels = math.prod(w.shape[-2:])
        self.run = last.out * self.step * self.channels
        self.w = w
        self._taps: Array | None = None
        self.inputs = slice(0, min(last.size, width - last.before))  # no window reaches beyond
        copies = self.step > 1 or w.shape[-1] > 1 or any(one.before or one.after for one in spatial)
        self.scratch = np.zeros((self.images, *sizes), w.dtype) if copies else None
        shape = (self.images, *(one.out for one in spatial), self.step, self.channels)
        self.sums = np.empty(shape, w.dtype) if self.step > 1 else None

    @property
    def taps(self) -> Array:
        """The filters along a row of wide pixels, (taps..., wide taps, run)."""
        if self._taps is None:
            w = self.w
            if self.step > 1:
                wide = np.zeros((*w.shape[:-3], self.wide * self.step, *w.shape[-2:]), w.dtype)
                wide[..., _places(self.spatial[-1]), :, :] = w
                w = wide.reshape(*w.shape[:-3], self.wide, -1, w.shape[-1])
            self._taps = along_rows(w, self.spatial[-1].out)
        return self._taps

    def parts(self, start: int, stop: int) -> list[slice]:
        """Return the images that are worked on at a time."""
        return [slice(first, min(stop, first + self.images)) for first in range(start, stop, self.images)]

    def look(self, x: Array) -> Array:
        """Return the windows of a few images, see :func:`windows_as_runs`."""
        *rows, last = self.spatial
        x = padded = x[..., None]
        if self.scratch is not None:
            padded = self.scratch[: len(x)]
            columns = slice(last.before, last.before + self.inputs.stop)
            where = (slice(None), *(slice(one.before, one.before + one.size) for one in rows), columns)
            padded[where] = x[..., self.inputs, :, :]
        spread = (*(one.dilation for one in rows), last.dilation if self.step == 1 else self.step)
        kernel = (*self.kernel[:-1], self.wide)
        return windows_as_runs(
            padded, [one.out for one in rows], [one.stride for one in rows], kernel, spread, self.run
        )

    def correlate(self, x: Array, y: Array) -> None:
        """Write the windows of a few images times the filters into y (n, output sizes..., C * M), C-contiguous."""
        if self.sums is None:
            correlate_runs(self.look(x), self.taps, as_runs(y))
            return
        sums = self.sums[: len(x)]
        correlate_runs(self.look(x), self.taps, sums.reshape(*y.shape[:-2], self.run))
        np.add(sums[..., 0, :], sums[..., 1, :], out=y)
        for part in range(2, self.step):
            np.add(y, sums[..., part, :], out=y)


class _Back:
    """How dz is given back to the inputs: one correlation with dz for all inputs at distances of the stride.

    But along the last axis for all inputs at once: there each output stands s times in a row, and the filters along the
    row are those of each input's own taps, with zeros where it has fewer than others.
    """

    def __init__(self, spatial: tuple[Axis, ...], w: Array) -> None:
        self.multiplier, self.dtype = w.shape[-1], w.dtype
        *self.rows, last = spatial
        self.channels, self.step = w.shape[-2] * w.shape[-1], last.stride
        each = [one.back() for one in spatial]
        ends = [[share.outputs for share in shares if share.taps] for shares in each]
        first = [min([0, *(outputs[0] for outputs in found)]) for found in ends]
        reach = [max([0, *(outputs[-1] for outputs in found)]) for found in ends]
        numbers = ([share.number for share in shares] for shares in each[:-1])
        sizes = [
            -start + max(one.out, max(number, default=0) + end)
            for start, one, number, end in zip(first, self.rows, numbers, reach, strict=False)
        ]
        width = self.step * -first[-1] + max(self.step * last.out, last.size + self.step * reach[-1])
        self.sizes = (*sizes, width, self.channels)
        self.first, self.width = first, last.size
        self.offsets, wide = self._along_last(each[-1], w)
        self.whole = all(share.taps for shares in each[:-1] for share in shares)  # whether every input is in a window
        self.shares = [
            (along, np.ascontiguousarray(wide[np.ix_(*(share.taps for share in along))]))
            for along in product(*each[:-1])
            if all(share.taps for share in along)
        ]

    def _along_last(self, shares: list[Share], w: Array) -> tuple[range, Array]:
        """Return which outputs an input takes along the last axis, and the filters of them all, (taps..., outputs,
        run)."""
        outputs = [share.outputs for share in shares if share.taps]
        offsets = range(0)
        if outputs:
            start, stop = min(one[0] for one in outputs), max(one[-1] for one in outputs)
            offsets = range(start, stop + 1, outputs[0].step if self.step == 1 else 1)
        wide = np.zeros((*w.shape[:-3], len(offsets), self.width, self.channels), w.dtype)
        filters = w.reshape(*w.shape[:-2], 1, self.channels)
        for share in shares:
            for tap, output in zip(share.taps, share.outputs, strict=True):
                wide[..., offsets.index(output), share.inputs, :] = filters[..., tap, :, :]
        return offsets, wide.reshape(*wide.shape[:-2], -1)

    def scratch(self, images: int) -> Array:
        """Return memory for the dz of some images with zeros around."""
        return np.zeros((images, *self.sizes), self.dtype)

    def repeated(self, dz: Array, scratch: Array) -> Array:
        """Keep dz of a few images for :meth:`give`; return it with each output s times in a row, as runs."""
        padded, last = scratch[: len(dz)], dz.shape[-2]
        rows = (slice(-start, one.out - start) for start, one in zip(self.first, self.rows, strict=False))
        start = -self.first[-1] * self.step
        where = (slice(None), *rows, slice(start, start + last * self.step))
        inside = as_runs(padded[where])
        inside.reshape(*dz.shape[:-1], self.step, -1)[...] = dz[..., None, :]
        return inside

    def give(self, dx: Array, scratch: Array) -> None:
        """Write dx of the images of which dz was kept last."""
        padded, run = scratch[: len(dx)], self.width * self.channels
        if not self.whole:
            dx.fill(0)
        steps = padded.strides[1:]
        for along, taps in self.shares:
            counts, kernel = [share.number for share in along], [len(share.taps) for share in along]
            starts = [share.outputs[0] - start for share, start in zip(along, self.first, strict=False)]
            last = (self.offsets.start - self.first[-1]) * self.step
            first = sum(start * step for start, step in zip((*starts, last), steps, strict=False))
            spread = [*(share.outputs.step for share in along), self.offsets.step * self.step]
            view = windows_as_runs(padded, counts, [1] * len(counts), [*kernel, len(self.offsets)], spread, run, first)
            where = (slice(None), *(share.inputs for share in along))
            target = dx[where]
            if self.multiplier == 1:
                correlate_runs(view, taps, as_runs(target))
                continue
            shape = (*target.shape, self.multiplier)
            (found,) = memory.scratch(shape, dx.dtype, 1)
            correlate_runs(view, taps, found.reshape(len(dx), *counts, -1))
            np.add.reduce(found, -1, out=target)
