"""model.gradients, and parts of models."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.core import naming
from nnlite.testing import check_gradients

X = np.random.default_rng(0).normal(size=(6, 5))
LABELS = np.array([0, 1, 2, 0, 1, 2])


def model_of(*inner, loss="sparse_categorical_crossentropy", dtype="float64"):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,), dtype=dtype), *inner])
    if loss:
        model.compile(loss=loss)
    return model


def classifier(**options):
    return model_of(
        layers.Dense(4, activation="tanh", kernel_regularizer="l2", activity_regularizer="l2", dtype="float64"),
        layers.Dense(3, activation="softmax", dtype="float64"),
        **options,
    )


def test_gradients_of_the_loss_are_its_derivatives():
    model = classifier()
    weights = np.linspace(0.5, 2.0, 6)
    found = model.gradients(X, LABELS, weights)

    def loss_at(x):
        return model.gradients(x, LABELS, weights).loss

    check_gradients(loss_at, X, found.x, "x")
    assert list(found.variables) == [v.path for v in model.trainable_weights]
    for variable in model.trainable_weights:
        before = variable.numpy()

        def loss_with(value, variable=variable):
            variable.assign(value)
            return model.gradients(X, LABELS, weights).loss

        check_gradients(loss_with, before, found.variables[variable.path], variable.path)
        variable.assign(before)
    assert found.loss == pytest.approx(model.evaluate(X, LABELS, sample_weight=weights, verbose=0))


def test_they_are_those_of_a_training_step_and_leave_the_model_alone():
    model = classifier()
    kernel = model.layers[0].kernel
    kernel.accumulate(np.ones_like(kernel.value))
    before = model.get_weights()
    found = model.gradients(X, LABELS)
    np.testing.assert_array_equal(kernel.grad, 1.0)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    kept = found.variables[kernel.path].copy()
    model.train_on_batch(X, LABELS)
    np.testing.assert_allclose(kernel.grad, kept, rtol=1e-12)
    np.testing.assert_array_equal(found.variables[kernel.path], kept)  # the caller's own


def test_from_a_gradient_of_the_output():
    model = classifier(loss=None)
    dy = np.zeros((6, 3))
    dy[:, 1] = 1
    found = model.gradients(X, dy=dy)
    penalty = model.layers[0].activity_regularizer

    def value(x):  # the penalties that layers add to the loss take part
        return float(model.infer(x)[:, 1].sum()) + float(penalty(model.layers[0].infer(x))) / 6

    check_gradients(value, X, found.x, "x")
    assert found.loss == pytest.approx(value(X))


def test_frozen_variables_and_whole_numbers_have_none():
    model = classifier()
    model.layers[0].trainable = False
    assert list(model.gradients(X, LABELS).variables) == [v.path for v in model.layers[1].weights]


def test_training_mode_is_asked_for():
    model = model_of(layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3, activation="softmax"))
    moving = model.layers[0].moving_mean.numpy()
    model.gradients(X, LABELS)
    np.testing.assert_array_equal(model.layers[0].moving_mean.value, moving)
    model.gradients(X, LABELS, training=True)
    assert not np.array_equal(model.layers[0].moving_mean.value, moving)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.gradients(X), "either targets y"),
        (lambda m: m.gradients(X, LABELS, dy=np.ones((6, 3))), "either targets y"),
        (lambda m: m.gradients(X, dy=np.ones((6, 2))), r"dy got shape \(6, 2\), expected the output's, \(6, 3\)"),
        (lambda m: m.gradients(X, LABELS + 5), "7|labels"),
        (lambda m: m.gradients(X[:, :4], LABELS), "size 5|5"),
        (lambda m: type(m).from_config(m.get_config()).gradients(X, LABELS), "not compiled"),
    ],
)
def test_wrong_calls_change_nothing(call, message):
    model = classifier()
    kernel = model.layers[0].kernel
    kernel.accumulate(np.ones_like(kernel.value))
    with pytest.raises(ValueError, match=message):
        call(model)
    np.testing.assert_array_equal(kernel.grad, 1.0)


# ---- parts ----


def stack():
    return model_of(*(layers.Dense(4, name=name, dtype="float64") for name in "abcd"), loss=None)


@pytest.mark.parametrize("cut", [1, 2, 3, -1])
def test_two_parts_make_the_whole(cut):
    model = stack()
    y, cache = model.forward(X)
    dx = model.backward(np.ones_like(y), cache)
    grads = [v.grad.copy() for v in model.weights]
    model.zero_grad()
    lower, upper = model[:cut], model[cut:]
    h, lower_cache = lower.forward(X)
    z, upper_cache = upper.forward(h)
    np.testing.assert_array_equal(z, y)
    np.testing.assert_array_equal(lower.backward(upper.backward(np.ones_like(z), upper_cache), lower_cache), dx)
    for variable, grad in zip(model.weights, grads, strict=True):
        np.testing.assert_array_equal(variable.grad, grad)


def test_parts_are_named_by_index_or_layer_and_share_layers():
    naming.reset_names()
    model = stack()
    assert model["b"] is model.layers[1] and model[-1] is model.layers[3]
    assert model["b":"d"].layers == model.layers[1:3] and model["b":].layers == model.layers[1:]
    assert [layer.name for layer in model[1:3].layers] == ["b", "c"]
    assert list(model) == model.layers
    assert model[1:3].weights == [*model.layers[1].weights, *model.layers[2].weights]
    assert keras.Sequential().name == "sequential_1"  # parts take no automatic names


@pytest.mark.parametrize(
    ("which", "kind", "message"),
    [
        ("x", ValueError, "no layer 'x'"),
        (slice("b", "x"), ValueError, "no layer 'x'"),
        (slice(3, 2), ValueError, "none in 3:2"),
        (slice(None, None, 2), ValueError, "step 2"),
        (9, IndexError, "range"),
    ],
)
def test_parts_that_do_not_exist(which, kind, message):
    with pytest.raises(kind, match=message):
        stack()[which]
