"""More metrics: (expression, kind of targets, kind of weights), recorded from Keras over two batches."""

import numpy as np
from golden import cases

AT = ["SensitivityAtSpecificity(0.4{})", "SpecificityAtSensitivity(0.4{})", "PrecisionAtRecall(0.5{})"]
AT += ["RecallAtPrecision(0.55{})"]
METRICS = [
    (expression, kind, weight)
    for expression, kind, weights in [
        *(
            (f"{sign}{count}({options})", "binary", "none row")
            for sign in ("True", "False")
            for count in ("Positives", "Negatives")
            for options in ("", "thresholds=[0.7, 0.1, 0.4]", "thresholds=[0.0, 0.5, 1.0]")
        ),
        ("TruePositives()", "ties", "none"),
        ("FalseNegatives(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])", "ties", "none"),
        *(
            (f"AUC(curve={curve!r}, summation_method={way!r})", "binary", "none row")
            for curve in ("ROC", "PR", "PRGAIN")
            for way in ("interpolation", "minoring", "majoring")
        ),
        ("AUC()", "ties", "none"),
        ("AUC(num_thresholds=5)", "binary_column", "none row column"),
        ("AUC(num_thresholds=2)", "binary", "none"),
        ("AUC(thresholds=[0.8, 0.2, 0.4])", "binary", "none row"),
        ("AUC(thresholds=[0.25, 0.5, 0.75], curve='PR')", "binary", "none row"),
        ("AUC(from_logits=True)", "binary_logits", "none"),
        ("AUC(multi_label=True)", "labels3", "none row"),
        ("AUC(multi_label=True, num_labels=3, label_weights=[1.0, 2.0, 0.5], curve='PR')", "labels3", "none row"),
        ("AUC(label_weights=[1.0, 2.0, 0.5])", "labels3", "none row"),
        ("AUC(curve='PR')", "zeros", "none"),
        *(
            (one.format(options), kind, weights)
            for one in AT
            for options, kind, weights in [
                ("", "binary", "none row"),
                (", num_thresholds=7", "binary", "none"),
                (", num_thresholds=1", "binary", "none"),
                (", num_thresholds=2", "binary", "none"),
                (", class_id=1", "labels3", "none row"),
            ]
        ),
        *(
            (f"{name}{average}{options})", "labels3", "none row")
            for name in ("F1Score(average=", "FBetaScore(beta=2.0, average=")
            for average in ("None", "'micro'", "'macro'", "'weighted'")
            for options in ("", ", threshold=0.4")
        ),
        ("F1Score()", "zeros", "none"),
        *((f"{name}()", "numbers", "none row") for name in ("MeanAbsolutePercentageError", "LogCoshError", "R2Score")),
        ("CosineSimilarity()", "numbers", "none row"),
        ("PearsonCorrelation()", "numbers", "none row"),
        ("ConcordanceCorrelation()", "numbers", "none row"),
        ("PearsonCorrelation(axis=0)", "numbers", "none"),
        ("ConcordanceCorrelation(axis=0)", "numbers", "none"),
        ("CosineSimilarity(axis=0)", "numbers", "none"),
        ("MeanSquaredLogarithmicError()", "positive", "none row"),
        ("Poisson()", "positive", "none row"),
        ("KLDivergence()", "shares", "none row"),
        ("Hinge()", "binary", "none row"),
        ("SquaredHinge()", "signs", "none row"),
        ("CategoricalHinge()", "shares", "none row"),
        ("R2Score(class_aggregation=None)", "numbers", "none row"),
        ("R2Score(class_aggregation='variance_weighted_average', num_regressors=3)", "numbers", "none row"),
        ("IoU(4, [0, 2])", "classes", "none whole"),
        ("IoU(4, [0, 3], ignore_class=1, dtype='float32')", "classes", "none row"),
        ("IoU(4, [1], sparse_y_pred=False)", "sparse_shares", "none"),
        ("BinaryIoU(threshold=0.3)", "binary", "none"),
        ("BinaryIoU(target_class_ids=[1])", "binary", "none"),
        ("MeanIoU(4)", "classes", "none whole"),
        ("MeanIoU(5, ignore_class=3)", "classes", "none"),
        ("MeanIoU(2)", "classes", "none"),
        ("OneHotIoU(4, [0, 2])", "one_hot", "none whole"),
        ("OneHotMeanIoU(4, axis=0)", "one_hot", "none"),
        ("OneHotMeanIoU(4)", "one_hot", "none whole"),
    ]
    for weight in weights.split()
]


def drawn(kind, weight, stream):
    """Targets, predictions and weights of kinds."""
    w = None if weight == "none" else stream.integers(0, 4, 6) if weight == "whole" else None
    if weight in ("row", "column"):
        w = cases.sample_weight(weight, stream)
    if kind == "classes":
        return stream.integers(0, 4, (6,)), stream.integers(0, 4, (6,)), w
    if kind == "numbers":
        y = cases.normal(stream, (6, 4))
        return y, y + cases.normal(stream, (6, 4)) * np.float32(0.5), w
    if kind == "positive":
        return np.abs(cases.normal(stream, (6, 3))), np.abs(cases.normal(stream, (6, 3))), w
    if kind == "signs":
        return np.sign(cases.normal(stream, (6, 3))), cases.normal(stream, (6, 3)), w
    if kind == "labels3":
        y = (cases.normal(stream, (6, 3)) > 0).astype("float32")
        return y, 1 / (1 + np.exp(-cases.normal(stream, (6, 3)) - y)), w
    if kind in ("shares", "one_hot", "sparse_shares"):
        labels = stream.integers(0, 4, 6)
        p = np.exp(cases.normal(stream, (6, 4)))
        y = labels if kind == "sparse_shares" else np.eye(4, dtype="float32")[labels]
        return y, p / p.sum(-1, keepdims=True), w
    return *cases.metric_targets(kind, stream), w
