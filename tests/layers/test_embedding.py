"""Embeddings and masks: what they take and refuse, what masks do further on, how they train."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(-1, "int64"), (7, "int32"), (255, "uint8"), (2**63, "uint64"), (9, "float32"), (-1, "float64"), ("inf", "f4")],
)
def test_a_number_outside_the_embeddings_is_named(value, dtype):
    layer = layers.Embedding(7, 2, name="words")
    layer.build()
    before = layer.get_weights()[0]
    x = np.zeros((2, 3), dtype)
    x[1, 2] = value
    match = rf"Embedding 'words': the input holds {value}(\.0)? at \[1, 2\], .* 0 to 6 \(input_dim is 7\)"
    for call in (layer, lambda x: layer(x, training=True), lambda x: keras.Sequential([layer]).predict(x, verbose=0)):
        with pytest.raises(ValueError, match=match):
            call(x)
    np.testing.assert_array_equal(layer.get_weights()[0], before)
    assert not layer.embeddings.grad.any()


def test_fit_refuses_a_number_outside_before_anything_has_changed():
    model = keras.Sequential([layers.Embedding(5, 2), layers.Flatten(), layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = np.array([[0, 1], [2, 5]]), np.zeros((2, 1))
    model.build((None, 2))
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"holds 5 at \[1, 1\]"):
        model.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(model.optimizer.iterations.value) == 0


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool", ">i4"]
)
def test_whole_numbers_of_every_width(dtype):
    layer = layers.Embedding(3, 2)
    x = np.array([[0, 1], [1, 1]])
    y, cache = layer.forward(x.astype(dtype))
    np.testing.assert_array_equal(y, layer.embeddings.value[x])
    assert layer.backward(np.ones_like(y), cache) is None
    assert layer.embeddings.grad.tolist() == [[1, 1], [3, 3], [0, 0]]


def test_numbers_too_large_for_floats_stay_exact():
    layer = layers.Embedding(2**24 + 2, 1)
    layer.build()
    layer.embeddings.value[-3:] = [[1], [2], [3]]
    assert layer(np.array([[2**24 + 1, 2**24]])).ravel().tolist() == [3, 2]
    model = keras.Sequential([layers.TimeDistributed(layer)])
    assert model.predict(np.array([[[2**24 + 1]]]), verbose=0).item() == 3


def test_nan_is_no_index():
    with pytest.raises(ValueError, match=r"holds nan at \[0, 1\]"):
        layers.Embedding(3, 2)(np.array([[0.0, np.nan]]))


def test_weights_to_start_with():
    table = RNG.normal(size=(4, 3)).astype("float32")
    for given in (table, [table], table.tolist()):
        layer = layers.Embedding(4, 3, weights=given)
        assert layer.built and "weights" not in layer.get_config()
        np.testing.assert_array_equal(layer(np.array([2, 0])), table[[2, 0]])
    with pytest.raises(ValueError, match=r"expected \(4, 3\), got \(3, 4\)"):
        layers.Embedding(4, 3, weights=table.T)


def test_keras_arguments_without_a_meaning_here():
    layer = layers.Embedding(4, 3, lora_rank=None, lora_alpha=None, quantization_config=None)
    assert not {"lora_rank", "lora_alpha", "quantization_config"} & set(layer.get_config())
    with pytest.raises(ValueError, match="lora_rank"):
        layers.Embedding(4, 3, lora_rank=2)
    with pytest.warns(UserWarning, match="input_length"):
        layers.Embedding(4, 3, input_length=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Embedding(0, 3), "input_dim"),
        (lambda: layers.Embedding(3, 2.5), "output_dim"),
        (lambda: layers.Masking("0"), "mask_value"),
        (lambda: layers.Embedding(3, 2)(np.array([["a"]])), "numbers"),
    ],
)
def test_wrong_input(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_masks_reach_the_layers_behind():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3), layers.Dense(1)])
    padded, short = np.array([[3, 5, 0, 0]]), np.array([[3, 5]])
    np.testing.assert_allclose(model(padded), model(short), rtol=1e-6)
    masked = keras.Sequential([layers.Masking(-1.0), layers.GRU(3)])
    x = RNG.normal(size=(2, 3, 4)).astype("float32")
    long = np.concatenate([x, np.full((2, 2, 4), -1, "float32")], axis=1)
    np.testing.assert_allclose(masked(long), masked(x), rtol=1e-6)
    model.compile("adam", "mse")
    model.fit(padded, np.ones((1, 1)), verbose=0)


def test_masking_of_values_that_are_no_numbers():
    x = np.array([[[np.inf, np.inf], [1, np.inf]]], "float32")
    y, cache = layers.Masking(np.inf).forward(x)
    assert y.tolist() == [[[0, 0], [1, np.inf]]] and cache[..., 0].tolist() == [[False, True]]
    assert layers.Masking(-1).compute_mask(np.array([[[255, 255]]], "uint8")).tolist() == [[True]]


def test_optimizers_move_all_rows_as_with_dense_gradients():
    """Adam goes on with rows whose gradient is 0 now; sparse gradients change nothing about that."""
    for name in ("sgd", "adam", "rmsprop"):
        values = {}
        for dense in (False, True):
            keras.utils.set_random_seed(1)
            layer = layers.Embedding(9, 2)
            layer.build()
            optimizer = keras.optimizers.get(name)
            for step in range(4):
                layer.zero_grad()
                y, cache = layer.forward(np.array([[step, step + 1, step]]))
                layer.backward(np.ones_like(y), cache)
                if dense:
                    layer.embeddings.accumulate(np.zeros((9, 2)))
                optimizer.apply(None, layer.trainable_weights)
            values[dense] = layer.embeddings.numpy()
        np.testing.assert_array_equal(values[False], values[True])
