"""The tables of what layers, initializers, regularizers and constraints were called, and how they were described.

Keys were renamed with Keras 2 (2017) and 3 (2023); keys were added and dropped all the time. Those that mean nothing as
long as they have the values given are dropped; another value changes what is computed, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ANY: Any = object()

# ---- classes ----

CLASSES = {
    "Model": "Functional",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "UnifiedLSTM": "LSTM",
    "UnifiedGRU": "GRU",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "TimeDistributedDense": "Dense",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "ThresholdedReLU": "ReLU",
    "Policy": "DTypePolicy",
    "PolicyV1": "DTypePolicy",
    "GlorotUniformV2": "GlorotUniform",
    "GlorotNormalV2": "GlorotNormal",
    "OrthogonalV2": "Orthogonal",
    "ZerosV2": "Zeros",
    "OnesV2": "Ones",
    "ConstantV2": "Constant",
    "RandomNormalV2": "RandomNormal",
    "RandomUniformV2": "RandomUniform",
    "TruncatedNormalV2": "TruncatedNormal",
    "VarianceScalingV2": "VarianceScaling",
    "HeNormalV2": "HeNormal",
    "HeUniformV2": "HeUniform",
    "LecunNormalV2": "LecunNormal",
    "LecunUniformV2": "LecunUniform",
}

# How Merge of Keras 1 put its inputs together -> the class for that today, and its arguments.
MERGES: dict[str, tuple[str, dict[str, str]]] = {
    "sum": ("Add", {}),
    "mul": ("Multiply", {}),
    "ave": ("Average", {}),
    "max": ("Maximum", {}),
    "concat": ("Concatenate", {"concat_axis": "axis"}),
    "dot": ("Dot", {"dot_axes": "axes"}),
    "cos": ("Dot", {"dot_axes": "axes"}),
}

# Layers of images that did something else than those of their names today, or are gone -> what does the same outside of
# training, and its arguments.
WITHOUT_CHANCE: dict[str, tuple[str, dict[str, Any]]] = {
    "RandomCrop": ("Resizing", {"crop_to_aspect_ratio": True}),
    "RandomHeight": ("Identity", {}),
    "RandomWidth": ("Identity", {}),
}

# ---- keys with other names ----

_KERNEL = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "W_constraint": "kernel_constraint",
    "b_regularizer": "bias_regularizer",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}
_CONVOLUTION = _KERNEL | {
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "dim_ordering": "data_format",
    "atrous_rate": "dilation_rate",
}
_LINE = _CONVOLUTION | {"filter_length": "kernel_size", "subsample_length": "strides"}
_SEPARABLE = _CONVOLUTION | {"depthwise_init": "depthwise_initializer", "pointwise_init": "pointwise_initializer"}
_RECURRENT = _KERNEL | {
    "output_dim": "units",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "U_regularizer": "recurrent_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}
_POOLING = {"pool_length": "pool_size", "stride": "strides", "border_mode": "padding", "dim_ordering": "data_format"}

# class -> old key -> today's
RENAMED: dict[str, dict[str, str]] = {
    "InputLayer": {"batch_input_shape": "batch_shape", "input_dtype": "dtype"},
    "Dense": _KERNEL | {"output_dim": "units"},
    "Embedding": {
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "Conv1D": _LINE,
    "Conv2D": _CONVOLUTION,
    "Conv3D": _CONVOLUTION,
    "Conv2DTranspose": _CONVOLUTION,
    "Conv3DTranspose": _CONVOLUTION,
    "LocallyConnected1D": _LINE,
    "LocallyConnected2D": _CONVOLUTION,
    "SeparableConv1D": _SEPARABLE,
    "SeparableConv2D": _SEPARABLE,
    "LSTM": _RECURRENT,
    "GRU": _RECURRENT,
    "SimpleRNN": _RECURRENT,
    "BatchNormalization": {"gamma_init": "gamma_initializer", "beta_init": "beta_initializer"},
    "Dropout": {"p": "rate"},
    "GaussianDropout": {"p": "rate"},
    "GaussianNoise": {"sigma": "stddev"},
    "SpatialDropout1D": {"p": "rate"},
    "SpatialDropout2D": {"p": "rate", "dim_ordering": "data_format"},
    "SpatialDropout3D": {"p": "rate", "dim_ordering": "data_format"},
    "UpSampling1D": {"length": "size"},
    "PReLU": {"init": "alpha_initializer"},
    "LeakyReLU": {"alpha": "negative_slope"},
    "ReLU": {"theta": "threshold"},
    "MaxNorm": {"m": "max_value"},
    "MinMaxNorm": {"m": "max_value"},
    **{name: {"dim_ordering": "data_format"} for name in ("UpSampling2D", "UpSampling3D", "Flatten")},
    **{f"{kind}{rank}D": {"dim_ordering": "data_format"} for kind in ("ZeroPadding", "Cropping") for rank in (2, 3)},
    **{f"{kind}Pooling{rank}D": _POOLING for kind in ("Max", "Average") for rank in (1, 2, 3)},
    **{
        f"Global{kind}Pooling{rank}D": {"dim_ordering": "data_format"}
        for kind in ("Max", "Average")
        for rank in (1, 2, 3)
    },
}

# class -> today's key -> the old keys that together are its value
JOINED: dict[str, dict[str, tuple[str, ...]]] = {
    "Conv2D": {"kernel_size": ("nb_row", "nb_col")},
    "Conv2DTranspose": {"kernel_size": ("nb_row", "nb_col")},
    "LocallyConnected2D": {"kernel_size": ("nb_row", "nb_col")},
    "SeparableConv2D": {"kernel_size": ("nb_row", "nb_col")},
    "Conv3D": {"kernel_size": ("kernel_dim1", "kernel_dim2", "kernel_dim3")},
}

# ---- keys that are gone ----

_SHAPES = {"query_shape": ANY, "key_shape": ANY, "value_shape": ANY}
_UNUSED_KERNEL = {"kernel_initializer": ANY, "kernel_regularizer": [None], "kernel_constraint": [None]}
_OLD_RECURRENT = {
    "time_major": [False],
    "implementation": ANY,
    "consume_less": ANY,
    "num_constants": [None, 0],
    "return_runs": [False],
    "input_dim": ANY,
    "input_length": ANY,
    "rng_type": ANY,
}
# keys of initializers, whatever their class
OF_INITIALIZERS = ("dtype", "verify_shape")

# class ("*" for every class) -> key -> the values under which it may be dropped
DROPPED: dict[str, dict[str, Any]] = {
    "*": {
        "input_axes": [None],
        "output_axes": [None],
        "quantization_config": [None],
        "lora_rank": [None],
        "lora_alpha": [None],
        "batch_input_shape": ANY,
        "input_dtype": ANY,
    },
    "InputLayer": {"ragged": [False, None], "optional": [False], "trainable": [True], "type_spec": [None]},
    "Dense": {"input_dim": ANY, "input_length": ANY},
    "Conv1D": {"input_dim": ANY, "input_length": ANY},
    "LocallyConnected1D": {"input_dim": ANY, "input_length": ANY},
    "Embedding": {"input_length": ANY, "sparse": [False], "dropout": [0]},
    "BatchNormalization": {
        "virtual_batch_size": [None],
        "fused": ANY,
        "adjustment": [None],
        "mode": [0],
        "initial_weights": [None],
    },
    "SeparableConv1D": {"groups": [1], **_UNUSED_KERNEL},
    "SeparableConv2D": {"groups": [1], **_UNUSED_KERNEL},
    "DepthwiseConv1D": {"groups": [1], **_UNUSED_KERNEL},
    "DepthwiseConv2D": {"groups": [1], **_UNUSED_KERNEL},
    "Conv1DTranspose": {"groups": [1]},
    "Conv2DTranspose": {"groups": [1]},
    "Conv3DTranspose": {"groups": [1]},
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "LSTMCell", "GRUCell", "SimpleRNNCell"), _OLD_RECURRENT),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _OLD_RECURRENT),
    "StackedRNNCells": {"reverse_state_order": [False]},
    "Dropout": {"rng_type": ANY},
    "SpatialDropout1D": {"noise_shape": ANY},
    "SpatialDropout2D": {"noise_shape": ANY},
    "SpatialDropout3D": {"noise_shape": ANY},
    "MultiHeadAttention": _SHAPES,
    "Attention": {"causal": [False]},
    "AdditiveAttention": {"causal": [False]},
    "Lambda": {"function_type": ANY, "module": ANY, "output_shape_type": ANY, "output_shape_module": ANY},
    "DTypePolicy": {"loss_scale": ANY},
}

# class -> key -> default: keys that constructors take, and that are in files only where they say something, so
# that older versions of Keras read those files.
RECENT: dict[str, dict[str, Any]] = {
    "BatchNormalization": {"renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99},
    "LayerNormalization": {"rms_scaling": False},
    "MultiHeadAttention": {"use_gate": False, "sliding_window": None},
    "GroupQueryAttention": {"use_gate": False, "sliding_window": None},
}

# ---- values ----


def _alone(value: Any) -> Any:
    """[3] -> 3"""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _forget_bias(value: Any) -> Any:
    """The initializer of an LSTM's forget gate -> whether its bias begins at one."""
    if value in ("one", "ones"):
        return True
    if value in ("zero", "zeros"):
        return False
    raise ValueError(f"forget_bias_init={value!r} is not supported by nnlite, only 'one' and 'zero'.")


