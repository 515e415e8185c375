"""Plans for a few samples: against the naive definitions, for every way that a shape can choose."""

import threading

import numpy as np
import pytest
from kernels import oracles

from nnlite import config
from nnlite.kernels import few, memory
from nnlite.kernels.elementwise import LONG, not_below_zero
from nnlite.kernels.few_depthwise import depthwise_plan
from nnlite.kernels.windows import axes

# name: shape of x, filters, kernel, strides, padding, dilation
CONVOLUTIONS = {
    "planes": ((1, 16, 17, 1), 5, (3, 3), (1, 1), "same", (1, 1)),
    "planes, images": ((3, 15, 16, 3), 5, (3, 3), (1, 1), "valid", (1, 1)),
    "windows, scaled kernel": ((1, 9, 10, 7), 4, (3, 2), (1, 1), "same", (1, 1)),
    "windows, few places": ((2, 4, 3, 13), 6, (3, 3), (1, 1), "same", (1, 1)),
    "parts of an image": ((1, 40, 33, 17), 3, (3, 3), (1, 1), "valid", (1, 1)),
    "parts of each image": ((2, 41, 32, 16), 3, (3, 3), (1, 1), "same", (1, 1)),
    "some images at a time": ((4, 20, 20, 14), 3, (3, 3), (1, 1), "same", (1, 1)),
    "strides": ((2, 9, 8, 16), 5, (3, 3), (2, 3), "same", (1, 1)),
    "dilation": ((1, 9, 8, 5), 5, (3, 2), (1, 1), "same", (2, 3)),
    "one axis, causal": ((2, 11, 6), 4, (3,), (1,), "causal", (2,)),
    "three axes": ((1, 4, 5, 6, 3), 4, (2, 2, 3), (1, 1, 1), "same", (1, 1, 1)),
    "points": ((2, 8, 8, 6), 4, (1, 1), (1, 1), "same", (1, 1)),
    "points, few": ((1, 3, 1, 70), 9, (1, 1), (1, 1), "valid", (1, 1)),
    "points, strides": ((1, 5, 4, 6), 4, (1, 1), (2, 2), "same", (1, 1)),
}


def made(name, dtype, shifts=True, pool=None):
    shape, filters, kernel, strides, padding, dilation = CONVOLUTIONS[name]
    spatial = axes(padding, shape[1:-1], kernel, strides, dilation)
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(dtype)
    w = rng.normal(size=(*kernel, shape[-1], filters)).astype(dtype)
    scale, shift = rng.normal(size=(2, filters)).astype(dtype)
    expected = oracles.conv(x, w, np.zeros(filters), strides, padding, dilation, 1)
    return few.conv_plan(shape, spatial, filters, dtype, shifts, pool), x, w, scale, shift, expected


def close(y, expected, dtype):
    assert y.dtype == dtype and y.shape == expected.shape and y.flags.c_contiguous
    np.testing.assert_allclose(
        y, expected, rtol=0, atol=(2e-6 if dtype == "float32" else 1e-14) * np.abs(expected).max()
    )


