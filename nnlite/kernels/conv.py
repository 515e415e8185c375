"""Convolution over any number of spatial axes, channels last, and its gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel
from nnlite.kernels.channels import column_sums, finisher
from nnlite.kernels.conv_im2col import Lowering, Windows, lowering
from nnlite.kernels.conv_maps import maps_of_convolution
from nnlite.kernels.conv_return import Return, Returning, returning
from nnlite.kernels.conv_winograd_columns import Tiled, tiled_convolution
from nnlite.kernels.pooling import give_to_largest, reduce_windows
from nnlite.kernels.windows import Axis, convolved, pairs

Array = NDArray[Any]
Sizes = int | Sequence[int]
T = TypeVar("T")

# Multiply-adds that one thread does in a microsecond, for the choice of threads.
GEMM_RATE = 50e3
# Bytes of copied windows worked on at a time, about what the cache of one core holds; of products to take maxima of.
CHUNK, RESULTS = 2_500_000, 1_500_000
# The mirrored windows serve both gradients, unless there are so many more of them than of the forward pass's.
MORE_WINDOWS = 1.25


class ConvCache(NamedTuple):
    """What :func:`conv_backward` needs; ``y`` only if activation or pooling was fused, ``tiled`` and ``u`` only of
    Winograd's algorithm, ``pool`` and ``largest``, the pooled y, only if pooling was fused."""

    x: Array
    w: Array
    y: Array | None
    spatial: tuple[Axis, ...]
    groups: int
    use_bias: bool
    activation: Any
    tiled: Tiled | None = None
    u: Array | None = None
    pool: tuple[Axis, ...] | None = None
    largest: Array | None = None

    def dz(self, dy: Array, part: slice, out: Array | None = None) -> Array:
        """Return the gradient before the activation of some images, in the given memory where it is computed."""
        if self.pool is not None:
            return self._dz_of_pooled(dy[part], part, out)
        if self.activation is None or self.y is None:
            return dy[part]
        dz: Array = self.activation.backward(dy[part], self.y[part], out=out)
        return dz

    def _dz_of_pooled(self, dy: Array, part: slice, out: Array | None) -> Array:
        """The largest elements alone get gradients: so the activation's derivative is taken at those."""
        assert self.pool is not None and self.y is not None and self.largest is not None
        y, largest = self.y[part], self.largest[part]
        given = dy if self.activation is None else self.activation.backward(dy, largest)
        dz = memory.empty(y.shape, y.dtype) if out is None else out
        give_to_largest(given, y, largest, self.pool, dz)
        return dz


class _Share(NamedTuple):
    """What one thread does: ``images``, and of their rows of windows those from start / of to stop / of."""

    images: slice
    start: int = 0
    stop: int = 1
    of: int = 1

    def bands(self, how: Lowering) -> list[slice]:
        """Cut this share's rows of windows into those that are worked on at a time."""
        total = how.out[0]
        first, last = total * self.start // self.of, total * self.stop // self.of
        return [slice(i, min(last, i + how.rows)) for i in range(first, last, how.rows)]

    def parts(self, step: int) -> list[slice]:
        """Cut this share's images into those that are worked on at a time."""
        first, last = self.images.start, self.images.stop
        step = 1 if self.of > 1 else step
        return [slice(i, min(last, i + step)) for i in range(first, last, step)]


def _over_threads(task: Callable[[_Share], T], n: int, microseconds: float, rows: bool = True) -> list[T]:
    """Run ``task`` on shares of n images or, where images are fewer than threads, of their rows."""
    threads = parallel.threads()
    if n >= threads or not rows:
        return parallel.run(lambda start, stop: task(_Share(slice(start, stop))), n, microseconds)
    return parallel.run(lambda start, stop: task(_Share(slice(0, n), start, stop, threads)), threads, microseconds)


