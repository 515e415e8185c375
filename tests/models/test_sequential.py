import copy
import json
import pickle
import re

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.core import naming
from nnlite.testing import check_layer


def small(**kwargs):
    return keras.Sequential(
        [
            layers.Input((6, 5, 2)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ],
        **kwargs,
    )


def images(rows=3, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, 6, 5, 2)).astype("float32")


def test_names_paths_and_shapes():
    naming.reset_names()
    model = small(name="net")
    assert [layer.name for layer in model.layers] == [
        "conv2d",
        "batch_normalization",
        "max_pooling2d",
        "flatten",
        "dense",
    ]
    assert [v.path for v in model.weights][:3] == [
        "net/conv2d/kernel",
        "net/conv2d/bias",
        "net/batch_normalization/gamma",
    ]
    assert model.input_shape == (None, 6, 5, 2) and model.output_shape == (None, 4)
    assert model.count_params() == 57 + 12 + 28


def test_input_layer_is_not_listed():
    model = small()
    assert not any(isinstance(layer, layers.InputLayer) for layer in model.layers)


@pytest.mark.parametrize(
    "first",
    [
        lambda: [layers.Input((4,)), layers.Dense(2)],
        lambda: [layers.InputLayer(shape=(4,)), layers.Dense(2)],
        lambda: [layers.Dense(2, input_shape=(4,))],
        lambda: [layers.Dense(2, input_dim=4)],
        lambda: [layers.Dense(2, batch_input_shape=(None, 4))],
    ],
)
def test_ways_to_declare_the_input(first):
    model = keras.Sequential(first())
    assert model.built and model.input_shape == (None, 4) and len(model.layers) == 1


def test_built_by_first_use_by_build_and_by_fit():
    by_call = keras.Sequential([layers.Dense(2)])
    assert not by_call.built and by_call.weights == []
    by_call(np.ones((3, 4)))
    by_build = keras.Sequential([layers.Dense(2)])
    by_build.build((None, 4))
    by_fit = keras.Sequential([layers.Dense(2)])
    by_fit.compile("sgd", "mse")
    by_fit.fit(np.ones((3, 4)), np.ones((3, 2)), verbose=0)
    for model in (by_call, by_build, by_fit):
        assert model.input_shape == (None, 4) and len(model.weights) == 2


def test_add_and_pop():
    model = keras.Sequential()
    model.add(layers.Input((4,)))
    model.add(layers.Dense(3))
    assert model.output_shape == (None, 3)
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2) and len(model.weights) == 4
    popped = model.pop()
    assert popped.units == 2 and model.output_shape == (None, 3) and len(model.weights) == 2
    assert model(np.ones((1, 4))).shape == (1, 3)


@pytest.mark.parametrize(
    ("add", "error", "message"),
    [
        (lambda m: m.add(layers.Dense(2, name="a")), ValueError, "named 'a' already"),
        (lambda m: m.add(layers.Input((4,))), ValueError, "Input must come first"),
        (lambda m: m.add("relu"), TypeError, "only layers can be added, got 'relu'"),
        (lambda m: m.add(layers.Flatten), TypeError, "forget the parentheses"),
        (lambda m: m.add(layers.Conv2D(2, 3)), ValueError, "expects an input with 4 axes"),
    ],
)
def test_what_cannot_be_added_leaves_the_model_as_it_was(add, error, message):
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="a")])
    with pytest.raises(error, match=message):
        add(model)
    assert len(model.layers) == 1 and model.built and model(np.ones((1, 4))).shape == (1, 3)


def test_pop_of_nothing():
    with pytest.raises(ValueError, match="no layers to pop"):
        keras.Sequential().pop()


def test_forward_backward_down_to_the_input():
    check_layer(
        keras.Sequential([layers.Dense(3, activation="tanh"), layers.Dense(2, activation="sigmoid")]), (None, 4)
    )
    check_layer(small(), (None, 6, 5, 2))


def test_backward_leaves_gradients_readable_and_skips_what_nobody_wants():
    model, x = small(), images()
    y, cache = model.forward(x, training=True)
    dx = model.backward(np.ones_like(y) * y, cache)
    assert dx.shape == x.shape and all(np.isfinite(v.grad).all() for v in model.trainable_weights)
    y, cache = model.forward(x, training=True)
    assert model.backward(y, cache, input_grad=False) is None
    for layer in model.layers[:-1]:
        layer.trainable = False
    y, cache = model.forward(x, training=True)
    assert model.backward(y, cache, input_grad=False) is None
    assert len(cache.calls) == 5, "only the last layer was asked"
    assert np.abs(model.layers[-1].kernel.grad).sum() > 0


def test_infer_equals_forward_and_training_differs():
    model, x = small(), images()
    y, _ = model.forward(x)
    np.testing.assert_array_equal(model(x), y)
    np.testing.assert_array_equal(model.predict(x, verbose=0), y)
    assert np.abs(model(x, training=True) - y).max() > 1e-4


