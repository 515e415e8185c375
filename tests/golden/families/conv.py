"""Convolutions beyond Conv1D and Conv2D."""

from golden.family import Case

LAYERS = [
    Case("Conv3D(3, 2)", (2, 4, 5, 3, 2)),
    Case("Conv3D(4, (3, 2, 1), strides=(2, 1, 2), padding='same', activation='relu')", (2, 5, 4, 6, 3)),
    Case("Conv3D(4, 2, dilation_rate=(2, 1, 1), groups=2, use_bias=False)", (2, 5, 4, 3, 4)),
    Case("Conv3D(2, 3, padding='same', activation='softmax', data_format='channels_first')", (2, 3, 4, 3, 3)),
    *(
        Case(f"Conv1DTranspose(3, {k}, strides={s}, padding='{p}')", (2, 5, 2))
        for k in (1, 2, 3, 4, 5)
        for s in (1, 2, 3)
        for p in ("valid", "same")
    ),
    Case("Conv1DTranspose(3, 3, padding='same', dilation_rate=2)", (2, 5, 2)),
    Case("Conv1DTranspose(3, 4, dilation_rate=3)", (2, 5, 2)),
    Case("Conv1DTranspose(3, 3, strides=2, output_padding=1)", (2, 5, 2)),
    Case("Conv1DTranspose(3, 3, strides=3, padding='same', output_padding=0)", (2, 5, 2)),
    Case("Conv1DTranspose(3, 4, strides=3, padding='same', output_padding=2)", (2, 5, 2)),
    Case("Conv2DTranspose(4, 3)", (2, 5, 4, 3)),
    Case("Conv2DTranspose(4, (3, 2), strides=(2, 3), padding='same', activation='relu')", (2, 5, 4, 3)),
    Case("Conv2DTranspose(4, 2, strides=2, use_bias=False)", (2, 5, 4, 3)),
    Case("Conv2DTranspose(4, 3, strides=2, padding='same', output_padding=(1, 0))", (2, 5, 4, 3)),
    Case("Conv2DTranspose(2, 3, dilation_rate=(1, 2), padding='same', activation='gelu')", (2, 5, 4, 3)),
    Case("Conv2DTranspose(4, 3, strides=2, padding='same', data_format='channels_first')", (2, 3, 5, 4)),
    Case("Conv3DTranspose(2, 2, strides=2)", (2, 3, 2, 3, 2)),
    Case("Conv3DTranspose(3, (3, 2, 1), strides=(1, 2, 1), padding='same', activation='tanh')", (2, 3, 2, 3, 2)),
    Case("DepthwiseConv1D(3)", (2, 7, 3)),
    Case("DepthwiseConv1D(4, strides=2, padding='same', depth_multiplier=2, activation='relu')", (2, 7, 3)),
    Case("DepthwiseConv1D(3, dilation_rate=2, use_bias=False, data_format='channels_first')", (2, 3, 9)),
    Case("DepthwiseConv2D(3)", (2, 6, 5, 3)),
    Case("DepthwiseConv2D((3, 2), strides=2, padding='same', depth_multiplier=3)", (2, 6, 7, 2)),
    Case("DepthwiseConv2D(3, padding='same', activation='relu6', use_bias=False)", (2, 6, 5, 3)),
    Case("DepthwiseConv2D(3, dilation_rate=2, padding='same', activation='softmax')", (2, 6, 5, 3)),
    Case("DepthwiseConv2D(2, strides=(2, 2), data_format='channels_first')", (2, 3, 6, 5)),
    Case("SeparableConv1D(4, 3)", (2, 7, 3)),
    Case("SeparableConv1D(4, 3, strides=2, padding='same', depth_multiplier=2, activation='relu')", (2, 7, 3)),
    Case("SeparableConv2D(4, 3)", (2, 6, 5, 3)),
    Case("SeparableConv2D(5, (2, 3), strides=2, padding='same', depth_multiplier=2, activation='tanh')", (2, 6, 5, 3)),
    Case("SeparableConv2D(5, 3, dilation_rate=2, padding='same', use_bias=False)", (2, 6, 5, 3)),
    Case("SeparableConv2D(4, 2, data_format='channels_first')", (2, 3, 6, 5)),
]
