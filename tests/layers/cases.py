"""The table of layer cases: every property in test_properties.py is tested over all of them.

A case is a name, a function that makes the layer, and the shape of one input sample (batch excluded; odd sizes).
``random`` marks layers whose training forward draws random numbers; ``smooth=False`` those whose parameters make finite
differences meaningless at the random inputs used.
"""

from dataclasses import dataclass, field
from typing import Any

from nnlite import layers


@dataclass
class Case:
    name: str
    make: Any
    shape: Any
    random: bool = False
    options: dict = field(default_factory=dict)


CASES = [
    Case("dense", lambda: layers.Dense(3), (5,)),
    Case("dense_relu", lambda: layers.Dense(7, activation="relu"), (5,)),
    Case("dense_gelu_keeps_z", lambda: layers.Dense(3, activation="gelu"), (5,)),
    Case("dense_softmax", lambda: layers.Dense(3, activation="softmax"), (5,)),
    Case("dense_no_bias", lambda: layers.Dense(3, use_bias=False), (5,)),
    Case("dense_sequence", lambda: layers.Dense(3, activation="tanh"), (7, 5)),
    Case("dense_layer_activation", lambda: layers.Dense(3, activation=layers.LeakyReLU(0.2)), (5,)),
    Case("dense_one", lambda: layers.Dense(1), (1,)),
    Case("dense_activity", lambda: layers.Dense(3, activity_regularizer="l2"), (5,)),
    Case("conv1d", lambda: layers.Conv1D(3, 3), (7, 2)),
    Case("conv1d_causal", lambda: layers.Conv1D(3, 2, padding="causal", dilation_rate=2, activation="tanh"), (9, 2)),
    Case("conv1d_same_strided", lambda: layers.Conv1D(4, 4, strides=3, padding="same"), (10, 3)),
    Case("conv1d_first", lambda: layers.Conv1D(4, 3, data_format="channels_first"), (3, 9)),
    Case("conv1d_groups", lambda: layers.Conv1D(4, 3, groups=2), (8, 4)),
    Case("conv2d", lambda: layers.Conv2D(3, 3), (7, 6, 2)),
    Case("conv2d_relu_same", lambda: layers.Conv2D(4, 3, padding="same", activation="relu"), (7, 5, 3)),
    Case("conv2d_one_channel", lambda: layers.Conv2D(5, 3, activation="relu"), (9, 7, 1)),
    Case("conv2d_silu_keeps_z", lambda: layers.Conv2D(3, 2, activation="silu"), (5, 6, 2)),
    Case("conv2d_softmax", lambda: layers.Conv2D(3, 2, activation="softmax"), (5, 6, 2)),
    Case("conv2d_1x1", lambda: layers.Conv2D(4, 1, use_bias=False), (5, 4, 3)),
    Case("conv2d_strided", lambda: layers.Conv2D(3, (3, 2), strides=(2, 3), padding="same"), (9, 8, 2)),
    Case("conv2d_dilated", lambda: layers.Conv2D(3, 3, dilation_rate=(2, 1), padding="same"), (8, 7, 2)),
    Case("conv2d_groups", lambda: layers.Conv2D(6, 3, groups=3, activation="tanh"), (6, 5, 3)),
    Case("conv2d_even_same", lambda: layers.Conv2D(2, 4, padding="same"), (6, 7, 2)),
    Case("conv2d_first", lambda: layers.Conv2D(4, 3, padding="same", data_format="channels_first"), (3, 6, 5)),
    Case("conv2d_wide", lambda: layers.Conv2D(33, 3, padding="same"), (5, 5, 17)),
    Case("max_pooling1d", lambda: layers.MaxPooling1D(2), (7, 3)),
    Case("max_pooling1d_same", lambda: layers.MaxPooling1D(3, strides=2, padding="same"), (8, 3)),
    Case("max_pooling2d", lambda: layers.MaxPooling2D(), (7, 6, 3)),
    Case("max_pooling2d_overlap", lambda: layers.MaxPooling2D(3, strides=2, padding="same"), (8, 7, 3)),
    Case("max_pooling2d_first", lambda: layers.MaxPooling2D(2, data_format="channels_first"), (3, 7, 6)),
    Case("average_pooling1d", lambda: layers.AveragePooling1D(2), (7, 3)),
    Case("average_pooling1d_same", lambda: layers.AveragePooling1D(4, strides=2, padding="same"), (5, 3)),
    Case("average_pooling2d", lambda: layers.AveragePooling2D(2), (7, 6, 3)),
    Case("average_pooling2d_same", lambda: layers.AveragePooling2D((3, 2), strides=2, padding="same"), (7, 6, 3)),
    Case("average_pooling2d_first", lambda: layers.AveragePooling2D(2, data_format="channels_first"), (3, 7, 6)),
    Case("global_average1d", lambda: layers.GlobalAveragePooling1D(), (7, 3)),
    Case("global_average1d_keep", lambda: layers.GlobalAveragePooling1D(keepdims=True), (7, 3)),
    Case("global_average2d", lambda: layers.GlobalAveragePooling2D(), (5, 4, 3)),
    Case("global_average2d_first", lambda: layers.GlobalAveragePooling2D("channels_first", True), (3, 5, 4)),
    Case("global_max1d", lambda: layers.GlobalMaxPooling1D(), (7, 3)),
    Case("global_max2d", lambda: layers.GlobalMaxPooling2D(), (5, 4, 3)),
    Case("global_max2d_first", lambda: layers.GlobalMaxPooling2D("channels_first"), (3, 5, 4)),
    Case("flatten", lambda: layers.Flatten(), (3, 4, 2)),
    Case("flatten_first", lambda: layers.Flatten(data_format="channels_first"), (3, 4, 2)),
    Case("reshape", lambda: layers.Reshape((-1, 3)), (4, 6)),
    Case("permute", lambda: layers.Permute((3, 1, 2)), (2, 3, 5)),
    Case("zero_padding2d", lambda: layers.ZeroPadding2D(((1, 0), (2, 3))), (3, 4, 2)),
    Case("zero_padding2d_first", lambda: layers.ZeroPadding2D(1, data_format="channels_first"), (2, 3, 4)),
    Case("rescaling", lambda: layers.Rescaling(0.5, offset=[1.0, 2.0, 3.0]), (4, 3)),
    Case("dropout", lambda: layers.Dropout(0.4, seed=3), (6, 5), random=True),
    Case("dropout_noise_shape", lambda: layers.Dropout(0.4, noise_shape=(None, 1, None), seed=3), (6, 5), random=True),
    Case("dropout_all", lambda: layers.Dropout(1.0), (6, 5)),
    Case("spatial_dropout1d", lambda: layers.SpatialDropout1D(0.4, seed=3), (6, 5), random=True),
    Case("spatial_dropout2d", lambda: layers.SpatialDropout2D(0.4, seed=3), (3, 4, 5), random=True),
    Case(
        "spatial_dropout2d_first",
        lambda: layers.SpatialDropout2D(0.4, data_format="channels_first", seed=3),
        (5, 3, 4),
        random=True,
    ),
    Case("activation", lambda: layers.Activation("sigmoid"), (7,)),
    Case("relu", lambda: layers.ReLU(), (7,)),
    Case("relu_options", lambda: layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), (7,)),
    Case("leaky_relu", lambda: layers.LeakyReLU(), (7,)),
    Case("elu", lambda: layers.ELU(0.7), (7,)),
    Case("prelu", lambda: layers.PReLU(alpha_initializer="random_normal"), (5, 3)),
    Case("prelu_shared", lambda: layers.PReLU("random_normal", shared_axes=[1, 2]), (4, 5, 3)),
    Case("softmax", lambda: layers.Softmax(), (5,)),
    Case("softmax_axis", lambda: layers.Softmax(axis=1), (5, 3)),
    Case("batch_normalization", lambda: layers.BatchNormalization(), (5,)),
    Case("batch_normalization_2d", lambda: layers.BatchNormalization(), (4, 5, 3)),
    Case("batch_normalization_axis", lambda: layers.BatchNormalization(axis=1), (3, 4, 5)),
    Case("batch_normalization_plain", lambda: layers.BatchNormalization(center=False, scale=False), (5,)),
    Case("layer_normalization", lambda: layers.LayerNormalization(), (4, 5)),
    Case("layer_normalization_axes", lambda: layers.LayerNormalization(axis=[1, 2]), (4, 5, 3)),
    Case("layer_normalization_first_axis", lambda: layers.LayerNormalization(axis=1, center=False), (4, 5)),
    Case("layer_normalization_plain", lambda: layers.LayerNormalization(scale=False), (5,)),
]
