"""What must hold for every layer, tested over the table of cases."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from layers.cases import CASES

import nnlite
from nnlite import layers
from nnlite.core import serialization
from nnlite.testing import check_layer

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def data(case, batch, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=(batch, *case.shape)).astype(dtype)


@cases
def test_gradients_are_the_derivatives(case):
    check_layer(case.make(), (None, *case.shape))


@cases
@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("training", [False, True])
def test_shapes_and_dtypes(case, batch, training):
    layer, x = case.make(), data(case, batch)
    y, cache = layer.forward(x, training=training)
    assert y.dtype == np.float32
    assert y.shape == (batch, *layer.compute_output_shape((None, *case.shape))[1:])
    dx = layer.backward(np.ones_like(y), cache)
    assert dx.shape == x.shape and dx.dtype == np.float32
    assert all(v.grad.dtype == np.float32 for v in layer.trainable_weights)


@cases
def test_infer_equals_forward(case):
    layer, x = case.make(), data(case, 3)
    np.testing.assert_array_equal(layer(x), layer.forward(x)[0])


@cases
def test_inputs_may_be_read_only_and_of_any_strides(case):
    layer, x = case.make(), data(case, 4)
    expected, cache = layer.forward(x)
    dy = data(case, 4, seed=1).reshape(-1)[: expected.size]
    dy = np.resize(dy, expected.shape).astype("float32")
    dx = layer.backward(dy, cache)
    other = np.repeat(x, 2, axis=0)[::2]
    other.flags.writeable = False
    frozen_dy = np.asfortranarray(dy)
    frozen_dy.flags.writeable = False
    y, cache = layer.forward(other)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.backward(frozen_dy, cache), dx, rtol=1e-4, atol=1e-5)
    swapped = x.astype(x.dtype.newbyteorder())
    np.testing.assert_allclose(layer(swapped), expected, rtol=1e-5, atol=1e-6)


@cases
def test_backward_twice_doubles_the_gradient(case):
    layer, x = case.make(), data(case, 3)
    y, cache = layer.forward(x)
    layer.backward(np.ones_like(y), cache)
    once = [v.grad.copy() for v in layer.trainable_weights]
    y, cache = layer.forward(x)
    layer.backward(np.ones_like(y), cache)
    for variable, grad in zip(layer.trainable_weights, once, strict=True):
        np.testing.assert_allclose(variable.grad, 2 * grad, rtol=1e-5, atol=1e-6)


@cases
def test_nothing_stays_alive_on_the_layer(case):
    layer, x = case.make(), data(case, 3)
    y, cache = layer.forward(x + 0, training=True)
    dx = layer.backward(np.ones_like(y), cache)
    inner = [weakref.ref(a) for a in (y, dx) if a.base is None]
    del y, dx, cache
    gc.collect()
    assert all(reference() is None for reference in inner)
    arrays = [value for value in vars(layer).values() if isinstance(value, np.ndarray)]
    assert arrays == []


@cases
def test_config_round_trip(case):
    layer = case.make()
    config = serialization.serialize(layer)
    again = layers.deserialize(config)
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
    assert again.name == layer.name


@cases
def test_weights_round_trip_and_copies(case):
    layer, x = case.make(), data(case, 3)
    expected = layer(x)
    again = layers.deserialize(serialization.serialize(layer))
    again.build((None, *case.shape))
    again.set_weights(layer.get_weights())
    for other in (again, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(x), expected)
    for variable, array in zip(layer.weights, layer.get_weights(), strict=True):
        assert array is not variable.value


@cases
def test_one_thread_and_many_agree(case):
    layer, x = case.make(), data(case, 5)
    y, cache = layer.forward(x)
    dx = layer.backward(np.ones_like(y), cache)
    grads = [v.grad.copy() for v in layer.trainable_weights]
    for variable in layer.trainable_weights:
        variable.zero_grad()
    nnlite.config.set_num_threads(1)
    try:
        y1, cache = layer.forward(x)
        np.testing.assert_allclose(y1, y, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(layer.backward(np.ones_like(y), cache), dx, rtol=1e-5, atol=1e-6)
    finally:
        nnlite.config.set_num_threads(None)
    for variable, grad in zip(layer.trainable_weights, grads, strict=True):
        np.testing.assert_allclose(variable.grad, grad, rtol=1e-4, atol=1e-5)


@cases
def test_used_twice_in_one_pass(case):
    """Two forwards before the backwards: each cache belongs to its own call."""
    layer = case.make()
    a, b = data(case, 2, seed=1), data(case, 2, seed=2)
    ya, cache_a = layer.forward(a)
    yb, cache_b = layer.forward(b)
    da, db = layer.backward(np.ones_like(ya), cache_a), layer.backward(np.ones_like(yb), cache_b)
    for x, dx in ((a, da), (b, db)):
        y, cache = layer.forward(x)
        np.testing.assert_array_equal(layer.backward(np.ones_like(y), cache), dx)


@cases
def test_no_input_gradient_on_request(case):
    layer = case.make()
    if not layer._takes_input_grad:
        return
    x = data(case, 3)
    y, cache = layer.forward(x)
    layer.backward(np.ones_like(y), cache)
    grads = [v.grad.copy() for v in layer.trainable_weights]
    for variable in layer.trainable_weights:
        variable.zero_grad()
    y, cache = layer.forward(x)
    assert layer.backward(np.ones_like(y), cache, input_grad=False) is None
    for variable, grad in zip(layer.trainable_weights, grads, strict=True):
        np.testing.assert_array_equal(variable.grad, grad)


@cases
def test_frozen_variables_take_no_gradient(case):
    layer, x = case.make(), data(case, 3)
    layer.build((None, *case.shape))
    layer.trainable = False
    before = layer.get_weights()
    y, cache = layer.forward(x, training=True)
    layer.backward(np.ones_like(y), cache)
    assert layer.trainable_weights == [] and all(v.grad is None for v in layer.weights)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_layer_has_a_case():
    named = {type(case.make()).__name__ for case in CASES}
    public = {n for n, v in vars(layers).items() if isinstance(v, type) and issubclass(v, layers.Layer)}
    classes = {getattr(layers, n).__name__ for n in public} - {"Layer", "InputLayer"}
    assert classes == named
