"""Sliding windows: padding, output sizes, and which inputs a window covers; shared by convolution and pooling.

Along one axis of n inputs, window o of k taps, stride s and dilation d covers the inputs ``o*s - before + t*d`` for
t = 0 ... k-1, where ``before`` is the padding at the start. Padding is never stored: a tap that falls outside is left
out (pooling) or met by a zero that is already there (convolution).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PADDINGS = ("valid", "same", "causal")


def strided(x: Array, shape: Sequence[int], strides: Sequence[int], first: int = 0) -> Array:
    """View a C-contiguous array by any shape and strides, in bytes, from its byte ``first`` on.

    ``numpy.lib.stride_tricks.as_strided`` takes nine times as long, and does not see when a view leaves the array.

    >>> strided(np.arange(4), (3, 2), (8, 8)).tolist()
    [[0, 1], [1, 2], [2, 3]]
    """
    view: Array = np.ndarray(shape, x.dtype, x, first, strides)
    return view


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


def clear_around(padded: Array, inside: Sequence[slice]) -> None:
    """Write zeros into all of padded (n, axes..., C) but ``inside``, one slice for each axis, where inputs will stand.

    >>> a = np.ones((1, 4, 1))
    >>> clear_around(a, [slice(1, 3)])
    >>> a.ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    for axis, (size, one) in enumerate(zip(padded.shape[1:], inside, strict=False)):
        before = (slice(None), *inside[:axis])
        for outside in (slice(0, one.start), slice(one.stop, size)):
            if outside.start < outside.stop:
                where = (*before, outside)
                padded[where] = 0


class Share(NamedTuple):
    """Inputs at distances of the stride, and what reached them: ``x[inputs][q]``, for q below ``number``, was in the
    windows ``q + o`` for o in ``outputs``, under tap ``t`` for t in ``taps``, in the same order."""

    inputs: slice
    number: int
    taps: list[int]
    outputs: range


