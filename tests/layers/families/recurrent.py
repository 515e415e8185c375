"""Cases of recurrent layers."""

from layers.case import Case, lengths_mask

from nnlite import layers


def masked(rng, batch):
    return {"mask": lengths_mask(rng, batch, 5)}


CASES = [
    Case("simple_rnn", lambda: layers.SimpleRNN(3), (5, 2)),
    Case(
        "simple_rnn_sequences",
        lambda: layers.SimpleRNN(3, return_sequences=True, go_backwards=True),
        (5, 2),
        options=masked,
    ),
    Case("simple_rnn_relu", lambda: layers.SimpleRNN(3, activation="softplus", return_state=True), (5, 2)),
    Case(
        "simple_rnn_dropout",
        lambda: layers.SimpleRNN(3, dropout=0.3, recurrent_dropout=0.3, seed=1),
        (5, 2),
        random=True,
    ),
    Case("lstm", lambda: layers.LSTM(3), (5, 2)),
    Case("lstm_masked", lambda: layers.LSTM(3, return_sequences=True, return_state=True), (5, 2), options=masked),
    Case("lstm_states", lambda: layers.LSTM(3, return_sequences=True), [(5, 2), (3,), (3,)], options=masked),
    Case(
        "lstm_activations",
        lambda: layers.LSTM(3, activation="elu", recurrent_activation="softsign"),
        (5, 2),
        options=masked,
    ),
    Case("lstm_dropout", lambda: layers.LSTM(3, dropout=0.4, seed=1), (5, 2), random=True),
    Case(
        "lstm_recurrent_dropout",
        lambda: layers.LSTM(3, recurrent_dropout=0.4, dropout=0.2, seed=1),
        (5, 2),
        random=True,
    ),
    Case("lstm_no_bias", lambda: layers.LSTM(1, use_bias=False), (1, 1)),
    Case("gru", lambda: layers.GRU(3), (5, 2)),
    Case("gru_masked", lambda: layers.GRU(3, return_sequences=True, zero_output_for_mask=True), (5, 2), options=masked),
    Case("gru_before", lambda: layers.GRU(3, reset_after=False, return_sequences=True), (5, 2), options=masked),
    Case("gru_states", lambda: layers.GRU(3, return_state=True), [(5, 2), (3,)], options=masked),
    Case(
        "gru_activations",
        lambda: layers.GRU(3, activation="silu", recurrent_activation="softsign"),
        (5, 2),
        options=masked,
    ),
    Case("gru_before_activations", lambda: layers.GRU(3, activation="silu", reset_after=False, use_bias=False), (5, 2)),
    Case(
        "gru_recurrent_dropout", lambda: layers.GRU(3, recurrent_dropout=0.4, dropout=0.2, seed=1), (5, 2), random=True
    ),
    Case(
        "gru_before_recurrent_dropout",
        lambda: layers.GRU(3, recurrent_dropout=0.4, reset_after=False, seed=1),
        (5, 2),
        random=True,
    ),
    Case("rnn_of_a_cell", lambda: layers.RNN(layers.LSTMCell(3), return_sequences=True), (5, 2), options=masked),
    Case("rnn_zero_output", lambda: layers.RNN(layers.GRUCell(3), zero_output_for_mask=True), (5, 2), options=masked),
    Case("gru_unrolled", lambda: layers.GRU(3, return_sequences=True, unroll=True), (5, 2), options=masked),
    Case("rnn_unrolled", lambda: layers.RNN(layers.LSTMCell(3), unroll=True), (5, 2), options=masked),
    Case(
        "rnn_stacked",
        lambda: layers.RNN([layers.LSTMCell(3), layers.SimpleRNNCell(2), layers.GRUCell(3)], return_state=True),
        (5, 2),
        options=masked,
    ),
    Case("simple_rnn_cell", lambda: layers.SimpleRNNCell(3), [(2,), (3,)]),
    Case("lstm_cell", lambda: layers.LSTMCell(3), [(2,), (3,), (3,)]),
    Case("gru_cell", lambda: layers.GRUCell(3), [(2,), (3,)]),
    Case(
        "stacked_rnn_cells",
        lambda: layers.StackedRNNCells([layers.GRUCell(3), layers.LSTMCell(2)]),
        [(2,), (3,), (2,), (2,)],
    ),
    Case("bidirectional", lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True)), (5, 2), options=masked),
    Case("bidirectional_mul", lambda: layers.Bidirectional(layers.GRU(3), "mul"), (5, 2)),
    Case("bidirectional_ave", lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True), "ave"), (5, 2)),
    Case(
        "bidirectional_both",
        lambda: layers.Bidirectional(layers.LSTM(3, return_state=True), None),
        (5, 2),
        options=masked,
    ),
    Case("bidirectional_states", lambda: layers.Bidirectional(layers.GRU(3), "sum"), [(5, 2), (3,), (3,)]),
    Case(
        "bidirectional_dropout",
        lambda: layers.Bidirectional(layers.LSTM(3, dropout=0.3, recurrent_dropout=0.2, seed=2)),
        (5, 2),
        random=True,
    ),
]
