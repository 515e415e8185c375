"""TimeDistributed around layers of every kind: statistics, masks, penalties, what is refused."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers

RNG = np.random.default_rng(0)


def test_each_step_is_a_batch_of_its_own_for_statistics():
    x = RNG.normal(size=(4, 3, 2)).astype("float32")
    layer, step = layers.TimeDistributed(layers.BatchNormalization()), layers.BatchNormalization()
    y = layer(x, training=True)
    for t in range(3):
        np.testing.assert_allclose(y[:, t], step(x[:, t], training=True), rtol=1e-6)
    np.testing.assert_allclose(layer.layer.moving_mean.value, step.moving_mean.value, rtol=1e-6)


def penalty(inner, x):
    model = keras.Sequential([keras.Input(x.shape[1:]), layers.TimeDistributed(inner)])
    model.compile("sgd", "mse")
    y = model.predict(x, verbose=0)
    trained = model.train_on_batch(x, y)
    assert model.evaluate(x, model.predict(x, verbose=0), verbose=0) >= 0
    return trained, y


def test_activity_penalties_count_as_in_keras():
    x = RNG.normal(size=(2, 3, 4)).astype("float32")
    loss, _ = penalty(layers.Dense(2, activity_regularizer="l2"), x)
    assert loss == 0
    loss, y = penalty(keras.Sequential([layers.Dense(2, activity_regularizer="l2")]), x)
    assert loss == pytest.approx(0.01 * (y**2).sum() / 2, rel=1e-5)


def test_masks_go_to_the_inner_layer_and_on():
    x, mask = RNG.normal(size=(2, 3, 4, 5)).astype("float32"), RNG.random((2, 3, 4)) < 0.6
    mask[..., 0] = True
    inner = layers.LSTM(3)
    layer = layers.TimeDistributed(inner)
    y = layer(x, mask=mask)
    np.testing.assert_allclose(y[1], inner(x[1], mask=mask[1]), rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(layer.compute_mask(x, mask), mask)
    words = keras.Sequential(
        [layers.Embedding(5, 3, mask_zero=True), layers.TimeDistributed(layers.Dense(2)), layers.GRU(2)]
    )
    np.testing.assert_allclose(words(np.array([[1, 2, 0]])), words(np.array([[1, 2]])), rtol=1e-6)


def test_training_reaches_the_inner_layer():
    x = np.ones((4, 50, 6), "float32")
    layer = layers.TimeDistributed(layers.Dropout(0.5, seed=1))
    y = layer(x, training=True)
    assert 0.3 < (y == 0).mean() < 0.7 and len({row.tobytes() for row in y[0]}) > 30
    np.testing.assert_array_equal(layer(x), x)


def test_in_a_model_that_is_saved(tmp_path):
    net = keras.Sequential([layers.Conv1D(2, 2), layers.GlobalMaxPooling1D()])
    model = keras.Sequential([keras.Input((3, 5, 2)), layers.TimeDistributed(net), layers.LSTM(2)])
    model.compile("adam", "mse")
    x = RNG.normal(size=(4, 3, 5, 2)).astype("float32")
    model.fit(x, np.zeros((4, 2)), verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_wrappers_of_ones_own():
    class Doubled(layers.Wrapper):
        def forward(self, x, training=False, mask=None):
            y, cache = super().forward(x, training, mask)
            return 2 * y, cache

        def backward(self, dy, cache, input_grad=True):
            return super().backward(2 * dy, cache, input_grad)

    keras.testing.check_layer(Doubled(layers.Dense(3)), (None, 4))
    inner = layers.Wrapper(layers.Dense(3, name="inner"), name="outer")
    config = inner.get_config()
    assert config["layer"]["config"]["units"] == 3
    assert layers.Wrapper.from_config(config).layer.name == "inner"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.TimeDistributed(layers.Dense), "must be a layer"),
        (lambda: layers.Wrapper(3), "must be a layer"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3))), "at least three axes"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(np.ones((2, 0, 3))), "without steps"),
        (
            lambda: layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3, 3)), mask=np.ones((2, 4))),
            "one entry for each",
        ),
        (lambda: layers.TimeDistributed(layers.LSTM(2, return_state=True))(np.ones((2, 3, 4, 5))), "3 outputs"),
    ],
)
def test_wrong_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
