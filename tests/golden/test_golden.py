"""nnlite computes what real Keras 3.15.1 computed: outputs and gradients to 1e-5 of the largest value."""

import json
import pathlib

import numpy as np
import pytest
from golden import cases

import nnlite as keras
from nnlite.core import naming

FOLDER = pathlib.Path(__file__).parent
LAYERS = np.load(FOLDER / "layers.npz")
FUNCTIONS = np.load(FOLDER / "functions.npz")
FACTS = json.loads((FOLDER / "facts.json").read_text())


def close(actual, expected, floor=0.0):
    """The same to 1e-5 of the largest value, or of ``floor`` where exact values cancel to zero and leave noise."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max(initial=floor))


def made(expression, namespace):
    return eval(expression, {name: getattr(namespace, name) for name in dir(namespace)})


@pytest.mark.parametrize("index", range(len(cases.LAYERS)), ids=lambda i: f"{cases.LAYERS[i][0]} {cases.LAYERS[i][2]}")
def test_layers(index):
    expression, shape, training = cases.LAYERS[index]
    stream = cases.rng(f"{expression} {shape} {training}")
    x = cases.normal(stream, shape)
    layer = made(expression, keras.layers)
    layer.build((None, *shape[1:]))
    layer.set_weights(cases.weights(stream, [(v.name, v.shape) for v in layer.weights]))
    y, cache = layer.forward(x, training=training)
    close(y, LAYERS[f"{index}.y"])
    close(layer.backward(cases.normal(stream, y.shape), cache), LAYERS[f"{index}.dx"])
    for i, variable in enumerate(layer.trainable_weights):
        close(variable.grad, LAYERS[f"{index}.dw{i}"])
    for i, variable in enumerate(layer.non_trainable_weights):
        close(variable.value, LAYERS[f"{index}.after{i}"])


@pytest.mark.parametrize("index", range(len(cases.LAYERS)), ids=lambda i: f"{cases.LAYERS[i][0]}")
def test_layer_facts(index):
    """Names, weight order, shapes, and a config that holds what Keras's holds (less the keys recent Kerases added)."""
    expression, shape, _ = cases.LAYERS[index]
    expected = FACTS["configs"][str(index)]
    naming.reset_names()
    layer = made(expression, keras.layers)
    layer.build((None, *shape[1:]))
    assert layer.name == expected["name"]
    assert [[v.path, list(v.shape)] for v in layer.weights] == expected["weights"]
    assert list(layer.compute_output_shape((None, *shape[1:]))) == expected["output"]
    from nnlite.saving.eras import normalize

    theirs = normalize(expected["config"])
    ours = keras.saving.serialize_keras_object(layer)
    for key in ("class_name", "module", "registered_name"):
        assert ours[key] == theirs[key]
    wanted = {k: v for k, v in theirs["config"].items() if k not in ("dtype", "activity_regularizer")}
    assert {k: v for k, v in json.loads(json.dumps(ours["config"])).items() if k != "dtype"} == wanted
    again = keras.layers.deserialize(theirs)
    assert again.get_config() == layer.get_config()


def test_variable_paths_of_a_model():
    naming.reset_names()
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            *(keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization(), keras.layers.MaxPooling2D()),
            *(keras.layers.PReLU(), keras.layers.Flatten(), keras.layers.Dense(2), keras.layers.Dense(2)),
        ]
    )
    assert [v.path for v in model.weights] == FACTS["paths"]


def has_layouts(expression):
    """Whether a case works in both layouts; softmax is along the last axis, whatever that is."""
    if any(word in expression for word in ("data_format", "causal", "softmax", "Flatten")):
        return False
    return "data_format" in getattr(keras.layers, expression.partition("(")[0]).argument_names()


LAYOUTS = [index for index, (expression, *_) in enumerate(cases.LAYERS) if has_layouts(expression)]


@pytest.mark.parametrize("index", LAYOUTS, ids=lambda i: cases.LAYERS[i][0])
def test_channels_first_is_a_transpose(index):
    """The same layer in both layouts, wherever data_format is accepted."""
    expression, shape, training = cases.LAYERS[index]
    layer = made(expression, keras.layers)
    comma = "" if expression.endswith("()") else ", "
    other = made(f"{expression[:-1]}{comma}data_format='channels_first')", keras.layers)
    x = cases.normal(cases.rng(expression), shape)
    y, cache = layer.forward(x, training=training)
    dy = cases.normal(cases.rng("dy"), y.shape)
    dx = layer.backward(dy, cache)
    first = lambda a: np.moveaxis(a, -1, 1) if a.ndim == len(shape) else a  # noqa: E731
    other.build((None, shape[-1], *shape[1:-1]))
    other.set_weights(layer.get_weights())
    y_first, cache = other.forward(np.ascontiguousarray(first(x)), training=training)
    close(y_first, first(y))
    close(other.backward(np.ascontiguousarray(first(dy)), cache), first(dx))
    for a, b in zip(layer.trainable_weights, other.trainable_weights, strict=True):
        close(b.grad, a.grad)


