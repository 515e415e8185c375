"""The layers of ``families`` compute what real Keras 3.15.1 computed: outputs and gradients to 1e-5 of the largest."""

import functools
import json

import numpy as np
import pytest
from golden import cases, family

import nnlite as keras
from nnlite.core import naming
from nnlite.core.structure import flatten, map_shapes
from nnlite.saving.eras import normalize

CASES = [(name, index) for name in family.NAMES for index in range(len(family.load(name)))]
recorded = functools.lru_cache(family.recorded)


def case_id(value):
    name, index = value
    return f"{name} {family.load(name)[index].name}"


each = pytest.mark.parametrize("place", CASES, ids=case_id)


def close(actual, expected, least=0.0):
    """Equal to 1e-5 of the largest element, or of ``least`` (a gradient may be zero but for rounding)."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * np.abs(expected).max(initial=least))


def made(case):
    names = {name: getattr(keras.layers, name) for name in dir(keras.layers)}
    return eval(case.expression, {"keras": keras, **names})


def without_dtypes(config):
    """The config without dtypes, which Keras writes as objects, without batches, and penalties that are None."""
    if isinstance(config, list):
        return [without_dtypes(one) for one in config]
    if not isinstance(config, dict):
        return config
    dropped = {
        "dtype",
        "build_config",
        *(["activity_regularizer"] if config.get("activity_regularizer") is None else []),
    }
    return {key: without_dtypes(value) for key, value in config.items() if key not in dropped}


@each
def test_results(place):
    name, index = place
    case, (arrays, _) = family.load(name)[index], recorded(name)
    stream, x, options = case.draw()
    layer = made(case)
    case.run(layer, x, options, keras=keras)  # builds it
    names = [(v.name, v.shape) for v in layer.weights]
    layer.set_weights([w * case.weights / 0.5 for w in cases.weights(stream, names)])
    expected = [arrays[f"{index}.y{i}"] for i in range(sum(key.startswith(f"{index}.y") for key in arrays))]
    if not case.training:  # as a script calls it
        for a, b in zip(flatten(case.run(layer, x, options, keras=keras)), expected, strict=True):
            close(a, b)
    y, cache = layer.forward(x, **options)
    outputs = flatten(y)
    for a, b in zip(outputs, expected, strict=True):
        close(a, b)
    after = [arrays[key] for key in sorted(arrays) if key.startswith(f"{index}.after")]
    for variable, value in zip(layer.non_trainable_weights, after, strict=True):
        close(variable.value, value)
    if not case.gradient:
        return
    dy = [cases.normal(stream, a.shape) for a in outputs]
    dx = flatten(layer.backward(dy if isinstance(y, list) else dy[0], cache))
    for i, gradient in enumerate(dx):
        assert (gradient is None) == (f"{index}.dx{i}" not in arrays)
        if gradient is not None:
            close(gradient, arrays[f"{index}.dx{i}"])
    expected = [arrays[f"{index}.dw{i}"] for i in range(len(layer.trainable_weights))]
    least = 0.1 * max((np.abs(gradient).max(initial=0.0) for gradient in expected), default=0.0)
    for variable, gradient in zip(layer.trainable_weights, expected, strict=True):
        close(variable.grad, gradient, least)


@each
def test_facts(place):
    """Names, weight order, shapes, and a config that holds what Keras's holds (less the keys recent Kerases added)."""
    name, index = place
    case, expected = family.load(name)[index], recorded(name)[1][index]
    if expected is None:
        return
    naming.reset_names()
    layer = made(case)
    _, x, options = case.draw()
    case.run(layer, x, options, keras=keras)
    assert layer.name == expected["name"]
    assert [[v.path, list(v.shape)] for v in layer.weights] == expected["weights"]
    if expected["output"] is not None:
        opened = map_shapes(case.shape, lambda shape: (None, *shape[1:]))
        assert json.loads(json.dumps(layer.compute_output_shape(opened))) == expected["output"]
    theirs = normalize(expected["config"])
    ours = keras.saving.serialize_keras_object(layer)
    for key in ("class_name", "module", "registered_name"):
        assert ours[key] == theirs[key]
    assert without_dtypes(json.loads(json.dumps(ours["config"]))) == without_dtypes(theirs["config"])
    again = keras.layers.deserialize(theirs)
    assert without_dtypes(again.get_config()) == without_dtypes(layer.get_config())