class Axis(NamedTuple):
    """The windows along one axis: ``out`` windows of ``kernel`` taps over ``size`` inputs."""

    size: int
    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    out: int

    def tap(self, t: int) -> tuple[slice, slice]:
        """Return which windows have their tap t inside the input, and the inputs that they find there.

        >>> axis("same", 5, 3).tap(0)
        (slice(1, 5, None), slice(0, 4, 1))
        """
        shift = t * self.dilation - self.before
        first = max(0, -(shift // self.stride))
        last = max(first, min(self.out, -((shift - self.size) // self.stride)))
        start = first * self.stride + shift
        return slice(first, last), slice(start, start + (last - first) * self.stride, self.stride)

    def first(self, out: int) -> Axis:
        """Return the first ``out`` windows."""
        reach = (out - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
        return self._replace(out=out, after=max(0, reach - self.before - self.size))

    def mirrored(self) -> Axis:
        """Return the windows that the gradient of the inputs takes over the gradient of the outputs (stride 1)."""
        reach = (self.kernel - 1) * self.dilation
        before, after = reach - self.before, reach - self.after
        return Axis(self.out, self.kernel, 1, self.dilation, before, after, self.size)

    def back(self) -> list[Share]:
        """Return what the gradients of the inputs are made of, for any stride: each input is in one of the shares.

        >>> [(share.inputs.start, share.taps, share.outputs) for share in axis("same", 6, 3, 2).back()]
        [(0, [2, 0], range(-1, 1)), (1, [1], range(0, 1))]
        """
        shares = []
        for first in range(min(self.stride, self.size)):
            place = first + self.before
            taps = [t for t in reversed(range(self.kernel)) if (place - t * self.dilation) % self.stride == 0]
            outputs = range(0)
            if taps:
                start, stop = ((place - t * self.dilation) // self.stride for t in (taps[0], taps[-1]))
                outputs = range(start, stop + 1, max(1, (stop - start) // max(1, len(taps) - 1)))
            shares.append(Share(slice(first, None, self.stride), -(-(self.size - first) // self.stride), taps, outputs))
        return shares


def output_size(size: int, kernel: int, stride: int = 1, padding: str = "valid", dilation: int = 1) -> int:
    """Return the number of windows along an axis.

    valid: floor((size - reach) / stride) + 1 with reach = (kernel - 1) * dilation + 1 inputs that a window spans;
    same: ceil(size / stride); causal: as valid after reach - 1 zeros in front, also ceil(size / stride).

    Raises:
        ValueError: no window fits, a number is below 1, or the padding is unknown.

    >>> output_size(28, 3), output_size(28, 3, 2, "same")
    (26, 14)
    """
    return axis(padding, size, kernel, stride, dilation).out


def axis(padding: str, size: int, kernel: int, stride: int = 1, dilation: int = 1) -> Axis:
    """Return the windows along an axis of ``size`` inputs.

    "same" pads so that every stride-th input is the centre of a window; where the number of zeros is odd, the extra
    one comes at the end.

    >>> axis("same", 6, 3, 2)
    Axis(size=6, kernel=3, stride=2, dilation=1, before=0, after=1, out=3)
    """
    for name, value in (("window size", kernel), ("stride", stride), ("dilation", dilation)):
        if value < 1:
            raise ValueError(f"The {name} must be at least 1, got {value}.")
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        if size < reach:
            detail = f" ({kernel} taps, dilation {dilation})" if dilation > 1 else ""
            raise ValueError(
                f"An axis of size {size} is shorter than the window, which spans {reach}{detail}: no output is left. "
                f"Use a smaller window or a larger input, or padding='same'."
            )
        before, out = 0, (size - reach) // stride + 1
    elif padding == "same":
        out = -(-size // stride)
        before = max(0, (out - 1) * stride + reach - size) // 2
    elif padding == "causal":
        out = -(-size // stride)
        before = reach - 1
    else:
        raise ValueError(f"padding: got {padding!r}, expected one of {', '.join(map(repr, PADDINGS))}.")
    return Axis(size, kernel, stride, dilation, before, max(0, (out - 1) * stride + reach - size - before), out)


@lru_cache(maxsize=4096)
def axes(
    padding: str, sizes: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Axis, ...]:
    """Return the windows along each spatial axis, first to last; remembered, since a net asks again each step."""
    if padding == "causal" and len(sizes) != 1:
        raise ValueError(f"padding 'causal' is for one spatial axis (time), got {len(sizes)}.")
    return tuple(axis(padding, *numbers) for numbers in zip(sizes, kernel, strides, dilation, strict=True))


def per_axis(value: int | Sequence[int], rank: int, name: str) -> tuple[int, ...]:
    """Return one number for each of ``rank`` spatial axes.

    >>> per_axis(2, 3, "strides")
    (2, 2, 2)
    """
    if not isinstance(value, Sequence):
        return (int(value),) * rank
    if len(value) != rank:
        raise ValueError(f"{name}: got {tuple(value)}, expected one number or {rank}, one per spatial axis.")
    return tuple(int(number) for number in value)


@lru_cache(maxsize=1024)
def convolved(
    x: tuple[int, ...],
    w: tuple[int, ...],
    b: tuple[int, ...] | None,
    strides: int | tuple[int, ...],
    padding: str | tuple[Axis, ...],
    dilation: int | tuple[int, ...],
    groups: int,
) -> tuple[Axis, ...]:
    """Return the windows of a convolution of x with a kernel w and a bias b, or None, of these shapes.

    Remembered, since a net asks again each step. If these are the ``padding``, they are only checked.

    Raises:
        ValueError: shapes do not fit together, the window does not fit into x, or the padding is unknown.
    """
    rank = len(w) - 2
    if rank < 1 or len(x) != len(w):
        raise ValueError(
            f"Convolution: x must be (batch, spatial axes..., channels) and w (kernel sizes..., channels / groups, "
            f"filters) with as many spatial axes, got shapes {x} and {w}."
        )
    channels, filters = x[-1], w[-1]
    if groups < 1 or channels % groups or filters % groups:
        raise ValueError(
            f"Convolution: groups ({groups}) must divide the channels ({channels}) and filters ({filters})."
        )
    if w[-2] * groups != channels:
        raise ValueError(
            f"Convolution: x has {channels} channels, but w of shape {w} with groups={groups} takes {w[-2] * groups}."
        )
    if b is not None and b != (filters,):
        raise ValueError(f"Convolution: b must have shape ({filters},), one number a filter, got {b}.")
    if isinstance(padding, tuple):
        return padding
    steps, spread = per_axis(strides, rank, "strides"), per_axis(dilation, rank, "dilation")
    return axes(padding, x[1:-1], w[:-2], steps, spread)


def taps(spatial: tuple[Axis, ...]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
    """Yield every tap of the window, in order, with the windows that have it inside and the inputs found there.

    The slices index whole batches (N, ..., C): ``y[windows] += x[inputs] * w[tap]`` is a convolution.
    """
    for index in product(*(range(one.kernel) for one in spatial)):
        pairs = [one.tap(t) for one, t in zip(spatial, index, strict=True)]
        yield index, (slice(None), *(pair[0] for pair in pairs)), (slice(None), *(pair[1] for pair in pairs))


def pairs(x: Array, axis: int, out: Array | None = None) -> Array:
    """Return the larger ones of neighbours along an axis; a last one without a neighbour is left out.

    >>> pairs(np.array([1, 5, 2, 3, 9]), 0).tolist()
    [5, 3]
    """
    even = 2 * (x.shape[axis] // 2)
    before, first, second = (slice(None),) * axis, slice(0, even, 2), slice(1, even, 2)
    largest: Array = np.maximum(x[before + (first,)], x[before + (second,)], out=out)  # noqa: RUF005 (Python 3.10)
    return largest
