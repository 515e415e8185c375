"""Merging and functions as layers: what the tables of cases do not show."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.activations import differentiable
from nnlite.testing import check_layer

RNG = np.random.default_rng(0)


# ---- merging ----


def test_functions_in_lower_case():
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    for name in ("add", "subtract", "multiply", "average", "maximum", "minimum"):
        class_ = getattr(layers, name.capitalize())
        np.testing.assert_array_equal(getattr(layers, name)([a, b]), class_()([a, b]))
    np.testing.assert_array_equal(layers.concatenate([a, b], axis=0), np.concatenate([a, b]).astype("float32"))
    np.testing.assert_allclose(layers.dot([a, b], axes=1)[:, 0], (a * b).sum(1), rtol=1e-5)


def test_masks_of_merged_inputs():
    a, b = np.ones((1, 3, 2)), np.ones((1, 3, 2))
    m, n = np.array([[True, False, False]]), np.array([[False, True, False]])
    assert layers.Add().compute_mask([a, b], [m, n]).tolist() == [[True, True, False]]
    assert layers.Add().compute_mask([a, b], [m, None]) is None
    assert layers.Concatenate(axis=1).compute_mask([a, b], [m, None]).tolist() == [
        [True, False, False, True, True, True]
    ]


ONE, TWO = np.ones((2, 3)), np.ones((2, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: layers.Add()([ONE, TWO]),
            ValueError,
            r"inputs 0 and 1, of shapes \(None, 3\) and \(None, 4\), .* along axis 1 are 3 and 4",
        ),
        (lambda: layers.Add()([ONE]), ValueError, r"at least 2 inputs, got 1: \(None, 3\)"),
        (lambda: layers.Subtract()([ONE, ONE, ONE]), ValueError, "a list of 2 inputs, got 3"),
        (lambda: layers.Multiply()(ONE), ValueError, "takes a list of inputs"),
        (lambda: layers.Concatenate(axis=0)([ONE, TWO]), ValueError, "along axis 1, sizes 3 and 4; only axis 0"),
        (lambda: layers.Concatenate()([ONE, np.ones((2, 3, 1))]), ValueError, "equally many axes"),
        (lambda: layers.Concatenate(axis=5)([ONE, ONE]), ValueError, "axis 5 does not exist"),
        (lambda: layers.Dot(1)([ONE, TWO]), ValueError, "different sizes, 3 and 4"),
        (lambda: layers.Dot(0)([ONE, ONE]), ValueError, "must not be that of the batch"),
        (lambda: layers.Dot((1, 1, 1)), ValueError, "one whole number or two"),
        (lambda: layers.Cropping1D(3)(np.ones((1, 5, 2))), ValueError, "leaves nothing of axis 1"),
        (lambda: layers.ZeroPadding3D((1, 2)), ValueError, "three numbers"),
        (lambda: layers.AdaptiveMaxPooling1D(0), ValueError, "output_size"),
        (lambda: layers.Lambda("tanh"), TypeError, "must be a function"),
        (lambda: layers.Lambda.from_config({"function": {"class_name": "__lambda__"}}), ValueError, "never run"),
    ],
)
def test_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- functions ----


def test_functions_as_layers():
    layer = layers.Lambda(lambda x, k: x * k, arguments={"k": 3.0})
    np.testing.assert_array_equal(layer(ONE), 3 * ONE)
    assert layers.Lambda(lambda x: x[:, :2]).compute_output_shape((None, 5)) == (None, 2)
    assert layers.Lambda(lambda x: x, output_shape=(7,)).compute_output_shape((None, 5)) == (None, 7)
    square = differentiable(forward=lambda x, out=None: x * x, backward=lambda dy, x, out=None: 2 * x * dy, keeps="x")(
        lambda x: x * x
    )
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Lambda(square)])
    model.compile("sgd", "mse")
    model.train_on_batch(ONE, np.ones((2, 2)))
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Lambda(np.square)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="has no derivative"):
        model.train_on_batch(ONE, np.ones((2, 2)))


def test_lambda_learns_with_its_gradient():
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4), layers.Lambda(np.tanh, gradient=lambda dy, x: dy * (1 - np.tanh(x) ** 2))]
    )
    check_layer(model, input_shape=(None, 3))
    blind = layers.Lambda(lambda x: x * 2)
    y, cache = blind.forward(np.ones((2, 3)))
    with pytest.raises(TypeError, match="has no derivative"):
        blind.backward(y, cache)


def test_functions_of_lambda_are_found_by_name(tmp_path):
    def double(x):
        return 2 * x

    model = keras.Sequential([keras.Input((3,)), layers.Lambda(double, name="twice")])
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras", custom_objects={"double": double})
    assert loaded(np.ones((1, 3))).tolist() == [[2, 2, 2]]
    with pytest.raises(ValueError, match="'twice': the file names its function, 'double', and does not hold it"):
        keras.models.load_model(tmp_path / "m.keras")
    code = {"name": "twice", "function": {"class_name": "__lambda__", "config": {"code": "4wE=", "defaults": None}}}
    with pytest.raises(ValueError, match="code, which is never run"):
        layers.Lambda.from_config(code)
    with keras.saving.custom_object_scope({"twice": double}):
        assert layers.Lambda.from_config(code)(np.ones(2, "float32")).tolist() == [2, 2]


def test_masks_of_merges_must_fit():
    x = [np.ones((2, 3, 4)), np.ones((2, 3, 4))]
    with pytest.raises(ValueError, match="mask must be a list of 2"):
        layers.Add().compute_mask(x, np.ones((2, 3), bool))
    with pytest.raises(ValueError, match="the mask of input 1"):
        layers.Add().compute_mask(x, [np.ones((2, 3), bool), np.ones((2, 4), bool)])
