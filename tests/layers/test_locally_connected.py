"""LocallyConnected1D and 2D: convolutions with a kernel of its own at every place."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.testing import check_layer

FORMS = [
    (implementation, padding, data_format)
    for implementation, padding in ((1, "valid"), (2, "valid"), (2, "same"), (3, "same"))
    for data_format in ("channels_last", "channels_first")
]


@pytest.mark.parametrize(("implementation", "padding", "data_format"), FORMS)
def test_gradients(implementation, padding, data_format):
    form = {"implementation": implementation, "padding": padding, "data_format": data_format, "activation": "tanh"}
    check_layer(layers.LocallyConnected1D(2, 3, strides=2, **form), (None, 5, 6))
    check_layer(layers.LocallyConnected2D(2, (3, 2), strides=(1, 2), **form), (None, 4, 5, 4))


def test_with_one_kernel_everywhere_it_is_a_convolution():
    x = np.random.default_rng(0).normal(size=(2, 6, 7, 3)).astype("float32")
    conv, local = layers.Conv2D(4, (3, 2), strides=(2, 1)), layers.LocallyConnected2D(4, (3, 2), strides=(2, 1))
    y, shape = conv(x), local(x).shape
    assert y.shape == shape
    kernel = conv.kernel.value.reshape(1, -1, 4)
    local.kernel.assign(np.broadcast_to(kernel, local.kernel.shape))
    np.testing.assert_allclose(local(x), y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_three_forms_of_the_kernel_compute_the_same(data_format):
    x = np.random.default_rng(1).normal(size=(2, 3, 6, 3)).astype("float32")
    plain = layers.LocallyConnected2D(2, 2, data_format=data_format)
    y = plain(x)
    for implementation in (2, 3):
        other = layers.LocallyConnected2D(2, 2, data_format=data_format, implementation=implementation)
        other(x)
        value = np.zeros(other.kernel.size, "float32")
        value[other._index] = plain._kernels()
        other.kernel.assign(value.reshape(other.kernel.shape))
        np.testing.assert_allclose(other(x), y, rtol=1e-5, atol=1e-6)


def test_files_and_errors(tmp_path):
    layer = layers.LocallyConnected1D(2, 3, padding="same", implementation=3, activation="relu")
    model = keras.Sequential([keras.Input((6, 3)), layer])
    model.save(tmp_path / "m.keras")
    x = np.ones((1, 6, 3), "float32")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.keras")(x), model(x))
    with pytest.raises(ValueError, match="implementation 2 or 3"):
        layers.LocallyConnected1D(2, 3, padding="same")
    with pytest.raises(ValueError, match="implementation must be"):
        layers.LocallyConnected1D(2, 3, implementation=4)
    with pytest.raises(ValueError, match="must be known"):
        keras.Sequential([keras.Input((None, 3)), layers.LocallyConnected1D(2, 3)])
    with pytest.raises(ValueError, match="shorter than the window"):
        layers.LocallyConnected1D(2, 3)(np.ones((1, 2, 3)))
