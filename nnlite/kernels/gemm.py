"""Matrix products cut the way the machine's BLAS is fastest.

A BLAS copies ("packs") both factors before it multiplies, which costs up to a quarter of the time where one side of
the product is short, as in convolutions. OpenBLAS has AVX-512 kernels that read small factors where they lie instead;
it takes them for products of up to a million multiply-adds, and where the right factor is a transposed view, for
results of up to about a thousand elements. So there a long product is cut into such small ones: blocks of rows times
blocks of columns, one ``numpy.matmul`` over all of them. Elsewhere it is left whole.

float32, one thread, K x N = 288 x 32: 92 GFLOP/s whole, 115 in blocks; 1152 x 128: 104 and 115; 128 rows times a
transposed view of 512 x 256: 88 and 106.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Multiply-adds of the largest product that those kernels take.
SMALL = 1_000_000
ARCHITECTURES = ("SkylakeX", "Cooperlake", "SapphireRapids")
# Largest result, and smallest inner side, of those with a transposed right factor.
TRANSPOSED, LONG = 1024, 256
# There, a transposed right factor of at most this many elements is turned round first: 128 x 10 times 10 x 512 in 17
# microseconds, not 29.
FEW = 16384
# Their inner loops work on 12 rows (24, 48) and on 16 columns (32, 64).
ROWS, MOST_ROWS, COLUMNS = 12, 96, (64, 48, 32, 16)


@lru_cache(maxsize=1)
def reads_small_factors_in_place() -> bool:
    """Return whether NumPy's products run on an OpenBLAS with small-matrix kernels."""
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController().lib_controllers
    return any(getattr(library, "architecture", None) in ARCHITECTURES for library in libraries)


@lru_cache(maxsize=4096)
def blocks(rows: int, inner: int, columns: int, transposed: bool = False) -> tuple[int, int] | None:
    """Return the (rows, columns) of the blocks to cut a product's result into; None to leave it whole.

    Args:
        rows, inner, columns: sizes of the product.
        transposed: whether the right factor's columns, not its rows, lie together.

    >>> product = blocks(1024, 288, 32)
    >>> product in (None, (96, 32))
    True
    """
    if rows * inner * columns <= SMALL or inner == 0 or not reads_small_factors_in_place():
        return None
    if transposed and inner < LONG:
        return None
    for width in (columns, *COLUMNS):
        height = min(SMALL // (inner * width), rows, MOST_ROWS) // ROWS * ROWS
        if transposed:
            height = min(SMALL // (inner * width), rows, TRANSPOSED // width)
        if width <= COLUMNS[0] and columns % width == 0 and height:
            return height, width
    return None


def arranged(b: Array) -> Array:
    """Return a right factor (inner, columns) that many products will share so that its blocks lie together.

    Where products are left whole, any factor is as good whose rows or columns lie together.
    """
    if not reads_small_factors_in_place():
        return b if b.itemsize in b.strides else np.ascontiguousarray(b)
    cut = blocks(1 << 20, *b.shape)
    if cut is None:
        return np.ascontiguousarray(b)
    inner, columns = b.shape
    together = np.ascontiguousarray(b.reshape(inner, columns // cut[1], cut[1]).swapaxes(0, 1))
    return together.swapaxes(0, 1).reshape(inner, columns) if columns == cut[1] else together


def matmul(a: Array, b: Array, out: Array) -> None:
    """Write a @ b into ``out``.

    Args:
        a: (rows, inner), of any strides that BLAS takes, transposed too.
        b: (inner, columns), or what :func:`arranged` made of it.
        out: (rows, columns).
    """
    if b.ndim == 2 and not reads_small_factors_in_place():
        np.matmul(a, b, out=out)
        return
    rows, inner = a.shape
    columns = out.shape[1]
    if b.ndim == 2 and b.strides[0] < b.strides[1] and b.size <= FEW and rows > inner:
        b = np.ascontiguousarray(b)
    cut = blocks(rows, inner, columns, b.ndim == 2 and b.strides[0] < b.strides[1])
    if b.ndim == 3:
        width = b.shape[2]
        height = cut[0] if cut is not None and cut[1] == width else rows
        right = b
    elif cut is None:
        np.matmul(a, b, out=out)
        return
    else:
        height, width = cut
        right = b.reshape(inner, columns // width, width).swapaxes(0, 1)
    whole = rows // height * height if rows else 0
    for start, stop, step in ((0, whole, height), (whole, rows, rows - whole)):
        if stop > start:
            left = a[start:stop].reshape(-1, 1, step, inner)
            result = out[start:stop].reshape(-1, step, columns // width, width).swapaxes(1, 2)
            np.matmul(left, right, out=result)
