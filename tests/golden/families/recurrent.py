"""Recurrent layers and their cells."""

from golden.family import Case, Mask, Values

M = Mask((3, 5))
H = (3, 4)

LAYERS = [
    *(
        Case(f"{kind}(4{options})", (3, 5, 2), options={} if mask is None else {"mask": mask})
        for kind in ("SimpleRNN", "LSTM", "GRU")
        for options, mask in (
            ("", None),
            (", return_sequences=True", None),
            (", use_bias=False, go_backwards=True", None),
            (", return_sequences=True, return_state=True, go_backwards=True", M),
            (", activation='relu', return_sequences=True", M),
            ("", M),
            (", return_sequences=True, zero_output_for_mask=True", Mask((3, 5), anywhere=True)),
            (", return_state=True, unroll=True", Mask((3, 5), anywhere=True)),
        )
    ),
    Case("LSTM(4, activation='softsign', recurrent_activation='hard_sigmoid')", (3, 5, 2), options={"mask": M}),
    Case("LSTM(4, recurrent_activation='tanh', unit_forget_bias=False)", (2, 3, 2)),
    Case("GRU(4, recurrent_activation='hard_sigmoid', return_sequences=True)", (3, 5, 2)),
    Case("GRU(4, reset_after=False)", (3, 5, 2)),
    Case("GRU(4, reset_after=False, return_sequences=True, return_state=True)", (3, 5, 2), options={"mask": M}),
    Case("GRU(4, reset_after=False, activation='elu', use_bias=False)", (3, 5, 2), options={"mask": M}),
    Case("GRU(4, use_bias=False, return_sequences=True)", (3, 5, 2)),
    Case("SimpleRNN(1)", (1, 1, 1)),
    Case("LSTM(1)", (1, 1, 1)),
    Case("GRU(1)", (2, 1, 3)),
    Case("LSTM(33, return_sequences=True)", (5, 7, 17)),
    Case(
        "SimpleRNN(4, return_sequences=True)",
        [(3, 5, 2), H],
        call="layer(x[0], initial_state=[x[1]], **options)",
        facts=False,
    ),
    Case(
        "LSTM(4, return_sequences=True, return_state=True)",
        [(3, 5, 2), H, H],
        options={"mask": Mask((3, 5), anywhere=True)},
        call="layer(x[0], initial_state=[x[1], x[2]], **options)",
        facts=False,
    ),
    Case("LSTM(4)", [(3, 5, 2), H, H], call="layer(x[0], initial_state=x[1:], **options)", facts=False),
    Case(
        "GRU(4, return_sequences=True)",
        [(3, 5, 2), H],
        options={"mask": Mask((3, 5), anywhere=True)},
        call="layer(x[0], initial_state=[x[1]], **options)",
        facts=False,
    ),
    Case("RNN(LSTMCell(4), return_sequences=True)", (3, 5, 2), options={"mask": M}),
    Case("RNN(SimpleRNNCell(4, activation='relu'), go_backwards=True, return_state=True)", (3, 5, 2)),
    Case(
        "RNN(GRUCell(4, reset_after=False), return_sequences=True, zero_output_for_mask=True)",
        (3, 5, 2),
        options={"mask": M},
    ),
    Case("RNN([LSTMCell(3), GRUCell(4)], return_sequences=True)", (3, 5, 2)),
    Case("RNN(StackedRNNCells([GRUCell(3), SimpleRNNCell(2)]), return_state=True)", (3, 5, 2), options={"mask": M}),
    Case("LSTMCell(4)", [(3, 2), H, H], call="layer(x[0], x[1:])", facts=False),
    Case("GRUCell(4)", [(3, 2), H], call="layer(x[0], [x[1]])", facts=False),
    Case("GRUCell(4, reset_after=False)", [(3, 2), H], call="layer(x[0], [x[1]])", facts=False),
    Case(
        "SimpleRNNCell(4, activation='sigmoid', use_bias=False)", [(3, 2), H], call="layer(x[0], [x[1]])", facts=False
    ),
    *(
        Case(f"Bidirectional(LSTM(4, return_sequences=True), merge_mode={mode!r})", (3, 5, 2), options={"mask": M})
        for mode in ("concat", "sum", "ave", "mul", None)
    ),
    Case("Bidirectional(GRU(4))", (3, 5, 2)),
    Case("Bidirectional(GRU(4), 'mul')", (3, 5, 2), options={"mask": M}),
    Case("Bidirectional(LSTM(4, return_state=True))", (3, 5, 2)),
    Case("Bidirectional(SimpleRNN(4, return_sequences=True, return_state=True), None)", (3, 5, 2)),
    Case("Bidirectional(LSTM(3), backward_layer=GRU(5, go_backwards=True))", (3, 5, 2)),
    Case(
        "Bidirectional(GRU(4, return_sequences=True), 'sum')",
        [(3, 5, 2), H, H],
        call="layer(x[0], initial_state=[x[1], x[2]], **options)",
        facts=False,
    ),
    Case("TimeDistributed(Dense(3, activation='tanh'))", (3, 5, 2)),
    Case("TimeDistributed(Conv1D(3, 2))", (2, 3, 5, 2)),
    Case("TimeDistributed(BatchNormalization())", (4, 3, 2), True),
    Case("TimeDistributed(LSTM(3))", (2, 3, 4, 2)),
    # Unrolled, a step that the mask leaves out repeats y, also where 0 is asked for.
    *(
        Case(
            f"{made}, return_sequences=True, unroll=True, zero_output_for_mask=True)",
            [(3, 5, 2), H],
            options={"mask": Mask((3, 5), anywhere=True)},
            call="layer(x[0], initial_state=[x[1]], **options)",
            facts=False,
        )
        for made in ("SimpleRNN(4", "GRU(4, go_backwards=True", "RNN(GRUCell(4)")
    ),
    Case(
        "LSTM(4, unroll=True, zero_output_for_mask=True)",
        (3, 5, 2),
        options={"mask": Values([[1, 0, 0, 1, 0]] * 3, "bool")},
    ),
    Case("Bidirectional(GRU(4, return_sequences=True, unroll=True))", (3, 5, 2), options={"mask": M}),
    Case("RNN([GRUCell(3), LSTMCell(4)], unroll=True, return_sequences=True)", (3, 5, 2), options={"mask": M}),
]
