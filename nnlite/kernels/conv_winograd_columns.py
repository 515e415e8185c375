"""Convolution with kernels of 3 x 3 by Winograd's algorithm down the columns of an image only, F(4, 3) of one axis.

Half of the multiplications of the direct sum where :mod:`nnlite.kernels.conv_winograd` needs a quarter, but transforms
of one axis are a fifth of the work of those of two: with few channels, where transforms are what takes the time, this
is the faster one. Its rounding error is smaller, too.

Four rows of outputs are made of six rows of inputs: ``y = A [(G g) * (B d)]`` (see there), with whole rows of pixels in
the places of numbers. Each of the six transformed rows is then convolved with three taps *along* the row, as a matrix
product over windows of three pixels. No window is copied: those that begin at every third pixel, from pixel 0, 1 or 2
on, are the pixels themselves, seen as rows of 3 * C numbers. Rows follow each other without a gap, so two windows at
each end reach into the next row; what they give is left out.

The gradient of the inputs is the same thing over dz with the flipped kernel, and the kernel's gradient needs the same
windows of dz: its products are of these with x, transformed as an output is: ``du = (A' x)' (B dz)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite import config
from nnlite.kernels import memory, parallel
from nnlite.kernels.channels import column_sums
from nnlite.kernels.conv_winograd import BIGGEST, OUT, SIDE, TAPS, Winograd, matrices
from nnlite.kernels.windows import Axis, clear_around, pairs, strided

Array = NDArray[Any]

# Bytes of the transformed rows of the images that are worked on at a time.
CHUNK = 850_000
# In multiply-adds: what it takes to transform a channel of one place of a column of tiles, there and back, and to
# transform the kernel; in the direct sum, to copy one number of a window.
TRANSFORMS, KERNEL, COPIES = 260, 50, 20
# Share of the direct sum's time below which Winograd's algorithm is chosen.
WORTHWHILE = 0.9


def transformed(w: Array) -> Array:
    """Return the kernel w (3, 3, C, F) as the products of windows take it: G w, (6, 3 * C, F)."""
    g = matrices(w.dtype)[2]
    u: Array = np.matmul(g, w.reshape(TAPS, -1)).reshape(SIDE, -1, w.shape[-1])
    return u


class WinogradColumns:
    """How one convolution is done down its columns. Holds no data.

    ``images`` images are worked on at a time; ``BACK`` as for :class:`Winograd`.
    """

    BACK = 2.0

    def __init__(self, spatial: tuple[Axis, ...], channels: int, filters: int, dtype: Any) -> None:
        self.spatial, self.channels, self.filters, self.dtype = spatial, channels, filters, np.dtype(dtype)
        height, width = spatial
        self.out = (height.out, width.out)
        self.sizes = (height.size, width.size)
        self.tiles = -(-height.out // OUT)  # in a column
        self.padded = (OUT * self.tiles + TAPS - 1, width.out + TAPS - 1)
        self.inside = tuple(slice(one.before, one.before + one.size) for one in spatial)
        self.bytes = SIDE * self.tiles * self.padded[1] * max(channels, filters) * self.dtype.itemsize
        self.images = max(1, CHUNK // self.bytes)

    def work(self, images: int) -> float:
        """Return the time for one of so many images, in multiply-adds, a third of that of a training step."""
        pairs, both = self.channels * self.filters, self.channels + self.filters
        back = self.mirrored  # without padding this is the larger one, and done for both gradients
        columns = (self.tiles * self.padded[1] + 2 * back.tiles * back.padded[1]) / 3
        return columns * (SIDE * TAPS * pairs + TRANSFORMS * both) + KERNEL * pairs / max(1, images)

    @cached_property
    def mirrored(self) -> WinogradColumns:
        """The convolution of dz that gives the gradient of the inputs."""
        height, width = self.spatial
        return WinogradColumns((height.mirrored(), width.mirrored()), self.filters, self.channels, self.dtype)

    def transformed(self, w: Array) -> Array:
        """Return what :meth:`forward` takes of the kernel w (3, 3, C, F)."""
        return transformed(w)

    def transformed_back(self, w: Array, u: Array) -> Array:
        """Return what :meth:`backward` takes of the kernel w, of which u is the transformed one."""
        return transformed(np.ascontiguousarray(w[::-1, ::-1].swapaxes(2, 3)))

    def kernel_gradient(self, du: Array) -> Array:
        """Return dw (3, 3, C, F), given the sum of what :meth:`backward` returns."""
        g, sums = matrices(du.dtype)[2], np.add.reduce(du, axis=1)
        flipped = np.matmul(g.T, sums.reshape(SIDE, -1)).reshape(TAPS, self.channels, TAPS, self.filters)
        return np.ascontiguousarray(flipped[::-1, :, ::-1].swapaxes(1, 2))

    def forward(
        self, images: slice, x: Array, u: Array, y: Array, finish: Callable[[slice], None], pool: bool = False
    ) -> None:
        """As :meth:`Winograd.forward`."""
        rows = _Rows(self, images.stop - images.start)
        whole = memory.empty((rows.images, *self.out, self.filters), self.dtype) if pool else None
        for part in self._parts(images):
            n = part.stop - part.start
            into = y[part] if whole is None else whole[:n]
            rows.correlate(rows.windows_of(x[part]), u, into)
            if whole is not None:
                pairs(pairs(into, 1), 2, y[part])
            finish(part)

    def backward(
        self,
        images: slice,
        x: Array,
        u: Array,
        dx: Array | None,
        find_dz: Callable[[slice, Array | None], Array],
        use_bias: bool = True,
    ) -> tuple[Array, Array]:
        """Write dx; return what :meth:`kernel_gradient` takes, (6, 3, C, 3 * F), and the gradient of the bias, (F,).

        The arguments are those of :meth:`Winograd.backward`, but u, which is from :meth:`transformed_back`.
        """
        back = self.mirrored
        rows = _Rows(back, images.stop - images.start)
        parts, shape = back._parts(images), (SIDE, TAPS, self.channels, TAPS * self.filters)
        sums = [memory.empty(shape, self.dtype) for _ in parts[:2]]  # of all parts, and of one more
        db = np.zeros(self.filters, self.dtype)
        for number, part in enumerate(parts):
            dz = find_dz(part, rows.padded_inside(part.stop - part.start))
            windows = rows.windows_of(dz)
            if use_bias:
                db += column_sums(rows.contiguous(dz).reshape(-1, self.filters))
            if dx is not None:
                rows.correlate(windows, u, dx[part])
            np.matmul(rows.spread(x[part]).swapaxes(2, 3), windows, out=sums[min(number, 1)])
            if number:
                sums[0] += sums[1]
        return sums[0], db

    def _parts(self, images: slice) -> list[slice]:
        starts = range(images.start, images.stop, self.images)
        return [slice(start, min(images.stop, start + self.images)) for start in starts]


class _Inputs(NamedTuple):
    """Views of the memory for the inputs of so many images.

    ``inside``: what is no padding of the padded images; ``given``: these as rows of tiles, (n, tiles, 6, run); both are
    None without padding. ``into``: the transformed rows in that order; ``windows``: as windows, (6, 3, count, 3 * C);
    ``rest``: what lies behind the last row.
    """

    inside: Array | None
    given: Array | None
    into: Array
    windows: Array
    rest: Array


class _Outputs(NamedTuple):
    """Views of the memory for the outputs of so many images.

    ``by_start``: (6, 3, windows, F); ``used``: what of it gives outputs, for each of :meth:`_Rows._heights`; ``beyond``
    and ``rest``: what does not, in each row and behind the last.
    """

    by_start: Array
    used: list[Array]
    beyond: Array
    rest: Array


class _Rows:
    """One thread's memory for a :class:`WinogradColumns`, and the work on one chunk.

    Transformed rows of n images are 6 arrays of pixels, ``(n, tiles, padded width)`` each and a few more at the end.
    Views of them are made once for each number of images, as making them takes longer than some of the work.
    """

    def __init__(self, how: WinogradColumns, images: int) -> None:
        self.how, self.images = how, min(images, how.images)
        self.a, self.b, _ = matrices(how.dtype)
        self.padded: Array | None = None
        if how.padded != how.sizes:
            self.padded = memory.empty((self.images, *how.padded, how.channels), how.dtype)
            clear_around(self.padded, how.inside)
        self.inputs = self._flat(TAPS * self._windows(self.images) + TAPS - 1, how.channels)
        self.products: Array | None = None
        self.outputs: Array | None = None
        self.heights = self._heights()
        self.filled_for = self.spread_for = 0
        self._inputs: dict[int, _Inputs] = {}
        self._products: dict[int, _Outputs] = {}
        self._outputs: dict[int, _Outputs] = {}

    def _flat(self, pixels: int, channels: int) -> Array:
        return memory.empty((SIDE * pixels * channels,), self.how.dtype)

    def _windows(self, n: int) -> int:
        """How many windows begin at every third pixel of n images."""
        return -(-n * self.how.tiles * self.how.padded[1] // TAPS)

    def padded_inside(self, n: int) -> Array | None:
        """Return where the input of n images may be made so that it need not be copied."""
        rows, columns = self.how.inside
        return None if self.padded is None else self.padded[:n, rows, columns]

    def contiguous(self, x: Array) -> Array:
        """Return the input that :meth:`windows_of` was just called with, maybe with its padding."""
        return x if self.padded is None or x.flags.c_contiguous else self.padded[: len(x)]

    def windows_of(self, x: Array) -> Array:
        """Return the transformed rows of a few images as windows, (6, 3, n, 3 * C): those from pixel 0, 1 and 2 on."""
        how, n = self.how, len(x)
        views = self._inputs.get(n)
        if views is None:
            views = self._inputs[n] = self._inputs_of(n)
        if views.given is None or views.inside is None:
            given = self._tiled(np.ascontiguousarray(x))
        else:
            given = views.given
            if not np.may_share_memory(views.inside, x):
                views.inside[...] = x[:, : how.padded[0], : how.padded[1]]
        np.matmul(self.b, given, out=views.into)
        if self.filled_for != n:
            views.rest[...] = 0  # never used, but multiplied: they must be finite
            self.filled_for = n
        return views.windows

    def _inputs_of(self, n: int) -> _Inputs:
        count, c = self._windows(n), self.how.channels
        place, run = (TAPS * count + TAPS - 1) * c, self.how.padded[1] * c
        rows = self.inputs[: SIDE * place].reshape(SIDE, place)
        step = rows.itemsize
        windows = strided(rows, (SIDE, TAPS, count, TAPS * c), (place * step, c * step, TAPS * c * step, step))
        given = None if self.padded is None else self._tiled(self.padded[:n])
        rest = rows[:, n * self.how.tiles * run :]
        return _Inputs(self.padded_inside(n), given, self._by_tile(rows, n, run), windows, rest)

    def _tiled(self, x: Array) -> Array:
        """View padded images as the rows of their tiles, (n, tiles, 6, run)."""
        image, row, _, step = x.strides
        run = self.how.padded[1] * self.how.channels
        return strided(x, (len(x), self.how.tiles, SIDE, run), (image, OUT * row, row, step))

    def _by_tile(self, rows: Array, n: int, run: int) -> Array:
        """View the first numbers of 6 rows as (n, tiles, 6, run)."""
        tiles = self.how.tiles
        view: Array = rows[:, : n * tiles * run].reshape(SIDE, n, tiles, run).transpose(1, 2, 0, 3)
        return view

    def correlate(self, windows: Array, u: Array, y: Array) -> None:
        """Write what the products of windows with a kernel, (6, 3 * C, F), give into y (n, H', W', F), C-contiguous."""
        n = len(y)
        views = self._products.get(n)
        if views is None:
            if self.products is None:
                self.products = self._flat(TAPS * self._windows(self.images), self.how.filters)
            views = self._products[n] = self._outputs_of(self.products, n)
        np.matmul(windows, u[:, None], out=views.by_start)
        for used, (rows, height) in zip(views.used, self.heights, strict=True):
            np.matmul(self.a[:height], used, out=y[:, rows].reshape(n, -1, height, used.shape[-1]))

    def spread(self, x: Array) -> Array:
        """Return A' x of outputs x (n, H', W', F), as :meth:`correlate` has its products: (6, 3, n, F)."""
        n, x = len(x), np.ascontiguousarray(x)
        views = self._outputs.get(n)
        if views is None:
            if self.outputs is None:
                self.outputs = self._flat(TAPS * self._windows(self.images), self.how.filters)
            views = self._outputs[n] = self._outputs_of(self.outputs, n)
        if self.spread_for != n:  # windows that reach into the next row have no output
            views.beyond[...] = 0
            views.rest[...] = 0
            self.spread_for = n
        for used, (rows, height) in zip(views.used, self.heights, strict=True):
            np.matmul(self.a[:height].T, x[:, rows].reshape(n, -1, height, used.shape[-1]), out=used)
        return views.by_start

    def _outputs_of(self, flat: Array, n: int) -> _Outputs:
        """View memory as what the windows of n images from each of three pixels on give."""
        how, shape = self.how, (SIDE, self._windows(n), TAPS, self.how.filters)
        by_window = flat[: math.prod(shape)].reshape(shape)
        rows, run, width = by_window.reshape(SIDE, -1), how.padded[1] * how.filters, how.out[1] * how.filters
        by_tile = self._by_tile(rows, n, run)
        full = how.out[0] // OUT
        tiles = [slice(0, full), slice(full, full + 1)] if full else [slice(0, 1)]
        used = [by_tile[:, part, :, :width] for part in tiles[: len(self.heights)]]
        return _Outputs(by_window.swapaxes(1, 2), used, by_tile[..., width:], rows[:, n * how.tiles * run :])

    def _heights(self) -> list[tuple[slice, int]]:
        """Of the tiles of four rows, and of the last one that may have fewer: which rows, how many in a tile."""
        full, rest = divmod(self.how.out[0], OUT)
        heights = [(slice(0, OUT * full), OUT)] if full else []
        return [*heights, (slice(OUT * full, None), rest)] if rest else heights


