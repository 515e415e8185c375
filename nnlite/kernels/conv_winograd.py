"""Convolution with kernels of 3 x 3 by Winograd's algorithm F(4x4, 3x3): a quarter of the multiplications.

Along one axis, 4 outputs of 3 taps over 6 inputs d are those of a product of polynomials, found from its values at 5
points and at infinity: ``y = A [(G g) * (B d)]`` with 6 multiplications instead of 12. Over two axes the matrices act
on both: a tile of 6 x 6 inputs gives 4 x 4 outputs with 36 multiplications instead of 144. Added up over channels,
each of the 36 places is a matrix product over all tiles, and the transforms are small products themselves.

The points need not be integers here; 0, +-0.7 and +-1.4 have a quarter of the rounding error of 0, +-1, +-2. In
float32 the largest error is about 1e-6 of the largest output, the mean error 2.4 times that of the direct sum. An inf
or NaN in the inputs reaches all outputs of its tiles, up to five pixels away.

Winograd, "Arithmetic complexity of computations", 1980; Lavin and Gray, "Fast algorithms for convolutional neural
networks", 2016.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory
from nnlite.kernels.channels import column_sums
from nnlite.kernels.windows import Axis, clear_around, pairs, strided

Array = NDArray[Any]

POINTS = (0.0, 0.7, -0.7, 1.4, -1.4)
TAPS, OUT = 3, 4
SIDE = OUT + TAPS - 1  # of a tile of inputs
# Bytes of each of the two (forward) or three buffers that a chunk of images is worked on in. Smaller ones leave the
# threads waiting for the interpreter lock, larger ones leave the cache: then one image must not be larger than BIGGEST.
CHUNK, BIGGEST = 2_000_000, 3_000_000
# Multiply-adds that take the time of transforming one channel's tile there and back; of transforming the kernel.
TRANSFORMS, KERNEL = 2000, 400


@lru_cache(maxsize=8)
def matrices(dtype: Any) -> tuple[Array, Array, Array]:
    """Return A (4, 6), B (6, 6) and G (6, 3) of ``y = A [(G g) * (B d)]``, y[i] = sum over t of g[t] d[i + t].

    >>> a, b, g = matrices("float64")
    >>> d, kernel = np.arange(6.0), np.array([1.0, 10.0, 100.0])
    >>> np.round(a @ ((g @ kernel) * (b @ d)), 9).tolist()
    [210.0, 321.0, 432.0, 543.0]
    """
    a, b, g = np.zeros((OUT, SIDE)), np.zeros((SIDE, SIDE)), np.zeros((SIDE, TAPS))
    for j, point in enumerate(POINTS):
        others = [other for other in POINTS if other != point]
        a[:, j] = [point**i for i in range(OUT)]
        b[j, : SIDE - 1] = np.poly(others)[::-1]
        g[j] = np.array([point**t for t in range(TAPS)]) / math.prod(point - other for other in others)
    a[-1, -1] = g[-1, -1] = 1
    b[-1] = np.poly(POINTS)[::-1]
    return a.astype(dtype), b.astype(dtype), g.astype(dtype)


@lru_cache(maxsize=8)
def kernel_matrix(dtype: Any) -> Array:
    """Return what makes G w G', (36,), of w, (9,): a kernel is small, so that one product takes less time than two."""
    g = matrices(np.float64)[2]
    both: Array = np.kron(g, g).astype(dtype)
    return both


def transformed(w: Array) -> Array:
    """Return the kernel w (3, 3, C, F) as the tiles' products take it: G w G', (6, 6, C, F)."""
    both = kernel_matrix(w.dtype)
    u: Array = np.matmul(both, w.reshape(TAPS * TAPS, -1), out=memory.empty((len(both), w[0, 0].size), w.dtype))
    return u.reshape(SIDE, SIDE, *w.shape[2:])


