"""Random graphs: what is saved and loaded computes the same, learns the same and has the same gradients."""

import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interop import nets

import nnlite as keras

pytestmark = pytest.mark.filterwarnings("ignore:dtype policy:UserWarning")


def leaves(y):
    return [y[key] for key in sorted(y)] if isinstance(y, dict) else y if isinstance(y, list) else [y]


def same(a, b):
    for one, other in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_array_equal(one, other)


def gradients(model, x):
    y, cache = model.forward(model.cast_inputs(x))
    dys = [np.random.default_rng(7).normal(size=one.shape).astype(one.dtype) for one in leaves(y)]
    model.zero_grad()
    dx = model.backward(dys if len(dys) > 1 else dys[0], cache)
    return dx, [variable.grad.copy() for variable in model.trainable_weights]


@settings(max_examples=15, deadline=None)
@given(st.integers(min_value=len(nets.CHOSEN), max_value=10**6))
def test_saved_and_loaded(index):
    model, x, y = nets.build(keras, index)
    model.fit(x, y, batch_size=5, verbose=0, shuffle=False)
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/m.keras")
        model.save_weights(f"{folder}/m.weights.h5")
        loaded = keras.models.load_model(f"{folder}/m.keras")
        again, _, _ = nets.build(keras, index)
        again.load_weights(f"{folder}/m.weights.h5")
    for other in (loaded, again):
        same(other(x), model(x))
        for one, two in zip(gradients(other, x), gradients(model, x), strict=True):
            same(one, two)
        assert [w.path.split("/")[-1] for w in other.weights] == [w.path.split("/")[-1] for w in model.weights]
    expected = model.train_on_batch(x, y)
    assert loaded.train_on_batch(x, y) == expected and again.train_on_batch(x, y) == expected


@settings(max_examples=15, deadline=None)
@given(st.integers(min_value=len(nets.CHOSEN), max_value=10**6))
def test_gradients_of_random_graphs(index):
    """Along a random direction of all weights and inputs, in float64."""
    keras.config.set_floatx("float64")
    try:
        model, x, _ = nets.build(keras, index)
    finally:
        keras.config.set_floatx("float32")
    rng = np.random.default_rng(index)
    inputs = [rng.normal(size=np.shape(one)) for one in leaves(x)]
    frozen = np.concatenate([np.ravel(w) for w in model.get_weights()])
    values = [v.value.copy() for v in model.trainable_weights]
    ways = [rng.normal(size=v.shape) for v in values]
    y, cache = model.forward(inputs)
    dys = [rng.normal(size=one.shape) for one in leaves(y)]
    model.backward(dys if len(dys) > 1 else dys[0], cache)
    slope = sum(float((v.grad * way).sum()) for v, way in zip(model.trainable_weights, ways, strict=True))

    def at(step):
        for variable, value, way in zip(model.trainable_weights, values, ways, strict=True):
            variable.assign(value + step * way)
        return sum(float((one * dy).sum()) for one, dy in zip(leaves(model(inputs)), dys, strict=True))

    # Kinks of relu and maximum may lie between the two points: a slope of one of two step sizes has to agree.
    slopes = [(at(h) - at(-h)) / (2 * h) for h in (1e-6, 1e-8)]
    assert min(abs(found - slope) for found in slopes) <= 1e-4 * (1 + abs(slope))
    assert frozen.dtype == np.float64


@pytest.mark.parametrize("index", range(len(nets.CHOSEN)), ids=nets.name_of)
def test_chosen_nets_are_saved_and_loaded(index, tmp_path):
    """In every form: the same outputs and gradients, and where the optimizer's state is inside, the same steps."""
    model, x, y = nets.build(keras, index)
    model.fit(x, y, batch_size=5, verbose=0, shuffle=False)
    wholes = [tmp_path / "m.keras", tmp_path / "folder", tmp_path / "m.h5"]
    weights = [tmp_path / name for name in ("w.weights.h5", "w.weights.json", "w.h5", "w.npz")]
    found = {}
    for path in wholes:
        keras.saving.save_model(model, path, zipped=None if path.suffix else False)
        found[path.name] = keras.models.load_model(path)
    for path in weights:
        model.save_weights(path)
        found[path.name], _, _ = nets.build(keras, index)
        found[path.name].load_weights(path)
    expected = gradients(model, x)
    for other in found.values():
        same(other(x), model(x))
        for one, two in zip(gradients(other, x), expected, strict=True):
            same(one, two)
    step = model.train_on_batch(x, y)
    for name, other in found.items():
        if name not in ("w.h5", "w.npz"):
            assert other.train_on_batch(x, y) == step, name
