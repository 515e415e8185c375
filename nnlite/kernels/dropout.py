"""Random masks, and dropout with one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory
from nnlite.kernels.elementwise import over_elements

Array = NDArray[Any]

# Rates nearer to 0 and 1 than this are compared with 32 random bits, others with 16, in a third of the time that
# random floats would take; the rate is met to 1 part in 131,072.
COARSE = 1 / 256


def random_mask(generator: np.random.Generator, shape: tuple[int, ...], rate: float) -> Array:
    """Return booleans that are false with probability ``rate``, each on its own.

    The numbers are drawn by the calling thread, so the mask does not depend on the number of threads.

    >>> random_mask(np.random.default_rng(0), (2, 3), 1.0).any()
    np.False_
    """
    size = math.prod(shape)
    bits = 16 if COARSE <= rate <= 1 - COARSE else 32
    limit = round(rate * 2**bits)
    if limit >= 2**bits:
        return np.zeros(shape, bool)
    words = generator.bit_generator.random_raw(-(-size * bits // 64))  # PCG64's have 64 bits
    drawn = words.view(np.uint16 if bits == 16 else np.uint32)[:size]
    mask: Array = np.greater_equal(drawn, drawn.dtype.type(limit), out=memory.empty(drawn.shape, bool))
    return mask.reshape(shape)


def dropout(x: Array, kept: Array, rate: float) -> Array:
    """Return y = x * kept / (1 - rate), or 0 where the rate is 1; of dy it gives dx = dy * kept / (1 - rate).

    Args:
        x: any shape.
        kept: booleans that broadcast to x.
        rate: the fraction that is not kept.
    """
    return keep(x, kept, 1 / (1 - rate) if rate < 1 else 0.0)


def keep(x: Array, kept: Array, scale: float, floor: float = 0.0, plus: float = 0.0) -> Array:
    """Return y = (x - floor) * kept * scale + plus; of dy, without the last two, dx = dy * kept * scale."""
    kind = x.dtype.type
    by, minus, add = kind(scale), kind(floor), kind(plus)
    y = memory.empty(x.shape, x.dtype)

    def kernel(part: Array, mask: Array, out: Array) -> None:
        if floor:
            part = np.subtract(part, minus, out=out)
        np.multiply(part, mask, out=out)
        np.multiply(out, by, out=out)
        if plus:
            np.add(out, add, out=out)

    if kept.shape != x.shape:
        kept = np.broadcast_to(kept, x.shape)
    return over_elements(kernel, (x, kept), y, 0.3)
