"""Calls of the basic layers as scripts write them."""

from golden.family import Case, Mask

LAYERS = [
    Case("Dense(3, activity_regularizer='l2')", (4, 5), gradient=False),
    Case("BatchNormalization()", (3, 7, 2), True, {"mask": Mask((3, 7))}),
    Case("GlobalAveragePooling1D()", (3, 7, 2), options={"mask": Mask((3, 7))}),
    Case("Softmax()", (3, 5), options={"mask": Mask((3, 5), anywhere=True)}),
    Case("Dropout(0.5)", (3, 5), call="layer(inputs := x, training=False)"),
]
