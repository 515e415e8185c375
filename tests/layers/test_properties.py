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
from nnlite.core.structure import flatten, map_arrays, shapes
from nnlite.testing import check_layer


@pytest.fixture(autouse=True)
def seeded():
    """The same random weights in any order of tests."""
    nnlite.utils.set_random_seed(0)


cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def ones(y):
    return map_arrays(y, lambda a: np.ones_like(a))


def run(layer, case, x, training=False, dy=None):
    """Outputs and input gradients, each as a list."""
    y, cache = layer.forward(x, training, **case.call_options(len(flatten(x)[0])))
    return flatten(y), flatten(layer.backward(ones(y) if dy is None else dy, cache))


def grads(layer):
    return [v.grad.copy() for v in layer.trainable_weights]


def same(actual, expected, rtol=0.0, atol=0.0):
    for a, b in zip(actual, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None and np.asarray(a).dtype.kind in "US":
            np.testing.assert_array_equal(a, b)
        elif a is not None:
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


@cases
def test_gradients_are_the_derivatives(case):
    if not case.smooth:
        return
    if case.integers is None and case.options is None:
        check_layer(case.make(), case.built_shape)
        return
    for batch in (1, 4):
        check_layer(case.make(), case.built_shape, x=case.data(batch), **case.call_options(batch))


@cases
@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("training", [False, True])
def test_shapes_and_dtypes(case, batch, training):
    layer, x = case.make(), case.data(batch)
    options = case.call_options(batch)
    y, cache = layer.forward(x, training=training, **options)
    declared = layer.declared_shape(case.built_shape, options)
    for array, shape in zip(flatten(y), shapes(declared), strict=True):
        assert array.dtype == np.float32 or not case.smooth
        assert array.shape == (batch, *shape[1:])
    dx = layer.backward(ones(y), cache)
    for array, gradient in zip(flatten(x), flatten(dx), strict=True):
        if array.dtype.kind != "f":
            assert gradient is None
        else:
            assert gradient.shape == array.shape and gradient.dtype == np.float32
    assert all(v.grad.dtype == np.float32 for v in layer.trainable_weights)


@cases
def test_infer_equals_forward(case):
    layer, x, options = case.make(), case.data(3), case.call_options(3)
    same(flatten(layer(x, training=False, **options)), flatten(layer.forward(x, **options)[0]))


@cases
def test_inputs_may_be_read_only_and_of_any_strides(case):
    layer, x, options = case.make(), case.data(4), case.call_options(4)
    y, cache = layer.forward(x, **options)
    rng = np.random.default_rng(1)
    dy = map_arrays(y, lambda a: rng.normal(size=a.shape).astype("float32"))
    dx = layer.backward(dy, cache)

    def odd(array):
        other = np.repeat(array, 2, axis=0)[::2]
        other.flags.writeable = False
        return other

    def fortran(array):
        other = np.asfortranarray(array)
        other.flags.writeable = False
        return other

    again, cache = layer.forward(map_arrays(x, odd), **options)
    same(flatten(again), flatten(y), rtol=1e-5, atol=1e-6)
    same(flatten(layer.backward(map_arrays(dy, fortran), cache)), flatten(dx), rtol=1e-4, atol=1e-5)
    swapped = map_arrays(x, lambda a: a.astype(a.dtype.newbyteorder()))
    same(flatten(layer(swapped, training=False, **options)), flatten(y), rtol=1e-5, atol=1e-6)


@cases
def test_backward_twice_doubles_the_gradient(case):
    layer, x = case.make(), case.data(3)
    run(layer, case, x)
    once = grads(layer)
    run(layer, case, x)
    same(grads(layer), [2 * g for g in once], rtol=1e-5, atol=1e-6)


@cases
def test_nothing_stays_alive_on_the_layer(case):
    layer, x = case.make(), case.data(3)
    y, cache = layer.forward(map_arrays(x, np.copy), training=True, **case.call_options(3))
    dx = layer.backward(ones(y), cache)
    inner = [weakref.ref(a) for a in (*flatten(y), *flatten(dx)) if a is not None and a.base is None]
    del y, dx, cache
    if any(reference() is not None for reference in inner):
        gc.collect()  # which takes long beside thousands of tests
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
    layer, x, options = case.make(), case.data(3), case.call_options(3)
    expected = layer(x, training=False, **options)
    again = layers.deserialize(serialization.serialize(layer))
    again.build(case.built_shape)
    again.set_weights(layer.get_weights())
    for other in (again, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        same(flatten(other(x, training=False, **options)), flatten(expected))
    for variable, array in zip(layer.weights, layer.get_weights(), strict=True):
        assert array is not variable.value


@cases
def test_one_thread_and_many_agree(case):
    layer, x = case.make(), case.data(5)
    y, dx = run(layer, case, x)
    many = grads(layer)
    for variable in layer.trainable_weights:
        variable.zero_grad()
    nnlite.config.set_num_threads(1)
    try:
        y1, dx1 = run(layer, case, x)
    finally:
        nnlite.config.set_num_threads(None)
    same(y1, y, rtol=1e-5, atol=1e-6)
    same(dx1, dx, rtol=1e-5, atol=1e-6)
    same(grads(layer), many, rtol=1e-4, atol=1e-5)


@cases
def test_used_twice_in_one_pass(case):
    """Two forwards before the backwards: each cache belongs to its own call."""
    layer, options = case.make(), case.call_options(2)
    a, b = case.data(2, seed=1), case.data(2, seed=2)
    ya, cache_a = layer.forward(a, **options)
    yb, cache_b = layer.forward(b, **options)
    da, db = layer.backward(ones(ya), cache_a), layer.backward(ones(yb), cache_b)
    for x, dx in ((a, da), (b, db)):
        same(run(layer, case, x)[1], flatten(dx))


@cases
def test_no_input_gradient_on_request(case):
    layer = case.make()
    if not layer._takes_input_grad:
        return
    x = case.data(3)
    run(layer, case, x)
    expected = grads(layer)
    for variable in layer.trainable_weights:
        variable.zero_grad()
    y, cache = layer.forward(x, **case.call_options(3))
    assert layer.backward(ones(y), cache, input_grad=False) is None
    same(grads(layer), expected, rtol=1e-5, atol=1e-6)  # sums may be taken in another order


@cases
def test_frozen_variables_take_no_gradient(case):
    layer, x = case.make(), case.data(3)
    layer.build(case.built_shape)
    layer.trainable = False
    before = layer.get_weights()
    run(layer, case, x, training=True)
    assert layer.trainable_weights == [] and all(v.grad is None for v in layer.weights)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_layer_has_a_case():
    named = {type(case.make()).__name__ for case in CASES}
    public = {n for n, v in vars(layers).items() if isinstance(v, type) and issubclass(v, layers.Layer)}
    classes = {getattr(layers, n).__name__ for n in public} - {"Layer", "InputLayer"}
    assert classes == named
