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
        (lambda: layers.Subtract()([ONE]), ValueError, r"2 inputs, got 1: \(None, 3\)"),
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
    with pytest.raises(TypeError, match="(?s)has no derivative.*nnlite.ops on symbols"):
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


WHOLE = [
    ("layers.Flatten()", (2, 3, 2)),
    ("layers.Flatten(data_format='channels_first')", (2, 3, 2)),
    ("layers.Reshape((-1, 3))", (2, 3, 2)),
    ("layers.Permute((2, 1))", (2, 3, 2)),
    ("layers.RepeatVector(2)", (2, 3)),
    ("layers.ZeroPadding1D(1)", (2, 3, 2)),
    ("layers.Cropping2D(((0, 1), (1, 0)))", (2, 3, 3, 2)),
    ("layers.Identity()", (2, 3)),
    ("layers.TimeDistributed(layers.Flatten())", (2, 3, 2)),
]


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize(("made", "shape"), WHOLE, ids=[made for made, _ in WHOLE])
def test_layers_that_only_move_values_keep_whole_numbers(made, shape, dtype):
    """Numbers above 2**24 would not survive float32."""
    layer = eval(made, {"layers": layers})
    x = np.arange(np.prod(shape)).reshape(shape) + (2**25 if dtype.startswith("int") else 0)
    x = x.astype(dtype)
    y = layer(x)
    assert y.dtype == dtype and layer(keras.Input(batch_shape=shape, dtype=dtype)).dtype == dtype
    assert set(np.unique(y)) <= {*np.unique(x), 0}
    assert layer(x.astype("float64")).dtype == np.float32


def test_whole_numbers_joined_stay_whole_for_symbols_too():
    a, b, c = (keras.Input((2,), dtype=dtype) for dtype in ("int32", "int64", "float32"))
    assert layers.Concatenate()([a, a]).dtype == "int32"
    assert layers.Concatenate()([a, b]).dtype == "int64"
    assert layers.Concatenate()([a, c]).dtype == "float32"


def test_large_numbers_reach_a_lookup_through_layers_that_move_them():
    ids = np.array([[2**24 + 1, 2**24], [2**24, 2**24 + 1]])
    x = keras.Input((2,), dtype="int64")
    y = layers.IntegerLookup(vocabulary=[2**24, 2**24 + 1])(layers.Flatten()(layers.Reshape((2, 1))(x)))
    assert keras.Model(x, y).predict(ids, verbose=0).tolist() == [[2, 1], [1, 2]]


def test_gradients_end_at_whole_numbers():
    model = keras.Sequential([layers.Reshape((2, 1)), layers.Flatten(), layers.Embedding(5, 3), layers.Dense(1)])
    y, cache = model.forward(np.array([[1, 2], [4, 2]]))
    assert model.backward(np.ones_like(y), cache) is None
    assert np.flatnonzero(model.layers[2].embeddings.grad.any(axis=1)).tolist() == [1, 2, 4]
    with pytest.raises(ValueError, match="has been used"):
        model.backward(np.ones_like(y), cache)
    x = keras.Input((2,), dtype="int32")
    graph = keras.Model(x, layers.Dense(1)(layers.Embedding(5, 3)(layers.Reshape((2, 1))(x))))
    y, cache = graph.forward(np.array([[1, 2], [4, 2]]))
    assert graph.backward(np.ones_like(y), cache) is None


@pytest.mark.parametrize("kind", ["Add", "Multiply", "Average", "Maximum", "Minimum"])
def test_one_input_in_a_list_is_the_result(kind):
    x = np.array([[1.0, -2.0]], "float32")
    layer = getattr(layers, kind)()
    y, cache = layer.forward([x])
    assert y.tolist() == x.tolist() and x.tolist() == [[1.0, -2.0]]
    (dx,) = layer.backward(2 * x, cache)
    assert dx.tolist() == [[2.0, -4.0]]
    assert layer([keras.Input((2,))]).shape == (None, 2)
    with pytest.raises(ValueError, match=f"{kind}.* takes a list of inputs, got one array of shape"):
        layer(x)


def test_two_inputs_are_needed_for_a_difference():
    for layer in (layers.Subtract(), layers.Dot(1)):
        with pytest.raises(ValueError, match="takes a list of 2 inputs, got 1"):
            layer([np.ones((2, 3))])


@pytest.mark.parametrize("axis", [None, "a", 1.5, [1, None]])
def test_softmax_takes_whole_numbers_as_axes(axis):
    with pytest.raises(TypeError, match="axis must be a whole number, or several, got"):
        layers.Softmax(axis=axis)


def test_arguments_that_are_not_there_must_be_none():
    assert layers.Dense(3, lora_rank=None, quantization_config=None).units == 3
    assert "quantization_config" not in layers.Dense(3).get_config()
    with pytest.raises(ValueError, match="lora_rank=2 is not available"):
        layers.Dense(3, lora_rank=2)
    config = {**layers.EinsumDense("ab,bc->ac", 3).get_config(), "quantization_config": None}
    assert layers.EinsumDense.from_config(config).get_config().get("quantization_config") is None
    with pytest.raises(ValueError, match="quantization_config='int8' is not available"):
        layers.EinsumDense("ab,bc->ac", 3, quantization_config="int8")


def test_activity_penalties_are_numbers():
    assert layers.ActivityRegularization(l1=None, l2=0.5).get_config()["l1"] == 0
    with pytest.raises(ValueError, match="l1 must be a number, got 'a'"):
        layers.ActivityRegularization(l1="a")
    with pytest.raises(ValueError, match="-1"):
        layers.ActivityRegularization(l1=-1)
