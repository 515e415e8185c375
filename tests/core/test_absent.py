"""Names of Keras that are gone or left out: the errors say what to use."""

import importlib
import re

import numpy as np
import pytest

import nnlite as keras
from nnlite.core import absent


def has(dotted):
    thing = importlib.import_module("nnlite")
    for name in dotted.split(".")[1:]:
        thing = getattr(thing, name)
    return thing is not None


def test_what_is_named_exists_and_what_is_missed_does_not():
    for place, hints in absent._INSTEAD.items():
        for name, hint in hints.items():
            if place.startswith("nnlite"):
                assert not hasattr(importlib.import_module(place), name), f"{place}.{name}"
            for named in re.findall(r"nnlite(?:\.\w+)+", hint):
                assert has(named), f"{place}.{name}: {named}"


@pytest.mark.parametrize(
    ("module", "name", "word"),
    [
        ("nnlite", "applications", "pretrained"),
        ("nnlite.backend", "sum", "nnlite.ops.sum"),
        ("nnlite.backend", "set_value", "assign"),
        ("nnlite.callbacks", "TensorBoard", "CSVLogger"),
        ("nnlite.layers", "CuDNNLSTM", "nnlite.layers.LSTM"),
        ("nnlite.losses", "Reduction", "'none'"),
        ("nnlite.ops", "inv", "numpy.linalg.inv"),
        ("nnlite.optimizers", "legacy", "same optimizers"),
        ("nnlite.preprocessing", "text", "TextVectorization"),
        ("nnlite.preprocessing.image", "ImageDataGenerator", "RandomFlip"),
        ("nnlite.utils", "np_utils", "to_categorical"),
    ],
)
def test_an_attribute_and_an_import_say_what_to_use(module, name, word):
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'\. Instead: .*{re.escape(word)}"):
        getattr(importlib.import_module(module), name)
    with pytest.raises(ImportError, match=rf"cannot import name '{name}' .*{re.escape(word)}"):
        exec(f"from {module} import {name}", {})
    assert getattr(importlib.import_module(module), name, None) is None


def test_other_names_have_pythons_own_message():
    with pytest.raises(ImportError, match=r"cannot import name 'no_such' from 'nnlite.layers' \("):
        exec("from nnlite.layers import no_such", {})
    with pytest.raises(AttributeError, match=r"no attribute 'no_such'$"):
        _ = keras.callbacks.no_such
    with pytest.raises(AttributeError, match=r"nnlite.ops.linalg has no function 'no_such'$"):
        _ = keras.ops.linalg.no_such


def test_methods_and_attributes_of_objects():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    for thing, name, word in [
        (model, "fit_generator", "fit, which takes generators"),
        (model, "predict_classes", "argmax"),
        (model.layers[0], "input_shape", r"layer\.input\.shape"),
        (model.optimizer, "lr", "learning_rate"),
    ]:
        with pytest.raises(AttributeError, match=rf"object has no attribute '{name}'\. Instead: .*{word}"):
            getattr(thing, name)
        assert not hasattr(thing, name)
    with pytest.raises(AttributeError, match=r"no attribute 'no_such'$"):
        _ = model.optimizer.no_such
    assert np.isclose(float(model.optimizer.learning_rate), 1e-3)