def test_nested():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="tanh", name="a")], name="inner")
    model = keras.Sequential([layers.Input((4,)), inner, layers.Dense(2)], name="outer")
    assert [layer.name for layer in model.layers] == ["inner", model.layers[1].name]
    assert len(model.weights) == 4
    check_layer(model, (None, 4))
    again = keras.Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(again(x), model(x))
    first = keras.Sequential([inner, layers.Dense(5)])
    assert first.input_shape == (None, 4), "the inner model's input is the outer's"


def test_get_layer():
    model = small()
    assert model.get_layer(index=0) is model.layers[0]
    assert model.get_layer(model.layers[4].name) is model.layers[4]
    with pytest.raises(ValueError, match="no layer 'dens'.*Did you mean 'dense"):
        model.get_layer("dens")
    with pytest.raises(ValueError, match="no index 9"):
        model.get_layer(index=9)
    with pytest.raises(ValueError, match="either a name or an index"):
        model.get_layer()


def test_config_and_json_round_trip():
    model = small(name="net")
    again = keras.Sequential.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    third = keras.models.model_from_json(model.to_json(indent=1))
    assert json.loads(third.to_json()) == json.loads(model.to_json())
    assert [v.path for v in third.weights] == [v.path for v in model.weights]
    assert not third.compiled
    model.compile(keras.optimizers.Adam(0.25), "mse", metrics=["mae"])
    fourth = keras.models.model_from_json(model.to_json())
    assert fourth.compiled and float(fourth.optimizer.learning_rate) == 0.25 and fourth.loss == "mse"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"class_name": "Nothing", "config": {}}', "null"])
def test_model_from_json_refuses_what_is_no_model(text):
    with pytest.raises((ValueError, TypeError)):
        keras.models.model_from_json(text)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_train_on_independently(again):
    x, y = images(8), np.arange(8) % 4
    model = small()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, shuffle=False, verbose=0)
    other = again(model)
    before = model.get_weights()
    history = other.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(
        model.fit(x, y, epochs=2, shuffle=False, verbose=0).history["loss"], history.history["loss"]
    )


def test_a_declared_input_is_binding():
    model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
    with pytest.raises(ValueError, match=r"declared with input shape \(None, 4\), got \(None, 5\)"):
        model._built = False
        model.build((None, 5))
    with pytest.raises(ValueError, match="build the shape of the input"):
        keras.Sequential([layers.Dense(2)]).build()


def test_layers_frozen_and_freed_between_steps():
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(2)])
    model.compile("sgd", "mse")
    x, y = np.ones((5, 3), "float32"), np.ones((5, 2), "float32")
    for learns in (True, False, True):
        model.layers[0].trainable = learns
        for one in (model, copy.deepcopy(model)):
            kernel = one.layers[0].kernel
            before = kernel.numpy()
            one.train_on_batch(x, y)
            assert (kernel.value != before).any() == learns


def test_frozen_models():
    model = keras.Sequential([layers.Input((4,)), layers.Dense(2)], trainable=False)
    assert model.trainable_weights == [] and model.get_config()["trainable"] is False
    assert keras.Sequential.from_config(model.get_config()).trainable is False


def test_a_layer_may_stand_in_a_model_twice(tmp_path):
    dense, relu = layers.Dense(4, name="twice"), layers.ReLU(name="relu")
    model = keras.Sequential([layers.Input((4,)), dense, relu, dense, layers.Dense(2), relu])
    assert len(model.weights) == 4 and model.count_params() == 30
    printed = []
    model.summary(print_fn=printed.append)
    assert printed[0].count("twice (Dense)") == 2 and re.search(r"relu \(ReLU\) +│ \(None, 2\)", printed[0])
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    y, cache = model.forward(x)
    model.backward(np.ones_like(y), cache)
    w, b = dense.kernel.value, dense.bias.value
    hidden = np.maximum(x @ w + b, 0)
    v, c = model.layers[3].kernel.value, model.layers[3].bias.value
    np.testing.assert_allclose(y, np.maximum((hidden @ w + b) @ v + c, 0), atol=1e-6)
    dz = (y > 0) @ v.T
    dw = hidden.T @ dz + x.T @ ((dz @ w.T) * (hidden > 0))  # the sum over both places
    np.testing.assert_allclose(dense.kernel.grad, dw, atol=1e-5)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.layers[0] is again.layers[2] and again.layers[1] is again.layers[4]
    np.testing.assert_array_equal(again(x), y)


def test_paths():
    model = small(name="net")
    assert model.path == "net" and model.layers[0].path == f"net/{model.layers[0].name}"
    assert layers.Dense(2).path is None


def test_shared_layer_objects_keep_their_weights():
    body = keras.Sequential([layers.Input((4,)), layers.Dense(3)])
    head = keras.Sequential([body, layers.Dense(2)])
    other = keras.Sequential([body, layers.Dense(1)])
    assert head.weights[0] is other.weights[0]


