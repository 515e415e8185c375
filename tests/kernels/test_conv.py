from __future__ import annotations

import numpy as np
import pytest
from kernels import oracles

from nnlite import activations, config
from nnlite.kernels import conv, conv_maps, gemm, parallel
from nnlite.kernels.conv import conv_backward, conv_forward, conv_pool

# batch, spatial sizes, kernel, channels, filters, options
CASES = {
    "1d": (3, (11,), (3,), 5, 4, {}),
    "1d same": (2, (10,), (4,), 3, 2, {"padding": "same"}),
    "1d causal": (2, (9,), (3,), 8, 7, {"padding": "causal"}),
    "1d causal dilated": (2, (12,), (3,), 4, 5, {"padding": "causal", "dilation": 4}),
    "1d strided": (2, (13,), (5,), 6, 3, {"strides": 3}),
    "1d causal strided": (2, (13,), (5,), 6, 3, {"padding": "causal", "strides": 2}),
    "1d one channel": (3, (20,), (7,), 1, 4, {"padding": "same"}),
    "1d kernel longer than the input": (2, (3,), (5,), 4, 2, {"padding": "same"}),
    "2d": (2, (7, 6), (3, 3), 8, 5, {}),
    "2d same": (3, (6, 7), (3, 3), 9, 8, {"padding": "same"}),
    "2d same even kernel": (2, (5, 6), (2, 4), 8, 8, {"padding": "same"}),
    "2d wide kernel": (2, (8, 9), (5, 7), 8, 3, {"padding": "same"}),
    "2d one channel": (2, (8, 7), (3, 3), 1, 6, {}),
    "2d one channel same": (2, (8, 7), (3, 3), 1, 6, {"padding": "same"}),
    "2d one channel strided": (2, (8, 9), (3, 3), 1, 6, {"padding": "same", "strides": 2}),
    "2d three channels same": (2, (9, 8), (3, 3), 3, 4, {"padding": "same"}),
    "2d three channels strided": (2, (11, 9), (5, 3), 3, 4, {"padding": "same", "strides": 2}),
    "2d one filter": (2, (7, 6), (3, 3), 8, 1, {"padding": "same"}),
    "2d one channel, one filter": (2, (7, 6), (3, 2), 1, 1, {"padding": "same"}),
    "2d strided": (2, (9, 8), (3, 3), 8, 4, {"strides": 2}),
    "2d strided same": (2, (9, 8), (3, 3), 8, 4, {"padding": "same", "strides": (2, 3)}),
    "2d stride beyond the kernel": (2, (9, 10), (2, 2), 5, 4, {"strides": 3}),
    "2d dilated": (2, (9, 8), (3, 2), 8, 4, {"dilation": (2, 3)}),
    "2d dilated same": (2, (9, 8), (3, 3), 8, 4, {"padding": "same", "dilation": 2}),
    "2d dilated along rows only": (2, (9, 8), (3, 3), 8, 4, {"padding": "same", "dilation": (2, 1)}),
    "2d groups": (2, (6, 7), (3, 3), 6, 9, {"padding": "same", "groups": 3}),
    "2d groups strided": (2, (7, 7), (3, 3), 8, 4, {"strides": 2, "groups": 2}),
    "2d groups, one channel each": (2, (6, 5), (3, 3), 4, 8, {"groups": 4}),
    "2d pointwise": (2, (5, 4), (1, 1), 8, 6, {}),
    "2d pointwise strided": (2, (5, 4), (1, 1), 8, 6, {"strides": 2, "padding": "same"}),
    "2d pointwise groups": (2, (5, 4), (1, 1), 8, 6, {"groups": 2}),
    "2d row kernel": (2, (6, 7), (1, 3), 8, 5, {"padding": "same"}),
    "2d column kernel": (2, (6, 7), (3, 1), 8, 5, {"padding": "same"}),
    "2d kernel covers the input": (2, (4, 3), (4, 3), 8, 5, {}),
    "2d one pixel": (2, (1, 1), (3, 3), 8, 5, {"padding": "same"}),
    "2d batch of one": (1, (6, 5), (3, 3), 8, 5, {"padding": "same"}),
    "2d one of everything": (1, (1, 1), (1, 1), 1, 1, {}),
    "1d few filters": (3, (11,), (3,), 32, 2, {"padding": "same"}),
    "1d few filters causal dilated": (2, (12,), (3,), 16, 1, {"padding": "causal", "dilation": 4}),
    "1d few filters, kernel longer than the input": (2, (3,), (5,), 16, 1, {"padding": "same"}),
    "2d few filters": (3, (7, 6), (3, 3), 33, 2, {}),
    "2d few filters same": (2, (6, 7), (3, 2), 16, 1, {"padding": "same"}),
    "2d few filters strided": (3, (9, 8), (3, 3), 70, 1, {"padding": "same", "strides": 2}),
    "2d few filters, stride beyond the kernel": (2, (9, 10), (2, 2), 150, 1, {"strides": 3}),
    "3d few filters": (2, (3, 4, 5), (3, 2, 3), 48, 3, {"padding": "same"}),
    "3d": (2, (4, 5, 4), (2, 3, 2), 4, 3, {}),
    "3d same": (2, (3, 4, 5), (3, 2, 3), 8, 3, {"padding": "same"}),
    "3d strided": (1, (5, 4, 5), (2, 2, 3), 2, 3, {"padding": "same", "strides": (2, 1, 2)}),
}


