from __future__ import annotations

import numpy as np
import pytest
from kernels import oracles
from kernels.test_conv import Tanh

from nnlite import config
from nnlite.kernels import conv_winograd, conv_winograd_columns
from nnlite.kernels.conv import conv_backward, conv_forward, conv_pool
from nnlite.kernels.conv_winograd import Winograd
from nnlite.kernels.conv_winograd_columns import WinogradColumns
from nnlite.kernels.windows import axes

# batch, height, width, channels, filters, padding
CASES = {
    "whole tiles": (2, 10, 14, 3, 2, "valid"),
    "parts of tiles": (3, 9, 8, 3, 4, "valid"),
    "same": (2, 8, 12, 4, 3, "same"),
    "same, parts of tiles": (3, 7, 9, 2, 5, "same"),
    "one tile": (1, 6, 6, 3, 2, "valid"),
    "smaller than a tile": (2, 3, 4, 3, 2, "valid"),
    "one pixel": (2, 1, 1, 3, 2, "same"),
    "one channel and filter": (2, 9, 5, 1, 1, "valid"),
}


HOW = [Winograd, WinogradColumns]


@pytest.fixture
def direct():
    config.set_winograd(False)
    yield
    config.set_winograd(True)


@pytest.fixture(params=[1, 3])
def threads(request):
    config.set_num_threads(request.param)
    yield request.param
    config.set_num_threads(None)


def make(n, height, width, channels, filters, padding, dtype="float64", how=Winograd):
    rng = np.random.default_rng([n, height, width, channels, filters])
    x = rng.normal(size=(n, height, width, channels)).astype(dtype)
    w = (rng.normal(size=(3, 3, channels, filters)) / np.sqrt(9 * channels)).astype(dtype)
    spatial = axes(padding, (height, width), (3, 3), (1, 1), (1, 1))
    return rng, x, w, how(spatial, channels, filters, dtype)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("chunk", [1, 1 << 20], ids=["image by image", "together"])