def _sides(value: Any) -> Any:
    """Keras 1 wrote [top, bottom, left, right], or a dict of these -> [[top, bottom], [left, right]]"""
    if isinstance(value, dict):
        names = ("top_pad", "bottom_pad", "left_pad", "right_pad")
        value = [value.get(name, 0) for name in names]
    if isinstance(value, list) and len(value) == 4 and not any(isinstance(one, list) for one in value):
        return [value[:2], value[2:]]
    return value


def _ends(value: Any) -> Any:
    """Keras 1 wrote a dict of two -> [left, right]"""
    return [value.get("left_pad", 0), value.get("right_pad", 0)] if isinstance(value, dict) else value


# class ("*" for every class) -> today's key -> what makes today's value of an old one
CHANGED: dict[str, dict[str, Callable[[Any], Any]]] = {
    "*": {
        "data_format": lambda value: {"th": "channels_first", "tf": "channels_last", "default": None}.get(value, value)
    },
    "BatchNormalization": {"axis": _alone},
    "Softmax": {"axis": _alone},
    "LSTM": {"unit_forget_bias": lambda value: _forget_bias(value) if isinstance(value, (str, dict)) else value},
    "ZeroPadding1D": {"padding": _ends},
    "ZeroPadding2D": {"padding": _sides},
}
# the same, in files of before Keras 3
CHANGED_BEFORE: dict[str, dict[str, Callable[[Any], Any]]] = {
    "BatchNormalization": {"renorm_clipping": lambda value: value or None},
    "LayerNormalization": {"axis": _alone},
}
RENAMED["LSTM"] = {**_RECURRENT, "forget_bias_init": "unit_forget_bias"}


