"""Vocabularies give the numbers that real Keras 3.15.1 gives."""

import json
import pathlib

import numpy as np
import pytest
from golden.lookup_cases import LOOKUPS

import nnlite as keras

FOUND = json.loads((pathlib.Path(__file__).parent / "lookups.json").read_text())
NAMES = {name: getattr(keras.layers, name) for name in dir(keras.layers)}


def text(array):
    return [text(one) if isinstance(one, list) else str(one) for one in array]


@pytest.mark.parametrize("index", range(len(LOOKUPS)), ids=lambda i: f"{LOOKUPS[i][0]} {str(LOOKUPS[i][1])[:20]}")
def test_numbers_words_and_configs(index):
    (expression, data, x), expected = LOOKUPS[index], FOUND[index]
    layer = eval(expression, dict(NAMES))
    if data is not None:
        layer.adapt(data)
    for argument in (x, np.array(x)):
        y = layer(argument)
        if expected["dtype"] == "object":
            assert y.tolist() == expected["y"]
        else:
            assert str(y.dtype) == expected["dtype"]
            np.testing.assert_allclose(y, expected["y"], rtol=1e-6)
    assert layer.get_vocabulary() == expected["vocabulary"]
    assert layer.vocabulary_size() == len(expected["vocabulary"])
    declared = layer.compute_output_shape((None, *np.shape(x)[1:]))
    assert len(declared) == y.ndim and all(d in (None, n) for d, n in zip(declared, y.shape, strict=True))
    theirs = {k: v for k, v in expected["config"].items() if k not in ("name", "dtype")}
    ours = {k: v for k, v in json.loads(json.dumps(layer.get_config())).items() if k not in ("name", "dtype")}
    assert ours.keys() == theirs.keys()
    learned = ("vocabulary", "idf_weights", "vocabulary_size")  # Keras keeps what was learned in a file of its own
    assert {k: v for k, v in ours.items() if k not in learned} == {k: v for k, v in theirs.items() if k not in learned}
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_allclose(again(x), y, rtol=1e-6) if y.dtype.kind != "U" else None
    keras_made = type(layer).from_config(expected["config"])
    assert data is not None or keras_made.get_vocabulary() == layer.get_vocabulary()