def kernel_gradient(du: Array) -> Array:
    """Return dw (3, 3, C, F), given the gradient of the transformed kernel: G' du G."""
    dw: Array = np.matmul(kernel_matrix(du.dtype).T, du.reshape(SIDE * SIDE, -1))
    return dw.reshape(TAPS, TAPS, *du.shape[2:])


class Winograd:
    """How one convolution is cut into tiles. Holds no data.

    ``images`` images are worked on at a time. ``BACK`` is how many times the work of the forward pass the backward pass
    counts for the choice of threads: it is more, but a good part of it is the same for any number of images, as it is
    over the kernel's 36 places, and each thread would have to do that.
    """

    BACK = 1.0

    def __init__(self, spatial: tuple[Axis, ...], channels: int, filters: int, dtype: Any) -> None:
        self.channels, self.filters, self.dtype = channels, filters, np.dtype(dtype)
        self.out = tuple(one.out for one in spatial)
        self.tiles = tuple(-(-out // OUT) for out in self.out)
        self.whole = tuple(OUT * tiles for tiles in self.tiles)  # outputs of all tiles, a few too many at the end
        self.padded = tuple(whole + TAPS - 1 for whole in self.whole)
        self.sizes = tuple(one.size for one in spatial)
        self.inside = tuple(slice(one.before, one.before + one.size) for one in spatial)
        self.places = SIDE * SIDE * math.prod(self.tiles) * max(channels, filters)
        self.bytes = self.places * self.dtype.itemsize
        self.images = max(1, CHUNK // self.bytes)

    def transformed(self, w: Array) -> Array:
        """Return what :meth:`forward` takes of the kernel w (3, 3, C, F)."""
        return transformed(w)

    def transformed_back(self, w: Array, u: Array) -> Array:
        """Return what :meth:`backward` takes of the kernel w, of which u is the transformed one."""
        return u

    def kernel_gradient(self, du: Array) -> Array:
        """Return dw (3, 3, C, F), given the sum of what :meth:`backward` returns."""
        return kernel_gradient(du)

    def work(self, images: int) -> float:
        """Return the time for one of so many images, in multiply-adds."""
        pairs, both = self.channels * self.filters, self.channels + self.filters
        return math.prod(self.tiles) * (SIDE * SIDE * pairs + TRANSFORMS * both) + KERNEL * pairs / max(1, images)

    def forward(
        self, images: slice, x: Array, u: Array, y: Array, finish: Callable[[slice], None], pool: bool = False
    ) -> None:
        """Write the convolution of x (N, H, W, C) with a transformed kernel into y; call ``finish`` for parts of it.

        Args:
            images: which of the images to do.
            x, y: all images.
            u: from :func:`transformed`.
            finish: works on the images of a slice, in place.
            pool: whether y is (N, H' // 2, W' // 2, F), of the largest products of windows of 2 x 2.
        """
        a, b, _ = matrices(self.dtype)
        buffers = _Buffers(self, images.stop - images.start, 2)
        for part in self._parts(images):
            tiles = self._tiles_of(x[part], b, buffers)
            n = len(x[part])
            products = buffers.tiles(1, n, SIDE, self.filters)
            _multiply(tiles, u, products)
            results = buffers.tiles(1, n, OUT, self.filters)
            _both_sides(a, products, buffers.tiles(0, n, OUT, self.filters, SIDE), results)
            if pool:
                half, quarter = (buffers.tiles(i, n, OUT // 2, self.filters, side) for i, side in ((0, OUT), (1, 2)))
                results = pairs(pairs(results, 0, half), 1, quarter)
            buffers.join(results, y[part])
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
        """Write dx; return the gradients of the transformed kernel, (6, 6, C, F), and of the bias, (F,).

        Args:
            images, x, u: as in forward.
            dx: where the gradient of all images goes, or None.
            find_dz: returns dz of some images, made in the given memory if that is not None.
            use_bias: whether the gradient of the bias is wanted; else it is zeros.
        """
        a, b, _ = matrices(self.dtype)
        buffers = _Buffers(self, images.stop - images.start, 3)
        parts = self._parts(images)
        sums = [memory.empty(u.shape, self.dtype) for _ in parts[:2]]  # of all parts, and of one more
        db = np.zeros(self.filters, self.dtype)
        for number, part in enumerate(parts):
            n = len(x[part])
            given, products = buffers.tiles(1, n, OUT, self.filters), buffers.tiles(1, n, SIDE, self.filters)
            buffers.cut_gradient(find_dz(part, buffers.inside_whole(n)), given)
            if use_bias:
                db += column_sums(given.reshape(-1, self.filters))
            _both_sides(a.T, given, buffers.tiles(2, n, SIDE, self.filters, OUT), products)
            tiles = self._tiles_of(x[part], b, buffers, spare=2)
            _multiply(tiles, products, sums[min(number, 1)], transpose=True)
            if number:
                sums[0] += sums[1]
            if dx is not None:
                gradient = buffers.tiles(2, n, SIDE, self.channels)
                _multiply(products, u.swapaxes(2, 3), gradient)
                _both_sides(b.T, gradient, buffers.tiles(0, n, SIDE, self.channels), gradient)
                buffers.add_up(gradient, dx[part])
        return sums[0], db

    def _parts(self, images: slice) -> list[slice]:
        starts = range(images.start, images.stop, self.images)
        return [slice(start, min(images.stop, start + self.images)) for start in starts]

    def _tiles_of(self, x: Array, b: Array, buffers: _Buffers, spare: int = 1) -> Array:
        """Return the transformed tiles of a few images, in the first buffer."""
        tiles = buffers.tiles(0, len(x), SIDE, self.channels)
        buffers.cut(x, tiles)
        return _both_sides(b, tiles, buffers.tiles(spare, len(x), SIDE, self.channels), tiles)


class _Buffers:
    """One thread's memory for a :class:`Winograd`, and the copies into and out of tiles."""

    def __init__(self, how: Winograd, images: int, count: int) -> None:
        self.how = how
        images = min(images, how.images)
        self.flat = [memory.empty((images * how.places,), how.dtype) for _ in range(count)]
        self.padded: Array | None = None
        self.sums: Array | None = None
        self.whole: Array | None = None
        if how.padded != how.sizes:
            self.padded = memory.empty((images, *how.padded, how.channels), how.dtype)
            clear_around(self.padded, how.inside)
        if how.whole != how.out:
            self.whole = memory.empty((images, *how.whole, how.filters), how.dtype)
            clear_around(self.whole, [slice(0, size) for size in how.out])

    def tiles(self, number: int, n: int, side: int, channels: int, other: int | None = None) -> Array:
        """Return one of the buffers as tiles of n images: (side, other or side, n, rows, columns, channels)."""
        shape = (side, other or side, n, *self.how.tiles, channels)
        return self.flat[number][: math.prod(shape)].reshape(shape)

    def cut(self, x: Array, tiles: Array) -> None:
        """Copy overlapping tiles of 6 x 6 pixels out of images."""
        if self.padded is not None:
            rows, columns = self.how.inside
            self.padded[: len(x), rows, columns] = x[:, : self.how.padded[0], : self.how.padded[1]]
            x = self.padded[: len(x)]
        x = np.ascontiguousarray(x)
        image, row, column, channel = x.strides
        strides = (row, column, image, OUT * row, OUT * column, channel)
        np.copyto(tiles, strided(x, tiles.shape, strides))

    def join(self, tiles: Array, y: Array) -> None:
        """Copy tiles of 4 x 4 or 2 x 2 pixels to where they belong in images."""
        side, (rows, columns) = len(tiles), self.how.tiles
        into = y
        if (side * rows, side * columns) != y.shape[1:3]:
            assert self.whole is not None
            into = self.whole.reshape(-1)[: tiles.size].reshape(len(y), side * rows, side * columns, -1)
        np.copyto(_as_tiles(into, side, side), tiles)
        if into is not y:
            y[...] = into[:, : y.shape[1], : y.shape[2]]

    def inside_whole(self, n: int) -> Array | None:
        """Return where dz of n images may be made so that it need not be copied."""
        return None if self.whole is None else self.whole[:n, : self.how.out[0], : self.how.out[1]]

    def cut_gradient(self, dz: Array, tiles: Array) -> None:
        """Copy tiles of 4 x 4 pixels out of images."""
        if self.whole is not None:
            inside = self.whole[: len(dz), : dz.shape[1], : dz.shape[2]]
            if not np.may_share_memory(inside, dz):
                inside[...] = dz
            dz = self.whole[: len(dz)]
        np.copyto(tiles, _as_tiles(dz))

    def add_up(self, tiles: Array, dx: Array) -> None:
        """Add up overlapping tiles of 6 x 6 pixels to images."""
        tiles[: SIDE - OUT, :, :, 1:] += tiles[OUT:, :, :, :-1]
        tiles[:, : SIDE - OUT, :, :, 1:] += tiles[:, OUT:, :, :, :-1]
        if self.padded is not None and self.sums is None:
            self.sums = memory.empty(self.padded.shape, self.how.dtype)
        into = dx if self.sums is None else self.sums[: len(dx)]
        rows, columns = self.how.whole
        inner = slice(0, OUT)
        edge = slice(OUT, SIDE)
        np.copyto(_as_tiles(into[:, :rows, :columns]), tiles[inner, inner])
        np.copyto(_as_tiles(into[:, rows:, :columns], SIDE - OUT), tiles[edge, inner, :, -1:])
        np.copyto(_as_tiles(into[:, :rows, columns:], OUT, SIDE - OUT), tiles[inner, edge, :, :, -1:])
        np.copyto(_as_tiles(into[:, rows:, columns:], SIDE - OUT, SIDE - OUT), tiles[edge, edge, :, -1:, -1:])
        if self.sums is not None:
            rows_inside, columns_inside = self.how.inside
            dx[...] = into[:, rows_inside, columns_inside]


def _as_tiles(x: Array, height: int = OUT, width: int | None = None) -> Array:
    """View images (n, H, W, C) as (height, width, n, H / height, W / width, C)."""
    width = width or OUT
    n, rows, columns, channels = x.shape
    view: Array = x.reshape(n, rows // height, height, columns // width, width, channels).transpose(2, 4, 0, 1, 3, 5)
    return view


def _both_sides(matrix: Array, tiles: Array, between: Array | None = None, out: Array | None = None) -> Array:
    """Return matrix @ tile @ matrix.T of tiles (k, k, ...) for a matrix (m, k): (m, m, ...)."""
    m, k = matrix.shape
    places = tiles.size // (k * k)
    if between is None:
        between = memory.empty((m, k, places), tiles.dtype)
    if out is None:
        out = memory.empty((m, m, *tiles.shape[2:]), tiles.dtype)
    between = between.reshape(m, k, places)
    np.matmul(matrix, tiles.reshape(k, k, places).swapaxes(0, 1), out=between.swapaxes(0, 1))
    np.matmul(matrix, between, out=out.reshape(m, m, places))
    return out


def _multiply(a: Array, b: Array, out: Array, transpose: bool = False) -> None:
    """Write a @ b, or a.T @ b, into out at each of the 6 x 6 places; tiles are rows of matrices over channels."""
    left = a.reshape(SIDE * SIDE, -1, a.shape[-1])
    if transpose:
        left = left.swapaxes(1, 2)
    right = b.reshape(SIDE * SIDE, -1, b.shape[-1]) if b.flags.c_contiguous else b.reshape(-1, *b.shape[2:])
    np.matmul(left, right, out=out.reshape(SIDE * SIDE, -1, out.shape[-1]))
