import numpy as np
import pytest

import nnlite as keras
from nnlite.core import registry, serialization
from nnlite.core.errors import nearest


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(ValueError, match="Unknown optimizer 'adm'.*Did you mean 'adam'|Did you mean 'Adam'"):
        registry.resolve("optimizers", "adm")


def test_registered_names_round_trip():
    @keras.saving.register_keras_serializable(package="pkg", name="Other")
    class Mine(keras.layers.Layer):
        def __init__(self, n=1, **kwargs):
            super().__init__(**kwargs)
            self.n = n

    config = serialization.serialize(Mine(4))
    assert config["registered_name"] == "pkg>Other" and config["class_name"] == "Mine"
    assert serialization.deserialize(config).n == 4
    assert keras.utils.get_registered_object("pkg>Other") is Mine
    assert keras.utils.get_registered_name(Mine) == "pkg>Other"


def test_custom_objects_reach_only_where_they_are_given():
    class Known(keras.layers.Layer):
        pass

    config = serialization.serialize(Known(name="k"))
    with pytest.raises(ValueError, match="Unknown layer 'Known'"):
        serialization.deserialize(config, "layers")
    assert type(serialization.deserialize(config, "layers", {"Known": Known})) is Known
    with keras.utils.custom_object_scope({"Known": Known}):
        assert type(serialization.deserialize(config, "layers")) is Known


def test_nothing_is_imported_because_a_config_names_it():
    config = {"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": "os>system"}
    with pytest.raises(ValueError, match="Unknown layer 'system'"):
        serialization.deserialize(config)


def test_a_class_needs_get_config_to_be_registered():
    with pytest.raises(ValueError, match="get_config"):

        @keras.saving.register_keras_serializable()
        class Bare:
            pass


def test_plain_values_serialize_as_themselves():
    value = {"a": [1, 2.5, None, True, "x"], "b": (np.int64(3), np.float32(0.5)), "c": np.dtype("float32")}
    assert serialization.serialize(value) == {"a": [1, 2.5, None, True, "x"], "b": [3, 0.5], "c": "float32"}
    array = serialization.deserialize(serialization.serialize(np.arange(3, dtype="int32")))
    assert array.tolist() == [0, 1, 2] and array.dtype == np.int32


def test_lambdas_are_refused():
    with pytest.raises(TypeError, match="lambda"):
        serialization.serialize(lambda x: x)


def test_an_unknown_key_in_a_config_is_named():
    with pytest.raises(TypeError, match="'unit'.*Did you mean 'units'"):
        serialization.deserialize({"class_name": "Dense", "config": {"unit": 3}}, "layers")


@pytest.mark.parametrize(
    ("given", "known", "hint"),
    [
        ("adm", ["sgd", "adam"], " Did you mean 'adam'?"),
        ("lr", ["rho", "learning_rate"], " Did you mean 'learning_rate'?"),
        ("he", ["Zeros", "HeNormal"], " Did you mean 'HeNormal'?"),
        ("xyz", ["sgd", "adam"], ""),
        ("", ["sgd"], ""),
    ],
)
def test_nearest_names(given, known, hint):
    assert nearest(given, known) == hint
