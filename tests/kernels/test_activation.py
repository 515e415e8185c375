"""Derivatives against complex or central differences, values against the literal formulas, and the limits of both."""

import math

import numpy as np
import pytest
from kernels import oracles

from nnlite import config
from nnlite.kernels import activation, activation_gelu, activation_smooth, elementwise

GELU_C = math.sqrt(2 / math.pi)


def erf(x):
    return np.vectorize(math.erf, otypes=[float])(x)


# name -> (module, formula in float64)
FORMULAS = {
    "relu": (activation, lambda x: np.where(x > 0, x, 0)),
    "leaky_relu": (activation, lambda x: np.where(x >= 0, x, 0.2 * x)),
    "relu6": (activation, lambda x: np.minimum(np.maximum(x, 0), 6)),
    "sigmoid": (activation, lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (activation, np.tanh),
    "exponential": (activation, np.exp),
    "softsign": (activation, lambda x: x / (1 + np.abs(x))),
    "elu": (activation, lambda x: np.where(x > 0, x, np.expm1(x))),
    "selu": (activation, lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))),
    "hard_sigmoid": (activation, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hard_sigmoid_keras2": (activation, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    "hard_silu": (activation, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "softplus": (activation_smooth, lambda x: np.log1p(np.exp(x))),
    "silu": (activation_smooth, lambda x: x / (1 + np.exp(-x))),
    "mish": (activation_smooth, lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "gelu": (activation_gelu, lambda x: x * (1 + erf(x / math.sqrt(2))) / 2),
}
NEEDS_X = {"hard_silu", "silu", "mish", "gelu"}
KINKS = np.array([-3, -2.5, 0, 1, 2.5, 3, 6])


def pair(name):
    module = FORMULAS[name][0]
    return getattr(module, f"{name}_forward"), getattr(module, f"{name}_backward")


def points(dtype="float64"):
    """Points away from every kink, near 0 and far out."""
    x = np.concatenate([np.random.default_rng(1).normal(size=200) * s for s in (1e-3, 1, 3, 8)])
    return x[np.abs(x[:, None] - KINKS).min(1) > 1e-4].astype(dtype)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 5e-7), ("float64", 1e-15)])
def test_values_are_the_formulas(name, dtype, tolerance):
    x = points(dtype)
    wanted = FORMULAS[name][1](x.astype("float64"))
    y = pair(name)[0](x)
    assert y.dtype == dtype
    # x Phi(x) = x / 2 + x erf(x / sqrt 2) / 2 loses digits where the two halves cancel.
    np.testing.assert_allclose(y, wanted, rtol=4 * tolerance, atol=tolerance * (8 if name == "gelu" else 1))


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_are_central_differences(name):
    forward, backward = pair(name)
    x = points()
    dy = np.random.default_rng(2).normal(size=x.shape)
    h = 1e-5
    wanted = dy * (forward(x + h) - forward(x - h)) / (2 * h)
    np.testing.assert_allclose(backward(dy, x if name in NEEDS_X else forward(x)), wanted, rtol=1e-8, atol=2e-8)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("relu", {"negative_slope": 0.3}),
        ("relu", {"max_value": 2.5}),
        ("relu", {"threshold": 1.0}),
        ("relu", {"negative_slope": 0.3, "max_value": 2.5, "threshold": 1.0}),
        ("leaky_relu", {"negative_slope": 1.5}),
        ("elu", {"alpha": 0.3}),
        ("elu", {"alpha": 2.0}),
        ("gelu", {"approximate": True}),
    ],
)
def test_derivatives_with_options(name, options):
    forward, backward = pair(name)
    x = points()
    h = 1e-5
    wanted = (forward(x + h, **options) - forward(x - h, **options)) / (2 * h)
    dx = backward(np.ones_like(x), x if name in NEEDS_X else forward(x, **options), **options)
    np.testing.assert_allclose(dx, wanted, rtol=1e-8, atol=2e-8)


