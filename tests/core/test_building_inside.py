"""Layers made in __init__ that their owner does not build: they are built with it, on zeros."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers


class Block(layers.Layer):
    """y = x + inner(x), with the shape declared, so that nothing else runs it before training."""

    def __init__(self, inner, fails=False, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.fails = inner, fails

    def compute_output_shape(self, input_shape):
        return input_shape

    def forward(self, x, training=False):
        if self.fails and not x.any():
            raise ZeroDivisionError
        y, cache = self.inner.forward(x, training)
        return x + y, cache

    def backward(self, dy, cache):
        return dy + self.inner.backward(dy, cache)


def test_inner_layers_have_their_variables_before_training_and_under_their_owners_path():
    model = keras.Sequential([keras.Input((None, 4)), Block(layers.LSTM(4, return_sequences=True, name="l"), name="b")])
    model.name = "m"
    assert [w.name for w in model.weights] == ["kernel", "recurrent_kernel", "bias"]
    assert all("/b/l/" in w.path for w in model.weights)
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(np.ones((2, 3, 4)), np.zeros((2, 3, 4)), verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_zeros_leave_no_state_behind():
    block = Block(layers.SimpleRNN(4, return_sequences=True, stateful=True))
    block.build((None, 3, 4))
    x = np.ones((2, 3, 4), "float32")
    assert np.array_equal(block(x)[:, 0], x[:, 0] + np.tanh(x[:, 0] @ block.inner.weights[0].value))


@pytest.mark.parametrize("shape", [(None, 4), (2, 4)])
def test_what_cannot_run_on_zeros_is_built_by_the_first_batch(shape):
    block = Block(layers.Dense(4), fails=True)
    block.build(shape)
    assert block.built and not block.weights
    assert block(np.ones((2, 4))).shape == (2, 4) and len(block.weights) == 2
