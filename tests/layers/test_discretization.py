"""Discretization: numbers to the bins that they lie in."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers

X = np.array([[-2.0, 0.0, 0.5], [1.0, 7.0, np.nan]], "float32")


def test_bins_and_the_forms_in_which_they_are_handed_on():
    layer = layers.Discretization([0.0, 1.0])
    assert layer(X).tolist() == [[0, 1, 1], [2, 2, 2]] and layer(X).dtype == np.int32
    assert layer(keras.Input((3,))).dtype == "int32"
    assert layers.Discretization([0.0, 1.0], output_mode="count")(X).tolist() == [[1, 2, 0], [0, 0, 3]]
    assert layers.Discretization([0.0, 1.0], output_mode="multi_hot")(X).tolist() == [[1, 1, 0], [0, 0, 1]]
    assert layers.Discretization([0.0, 1.0], output_mode="one_hot")(X).shape == (2, 3, 3)


def test_a_layer_that_keras_has_adapted_keeps_its_boundaries():
    config = {"bin_boundaries": [0.0, 1.0], "num_bins": 3, "dtype": "int64"}
    layer = layers.Discretization.from_config(config)
    assert layer(X[:, :2]).tolist() == [[0, 1], [2, 2]]
    assert layer.get_config()["bin_boundaries"] == [0.0, 1.0] and layer.get_config()["num_bins"] == 3


def test_what_stands_before_it_learns_nothing():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Discretization([0.0], output_mode="count")])
    y, cache = model.forward(np.ones((1, 2), "float32"))
    assert not model.backward(np.ones_like(y), cache).any() and not model.layers[0].kernel.grad.any()


@pytest.mark.parametrize("given", [{}, {"num_bins": 3}, {"bin_boundaries": [1, 0]}, {"bin_boundaries": [[0.0]]}])
def test_boundaries_that_are_missing_or_not_in_order(given):
    with pytest.raises(ValueError, match="bin_boundaries must be"):
        layers.Discretization(**given)
