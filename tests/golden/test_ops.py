"""Functions of ``nnlite.ops`` against what Keras computed, and what Keras writes of them in files."""

import json
from pathlib import Path

import numpy as np
import pytest
from golden.packed import load
from ops.case import places, weights
from ops.cases import CASES
from ops.test_properties import given, model_of
from ops.whole import whole, whole_data

import nnlite
from nnlite.core.structure import flatten

HERE = Path(__file__).parent
FACTS = json.loads((HERE / "ops.json").read_text())["ops"]
ARRAYS = load(HERE / "ops.npz")

cases = pytest.mark.parametrize("case", [case for case in CASES if case.recorded], ids=lambda case: case.name)


@cases
def test_numbers_and_gradients_are_those_of_keras(case):
    model, x = model_of(case), case.data()
    y, cache = model.forward(given(x))
    for number, (one, dtype) in enumerate(zip(flatten(y), FACTS[case.name]["dtypes"], strict=True)):
        assert one.dtype.name == dtype
        expected = ARRAYS[f"{case.name}/y{number}"]
        np.testing.assert_allclose(one.astype("float64"), expected, rtol=case.tolerance, atol=1e-6)
    recorded = {key for key in ARRAYS if key.startswith(f"{case.name}/dx")}
    if not recorded:
        return
    dy = [w if one.dtype.kind == "f" else None for w, one in zip(weights(flatten(y)), flatten(y), strict=True)]
    for number, gradient in enumerate(flatten(model.backward(dy if isinstance(y, list) else dy[0], cache))):
        if f"{case.name}/dx{number}" in recorded:
            expected = ARRAYS[f"{case.name}/dx{number}"]
            made = np.zeros_like(x[number]) if gradient is None else gradient
            np.testing.assert_allclose(made, expected, rtol=10 * case.tolerance, atol=1e-5)


@cases
def test_shapes_are_declared_as_in_keras(case):
    facts = FACTS[case.name]
    declared = [[list(symbol.shape), symbol.dtype] for symbol in model_of(case).outputs]
    # Where Keras declares another dtype than it then computes, what counts is what it computes.
    keras = [[shape, made] for (shape, _), made in zip(facts["declared"], facts["dtypes"], strict=True)]
    assert declared == keras


@cases
def test_nodes_are_written_as_in_keras(case):
    layers = model_of(case).get_config()["layers"]
    ours = [
        [entry["module"], entry["class_name"], entry["config"], places(entry["inbound_nodes"])]
        for entry in layers
        if ".ops." in str(entry["module"])
    ]
    assert _without_names(ours) == _without_names(FACTS[case.name]["nodes"])


def _without_names(nodes):
    return sorted(
        json.dumps(
            [module, name, {key: one for key, one in config.items() if key != "name"}, len(calls)], sort_keys=True
        )
        for module, name, config, calls in nodes
    )


def test_a_model_of_many_functions_is_read_from_the_file_of_keras(tmp_path):
    model = nnlite.models.load_model(HERE / "ops.keras")
    np.testing.assert_allclose(model(whole_data()), ARRAYS["whole"], rtol=1e-4, atol=1e-5)
    ours = whole(nnlite, nnlite.ops)
    ours.set_weights(model.get_weights())
    np.testing.assert_allclose(ours(whole_data()), ARRAYS["whole"], rtol=1e-4, atol=1e-5)
    ours.save(tmp_path / "ours.keras")
    again = nnlite.models.load_model(tmp_path / "ours.keras")
    np.testing.assert_array_equal(again(whole_data()), ours(whole_data()))
    words, image = whole_data()
    y, cache = model.forward([words, image])
    dx = model.backward(np.ones_like(y), cache)
    assert dx[0] is None and dx[1].shape == image.shape
