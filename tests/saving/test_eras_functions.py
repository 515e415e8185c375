"""Models of Keras 2.15, with TensorFlow's functions in them, compute what they computed there."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from nnlite.models import forms
from nnlite.saving.building import build_model

FOLDER = Path(__file__).parent / "keras_files"
CONFIGS = json.loads((FOLDER / "functions-2.15.json").read_text())
WARNED = {"cut": ["RandomCrop", "RandomHeight", "RandomWidth"]}  # they do nothing at random
ARRAYS = dict(np.load(FOLDER / "functions-2.15.npz"))


def arrays(name, kind):
    found = sum(key.startswith(f"{name}.{kind}") for key in ARRAYS)
    return [ARRAYS[f"{name}.{kind}{number}"] for number in range(found)]


@pytest.mark.parametrize("name", CONFIGS)
def test_outputs(name):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = build_model(CONFIGS[name])
    assert [str(one.message).split()[0] for one in told] == WARNED.get(name, [])
    model.set_weights(arrays(name, "w"))
    x = arrays(name, "x")
    outputs = forms.leaves(model.predict(x if len(x) > 1 else x[0], verbose=0))
    wanted = arrays(name, "y")
    assert [y.shape for y in outputs] == [y.shape for y in wanted]
    for y, expected in zip(outputs, wanted, strict=True):
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["nested", "ends", "states", "attention", "products", "indexing"])
def test_they_go_on_as_models_of_today(name):
    model = build_model(CONFIGS[name])
    again = build_model(json.loads(model.to_json()))
    assert again.get_config() == model.get_config()
    again.set_weights(model.get_weights())
    x = arrays(name, "x")
    y, cache = again.forward(x if len(x) > 1 else x[0])
    for a, b in zip(forms.leaves(y), forms.leaves(model(x if len(x) > 1 else x[0])), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    again.backward([np.ones_like(one) for one in y] if isinstance(y, list) else np.ones_like(y), cache)
    assert all(np.abs(v.grad).max() > 0 for v in again.trainable_weights)


def test_a_function_that_is_not_there_is_named():
    config = json.loads(json.dumps(CONFIGS["pairs"]))
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "TFOpLambda" and layer["config"]["function"] == "math.maximum":
            layer["config"]["function"] = "io.read_file"
    with pytest.raises(ValueError, match=r"tf.math.maximum.*io.read_file.*not supported"):
        build_model(config)


def test_an_operation_of_a_graph_whose_settings_are_texts():
    window = {"list": {"i": ["1", "2", "2", "1"]}}
    node = {"op": "MaxPool", "attr": {"ksize": window, "strides": window, "padding": {"s": "U0FNRQ=="}}}
    node["attr"]["data_format"] = {"s": "TkhXQw=="}
    start = {"class_name": "InputLayer", "name": "x", "inbound_nodes": []}
    start["config"] = {"name": "x", "batch_input_shape": [None, 3, 3, 1], "dtype": "float32"}
    pool = {"class_name": "TensorFlowOpLayer", "name": "p", "inbound_nodes": [[["x", 0, 0, {}]]]}
    pool["config"] = {"name": "p", "node_def": node, "constants": {}}
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["p", 0, 0]]}
    config = {"class_name": "Model", "config": {"name": "m", "layers": [start, pool], **ends}}
    y = build_model(config)(np.arange(9.0, dtype="float32").reshape(1, 3, 3, 1))
    assert y.ravel().tolist() == [4, 5, 7, 8]
    node["attr"]["data_format"] = {"s": "TkNIVw=="}
    with pytest.raises(ValueError, match=r"'p'.*data_format is not supported"):
        build_model(config)


def test_a_first_size_that_is_not_the_batch_is_refused():
    config = json.loads(json.dumps(CONFIGS["shapes_4"]))
    for layer in config["config"]["layers"]:
        if layer["config"].get("function") == "__operators__.getitem":
            layer["inbound_nodes"][0][3]["slice_spec"] = 1
    with pytest.raises(ValueError, match="computed by the model"):
        build_model(config)
