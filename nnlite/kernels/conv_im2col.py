"""Convolution as matrix products over copied windows ("im2col"), a cache-sized chunk at a time.

The windows of a few images are copied into the rows of a matrix, (windows, taps * C), which is then multiplied by the
kernel, (taps * C, F). A column of ones beside the taps carries the bias, whose gradient then comes with the kernel's.
With few channels the runs of neighbouring values are too short to copy well, so there the matrix is stored
transposed: one plane, a shifted image, for each tap and channel.

The gradient of the inputs (stride 1) is the same thing over dz, mirrored: the correlation with the flipped kernel. For
other strides see :mod:`nnlite.kernels.conv_return`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import gemm, memory
from nnlite.kernels.windows import Axis, clear_around, strided

Array = NDArray[Any]

# Values that lie together in a window; with fewer, planes are copied faster than windows.
SHORT_RUN = 12


class Lowering:
    """How one convolution becomes matrix products: sizes, and how much to do at a time. Holds no data.

    ``images`` images are worked on at a time or, where one is too large for the cache, ``rows`` rows of windows of
    one image.
    """

    def __init__(
        self, spatial: tuple[Axis, ...], channels: int, filters: int, groups: int, bias: bool, dtype: Any, chunk: int
    ) -> None:
        self.spatial, self.groups, self.dtype = spatial, groups, np.dtype(dtype)
        self.channels, self.filters = channels // groups, filters // groups
        self.kernel = tuple(one.kernel for one in spatial)
        self.out = tuple(one.out for one in spatial)
        self.taps = math.prod(self.kernel)
        # Windows of one pixel are the input as it is: nothing to copy, and no place for a column of ones.
        self.pads = any(one.before or one.after for one in spatial)
        self.direct = groups == 1 and self.taps == 1 and all(one.stride == 1 for one in spatial) and not self.pads
        self.bias = bias and not self.direct
        self.inner = self.taps * self.channels + self.bias
        self.padded = tuple(one.before + one.size + one.after for one in spatial)
        last = spatial[-1]
        run = self.channels * (last.kernel if last.dilation == 1 and groups == 1 else 1)
        self.planes = not self.direct and run < SHORT_RUN and last.out > run
        size = math.prod(self.out[1:]) * self.inner * groups * self.dtype.itemsize
        self.rows = self.out[0]
        self.images = max(1, chunk // max(1, size * self.rows))
        if size * self.rows > 2 * chunk:
            self.rows = max(1, chunk // size)

    def matrices(self, w: Array, b: Array | None = None) -> list[Array]:
        """Return the kernel w (taps..., C / G, F), and the bias under it, as the products take it, a matrix a group."""
        w = w.reshape(-1, self.groups, self.filters).swapaxes(0, 1)
        if self.bias:
            assert b is not None
            w = np.concatenate([w, b.reshape(self.groups, 1, self.filters)], axis=1)
        return [gemm.arranged(factor) for factor in w]

    def mirrored_matrices(self, w: Array) -> list[Array]:
        """Return the kernel w of the forward pass, flipped and transposed, as the mirrored products take it."""
        flipped = np.flip(w, tuple(range(len(self.kernel))))
        flipped = flipped.reshape(self.taps, self.filters, self.groups, self.channels)
        return self.matrices(flipped.transpose(0, 3, 2, 1).reshape(self.taps, self.channels, -1))

    def gradients(self, dmatrix: Array, shape: tuple[int, ...]) -> tuple[Array, Array | None]:
        """Return dw and db out of the gradient of the matrices, (G, taps * C / G + 1, F / G)."""
        dw = np.ascontiguousarray(dmatrix[:, : self.taps * self.channels].swapaxes(0, 1)).reshape(shape)
        return dw, dmatrix[:, -1].reshape(-1).copy() if self.bias else None

    def mirrored_gradient(self, dmatrix: Array, shape: tuple[int, ...]) -> Array:
        """Return dw out of the gradient that :class:`Windows` gives of the mirrored matrices."""
        dw = dmatrix.reshape(self.groups, self.taps, self.channels, self.filters)[:, ::-1]
        return np.ascontiguousarray(dw.transpose(1, 3, 0, 2)).reshape(shape)


@lru_cache(maxsize=1024)
def lowering(
    spatial: tuple[Axis, ...], channels: int, filters: int, groups: int, bias: bool, dtype: Any, chunk: int
) -> Lowering:
    """Return the :class:`Lowering`, remembered, since a net asks for it at each step."""
    return Lowering(spatial, channels, filters, groups, bias, dtype, chunk)


class Windows:
    """One thread's buffers for a :class:`Lowering`, and the work on one chunk."""

    def __init__(self, how: Lowering, images: int) -> None:
        self.how = how
        self._total: Array | None = None
        self._part: Array | None = None
        self.scratch: Array | None = None
        self.inside: Array | None = None
        if how.direct:
            return
        images = min(images, how.images)
        outside = (how.rows, *how.out[1:])
        if how.planes:
            self.buffer = memory.empty((images, how.groups, how.inner, *outside), how.dtype)
            ones = self.buffer[:, :, -1]
        else:
            self.buffer = memory.empty((how.groups, images, *outside, how.inner), how.dtype)
            ones = self.buffer[..., -1]
        if how.bias:
            ones[...] = 1
        if how.pads:
            self.scratch = memory.empty((images, *how.padded, how.groups * how.channels), how.dtype)
            inside = [slice(one.before, one.before + one.size) for one in how.spatial]
            clear_around(self.scratch, inside)
            where = (slice(None), *inside)
            self.inside = self.scratch[where]

    def look(self, x: Array) -> Array:
        """Return the view of the windows of a few images x (n, ..., C): (n, windows..., kernel..., C); where
        windows are of one pixel, x itself."""
        if self.how.direct:
            return x
        if self.scratch is not None and self.inside is not None:
            inside = self.inside[: len(x)]
            if not np.may_share_memory(inside, x):  # dz is sometimes made here
                inside[...] = x
            x = self.scratch[: len(x)]
        x = np.ascontiguousarray(x)
        steps, spatial = x.strides, self.how.spatial
        strides = (
            steps[0],
            *(step * one.stride for step, one in zip(steps[1:-1], spatial, strict=True)),
            *(step * one.dilation for step, one in zip(steps[1:-1], spatial, strict=True)),
            steps[-1],
        )
        return strided(x, (len(x), *self.how.out, *self.how.kernel, x.shape[-1]), strides)

    def gather(self, view: Array) -> Array:
        """Copy windows into matrices (1, G, all windows, taps * C / G + bias) or, of planes, (n, G, windows, ...)."""
        how, rank = self.how, len(self.how.spatial)
        n, outside = len(view), view.shape[1 : 1 + rank]
        inner = how.taps * how.channels
        if how.direct:
            return view.reshape(1, 1, -1, inner)
        source = view.reshape(*view.shape[:-1], how.groups, how.channels)
        matrices: Array
        if how.planes:
            planes = self.buffer[:n, :, :, : outside[0]]
            target = planes[:, :, :inner].reshape(n, how.groups, *how.kernel, how.channels, *outside)
            order = (0, 1 + 2 * rank, *range(1 + rank, 1 + 2 * rank), 2 + 2 * rank, *range(1, 1 + rank))
            np.copyto(target, source.transpose(order))
            matrices = planes.reshape(n, how.groups, how.inner, -1).swapaxes(2, 3)
        else:
            columns = self.buffer[:, :n, : outside[0]]
            target = columns[..., :inner].reshape(how.groups, *view.shape[:-1], how.channels)
            first = source.ndim - 2
            np.copyto(target, source.transpose(first, *range(first), first + 1))
            matrices = columns.reshape(1, how.groups, n * math.prod(outside), how.inner)
        return matrices

    def correlate(self, matrices: Array, kernel: Sequence[Array], y: Array) -> None:
        """Write the products of gathered windows with the kernel's matrices into y (n, windows..., F)."""
        results = self._apart(y, len(matrices))
        together = len(matrices) * len(kernel) > 1 and kernel[0].ndim == 2
        if together and gemm.blocks(*matrices.shape[2:], self.how.filters) is None:
            np.matmul(matrices, np.stack(kernel), out=results)
            return
        for rows, result in zip(matrices, results, strict=True):
            for group, factor in enumerate(kernel):
                gemm.matmul(rows[group], factor, result[group])

    def gradient(self, matrices: Array, dz: Array) -> None:
        """Add the gradient of the kernel's matrices, windows.T @ dz, to ``total``."""
        left, given = matrices.swapaxes(2, 3), self._apart(dz, len(matrices))
        if len(matrices) * self.how.groups > 1 and gemm.blocks(*left.shape[2:], self.how.filters) is None:
            more = np.add.reduce(np.matmul(left, given), axis=0)
            self._total = more if self._total is None else np.add(self._total, more, out=self._total)
            return
        for image in range(len(matrices)):
            first, into = self._total is None, self._part
            if into is None:  # the first time for the total, the second time for all that is added to it
                into = memory.empty((self.how.groups, self.how.inner, self.how.filters), self.how.dtype)
            for group, result in enumerate(into):
                gemm.matmul(left[image, group], given[image, group], result)
            self._total, self._part = (into, None) if first else (np.add(self.total, into, out=self.total), into)

    @property
    def total(self) -> Array:
        """What :meth:`gradient` has added up, (G, taps * C / G + bias, F / G)."""
        if self._total is None:
            self._total = np.zeros((self.how.groups, self.how.inner, self.how.filters), self.how.dtype)
        return self._total

    def _apart(self, y: Array, parts: int = 1) -> Array:
        """View y (n, windows..., F) as (parts, G, n * windows / parts, F / G)."""
        windows = y.size // max(1, parts * y.shape[-1])
        apart: Array = y.reshape(parts, windows, self.how.groups, self.how.filters).swapaxes(1, 2)
        return apart
