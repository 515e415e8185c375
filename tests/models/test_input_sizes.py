import copy

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers


def test_data_of_other_sizes_than_declared_where_the_layers_take_them():
    convolutions = [layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(), layers.MaxPooling2D()]
    model = keras.Sequential([layers.Input((8, 8, 1)), *convolutions, layers.GlobalAveragePooling2D(), layers.Dense(2)])
    model.compile("sgd", "mse")
    large, y = np.random.default_rng(0).normal(size=(40, 12, 11, 1)).astype("float32"), np.ones((40, 2), "float32")
    free = keras.Sequential([layers.Input((None, None, 1)), *model.layers])  # the same layers
    for again in (model, copy.deepcopy(model), keras.models.clone_model(model)):
        again.set_weights(model.get_weights())
        assert again.input_shape == (None, 8, 8, 1)
        for x in (large[:1], large):
            expected = free.forward(x)[0]
            np.testing.assert_allclose(again(x), expected, atol=1e-6)
            np.testing.assert_allclose(again.predict(x, verbose=0), expected, atol=1e-6)
    assert np.isfinite(model.fit(large, y, verbose=0).history["loss"]).all()
    texts = keras.Sequential([layers.Input((5,)), layers.Embedding(10, 4, mask_zero=True), layers.LSTM(3)])
    longer = np.array([[1, 2, 3, 4, 5, 0, 0, 0]])
    np.testing.assert_allclose(texts.predict(longer, verbose=0), texts.predict(longer[:, :5], verbose=0), atol=1e-6)


@pytest.mark.parametrize("method", ["call", "predict", "fit", "evaluate"])
def test_sizes_that_a_layer_cannot_take_are_refused(method):
    model = keras.Sequential([layers.Input((8, 8, 1)), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    x, y = np.ones((2, 9, 9, 1), "float32"), np.ones((2, 2), "float32")
    run = {"call": lambda: model(x), "predict": lambda: model.predict(x), "fit": lambda: model.fit(x, y)}
    with pytest.raises(ValueError, match=r"Dense 'dense.*' expects size 64 along axis -1 of its input.*\(.*, 81\)"):
        run.get(method, lambda: model.evaluate(x, y))()
    with pytest.raises(ValueError, match=r"declared with shape \(None, 8, 8, 1\).* which has 2 axes"):
        model(np.ones((2, 64), "float32"))
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_of_symbols_takes_the_sizes_that_were_declared():
    inputs = layers.Input((8, 8, 1))
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs)))
    with pytest.raises(ValueError, match="size 9 along axis 1, not size 8"):
        model(np.ones((2, 9, 9, 1), "float32"))