@pytest.fixture
def threads():
    """A function that sets the number of threads, for the test."""
    before = config.get_num_threads()
    yield config.set_num_threads
    config.set_num_threads(before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_with_scale_and_shift(name, dtype):
    correlate, x, w, scale, shift, expected = made(name, dtype)
    given = [a.copy() for a in (x, w, scale, shift)]
    for _ in range(2):
        memory.scratch((1000,), dtype, 1)[0].fill(np.nan)  # nobody's memory
        close(correlate(x, w, scale, shift), expected * scale + shift, dtype)
        close(correlate(x, w, None, shift), expected + shift, dtype)
    for array, before in zip((x, w, scale, shift), given, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_without_shift(name):
    correlate, x, w, scale, _, expected = made(name, "float64", shifts=False)
    close(correlate(x, w, None, None), expected, "float64")
    close(correlate(x, w, scale, None), expected * scale, "float64")


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("name", [name for name in CONVOLUTIONS if "points" not in name])
def test_largest_of_neighbours(name, size):
    """Of axes too short for windows of that size, of single ones."""
    whole = made(name, "float64")[-1]
    pool = tuple(min(size, n) if i else max(1, min(size, n) - 1) for i, n in enumerate(whole.shape[1:-1]))
    for shifts in (True, False):
        correlate, x, w, scale, shift, expected = made(name, "float64", shifts, pool)
        for one in (scale, None):
            y = expected if one is None else expected * one
            y = oracles.max_pool(y, pool, pool, "valid")
            for _ in range(2):
                memory.scratch((1000,), "float64", 1)[0].fill(np.nan)
                close(correlate(x, w, one, shift if shifts else None), y + shift if shifts else y, "float64")


def test_convolutions_of_any_strides_of_memory():
    for name in ("planes, images", "windows, scaled kernel"):
        correlate, x, w, scale, shift, expected = made(name, "float64")
        close(correlate(np.asfortranarray(x), w, scale, shift), expected * scale + shift, "float64")


def test_scratch_too_large_to_keep(threads, monkeypatch):
    threads(2)
    monkeypatch.setattr(memory, "LARGEST_SCRATCH", 1000)
    correlate, x, w, scale, shift, expected = made("windows, scaled kernel", "float64")
    for _ in range(2):
        close(correlate(x, w, scale, shift), expected * scale + shift, "float64")


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_large_results_in_recycled_memory(name, monkeypatch):
    monkeypatch.setattr(few, "LARGE", 0)
    monkeypatch.setattr(memory, "SMALLEST", 0)
    correlate, x, w, scale, shift, expected = made(name, "float32")
    ys = [correlate(x, w, scale, shift) for _ in range(3)]
    for y in ys:
        close(y, expected * scale + shift, "float32")


def test_one_thread_alone_has_plans_for_more(threads, monkeypatch):
    threads(1)
    for name in ("MOST", "LARGEST", "DIRECT"):
        monkeypatch.setattr(few, name, 0)
    correlate, x, w, scale, shift, expected = made("windows, scaled kernel", "float64")
    close(correlate(x, w, scale, shift), expected * scale + shift, "float64")
    threads(2)
    assert made("windows, scaled kernel", "float64")[0] is None
    threads(1)
    monkeypatch.setattr(memory, "LARGEST_SCRATCH", 100)
    assert made("windows, scaled kernel", "float64")[0] is None


def test_winograd_beyond_little_work(threads, monkeypatch):
    threads(1)
    spatial = axes("same", (32, 32), (3, 3), (1, 1), (1, 1))
    assert few.conv_plan((2, 32, 32, 64), spatial, 64, "float32") is None
    assert few.conv_plan((2, 32, 32, 64), spatial, 64, "float64") is not None
    monkeypatch.setattr(few, "DIRECT", 1 << 40)
    assert few.conv_plan((2, 32, 32, 64), spatial, 64, "float32") is not None


def test_one_plan_in_many_threads():
    correlate, x, w, scale, shift, _ = made("parts of an image", "float32")
    inputs = [x * (i + 1) for i in range(4)]
    expected = [correlate(one, w, scale, shift) for one in inputs]
    equal = []

    def work(i):
        equal.append(all(np.array_equal(correlate(inputs[i], w, scale, shift), expected[i]) for _ in range(20)))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [True] * 4


@pytest.mark.parametrize("rows, columns", [(1, 3), (7, 5), (1024, 32), (676, 32), (12, 3000)])
def test_a_vector_is_added_to_each_row(rows, columns):
    y = np.arange(float(rows * columns)).reshape(rows, columns)
    vector, expected = np.arange(columns) + 0.5, y + np.arange(columns) + 0.5
    few.add_to_rows(y, vector, few.repeats(rows, columns))
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("shape", [(), (0, 3), (3, 5), (50, 7), (LONG + 1, 2), (LONG, 3), (2 * LONG + 1,)])
def test_what_is_below_zero_becomes_zero(shape):
    x = np.random.default_rng(0).normal(size=shape)
    expected = np.where(x > 0, x, 0)
    np.testing.assert_array_equal(not_below_zero(x, np.empty_like(x)), expected)
    if x.ndim == 2:
        np.testing.assert_array_equal(not_below_zero(x.T, np.empty(x.T.shape)), expected.T)
    assert not_below_zero(x, x) is x
    np.testing.assert_array_equal(x, expected)


# shape of x, multiplier, kernel, strides, padding, dilation
DEPTHWISE = {
    "rows": ((1, 9, 10, 7), 1, (3, 2), (1, 1), "same", (1, 1)),
    "images, filters": ((3, 8, 5, 3), 2, (3, 3), (1, 1), "same", (1, 1)),
    "strides": ((2, 9, 8, 16), 1, (3, 3), (2, 3), "same", (1, 1)),
    "strides, filters": ((1, 9, 8, 5), 3, (2, 3), (1, 2), "valid", (1, 1)),
    "dilation": ((1, 9, 8, 5), 1, (3, 2), (1, 1), "same", (2, 3)),
    "one axis, no padding": ((2, 11, 6), 1, (3,), (1,), "valid", (2,)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DEPTHWISE)
def test_depthwise_with_scale_and_shift(name, dtype):
    shape, multiplier, kernel, strides, padding, dilation = DEPTHWISE[name]
    channels = shape[-1]
    spatial = axes(padding, shape[1:-1], kernel, strides, dilation)
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=shape).astype(dtype), rng.normal(size=(*kernel, channels, multiplier)).astype(dtype)
    scale, shift = rng.normal(size=(2, channels * multiplier)).astype(dtype)
    single = [
        oracles.conv(x[..., c : c + 1], w[..., c : c + 1, :], np.zeros(multiplier), strides, padding, dilation, 1)
        for c in range(channels)
    ]
    expected = np.concatenate(single, -1)
    correlate = depthwise_plan(shape, spatial, multiplier, dtype)
    for _ in range(2):
        memory.scratch((1000,), dtype, 1)[0].fill(np.nan)
        close(correlate(x, w, scale, shift), expected * scale + shift, dtype)
        close(correlate(x, w, None, None), expected, dtype)


def test_large_depthwise_has_no_plan(threads):
    threads(2)
    assert depthwise_plan((1, 300, 300, 4), axes("same", (300, 300), (3, 3), (1, 1), (1, 1)), 1, "float32") is None
    threads(1)
    assert depthwise_plan((1, 300, 300, 4), axes("same", (300, 300), (3, 3), (1, 1), (1, 1)), 1, "float32") is not None
    assert depthwise_plan((9, 300, 300, 4), axes("same", (300, 300), (3, 3), (1, 1), (1, 1)), 1, "float32") is None
