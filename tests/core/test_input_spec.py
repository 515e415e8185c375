"""What layers expect of their inputs, and what deserialize_keras_object returns."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import InputSpec, layers

# How many axes a layer's input has, at least and at most.
AXES = {
    layers.Dense(2): (2, 9),
    layers.BatchNormalization(): (2, 9),
    layers.LayerNormalization(): (2, 9),
    layers.Conv1D(2, 2): (3, 3),
    layers.MaxPooling1D(): (3, 3),
    layers.MaxPooling2D(): (4, 4),
    layers.AveragePooling3D(2): (5, 5),
    layers.AdaptiveMaxPooling2D(2): (4, 4),
    layers.Cropping1D(): (3, 3),
    layers.Cropping2D(): (4, 4),
    layers.Cropping3D(): (5, 5),
    layers.SimpleRNN(2): (3, 3),
    layers.LSTM(2): (3, 3),
    layers.GRU(2): (3, 3),
    layers.Bidirectional(layers.GRU(2)): (3, 3),
    layers.ConvLSTM2D(2, 2): (5, 5),
}


class Passing(keras.layers.Layer):
    def __init__(self, spec):
        super().__init__(name="passing")
        self.input_spec = spec

    def forward(self, x, training=False):
        return (x[0] if isinstance(x, list) else x), None

    def compute_output_shape(self, input_shape):
        return input_shape if keras.core.structure.is_shape(input_shape) else input_shape[0]


@pytest.mark.parametrize(
    ("spec", "good", "bad", "message"),
    [
        (InputSpec(shape=(None, 3)), (2, 3), (2, 4), r"shape \(None, 3\), got \(2, 4\)"),
        (InputSpec(shape=(None, 3)), (2, 3), (2, 3, 1), "2 axes"),
        (InputSpec(shape=(None, 3, 1), allow_last_axis_squeeze=True), (2, 3), (2, 4), r"\(None, 3, 1\), got \(2, 4\)"),
        (InputSpec(shape=(None, 3), allow_last_axis_squeeze=True), (2, 3, 1), (2, 3, 2), r"got shape \(2, 3, 2\)"),
        (InputSpec("float32", None, 3), (2, 3, 4), (2, 3), "3 axes"),
        (InputSpec(max_ndim=2), (2, 3), (2, 3, 4), "at most 2 axes"),
    ],
)
def test_one_input(spec, good, bad, message):
    assert Passing(spec)(np.ones(good)).shape == good
    assert Passing(spec)(keras.Input(batch_shape=good)).shape == good
    for x in (np.ones(bad), keras.Input(batch_shape=bad)):
        with pytest.raises(ValueError, match=f"passing.*{message}"):
            Passing(spec)(x)


def test_a_spec_for_each_of_several_inputs():
    layer = Passing([InputSpec(ndim=2), InputSpec(axes={-1: 3})])
    assert layer([np.ones((2, 4)), np.ones((2, 3))]).shape == (2, 4)
    a, b, c = keras.Input((4,)), keras.Input((3,)), keras.Input((5,))
    model = keras.Model([a, b], layer([a, b]))
    assert model([np.ones((2, 4)), np.ones((2, 3))]).shape == (2, 4)
    for wrong in ([np.ones((2, 4)), np.ones((2, 5))], [a, c]):
        with pytest.raises(ValueError, match="expects size 3 along axis -1"):
            layer(wrong)
    for wrong in (np.ones((2, 4)), a):
        with pytest.raises(ValueError, match="expects 2 inputs, got 1"):
            layer(wrong)


def test_specs_that_mean_nothing_are_refused():
    with pytest.raises(TypeError, match="dtype must be the name of one, got 4"):
        InputSpec(4)
    with pytest.raises(TypeError, match="axes must be a dict"):
        InputSpec(ndim=2, axes=[3])
    with pytest.raises(TypeError, match="shape must be made of whole numbers"):
        InputSpec(shape=3)
    with pytest.raises(ValueError, match="an axis that inputs of 2 axes do not have"):
        InputSpec(ndim=2, axes={2: 3})


def test_configs_in_lists_and_dicts_are_made_into_objects():
    make = keras.utils.deserialize_keras_object
    dense = keras.utils.serialize_keras_object(keras.layers.Dense(3))
    (one, plain), more = make([(dense, "relu"), {"a": dense, "b": None}], safe_mode=True)
    assert one.units == more["a"].units == 3
    assert plain == "relu"
    assert more["b"] is None
    assert make("mine", {"mine": np.tanh}) is np.tanh
    assert make("mine", module_objects={"mine": np.tanh}, printable_module_name="function") is np.tanh
    with pytest.raises(TypeError, match="'custom_object'. Did you mean 'custom_objects'"):
        make(dense, custom_object={})


@pytest.mark.parametrize("layer", AXES, ids=lambda layer: layer.name)
@pytest.mark.parametrize("rank", range(1, 6))
def test_a_layer_that_is_not_built_says_how_many_axes_it_expects(layer, rank):
    least, most = AXES[layer]
    if least <= rank <= most:
        return
    x = np.ones((2, 6, 6, 6, 3)[:rank], "float32")
    number = rf"expects an input with (at least )?{least} axes.*got shape \((None|2),.*which has {rank}\."
    for call in (
        lambda new: new(x),
        lambda new: new.build((None, *x.shape[1:])),
        lambda new: new(keras.Input(x.shape[1:])),
        lambda new: keras.Sequential([new])(x),
    ):
        new = type(layer).from_config(layer.get_config())
        with pytest.raises(ValueError, match=number):
            call(new)
        assert not new.built
