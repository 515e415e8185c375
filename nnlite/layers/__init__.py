"""Layers: each with a forward and an explicit backward.

``docs/writing-a-layer.md`` tells how to write one, and ``nnlite.testing.check_layer`` whether its gradients are right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnlite.core import lazy
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.core.serialization import deserialize as _deserialize
from nnlite.core.serialization import serialize as _serialize

if TYPE_CHECKING:
    from nnlite.layers.activation import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
    from nnlite.layers.attention import AdditiveAttention, Attention
    from nnlite.layers.bidirectional import Bidirectional
    from nnlite.layers.borders import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
    from nnlite.layers.categories import CategoryEncoding
    from nnlite.layers.conv import Conv1D, Conv2D, Conv3D
    from nnlite.layers.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
    from nnlite.layers.conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
    from nnlite.layers.dense import Dense
    from nnlite.layers.depthwise import DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D
    from nnlite.layers.discretization import Discretization
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
    from nnlite.layers.locally_connected import LocallyConnected1D, LocallyConnected2D
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
else:
    __getattr__, __dir__, __all__ = lazy.attach(
        __name__,
        {
            "activation": "ELU Activation LeakyReLU PReLU ReLU Softmax",
            "attention": "AdditiveAttention Attention",
            "bidirectional": "Bidirectional",
            "borders": "Cropping1D Cropping2D Cropping3D ZeroPadding1D ZeroPadding2D ZeroPadding3D",
            "categories": "CategoryEncoding",
            "conv": "Conv1D Conv2D Conv3D Convolution1D=Conv1D Convolution2D=Conv2D Convolution3D=Conv3D",
            "conv_lstm": "ConvLSTM1D ConvLSTM2D ConvLSTM3D",
            "conv_transpose": "Conv1DTranspose Conv2DTranspose Conv3DTranspose Convolution1DTranspose=Conv1DTranspose "
            "Convolution2DTranspose=Conv2DTranspose Convolution3DTranspose=Conv3DTranspose",
            "dense": "Dense",
            "depthwise": "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D "
            "SeparableConvolution1D=SeparableConv1D SeparableConvolution2D=SeparableConv2D",
            "discretization": "Discretization",
            "einsum_dense": "EinsumDense",
            "embedding": "Embedding Masking",
            "features": "Normalization",
            "functions": "Identity Lambda",
            "gru_cell": "GRUCell",
            "image": "CenterCrop Resizing",
            "image_cuts": "RandomBrightness RandomContrast RandomCrop",
            "image_warps": "RandomFlip RandomRotation RandomTranslation RandomZoom",
            "input": "Input InputLayer",
            "joining": "Concatenate Dot concatenate dot",
            "locally_connected": "LocallyConnected1D LocallyConnected2D",
            "lookup": "IntegerLookup StringLookup",
            "merging": "Add Average Maximum Minimum Multiply Subtract add average maximum minimum multiply subtract",
            "multi_head_attention": "GroupQueryAttention=GroupedQueryAttention MultiHeadAttention",
            "noise": "ActivityRegularization AlphaDropout GaussianDropout GaussianNoise",
            "normalization": "BatchNormalization",
            "normalization_group": "GroupNormalization",
            "normalization_rows": "LayerNormalization RMSNormalization UnitNormalization",
            "pooling": "AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D "
            "MaxPool3D=MaxPooling3D AvgPool3D=AveragePooling3D MaxPool1D=MaxPooling1D MaxPool2D=MaxPooling2D "
            "AvgPool1D=AveragePooling1D AvgPool2D=AveragePooling2D",
            "pooling_adaptive": "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D "
            "AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D",
            "pooling_global": "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D "
            "GlobalMaxPooling2D GlobalMaxPooling3D GlobalAvgPool3D=GlobalAveragePooling3D "
            "GlobalMaxPool3D=GlobalMaxPooling3D GlobalAvgPool1D=GlobalAveragePooling1D "
            "GlobalAvgPool2D=GlobalAveragePooling2D GlobalMaxPool1D=GlobalMaxPooling1D "
            "GlobalMaxPool2D=GlobalMaxPooling2D",
            "preprocessing": "Rescaling",
            "recurrent": "GRU LSTM SimpleRNN",
            "regularization": "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D",
            "reshaping": "Flatten Permute RepeatVector Reshape",
            "rnn": "RNN StackedRNNCells",
            "rnn_cells": "LSTMCell SimpleRNNCell",
            "spectral": "SpectralNormalization",
            "text": "TextVectorization",
            "upsampling": "UpSampling1D UpSampling2D UpSampling3D",
            "wrappers": "TimeDistributed Wrapper",
        },
        "layers",
    )
    __all__ += ["InputSpec", "Layer", "deserialize", "serialize"]


def serialize(layer: Any) -> Any:
    """Return the config of a layer: plain data that :func:`deserialize` makes an equal one of.

    >>> serialize(Dense(3))["class_name"]
    'Dense'
    """
    return _serialize(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the layer that a config describes.

    >>> from nnlite.layers import Dense
    >>> deserialize(serialize(Dense(3))).units
    3
    """
    return _deserialize(config, "layers", custom_objects)
