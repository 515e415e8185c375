"""Further activations: Keras's numbers, what GLU does to shapes, and layers that use them."""

from pathlib import Path

import numpy as np
import pytest
from golden.activation_more_cases import CASES, ROWS, X, key, rows

import nnlite
from nnlite import activations, layers
from nnlite.testing import check_layer

RECORDED = np.load(Path(__file__).parent / "golden" / "activations_more.npz")


def kept(function, x, y):
    return y if function.keeps == "y" else x


@pytest.mark.parametrize(("name", "options"), CASES, ids=[key(*case) for case in CASES])
def test_all_elements_are_those_of_keras(name, options):
    """Kinks, saturation, overflow, infinities and NaN, and no warnings there."""
    function = getattr(activations, name)
    y = function(X, **options)
    dx = function.backward(np.ones_like(X), kept(function, X, y), **options)
    wanted, wanted_dx = RECORDED[key(name, options)]
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    # Where x is infinite, Keras's derivative is NaN for some; here it may be the limit.
    known = ~(np.isnan(wanted_dx) & np.isinf(X))
    np.testing.assert_allclose(dx[known], wanted_dx[known], rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("case", ROWS, ids=[key(*case) for case in ROWS])
def test_rows_are_those_of_keras(case):
    name, options, _ = case
    function, (x, upstream) = getattr(activations, name), rows(*case)
    y = function(x, **options)
    np.testing.assert_allclose(y, RECORDED[key(*case) + " y"], rtol=1e-5, atol=1e-6)
    dx = function.backward(upstream(y.shape), x, **options)
    assert dx.dtype == np.float32
    np.testing.assert_allclose(dx, RECORDED[key(*case) + " dx"], rtol=1e-5, atol=1e-6)


def test_everything_recorded_is_tested():
    parts = {f"{key(*case)} {what}" for case in ROWS for what in ("y", "dx")}
    assert set(RECORDED.files) == {key(*case) for case in CASES} | parts


def test_sparsemax_of_empty_and_single_rows():
    for shape in ((0, 3), (3, 0), (0,)):
        y = activations.sparsemax(np.zeros(shape, "float32"))
        assert y.shape == activations.sparsemax.backward(y, y).shape == shape
    assert activations.sparsemax(np.array([[5.0], [-2.0]])).tolist() == [[1.0], [1.0]]
    with pytest.raises(ValueError, match="axis 1 does not exist in an array of 1 axes"):
        activations.sparsemax(np.ones(3), axis=1)


def test_glu_of_any_array():
    x = np.linspace(-3, 3, 2 * 70_000, dtype="float32").reshape(-1, 4)
    whole = activations.glu(x)
    assert whole.shape == (35_000, 2) and whole.dtype == np.float32
    np.testing.assert_allclose(whole, x[:, :2] / (1 + np.exp(-x[:, 2:])), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(activations.glu(np.asfortranarray(x[:8])), whole[:8])
    assert activations.glu(np.zeros((0, 4))).shape == (0, 2)
    assert activations.glu([[1, 2, 0, 0]]).tolist() == [[0.5, 1.0]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: activations.glu(np.ones((2, 3))), r"glu halves axis -1, whose size must be even; got shape \(2, 3\)"),
        (lambda: activations.glu(np.ones(4), axis=2), "axis 2 does not exist in an array of 1 axes"),
        (lambda: layers.Activation("glu").compute_output_shape((None, 3)), r"must be even; got shape \(None, 3\)"),
        (lambda: layers.Dense(5, "glu").compute_output_shape((None, 3)), r"must be even; got shape \(None, 5\)"),
        (
            lambda: activations.differentiable(backward=np.copy, keeps="y", output_shape=tuple, elementwise=False),
            "keeps 'x' and is not elementwise",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_threshold_needs_its_arguments_also_in_a_layer():
    with pytest.raises(TypeError, match="'threshold' and 'default_value'"):
        layers.Activation("threshold")(np.ones((1, 2)))


SHAPED = {
    "activation": (lambda: layers.Activation("glu"), (None, 4), (None, 2)),
    "dense": (lambda: layers.Dense(6, activation="glu"), (None, 3, 4), (None, 3, 3)),
    "conv": (lambda: layers.Conv1D(4, 2, activation="glu"), (None, 5, 2), (None, 4, 2)),
    "transposed": (lambda: layers.Conv1DTranspose(4, 2, activation="glu"), (None, 5, 2), (None, 6, 2)),
    "depthwise": (lambda: layers.DepthwiseConv1D(2, activation="glu"), (None, 5, 4), (None, 4, 2)),
    "separable": (lambda: layers.SeparableConv1D(6, 2, activation="glu"), (None, 5, 4), (None, 4, 3)),
    "einsum": (lambda: layers.EinsumDense("abc,cd->abd", (None, 8), activation="glu"), (None, 2, 3), (None, 2, 4)),
}


@pytest.mark.parametrize("name", SHAPED)
def test_glu_in_layers(name):
    make, given, wanted = SHAPED[name]
    layer = make()
    assert layer.compute_output_shape(given) == wanted
    check_layer(make(), input_shape=given)


@pytest.mark.parametrize("name", ["glu", "sparsemax", "celu", "hard_tanh", "tanh_shrink", "log_sigmoid", "squareplus"])
def test_models_train_through_them_and_are_saved_with_them(name, tmp_path):
    model = nnlite.Sequential([nnlite.Input((3,)), layers.Dense(4, activation=name), layers.Dense(1)])
    model.compile(nnlite.optimizers.Adam(0.05), "mse")
    x = np.random.default_rng(0).standard_normal((16, 3)).astype("float32")
    losses = [model.train_on_batch(x, x[:, :1]) for _ in range(20)]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "m.keras")
    again = nnlite.models.load_model(tmp_path / "m.keras")
    assert again.layers[0].activation is getattr(activations, name)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_an_activation_of_ones_own_may_change_the_shape():
    @activations.differentiable(
        backward=lambda dy, x: np.repeat(dy, 2, -1) / 2,
        elementwise=False,
        output_shape=lambda shape: (*shape[:-1], None if shape[-1] is None else shape[-1] // 2),
    )
    def pairs(x):
        return (x[..., ::2] + x[..., 1::2]) / 2

    check_layer(layers.Dense(6, activation=pairs), input_shape=(None, 3))
    assert layers.Activation(pairs).compute_output_shape((None, None)) == (None, None)
