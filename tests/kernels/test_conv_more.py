"""Transposed, depthwise and separable convolution against loops over every window."""

import itertools

import numpy as np
import pytest

from nnlite import activations
from nnlite.kernels.conv_transpose import conv_transpose_backward, conv_transpose_forward, transposed_axis
from nnlite.kernels.depthwise import depthwise_backward, depthwise_forward
from nnlite.kernels.separable import separable_forward
from nnlite.kernels.windows import axes

RNG = np.random.default_rng(0)


def transposed(x, w, spatial):
    y = np.zeros((len(x), *(a.size for a in spatial), w.shape[-2]))
    for place in itertools.product(*(range(n) for n in x.shape[1:-1])):
        for tap in itertools.product(*(range(n) for n in w.shape[:-2])):
            to = [i * a.stride + t * a.dilation - a.before for i, t, a in zip(place, tap, spatial, strict=True)]
            if all(0 <= o < a.size for o, a in zip(to, spatial, strict=True)):
                y[(slice(None), *to)] += x[(slice(None), *place)] @ w[tap].T
    return y


def depthwise(x, w, spatial):
    y = np.zeros((len(x), *(a.out for a in spatial), x.shape[-1] * w.shape[-1]))
    for place in itertools.product(*(range(a.out) for a in spatial)):
        for tap in itertools.product(*(range(n) for n in w.shape[:-2])):
            at = [o * a.stride + t * a.dilation - a.before for o, t, a in zip(place, tap, spatial, strict=True)]
            if all(0 <= i < a.size for i, a in zip(at, spatial, strict=True)):
                product = x[(slice(None), *at)][..., None] * w[tap]
                y[(slice(None), *place)] += product.reshape(y.shape[0], y.shape[-1])
    return y


def adjoint(forward, dy, shape, dtype="float64"):
    """The gradient of a linear function, an element at a time."""
    found = np.zeros(shape)
    for index in np.ndindex(*shape):
        one = np.zeros(shape, dtype)
        one[index] = 1
        found[index] = (forward(one) * dy).sum()
    return found


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("sizes", "kernel", "stride", "dilation", "more"),
    [
        ((4,), (3,), 2, 1, None),
        ((3, 4), (2, 3), 1, 1, None),
        ((3, 2), (3, 2), 3, 1, 1),
        ((4, 3), (2, 2), 1, 2, None),
        ((2, 3, 2), (2, 1, 2), 2, 1, None),
    ],
)
def test_transposed(sizes, kernel, stride, dilation, more, padding):
    spatial = tuple(transposed_axis(n, k, stride, padding, dilation, more) for n, k in zip(sizes, kernel, strict=True))
    x, w, b = RNG.normal(size=(2, *sizes, 3)), RNG.normal(size=(*kernel, 2, 3)), RNG.normal(size=2)
    y, cache = conv_transpose_forward(x, w, b, spatial)
    np.testing.assert_allclose(y, transposed(x, w, spatial) + b, atol=1e-12)
    dy = RNG.normal(size=y.shape)
    dx, dw, db = conv_transpose_backward(dy, cache)
    np.testing.assert_allclose(dx, adjoint(lambda a: transposed(a, w, spatial), dy, x.shape), atol=1e-10)
    np.testing.assert_allclose(dw, adjoint(lambda a: transposed(x, a, spatial), dy, w.shape), atol=1e-10)
    np.testing.assert_allclose(db, dy.sum(axis=tuple(range(dy.ndim - 1))), atol=1e-12)
    y32, _ = conv_transpose_forward(x.astype("float32"), w.astype("float32"), None, spatial)
    assert y32.dtype == np.float32


def test_a_transposed_convolution_without_outputs_is_refused():
    with pytest.raises(ValueError, match="leaves no output"):
        transposed_axis(0, 1, 2, "valid")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("sizes", "kernel", "stride", "dilation", "multiplier"),
    [
        ((6,), (3,), 1, 1, 1),
        ((7,), (2,), 3, 1, 2),
        ((5, 6), (3, 2), 1, 1, 1),
        ((6, 5), (3, 3), 2, 1, 2),
        ((6, 7), (2, 3), 1, 2, 1),
        ((7, 8), (1, 2), 3, 1, 1),
        ((9, 11), (3, 4), 2, 3, 1),
        ((12, 13), (3, 3), 4, 2, 2),
        ((4, 5, 6), (2, 1, 3), 2, 1, 1),
        ((3, 4, 5), (3, 2, 2), 1, 1, 2),
    ],
)
def test_depthwise(sizes, kernel, stride, dilation, multiplier, padding):
    rank = len(sizes)
    spatial = axes(padding, sizes, kernel, (stride,) * rank, (dilation,) * rank)
    x, w = RNG.normal(size=(3, *sizes, 3)), RNG.normal(size=(*kernel, 3, multiplier))
    b = RNG.normal(size=3 * multiplier)
    y, cache = depthwise_forward(x, w, b, spatial)
    np.testing.assert_allclose(y, depthwise(x, w, spatial) + b, atol=1e-12)
    dy = RNG.normal(size=y.shape)
    dx, dw, db = depthwise_backward(dy, cache)
    np.testing.assert_allclose(dx, adjoint(lambda a: depthwise(a, w, spatial), dy, x.shape), atol=1e-10)
    np.testing.assert_allclose(dw, adjoint(lambda a: depthwise(x, a, spatial), dy, w.shape), atol=1e-10)
    np.testing.assert_allclose(db, dy.sum(axis=tuple(range(dy.ndim - 1))), atol=1e-12)
    assert depthwise_backward(dy, cache, input_grad=False)[0] is None
    np.testing.assert_array_equal(depthwise_backward(dy, cache, weight_grad=False)[0], dx)
    assert depthwise_backward(dy, cache, weight_grad=False)[1:] == (None, None)