@pytest.mark.parametrize("case", CASES)
def test_tiles_give_what_the_loops_give(case, chunk, how, monkeypatch):
    for module in (conv_winograd, conv_winograd_columns):
        monkeypatch.setattr(module, "CHUNK", chunk)
    rng, x, w, how = make(*CASES[case], how=how)
    padding = CASES[case][-1]
    u = how.transformed(w)
    y = np.full((len(x), *how.out, w.shape[-1]), np.nan)
    seen = []
    how.forward(slice(0, len(x)), x, u, y, lambda part: seen.append(part.stop - part.start))
    assert sum(seen) == len(x) and len(seen) == (len(x) if chunk == 1 else 1)
    wanted = oracles.conv(x, w, np.zeros(w.shape[-1]), 1, padding, 1, 1)
    np.testing.assert_allclose(y, wanted, rtol=0, atol=1e-12)
    if min(how.out) > 1:
        pooled = np.full((len(x), how.out[0] // 2, how.out[1] // 2, w.shape[-1]), np.nan)
        how.forward(slice(0, len(x)), x, u, pooled, lambda part: None, pool=True)
        even = wanted[:, : wanted.shape[1] // 2 * 2, : wanted.shape[2] // 2 * 2]
        largest = even.reshape(*pooled.shape[:2], 2, pooled.shape[2], 2, -1).max((2, 4))
        np.testing.assert_allclose(pooled, largest, rtol=0, atol=1e-12)

    dy = rng.normal(size=y.shape)
    dx = np.full(x.shape, np.nan)
    du, db = how.backward(slice(0, len(x)), x, how.transformed_back(w, u), dx, lambda part, out: dy[part])
    for got, wanted in zip(
        (dx, how.kernel_gradient(du), db), oracles.conv_gradients(dy, x, w, 1, padding, 1, 1), strict=True
    ):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-11)


@pytest.mark.parametrize("how", HOW)
def test_a_last_chunk_of_fewer_images_takes_nothing_from_the_one_before(how, monkeypatch):
    for module in (conv_winograd, conv_winograd_columns):
        monkeypatch.setattr(
            module, "CHUNK", 3 * how(axes("same", (7, 6), (3, 3), (1, 1), (1, 1)), 2, 3, "float64").bytes
        )
    rng, x, w, how = make(7, 7, 6, 2, 3, "same", how=how)
    assert how.images == 3
    dy, dx = rng.normal(size=(7, 7, 6, 3)), np.empty(x.shape)
    u = how.transformed_back(w, how.transformed(w))
    du, db = how.backward(slice(0, 7), x, u, dx, lambda part, out: dy[part])
    wanted = oracles.conv_gradients(dy, x, w, 1, "same", 1, 1)
    for got, want in zip((dx, how.kernel_gradient(du), db), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-11)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("channels", "filters", "how"),
    [(96, 128, Winograd), (128, 96, Winograd), (24, 32, WinogradColumns), (32, 24, WinogradColumns)],
)
def test_convolutions_that_gain_use_it_and_agree_with_the_direct_sum(
    channels, filters, how, padding, threads, monkeypatch
):
    for module in (conv_winograd, conv_winograd_columns):
        monkeypatch.setattr(module, "CHUNK", 1 << 18)  # several chunks
    size = (13, 15) if how is Winograd else (25, 23)
    rng, x, w, _ = make(7, *size, channels, filters, padding, "float32")
    b = rng.normal(size=filters).astype("float32")
    exact, direct = conv_forward(x.astype("float64"), w, b, padding=padding, activation=Tanh())
    y, cache = conv_forward(x, w, b, padding=padding, activation=Tanh())
    assert direct.tiled is None and type(cache.tiled) is how
    assert y.dtype == np.float32
    error = 1.2e-5 if how is Winograd else 8e-6  # the largest sum is about 5
    assert abs(y - exact).max() < error
    dy = rng.normal(size=y.shape).astype("float32")
    for got, wanted in zip(conv_backward(dy, cache), conv_backward(dy, direct), strict=True):
        assert got.dtype == np.float32
        assert abs(got - wanted).max() < 3e-6 * abs(wanted).max()
    whole = exact[:, : exact.shape[1] // 2 * 2, : exact.shape[2] // 2 * 2]
    largest = whole.reshape(7, exact.shape[1] // 2, 2, exact.shape[2] // 2, 2, -1).max((2, 4))
    assert abs(conv_pool(x, w, b, padding=padding, activation=Tanh()) - largest).max() < error
    no_dx, dw, _ = conv_backward(dy, cache, input_grad=False)
    assert no_dx is None
    np.testing.assert_array_equal(dw, conv_backward(dy, cache)[1])


@pytest.mark.parametrize(("how", "times"), [(Winograd, 3), (WinogradColumns, 2.3)])
def test_the_error_is_a_few_times_that_of_the_direct_sum(how, times, direct):
    _, x, w, how = make(4, 16, 16, 64, 64, "same", "float32", how)
    exact = conv_forward(x.astype("float64"), w, padding="same")[0]
    plain = conv_forward(x, w, padding="same")[0]
    y = np.empty_like(plain)
    how.forward(slice(0, len(x)), x, how.transformed(w), y, lambda part: None)
    largest = abs(exact).max()
    assert abs(y - exact).max() < 2e-6 * largest
    assert np.sqrt(np.mean((y - exact) ** 2)) < times * np.sqrt(np.mean((plain - exact) ** 2))


def test_it_can_be_switched_off(direct):
    _, x, w, _ = make(4, 16, 16, 64, 64, "same", "float32")
    assert conv_forward(x, w, padding="same")[1].tiled is None


@pytest.mark.parametrize("channels", [16, 128])
def test_a_switch_between_forward_and_backward_changes_nothing(channels):
    rng, x, w, _ = make(4, 16, 16, channels, channels, "same", "float32")
    y, cache = conv_forward(x, w, padding="same")
    dy = rng.normal(size=y.shape).astype("float32")
    before = conv_backward(dy, cache)
    config.set_winograd(False)
    try:
        after = conv_backward(dy, cache)
    finally:
        config.set_winograd(True)
    for one, other in zip(before[:2], after[:2], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("side", "channels", "filters", "padding", "how"),
    [
        (32, 16, 16, "same", WinogradColumns),
        (32, 32, 32, "same", WinogradColumns),
        (8, 16, 16, "same", WinogradColumns),
        (8, 64, 128, "same", Winograd),
        (16, 64, 64, "same", Winograd),
        (13, 32, 64, "valid", Winograd),
        (32, 3, 16, "same", None),
        (32, 3, 32, "same", None),
        (28, 1, 32, "valid", None),
    ],
)
def test_the_faster_one_is_chosen(side, channels, filters, padding, how):
    x, w = np.zeros((64, side, side, channels), "float32"), np.zeros((3, 3, channels, filters), "float32")
    tiled = conv_forward(x, w, padding=padding)[1].tiled
    assert tiled is None if how is None else type(tiled) is how


@pytest.mark.parametrize(
    ("shape", "kernel", "options"),
    [
        ((8, 16, 16, 64), (3, 3, 64, 64), {"strides": 2}),
        ((8, 16, 16, 64), (3, 3, 64, 64), {"dilation": 2}),
        ((8, 16, 16, 64), (3, 3, 32, 64), {"groups": 2}),
        ((8, 16, 16, 64), (5, 5, 64, 64), {}),
        ((8, 16, 16, 64), (1, 3, 64, 64), {}),
        ((8, 16, 64), (3, 64, 64), {}),
        ((8, 16, 16, 4), (3, 3, 4, 64), {}),
        ((8, 4, 4, 64), (3, 3, 64, 64), {}),
        ((8, 300, 300, 32), (3, 3, 32, 32), {}),
    ],
    ids=["strided", "dilated", "groups", "5x5", "1x3", "1d", "few channels", "mostly padding", "large image"],
)
def test_other_convolutions_do_not(shape, kernel, options):
    x, w = np.zeros(shape, "float32"), np.zeros(kernel, "float32")
    assert conv_forward(x, w, **options)[1].tiled is None


@pytest.mark.parametrize("channels", [16, 128])
def test_nan_stays_within_its_image_and_near_its_place(channels):
    _, x, w, _ = make(4, 20, 20, channels, channels, "same", "float32")
    clean, cache = conv_forward(x, w, padding="same")
    assert cache.tiled is not None
    x[1, 3, 4, 5] = np.nan
    y = conv_forward(x, w, padding="same")[0]
    spread = np.isnan(y)
    assert spread[1, 2:5, 3:6].all()
    assert not spread[[0, 2, 3]].any() and not spread[1, 9:].any() and not spread[1, :, 10:].any()
    np.testing.assert_array_equal(y[~spread], clean[~spread])


@pytest.mark.parametrize(("channels", "filters"), [(32, 24), (96, 128)])
def test_any_layout_and_read_only_arrays(channels, filters):
    rng, x, w, _ = make(4, 23, 23, channels, filters, "valid", "float32")
    y, cache = conv_forward(x, w)
    assert cache.tiled is not None
    dy = rng.normal(size=y.shape).astype("float32")
    wanted = conv_backward(dy, cache)
    strange_x, strange_w = np.asfortranarray(x), np.asfortranarray(w)
    strange_dy = dy[:, ::-1].copy()[:, ::-1]
    for array in (strange_x, strange_w, strange_dy):
        array.flags.writeable = False
    again, cache = conv_forward(strange_x, strange_w)
    np.testing.assert_array_equal(again, y)
    for got, want in zip(conv_backward(strange_dy, cache)[:2], wanted[:2], strict=True):
        np.testing.assert_array_equal(got, want)
