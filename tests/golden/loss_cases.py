"""Losses beyond the first ones: what is recorded from real Keras and replayed, with targets of each kind they take."""

import numpy as np
from golden import cases

_PLAIN = ["", "reduction='sum'", "reduction='mean_with_sample_weight'"]

# (expression, kind of targets, kind of weights)
LOSSES = [
    (f"{name}({options})", kind, weight)
    for names, kinds, variants, weights in [
        (
            ["MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "LogCosh"],
            ["number", "number_flat", "number_series", "positive", "number_edges"],
            _PLAIN,
            ["none", "row", "mask"],
        ),
        (["CosineSimilarity"], ["number", "number_series", "flat"], _PLAIN, ["none", "row", "mask"]),
        (["CosineSimilarity"], ["number_series", "number_column"], ["axis=1", "axis=0"], ["none"]),
        (["CosineSimilarity"], ["zero_rows"], [""], ["none"]),
        (
            ["Poisson"],
            ["number", "positive", "number_edges", "counts", "number_series"],
            _PLAIN,
            ["none", "row", "mask"],
        ),
        (["KLDivergence"], ["shares", "share_edges", "number", "number_series"], _PLAIN, ["none", "row", "mask"]),
        (
            ["Hinge", "SquaredHinge"],
            ["signs", "bits", "signs_column", "signs_series", "hinge_edges", "zeros", "number"],
            _PLAIN,
            ["none", "row"],
        ),
        (["CategoricalHinge"], ["onehot", "onehot_series", "onehot_ties", "number"], _PLAIN, ["none", "row", "mask"]),
        (
            ["BinaryFocalCrossentropy"],
            ["binary", "binary_column", "binary_saturated", "binary_maps"],
            [
                *("", "gamma=0.0", "gamma=1", "gamma=1.5, label_smoothing=0.1", "reduction='sum'"),
                "apply_class_balancing=True, alpha=0.7, gamma=3.0",
            ],
            ["none", "row"],
        ),
        (
            ["BinaryFocalCrossentropy"],
            ["binary_logits", "binary_far_logits"],
            ["from_logits=True", "from_logits=True, apply_class_balancing=True, label_smoothing=0.2", "axis=0"],
            ["none"],
        ),
        (
            ["CategoricalFocalCrossentropy"],
            ["onehot", "onehot_saturated", "onehot_series"],
            ["", "gamma=0", "alpha=0.6, gamma=1.0", "gamma=2.5, label_smoothing=0.1"],
            ["none", "row"],
        ),
        (
            ["CategoricalFocalCrossentropy"],
            ["onehot_logits", "onehot_far_logits"],
            [
                "from_logits=True",
                "alpha=[0.1, 0.5, 1.0, 2.0], from_logits=True",
                "from_logits=True, label_smoothing=0.2",
            ],
            ["none"],
        ),
        (["CategoricalFocalCrossentropy"], ["onehot_series"], ["axis=1", "axis=1, from_logits=True"], ["none"]),
        (
            ["Dice", "Tversky"],
            ["binary_maps", "empty_maps", "binary", "binary_column", "number"],
            ["", "axis=-1", "reduction='sum'", "reduction='mean_with_sample_weight'", "axis=[1]"],
            ["none", "row"],
        ),
        (["Dice", "Tversky"], ["binary_maps"], ["axis=(1, 2, 3)", "axis=[1, 2]", "axis=0"], ["none"]),
        (["Tversky"], ["binary_maps", "empty_maps"], ["alpha=0.2, beta=0.9", "alpha=0.0, beta=1"], ["none", "row"]),
        (["Dice"], ["binary"], ["reduction='none'"], ["none", "row"]),
        (
            ["Circle"],
            ["embeddings", "embeddings_column"],
            ["", "gamma=3.0, margin=0.25", "remove_diagonal=False, gamma=10", "reduction='sum'", "reduction='none'"],
            ["none", "row"],
        ),
        (["Circle"], ["embeddings_alike", "embeddings_apart"], ["gamma=5.0"], ["none", "row"]),
        (
            ["CategoricalGeneralizedCrossEntropy"],
            ["sparse_share", "sparse_share_series"],
            ["", "q=0.1", "q=0.9", "reduction='sum'"],
            ["none", "row"],
        ),
        (["CTC"], ["sequences", "sequences_repeated", "sequences_full", "sequences_too_long"], _PLAIN, ["none", "row"]),
        (["CTC"], ["sequences_single", "sequences_far"], ["", "reduction='none'"], ["none"]),
    ]
    for name in names
    for kind in kinds
    for options in variants
    for weight in weights
    if not (
        weight == "row"
        and kind.endswith(("_series", "_maps"))
        and not (name in ("Dice", "Tversky") and "axis" not in options)
    )
    if not (weight == "row" and "axis" in options)
    if not (kind.startswith("binary_column") and "axis=[1]" in options)
]
# As strings, for compile and get.
NAMES = [
    *("kld", "KLD", "mape", "MAPE", "msle", "MSLE", "log_cosh", "kl_divergence", "poisson", "cosine_similarity"),
    *("mean_absolute_percentage_error", "mean_squared_logarithmic_error", "hinge", "squared_hinge"),
    *("categorical_hinge", "binary_focal_crossentropy", "categorical_focal_crossentropy", "dice", "tversky", "circle"),
    *("ctc", "LogCosh", "KLDivergence", "Poisson", "CosineSimilarity", "MeanAbsolutePercentageError"),
    *("MeanSquaredLogarithmicError", "Hinge", "SquaredHinge", "CategoricalHinge", "BinaryFocalCrossentropy"),
    *("CategoricalFocalCrossentropy", "Dice", "Tversky", "Circle", "CTC"),
]


def targets(kind, stream):
    """(y_true, y_pred) of a kind."""
    n = 6
    if kind == "positive":
        return np.abs(cases.normal(stream, (n, 3))), np.abs(cases.normal(stream, (n, 3)))
    if kind == "number_edges":
        y = np.array([[0, 0, 1, 1e-8, -1, 1e-7], [2, 1, 1, 0, 3, 30]], "float32")
        return y, np.array([[0, 1, 1, 1e-8, -1, 1e-7], [2, 0, 1, -0.5, 60, -30]], "float32")
    if kind == "flat":
        return cases.normal(stream, (n,)), cases.normal(stream, (n,))
    if kind == "zero_rows":
        y, p = cases.normal(stream, (n, 3)), cases.normal(stream, (n, 3))
        y[0], p[1], p[2] = 0, p[1] * 1e-9, y[2]
        return y, p
    if kind == "counts":
        return stream.poisson(3.0, (n, 2)), stream.uniform(0.1, 5, (n, 2)).astype("float32")
    if kind == "shares":
        return (stream.dirichlet(np.ones(4), n).astype("float32") for _ in range(2))
    if kind == "share_edges":
        y = np.array([[0, 0, 1], [1, 0, 0], [0.5, 0.5, 0], [1e-8, 1, 2]], "float32")
        return y, np.array([[0, 1, 0], [1, 0, 0], [1e-7, 1e-8, 0.5], [2, 0.3, 1]], "float32")
    if kind.startswith(("signs", "bits")):
        shape = {"signs_column": (n, 1), "signs_series": (n, 5, 3)}.get(kind, (n, 3))
        y = stream.integers(0, 2, shape) * (1 if kind == "bits" else 2) - (kind != "bits")
        return y, cases.normal(stream, shape) * 2
    if kind == "hinge_edges":  # margins met exactly, and by far
        return np.array([[1, -1, 1, -1, 1]], "float32"), np.array([[1, -1, 0.5, 60, -60]], "float32")
    if kind == "zeros":
        return np.zeros((n, 2), "int64"), cases.normal(stream, (n, 2))
    if kind == "onehot_ties":
        p = np.array([[1, 1, 1, 0], [0, 2, 2, 1], [0, 0, 1, 1], [3, 0, 2, 2], [0, 0, 0, 0], [1, 2, 2, 3]], "float32")
        return np.eye(4, dtype="float32")[[0, 2, 3, 0, 3, 3]], p
    if kind.endswith("_maps"):
        y = stream.integers(0, 2, (n, 3, 4, 2)).astype("float32")
        return y * (kind != "empty_maps"), stream.uniform(0, 1, y.shape).astype("float32")
    if kind.startswith("embeddings"):
        p = cases.normal(stream, (n, 4))
        y = {"embeddings_alike": np.ones(n, int), "embeddings_apart": np.arange(n)}.get(
            kind, np.array([0, 1, 0, 2, 1, 0])
        )
        return (y[:, None] if kind.endswith("column") else y), p / np.linalg.norm(p, axis=1, keepdims=True)
    if kind.startswith("sparse_share"):
        shape = (n, 5) if kind.endswith("series") else (n,)
        return stream.integers(0, 4, shape), stream.dirichlet(np.ones(4), shape).astype("float32")
    if kind.startswith("sequences"):
        return sequences(kind, stream)
    return cases.targets(kind, stream)


def sequences(kind, stream):
    """(labels, logits): of lengths 0 to 4, with repeated labels, as long as the steps allow, or longer."""
    x = cases.normal(stream, (6, 9, 5)) * (30 if kind.endswith("far") else 2)
    y = stream.integers(1, 5, (6, 4))
    if kind.endswith("repeated"):
        y[:] = np.array([[1, 1, 2, 2], [3, 3, 3, 3], [1, 2, 1, 2], [4, 4, 1, 4], [2, 2, 2, 1], [1, 3, 3, 1]])
    if kind.endswith("full"):
        return np.tile([1, 2, 3, 4, 1, 2, 3, 4, 1], (6, 1)), x
    if kind.endswith("too_long"):
        return np.repeat(y, 2, axis=1), x[:, :5]
    if kind.endswith("single"):
        return y[:, :1], x[:, :1]
    for row, length in enumerate([4, 3, 2, 1, 0, 4]):
        y[row, length:] = 0
    return y, x


def mask(y_pred):
    """Which samples, or steps, count."""
    return np.random.default_rng(0).uniform(size=y_pred.shape[:-1]) > 0.4
