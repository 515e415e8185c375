"""The metrics that all properties are tested over: how each is made, targets and predictions."""

import numpy as np

from nnlite import metrics

RNG = np.random.default_rng(0)
P = RNG.dirichlet(np.ones(4), 8)
LABELS = RNG.integers(0, 4, 8)
ONE_HOT = np.eye(4)[LABELS]
BITS = RNG.integers(0, 2, (8, 1)).astype(float)
SHARES = RNG.uniform(size=(8, 1))

CASES = {
    "mse": (metrics.MeanSquaredError, {}, BITS, SHARES),
    "mae": (metrics.MeanAbsoluteError, {}, BITS, SHARES),
    "rmse": (metrics.RootMeanSquaredError, {}, BITS, SHARES),
    "accuracy": (metrics.Accuracy, {}, BITS, BITS[::-1]),
    "binary": (metrics.BinaryAccuracy, {"threshold": 0.4}, BITS, SHARES),
    "categorical": (metrics.CategoricalAccuracy, {}, ONE_HOT, P),
    "sparse": (metrics.SparseCategoricalAccuracy, {}, LABELS, P),
    "top": (metrics.TopKCategoricalAccuracy, {"k": 2}, ONE_HOT, P),
    "sparse_top": (metrics.SparseTopKCategoricalAccuracy, {"k": 2}, LABELS, P),
    "precision": (metrics.Precision, {"thresholds": 0.3}, BITS, SHARES),
    "recall": (metrics.Recall, {}, BITS, SHARES),
    "bce": (metrics.BinaryCrossentropy, {}, BITS, SHARES),
    "cce": (metrics.CategoricalCrossentropy, {}, ONE_HOT, P),
    "auc": (metrics.AUC, {"curve": "PR"}, BITS, SHARES),
    "auc_labels": (metrics.AUC, {"multi_label": True, "label_weights": [1, 2, 3, 4]}, ONE_HOT, P),
    "f_beta": (metrics.FBetaScore, {"average": "macro", "beta": 2.0}, ONE_HOT, P),
    "r2": (metrics.R2Score, {}, SHARES, SHARES[::-1]),
    "iou": (metrics.MeanIoU, {"num_classes": 4, "sparse_y_pred": False}, LABELS, P),
    "false": (metrics.FalsePositives, {"thresholds": 0.2}, BITS, SHARES),
    "at": (metrics.PrecisionAtRecall, {"recall": 0.5, "num_thresholds": 20}, BITS, SHARES),
    "cosine": (metrics.CosineSimilarity, {"axis": 1}, ONE_HOT, P),
    "concordance": (metrics.ConcordanceCorrelation, {}, ONE_HOT, P),
    "scce": (metrics.SparseCategoricalCrossentropy, {}, LABELS, P),
    "mape": (metrics.MeanAbsolutePercentageError, {}, SHARES[::-1], SHARES),
    "msle": (metrics.MeanSquaredLogarithmicError, {}, SHARES[::-1], SHARES),
    "log_cosh": (metrics.LogCoshError, {}, SHARES[::-1], SHARES),
    "poisson": (metrics.Poisson, {}, LABELS[:, None], SHARES),
    "kl": (metrics.KLDivergence, {}, P[::-1], P),
    "hinge": (metrics.Hinge, {}, ONE_HOT, P),
    "squared_hinge": (metrics.SquaredHinge, {}, ONE_HOT, P),
    "categorical_hinge": (metrics.CategoricalHinge, {}, ONE_HOT, P),
    "pearson": (metrics.PearsonCorrelation, {}, P[::-1], P),
    "r2_each": (metrics.R2Score, {"class_aggregation": None}, P[::-1], P),
    "r2_weighted": (metrics.R2Score, {"class_aggregation": "variance_weighted_average"}, P[::-1], P),
    "auc_pr": (metrics.AUC, {"curve": "PR", "num_thresholds": 9}, BITS, SHARES),
    "auc_gain": (metrics.AUC, {"curve": "PRGAIN", "summation_method": "minoring"}, BITS, SHARES),
    "auc_thresholds": (metrics.AUC, {"thresholds": [0.7, 0.2, 0.45, 0.1]}, BITS, SHARES),
    "true_positives": (metrics.TruePositives, {"thresholds": 0.3}, BITS, SHARES),
    "false_positives": (metrics.FalsePositives, {"thresholds": [0.6, 0.1, 0.3, 0.2]}, BITS, SHARES),
    "true_negatives": (metrics.TrueNegatives, {"thresholds": [0.0, 0.5, 1.0]}, BITS, SHARES),
    "false_negatives": (metrics.FalseNegatives, {}, BITS, SHARES),
    "precision_at": (metrics.PrecisionAtRecall, {"recall": 0.5}, BITS, SHARES),
    "recall_at": (metrics.RecallAtPrecision, {"precision": 0.5, "num_thresholds": 11}, BITS, SHARES),
    "sensitivity_at": (metrics.SensitivityAtSpecificity, {"specificity": 0.4, "class_id": 1}, ONE_HOT, P),
    "specificity_at": (metrics.SpecificityAtSensitivity, {"sensitivity": 0.4}, BITS, SHARES),
    "f1": (metrics.F1Score, {}, ONE_HOT, P),
    "f1_macro": (metrics.F1Score, {"average": "macro", "threshold": 0.3}, ONE_HOT, P),
    "fbeta": (metrics.FBetaScore, {"average": "weighted", "beta": 2.0}, ONE_HOT, P),
    "fbeta_micro": (metrics.FBetaScore, {"average": "micro", "beta": 0.5}, ONE_HOT, P),
    "mean_iou": (metrics.MeanIoU, {"num_classes": 4, "ignore_class": 0}, LABELS, LABELS[::-1]),
    "binary_iou": (metrics.BinaryIoU, {}, BITS, SHARES),
    "one_hot_iou": (metrics.OneHotIoU, {"num_classes": 4, "target_class_ids": [0, 3]}, ONE_HOT, P),
    "one_hot_mean_iou": (metrics.OneHotMeanIoU, {"num_classes": 4}, ONE_HOT, P),
}
