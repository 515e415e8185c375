"""Normalization: arguments of Keras's that change little, masks, moving averages, what is refused."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.testing import check_layer

RNG = np.random.default_rng(0)
ONE = np.ones((2, 4))


def test_the_former_rms_scaling_divides_by_the_deviation():
    x = RNG.normal(size=(3, 4)) + 2
    with pytest.warns(UserWarning, match="RMSNormalization"):
        layer = layers.LayerNormalization(epsilon=0.1, rms_scaling=True, gamma_initializer="uniform", dtype="float64")
    expected = x / np.sqrt(x.var(1, keepdims=True) + 0.1)
    layer.build((None, 4))
    assert [v.name for v in layer.weights] == ["gamma"] and layer.get_config()["rms_scaling"] is True
    np.testing.assert_allclose(layer(x), expected * layer.gamma.value, rtol=1e-6)
    check_layer(layer, (None, 4))
    y, cache = layer.forward(x)
    assert layer.backward(y, cache, input_grad=False) is None


def test_layers_take_inputs_of_another_rank():
    for layer in (layers.LayerNormalization(), layers.RMSNormalization(), layers.UnitNormalization()):
        flat = RNG.normal(size=(6, 4)).astype("float32")
        deep = flat.reshape(2, 3, 4)
        np.testing.assert_allclose(layer(deep).reshape(6, 4), layer(flat), rtol=1e-6)


def test_padding_that_a_mask_leaves_out_may_hold_anything():
    x = RNG.normal(size=(3, 4, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], bool)
    layer, other = layers.BatchNormalization(), layers.BatchNormalization()
    expected = layer(x, training=True, mask=mask)
    with np.errstate(invalid="ignore"):
        y = other(np.where(mask[..., None], x, np.nan), training=True, mask=mask)
    np.testing.assert_array_equal(y[mask], expected[mask])
    np.testing.assert_array_equal(other.moving_mean.value, layer.moving_mean.value)
    keras.testing.check_layer(layer, (None, 4, 2), x=x.astype(float), mask=mask)


def test_renorm_aims_at_the_moving_averages():
    layer = layers.BatchNormalization(renorm=True, momentum=0.5, renorm_momentum=0.5)
    x = (RNG.normal(size=(64, 3)) * 3 + 5).astype("float32")
    for _ in range(40):
        layer(x, training=True)
    np.testing.assert_allclose(layer(x, training=True), layer(x), atol=1e-4)
    assert [v.name for v in layer.non_trainable_weights] == [
        *("moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev"),
    ]
    before = layer.get_weights()
    layer.trainable = False
    layer(x + 1, training=True)
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(np.sort(a), np.sort(b))


def test_configs_hold_recent_keys_only_where_they_say_something():
    assert not any("renorm" in key for key in layers.BatchNormalization().get_config())
    layer = layers.BatchNormalization(renorm=True, renorm_clipping={"rmax": 3.0})
    config = layer.get_config()
    assert config["renorm"] is True and config["renorm_clipping"] == {"rmax": 3.0}
    assert layers.BatchNormalization.from_config(config).get_config() == config
    assert "rms_scaling" not in layers.LayerNormalization().get_config()


def test_the_spectral_norm_becomes_one():
    keras.utils.set_random_seed(1)
    layer = layers.SpectralNormalization(layers.Dense(5), power_iterations=400)
    x = RNG.normal(size=(4, 6)).astype("float32")
    y, cache = layer.forward(x, training=True)
    sigma = np.linalg.norm(layer.kernel.value, 2)
    divided = layer.kernel.value / sigma
    np.testing.assert_allclose(y, x @ divided, rtol=1e-2, atol=1e-4)
    dy = RNG.normal(size=y.shape).astype("float32")
    layer.backward(dy, cache)
    by_divided = x.T @ dy
    v = layer.vector_u.value @ divided.T
    expected = by_divided - (by_divided * divided).sum() * (v.T @ layer.vector_u.value)
    np.testing.assert_allclose(layer.kernel.grad * sigma, expected, rtol=1e-2, atol=1e-3)


def test_spectral_normalization_leaves_the_kernel_and_its_gradient_in_place():
    keras.utils.set_random_seed(0)  # how far one iteration gets depends on where it begins
    layer = layers.SpectralNormalization(layers.Dense(3))
    x = RNG.normal(size=(2, 4)).astype("float32")
    layer(x)
    value, kernel, u = layer.kernel.value, layer.kernel.numpy(), layer.vector_u.numpy()
    layer.kernel.accumulate(np.full((4, 3), 10.0))
    y, cache = layer.forward(x, training=True)
    layer.backward(y, cache)
    assert layer.kernel.value is value and (np.abs(layer.kernel.grad - 10) < 9).all()
    np.testing.assert_array_equal(value, kernel)
    assert (layer.vector_u.value != u).any()
    u = layer.vector_u.numpy()
    with pytest.raises(ValueError):
        layer(np.ones((2, 3, 5)), training=True)
    assert layer.kernel.value is value
    layer.trainable = False
    np.testing.assert_allclose(layer(x, training=True), y, rtol=0.5)
    np.testing.assert_array_equal(layer.vector_u.value, u)
    layer.kernel.assign(np.zeros((4, 3)))
    assert not layer(x, training=True).any()


def test_spectral_normalization_trains_and_is_saved(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.SpectralNormalization(layers.Dense(3))])
    model.compile("adam", "mse")
    x = RNG.normal(size=(8, 4)).astype("float32")
    model.fit(x, np.zeros((8, 3)), epochs=2, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.layers[0].kernel is again.layers[0].layer.kernel
    assert [v.name for v in again.weights] == ["kernel", "vector_u", "bias"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.GroupNormalization(3)(ONE), ValueError, "multiple of groups"),
        (lambda: layers.GroupNormalization(8)(ONE), ValueError, "multiple of groups"),
        (lambda: layers.GroupNormalization(0), ValueError, "groups"),
        (lambda: layers.GroupNormalization(2, axis=0)(ONE), ValueError, "that of the batch"),
        (lambda: layers.GroupNormalization(2, axis=5)(ONE), ValueError, "axis 5 does not exist"),
        (lambda: layers.GroupNormalization(2, axis=[1, 2]), ValueError, "axis"),
        (lambda: layers.GroupNormalization(2).build((None, None)), ValueError, "must be known"),
        (lambda: layers.UnitNormalization(axis="last"), TypeError, "axis"),
        (lambda: layers.UnitNormalization(axis=3)(ONE), ValueError, "axis 3 does not exist"),
        (lambda: layers.UnitNormalization(axis=[1, -1])(ONE), ValueError, "twice"),
        (lambda: layers.RMSNormalization(axis=[]), TypeError, "axis"),
        (lambda: layers.RMSNormalization(epsilon=-1.0), ValueError, "epsilon"),
        (lambda: layers.RMSNormalization().build((None, None)), ValueError, "must be known"),
        (lambda: layers.LayerNormalization(axis=[1, 1])(ONE), ValueError, "twice"),
        (lambda: layers.BatchNormalization()(ONE, training=True, mask=ONE > 0), ValueError, r"mask .*\(2,\), got"),
        (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"max": 1}), ValueError, "'rmax'"),
        (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"rmax": 1, "rmin": 2}), ValueError, "rmin of"),
        (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"dmax": -1}), ValueError, "dmax"),
        (lambda: layers.SpectralNormalization(layers.ReLU())(ONE), ValueError, "neither a kernel nor embeddings"),
        (lambda: layers.SpectralNormalization(layers.Dense(2), 0), ValueError, "power_iterations"),
        (lambda: layers.SpectralNormalization("dense"), ValueError, "must be a layer"),
    ],
)
def test_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
