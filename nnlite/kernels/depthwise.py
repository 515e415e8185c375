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
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import by_taps, memory, parallel
from nnlite.kernels.channels import finisher
from nnlite.kernels.windows import Axis, Share, clear_around, windows_as_runs

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
    layout = layout_of(spatial, *w.shape[-2:])
    y = memory.empty((len(x), *(one.out for one in spatial), layout.channels), dtype)
    taps, finish = layout.along_rows(w), finisher(b, activation)

    def task(start: int, stop: int) -> None:
        windows = Windows(layout, dtype, stop - start, CHUNK)
        for part in windows.parts(start, stop):
            windows.correlate(x[part], w, taps, y[part])
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
    layout = layout_of(spatial, *w.shape[-2:])
    back = _back_of(spatial, *w.shape[-2:]) if input_grad or strided else None
    shares = back.along_rows(w) if back is not None and input_grad else []

    def task(start: int, stop: int) -> tuple[Array, Array]:
        windows = Windows(layout, x.dtype, stop - start, CHUNK)
        scratch = None if back is None else back.scratch(windows.images, x.dtype)
        total = np.zeros((*w.shape[:-3], layout.wide, layout.run), x.dtype)
        db = np.zeros(dy.shape[-2] * dy.shape[-1], x.dtype)
        for part in windows.parts(start, stop):
            dz = dy[part] if activation is None or y is None else activation.backward(dy[part], y[part])
            if strided and back is not None and scratch is not None:
                kept = back.repeated(dz, scratch)
            if weight_grad:
                _add_products(windows.look(x[part]), kept if strided else as_runs(dz), total, part.start == start)
                if use_bias:
                    db += as_runs(dz).reshape(-1, len(db)).sum(0)
            if back is not None and scratch is not None and dx is not None:
                if not strided:
                    back.repeated(dz, scratch)
                back.give(dx[part], scratch, shares)
        return total, db

    (total, db), *others = parallel.run(
        task, len(x), (input_grad + weight_grad) * dy.size * math.prod(w.shape[:-2]) / RATE
    )
    if not weight_grad:
        return dx, None, None
    for more, more_db in others:
        total += more
        db += more_db
    return dx, layout.narrowed(total, w.shape), db.reshape(-1, dy.shape[-1]).sum(0) if use_bias else None


def as_runs(y: Array) -> Array:
    """View y (N, ..., width, C) as (N, ..., width * C)."""
    return y.reshape(*y.shape[:-2], y.shape[-2] * y.shape[-1])


def _filters_at(w: Array, index: Array) -> Array:
    """Return the filters (taps..., C, M) of the taps of these numbers, as runs, zeros for the number of taps: (index
    sizes but the last..., run)."""
    taps = math.prod(w.shape[:-2])
    filters = np.zeros((taps + 1, w.shape[-2] * w.shape[-1]), w.dtype)
    filters[:taps] = w.reshape(taps, -1)
    return as_runs(filters.take(index, axis=0))


def correlate_runs(view: Array, taps: Array, out: Array) -> None:
    """Write the sum over taps of ``view * taps`` into out.

    Args:
        view: from :func:`windows_as_runs`.
        taps: (taps..., run).
        out: (n, windows but along the last axis..., run).
    """
    over, axes = list(range(out.ndim - 1)), list(range(view.ndim))
    np.einsum(view, axes, taps, axes[len(over) :], [*over, axes[-1]], out=out)


def _add_products(view: Array, dz: Array, total: Array, first: bool) -> None:
    """Add the sums over images and rows of ``view * dz`` to total (taps..., run), see :func:`correlate_runs`; write
    them there if they are the first."""
    axes = list(range(dz.ndim))
    for tap in np.ndindex(*total.shape[:-1]):
        which = (slice(None),) * (dz.ndim - 1) + tap
        if first:
            np.einsum(view[which], axes, dz, axes, axes[-1:], out=total[tap])
        else:
            total[tap] += np.einsum(view[which], axes, dz, axes, axes[-1:])


