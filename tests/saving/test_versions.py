"""What not every version of Keras knows is written so that most do, and never in silence."""

import inspect
import json
import warnings
import zipfile

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.core import registry
from nnlite.saving import versions


def test_the_table_speaks_of_what_there_is():
    for kind, since in versions.SINCE.items():
        known = registry.known_names(kind)
        known = {getattr(registry.find(kind, name), "class_name", name) for name in known} if kind == "ops" else known
        assert not since.keys() - set(known)
    for kind, classes in versions.ARGUMENTS.items():
        for name, arguments in classes.items():
            parameters = inspect.signature(registry.find(kind, name)).parameters
            for argument, (_, default) in arguments.items():
                if argument not in parameters:  # read from a file only
                    continue
                found = parameters[argument].default
                assert default == () or (list(found) if isinstance(found, tuple) else found) == default, (
                    name,
                    argument,
                )


def functional(*parts, shape=(4, 2)):
    x = y = layers.Input(shape)
    for part in parts:
        y = part(y)
    return keras.Model(x, y)


def attends():
    x = layers.Input((4, 2))
    return keras.Model(x, layers.MultiHeadAttention(1, 2, use_gate=True)(x, x))


def waits():
    x = layers.Input((4,))
    first, second = layers.Dense(4, name="first"), layers.Dense(4, name="second")
    return keras.Model(x, first(second(first(second(x)))))


def compiled(model, *arguments):
    model.compile(*arguments)
    return model


MODELS = {
    "slash": (lambda: functional(layers.Dense(2, name="block/dense")), "none opens Dense 'block/dense' with a slash"),
    "slash of a model": (
        lambda: keras.Sequential([layers.Input((4, 2)), layers.Dense(2)], name="a/b"),
        "none opens Sequential 'a/b' with a slash",
    ),
    "class": (lambda: functional(layers.RMSNormalization()), "from 3.10 on: RMSNormalization 'rms_normalization"),
    "later": (lambda: functional(layers.AdaptiveAveragePooling1D(2)), "from 3.15 on: AdaptiveAveragePooling1D"),
    "argument": (
        lambda: functional(layers.BatchNormalization(renorm=True, name="b")),
        r"3.15 on: BatchNormalization 'b' with renorm=True",
    ),
    "gate": (attends, "from 3.15 on: MultiHeadAttention .* with use_gate=True"),
    "activation": (lambda: functional(layers.Dense(2, activation="celu")), "3.10 on: Dense .* activation='celu'"),
    "layer": (lambda: functional(layers.Dense(2, activation=layers.ELU())), "3.10 on: .* a layer as its activation"),
    "operation": (lambda: functional(lambda x: keras.ops.hypot(x, x)), "from 3.15 on: Hypot"),
    "optimizer": (lambda: compiled(functional(layers.Dense(1)), "muon", "mse"), "from 3.15 on: Muon"),
    "loss": (lambda: compiled(functional(layers.Dense(3)), "sgd", "circle"), "from 3.10 on: loss 'circle'"),
    "waiting": (waits, "from 3.10 on: a call that waits for a later one of 'first'"),
    "none": (
        lambda: functional(
            layers.LSTM(2, recurrent_activation="hard_sigmoid_keras2", name="l"), layers.Dense(2, "celu")
        ),
        "no Keras computes the same, .*opens LSTM 'l' with recurrent_activation='hard_sigmoid_keras2'",
    ),
}


@pytest.mark.parametrize(("name", "file"), [(name, "m.keras") for name in MODELS] + [("none", "m.h5")])
def test_saving_says_who_opens_it(tmp_path, name, file):
    make, message = MODELS[name]
    model = make()
    with pytest.warns(UserWarning, match=f"{file}: .*{message}"):
        model.save(tmp_path / file)
    x = np.random.default_rng(0).normal(size=(3, *model.input_shape[1:])).astype("float32")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / file)(x), model(x))


def test_outputs_in_a_dict_are_not_trained_by_the_oldest(tmp_path):
    x = layers.Input((3,))
    model = keras.Model(x, {"a": layers.Dense(1)(x)})
    model.save(tmp_path / "m.keras")
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="Keras does from 3.10 on: the training of outputs in a dict"):
        model.save(tmp_path / "m.keras")


def test_defaults_are_left_out(tmp_path):
    model = functional(layers.BatchNormalization(), layers.Dense(3, activation="softmax"))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy())
    model.save(tmp_path / "m.keras")  # without a warning
    config = json.loads(zipfile.ZipFile(tmp_path / "m.keras").read("config.json"))
    assert "axis" not in config["compile_config"]["loss"]["config"]
    assert not [key for key in config["config"]["layers"][1]["config"] if key.startswith("renorm")]


def test_a_call_that_waits_names_the_only_call_of_a_later_layer_from_the_end(tmp_path):
    x = layers.Input((4,))
    first, second = layers.Dense(4, name="first"), layers.Dense(4, name="second")
    model = keras.Model(x, first(second(first(x))))
    model.save(tmp_path / "m.keras")
    config = json.loads(zipfile.ZipFile(tmp_path / "m.keras").read("config.json"))["config"]
    calls = next(entry for entry in config["layers"] if entry["name"] == "first")["inbound_nodes"]
    assert [call["args"][0]["config"]["keras_history"][1] for call in calls] == [0, -1]
    again = keras.models.load_model(tmp_path / "m.keras")
    value = np.random.default_rng(0).normal(size=(3, 4))
    np.testing.assert_array_equal(again(value), model(value))
    assert again.get_config() == model.get_config()


def test_the_hard_sigmoid_of_keras_2_is_kept(tmp_path):
    """Loaded as 0.2 x + 0.5, saved, loaded again: the same numbers, and Keras is said not to have it."""
    config = {"name": "m", "layers": [
        {"class_name": "Dense", "config": {"units": 3, "activation": "hard_sigmoid", "batch_input_shape": [None, 3]}},
        {"class_name": "Activation", "config": {"activation": "hard_sigmoid"}},
    ]}  # fmt: skip
    model = keras.models.model_from_json(
        json.dumps({"class_name": "Sequential", "config": config, "keras_version": "2.4.0", "backend": "tensorflow"})
    )
    x = np.linspace(-3, 3, 12).reshape(4, 3).astype("float32")
    once = np.clip(0.2 * (x @ model.get_weights()[0]) + 0.5, 0, 1)
    np.testing.assert_allclose(model(x), np.clip(0.2 * once + 0.5, 0, 1), rtol=1e-6)
    for _ in range(2):
        with pytest.warns(UserWarning, match="no Keras computes the same.*Dense.*Activation"):
            model.save(tmp_path / "m.keras")
        again = keras.models.load_model(tmp_path / "m.keras")
        np.testing.assert_array_equal(again(x), model(x))
        model = again
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(tmp_path / "m.h5")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.h5")(x), model(x))
