"""Warps against pixels read one by one, and their backward against the forward as a matrix; contrast and brightness."""

import itertools
import math

import numpy as np
import pytest

from nnlite.kernels import intensity, warp
from nnlite.testing import check_gradients


def place(i, n, fill_mode):
    """The pixel of a line of n that stands at i, or None outside of "constant"; by walking, not by arithmetic."""
    if fill_mode == "constant":
        return i if 0 <= i < n else None
    if fill_mode == "nearest":
        return min(max(i, 0), n - 1)
    period = list(range(n)) if fill_mode == "wrap" else [*range(n), *reversed(range(n))]
    start = -len(period) * 20
    return period[(i - start) % len(period)]


def read(image, row, column, interpolation, fill_mode, fill_value):
    """The value of (H, W) at a place between pixels."""
    height, width = image.shape
    if interpolation == "nearest":
        away = lambda v: int(math.copysign(math.floor(abs(v) + 0.5), v))  # noqa: E731
        corners = [(away(row), away(column), 1.0)]
    else:
        r, c = math.floor(row), math.floor(column)
        corners = [
            (r + u, c + v, (1 - abs(row - r - u)) * (1 - abs(column - c - v)))
            for u, v in itertools.product((0, 1), repeat=2)
        ]
    total = 0.0
    for i, j, weight in corners:
        i, j = place(i, height, fill_mode), place(j, width, fill_mode)
        total += weight * (fill_value if i is None or j is None else image[i, j])
    return total


TRANSFORMS = np.array(
    [
        [1, 0, 0, 0, 1, 0],
        [0.8, -0.6, 2.3, 0.6, 0.8, -1.7],
        [1.9, 0, -1.35, 0, 0.4, 0.9],
        [1, 0, 0.5, 0, 1, -1.5],  # ties of the nearest pixel
        [1, 0, 17.25, 0, 1, -23.5],  # far outside
    ]
)


@pytest.mark.parametrize("interpolation", warp.INTERPOLATIONS)
@pytest.mark.parametrize("fill_mode", warp.FILL_MODES)
@pytest.mark.parametrize("size", [(4, 5), (1, 3)])
def test_warps(interpolation, fill_mode, size):
    height, width = size
    x = np.random.default_rng(0).normal(size=(len(TRANSFORMS), height, width, 2))
    y = warp.warp_forward(x, TRANSFORMS, interpolation, fill_mode, 0.5)
    for n, (a, b, c, d, e, f) in enumerate(TRANSFORMS):
        for i, j, channel in np.ndindex(height, width, 2):
            row, column = e * i + d * j + f, b * i + a * j + c
            expected = read(x[n, :, :, channel], row, column, interpolation, fill_mode, 0.5)
            assert abs(y[n, i, j, channel] - expected) < 1e-12


@pytest.mark.parametrize("interpolation", warp.INTERPOLATIONS)
@pytest.mark.parametrize("fill_mode", warp.FILL_MODES)
def test_warp_backward_is_the_transpose(interpolation, fill_mode):
    transforms = TRANSFORMS[:3]
    shape = (3, 3, 4, 2)
    units = np.eye(math.prod(shape)).reshape(-1, *shape)
    forward = np.stack([warp.warp_forward(u, transforms, interpolation, fill_mode).ravel() for u in units], 1)
    backward = np.stack([warp.warp_backward(u, transforms, interpolation, fill_mode).ravel() for u in units], 1)
    np.testing.assert_allclose(backward, forward.T, atol=1e-12)


def test_warps_in_chunks_equal_warps_one_by_one(monkeypatch):
    rng = np.random.default_rng(0)
    x, transforms = rng.normal(size=(6, 5, 4, 3)), rng.normal(size=(6, 6))
    y, dx = warp.warp_forward(x, transforms, fill_value=0.5), warp.warp_backward(x, transforms)
    monkeypatch.setattr(warp, "_PIXELS", 45)  # two images at a time
    np.testing.assert_array_equal(warp.warp_forward(x, transforms, fill_value=0.5), y)
    np.testing.assert_array_equal(warp.warp_backward(x, transforms), dx)
    for n in range(6):
        np.testing.assert_array_equal(
            warp.warp_forward(x[n : n + 1], transforms[n : n + 1], fill_value=0.5), y[n : n + 1]
        )


def test_large_warps_in_single_precision_on_threads():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 40, 30, 3)).astype("float32")
    transforms = np.tile(TRANSFORMS[1].astype("float32"), (64, 1))
    y = warp.warp_forward(x, transforms, fill_mode="reflect")
    assert y.dtype == np.float32
    np.testing.assert_allclose(
        y, warp.warp_forward(x.astype(float), transforms.astype(float), fill_mode="reflect"), atol=1e-4
    )
    assert warp.warp_forward(x[:0], transforms[:0]).shape == (0, 40, 30, 3)
    assert warp.warp_backward(x[:, :, :, :0], transforms).shape == (64, 40, 30, 0)


def test_contrast():
    rng = np.random.default_rng(0)
    x, dy = rng.uniform(0, 1, (2, 4, 3, 2)), rng.normal(size=(2, 4, 3, 2))
    factor = np.array([1.8, 0.3]).reshape(2, 1, 1, 1)
    y = intensity.contrast_forward(x, factor, (1, 2), 0, 1)
    for n, channel in np.ndindex(2, 2):
        plane = x[n, :, :, channel]
        stretched = (plane - plane.mean()) * factor[n, 0, 0, 0] + plane.mean()
        np.testing.assert_allclose(y[n, :, :, channel], np.minimum(np.maximum(stretched, 0), 1))
    assert (y == 0).any() and (y == 1).any()
    dx = intensity.contrast_backward(dy, x, factor, (1, 2), 0, 1)
    check_gradients(lambda x: float((intensity.contrast_forward(x, factor, (1, 2), 0, 1) * dy).sum()), x, dx)


def test_brightness_and_its_ends():
    x, dy = np.array([-0.6, -0.5, 0.0, 0.5, 0.6]), np.full(5, 8.0)
    half = np.array([0.5])
    np.testing.assert_allclose(intensity.brightness_forward(x, half, 0, 1), [0, 0, 0.5, 1, 1])
    np.testing.assert_array_equal(intensity.brightness_backward(dy, x, half, 0, 1), [0, 4, 8, 4, 0])
    assert intensity.brightness_backward(dy.astype("f4"), x.astype("f4"), half.astype("f4"), 0, 1).dtype == np.float32