class _Layout:
    """How images with zeros around them are seen as runs; all that shapes decide.

    With a stride s along the last axis the inputs of a tap do not lie together. There s neighbouring pixels are taken
    for one of s * C channels, over which the windows go in steps of one: tap ``j * s + r`` is part r of wide tap j,
    and the s parts of what the wide filters give are added up. The channels are repeated for each of their filters.
    """

    def __init__(self, spatial: tuple[Axis, ...], channels: int, multiplier: int) -> None:
        *rows, last = spatial
        self.spatial, self.step, self.channels = spatial, last.stride, channels * multiplier
        # Where the taps along the last axis are among those of wide pixels.
        self.places = slice(0, (last.kernel - 1) * last.dilation + 1, last.dilation)
        self.wide = last.kernel if self.step == 1 else -(-self.places.stop // self.step)
        width = last.before + last.size + last.after if self.step == 1 else self.step * (last.out + self.wide - 1)
        sides = [one.before + one.size + one.after for one in rows]
        self.sizes = (*sides, width, channels, multiplier)
        self.run = last.out * self.step * self.channels
        self.inputs = min(last.size, width - last.before)  # no window reaches beyond
        self.inside = [slice(one.before, one.before + one.size) for one in rows]
        self.inside.append(slice(last.before, last.before + self.inputs))
        self.copies = self.step > 1 or multiplier > 1 or any(one.before or one.after for one in spatial)
        self.kernel = (*(one.kernel for one in rows), self.wide)
        self.spread = (*(one.dilation for one in rows), last.dilation if self.step == 1 else self.step)
        self.index = self._numbers(last)

    def _numbers(self, last: Axis) -> Array:
        """Return the number of the tap for each pixel of a row, (taps..., wide taps, pixels); that of none is the
        last."""
        before = math.prod(self.kernel[:-1])
        taps = np.arange(before * last.kernel).reshape(before, last.kernel)
        if self.step > 1:
            wide = np.full((before, self.wide * self.step), taps.size)
            wide[:, self.places] = taps
            taps = wide
        each = taps.reshape(*self.kernel, 1, self.step)
        return np.broadcast_to(each, (*self.kernel, last.out, self.step)).reshape(*self.kernel, -1)

    def along_rows(self, w: Array) -> Array:
        """Return the filters along a row of wide pixels, (taps..., wide taps, run)."""
        return _filters_at(w, self.index)

    def narrowed(self, total: Array, shape: tuple[int, ...]) -> Array:
        """Return dw, of w's shape, out of the products of windows and gradients, (taps..., wide taps, run)."""
        by_tap: Array = total.reshape(*self.kernel, self.spatial[-1].out, -1).sum(-2)
        if self.step > 1:
            by_tap = by_tap.reshape(*self.kernel[:-1], -1, self.channels)[..., self.places, :]
        return by_tap.reshape(shape)


class Windows:
    """A thread's copy of a few images with zeros around them, and the windows in it as runs."""

    def __init__(self, layout: _Layout, dtype: Any, images: int, chunk: int) -> None:
        self.layout = layout
        self.images = max(1, min(images, chunk // max(1, math.prod(layout.sizes) * dtype.itemsize)))
        self.scratch = self.sums = None
        if layout.copies:
            self.scratch = memory.empty((self.images, *layout.sizes), dtype)
            clear_around(self.scratch, layout.inside)
        if layout.step > 1:
            outs = (one.out for one in layout.spatial)
            self.sums = memory.empty((self.images, *outs, layout.step, layout.channels), dtype)

    def parts(self, start: int, stop: int) -> list[slice]:
        """Return the images that are worked on at a time."""
        return [slice(first, min(stop, first + self.images)) for first in range(start, stop, self.images)]

    def look(self, x: Array) -> Array:
        """Return the windows of a few images, see :func:`windows_as_runs`."""
        layout, rows = self.layout, self.layout.spatial[:-1]
        x = padded = x[..., None]
        if self.scratch is not None:
            padded = self.scratch[: len(x)]
            inside = (slice(None), *layout.inside)
            padded[inside] = x[..., : layout.inputs, :, :]
        outs, strides = [one.out for one in rows], [one.stride for one in rows]
        return windows_as_runs(padded, outs, strides, layout.kernel, layout.spread, layout.run)

    def correlate(self, x: Array, w: Array, taps: Array, y: Array) -> None:
        """Write the windows of a few images times the filters w into y (n, output sizes..., C * M), C-contiguous; taps
        are the filters along rows."""
        if self.sums is None:
            correlate_runs(self.look(x), taps, as_runs(y))
            return
        sums = self.sums[: len(x)]
        correlate_runs(self.look(x), taps, sums.reshape(*y.shape[:-2], -1))
        np.add(sums[..., 0, :], sums[..., 1, :], out=y)
        for part in range(2, self.layout.step):
            np.add(y, sums[..., part, :], out=y)
        if len(by_taps.not_finite(y)):  # a wide filter takes pixels along, times zero, that no tap is for
            bad = by_taps.not_finite(x)
            y[bad] = by_taps.depthwise(x[bad], w, self.layout.spatial)


class _Inputs(NamedTuple):
    """Inputs at distances of the stride along all axes but the last, and the windows of dz that reached them.

    Attributes:
        where: the inputs.
        counts: how many there are along each axis but the last.
        kernel: how many outputs reached each, along every axis; spread: how far apart those are.
        starts: where those of the first input begin, in the dz with zeros around.
        numbers: those of their taps for each pixel of a row, see :func:`_filters_at`.
    """

    where: tuple[slice, ...]
    counts: list[int]
    kernel: list[int]
    spread: list[int]
    starts: list[int]
    numbers: Array


class _Back:
    """How dz is given back to the inputs: one correlation with dz for all inputs at distances of the stride.

    But along the last axis for all inputs at once: there each output stands s times in a row, and the filters along the
    row are those of each input's own taps, with zeros where it has fewer than others. All that shapes decide.
    """

    def __init__(self, spatial: tuple[Axis, ...], channels: int, multiplier: int) -> None:
        *rows, last = spatial
        self.multiplier, self.channels, self.step = multiplier, channels * multiplier, last.stride
        each = [one.back() for one in spatial]
        ends = [[share.outputs for share in shares if share.taps] for shares in each]
        first = [min([0, *(outputs[0] for outputs in found)]) for found in ends]
        reach = [max([0, *(outputs[-1] for outputs in found)]) for found in ends]
        numbers = ([share.number for share in shares] for shares in each[:-1])
        sizes = [
            -start + max(one.out, max(number, default=0) + end)
            for start, one, number, end in zip(first, rows, numbers, reach, strict=False)
        ]
        width = self.step * -first[-1] + max(self.step * last.out, last.size + self.step * reach[-1])
        self.sizes, self.width = (*sizes, width, self.channels), last.size
        self.inside = [slice(-start, one.out - start) for start, one in zip(first, rows, strict=False)]
        self.inside.append(slice(-first[-1] * self.step, (last.out - first[-1]) * self.step))
        self.whole = all(share.taps for shares in each[:-1] for share in shares)  # whether every input is in a window
        offsets, along = self._along_last(each[-1])
        numbers_of = np.arange(math.prod(one.kernel for one in spatial)).reshape(*(one.kernel for one in spatial))
        self.inputs = [
            _Inputs(
                (slice(None), *(share.inputs for share in shares)),
                [share.number for share in shares],
                [*(len(share.taps) for share in shares), len(offsets)],
                [*(share.outputs.step for share in shares), offsets.step * self.step],
                [
                    *(share.outputs[0] - start for share, start in zip(shares, first, strict=False)),
                    (offsets.start - first[-1]) * self.step,
                ],
                self._numbers(numbers_of, shares, along),
            )
            for shares in product(*each[:-1])
            if all(share.taps for share in shares)
        ]

    def _along_last(self, shares: list[Share]) -> tuple[range, Array]:
        """Return which outputs an input takes along the last axis, and by which tap each, (outputs, inputs); -1 for
        none."""
        outputs = [share.outputs for share in shares if share.taps]
        offsets = range(0)
        if outputs:
            start, stop = min(one[0] for one in outputs), max(one[-1] for one in outputs)
            offsets = range(start, stop + 1, outputs[0].step if self.step == 1 else 1)
        along = np.full((len(offsets), self.width), -1)
        for share in shares:
            for tap, output in zip(share.taps, share.outputs, strict=True):
                along[offsets.index(output), share.inputs] = tap
        return offsets, along

    @staticmethod
    def _numbers(numbers: Array, shares: Sequence[Share], along: Array) -> Array:
        """Return the numbers of the taps for each pixel of a row, (taps..., outputs, inputs); that of none is the
        last."""
        found: Array = numbers[np.ix_(*(share.taps for share in shares))][..., along]
        return np.where(along < 0, numbers.size, found)

    def along_rows(self, w: Array) -> list[Array]:
        """Return the filters along a row for each share of the inputs, (taps..., outputs, run)."""
        return [_filters_at(w, inputs.numbers) for inputs in self.inputs]

    def scratch(self, images: int, dtype: Any) -> Array:
        """Return memory for the dz of some images with zeros around."""
        padded = memory.empty((images, *self.sizes), dtype)
        clear_around(padded, self.inside)
        return padded

    def repeated(self, dz: Array, scratch: Array) -> Array:
        """Keep dz of a few images for :meth:`give`; return it with each output s times in a row, as runs."""
        where = (slice(len(dz)), *self.inside)
        inside = as_runs(scratch[where])
        inside.reshape(*dz.shape[:-1], self.step, -1)[...] = dz[..., None, :]
        return inside

    def give(self, dx: Array, scratch: Array, filters: list[Array]) -> None:
        """Write dx of the images of which dz was kept last."""
        padded, run = scratch[: len(dx)], self.width * self.channels
        if not self.whole:
            dx.fill(0)
        for inputs, taps in zip(self.inputs, filters, strict=True):
            first = sum(start * step for start, step in zip(inputs.starts, padded.strides[1:], strict=False))
            steps = [1] * len(inputs.counts)
            view = windows_as_runs(padded, inputs.counts, steps, inputs.kernel, inputs.spread, run, first)
            target = dx[inputs.where]
            if self.multiplier == 1:
                correlate_runs(view, taps, as_runs(target))
                continue
            shape = (*target.shape, self.multiplier)
            (found,) = memory.scratch(shape, dx.dtype, 1)
            correlate_runs(view, taps, found.reshape(len(dx), *inputs.counts, -1))
            np.add.reduce(found, -1, out=target)


# A net asks for the same few again each step.
layout_of = lru_cache(maxsize=512)(_Layout)
_back_of = lru_cache(maxsize=512)(_Back)
