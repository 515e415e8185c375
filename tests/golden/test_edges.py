"""nnlite does what Keras 3.15.1 does at kinks and ties, on constant and empty inputs, under masks, and with strings."""

import json
import pathlib

import numpy as np
import pytest
from golden import cases, edge_cases
from golden.test_golden import close, made

import nnlite

FOLDER = pathlib.Path(__file__).parent
EDGES = np.load(FOLDER / "edges.npz")
STRINGS = json.loads((FOLDER / "strings.json").read_text())


def check(name, expression, x, training, **options):
    layer = made(expression, nnlite.layers)
    layer.build((None, *x.shape[1:]))
    stream = cases.rng(name)
    if "alpha_initializer" not in expression:
        layer.set_weights(cases.weights(stream, [(v.name, v.shape) for v in layer.weights]))
    x = layer.cast_inputs(x) if x.dtype.kind != "f" else x
    kept = x.copy()
    y, cache = layer.forward(x, training=training, **options)
    close(y, EDGES[f"{name}/y"])
    floor = 10.0 if name.startswith("constant") else 0.0  # Keras leaves rounding, times 1 / sqrt(epsilon)
    close(layer.backward(cases.normal(stream, y.shape), cache), EDGES[f"{name}/dx"], floor)
    for i, variable in enumerate(layer.trainable_weights):
        close(variable.grad, EDGES[f"{name}/dw{i}"], floor)
    for i, variable in enumerate(layer.non_trainable_weights):
        close(variable.value, EDGES[f"{name}/after{i}"])
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("name", edge_cases.EDGES)
def test_edges(name):
    check(name, *edge_cases.EDGES[name])


@pytest.mark.parametrize("name", edge_cases.MASKED)
def test_masks(name):
    expression, shape, mask_shape, training = edge_cases.MASKED[name]
    x = cases.normal(cases.rng(f"x {name}"), shape)
    check(name, expression, x, training, mask=edge_cases.mask(name, mask_shape))


@pytest.mark.parametrize("index", range(len(STRINGS)), ids=lambda i: "-".join(map(str, edge_cases.STRINGS[i])))
def test_metrics_given_as_strings(index):
    ours, keras = edge_cases.run_strings(nnlite, index), STRINGS[index]
    assert list(ours) == list(keras)
    for name, value in keras.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-5, err_msg=name)


def test_everything_recorded_is_tested():
    assert {name.rsplit("/", 1)[0] for name in EDGES.files} == {*edge_cases.EDGES, *edge_cases.MASKED}
    assert len(STRINGS) == len(edge_cases.STRINGS)
