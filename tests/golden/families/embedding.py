"""Embeddings and masks, with what layers behind them make of the masks."""

from golden.family import Case, Ints, Values

SEQUENCES = Values([[[1, 2], [-1, -1], [0, 1]], [[-1, 2], [3, 1], [-1, -1]]])

LAYERS = [
    Case("Embedding(7, 3)", Ints((4, 5), 7)),
    Case("Embedding(input_dim=3, output_dim=2, embeddings_regularizer='l2')", Ints((4,), 3)),
    Case("Embedding(5, 2, 'normal', embeddings_constraint='unit_norm', mask_zero=True)", Ints((2, 3, 2), 5)),
    Case("Embedding(5, 2)", Values([[0, 1, 3], [4, 4, 0]], "uint8")),
    Case("Embedding(5, 2)", Values([[4, 1], [0, 4]], "int64"), facts=False),
    Case("Embedding(5, 2)", Values([[0.5, 2.7, 4.999], [-0.5, 3.0, 0.0]]), facts=False),
    Case("keras.Sequential([Embedding(4, 3, mask_zero=True), GlobalAveragePooling1D()])", Ints((3, 6), 4), facts=False),
    Case("keras.Sequential([Embedding(4, 3, mask_zero=True), LSTM(2)])", Ints((3, 6), 4), facts=False),
    Case(
        "keras.Sequential([Masking(-1.0), GRU(2, return_sequences=True), GlobalAveragePooling1D()])",
        SEQUENCES,
        facts=False,
    ),
    Case("Masking()", (2, 3, 4)),
    Case("Masking(mask_value=-1.0)", SEQUENCES),
    Case("Masking(mask_value=0.1)", Values([[0.1, 0.1], [0.1, 1]])),
]