def make(case, dtype="float64", batch=None):
    n, sizes, kernel, channels, filters, options = CASES[case]
    rng = np.random.default_rng(list(case.encode()))
    x = rng.normal(size=(n if batch is None else batch, *sizes, channels)).astype(dtype)
    w = rng.normal(size=(*kernel, channels // options.get("groups", 1), filters)).astype(dtype)
    return x, w, rng.normal(size=filters).astype(dtype), options, rng


def by_loops(options):
    return {"strides": 1, "padding": "valid", "dilation": 1, "groups": 1} | options


class Tanh:
    """An activation as kernels take it."""

    keeps = "y"
    elementwise = True

    def forward(self, x, out=None):
        return np.tanh(x, out=out)

    def backward(self, dy, y, out=None):
        return np.multiply(dy, 1 - y * y, out=out)


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    config.set_num_threads(request.param)
    yield request.param
    config.set_num_threads(None)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_forward_and_gradients_are_those_of_the_loops(case, dtype):
    x, w, b, options, rng = make(case, dtype)
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    y, cache = conv_forward(x, w, b, **options)
    wanted = oracles.conv(x, w, b, **by_loops(options))
    assert y.dtype == dtype and y.shape == wanted.shape
    np.testing.assert_allclose(y, wanted, rtol=0, atol=tolerance * (1 + abs(wanted).max()))
    dy = rng.normal(size=y.shape).astype(dtype)
    for got, want in zip(conv_backward(dy, cache), oracles.conv_gradients(dy, x, w, **by_loops(options)), strict=True):
        assert got.dtype == dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * (1 + abs(want).max()))


@pytest.mark.parametrize("chunk", [1, 10**9])
@pytest.mark.parametrize("case", [name for name in CASES if name[:2] == "2d" and "groups" not in CASES[name][-1]])
def test_largest_of_two_by_two_are_those_of_the_loops(case, chunk, threads, monkeypatch):
    monkeypatch.setattr(conv, "CHUNK", chunk)
    monkeypatch.setattr(parallel, "WORTH_THREADS", 0)
    x, w, b, options, _ = make(case, batch=5)
    z = oracles.conv(x, w, b, **by_loops(options))
    rows, columns = z.shape[1] // 2, z.shape[2] // 2
    wanted = np.tanh(z)[:, : 2 * rows, : 2 * columns].reshape(5, rows, 2, columns, 2, len(b)).max((2, 4))
    np.testing.assert_allclose(conv_pool(x, w, b, activation=Tanh(), **options), wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.tanh(conv_pool(x, w, **options) + b), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", ["1d causal", "2d same", "2d three channels same", "2d strided", "2d groups", "3d"])
def test_gradients_agree_with_central_differences(case):
    x, w, b, options, rng = make(case)
    y, cache = conv_forward(x, w, b, activation=Tanh(), **options)
    dy = rng.normal(size=y.shape)
    arguments = [x, w, b]
    for which, gradient in enumerate(conv_backward(dy, cache)):
        direction = rng.normal(size=gradient.shape)

        def loss(step, which=which, direction=direction):
            moved = [a + step * direction if i == which else a for i, a in enumerate(arguments)]
            return np.sum(dy * conv_forward(*moved, activation=Tanh(), **options)[0])

        numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5
        assert np.sum(gradient * direction) == pytest.approx(numeric, rel=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_any_number_of_threads_agrees_to_rounding_and_repeats_bit_for_bit(case, monkeypatch):
    monkeypatch.setattr("nnlite.kernels.parallel.WORTH_THREADS", 0.0)
    x, w, b, options, _ = make(case, "float32", batch=5)
    results = []
    for count in (1, 2, 3):
        config.set_num_threads(count)
        try:
            runs = []
            for _ in range(2):
                y, cache = conv_forward(x, w, b, activation=Tanh(), **options)
                dy = np.cos(np.arange(y.size, dtype=y.dtype)).reshape(y.shape)
                runs.append([y, *conv_backward(dy, cache)])
            for first, second in zip(*runs, strict=True):
                np.testing.assert_array_equal(first, second)
            results.append(runs[0])
        finally:
            config.set_num_threads(None)
    for other in results[1:]:
        for got, want in zip(other, results[0], strict=True):
            np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * (1 + abs(want).max()))


@pytest.mark.parametrize("case", CASES)
def test_small_chunks_and_bands_give_the_same(case, monkeypatch):
    x, w, b, options, rng = make(case, batch=3)
    y, cache = conv_forward(x, w, b, activation=Tanh(), **options)
    dy = rng.normal(size=y.shape)
    whole = [y, *conv_backward(dy, cache)]
    monkeypatch.setattr("nnlite.kernels.conv.CHUNK", 1)
    y, cache = conv_forward(x, w, b, activation=Tanh(), **options)
    for got, want in zip([y, *conv_backward(dy, cache)], whole, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * (1 + abs(want).max()))


@pytest.mark.parametrize("case", CASES)
def test_an_empty_batch(case, threads):
    x, w, b, options, _ = make(case, "float32", batch=0)
    y, cache = conv_forward(x, w, b, activation=Tanh(), **options)
    assert y.shape == (0, *conv_forward(np.ones((1, *x.shape[1:]), "f"), w, **options)[0].shape[1:])
    dx, dw, db = conv_backward(y, cache)
    assert dx.shape == x.shape and dw.shape == w.shape and db.shape == b.shape
    assert not dw.any() and not db.any()


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("channels", "filters"), [(24, 64), (3, 70), (40, 100), (1, 128)])
def test_sizes_whose_products_are_cut_into_blocks(channels, filters, padding, small, monkeypatch):
    monkeypatch.setattr(gemm, "reads_small_factors_in_place", lambda: small)
    gemm.blocks.cache_clear()
    try:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(5, 15, 14, channels)).astype("f")
        w, b = rng.normal(size=(3, 3, channels, filters)).astype("f"), rng.normal(size=filters).astype("f")
        y, cache = conv_forward(x, w, b, padding=padding, activation=Tanh())
        exact, exact_cache = conv_forward(*(a.astype(float) for a in (x, w, b)), padding=padding, activation=Tanh())
        np.testing.assert_allclose(exact, np.tanh(oracles.conv(x, w, b, 1, padding, 1, 1)), rtol=0, atol=1e-12)
        np.testing.assert_allclose(y, exact, rtol=0, atol=1e-4)
        dy = rng.normal(size=y.shape).astype("f")
        wanted = oracles.conv_gradients(dy * (1 - exact**2), x, w, 1, padding, 1, 1)
        for got, close, want in zip(conv_backward(dy, cache), conv_backward(dy, exact_cache), wanted, strict=True):
            np.testing.assert_allclose(close, want, rtol=0, atol=1e-12 * abs(want).max())
            np.testing.assert_allclose(got, want, rtol=0, atol=2e-4 * abs(want).max())
    finally:
        gemm.blocks.cache_clear()


