"""Depthwise convolution: every channel with filters of its own.

There is no sum over channels, so no matrix product: a multiplication and an addition for each tap, over whole rows of
pixels at once. Vectors of C numbers are too short for that, so the filters are repeated along the row and a row of
pixels with its channels is one run of numbers; a few images at a time, so that all of it stays in cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.windows import Axis, axes

Array = NDArray[Any]

# Multiply-adds that one thread does in a microsecond, for the choice of threads; bytes worked on at a time.
RATE = 1.5e3
CHUNK = 1_500_000


class DepthwiseCache(NamedTuple):
    """What :func:`depthwise_backward` needs: x and w with one filter a channel, and how it was laid out."""

    x: Array
    w: Array
    spatial: tuple[Axis, ...]
    multiplier: int
    shape: tuple[int, ...]


def depthwise_forward(
    x: Array, w: Array, strides: tuple[int, ...], padding: str, dilation: tuple[int, ...]
) -> tuple[Array, DepthwiseCache]:
    """Return ``y[n, o, c*M + m] = sum over t of x[n, o*s - before + t*d, c] * w[t, c, m]``.

    Args:
        x: (N, sizes..., C), of one or two spatial axes.
        w: (kernel sizes..., C, M).
        strides, dilation: one number for each spatial axis.
        padding: "valid", "same", or "causal" along one axis.

    Returns:
        y (N, output sizes..., C * M) and the cache.
    """
    dtype = np.result_type(x, w).newbyteorder("=")
    spatial = axes(padding, x.shape[1:-1], w.shape[:-2], strides, dilation)
    multiplier, shape = w.shape[-1], x.shape
    x = np.ascontiguousarray(np.repeat(x, multiplier, axis=-1) if multiplier > 1 else x, dtype)
    w = np.ascontiguousarray(w.reshape(*w.shape[:-2], -1), dtype)
    outputs = tuple(one.out for one in spatial)
    if x.ndim == 3:  # a sequence is an image of one row
        x, w, spatial = x[:, None], w[None], (Axis(1, 1, 1, 1, 0, 0, 1), *spatial)
    cache = DepthwiseCache(x, w, spatial, multiplier, shape)
    y = memory.empty((len(x), *(one.out for one in spatial), x.shape[-1]), dtype)
    rows = y.reshape(len(x), spatial[0].out, spatial[1].out * x.shape[-1])
    filters = _along_rows(w, spatial)

    def task(start: int, stop: int) -> None:
        how = _Padded(cache, stop - start)
        product_ = np.empty((how.images, *rows.shape[1:]), dtype)
        for part in how.parts(start, stop):
            how.look(x[part])
            out, count = rows[part], part.stop - part.start
            for number, (index, taken) in enumerate(how.taps(count)):
                if number == 0:
                    np.multiply(taken, filters[index], out=out)
                else:
                    np.multiply(taken, filters[index], out=product_[:count])
                    out += product_[:count]

    parallel.run(task, len(x), y.size * w[..., 0].size / RATE)
    return y.reshape(len(x), *outputs, x.shape[-1]), cache


def depthwise_backward(
    dy: Array, cache: DepthwiseCache, input_grad: bool = True, weight_grad: bool = True
) -> tuple[Array | None, Array | None]:
    """Return dx and dw: each tap gives ``dy * w[t]`` back to its inputs, and ``dw[t] = sum of x * dy`` over them."""
    x, w, spatial, multiplier, shape = cache
    dtype, channels = x.dtype, x.shape[-1]
    rows = np.ascontiguousarray(dy, dtype).reshape(len(x), spatial[0].out, spatial[1].out * channels)
    filters = _along_rows(w, spatial)
    dx = memory.empty(x.shape, dtype) if input_grad else None

    def task(start: int, stop: int) -> Array:
        how = _Padded(cache, stop - start)
        back = np.empty_like(how.scratch) if input_grad else None
        product_ = np.empty((how.images, *rows.shape[1:]), dtype)
        total = np.zeros((*w.shape[:2], rows.shape[2]), dtype)
        for part in how.parts(start, stop):
            count, given = part.stop - part.start, rows[part]
            if weight_grad:
                how.look(x[part])
                for index, taken in how.taps(count):
                    total[index] += np.einsum("nhk,nhk->k", taken, given)
            if back is not None and dx is not None:
                back[:count] = 0
                for index, place in how.places(back, count):
                    np.multiply(given, filters[index], out=product_[:count])
                    place += product_[:count].reshape(place.shape)
                dx[part] = how.inside(back[:count])
        return total

    totals = parallel.run(task, len(x), 2 * rows.size * w[..., 0].size / RATE)
    dw = sum(totals[1:], totals[0]).reshape(*w.shape[:2], -1, channels).sum(axis=2) if weight_grad else None
    kernel = w.shape[:2] if len(shape) == 4 else w.shape[1:2]
    if dx is not None and multiplier > 1:
        dx = dx.reshape(*dx.shape[:-1], channels // multiplier, multiplier).sum(axis=-1)
    return (
        None if dx is None else dx.reshape(shape),
        None if dw is None else dw.reshape(*kernel, -1, multiplier),
    )


def _along_rows(w: Array, spatial: tuple[Axis, ...]) -> Array:
    """The filters repeated for every pixel of a row: (kh, kw, output width * C)."""
    return np.tile(w, (1, 1, spatial[1].out))


class _Padded:
    """A thread's copy of a few images with zeros around them, and the taps' views of it."""

    def __init__(self, cache: DepthwiseCache, images: int) -> None:
        self.spatial, self.channels = cache.spatial, cache.x.shape[-1]
        self.sizes = tuple(one.before + one.size + one.after for one in self.spatial)
        each = math.prod(self.sizes) * self.channels * cache.x.dtype.itemsize
        self.images = max(1, min(max(1, images), CHUNK // max(1, 3 * each)))
        self.scratch = np.zeros((self.images, *self.sizes, self.channels), cache.x.dtype)

    def parts(self, start: int, stop: int) -> Iterator[slice]:
        """Yield the images that are worked on at a time."""
        for first in range(start, stop, self.images):
            yield slice(first, min(stop, first + self.images))

    def inside(self, padded: Array) -> Array:
        """Return the pixels without the zeros around them."""
        h, w = self.spatial
        return padded[:, h.before : h.before + h.size, w.before : w.before + w.size]

    def look(self, x: Array) -> None:
        """Take a few images in."""
        self.inside(self.scratch)[: len(x)] = x

    def places(self, padded: Array, count: int) -> Iterator[tuple[tuple[int, int], Array]]:
        """Yield each tap with the pixels it covers, (n, rows, width, C), or as runs (n, rows, width * C)."""
        h, w = self.spatial
        for i, j in product(range(h.kernel), range(w.kernel)):
            rows = slice(i * h.dilation, i * h.dilation + (h.out - 1) * h.stride + 1, h.stride)
            first = j * w.dilation
            if w.stride == 1:
                flat = padded.reshape(len(padded), padded.shape[1], padded.shape[2] * self.channels)
                yield (i, j), flat[:count, rows, first * self.channels : (first + w.out) * self.channels]
            else:
                yield (i, j), padded[:count, rows, first : first + (w.out - 1) * w.stride + 1 : w.stride]

    def taps(self, count: int) -> Iterator[tuple[tuple[int, int], Array]]:
        """Yield each tap with its pixels as runs (n, rows, width * C)."""
        for index, place in self.places(self.scratch, count):
            yield index, place if place.ndim == 3 else place.reshape(count, place.shape[1], -1)
