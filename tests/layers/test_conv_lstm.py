"""Convolutional recurrent layers: what the tables of cases do not show."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.testing import check_layer

X = np.random.default_rng(0).normal(size=(2, 4, 5, 6, 3)).astype("float32")


def test_states_go_on():
    whole = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True)
    y = whole(X)
    half = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True, stateful=True)
    half.build(X.shape)
    half.set_weights(whole.get_weights())
    np.testing.assert_allclose(np.concatenate([half(X[:, :2]), half(X[:, 2:])], axis=1), y, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="states are those of 2 sequences, got a batch of 1"):
        half(X[:1])
    with pytest.raises(ValueError, match=r"an input of shape \(2, 4, 4, 6, 3\) needs \[\(2, 4, 6, 2\)"):
        half(X[:, :, :4])
    half.reset_state()
    np.testing.assert_allclose(half(X[:, :2]), y[:, :2], rtol=1e-5, atol=1e-6)


def test_dropout_is_the_same_at_all_steps_and_none_in_inference():
    layer = layers.ConvLSTM2D(2, 1, dropout=0.5, seed=0, return_sequences=True, use_bias=False)
    same = np.repeat(X[:, :1], 4, axis=1)
    np.testing.assert_array_equal(layer(same), layer(same))
    layer.cell.recurrent_kernel.assign(np.zeros(layer.cell.recurrent_kernel.shape))
    steps = np.moveaxis(layer(same, training=True), 1, 0)
    assert not np.allclose(steps, np.moveaxis(layer(same), 1, 0))
    # Without the state's share the gates of all steps are equal: c is a sum that grows in one direction.
    growth = np.diff(np.arctanh(np.clip(steps, -0.9999, 0.9999)), axis=0)
    assert ((growth >= -1e-5).all(0) | (growth <= 1e-5).all(0)).mean() > 0.9


def test_it_trains_and_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((None, 8, 8, 1)), layers.ConvLSTM2D(4, 3, padding="same"), layers.Flatten(), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 3, 8, 8, 1)).astype("float32")
    y = x[:, -1].mean(axis=(1, 2))
    history = model.fit(x, y, epochs=15, verbose=0).history["loss"]
    assert history[-1] < 0.3 * history[0]
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.keras")(x), model(x))
    assert model(x[:, :1]).shape == (32, 1)


def test_images_of_any_size_and_states_as_inputs():
    inputs = keras.Input((None, None, None, 3))
    model = keras.Model(inputs, layers.ConvLSTM2D(2, 3)(inputs))
    assert model(X).shape == (2, 3, 4, 2) and model(X[:, :, :4]).shape == (2, 2, 4, 2)
    x, *states = [keras.Input((4, 5, 6, 3)), keras.Input((3, 4, 2)), keras.Input((3, 4, 2))]
    layer = layers.ConvLSTM2D(2, 3)
    model = keras.Model([x, *states], layer(x, initial_state=states))
    given = [np.full((2, 3, 4, 2), value, "float32") for value in (0.5, -1)]
    np.testing.assert_array_equal(model([X, *given]), layer(X, initial_state=given))
    model.compile("sgd", "mse")
    model.train_on_batch([X, *given], given[0])
    np.testing.assert_allclose(model([X, *given]), layer(X, initial_state=given))


def test_a_layer_as_activation_learns():
    check_layer(layers.ConvLSTM2D(2, 2, activation=layers.PReLU()), (None, 2, 3, 3, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ConvLSTM2D(0, 3), "filters"),
        (lambda: layers.ConvLSTM2D(2, 0), "kernel_size"),
        (lambda: layers.ConvLSTM2D(2, 3, padding="causal"), "padding"),
        (lambda: layers.ConvLSTM2D(2, 3, strides=2, dilation_rate=2), "cannot both be above 1"),
        (lambda: layers.ConvLSTM2D(2, 3, dropout=1.5), "dropout"),
        (lambda: layers.ConvLSTM2D(2, 7)(X), "input of shape"),
        (lambda: layers.ConvLSTM2D(2, 3)(X[:, 0]), "5"),
        (lambda: layers.ConvLSTM2D(2, 3)(X[:, :0]), "at least one step"),
        (lambda: layers.ConvLSTM2D(2, 3, activation="tanhh"), "tanh"),
        (lambda: layers.ConvLSTM2D(2, 3, data_format="last"), "channels_first"),
        (lambda: layers.ConvLSTM2D(2, [3, 3, 3]), "kernel_size must be one whole number"),
        (lambda: layers.ConvLSTM2D(2, 3)(X, mask=np.ones((2, 3), bool)), "the mask must have one entry for each step"),
        (lambda: layers.ConvLSTM2D(2, 3)(X, initial_state=[X[:, 0], X[:, 0]]), r"shapes \[\(2, 3, 4, 2\), "),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
