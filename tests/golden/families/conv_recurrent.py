"""Convolutional recurrent layers."""

from golden.family import Case, Mask

M = Mask((2, 4))
ANY = Mask((2, 4), anywhere=True)
X = (2, 4, 5, 6, 2)
H = (2, 3, 4, 3)

LAYERS = [
    Case("ConvLSTM2D(3, 3)", X),
    Case("ConvLSTM2D(3, (2, 3), padding='same', return_sequences=True)", X),
    Case("ConvLSTM2D(3, 3, strides=2, padding='same', return_state=True, go_backwards=True)", X),
    Case("ConvLSTM2D(2, 2, dilation_rate=2, return_sequences=True, use_bias=False)", X),
    Case("ConvLSTM2D(2, 3, data_format='channels_first', return_sequences=True, return_state=True)", (2, 3, 2, 5, 4)),
    Case("ConvLSTM2D(3, 3, activation='relu', recurrent_activation='hard_sigmoid', unit_forget_bias=False)", X),
    # Masks without unroll=True fail in Keras on JAX.
    Case("ConvLSTM2D(2, 3, return_sequences=True, unroll=True)", X, options={"mask": M}),
    Case("ConvLSTM2D(2, 3, return_state=True, unroll=True)", X, options={"mask": ANY}),
    Case(
        "ConvLSTM2D(3, 3, return_sequences=True)",
        [X, H, H],
        call="layer(x[0], initial_state=[x[1], x[2]], **options)",
        facts=False,
    ),
    Case("ConvLSTM2D(1, 1)", (1, 1, 1, 1, 1)),
    Case("ConvLSTM1D(3, 3, strides=2, return_sequences=True)", (2, 4, 7, 2)),
    Case("ConvLSTM1D(2, 2, padding='same', data_format='channels_first')", (2, 3, 2, 5)),
    Case("ConvLSTM3D(2, 2, return_sequences=True)", (2, 2, 3, 4, 3, 2)),
    Case("ConvLSTM3D(1, 2, strides=2, padding='same', data_format='channels_first')", (2, 2, 2, 3, 4, 3)),
    Case("ConvLSTM1D(2, 3, activation=None, recurrent_activation='softsign', go_backwards=True)", (2, 3, 6, 2)),
    Case("Bidirectional(ConvLSTM2D(2, 2, padding='same', return_sequences=True))", (2, 3, 3, 4, 2)),
    Case("Bidirectional(ConvLSTM1D(2, 3), merge_mode='sum')", (2, 3, 5, 2)),
    Case("TimeDistributed(ConvLSTM1D(2, 2, return_sequences=True))", (2, 2, 3, 4, 2)),
]