@pytest.mark.parametrize(
    ("options", "formula"),
    [
        ({"threshold": 1.0}, lambda x: np.where(x > 1, x, 0)),
        ({"threshold": -1.0}, lambda x: np.where(x > -1, x, 0)),
        ({"max_value": 2.0}, lambda x: np.clip(x, 0, 2)),
        ({"negative_slope": 0.5, "threshold": 1.0}, lambda x: np.where(x > 1, x, 0.5 * (x - 1))),
        ({"negative_slope": -0.5}, lambda x: np.where(x > 0, x, -0.5 * x)),
        (
            {"negative_slope": 0.5, "max_value": 2.0, "threshold": 1.0},
            lambda x: np.where(x > 1, np.clip(x, 1, 2), (x - 1) / 2),
        ),
    ],
)
def test_values_of_relu_with_options(options, formula):
    x = points()
    np.testing.assert_allclose(activation.relu_forward(x, **options), formula(x), rtol=1e-15)


@pytest.mark.parametrize(
    ("backward", "options"),
    [
        (activation.relu_backward, {"threshold": -1.0}),
        (activation.relu_backward, {"negative_slope": -0.1}),
        (activation.leaky_relu_backward, {"negative_slope": -0.1}),
        (activation.elu_backward, {"alpha": -1.0}),
    ],
)
def test_no_wrong_derivative_where_y_does_not_tell(backward, options):
    with pytest.raises(ValueError, match=f"at least 0; got .*{next(iter(options.values()))}"):
        backward(np.ones(3), np.ones(3), **options)


@pytest.mark.parametrize(("dtype", "bound", "slope_bound"), [("float32", 4e-7, 7e-7), ("float64", 4e-15, 1e-15)])
def test_gelu_and_its_slope_within_their_bounds(dtype, bound, slope_bound):
    x = np.linspace(-12, 12, 100001).astype(dtype)
    slope = np.empty_like(x)
    y = activation_gelu.gelu_slope(x, slope)
    wanted, wanted_slope = oracles.gelu(x.astype("float64"))
    last_digit = np.spacing(np.abs(wanted).astype(dtype)) / 2
    assert (np.abs(y - wanted) - last_digit).max() < bound
    assert np.abs(slope - wanted_slope).max() < slope_bound


@pytest.mark.parametrize("length", [7, 63, 64, 1001])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gelu_far_out_and_next_to_0(dtype, length):
    """Some rows are compared with a row of constants, short ones with one constant."""
    far = np.array([-1e30, -30, 30, 1e30, np.inf, np.nan, -np.inf], dtype)
    x = np.zeros((3, length), dtype)
    x[:2, :7] = far
    slope = np.empty_like(x)
    y = activation_gelu.gelu_slope(x, slope)
    np.testing.assert_array_equal(y[1, :7], [0, 0, 30, far[3], np.inf, np.nan, np.nan])  # of -inf as in Keras
    np.testing.assert_allclose(slope[1, :4], [0, 0, 1, 1], rtol=0, atol=1e-25)
    assert np.isnan(slope[1, 5])
    assert not y[2].any()
    np.testing.assert_allclose(slope[2], 0.5, atol=5e-7)
    tiny = np.full(length, np.finfo(dtype).smallest_subnormal * 64, dtype)
    np.testing.assert_array_equal(activation_gelu.gelu_forward(tiny), tiny / 2)
    np.testing.assert_array_equal(activation_gelu.gelu_forward(-tiny), -tiny / 2)
    activation_gelu.gelu_slope(-tiny, slope[0])
    np.testing.assert_allclose(slope[0], 0.5, atol=5e-7)
    np.testing.assert_allclose(activation_gelu.gelu_backward(tiny, tiny), tiny / 2, rtol=1 / 32)


@pytest.mark.parametrize("name", ["gelu", "silu"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-15)])
def test_value_and_slope_at_once(name, dtype, tolerance):
    forward, backward, both = (
        getattr(FORMULAS[name][0], f"{name}_{part}") for part in ("forward", "backward", "slope")
    )
    x = np.concatenate([np.linspace(-12, 12, 4001), [0.0, -90.0, 90.0]]).astype(dtype)
    slope = np.empty_like(x)
    np.testing.assert_array_equal(both(x, slope), forward(x))
    np.testing.assert_allclose(slope, backward(np.ones_like(x), x), tolerance, tolerance)
    assert slope.dtype == dtype
    with np.errstate(all="raise"):  # far out, no warnings
        both(np.array([1e30, -1e30], dtype), slope[:2])


