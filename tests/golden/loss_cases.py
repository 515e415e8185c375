"""More losses: (expression, kind of targets), recorded from Keras unweighted and weighted."""

import numpy as np
from golden import cases

LOSSES = [
    ("MeanAbsolutePercentageError()", "numbers"),
    ("MeanSquaredLogarithmicError()", "positive"),
    ("LogCosh()", "numbers"),
    ("LogCosh(reduction='sum')", "sequences"),
    ("Poisson()", "positive"),
    ("KLDivergence()", "shares"),
    ("KLDivergence(reduction='none')", "shares"),
    ("CosineSimilarity()", "numbers"),
    ("CosineSimilarity(axis=1)", "sequences"),
    ("Hinge()", "signs"),
    ("Hinge()", "binary"),
    ("SquaredHinge()", "signs"),
    ("SquaredHinge()", "binary"),
    ("CategoricalHinge()", "shares"),
    ("BinaryFocalCrossentropy()", "binary"),
    ("BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.4, gamma=1.5)", "binary"),
    ("BinaryFocalCrossentropy(from_logits=True, label_smoothing=0.2)", "binary logits"),
    ("CategoricalFocalCrossentropy()", "shares"),
    ("CategoricalFocalCrossentropy(from_logits=True, alpha=0.5, gamma=3.0)", "logits"),
    ("CategoricalFocalCrossentropy(label_smoothing=0.1)", "shares"),
    ("Dice()", "binary"),
    ("Dice(axis=-1)", "binary"),
    ("Dice(axis=(1, 2))", "maps"),
    ("Tversky(alpha=0.3, beta=0.6)", "binary"),
    ("Tversky(axis=-1)", "binary"),
    ("CategoricalGeneralizedCrossEntropy(q=0.3)", "labels"),
    ("Circle()", "pairs"),
    ("Circle(gamma=5.0, margin=0.2, remove_diagonal=False)", "pairs"),
    ("CTC()", "spelled"),
    ("CTC(reduction='none')", "spelled"),
    ("CTC(reduction='sum')", "short"),
]


def drawn(expression, kind):
    """Targets and predictions of a kind."""
    stream = cases.rng(f"{expression} {kind}")
    shape = {"sequences": (3, 4, 5), "maps": (2, 3, 4, 1)}.get(kind, (6, 5))
    p = cases.normal(stream, shape)
    y = cases.normal(stream, shape)
    if kind == "positive":
        y, p = np.abs(y), np.abs(p)
    if kind in ("shares", "logits", "labels"):
        y = np.eye(5, dtype="float32")[stream.integers(0, 5, 6)]
        if kind != "logits":
            p = np.exp(p) / np.exp(p).sum(-1, keepdims=True)
        if kind == "labels":
            y = y.argmax(-1)
    if kind in ("binary", "maps", "signs", "binary logits"):
        y = (y > 0).astype("float32")
        if kind == "signs":
            y = 2 * y - 1
        elif kind != "binary logits":
            p = 1 / (1 + np.exp(-p))
    if kind == "pairs":
        y, p = np.array([0, 1, 0, 2, 1, 0]), p / np.linalg.norm(p, axis=1, keepdims=True)
    if kind == "spelled":
        y, p = np.array([[1, 2, 3], [2, 2, 0], [4, 0, 0]]), cases.normal(stream, (3, 7, 5))
    if kind == "short":
        y, p = np.array([[1], [2]]), cases.normal(stream, (2, 3, 4))
    return y, p.astype("float32"), np.abs(cases.normal(stream, (len(y),)))
