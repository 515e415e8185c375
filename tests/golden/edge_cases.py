"""Layers where implementations like to differ: kinks, ties, constant inputs, masks; and metrics given as strings."""

from __future__ import annotations

import numpy as np
from golden import cases

KINKS = np.array([[-20, -6, -3, -1, -0.5, -0.0, 0.0, 0.25, 0.5, 1, 3, 6, 20, 90]], "float32")
STEPS = np.array([[[1, 2], [1, 2], [0, 2], [0, 0], [0, 0], [3, 0], [3, -1]]], "float32")
PIXELS = np.repeat(STEPS[:, :, None], 4, axis=2)
FLAT = np.full((4, 3), 2.5, "float32")
UINT8 = np.arange(24, dtype="uint8").reshape(2, 4, 3) * 11

# name -> (expression, x, training). (The derivative of a clip exactly at its upper end is left out: JAX takes a half.)
EDGES = {
    **{
        f"kinks {expression}": (expression, KINKS, False)
        for expression in (
            *("ReLU()", "ReLU(negative_slope=0.1)", "ReLU(threshold=0.5)", "ReLU(negative_slope=0.5, threshold=1.0)"),
            *("ReLU(max_value=2.0)", "ReLU(max_value=6.0)", "LeakyReLU()", "LeakyReLU(negative_slope=2.0)", "ELU()"),
            *("ELU(alpha=0.5)", "PReLU()", "PReLU(alpha_initializer='ones')", "Softmax()", "Activation('relu6')"),
            *("Activation('hard_sigmoid')", "Activation('hard_silu')", "Activation('selu')", "Activation('softsign')"),
        )
    },
    **{
        f"ties {expression}": (expression, x, False)
        for expression, x in (
            ("GlobalMaxPooling1D()", STEPS),
            ("GlobalMaxPooling1D(keepdims=True, data_format='channels_first')", STEPS),
            ("GlobalMaxPooling2D()", PIXELS),
            ("MaxPooling1D(2)", STEPS),
            ("MaxPooling1D(3, strides=1, padding='same')", STEPS),
            ("MaxPooling2D()", PIXELS),
            ("MaxPooling2D(3, strides=1, padding='same')", PIXELS),
            ("MaxPooling2D(3, strides=2, padding='same', data_format='channels_first')", PIXELS),
            ("MaxPooling2D((2, 3), strides=(1, 2))", PIXELS),
        )
    },
    "constant BatchNormalization": ("BatchNormalization()", FLAT, True),
    "constant LayerNormalization": ("LayerNormalization()", FLAT, False),
    "one row BatchNormalization": ("BatchNormalization()", KINKS, True),
    "far BatchNormalization": ("BatchNormalization()", KINKS.T + np.float32(100), True),
    "one value LayerNormalization": ("LayerNormalization()", FLAT[:, :1], False),
    "bytes Rescaling": ("Rescaling(1 / 255)", UINT8, False),
    "bytes Dense": ("Dense(2)", UINT8, False),
    "empty Dense": ("Dense(2, activation='relu')", FLAT[:0], False),
    "empty Conv2D": ("Conv2D(2, 2)", PIXELS[:0], False),
    "empty MaxPooling2D": ("MaxPooling2D()", PIXELS[:0], False),
    "empty LayerNormalization": ("LayerNormalization()", FLAT[:0], False),
}

# name -> (expression, shape of x, shape of the mask, training)
MASKED = {
    "BatchNormalization, steps": ("BatchNormalization(momentum=0.8)", (3, 4, 5), (3, 4), True),
    "BatchNormalization, pixels": ("BatchNormalization(momentum=0.8)", (2, 3, 4, 5), (2, 3, 4), True),
    "BatchNormalization, rows": ("BatchNormalization(scale=False)", (6, 5), (6,), True),
    "BatchNormalization, inference": ("BatchNormalization()", (3, 4, 5), (3, 4), False),
    "Softmax": ("Softmax()", (3, 5), (3, 5), False),
    "Softmax, axis": ("Softmax(axis=1)", (3, 4, 5), (3, 4, 5), False),
    "Softmax, axes": ("Softmax(axis=[1, 2])", (3, 4, 5), (3, 4, 5), False),
    "GlobalAveragePooling1D": ("GlobalAveragePooling1D()", (3, 4, 5), (3, 4), False),
    "GlobalAveragePooling1D, first": ("GlobalAveragePooling1D(data_format='channels_first')", (3, 5, 4), (3, 4), False),
}


def mask(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a mask with about a third hidden, never a whole row."""
    hidden = cases.rng(f"mask {name}").uniform(size=shape) < 0.35
    hidden.reshape(shape[0], -1)[:, 0] = False
    return ~hidden


# (metric, loss, shape of the targets, shape of the outputs); targets are 0 and 1, outputs in between.
STRINGS = [
    (metric, loss, true, pred)
    for true, pred, loss in [
        ((6,), (6, 1), "binary_crossentropy"),
        ((6, 1), (6, 1), "mse"),
        ((6, 2), (6, 2), "mse"),
        ((6, 2), (6, 2), "binary_crossentropy"),
        ((6,), (6, 2), "sparse_categorical_crossentropy"),
        ((6, 1), (6, 2), "sparse_categorical_crossentropy"),
        ((6, 5), (6, 5, 2), "sparse_categorical_crossentropy"),
        ((6, 5, 2), (6, 5, 2), "categorical_crossentropy"),
        ((6, 5, 1), (6, 5, 1), "mae"),
    ]
    for metric in ("accuracy", "acc", "Accuracy", "mse", "mae")
    if metric not in ("mse", "mae") or (len(true) == len(pred) and true[-1] == pred[-1])
]


def run_strings(k, index: int) -> dict:
    """Return what evaluating with a metric given as a string reports, in the library ``k``."""
    metric, loss, true, pred = STRINGS[index]
    stream = cases.rng(f"strings {true} {pred}")
    y = stream.integers(0, 2, true).astype("float32")
    x = stream.uniform(0.05, 0.95, pred).astype("float32")
    if pred[-1] > 1:
        x /= x.sum(-1, keepdims=True)
    model = k.Sequential([k.Input(pred[1:]), k.layers.Activation("linear")])
    model.compile("sgd", loss, metrics=[metric], weighted_metrics=[metric])
    weight = stream.uniform(0.5, 2, len(x)).astype("float32")[:, None] if len(pred) > 2 else None
    found = model.evaluate(x, y, batch_size=4, verbose=0, sample_weight=weight, return_dict=True)
    return {name: float(value) for name, value in found.items()}