@pytest.mark.parametrize(("multiplier", "stride"), [(1, 1), (2, 1), (1, 2), (2, 3)])
def test_many_chunks_make_the_same(monkeypatch, multiplier, stride):
    from nnlite.kernels import depthwise as module

    x, w = RNG.normal(size=(9, 8, 7, 5)).astype("float32"), RNG.normal(size=(3, 3, 5, multiplier)).astype("float32")
    spatial = axes("same", (8, 7), (3, 3), (stride, stride), (1, 1))
    y, cache = depthwise_forward(x, w, None, spatial, activations.relu)
    assert y.dtype == np.float32 and y.min() == 0
    dy = RNG.normal(size=y.shape).astype("float32")
    dx, dw, _ = depthwise_backward(dy, cache)
    assert dx.dtype == dw.dtype == np.float32
    np.testing.assert_allclose(dw, depthwise_backward(dy * (y > 0), cache._replace(activation=None))[1], rtol=1e-5)
    monkeypatch.setattr(module, "CHUNK", 1)
    again, cache = depthwise_forward(x, w, None, spatial, activations.relu)
    np.testing.assert_array_equal(again, y)
    dx_again, dw_again, _ = depthwise_backward(dy, cache)
    np.testing.assert_array_equal(dx_again, dx)
    np.testing.assert_allclose(dw_again, dw, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("images", [0, 1, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("sizes", "stride", "multiplier", "bias"), [((9,), 1, 2, True), ((7, 8), 2, 1, False), ((6, 5), 1, 1, True)]
)
def test_separable(monkeypatch, sizes, stride, multiplier, bias, dtype, images):
    from nnlite.kernels import separable as module

    rank = len(sizes)
    spatial = axes("same", sizes, (3,) * rank, (stride,) * rank, (1,) * rank)
    x, w = (
        RNG.normal(size=(images, *sizes, 3)).astype(dtype),
        RNG.normal(size=(*[3] * rank, 3, multiplier)).astype(dtype),
    )
    point = RNG.normal(size=(*[1] * rank, 3 * multiplier, 4)).astype(dtype)
    b, point_b = (RNG.normal(size=n).astype(dtype) if bias else None for n in (3 * multiplier, 4))
    given = x.copy()
    y = separable_forward(x, w, b, spatial, activations.relu, point, point_b, activations.tanh)
    assert y.dtype == dtype and y.shape == (images, *(one.out for one in spatial), 4)
    h = np.maximum(depthwise(x, w, spatial) + (0 if b is None else b), 0)
    expected = np.tanh(h @ point.reshape(-1, 4) + (0 if point_b is None else point_b))
    np.testing.assert_allclose(y, expected, atol=1e-5 if dtype == "float32" else 1e-12)
    bare = separable_forward(x, w, None, spatial, None, point)
    np.testing.assert_allclose(bare, depthwise(x, w, spatial) @ point.reshape(-1, 4), atol=1e-4)
    np.testing.assert_array_equal(x, given)
    monkeypatch.setattr(module, "CHUNK", 1)
    again = separable_forward(x, w, b, spatial, activations.relu, point, point_b, activations.tanh)
    np.testing.assert_allclose(again, y, atol=1e-5)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("sizes", "kernel", "stride"), [((7,), (1,), 2), ((6,), (5,), 3), ((6, 7), (3, 3), 2), ((5, 4, 6), (2, 1, 3), 2)]
)
def test_nan_and_infinity_reach_only_the_windows_that_hold_them(sizes, kernel, stride, bad):
    """With strides, kernels are filled up with zeros, which turn what they meet of these into NaN."""
    rank = len(sizes)
    x, w, point = (
        RNG.normal(size=(3, *sizes, 4)),
        RNG.normal(size=(*kernel, 4, 2)),
        RNG.normal(size=(*[1] * rank, 8, 5)),
    )
    clean = x.copy()
    places = np.ndindex(*sizes)
    spatial = axes("same", sizes, kernel, (stride,) * rank, (1,) * rank)
    back = tuple(transposed_axis(n, k, stride, "same") for n, k in zip(sizes, kernel, strict=True))
    for place in places:
        x[...] = clean
        x[(1, *place, 2)] = bad
        for found, expected, untouched in (
            (
                depthwise_forward(x, w, None, spatial)[0],
                depthwise(x, w, spatial),
                depthwise_forward(clean, w, None, spatial),
            ),
            (
                conv_transpose_forward(x, w.swapaxes(-1, -2), None, back)[0],
                transposed(x, w.swapaxes(-1, -2), back),
                conv_transpose_forward(clean, w.swapaxes(-1, -2), None, back),
            ),
        ):
            np.testing.assert_allclose(found, expected, atol=1e-12)
            np.testing.assert_array_equal(found[::2], untouched[0][::2])
        h = np.maximum(depthwise(x, w, spatial), 0)
        found = separable_forward(x, w, None, spatial, activations.relu, point)
        np.testing.assert_allclose(found, h @ point.reshape(-1, 5), atol=1e-12)
