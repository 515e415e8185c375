"""Arguments under the names that scripts for older Keras use."""

import pytest

from nnlite import Sequential, layers


def test_input_layers_take_their_shape_under_its_older_names():
    assert Sequential([layers.InputLayer(input_shape=(3,)), layers.Dense(2)]).output_shape == (None, 2)
    layer = layers.InputLayer(batch_input_shape=(5, 3))
    assert layer.batch_shape == (5, 3) and "batch_input_shape" not in layer.get_config()
    with pytest.raises(TypeError, match="Did you mean 'shape'"):
        layers.InputLayer(shap=(3,))


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_the_implementation_of_recurrent_layers_may_be_chosen_in_vain(kind):
    layer = getattr(layers, kind)(2, implementation=1)
    assert layer.units == 2 and "implementation" not in layer.get_config()
