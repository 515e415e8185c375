"""Cases of convolutions beyond Conv1D and Conv2D."""

from layers.case import Case

from nnlite import layers

CASES = [
    Case("conv3d", lambda: layers.Conv3D(3, 2, activation="tanh"), (4, 3, 5, 2)),
    Case("conv3d_strided", lambda: layers.Conv3D(2, (3, 2, 1), strides=(2, 1, 2), padding="same"), (5, 3, 4, 2)),
    Case("conv1d_transpose", lambda: layers.Conv1DTranspose(3, 3), (5, 2)),
    Case("conv1d_transpose_gaps", lambda: layers.Conv1DTranspose(3, 2, strides=3, output_padding=2), (5, 2)),
    Case(
        "conv2d_transpose",
        lambda: layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu"),
        (5, 4, 2),
    ),
    Case("conv2d_transpose_dilated", lambda: layers.Conv2DTranspose(2, 3, dilation_rate=2, use_bias=False), (4, 3, 3)),
    Case("conv2d_transpose_1x1", lambda: layers.Conv2DTranspose(3, 1), (4, 3, 2)),
    Case(
        "conv2d_transpose_first",
        lambda: layers.Conv2DTranspose(3, (2, 3), strides=(1, 2), data_format="channels_first"),
        (2, 4, 3),
    ),
    Case("conv3d_transpose", lambda: layers.Conv3DTranspose(2, 2, strides=2), (2, 3, 2, 2)),
    Case("local1d", lambda: layers.LocallyConnected1D(3, 2, strides=2, activation="tanh"), (7, 3)),
    Case("local2d", lambda: layers.LocallyConnected2D(2, (3, 2), data_format="channels_first"), (2, 5, 3)),
    Case("local2d_all", lambda: layers.LocallyConnected2D(2, 2, padding="same", implementation=2), (3, 4, 2)),
    Case("depthwise1d", lambda: layers.DepthwiseConv1D(3, padding="same", activation="tanh"), (7, 3)),
    Case("depthwise2d", lambda: layers.DepthwiseConv2D(3), (6, 5, 3)),
    Case(
        "depthwise2d_strided",
        lambda: layers.DepthwiseConv2D((3, 2), strides=2, padding="same", depth_multiplier=2),
        (5, 6, 3),
    ),
    Case("depthwise2d_dilated", lambda: layers.DepthwiseConv2D(2, dilation_rate=(1, 2), use_bias=False), (5, 6, 2)),
    Case(
        "depthwise2d_first", lambda: layers.DepthwiseConv2D(3, padding="same", data_format="channels_first"), (3, 5, 4)
    ),
    Case("separable1d", lambda: layers.SeparableConv1D(4, 3, strides=2, padding="same"), (7, 3)),
    Case("separable2d", lambda: layers.SeparableConv2D(4, 3, depth_multiplier=2, activation="tanh"), (6, 5, 3)),
]