@pytest.mark.parametrize("case", ["1d", "2d same", "2d one channel", "2d strided", "2d pointwise", "2d groups"])
def test_any_memory_layout_and_byte_order(case):
    x, w, b, options, rng = make(case, "float32")
    y, cache = conv_forward(x, w, b, **options)
    dy = rng.normal(size=y.shape).astype("float32")
    wanted = [y, *conv_backward(dy, cache)]

    def strided(a):
        return np.repeat(a, 2, axis=-1)[..., ::2]

    def transposed(a):
        return np.ascontiguousarray(np.moveaxis(a, -1, 1 if a.ndim > 1 else 0)).swapaxes(1, -1) if a.ndim == 3 else a

    def frozen(a):
        a = a.copy()
        a.flags.writeable = False
        return a

    def reversed_(a):
        return np.ascontiguousarray(a[::-1])[::-1]

    for change in (strided, transposed, frozen, reversed_, lambda a: a.astype(">f4"), np.asfortranarray):
        y, cache = conv_forward(change(x), change(w), change(b), **options)
        for got, want in zip([y, *conv_backward(change(dy), cache)], wanted, strict=True):
            assert got.dtype == np.float32 and got.dtype.isnative
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * (1 + abs(want).max()))


@pytest.mark.parametrize("case", CASES)
def test_nothing_given_is_written_and_nothing_returned_is_shared(case):
    x, w, b, options, rng = make(case)
    before = [a.copy() for a in (x, w, b)]
    y, cache = conv_forward(x, w, b, activation=Tanh(), **options)
    dy = rng.normal(size=y.shape)
    y_copy, dy_copy = y.copy(), dy.copy()
    first = conv_backward(dy, cache)
    kept = [a.copy() for a in first]
    again, _ = conv_forward(x * 2, w, b, activation=Tanh(), **options)
    second = conv_backward(dy * 3, cache)
    for now, then in zip((x, w, b, y, dy, *first), (*before, y_copy, dy_copy, *kept), strict=True):
        np.testing.assert_array_equal(now, then)
    results = [y, again, *first, *second]
    for i, one in enumerate(results):
        assert not any(np.shares_memory(one, other) for other in [x, w, b, dy, *results[:i]])


