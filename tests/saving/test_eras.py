"""Configs of every Keras since 1.0: what each row of the tables makes of them."""

import pytest

from nnlite.core import registry
from nnlite.saving import eras
from nnlite.saving.building import build_model


def layer(class_name, config):
    return {"class_name": class_name, "config": config}


# (class, config) of old, its version -> (class, config) of today
ROWS = [
    # Keras 1
    (
        (
            "Dense",
            {"output_dim": 3, "init": "glorot_uniform", "bias": True, "W_regularizer": None, "input_dim": 4},
            "1.2.2",
        ),
        ("Dense", {"units": 3, "kernel_initializer": "glorot_uniform", "use_bias": True, "kernel_regularizer": None}),
    ),
    (
        ("Dense", {"W_regularizer": {"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.5}}, "1.2.2"),
        ("Dense", {"kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}}}),
    ),
    (
        ("Dense", {"W_constraint": {"name": "MaxNorm", "m": 2, "axis": 0}}, "1.0"),
        ("Dense", {"kernel_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}}}),
    ),
    (
        (
            "Convolution2D",
            {
                "nb_filter": 8,
                "nb_row": 3,
                "nb_col": 5,
                "border_mode": "same",
                "subsample": [2, 1],
                "dim_ordering": "th",
            },
            "1.1.0",
        ),
        (
            "Conv2D",
            {
                "filters": 8,
                "kernel_size": [3, 5],
                "padding": "same",
                "strides": [2, 1],
                "data_format": "channels_first",
            },
        ),
    ),
    (
        ("Convolution1D", {"nb_filter": 8, "filter_length": 3, "subsample_length": 2, "input_dim": 4}, "1.1.0"),
        ("Conv1D", {"filters": 8, "kernel_size": 3, "strides": 2}),
    ),
    (
        ("Convolution3D", {"kernel_dim1": 1, "kernel_dim2": 2, "kernel_dim3": 3, "dim_ordering": "tf"}, "1.1.0"),
        ("Conv3D", {"kernel_size": [1, 2, 3], "data_format": "channels_last"}),
    ),
    (("AtrousConvolution2D", {"atrous_rate": [2, 2]}, "1.1.0"), ("Conv2D", {"dilation_rate": [2, 2]})),
    (
        ("MaxPooling1D", {"pool_length": 2, "stride": 2, "border_mode": "valid"}, "1.0"),
        ("MaxPooling1D", {"pool_size": 2, "strides": 2, "padding": "valid"}),
    ),
    (("Dropout", {"p": 0.25}, "1.0"), ("Dropout", {"rate": 0.25})),
    (("GaussianNoise", {"sigma": 0.1}, "1.0"), ("GaussianNoise", {"stddev": 0.1})),
    (("UpSampling1D", {"length": 3}, "1.0"), ("UpSampling1D", {"size": 3})),
    (("ZeroPadding2D", {"padding": [1, 2, 3, 4]}, "1.0"), ("ZeroPadding2D", {"padding": [[1, 2], [3, 4]]})),
    (
        (
            "LSTM",
            {
                "output_dim": 3,
                "inner_activation": "hard_sigmoid",
                "inner_init": "orthogonal",
                "forget_bias_init": "one",
            },
            "1.2.2",
        ),
        (
            "LSTM",
            {
                "units": 3,
                "recurrent_activation": "hard_sigmoid_keras2",
                "recurrent_initializer": "orthogonal",
                "unit_forget_bias": True,
            },
        ),
    ),
    (
        ("BatchNormalization", {"mode": 0, "gamma_init": "one", "beta_init": "zero"}, "1.2.2"),
        ("BatchNormalization", {"gamma_initializer": "one", "beta_initializer": "zero"}),
    ),
    (("Merge", {"mode": "concat", "concat_axis": 1, "name": "m"}, "1.2.2"), ("Concatenate", {"axis": 1, "name": "m"})),
    (("Merge", {"mode": "cos", "dot_axes": 1}, "1.2.2"), ("Dot", {"axes": 1, "normalize": True})),
    (
        (
            "Lambda",
            {"function": "code", "function_type": "lambda", "output_shape_type": "raw", "output_shape": None},
            "1.2.2",
        ),
        ("Lambda", {"function": {"class_name": "__lambda__", "config": {}}, "output_shape": None}),
    ),
    # Keras 2
    (("InputLayer", {"batch_input_shape": [None, 4]}, "2.0.5"), ("InputLayer", {"batch_shape": [None, 4]})),
    (("InputLayer", {"batch_shape": [None, 4], "ragged": False}, "2.3.1"), ("InputLayer", {"batch_shape": [None, 4]})),
    (("BatchNormalization", {"axis": [3], "fused": True}, "2.4.0"), ("BatchNormalization", {"axis": 3})),
    (("BatchNormalizationV1", {"axis": [1, 2]}, "2.4.0"), ("BatchNormalization", {"axis": [1, 2]})),
    (("LayerNormalization", {"axis": [2]}, "2.15.0"), ("LayerNormalization", {"axis": 2})),
    (("LeakyReLU", {"alpha": {"type": "ndarray", "value": 0.3}}, "2.1.0"), ("LeakyReLU", {"negative_slope": 0.3})),
    (("ThresholdedReLU", {"theta": 2.0}, "2.15.0"), ("ReLU", {"threshold": 2.0})),
    (("Embedding", {"input_length": 7, "batch_input_shape": [None, 7]}, "2.15.0"), ("Embedding", {})),
    (
        ("LSTM", {"recurrent_activation": "sigmoid", "time_major": False, "implementation": 1}, "2.15.0"),
        ("LSTM", {"recurrent_activation": "sigmoid"}),
    ),
    (
        ("ConvLSTM2D", {"time_major": False, "implementation": 1}, "2.15.0"),
        ("ConvLSTM2D", {"recurrent_activation": "hard_sigmoid_keras2"}),
    ),
    (("ConvLSTM1D", {"recurrent_activation": "tanh"}, "2.15.0"), ("ConvLSTM1D", {"recurrent_activation": "tanh"})),
    (("ConvLSTM3D", {}, "3.0.0"), ("ConvLSTM3D", {})),
    (("LSTM", {}, "2.0.8"), ("LSTM", {"recurrent_activation": "hard_sigmoid_keras2"})),
    (("LSTM", {}, "2.2.4-tf"), ("LSTM", {})),
    (
        ("GRU", {"recurrent_activation": "tanh"}, "2.0.8"),
        ("GRU", {"recurrent_activation": "tanh", "reset_after": False}),
    ),
    (("GRU", {"reset_after": True}, "2.15.0"), ("GRU", {"reset_after": True})),
    (("GRU", {}, "3.0.0"), ("GRU", {})),
    (
        ("CuDNNGRU", {"units": 3}, "2.2.4"),
        ("GRU", {"units": 3, "activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True}),
    ),
    (
        ("CuDNNLSTM", {"units": 3}, "2.1.0"),
        ("LSTM", {"units": 3, "activation": "tanh", "recurrent_activation": "sigmoid"}),
    ),
    (("Activation", {"activation": "hard_sigmoid"}, "2.15.0"), ("Activation", {"activation": "hard_sigmoid_keras2"})),
    (("Activation", {"activation": "hard_sigmoid"}, "3.0.0"), ("Activation", {"activation": "hard_sigmoid"})),
    (
        (
            "Activation",
            {"activation": {"class_name": "function", "config": "hard_sigmoid", "module": "builtins"}},
            "2.15.0",
        ),
        ("Activation", {"activation": "hard_sigmoid_keras2"}),
    ),
    (
        (
            "SeparableConv2D",
            {"groups": 1, "kernel_initializer": layer("Zeros", {}), "kernel_constraint": None},
            "2.15.0",
        ),
        ("SeparableConv2D", {}),
    ),
    (
        ("Dense", {"kernel_initializer": layer("GlorotUniform", {"seed": None, "dtype": "float32"})}, "2.2.4-tf"),
        ("Dense", {"kernel_initializer": {"module": "keras.initializers", **layer("GlorotUniform", {"seed": None})}}),
    ),
    (
        ("Dense", {"dtype": layer("Policy", {"name": "mixed_float16", "loss_scale": {}})}, "2.3.0-tf"),
        ("Dense", {"dtype": {"module": "keras", **layer("DTypePolicy", {"name": "mixed_float16"})}}),
    ),
    (("MultiHeadAttention", {"query_shape": [None, 3, 4], "key_shape": None}, "2.15.0"), ("MultiHeadAttention", {})),
    (
        ("Reshape", {"target_shape": {"class_name": "__tuple__", "items": [2, 3]}}, "2.9.0"),
        ("Reshape", {"target_shape": [2, 3]}),
    ),
    # Keras 3
    (
        ("Dense", {"units": 3, "quantization_config": None, "lora_rank": None}, "3.15.1"),
        ("Dense", {"units": 3}),
    ),
]


@pytest.mark.parametrize(("old", "today"), ROWS, ids=lambda row: f"{row[0]}-{'-'.join(row[1])}"[:60])
def test_a_row_of_the_tables(old, today):
    class_name, config, version = old
    found = eras.normalize(layer(class_name, config), version)
    assert {key: found[key] for key in ("class_name", "config")} == layer(*today)


REFUSED = [
    ("LSTM", {"time_major": True}, "time_major=True"),
    ("BatchNormalization", {"mode": 2}, "mode=2"),
    ("Merge", {"mode": "outer"}, "mode='outer'"),
    ("Merge", {"mode": "sum", "layers": [{}]}, "first in a Sequential"),
    ("Attention", {"causal": True}, "causal=True"),
    ("Conv2DTranspose", {"groups": 2}, "groups=2"),
    ("Deconvolution2D", {"subsample": [2, 2], "output_shape": [None, 8, 8, 3]}, "subsample"),
    ("LSTM", {"forget_bias_init": "uniform"}, "forget_bias_init='uniform'"),
    ("Dropout", {"p": 0.5, "rate": 0.25}, "p=0.5"),
    ("Dense", {"lora_rank": 4}, "lora_rank=4"),
]


@pytest.mark.parametrize(("class_name", "config", "word"), REFUSED)
def test_what_means_something_else_is_refused_by_name(class_name, config, word):
    with pytest.raises(ValueError) as caught:
        eras.normalize(layer(class_name, {"name": "mine", **config}), "2.0.0")
    assert word in str(caught.value) and f"{class_name} 'mine'" in str(caught.value)


def test_a_users_function_comes_first():
    with registry.custom_object_scope({"hard_sigmoid": abs}):
        found = eras.normalize(layer("Activation", {"activation": "hard_sigmoid"}), "2.0.0")
    assert found["config"] == {"activation": "hard_sigmoid"}


def test_a_key_that_is_not_known_is_named_with_its_layer_and_value():
    config = layer("Dense", {"name": "mine", "units": 2, "novel": 3})
    with pytest.raises(TypeError, match=r"Dense 'mine'.*'novel'.*novel=3"):
        build_model(layer("Sequential", {"layers": [config]}), "3.99.0")
