"""Cases of convolutional recurrent layers."""

from layers.case import Case, lengths_mask

from nnlite import layers


def masked(rng, batch):
    return {"mask": lengths_mask(rng, batch, 3)}


CASES = [
    Case("conv_lstm_2d", lambda: layers.ConvLSTM2D(2, 3), (3, 5, 4, 2)),
    Case(
        "conv_lstm_2d_masked",
        lambda: layers.ConvLSTM2D(2, (1, 2), padding="same", return_sequences=True, return_state=True),
        (3, 3, 4, 1),
        options=masked,
    ),
    Case(
        "conv_lstm_2d_states",
        lambda: layers.ConvLSTM2D(2, 2, strides=2, return_sequences=True, go_backwards=True),
        [(3, 5, 4, 1), (2, 2, 2), (2, 2, 2)],
        options=masked,
    ),
    Case(
        "conv_lstm_2d_first",
        lambda: layers.ConvLSTM2D(2, 2, data_format="channels_first", dilation_rate=2, activation="softplus"),
        (2, 1, 4, 3),
    ),
    Case(
        "conv_lstm_2d_dropout",
        lambda: layers.ConvLSTM2D(2, 2, dropout=0.3, recurrent_dropout=0.3, seed=1),
        (3, 3, 3, 2),
        random=True,
    ),
    Case(
        "conv_lstm_2d_functions",
        lambda: layers.ConvLSTM2D(2, 2, activation="silu", recurrent_activation="softsign", return_sequences=True),
        (3, 3, 3, 1),
        options=masked,
    ),
    Case(
        "conv_lstm_2d_both_ways",
        lambda: layers.Bidirectional(layers.ConvLSTM2D(1, 2, padding="same", return_sequences=True)),
        (3, 3, 2, 2),
        options=masked,
    ),
    Case("conv_lstm_1d_distributed", lambda: layers.TimeDistributed(layers.ConvLSTM1D(2, 2)), (2, 2, 4, 1)),
    Case("conv_lstm_1d", lambda: layers.ConvLSTM1D(3, 2, use_bias=False), (2, 5, 2)),
    Case("conv_lstm_3d", lambda: layers.ConvLSTM3D(1, 2, padding="same"), (2, 2, 3, 2, 1)),
]