@pytest.mark.parametrize("name", ["elu", "softplus"])
def test_tiny_values_keep_their_digits(name):
    """exp(x) - 1 and log(1 + exp(x)) written as they stand would give 0 here."""
    x = np.array([-1e-12, -40.0]) if name == "softplus" else np.array([-1e-12, -1e-20])
    np.testing.assert_allclose(pair(name)[0](x), FORMULAS[name][1](x), rtol=1e-14)
    single = x.astype("float32")
    np.testing.assert_allclose(pair(name)[0](single), FORMULAS[name][1](x), rtol=3e-7)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_inputs_neither_warn_nor_lose_their_limits(name, dtype):
    forward, backward = pair(name)
    x = np.array([-1e30, -1e4, -1000, 1000, 1e4, 1e30], dtype)
    with np.errstate(over="ignore"):
        wanted = {"sigmoid": [0, 1], "tanh": [-1, 1], "softsign": [-1, 1], "relu6": [0, 6]}
        wanted |= {key: [0, 1] for key in ("hard_sigmoid", "hard_sigmoid_keras2")}
    y = forward(x)
    assert not np.isnan(y).any()
    if name in wanted:
        np.testing.assert_allclose(y, np.repeat(wanted[name], 3), atol=2e-3)
    elif name != "exponential":
        np.testing.assert_allclose(y[3:] / x[3:], 1.0507009873554805 if name == "selu" else 1, rtol=1e-6)
        np.testing.assert_array_less(-2 if name != "leaky_relu" else -np.inf, y[:3])
    dx = backward(np.ones_like(x), x if name in NEEDS_X else y)
    assert not np.isnan(dx).any()


@pytest.mark.parametrize("name", FORMULAS)
def test_nan_stays_nan(name):
    forward, _ = pair(name)
    y = forward(np.array([np.nan, 1.0]))
    assert np.isnan(y[0]) and np.isfinite(y[1])


@pytest.mark.parametrize("name", FORMULAS)
def test_out_may_be_the_first_argument(name):
    forward, backward = pair(name)
    x, dy = points("float32"), points("float32")[::-1].copy()
    wanted = forward(x)
    kept = x if name in NEEDS_X else wanted
    wanted_dx = backward(dy, kept)
    copy, dy_copy = x.copy(), dy.copy()
    assert forward(copy, out=copy) is copy
    assert backward(dy_copy, kept, out=dy_copy) is dy_copy
    np.testing.assert_array_equal(copy, wanted)
    np.testing.assert_array_equal(dy_copy, wanted_dx)


SOFTMAX_SHAPES = [
    ((4, 3), -1),
    ((1, 1), -1),
    ((0, 3), -1),
    ((3, 0), -1),
    ((5,), 0),
    ((2, 3, 4), 1),
    ((2, 3, 4), (0, 2)),
    ((80, 10), -1),
    ((40, 100), -1),
    ((700, 3), 0),
]


@pytest.mark.parametrize(("shape", "axis"), SOFTMAX_SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_and_its_logarithm(shape, axis, dtype):
    rng = np.random.default_rng(4)
    x, dy = (rng.normal(size=shape) * 3).astype(dtype), rng.normal(size=shape).astype(dtype)
    tolerance = {"rtol": 1e-5, "atol": 2e-6} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-13}
    exact = np.exp(x.astype("float64"))
    exact /= exact.sum(axis, keepdims=True)
    y, log = activation.softmax_forward(x, axis), activation.log_softmax_forward(x, axis)
    np.testing.assert_allclose(y, exact, **tolerance)
    np.testing.assert_allclose(log, np.log(exact), **tolerance)
    dx = activation.softmax_backward(dy, y, axis)
    np.testing.assert_allclose(dx, exact * (dy - (dy * exact).sum(axis, keepdims=True)), **tolerance)
    dx_log = activation.log_softmax_backward(dy, log, axis)
    np.testing.assert_allclose(dx_log, dy - exact * dy.sum(axis, keepdims=True, dtype="float64"), **tolerance)
    assert {a.dtype.name for a in (y, log, dx, dx_log)} == {dtype}


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_derivative_is_a_complex_step(name, axis):
    rng = np.random.default_rng(5)
    x, dy = rng.normal(size=(4, 6)), rng.normal(size=(4, 6))
    wanted = np.empty_like(x)
    for i in np.ndindex(x.shape):
        moved = x.astype(complex)
        moved[i] += 1e-30j
        y = np.exp(moved) / np.exp(moved).sum(axis, keepdims=True)
        wanted[i] = (dy * (np.log(y) if name == "log_softmax" else y)).imag.sum() / 1e-30
    y = getattr(activation, f"{name}_forward")(x, axis)
    np.testing.assert_allclose(getattr(activation, f"{name}_backward")(dy, y, axis), wanted, rtol=1e-12, atol=1e-14)


