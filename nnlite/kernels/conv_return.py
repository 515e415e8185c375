"""The gradient of a convolution's inputs for any stride, as matrix products over windows of dz.

With a stride s, input ``q*s + r`` is reached by every s-th tap only: by tap t from output
``q + (r + before - t*d) / s`` where that is whole. So all inputs of one q, s of them along each axis, take their
gradients from the same few outputs around q: from a window of dz. One product per window gives them all, with a kernel
in which the taps that do not reach an input are zeros: for 3 x 3 taps and strides of 2 windows of 2 x 2, and 16 places
in the kernel for 9 taps.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory
from nnlite.kernels.conv_im2col import Windows, lowering
from nnlite.kernels.windows import Axis

Array = NDArray[Any]


class _Reach:
    """One axis: for each tap its place in the windows of dz, and its remainder r; the remainders that have taps."""

    def __init__(self, one: Axis) -> None:
        self.stride, self.size = one.stride, one.size
        remainders = [(t * one.dilation - one.before) % one.stride for t in range(one.kernel)]
        shifts = [(r + one.before - t * one.dilation) // one.stride for t, r in enumerate(remainders)]
        first, last = min(0, *shifts), max(shifts)
        step = math.gcd(*(shift - first for shift in shifts)) or 1
        self.used = sorted(set(remainders))
        self.places = [(shift - first) // step for shift in shifts]
        self.slots = [self.used.index(r) for r in remainders]
        number = -(-one.size // one.stride)
        after = max(0, number + last - one.out)
        self.windows = Axis(one.out, (last - first) // step + 1, 1, step, -first, after, number)


class Return:
    """How dz of one convolution is given back to its inputs. Holds no data."""

    def __init__(
        self, spatial: tuple[Axis, ...], channels: int, filters: int, groups: int, dtype: Any, chunk: int
    ) -> None:
        self.reaches = [_Reach(one) for one in spatial]
        self.groups, self.channels = groups, channels // groups
        self.slots = tuple(len(reach.used) for reach in self.reaches)
        self.whole = all(len(reach.used) == reach.stride for reach in self.reaches)
        windows = tuple(reach.windows for reach in self.reaches)
        self.how = lowering(windows, filters, math.prod(self.slots) * channels, groups, False, dtype, chunk)
        self.place_of = _numbers([reach.places for reach in self.reaches], self.how.kernel)
        self.slot_of = _numbers([reach.slots for reach in self.reaches], self.slots)

    def matrices(self, w: Array) -> list[Array]:
        """Return the kernel w (taps..., C / G, F) as the products of windows of dz take it."""
        # (taps, F / G, G, C / G), each tap to its place in the windows and its slot; zeros where no tap belongs
        w = w.reshape(-1, self.channels, self.groups, self.how.channels).transpose(0, 3, 2, 1)
        shape = (self.how.taps, self.how.channels, self.groups, math.prod(self.slots), self.channels)
        spread = np.zeros(shape, w.dtype)
        spread[self.place_of, :, :, self.slot_of] = w
        return self.how.matrices(spread.reshape(*shape[:2], -1))


def _numbers(along: list[list[int]], sizes: tuple[int, ...]) -> Array:
    """For each tap, in order, the number of what it has along each axis, among all."""
    numbers: Array = np.ravel_multi_index(tuple(zip(*product(*along), strict=True)), sizes)
    return numbers


@lru_cache(maxsize=1024)
def returning(spatial: tuple[Axis, ...], channels: int, filters: int, groups: int, dtype: Any, chunk: int) -> Return:
    """Return the :class:`Return`, remembered, since a net asks for it at each step."""
    return Return(spatial, channels, filters, groups, dtype, chunk)


class Returning:
    """One thread's buffers for a :class:`Return`, and the work on one chunk of images."""

    def __init__(self, back: Return, kernel: list[Array], images: int) -> None:
        self.back, self.kernel, self.windows = back, kernel, Windows(back.how, images)
        how = back.how
        size = min(images, how.images) * how.rows * math.prod(how.out[1:]) * how.filters * how.groups
        self.products = memory.empty((size,), how.dtype)

    def give(self, dz: Array, dx: Array) -> None:
        """Write dx (n, sizes..., C), C-contiguous, given dz (n, windows..., F)."""
        how = self.back.how
        if not self.back.whole:
            dx.fill(0)
        view = self.windows.look(dz)
        for first in range(0, how.out[0], how.rows):
            band = view[:, first : first + how.rows]
            shape = (*band.shape[: 1 + len(how.out)], how.groups * how.filters)
            products = self.products[: math.prod(shape)].reshape(shape)
            self.windows.correlate(self.windows.gather(band), self.kernel, products)
            self._place(products, first, dx)

    def _place(self, products: Array, first: int, dx: Array) -> None:
        """Copy the products of some rows of windows, from the given one on, to where their inputs are."""
        back, reaches = self.back, self.back.reaches
        rank, numbers = len(reaches), products.shape[1:-1]
        products = products.reshape(len(dx), *numbers, back.groups, *back.slots, back.channels)
        start = first * reaches[0].stride
        dx = dx[:, start : start + numbers[0] * reaches[0].stride]
        sides = tuple((number, reach.stride) for number, reach in zip(numbers, reaches, strict=True))
        if back.whole and dx.shape[1:-1] == tuple(number * stride for number, stride in sides):
            order = (0, *(axis for i in range(rank) for axis in (1 + i, 2 + rank + i)), 1 + rank, 2 + 2 * rank)
            into = dx.reshape(len(dx), *(size for side in sides for size in side), back.groups, back.channels)
            np.copyto(into, products.transpose(order))
            return
        for slots in product(*map(range, back.slots)):
            inputs = [slice(reach.used[slot], None, reach.stride) for reach, slot in zip(reaches, slots, strict=True)]
            where: tuple[Any, ...] = (slice(None), *inputs)
            into = dx[where]
            into = into.reshape(*into.shape[:-1], back.groups, back.channels)
            there = (slice(0, n) for n in into.shape[1 : 1 + rank])
            where = (slice(None), *there, slice(None), *slots)
            np.copyto(into, products[where])
