"""Layers around layers."""

from golden.family import Case, Ints, Mask

NET = "keras.Sequential([Dense(4, activation='tanh'), BatchNormalization(), Dense(2)])"

LAYERS = [
    Case("TimeDistributed(Dense(3))", (2, 5, 4)),
    Case(
        "TimeDistributed(Dense(3, activation='tanh', activity_regularizer='l2'))",
        (2, 5, 4),
        options={"mask": Mask((2, 5))},
    ),
    Case("TimeDistributed(Conv2D(3, 2, strides=2))", (2, 3, 5, 4, 2)),
    Case("TimeDistributed(Flatten())", (2, 3, 2, 2)),
    Case("TimeDistributed(Dropout(0.5))", (2, 3, 2)),
    Case("TimeDistributed(BatchNormalization())", (3, 4, 2)),
    Case("TimeDistributed(BatchNormalization(momentum=0.7))", (3, 4, 2), True),
    Case("TimeDistributed(BatchNormalization())", (3, 4, 2), True, {"mask": Mask((3, 4))}),
    Case("TimeDistributed(LSTM(3))", (2, 3, 4, 2)),
    Case("TimeDistributed(LSTM(3, return_sequences=True))", (2, 3, 4, 2), options={"mask": Mask((2, 3, 4))}),
    Case("TimeDistributed(Embedding(5, 3))", Ints((2, 3, 4), 5)),
    Case("TimeDistributed(TimeDistributed(Dense(2)))", (2, 3, 4, 2)),
    Case("TimeDistributed(GlobalAveragePooling1D())", (2, 3, 4, 2), options={"mask": Mask((2, 3, 4))}),
    Case(f"TimeDistributed({NET})", (3, 4, 2), facts=False),
    Case(f"TimeDistributed({NET})", (8, 3, 2), True, facts=False),
]
