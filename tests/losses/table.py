"""The losses that all properties are tested over: how each is made, targets and predictions of float64."""

import numpy as np

from nnlite import losses

RNG = np.random.default_rng(0)
PROBABILITIES = RNG.uniform(0.05, 0.95, (6, 4))
LOGITS = RNG.normal(size=(6, 4)) * 3
LABELS = RNG.integers(0, 4, 6)
ONE_HOT = np.eye(4)[LABELS]
BITS = RNG.integers(0, 2, (6, 4)).astype(float)
UNIT = RNG.normal(size=(6, 4))
UNIT /= np.linalg.norm(UNIT, axis=1, keepdims=True)
SEQUENCES = np.array([[1, 2, 3], [1, 1, 0], [2, 0, 0], [0, 0, 0], [3, 3, 3], [1, 3, 1]])

CASES = {
    "mse": (losses.MeanSquaredError, {}, RNG.normal(size=(6, 4)), LOGITS),
    "mae": (losses.MeanAbsoluteError, {}, RNG.normal(size=(6, 4)), LOGITS),
    "huber": (losses.Huber, {"delta": 0.7}, RNG.normal(size=(6, 4)), LOGITS),
    "bce": (losses.BinaryCrossentropy, {}, BITS, PROBABILITIES),
    "bce_smooth": (losses.BinaryCrossentropy, {"label_smoothing": 0.2}, BITS, PROBABILITIES),
    "bce_logits": (losses.BinaryCrossentropy, {"from_logits": True}, BITS, LOGITS),
    "cce": (losses.CategoricalCrossentropy, {}, ONE_HOT, PROBABILITIES),
    "cce_smooth": (losses.CategoricalCrossentropy, {"label_smoothing": 0.2}, ONE_HOT, PROBABILITIES),
    "cce_logits": (losses.CategoricalCrossentropy, {"from_logits": True}, ONE_HOT, LOGITS),
    "cce_axis": (losses.CategoricalCrossentropy, {"axis": 0}, ONE_HOT, PROBABILITIES),
    "sparse": (losses.SparseCategoricalCrossentropy, {}, LABELS, PROBABILITIES),
    "sparse_logits": (losses.SparseCategoricalCrossentropy, {"from_logits": True}, LABELS, LOGITS),
    "sparse_ignore": (losses.SparseCategoricalCrossentropy, {"ignore_class": 1}, LABELS, PROBABILITIES),
    "sparse_pixels": (
        losses.SparseCategoricalCrossentropy,
        {"from_logits": True},
        RNG.integers(0, 4, (3, 2)),
        RNG.normal(size=(3, 2, 4)),
    ),
    "mape": (losses.MeanAbsolutePercentageError, {}, RNG.normal(size=(6, 4)), LOGITS),
    "mape_series": (losses.MeanAbsolutePercentageError, {}, RNG.normal(size=(3, 2, 4)), RNG.normal(size=(3, 2, 4))),
    "msle": (losses.MeanSquaredLogarithmicError, {}, PROBABILITIES[::-1] * 3, PROBABILITIES * 3),
    "log_cosh": (losses.LogCosh, {}, RNG.normal(size=(6, 4)), LOGITS),
    "cosine": (losses.CosineSimilarity, {}, RNG.normal(size=(6, 4)), LOGITS),
    "cosine_axis": (losses.CosineSimilarity, {"axis": 0}, RNG.normal(size=(6, 4)), LOGITS),
    "poisson": (losses.Poisson, {}, RNG.poisson(2.0, (6, 4)), PROBABILITIES * 4),
    "kl": (losses.KLDivergence, {}, PROBABILITIES[::-1], PROBABILITIES),
    "hinge": (losses.Hinge, {}, BITS * 2 - 1, LOGITS),
    "hinge_bits": (losses.Hinge, {}, BITS, LOGITS),
    "squared_hinge": (losses.SquaredHinge, {}, BITS, LOGITS),
    "categorical_hinge": (losses.CategoricalHinge, {}, ONE_HOT, LOGITS),
    "focal": (losses.BinaryFocalCrossentropy, {"gamma": 1.5}, BITS, PROBABILITIES),
    "focal_balanced": (losses.BinaryFocalCrossentropy, {"apply_class_balancing": True}, BITS, PROBABILITIES),
    "focal_logits": (
        losses.BinaryFocalCrossentropy,
        {"from_logits": True, "label_smoothing": 0.2, "gamma": 0.5},
        BITS,
        LOGITS,
    ),
    "categorical_focal": (losses.CategoricalFocalCrossentropy, {"gamma": 1.5}, ONE_HOT, PROBABILITIES),
    "categorical_focal_list": (
        losses.CategoricalFocalCrossentropy,
        {"alpha": [0.1, 0.2, 0.5, 1.0], "label_smoothing": 0.1},
        ONE_HOT,
        PROBABILITIES,
    ),
    "categorical_focal_logits": (losses.CategoricalFocalCrossentropy, {"from_logits": True}, ONE_HOT, LOGITS),
    "categorical_focal_axis": (
        losses.CategoricalFocalCrossentropy,
        {"from_logits": True, "axis": 0, "gamma": 1.0},
        ONE_HOT,
        LOGITS,
    ),
    "dice": (losses.Dice, {}, BITS, PROBABILITIES),
    "dice_axis": (losses.Dice, {"axis": (1,)}, BITS, PROBABILITIES),
    "tversky": (losses.Tversky, {"alpha": 0.3, "beta": 0.6}, BITS, PROBABILITIES),
    "tversky_axis": (losses.Tversky, {"alpha": 0.3, "beta": 0.6, "axis": -1}, BITS, PROBABILITIES),
    "circle": (losses.Circle, {"gamma": 3.0}, LABELS, UNIT),
    "circle_diagonal": (losses.Circle, {"gamma": 3.0, "remove_diagonal": False}, LABELS, UNIT * 0.9),
    "generalized": (losses.CategoricalGeneralizedCrossEntropy, {"q": 0.3}, LABELS, PROBABILITIES),
    "ctc": (losses.CTC, {}, SEQUENCES, RNG.normal(size=(6, 7, 4)) * 2),
    "ctc_long": (losses.CTC, {}, np.tile([1, 1, 2, 2], (3, 1)), RNG.normal(size=(3, 4, 4))),
}
# Losses whose values are not those of single samples.
OF_ALL = {"dice", "tversky", "circle", "circle_diagonal"}