# ---- what depends on the version that wrote the file ----

# Before Keras 3 the first stood for another function; the others are those that TensorFlow's functions have for files.
ACTIVATIONS = {
    "hard_sigmoid": "hard_sigmoid_keras2",
    "exp": "exponential",
    "identity": "linear",
    "log_softmax_v2": "log_softmax",
    "softmax_v2": "softmax",
}
ACTIVATION_KEYS = ("activation", "recurrent_activation")

# class -> key -> what a file of before Keras 3 means that does not say
MEANT: dict[str, dict[str, Any]] = {
    **{name: {"reset_after": False} for name in ("GRU", "GRUCell")},
    **{f"ConvLSTM{rank}D": {"recurrent_activation": "hard_sigmoid_keras2"} for rank in (1, 2, 3)},
}
# the same up to Keras 2.2
MEANT_EARLY: dict[str, dict[str, Any]] = {
    name: {"recurrent_activation": "hard_sigmoid_keras2"} for name in ("LSTM", "GRU", "LSTMCell", "GRUCell")
}
# What the classes for a graphics card mean.
CUDNN: dict[str, dict[str, Any]] = {
    "CuDNNLSTM": {"activation": "tanh", "recurrent_activation": "sigmoid"},
    "CuDNNGRU": {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True},
}
