"""Affine warps of images, sampled between pixels, and their transpose.

Output pixel (i, j) of image n is read at row ``e i + d j + f`` and column ``b i + a j + c``, for
``transform[n] = (a, b, c, d, e, f)``: between pixels by bilinear weights, or at the nearest pixel. A warp is therefore
a matrix with at most four entries in each row, the same for all channels, and backward multiplies by its transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel

Array = NDArray[Any]

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("reflect", "wrap", "constant", "nearest")
# Pixels whose matrix is made at a time, so that what it is made from stays in cache.
_PIXELS = 65536


def warp_forward(
    x: Array, transform: Array, interpolation: str = "bilinear", fill_mode: str = "constant", fill_value: float = 0.0
) -> Array:
    """Return y, the warped images.

    Args:
        x: (N, H, W, C), float.
        transform: (N, 6), see above; places are computed in its dtype.
        interpolation: one of INTERPOLATIONS; ties of the nearest pixel go away from zero.
        fill_mode: where pixels outside come from, one of FILL_MODES: "reflect" (d c b a | a b c d | d c b a), "wrap"
            (a b c d | a b c d | a b c d), "nearest" (a a a a | a b c d | d d d d), or "constant" for ``fill_value``.
        fill_value: a number.

    >>> x = np.arange(3.0).reshape(1, 1, 3, 1)
    >>> warp_forward(x, np.array([[1, 0, -0.5, 0, 1, 0]]), fill_value=8.0)[0, 0, :, 0].tolist()
    [4.0, 0.5, 1.5]
    """
    height, width, channels = x.shape[1:]
    y = np.empty(x.shape, x.dtype)

    def task(start: int, stop: int) -> None:
        for at in _chunks(start, stop, height * width):
            matrix, inside = _matrix(transform[at], height, width, interpolation, fill_mode, x.dtype)
            values = matrix @ x[at].reshape(-1, channels)
            if inside is not None and fill_value != 0:
                values += (x.dtype.type(fill_value) * (1 - inside))[:, None]
            y[at] = values.reshape(-1, height, width, channels)

    if x.size:
        parallel.run(task, len(x), x.shape[0] * height * width * (0.06 + 0.006 * channels))
    return y


def warp_backward(dy: Array, transform: Array, interpolation: str = "bilinear", fill_mode: str = "constant") -> Array:
    """Return dx: each element of dy goes back to the pixels it was read from, with the same weights.

    >>> dy = np.ones((1, 1, 3, 1))
    >>> warp_backward(dy, np.array([[1, 0, -0.5, 0, 1, 0]]))[0, 0, :, 0].tolist()
    [1.0, 1.0, 0.5]
    """
    height, width, channels = dy.shape[1:]
    dx = np.empty(dy.shape, dy.dtype)

    def task(start: int, stop: int) -> None:
        for at in _chunks(start, stop, height * width):
            matrix, _ = _matrix(transform[at], height, width, interpolation, fill_mode, dy.dtype)
            dx[at] = (matrix.T @ dy[at].reshape(-1, channels)).reshape(-1, height, width, channels)

    if dy.size:
        parallel.run(task, len(dy), dy.shape[0] * height * width * (0.06 + 0.006 * channels))
    return dx


def _chunks(start: int, stop: int, pixels: int) -> list[slice]:
    step = max(1, _PIXELS // pixels)
    return [slice(i, min(i + step, stop)) for i in range(start, stop, step)]


def _matrix(
    transform: Array, height: int, width: int, interpolation: str, fill_mode: str, dtype: Any
) -> tuple[Any, Array | None]:
    """The sparse matrix (pixels, pixels) of the warp of some images, and the sum of each row where it is not 1."""
    from scipy.sparse import csr_matrix

    a, b, c, d, e, f = transform.T[:, :, None, None]
    i, j = np.arange(height, dtype=transform.dtype)[:, None], np.arange(width, dtype=transform.dtype)
    rows = _taps(e * i + d * j + f, height, interpolation, fill_mode)
    columns = _taps(b * i + a * j + c, width, interpolation, fill_mode)
    shape = (len(transform), height, width, len(rows) * len(columns))
    first = (np.arange(len(transform), dtype=np.int32) * (height * width))[:, None, None]
    places, values = np.empty(shape, np.int32), np.empty(shape, dtype)
    for tap, ((row, by_row), (column, by_column)) in enumerate((r, c) for r in rows for c in columns):
        np.add(row * width + first, column, out=places[..., tap])
        np.multiply(by_row, by_column, out=values[..., tap], casting="same_kind")
    pixels = len(transform) * height * width
    ends = np.arange(0, places.size + 1, shape[-1], dtype=np.int32)
    matrix = csr_matrix((values.ravel(), places.ravel(), ends), shape=(pixels, pixels))
    inside = values.reshape(pixels, -1).sum(axis=1) if fill_mode == "constant" else None
    return matrix, inside


def _taps(at: Array, size: int, interpolation: str, fill_mode: str) -> list[tuple[Array, Array]]:
    """Which pixels of a line the places ``at`` read, and how much of each; the others of "constant" with weight 0."""
    if interpolation == "nearest":
        whole = np.trunc(at)
        taps = [(whole + np.sign(at) * (np.abs(at - whole) >= 0.5), np.ones_like(at))]
    else:
        lower = np.floor(at)
        upper = at - lower
        taps = [(lower, 1 - upper), (lower + 1, upper)]
    return [_inside(place.astype(np.int32), weight, size, fill_mode) for place, weight in taps]


def _inside(place: Array, weight: Array, size: int, fill_mode: str) -> tuple[Array, Array]:
    """Bring places beyond the line onto it."""
    if place.min() >= 0 and place.max() < size:
        return place, weight
    if fill_mode == "constant":
        weight = weight * ((place >= 0) & (place < size))
    elif fill_mode == "wrap":
        place = place % size
    elif fill_mode == "reflect":
        place = place % (2 * size)
        place = np.minimum(place, 2 * size - 1 - place)
    return np.clip(place, 0, size - 1), weight
