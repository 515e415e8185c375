"""Convolution as one matrix product over copied windows: any stride, dilation, padding and groups."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.windows import Axis, count, taps

Array = NDArray[Any]

# Bytes of copied windows worked on at a time: they stay in the cache of one core.
CHUNK = 1 << 20


class Columns:
    """The windows of a few images at a time as the rows of a matrix, one matrix a group."""

    def __init__(
        self, spatial: tuple[Axis, ...], channels: int, filters: int, groups: int, dtype: np.dtype[Any]
    ) -> None:
        self.spatial, self.groups, self.dtype = spatial, groups, dtype
        self.channels, self.filters = channels // groups, filters // groups
        self.taps = math.prod(one.kernel for one in spatial)
        self.windows = count(spatial)
        size = self.windows * self.taps * channels * dtype.itemsize
        self.images = max(1, CHUNK // max(1, size))

    def scratch(self, images: int) -> Array:
        """Return the buffer for a chunk; its zeros stand where windows reach outside the images."""
        shape = (self.groups, min(images, self.images), *(one.out for one in self.spatial), self.taps, self.channels)
        return np.zeros(shape, self.dtype)

    def matrix(self, w: Array) -> Array:
        """Return w (taps..., C / G, F) as (G, taps * C / G, F / G)."""
        return np.ascontiguousarray(w.reshape(-1, self.groups, self.filters).swapaxes(0, 1))

    def kernel(self, matrix: Array, shape: tuple[int, ...]) -> Array:
        """Return the inverse of :meth:`matrix`."""
        return np.ascontiguousarray(matrix.swapaxes(0, 1)).reshape(shape)

    def gather(self, x: Array, scratch: Array) -> Array:
        """Copy the windows of x; returns (G, windows, taps * C / G)."""
        columns = scratch[:, : len(x)]
        grouped = x.reshape(*x.shape[:-1], self.groups, self.channels)
        for t, (_, windows, inputs) in enumerate(taps(self.spatial)):
            columns[(slice(None), *windows, t)] = np.moveaxis(grouped[inputs], -2, 0)
        return columns.reshape(self.groups, len(x) * self.windows, self.taps * self.channels)

    def _by_group(self, y: Array) -> Array:
        """View y (n, windows..., F) as (G, n * windows, F / G)."""
        return y.reshape(-1, self.groups, self.filters).swapaxes(0, 1)

    def correlate(self, x: Array, matrix: Array, y: Array, scratch: Array) -> None:
        """Write the correlation of x (n, ..., C) with the kernel into y (n, windows..., F)."""
        np.matmul(self.gather(x, scratch), matrix, out=self._by_group(y))

    def kernel_gradient(self, x: Array, dz: Array, scratch: Array) -> Array:
        """Return the gradient of the kernel matrix, (G, taps * C / G, F / G)."""
        return np.matmul(self.gather(x, scratch).swapaxes(1, 2), self._by_group(dz))

    def input_gradient(self, dz: Array, matrix: Array, dx: Array, scratch: Array) -> None:
        """Write the gradient of x into dx (n, ..., C): every tap gives its part of dz back."""
        columns = np.matmul(self._by_group(dz), matrix.swapaxes(1, 2))
        columns = columns.reshape(self.groups, len(dx), *(one.out for one in self.spatial), self.taps, self.channels)
        dx.fill(0)
        grouped = dx.reshape(*dx.shape[:-1], self.groups, self.channels)
        for t, (_, windows, inputs) in enumerate(taps(self.spatial)):
            grouped[inputs] += np.moveaxis(columns[(slice(None), *windows, t)], 0, -2)
