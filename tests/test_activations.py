"""The public activations: Keras's numbers at the edges, any array, names, and functions of the user's own."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from golden.activation_cases import CASES, ROWS, ROWS_DY, X, key

from nnlite import activations, config
from nnlite.core import registry

RECORDED = np.load(Path(__file__).parent / "golden" / "activations.npz")
FURTHER = (
    "celu hard_tanh hard_shrink soft_shrink log_sigmoid tanh_shrink squareplus sparse_plus sparse_sigmoid sparsemax"
)
NAMES = sorted({name for name, _ in CASES} | {"softmax", "log_softmax", *FURTHER.split()})


def kept(function, x, y):
    return {"x": x, "y": y, "nothing": None}[function.keeps]


@pytest.mark.parametrize(("name", "options"), CASES, ids=[key(*case) for case in CASES])
def test_edges_are_those_of_keras(name, options):
    """Kinks, saturation, overflow, infinities and NaN, and no warnings there."""
    function = getattr(activations, name)
    y = function(X, **options)
    dx = function.backward(np.ones_like(X), kept(function, X, y), **options)
    wanted, wanted_dx = RECORDED[key(name, options)]
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx, wanted_dx, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_rows_with_infinities_are_those_of_keras(name):
    function = getattr(activations, name)
    y = function(ROWS)
    wanted, wanted_dx = RECORDED[key(name, {})]
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(function.backward(ROWS_DY, y), wanted_dx, rtol=1e-5, atol=1e-6)


def test_max_value_itself_has_derivative_0():
    """Keras on JAX says 1/2 there (0 for a maximum of 6), which y alone cannot tell from above the maximum."""
    y = activations.relu(np.array([1.9, 2.0, 2.1]), max_value=2.0)
    assert activations.relu.backward(np.ones(3), y, max_value=2.0).tolist() == [1, 0, 0]


ARRAYS = {
    "empty": np.empty((0, 3), "float32"),
    "empty rows": np.empty((3, 0), "float32"),
    "no axes": np.array(0.5, "float32"),
    "one": np.ones((1, 1), "float32"),
    "odd": np.linspace(-4, 4, 105, dtype="float32").reshape(3, 5, 7),
    "reversed": np.linspace(-4, 4, 105, dtype="float32").reshape(3, 35)[::-1, ::-2],
    "transposed": np.linspace(-4, 4, 106, dtype="float32").reshape(2, 53).T,
    "column major": np.asfortranarray(np.linspace(-4, 4, 106, dtype="float32").reshape(2, 53)),
    "broadcast": np.broadcast_to(np.linspace(-4, 4, 53, dtype="float32"), (4, 53)),
    "big endian": np.linspace(-4, 4, 53, dtype=">f4"),
    "double": np.linspace(-4, 4, 53),
    "half": np.linspace(-4, 4, 53, dtype="float16"),
    "large": np.linspace(-4, 4, 3 * 70_001, dtype="float32").reshape(3, -1),
    "large, strided": np.linspace(-4, 4, 6 * 70_001, dtype="float32").reshape(6, -1)[::2],
}


# A number has no axis to sum along.
PAIRS = [(n, k) for n in NAMES for k in ARRAYS if ARRAYS[k].ndim or getattr(activations, n).elementwise]


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_any_array(name, kind):
    """Same shape, same type, the values of its elements one by one, and the input as it was."""
    function, x = getattr(activations, name), ARRAYS[kind]
    before = x.copy()
    y = function(x)
    assert isinstance(y, np.ndarray) and y.shape == x.shape
    assert y.dtype == (x.dtype if name == "linear" else x.dtype.newbyteorder("="))
    simple = np.ascontiguousarray(x, "float64")
    tolerance = 2e-3 if x.dtype == np.float16 else 2e-6
    np.testing.assert_allclose(y, function(simple), rtol=tolerance, atol=tolerance)
    if x.dtype != np.float16:
        dy = np.broadcast_to(np.asarray(2.5, x.dtype), x.shape)
        dx = function.backward(dy, kept(function, x, y))
        assert dx.shape == x.shape and dx.dtype == x.dtype.newbyteorder("=")
        exact = function.backward(np.full(x.shape, 2.5), kept(function, simple, function(simple)))
        np.testing.assert_allclose(dx, exact, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("name", NAMES)
def test_read_only_input_is_not_written(name):
    function = getattr(activations, name)
    x, dy = np.linspace(-4, 4, 10).reshape(2, 5), np.ones((2, 5))
    x.flags.writeable = dy.flags.writeable = False
    y = function(x)
    y.flags.writeable = False
    assert function.backward(dy, kept(function, x, y)).shape == x.shape


@pytest.mark.parametrize("name", NAMES)
def test_lists_and_integers_become_floats(name):
    function = getattr(activations, name)
    wanted = function(np.array([[0.0, 1.0, -2.0]], "float32"))
    for x in ([[0, 1, -2]], [[0.0, 1.0, -2.0]], np.array([[0, 1, -2]])):
        if name == "linear" and isinstance(x, np.ndarray):
            continue
        y = function(x)
        if name != "linear":
            assert y.dtype == config.floatx()
        np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("x", [np.array(["a"]), np.array([1j]), np.array([None])], ids=lambda x: str(x.dtype))
def test_what_holds_no_numbers_is_refused(x):
    with pytest.raises(TypeError, match="relu: x must hold real numbers"):
        activations.relu(x)


def test_a_numpy_scalar_among_the_options_does_not_change_the_type():
    x = np.linspace(-3, 3, 5, dtype="float32")
    for function, options in (
        (activations.relu, {"negative_slope": np.float64(0.1)}),
        (activations.elu, {"alpha": np.float64(0.5)}),
    ):
        y = function(x, **options)
        assert y.dtype == function.backward(x, y, **options).dtype == np.float32


def test_forward_and_backward_write_where_they_are_told():
    x = np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3)
    out = np.empty_like(x)
    for name in NAMES:
        function = getattr(activations, name)
        assert function.forward(x, out=out) is out
        np.testing.assert_array_equal(out, function(x))
        y = function(x)
        assert function.backward(x, kept(function, x, y), out=out) is out
        np.testing.assert_array_equal(out, function.backward(x, kept(function, x, y)))


def test_softmax_says_which_axis_is_missing():
    with pytest.raises(ValueError, match="axis 2 does not exist in an array of 2 axes"):
        activations.softmax(np.ones((2, 3)), axis=2)
    with pytest.raises(ValueError, match="axis -1 does not exist in an array of 0 axes"):
        activations.softmax(3.0)


def test_get():
    assert activations.get(None) is activations.linear
    assert activations.get("relu") is activations.relu
    assert activations.get("swish") is activations.silu is activations.swish
    assert activations.get("hard_swish") is activations.hard_silu is activations.hard_swish
    assert activations.get(np.tanh) is np.tanh
    assert activations.get({"module": "builtins", "class_name": "function", "config": "tanh"}) is activations.tanh
    with pytest.raises(ValueError, match=r"'rely'.* Did you mean 'relu'\?"):
        activations.get("rely")
    with pytest.raises(TypeError, match="3"):
        activations.get(3)


@pytest.mark.parametrize("name", NAMES)
def test_names_make_the_round_trip(name):
    function = getattr(activations, name)
    assert function.__name__ == activations.serialize(function) == name
    assert activations.deserialize(name) is function
    assert copy.deepcopy(function) is pickle.loads(pickle.dumps(function)) is function


def test_all_of_keras_are_there():
    assert {*NAMES, "swish", "hard_swish", "glu", "threshold"} <= set(registry.known_names("activations"))


def cubed(x):
    return x**3


def test_a_function_of_the_users_own():
    function = activations.differentiable(backward=lambda dy, x: dy * 3 * x**2)(cubed)
    x = np.array([[1.0, -2.0]], "float32")
    assert function is cubed and (function.keeps, function.elementwise) == ("x", True)
    y = function.forward(x)
    assert y.dtype == np.float32 and y.tolist() == [[1, -8]]
    out = np.empty_like(x)
    assert function.backward(x, x, out=out) is out
    assert out.tolist() == [[3, -24]]


def test_a_users_function_stays_float32():
    function = activations.differentiable(
        forward=lambda x: x * np.float64(2), backward=lambda dy, kept: dy * np.float64(2), keeps="nothing"
    )(lambda x: 2 * x)
    x = np.ones(3, "float32")
    assert function.forward(x).dtype == np.float32
    with pytest.raises(TypeError):  # keeps="nothing" passes dy alone
        function.backward(x)


def test_what_differentiable_refuses():
    with pytest.raises(ValueError, match="'z'"):
        activations.differentiable(backward=np.multiply, keeps="z")
    with pytest.raises(TypeError, match="backward="):
        activations.differentiable(cubed)
    summed = activations.differentiable(backward=lambda dy, x: dy)(lambda x: x.sum())
    with pytest.raises(ValueError, match=r"returned shape \(\) for an array of shape \(3,\)"):
        summed.forward(np.ones(3))