def test_gradients_that_nobody_wants_are_not_made():
    x, w, _, options, _ = make("2d same")
    y, cache = conv_forward(x, w, **options)
    dx, dw, db = conv_backward(y, cache, input_grad=False)
    assert dx is None and db is None
    # Summed in another order: windows of dz serve both gradients, windows of x the kernel's alone.
    np.testing.assert_allclose(dw, conv_backward(y, cache)[1], rtol=1e-12, atol=1e-12)


def test_nan_and_infinity_reach_only_the_windows_that_cover_them():
    x, w, b, options, _ = make("2d same", "float32", batch=1)
    clean, _ = conv_forward(x, w, b, **options)
    x[0, 3, 3, 0] = np.nan
    y, _ = conv_forward(x, w, b, **options)
    hit = np.isnan(y).any(-1)[0]
    assert hit.sum() == 9 and hit[2:5, 2:5].all()
    np.testing.assert_array_equal(y[0][~hit], clean[0][~hit])


@pytest.mark.parametrize(
    ("x", "w", "options", "message"),
    [
        ((2, 5, 5, 3), (3, 3, 4, 8), {}, r"x has 3 channels, but w of shape \(3, 3, 4, 8\) with groups=1 takes 4"),
        ((2, 5, 5, 4), (3, 3, 2, 6), {"groups": 4}, r"groups \(4\) must divide the channels \(4\) and filters \(6\)"),
        ((2, 5, 5), (3, 3, 5, 8), {}, r"as many spatial axes, got shapes \(2, 5, 5\) and \(3, 3, 5, 8\)"),
        ((2, 2, 5, 3), (3, 3, 3, 8), {}, "size 2 is shorter than the window, which spans 3"),
        ((2, 5, 5, 3), (3, 3, 3, 8), {"padding": "causal"}, "'causal' is for one spatial axis"),
        ((2, 5, 5, 3), (3, 3, 3, 8), {"strides": (1, 2, 3)}, r"strides: got \(1, 2, 3\), expected one number or 2"),
        ((2, 5, 5, 3), (3, 3, 3, 8), {"b": np.zeros(3)}, r"b must have shape \(8,\), one number a filter, got \(3,\)"),
    ],
)
def test_errors_say_what_came_and_what_was_expected(x, w, options, message):
    with pytest.raises(ValueError, match=message):
        conv_forward(np.zeros(x), np.zeros(w), **options)


@pytest.mark.parametrize("chunk", [1, 2 * 9 * 7 * 6 * 8, 10**6])
@pytest.mark.parametrize("filters", [1, 2])
def test_few_filters_are_maps_summed_a_few_images_at_a_time(chunk, filters, monkeypatch):
    monkeypatch.setattr(conv_maps, "CHUNK", chunk)
    rng, done = np.random.default_rng(0), []
    forward = conv_maps.Maps.forward
    monkeypatch.setattr(conv_maps.Maps, "forward", lambda self, *a: (done.append(a[0]), forward(self, *a)))
    x, w, b = rng.normal(size=(7, 9, 7, 32)), rng.normal(size=(3, 3, 32, filters)), rng.normal(size=filters)
    y, cache = conv_forward(x[:, :, ::-1], w, b, padding="same", activation=activations.relu)
    expected = oracles.conv(x[:, :, ::-1], w, b, 1, "same", 1, 1)
    np.testing.assert_allclose(y, np.maximum(expected, 0), rtol=1e-10, atol=1e-10)
    assert done and cache.tiled is None
    conv_forward(x, w[..., :1].repeat(3, axis=-1), padding="same")
    assert sum(part.stop - part.start for part in done) == 7  # three are too many for so few channels
