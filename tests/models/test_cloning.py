"""clone_model."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.models import clone_model


def model():
    inner = keras.Sequential([layers.Dense(4, name="a"), layers.ReLU(name="r")], name="inner")
    return keras.Sequential([keras.Input((3,)), inner, layers.Dense(2, name="b", trainable=False)], name="outer")


def test_architecture_and_names_are_the_same_and_weights_new():
    old = model()
    new = clone_model(old)
    assert new.get_config() == old.get_config() and not new.compiled
    assert new.built and [v.path for v in new.weights] == [v.path for v in old.weights]
    assert not {id(v) for v in new.weights} & {id(v) for v in old.weights}
    assert not np.array_equal(new.weights[0].value, old.weights[0].value)
    new.set_weights(old.get_weights())
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(new(x), old(x))


def test_an_unbuilt_model_stays_unbuilt_and_one_built_by_hand_is_built():
    old = keras.Sequential([layers.Dense(2)])
    assert not clone_model(old).built
    old.build((None, 5))
    assert clone_model(old).input_shape == (None, 5)


def test_a_function_makes_the_layers():
    seen = []

    def bigger(layer):
        seen.append(layer.name)
        config = layer.get_config()
        if isinstance(layer, layers.Dense):
            config["units"] *= 2
        return type(layer).from_config(config)

    new = clone_model(model(), clone_function=bigger, recursive=True)
    assert seen == ["a", "r", "b"] and new.output_shape == (None, 4)
    seen.clear()
    clone_model(model(), clone_function=bigger)
    assert seen == ["inner", "b"]


def test_layers_may_be_shared_and_stand_twice():
    dense = layers.Dense(3, name="twice")
    old = keras.Sequential([keras.Input((3,)), dense, layers.ReLU(), dense])
    new = clone_model(old)
    assert new.layers[0] is new.layers[2] is not dense
    assert clone_model(old, clone_function=lambda layer: layer).layers[0] is dense


def test_another_input():
    assert clone_model(keras.Sequential([layers.Dense(2)]), keras.Input((7,))).input_shape == (None, 7)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="expected a model"):
        clone_model(layers.Dense(2))
    with pytest.raises(TypeError, match="returned None for Sequential 'inner', expected a layer"):
        clone_model(model(), clone_function=lambda layer: None)
    with pytest.raises(ValueError, match="call_function"):
        clone_model(model(), call_function=print)


def test_a_clone_is_compiled_as_the_model_is_and_shares_no_state_of_training():
    old = model()
    metric = keras.metrics.MeanAbsoluteError(name="off")
    old.compile(keras.optimizers.SGD(0.25, momentum=0.5), keras.losses.Huber(0.5), metrics=[metric, "mse"])
    x, y = np.ones((4, 3), "float32"), np.arange(8, dtype="float32").reshape(4, 2)
    old.fit(x, y, verbose=0)
    new = clone_model(old)
    assert new.compiled and new.get_compile_config() == old.get_compile_config()
    assert new.optimizer is not old.optimizer and int(new.optimizer.iterations) == 0
    assert int(old.optimizer.iterations) == 1
    assert not {id(m) for m in new.metrics} & {id(m) for m in old.metrics}
    before = [v.numpy() for v in old.variables]
    new.fit(x, y, verbose=0)
    assert list(new.history.history) == ["loss", "mse", "off"]
    assert all(np.array_equal(v.value, b) for v, b in zip(old.variables, before, strict=True))
    assert clone_model(old, clone_function=lambda layer: layer.from_config(layer.get_config())).compiled
    x = keras.Input((3,))
    old = keras.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    old.compile("adam", {"a": "mse", "b": "mae"}, metrics={"a": [metric]}, loss_weights={"a": 1.0, "b": 2.0})
    assert clone_model(old).get_compile_config() == old.get_compile_config()
