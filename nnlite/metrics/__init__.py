"""Metrics: running measures of a model's predictions."""

from typing import TYPE_CHECKING

from nnlite.core import lazy
from nnlite.losses import binary_focal_crossentropy, categorical_focal_crossentropy, huber
from nnlite.metrics.base import Mean, MeanMetricWrapper, Metric, Sum, deserialize, get, serialize

if TYPE_CHECKING:
    from nnlite.metrics.accuracy import (
        Accuracy,
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        SparseTopKCategoricalAccuracy,
        TopKCategoricalAccuracy,
        binary_accuracy,
        categorical_accuracy,
        resolve_accuracy,
        sparse_categorical_accuracy,
        sparse_top_k_categorical_accuracy,
        top_k_categorical_accuracy,
    )
    from nnlite.metrics.auc import AUC
    from nnlite.metrics.confusion import (
        FalseNegatives,
        FalsePositives,
        Precision,
        Recall,
        TrueNegatives,
        TruePositives,
    )
    from nnlite.metrics.correlation import (
        ConcordanceCorrelation,
        PearsonCorrelation,
        R2Score,
        concordance_correlation,
        pearson_correlation,
    )
    from nnlite.metrics.errors import (
        MAE,
        MAPE,
        MSE,
        MSLE,
        CosineSimilarity,
        LogCoshError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        RootMeanSquaredError,
        log_cosh,
        mae,
        mape,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        mean_squared_logarithmic_error,
        mse,
        msle,
    )
    from nnlite.metrics.f_score import F1Score, FBetaScore
    from nnlite.metrics.hinges import (
        CategoricalHinge,
        Hinge,
        SquaredHinge,
        categorical_hinge,
        hinge,
        squared_hinge,
    )
    from nnlite.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
    from nnlite.metrics.probabilistic import (
        BinaryCrossentropy,
        CategoricalCrossentropy,
        KLDivergence,
        Poisson,
        SparseCategoricalCrossentropy,
        binary_crossentropy,
        categorical_crossentropy,
        kl_divergence,
        poisson,
        sparse_categorical_crossentropy,
    )
    from nnlite.metrics.tradeoffs import (
        PrecisionAtRecall,
        RecallAtPrecision,
        SensitivityAtSpecificity,
        SpecificityAtSensitivity,
    )
else:
    __getattr__, __dir__, __all__ = lazy.attach(
        __name__,
        {
            "accuracy": "Accuracy BinaryAccuracy CategoricalAccuracy SparseCategoricalAccuracy "
            "SparseTopKCategoricalAccuracy TopKCategoricalAccuracy binary_accuracy categorical_accuracy "
            "resolve_accuracy sparse_categorical_accuracy sparse_top_k_categorical_accuracy "
            "top_k_categorical_accuracy",
            "auc": "AUC",
            "confusion": "FalseNegatives FalsePositives Precision Recall TrueNegatives TruePositives",
            "correlation": "ConcordanceCorrelation PearsonCorrelation R2Score concordance_correlation "
            "pearson_correlation",
            "errors": "CosineSimilarity LogCoshError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError "
            "MeanSquaredLogarithmicError RootMeanSquaredError mean_squared_error mse MSE mean_absolute_error "
            "mae MAE mean_absolute_percentage_error mape MAPE mean_squared_logarithmic_error msle MSLE "
            "log_cosh",
            "f_score": "F1Score FBetaScore",
            "hinges": "CategoricalHinge Hinge SquaredHinge categorical_hinge hinge squared_hinge",
            "iou": "BinaryIoU IoU MeanIoU OneHotIoU OneHotMeanIoU",
            "probabilistic": "BinaryCrossentropy CategoricalCrossentropy KLDivergence Poisson "
            "SparseCategoricalCrossentropy binary_crossentropy categorical_crossentropy kl_divergence poisson "
            "sparse_categorical_crossentropy",
            "tradeoffs": "PrecisionAtRecall RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity",
        },
        "metrics",
    )
    __all__ += ["Mean", "MeanMetricWrapper", "Metric", "Sum", "binary_focal_crossentropy"]
    __all__ += ["categorical_focal_crossentropy", "deserialize", "get", "huber", "serialize"]