@pytest.mark.parametrize("expression", cases.ACTIVATIONS)
def test_activations(expression):
    name, _, arguments = expression[:-1].partition("(x")
    options = eval(f"dict({arguments.lstrip(', ')})")
    function = getattr(keras.activations, name)
    x = cases.activation_input()
    dy = cases.normal(cases.rng("dy"), x.shape)
    y = function(x, **options)
    expected, expected_dx = FUNCTIONS[f"activation {expression}"]
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(y[~finite], expected[~finite])
    np.testing.assert_allclose(y[finite], expected[finite], rtol=1e-5, atol=2e-6)
    dx = function.backward(dy, y if function.keeps == "y" else x, **options)
    finite &= np.isfinite(expected_dx)
    np.testing.assert_allclose(dx[finite], expected_dx[finite], rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("expression", "kind", "weight"), cases.LOSSES)
def test_losses(expression, kind, weight):
    name = f"loss {expression} {kind} {weight}"
    stream = cases.rng(name)
    y_true, y_pred = cases.targets(kind, stream)
    w = cases.sample_weight(weight, stream)
    loss = made(expression, keras.losses)
    value, cache = loss.forward(y_true, y_pred, w)
    close(value, FUNCTIONS[name])
    close(loss(y_true, y_pred, w), FUNCTIONS[name])
    close(loss.backward(cache), FUNCTIONS[name + " d"])
    assert loss.backward(cache).dtype == np.float32


@pytest.mark.parametrize("expression", cases.OPTIMIZERS)
def test_optimizers(expression):
    stream = cases.rng(expression)
    optimizer = made(expression, keras.optimizers)
    variables = [keras.Variable(cases.normal(stream, s), name=n) for n, s in (("w", (3, 2)), ("b", (2,)))]
    for _ in range(6):
        optimizer.apply([cases.normal(stream, v.shape) * np.float32(0.3) for v in variables], variables)
    ours = [*variables, *optimizer.variables]
    for i, variable in enumerate(ours):
        close(variable.value, FUNCTIONS[f"optimizer {expression} {i}"])
    assert f"optimizer {expression} {len(ours)}" not in FUNCTIONS


@pytest.mark.parametrize(("expression", "kind", "weight"), cases.METRICS)
def test_metrics(expression, kind, weight):
    name = f"metric {expression} {kind} {weight}"
    stream = cases.rng(name)
    metric = made(expression, keras.metrics)
    for _ in range(2):
        y_true, y_pred = cases.metric_targets(kind, stream)
        metric.update_state(y_true, y_pred, sample_weight=cases.sample_weight(weight, stream))
    close(metric.result(), FUNCTIONS[name])


@pytest.mark.parametrize(("kind", "shape", "weight_shape"), cases.TOTALS, ids=str)
def test_means_and_sums(kind, shape, weight_shape):
    name = f"total {kind} {shape} {weight_shape}"
    stream = cases.rng(name)
    metric = getattr(keras.metrics, kind)()
    for _ in range(2):
        weight = None if weight_shape is None else np.abs(cases.normal(stream, weight_shape))
        metric.update_state(cases.normal(stream, shape), sample_weight=weight)
    close(metric.result(), FUNCTIONS[name])


@pytest.mark.parametrize("expression", cases.LARGE)
def test_optimizers_of_large_variables(expression):
    stream = cases.rng(expression)
    optimizer = made(expression, keras.optimizers)
    variables = [keras.Variable(cases.normal(stream, s), name=n) for n, s in cases.LARGE_SHAPES]
    for _ in range(3):
        optimizer.apply([cases.normal(stream, v.shape) * np.float32(0.3) for v in variables], variables)
    for i, variable in enumerate([*variables, *optimizer.variables]):
        close(cases.some(variable.value), FUNCTIONS[f"large {expression} {i}"])


@pytest.mark.parametrize("expression", [*cases.PROJECTIONS, *cases.PENALTIES])
def test_constraints_and_regularizers(expression):
    w = cases.normal(cases.rng("w"), (4, 5, 3))
    thing = eval(expression, {"constraints": keras.constraints, "regularizers": keras.regularizers})
    close(thing(w), FUNCTIONS[expression])
    if expression in cases.PENALTIES:
        close(thing.gradient(w), FUNCTIONS[expression + " d"])


@pytest.mark.parametrize("case", FACTS["initializers"])
def test_initializers_have_the_same_spread(case):
    """Mean, deviation and range; the numbers themselves come from other generators."""
    expression, _, shape = case.partition(" (")
    if ")" not in expression:  # the expression itself holds a comma and a space
        cut = case.rindex(" (")
        expression, shape = case[:cut], case[cut + 2 :]
    shape = eval("(" + shape)
    values = made(expression, keras.initializers)(shape, "float32").astype("float64")
    mean, std, low, high = FACTS["initializers"][case]
    scale = max(std, abs(mean), 1e-9)
    assert abs(values.mean() - mean) < 0.03 * scale and abs(values.std() - std) < 0.02 * scale
    if "Normal" in expression and "Truncated" not in expression and "Random" in expression:
        return  # unbounded: the extremes are luck
    if "untruncated" in expression or "Orthogonal" in expression:
        return
    assert abs(values.min() - low) < 0.02 * scale and abs(values.max() - high) < 0.02 * scale