def test_float64_models_compute_in_float64():
    model = keras.Sequential([layers.Input((3,), dtype="float64"), layers.Dense(2, dtype="float64")])
    assert model(np.ones((1, 3))).dtype == np.float64
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    assert model.predict(np.ones((4, 3)), verbose=0).dtype == np.float64


def test_integer_images_are_cast_batch_by_batch():
    model = keras.Sequential([layers.Input((4,)), layers.Dense(1, kernel_initializer="ones")])
    assert model.predict(np.full((2, 4), 200, "uint8"), verbose=0).tolist() == [[800], [800]]


def test_a_list_of_one_input_is_that_input():
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    x = np.ones((4, 3), "float32")
    np.testing.assert_array_equal(model([x]), model(x))
    model.compile("sgd", "mse")
    assert model.fit([x], np.ones((4, 2)), verbose=0).history["loss"]
    with pytest.raises(ValueError, match="takes one array, got a list of 2"):
        model([x, x])


def test_a_cache_serves_once():
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(2)])
    x = np.ones((2, 4), "float32")
    y, cache = model.forward(x)
    model.backward(y, cache)
    once = [v.grad.copy() for v in model.trainable_weights]
    with pytest.raises(ValueError, match="this cache has been used.*Call forward again"):
        model.backward(y, cache)
    with pytest.raises(TypeError, match="takes the cache of forward, got None"):
        model.backward(y, None)
    y, cache = model.forward(x)
    model.backward(y, cache)
    for v, g in zip(model.trainable_weights, once, strict=True):
        np.testing.assert_allclose(v.grad, 2 * g, atol=1e-6)
    model.zero_grad()
    assert not any(v.grad.any() for v in model.trainable_weights)


def test_a_backward_that_returns_nothing_is_named():
    class Stops(layers.Layer):
        def forward(self, x, training=False):
            return x, None

        def backward(self, dy, cache):
            pass

    model = keras.Sequential([layers.Input((4,)), layers.Dense(3), Stops(name="stops"), layers.Dense(2)])
    y, cache = model.forward(np.ones((2, 4), "float32"))
    with pytest.raises(TypeError, match="Stops 'stops': backward returned None, expected dx"):
        model.backward(y, cache)


def test_layers_go_into_a_list():
    with pytest.raises(TypeError, match="trainable must be True or False.*Layers go into one list"):
        keras.Sequential(layers.Dense(3), layers.Dense(4))


def test_saved_before_the_first_step(tmp_path):
    model = small()
    model.compile(keras.optimizers.Adam(0.125), "mse")
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")  # without a warning
    assert float(again.optimizer.learning_rate) == 0.125 and int(again.optimizer.iterations) == 0
    again.fit(np.ones((4, *model.input_shape[1:])), np.ones((4, *model.output_shape[1:])), verbose=0)
    again.load_weights(tmp_path / "m.keras")
    assert not any(v.value.any() for v in again.optimizer.variables[2:]) and int(again.optimizer.iterations) == 0


def test_data_by_the_name_of_the_input():
    model = keras.Sequential([layers.Input((3,), name="a"), layers.Dense(2)])
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
    np.testing.assert_array_equal(model({"a": x}), model(x))
    np.testing.assert_array_equal(model.predict({"a": x}), model.predict(x))
    model.compile("sgd", "mse")
    model.fit({"a": x}, y, verbose=0)
    with pytest.raises(ValueError, match="no data for the input 'a'; got 'b'"):
        model.predict({"b": x})


def test_its_symbols_are_those_of_its_first_call():
    """As of any layer; a model that has not been called has those of its own chain."""
    inner, x = keras.Sequential([layers.Input((3,)), layers.Dense(2)]), layers.Input((3,))
    own = inner.input, inner.output
    assert own == (inner.inputs[0], inner.outputs[0])
    y = inner(x)
    assert inner.input is x and inner.output is y and own == (inner.inputs[0], inner.outputs[0])


def test_a_model_of_symbols_that_comes_first_tells_the_input():
    ids = layers.Input((5,), dtype="int32")
    model = keras.Sequential([keras.Model(ids, layers.Embedding(9, 4)(ids)), layers.Flatten(), layers.Dense(2)])
    assert model.built and model.input_shape == (None, 5) and model.output_shape == (None, 2)
    assert model.inputs[0].dtype == "int32" and model(np.zeros((3, 5), "int64")).shape == (3, 2)


def test_ends_that_are_not_known_yet_are_missing_attributes():
    for model in (keras.Sequential([layers.Dense(2)]), keras.Sequential()):
        for name in ("input", "output", "inputs", "outputs", "input_shape", "output_shape"):
            assert not hasattr(model, name)
            with pytest.raises(AttributeError, match=rf"has no {name} yet: add an Input first, .* on data\.$"):
                getattr(model, name)
