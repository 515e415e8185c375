"""Convolution with few filters: products of single pixels with all taps, then a sum of shifted maps.

``y[n, o, f] = sum over t of m[t, f, n, o*s - before + t*d]`` with the maps ``m[t, f, n, i] = sum over c of
x[n, i, c] * w[t, c, f]``. The direct sum copies as many numbers as taps times channels for each pixel; here it is read
once, and as many are added as taps times filters. So the last layer of a net that makes images, of one filter or three,
takes half of the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.windows import Axis

Array = NDArray[Any]

# Bytes of the maps of the images that are worked on at a time.
CHUNK = 1_000_000
# How many times as many channels as filters there must be.
MORE_CHANNELS = 16


class Maps:
    """How one convolution is done by maps, of x (n, sizes..., C) and w (taps..., C, F). Holds no data."""

    def __init__(self, spatial: tuple[Axis, ...], filters: int, dtype: Any, chunk: int) -> None:
        self.sizes, self.out = (tuple(sizes) for sizes in zip(*((one.size, one.out) for one in spatial), strict=True))
        self.kernel, self.filters, self.dtype = tuple(one.kernel for one in spatial), filters, np.dtype(dtype)
        self.rows = math.prod(self.kernel) * filters
        self.images = max(1, chunk // max(1, self.rows * math.prod(self.sizes) * self.dtype.itemsize))
        # For each tap which windows have it inside, and what they find there, of all maps.
        self.shifts: list[tuple[Any, Any]] = []
        for tap in product(*map(range, self.kernel)):
            windows, pixels = zip(*(one.tap(t) for one, t in zip(spatial, tap, strict=True)), strict=True)
            self.shifts.append(((..., *windows), (*tap, ..., *pixels)))

    def transformed(self, w: Array) -> Array:
        """Return the kernel w (taps..., C, F) as the products take it, (taps * F, C)."""
        return np.ascontiguousarray(w.reshape(-1, *w.shape[-2:]).swapaxes(1, 2)).reshape(self.rows, -1)

    def forward(self, images: slice, x: Array, u: Array, y: Array, finish: Callable[[slice], None]) -> None:
        """Write y of some images, without the bias; see :meth:`nnlite.kernels.conv_winograd.Winograd.forward`.

        Args:
            images: which.
            x, y: of all images, y C-contiguous.
            u: from :meth:`transformed`.
            finish: called with the images whose y stands, while it is in cache.
        """
        step = min(self.images, images.stop - images.start)
        pixels = math.prod(self.sizes)
        room = memory.empty((self.rows, step * pixels), self.dtype)
        sums = None if self.filters == 1 else memory.empty((self.filters, step, *self.out), self.dtype)
        for first in range(images.start, images.stop, step):
            part = slice(first, min(images.stop, first + step))
            n = part.stop - first
            maps = room[:, : n * pixels]
            np.matmul(u, x[part].reshape(n * pixels, -1).T, out=maps)
            maps = maps.reshape(*self.kernel, self.filters, n, *self.sizes)
            total = y[part].reshape(1, n, *self.out) if sums is None else sums[:, :n]
            total.fill(0)
            for windows, places in self.shifts:
                into = total[windows]
                into += maps[places]
            if sums is not None:
                y[part] = np.moveaxis(total, 0, -1)
            finish(part)


def maps_of_convolution(images: int, w: Array, spatial: tuple[Axis, ...]) -> Maps | None:
    """Return how a convolution of one group with w (taps..., C, F) is done by maps, where that is the fastest way."""
    *kernel, channels, filters = w.shape
    strides = math.prod(one.stride for one in spatial)
    few = filters > 0 and math.prod(kernel) > 1 and channels >= MORE_CHANNELS * filters * strides
    return _maps(spatial, filters, w.dtype, CHUNK) if few and images >= parallel.threads() else None


_maps = lru_cache(maxsize=1024)(Maps)  # a net asks for the same ones at each step
