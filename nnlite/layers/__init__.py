"""Layers: each with a forward and an explicit backward.

``docs/writing-a-layer.md`` tells how to write one, and ``nnlite.testing.check_layer`` whether its gradients are right.
"""

from __future__ import annotations

from typing import Any

from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.core.serialization import deserialize as _deserialize
from nnlite.core.serialization import serialize
from nnlite.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from nnlite.layers.attention import AdditiveAttention, Attention
from nnlite.layers.bidirectional import Bidirectional
from nnlite.layers.borders import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from nnlite.layers.categories import CategoryEncoding
from nnlite.layers.conv import Conv1D, Conv2D, Conv3D
from nnlite.layers.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from nnlite.layers.dense import Dense
from nnlite.layers.depthwise import DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D
from nnlite.layers.einsum_dense import EinsumDense
from nnlite.layers.embedding import Embedding, Masking
from nnlite.layers.features import Normalization
from nnlite.layers.functions import Identity, Lambda
from nnlite.layers.gru_cell import GRUCell
from nnlite.layers.image import CenterCrop, Resizing
from nnlite.layers.image_cuts import RandomBrightness, RandomContrast, RandomCrop
from nnlite.layers.image_warps import RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from nnlite.layers.input import Input, InputLayer
from nnlite.layers.joining import Concatenate, Dot, concatenate, dot
from nnlite.layers.lookup import IntegerLookup, StringLookup
from nnlite.layers.merging import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from nnlite.layers.multi_head_attention import GroupedQueryAttention as GroupQueryAttention
from nnlite.layers.multi_head_attention import MultiHeadAttention
from nnlite.layers.noise import ActivityRegularization, AlphaDropout, GaussianDropout, GaussianNoise
from nnlite.layers.normalization import BatchNormalization
from nnlite.layers.normalization_group import GroupNormalization
from nnlite.layers.normalization_rows import LayerNormalization, RMSNormalization, UnitNormalization
from nnlite.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from nnlite.layers.pooling_adaptive import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from nnlite.layers.pooling_global import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from nnlite.layers.preprocessing import Rescaling
from nnlite.layers.recurrent import GRU, LSTM, SimpleRNN
from nnlite.layers.regularization import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from nnlite.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from nnlite.layers.rnn import RNN, StackedRNNCells
from nnlite.layers.rnn_cells import LSTMCell, SimpleRNNCell
from nnlite.layers.spectral import SpectralNormalization
from nnlite.layers.text import TextVectorization
from nnlite.layers.upsampling import UpSampling1D, UpSampling2D, UpSampling3D
from nnlite.layers.wrappers import TimeDistributed, Wrapper

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose, Convolution2DTranspose = Conv1DTranspose, Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
MaxPool3D, AvgPool3D = MaxPooling3D, AveragePooling3D
GlobalAvgPool3D, GlobalMaxPool3D = GlobalAveragePooling3D, GlobalMaxPooling3D
MaxPool1D, MaxPool2D, AvgPool1D, AvgPool2D = MaxPooling1D, MaxPooling2D, AveragePooling1D, AveragePooling2D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the layer that a config describes.

    >>> deserialize(serialize(Dense(3))).units
    3
    """
    return _deserialize(config, "layers", custom_objects)