def test_softmax_of_huge_and_equal_numbers():
    x = np.array([[1e30, -1e30, 0], [-1e30, -1e30, -1e30]], "float32")
    np.testing.assert_allclose(activation.softmax_forward(x), [[1, 0, 0], [1 / 3] * 3], rtol=1e-6)
    np.testing.assert_allclose(activation.log_softmax_forward(x)[1], [-math.log(3)] * 3, rtol=1e-6)


def test_row_max_and_row_sum_find_nan_and_the_same_along_every_axis():
    rng = np.random.default_rng(6)
    for shape in [(100, 10), (3, 200), (20, 5, 10), (7,), (1, 1)]:
        x = rng.normal(size=shape)
        for axis in [-1, 0, len(shape) - 1]:
            np.testing.assert_array_equal(activation.row_max(x, axis), x.max(axis, keepdims=True))
            np.testing.assert_allclose(activation.row_sum(x, axis), x.sum(axis, keepdims=True), rtol=1e-12, atol=1e-13)
    x = rng.normal(size=(100, 10))
    x[3, 4] = np.nan
    assert np.flatnonzero(np.isnan(activation.row_max(x))).tolist() == [3]
    assert np.flatnonzero(np.isnan(activation.row_sum(x))).tolist() == [3]


def strided(shape):
    base = np.random.default_rng(7).normal(size=(*shape[:-1], 2 * shape[-1])).astype("float32")
    return base[..., ::2]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "x",
    [
        np.random.default_rng(8).normal(size=300_001).astype("float32"),
        strided((500, 401)),
        strided((500, 401)).T,
        strided((3, 70_001)),
    ],
    ids=["flat", "strided", "transposed", "few rows"],
)
def test_blocks_and_threads_change_nothing(x, threads):
    before = config.get_num_threads()
    config.set_num_threads(threads)
    try:
        y = elementwise.over_elements(activation.sigmoid_forward, [x], np.empty(x.shape, x.dtype), 1000.0)
        np.testing.assert_array_equal(y, activation.sigmoid_forward(x))
        dx = elementwise.over_elements(activation.sigmoid_backward, [x, y], np.empty(x.shape, x.dtype), 1000.0)
        np.testing.assert_array_equal(dx, activation.sigmoid_backward(x, y))
    finally:
        config.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((70_001, 3), -1), ((70_001, 3), 0), ((9, 80, 131), -1), ((9, 80, 131), (0, 2)), ((200_000,), 0)],
)
def test_blocks_of_rows_change_nothing(shape, axis, threads):
    x = np.random.default_rng(9).normal(size=shape).astype("float32")
    before = config.get_num_threads()
    config.set_num_threads(threads)
    try:
        for given in (x, strided(shape)):
            y = elementwise.over_rows(activation.softmax_forward, [given], np.empty(shape, "float32"), 1000.0, axis)
            np.testing.assert_allclose(y, activation.softmax_forward(given, axis), rtol=1e-5)
    finally:
        config.set_num_threads(before)


@pytest.mark.parametrize("axis", [2, -3, (0, 0), (0, -2), ()])
def test_an_axis_that_is_not_there(axis):
    with pytest.raises(ValueError, match="axis"):
        elementwise.normalized_axes(axis, 2)