Tiled = Winograd | WinogradColumns


def tiled_convolution(
    images: int, kernel: tuple[int, ...], dtype: Any, spatial: tuple[Axis, ...], groups: int
) -> Tiled | None:
    """Return how Winograd's algorithm does a convolution, with a kernel of a shape and dtype, where it applies and is
    the faster one."""
    if groups > 1 or len(spatial) != 2 or dtype != np.float32 or images < parallel.threads() or not config.winograd():
        return None
    return _faster(images, kernel, dtype, spatial)


@lru_cache(maxsize=1024)
def _faster(images: int, kernel: tuple[int, ...], dtype: Any, spatial: tuple[Axis, ...]) -> Tiled | None:
    """Tiles, columns or neither; remembered, since a net asks again at each step."""
    if any(one.kernel != TAPS or one.stride > 1 or one.dilation > 1 for one in spatial):
        return None
    *_, channels, filters = kernel
    tiles, columns = Winograd(spatial, channels, filters, dtype), WinogradColumns(spatial, channels, filters, dtype)
    fits = [how for how in (tiles, columns) if how.bytes <= BIGGEST]
    if not fits or not images:
        return None
    best: Tiled = min(fits, key=lambda how: how.work(images))
    direct = math.prod(columns.out) * TAPS * TAPS * channels * (filters + COPIES)
    return best if best.work(images) < WORTHWHILE * direct else None
