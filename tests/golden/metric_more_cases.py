"""Metrics beyond the first ones: what is recorded from real Keras and replayed, with targets of each kind they take."""

import numpy as np
from golden import cases, loss_cases

_AUC = ["", "curve='PR'", "curve='PRGAIN'", "summation_method='minoring'", "curve='PR', summation_method='majoring'"]
_IOU = ["labels_3", "labels_outside", "maps_3"]

# (expression, kind of targets, kind of weights)
METRICS = [
    (f"{name}({options})", kind, weight)
    for names, kinds, variants, weights in [
        (
            ["MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "LogCoshError", "Poisson"],
            ["number", "number_flat", "number_series", "positive", "number_edges"],
            [""],
            ["none", "row", "steps"],
        ),
        (["CosineSimilarity"], ["number", "number_series", "flat", "zero_rows"], [""], ["none", "row", "steps"]),
        (["CosineSimilarity"], ["number_series"], ["axis=1"], ["none"]),
        (["KLDivergence"], ["shares", "share_edges", "number_series"], [""], ["none", "row", "steps"]),
        (["Hinge", "SquaredHinge"], ["signs", "bits", "signs_column", "hinge_edges", "zeros"], [""], ["none", "row"]),
        (["CategoricalHinge"], ["onehot", "onehot_series", "onehot_ties"], [""], ["none", "row", "steps"]),
        (
            ["PearsonCorrelation", "ConcordanceCorrelation"],
            ["number", "number_series", "long_rows"],
            ["", "axis=1"],
            ["none", "row", "steps"],
        ),
        (["PearsonCorrelation", "ConcordanceCorrelation"], ["constant_rows"], [""], ["none"]),
        (["ConcordanceCorrelation"], ["flat", "zeros"], ["axis=0"], ["none"]),
        (
            ["R2Score"],
            ["number", "number_flat", "number_column"],
            ["", "class_aggregation=None", "class_aggregation='variance_weighted_average'", "num_regressors=2"],
            ["none", "row", "column"],
        ),
        (["R2Score"], ["zeros", "constant_columns"], ["", "class_aggregation=None"], ["none"]),
        (
            ["TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"],
            ["binary", "binary_column", "ties", "zeros", "binary_logits", "binary_series"],
            ["", "thresholds=0.3", "thresholds=[0.9, 0.0, 0.4, 0.4]", "thresholds=[0.0, 0.5, 1.0]"],
            ["none", "row", "column"],
        ),
        (
            ["Precision", "Recall"],
            ["onehot_share", "onehot_ties", "onehot_series"],
            ["top_k=2, thresholds=[0.1, 0.6]", "class_id=2, thresholds=[0.0, 0.25, 0.5, 0.75, 1.0]", "top_k=4"],
            ["none", "row"],
        ),
        (
            ["PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity"],
            ["binary", "binary_column", "ties", "zeros", "ones", "many"],
            ["0.5", "0.8, num_thresholds=7", "0.0, num_thresholds=1", "1.0", "0.6, num_thresholds=2"],
            ["none", "row"],
        ),
        (
            ["PrecisionAtRecall", "SpecificityAtSensitivity"],
            ["onehot_share"],
            ["0.4, class_id=1", "0.3, num_thresholds=3, class_id=0"],
            ["none", "row"],
        ),
        (["AUC"], ["binary", "binary_column", "ties", "zeros", "ones", "many"], _AUC, ["none", "row", "zero"]),
        (
            ["AUC"],
            ["binary", "ties", "many"],
            [
                *("num_thresholds=2", "num_thresholds=3, curve='PR'", "thresholds=[0.9, 0.1, 0.5]", "thresholds=[]"),
                *("thresholds=[0.25, 0.5, 0.75], curve='PR'", "thresholds=[0.5, 0.5], summation_method='majoring'"),
                "num_thresholds=17, curve='PRGAIN', summation_method='minoring'",
            ],
            ["none", "row"],
        ),
        (["AUC"], ["binary_logits"], ["from_logits=True", ""], ["none", "row"]),
        (
            ["AUC"],
            ["binary", "many_labels"],
            [
                *("multi_label=True", "multi_label=True, num_labels=2", "label_weights=[0.3, 2.0]"),
                "multi_label=True, label_weights=[0.3, 2.0]",
                "multi_label=True, label_weights=[0.3, 2.0], curve='PR', num_thresholds=11",
                "multi_label=True, thresholds=[0.2, 0.9], summation_method='minoring'",
                "multi_label=True, from_logits=True, curve='PRGAIN'",
            ],
            ["none", "row"],
        ),
        (
            ["F1Score", "FBetaScore"],
            ["onehot_share", "onehot_ties", "binary", "zeros"],
            [
                *("", "average='micro'", "average='macro'", "average='weighted'", "threshold=0.4"),
                "average='weighted', threshold=1.0",
            ],
            ["none", "row"],
        ),
        (["FBetaScore"], ["onehot_share"], ["beta=2.0", "beta=0.5, average='macro'"], ["none", "row"]),
        (["MeanIoU"], _IOU, ["num_classes=3", "num_classes=3, ignore_class=1"], ["none", "counts"]),
        (["MeanIoU"], ["labels_3", "labels_one"], ["num_classes=4, dtype='float32'"], ["none", "row"]),
        (["MeanIoU"], ["logits_3"], ["num_classes=3, sparse_y_pred=False, ignore_class=0"], ["none", "counts"]),
        (["IoU"], _IOU, ["num_classes=3, target_class_ids=[0, 2]", "3, (1,), ignore_class=-1"], ["none", "counts"]),
        (["BinaryIoU"], ["binary_column", "ties", "zeros"], ["", "target_class_ids=[1]", "threshold=0.3"], ["none"]),
        (["OneHotIoU"], ["onehot_share", "onehot_ties"], ["4, [0, 2]", "4, [1], ignore_class=0"], ["none", "counts"]),
        (["OneHotIoU"], ["onehot_labels"], ["4, [1, 3], sparse_y_pred=True"], ["none", "counts"]),
        (["OneHotMeanIoU"], ["onehot_share", "onehot_series"], ["num_classes=4", "4, ignore_class=2"], ["none"]),
        (["OneHotMeanIoU"], ["onehot_labels"], ["num_classes=4, sparse_y_pred=True"], ["none", "counts"]),
        (["SparseTopKCategoricalAccuracy"], ["sorted_ids"], ["k=2, from_sorted_ids=True"], ["none", "row"]),
        (["TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"], ["onehot_series"], ["k=9"], ["none"]),
    ]
    for name in names
    for kind in kinds
    for options in variants
    for weight in weights
    if not (weight == "steps" and not kind.endswith("series"))
    if not (weight == "column" and (("_column" not in kind and "_flat" not in kind) or name == "R2Score"))
    if not (weight in ("row", "steps") and ("axis" in options or kind == "flat"))
    if not (weight == "row" and ("series" in kind or kind == "maps_3"))
    if not (name.startswith("Sparse") and kind == "onehot_series")
    if not (name == "AUC" and kind == "ones" and "PRGAIN" in options)
    if not (weight == "row" and options == "1.0")  # exactly 1 is a matter of Keras's rounding
]
NAMES = [
    *("mape", "MAPE", "msle", "MSLE", "auc", "AUC", "f1_score", "F1Score", "f_beta_score", "r2_score", "R2Score"),
    *("cosine_similarity", "CosineSimilarity", "log_cosh_error", "LogCoshError", "kl_divergence", "poisson", "hinge"),
    *("squared_hinge", "categorical_hinge", "true_positives", "false_negatives", "TrueNegatives", "FalsePositives"),
    *("binary_io_u", "BinaryIoU", "pearson_correlation", "ConcordanceCorrelation", "KLDivergence", "Poisson"),
    *("mean_absolute_percentage_error", "mean_squared_logarithmic_error", "FBetaScore", "concordance_correlation"),
]
FUNCTIONS = [
    *("hinge", "squared_hinge", "categorical_hinge", "kl_divergence", "log_cosh", "poisson", "pearson_correlation"),
    *("mean_absolute_percentage_error", "mean_squared_logarithmic_error", "concordance_correlation", "huber"),
    *("binary_focal_crossentropy", "categorical_focal_crossentropy"),
]


def targets(kind, stream):
    """(y_true, y_pred) of a kind."""
    n = 6
    if kind in ("zeros", "ones"):  # a single class
        return np.full((n, 2), kind == "ones", "float32"), stream.uniform(0, 1, (n, 2)).astype("float32")
    if kind == "many":  # at thresholds exactly, too
        p = stream.integers(0, 21, 300) / 20
        return (stream.uniform(size=300) < p).astype("int64"), p.astype("float32")
    if kind == "many_labels":
        p = stream.uniform(-0.1, 1.1, (200, 2)).astype("float32")
        return (stream.uniform(size=(200, 2)) < p).astype("float32"), p
    if kind == "binary_series":
        return stream.integers(0, 2, (n, 5, 3)), stream.uniform(0, 1, (n, 5, 3)).astype("float32")
    if kind == "long_rows":
        return cases.normal(stream, (n, 5)), cases.normal(stream, (n, 5))
    if kind == "constant_rows":
        return cases.normal(stream, (n, 4)), np.ones((n, 4), "float32") * np.arange(n, dtype="float32")[:, None]
    if kind == "constant_columns":
        return np.ones((n, 3), "float32"), np.array([[1.0, 2.0, 1.0]] * n, "float32")
    if kind.startswith("labels_") or kind == "maps_3":
        shape = (n, 4, 5) if kind == "maps_3" else (n, 1)
        low, high = (-1, 5) if kind == "labels_outside" else (0, 1 if kind == "labels_one" else 3)
        return stream.integers(low, high, shape), stream.integers(low, high, shape)
    if kind == "logits_3":
        return stream.integers(0, 3, n), cases.normal(stream, (n, 3))
    if kind == "onehot_labels":
        return np.eye(4, dtype="float32")[stream.integers(0, 4, n)], stream.integers(0, 4, n)
    if kind == "sorted_ids":
        return stream.integers(0, 4, n), np.argsort(stream.normal(size=(n, 4)), -1).astype("float32")
    if kind in ("ties", "onehot_share", "labels"):
        return cases.metric_targets(kind, stream)
    return loss_cases.targets(kind, stream)


def weight(kind, stream, rows):
    """Weights of the rows, or of their steps."""
    if kind == "none":
        return None
    if kind == "counts":
        return stream.integers(0, 4, rows)
    if kind == "steps":
        return stream.uniform(0, 2, (rows, 5)).astype("float32")
    w = stream.uniform(0, 2, rows).astype("float32")
    return {"row": w, "column": w[:, None], "zero": w * 0}[kind]


def updated(metric, index):
    """The metric after two batches of its case."""
    expression, kind, weighted = METRICS[index]
    stream = cases.rng(f"{expression} {kind} {weighted}")
    for _ in range(2):
        y_true, y_pred = targets(kind, stream)
        w = weight(weighted, stream, len(y_pred))
        if kind == "maps_3" and w is not None:
            w = np.broadcast_to(w[:, None, None], y_true.shape)
        metric.update_state(y_true, y_pred, sample_weight=w)
    return metric


def values(function):
    """What a function gives for a batch that all of them take."""
    stream = cases.rng("functions")
    y, p = np.eye(4, dtype="float32")[stream.integers(0, 4, 6)], stream.uniform(0.1, 0.9, (6, 4)).astype("float32")
    return np.asarray(function(y, p))