def conv_forward(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    strides: Sizes = 1,
    padding: str | tuple[Axis, ...] = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    activation: Any = None,
    pool: tuple[Axis, ...] | None = None,
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
        pool: windows of y, of which the largest elements are returned in its place, found while y is in cache.

    Returns:
        y (N, output sizes..., F) in the common dtype of x and w, and the cache.

    Raises:
        ValueError: shapes do not fit together, the window does not fit into x, or the padding is unknown.

    >>> x = np.arange(1.0, 6.0).reshape(1, 5, 1)
    >>> conv_forward(x, np.array([1.0, 10.0]).reshape(2, 1, 1), padding="same")[0].ravel().tolist()
    [21.0, 32.0, 43.0, 54.0, 5.0]
    """
    x, w, spatial = _prepare(x, w, b, strides, padding, dilation, groups)
    y = memory.empty((len(x), *(one.out for one in spatial), w.shape[-1]), x.dtype)
    kept = None if activation is None and pool is None else y
    cache = ConvCache(x, w, kept, spatial, groups, b is not None, activation)
    maps = maps_of_convolution(len(x), w, spatial) if groups == 1 else None
    tiled = tiled_convolution(len(x), w.shape, w.dtype, spatial, groups) if maps is None else None
    whole = tiled if maps is None else maps
    how = lowering(spatial, x.shape[-1], w.shape[-1], groups, b is not None, x.dtype, CHUNK)
    finish = finisher(None if how.bias and whole is None else b, activation)
    result = y
    if pool is not None:
        result = memory.empty((len(x), *(one.out for one in pool), w.shape[-1]), x.dtype)
        cache = cache._replace(pool=pool, largest=result)

    def pooled(part: slice) -> None:
        if pool is not None:
            reduce_windows(np.maximum, y[part], pool, result[part])

    def finished(part: slice) -> None:
        finish(y[part])
        pooled(part)

    if whole is not None:
        u = whole.transformed(w)
        parallel.run(lambda start, stop: whole.forward(slice(start, stop), x, u, y, finished), len(x), _work(y, w))
        return result, cache if tiled is None else cache._replace(tiled=tiled, u=u)
    matrices = how.matrices(w, b)

    def task(share: _Share) -> None:
        windows = Windows(how, share.images.stop - share.images.start)
        for part in share.parts(how.images):
            view = windows.look(x[part])
            for band in share.bands(how):
                product = y[part, band]
                windows.correlate(windows.gather(view[:, band]), matrices, product)
                finish(product)
            if share.of == 1:  # else there are but some rows of windows yet
                pooled(part)

    _over_threads(task, len(x), _work(y, w))
    if len(x) < parallel.threads():
        pooled(slice(None))
    return result, cache


def conv_pool(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    strides: Sizes = 1,
    padding: str | tuple[Axis, ...] = "valid",
    dilation: Sizes = 1,
    activation: Any = None,
) -> Array:
    """Return the largest values of windows of 2 x 2 of what :func:`conv_forward` makes of images, for inference.

    Of ``act(b + z)``, where act never falls, the largest is act of the largest z plus b: so the maxima are taken of the
    bare products while these are in cache, and a quarter of them is left for the rest.

    Args:
        x: (N, H, W, C).
        w, b, strides, padding, dilation: as in :func:`conv_forward`, in one group.
        activation: an element-wise function that never falls, or None.

    Returns:
        y (N, H' // 2, W' // 2, F).
    """
    x, w, spatial = _prepare(x, w, b, strides, padding, dilation, 1)
    y = memory.empty((len(x), *(one.out // 2 for one in spatial), w.shape[-1]), x.dtype)
    if not y.size:
        return y
    spatial = tuple(one.first(2 * (one.out // 2)) for one in spatial)  # a last one without a neighbour counts nowhere
    out = tuple(one.out for one in spatial)
    finish, tiled = finisher(b, activation), tiled_convolution(len(x), w.shape, w.dtype, spatial, 1)
    if tiled is not None:
        u = tiled.transformed(w)
        parallel.run(
            lambda start, stop: tiled.forward(slice(start, stop), x, u, y, lambda part: finish(y[part]), True),
            len(x),
            4 * _work(y, w),
        )
        return y
    how = lowering(spatial, x.shape[-1], w.shape[-1], 1, False, x.dtype, CHUNK)
    matrices = how.matrices(w)

    def task(start: int, stop: int) -> None:
        share, windows = _Share(slice(start, stop)), Windows(how, stop - start)
        images = max(1, min(how.images, stop - start, RESULTS // (math.prod(out) * w.shape[-1] * x.itemsize)))
        products = memory.empty((images, *out, w.shape[-1]), x.dtype)
        of_rows = memory.empty((images, out[0] // 2, *products.shape[2:]), x.dtype)
        for part in share.parts(images):
            n, view = part.stop - part.start, windows.look(x[part])
            for band in share.bands(how):
                windows.correlate(windows.gather(view[:, band]), matrices, products[:n, band])
            pairs(pairs(products[:n], 1, of_rows[:n]), 2, y[part])
            finish(y[part])

    parallel.run(task, len(x), 4 * _work(y, w))
    return y


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
    x, w = cache.x, cache.w
    dy = np.ascontiguousarray(dy, x.dtype)
    if cache.tiled is not None:
        return _backward_tiled(dy, cache, input_grad)
    work = _Backward(dy, cache, input_grad)
    microseconds = _work(dy if cache.y is None else cache.y, w) * (2 + input_grad)
    sums = _over_threads(work.share, len(x), microseconds, rows=work.by_rows)
    dmatrix, db = sums[0]
    for more_matrix, more_db in sums[1:]:
        dmatrix += more_matrix
        db += more_db
    if work.shared:
        assert work.back is not None
        dw = work.back.mirrored_gradient(dmatrix, w.shape)
    else:
        dw, folded = work.how.gradients(dmatrix, w.shape)
        db = db if folded is None else folded
    return work.dx, dw, db if cache.use_bias else None


def _backward_tiled(dy: Array, cache: ConvCache, input_grad: bool) -> tuple[Array | None, Array, Array | None]:
    x, tiled, u = cache.x, cache.tiled, cache.u
    assert tiled is not None and u is not None
    u = tiled.transformed_back(cache.w, u)
    dx = memory.empty(x.shape, x.dtype) if input_grad else None

    def task(start: int, stop: int) -> tuple[Array, Array]:
        return tiled.backward(slice(start, stop), x, u, dx, partial(cache.dz, dy), cache.use_bias)

    work = _work(dy if cache.y is None else cache.y, cache.w) * tiled.BACK
    (du, db), *more = parallel.run(task, len(x), work)
    for more_du, more_db in more:
        du += more_du
        db += more_db
    return dx, tiled.kernel_gradient(du), db if cache.use_bias else None


class _Backward:
    """The backward pass of one convolution, all threads' shares of it.

    With stride 1, dx is a correlation of dz, and dw needs the same pairs of x and dz: so windows of dz, copied once,
    serve both. Where that would be a detour, windows of x serve dw.
    """

    def __init__(self, dy: Array, cache: ConvCache, input_grad: bool) -> None:
        self.dy, self.cache = dy, cache
        x, w, spatial, groups = cache.x, cache.w, cache.spatial, cache.groups
        self.dx = memory.empty(x.shape, x.dtype) if input_grad else None
        self.how = lowering(spatial, x.shape[-1], w.shape[-1], groups, cache.use_bias, x.dtype, CHUNK)
        self.back: Lowering | None = None
        self.by_rows = all(one.stride == 1 for one in spatial)
        self.strided: Return | None = None
        if input_grad and not self.by_rows:
            self.strided = returning(spatial, x.shape[-1], w.shape[-1], groups, x.dtype, CHUNK)
            self.kernel = self.strided.matrices(w)
        elif input_grad:
            self.back = lowering(_mirrored(spatial), w.shape[-1], x.shape[-1], groups, False, x.dtype, CHUNK)
            self.kernel = self.back.mirrored_matrices(w)
        more = MORE_WINDOWS * math.prod(self.how.out)
        self.shared = self.back is not None and not self.how.planes and math.prod(self.back.out) <= more

    def share(self, share: _Share) -> tuple[Array, Array]:
        """Write this share of dx; return its sums for the kernel matrix and the bias."""
        x, dx, how, back = self.cache.x, self.dx, self.how, self.back
        count = share.images.stop - share.images.start
        mirrored = None if back is None else Windows(back, count)
        windows = None if self.shared else Windows(how, count)
        giving = None if self.strided is None else Returning(self.strided, self.kernel, count)
        step = how.images if back is None else back.images if self.shared else min(how.images, back.images)
        step = step if self.strided is None else min(step, self.strided.how.images)
        db = np.zeros(self.dy.shape[-1], x.dtype)
        for part in share.parts(step):
            # Where possible dz is written straight into the padding of the mirrored windows.
            inside = mirrored.inside if self.shared and mirrored is not None else None
            dz = self.cache.dz(self.dy, part, None if inside is None else inside[: part.stop - part.start])
            if self.cache.use_bias and share.start == 0 and (self.shared or not how.bias):
                db += column_sums(dz.reshape(-1, len(db)))
            if windows is not None:
                view = windows.look(x[part])
                for band in share.bands(how):
                    windows.gradient(windows.gather(view[:, band]), dz[:, band])
            if mirrored is not None and back is not None and dx is not None:
                view = mirrored.look(dz)
                for band in share.bands(back):
                    matrices = mirrored.gather(view[:, band])
                    if self.shared:
                        mirrored.gradient(matrices, x[part, band])
                    mirrored.correlate(matrices, self.kernel, dx[part, band])
            elif giving is not None and dx is not None:
                giving.give(dz, dx[part])
        summed = mirrored if windows is None else windows
        assert summed is not None
        return summed.total, db


@lru_cache(maxsize=1024)
def _mirrored(spatial: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The windows that the gradient of the inputs takes; remembered, since a net asks again each step."""
    return tuple(one.mirrored() for one in spatial)


def _work(y: Array, w: Array) -> float:
    return y.size * (math.prod(w.shape[:-1]) / GEMM_RATE + 1e-3)


def _prepare(
    x: Array,
    w: Array,
    b: Array | None,
    strides: Sizes,
    padding: str | tuple[Axis, ...],
    dilation: Sizes,
    groups: int,
) -> tuple[Array, Array, tuple[Axis, ...]]:
    steps, spread = (tuple(one) if isinstance(one, Sequence) else int(one) for one in (strides, dilation))
    of_bias = None if b is None else b.shape
    spatial = convolved(x.shape, w.shape, of_bias, steps, padding, spread, groups)
    dtype = np.result_type(x, w).newbyteorder("=")
    return x.astype(dtype, copy=False), w.astype(dtype, copy=False), spatial
