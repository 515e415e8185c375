import numpy as np
import pytest

import nnlite as keras
from nnlite import layers


def test_symbols_and_where_they_come_from():
    a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    y = layers.Add()([layers.Dense(2)(b), layers.Dense(2)(a) + b])
    assert [one.name for one in keras.utils.get_source_inputs(y)] == ["b", "a"]
    with pytest.raises(TypeError, match="expected a symbol"):
        keras.utils.get_source_inputs(np.ones(2))
    assert keras.utils.is_keras_tensor(y) and keras.backend.is_keras_tensor(a) and isinstance(y, keras.KerasTensor)
    assert (
        not keras.utils.is_keras_tensor(np.ones(2)) and not keras.ops.is_tensor(a) and keras.ops.is_tensor(np.ones(2))
    )


def test_pictures_are_refused_as_without_pydot():
    for draw in (keras.utils.plot_model, keras.utils.model_to_dot):
        with pytest.raises(ImportError, match="summary"):
            draw(keras.Sequential())


def test_longer_names_of_functions():
    ops, x = keras.ops, np.array([[3.0, -4.0]], "float32")
    assert ops.nn.relu is ops.relu and ops.numpy.sum is ops.sum and float(ops.linalg.norm(x)) == 5.0
    assert "relu" in dir(ops.nn) and "sum" in dir(ops.numpy) and "relu" not in dir(ops.numpy)
    for space in (ops.nn, ops.numpy, ops.linalg):
        assert all(getattr(space, name) is getattr(ops, name) for name in dir(space))
        with pytest.raises(AttributeError, match="no function 'shape'"):
            getattr(space, "shape")  # noqa: B009
