import copy
import pickle

import numpy as np
import pytest
from metrics.table import BITS, CASES, LABELS, ONE_HOT, SHARES, P

import nnlite as keras
from nnlite import layers, metrics

every = pytest.mark.parametrize("name", CASES)


def filled(name, weight=None):
    make, options, y, p = CASES[name]
    metric = make(**options)
    metric.update_state(y, p, weight)
    return metric


@every
def test_batches_add_up(name):
    make, options, y, p = CASES[name]
    whole, parts = filled(name), make(**options)
    for part in (slice(0, 3), slice(3, 4), slice(4, 4), slice(4, 8)):
        parts.update_state(y[part], p[part])
    assert parts.result() == pytest.approx(whole.result(), rel=1e-6)
    parts.reset_state()
    assert np.all(parts.result() == 0)


@every
def test_whole_weights_repeat_samples(name):
    make, options, y, p = CASES[name]
    times = np.array([0, 1, 2, 3, 1, 0, 2, 1])
    repeated = make(**options)
    repeated.update_state(np.repeat(y, times, axis=0), np.repeat(p, times, axis=0))
    assert filled(name, times).result() == pytest.approx(repeated.result(), rel=1e-6)


@every
def test_config_round_trip_and_copies(name):
    metric = filled(name)
    config = metrics.serialize(metric)
    again = metrics.deserialize(config)
    assert again.get_config() == metric.get_config() and again.name == metric.name
    for other in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        np.testing.assert_array_equal(other.result(), metric.result())


@every
def test_results_are_plain_floats(name):
    result = filled(name).result()
    assert isinstance(result, float) or (result.ndim == 1 and len(result) > 1 and result.dtype == float)


def test_literal_values():
    assert filled("mse").result() == pytest.approx(((BITS - SHARES) ** 2).mean(), rel=1e-6)
    assert filled("sparse").result() == (P.argmax(1) == LABELS).mean()
    assert filled("categorical").result() == filled("sparse").result()
    assert filled("top").result() == filled("sparse_top").result()
    predicted, actual = SHARES[:, 0] > 0.5, BITS[:, 0] > 0
    assert filled("recall").result() == pytest.approx((predicted & actual).sum() / actual.sum())


def test_precision_and_recall_of_logits():
    y, logits = [1, 0, 1, 1], [3.0, 2.0, -1.0, 0.5]
    assert metrics.Precision(thresholds=0)(y, logits) == pytest.approx(2 / 3)
    assert metrics.Recall(thresholds=0)(y, logits) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=1.5), "Precision: thresholds must lie between 0 and 1, got 1.5"),
        (lambda: metrics.Recall(thresholds=[0.5, np.nan]), "Recall: thresholds"),
        (lambda: metrics.Precision(top_k=0), "Precision: top_k must be a whole number from 1"),
        (lambda: metrics.Recall(class_id=-1), "Recall: class_id must be a whole number from 0"),
        (lambda: metrics.BinaryAccuracy(threshold=2), "BinaryAccuracy: threshold"),
        (lambda: metrics.Precision(name="p")([1, 0], [[0.5, 0.5]]), r"p: targets have shape \(2,\), predictions"),
        (lambda: metrics.Precision(class_id=3)(ONE_HOT[:, :3], P[:, :3]), r"shape \(8, 3\) have no class 3"),
        (lambda: metrics.Recall()(BITS, SHARES, np.ones(3)), r"sample_weight of shape \(3,\) does not fit"),
        (lambda: metrics.Mean(name="m")([1.0, 2.0], [1.0, 2.0, 3.0]), r"m: sample_weight of shape \(3,\)"),
        (lambda: metrics.SparseCategoricalAccuracy()([1, 2], P[:1]), r"targets of shape \(2,\) do not fit"),
        (lambda: metrics.CategoricalAccuracy()(ONE_HOT[:3], P[:1]), "categorical_accuracy: targets of shape"),
        (lambda: metrics.BinaryAccuracy()([[1, 0]], [[0.5], [0.5]]), "binary_accuracy: targets of shape"),
        (lambda: metrics.AUC(curve="RUC"), "AUC: unknown curve 'RUC'. Did you mean 'ROC'"),
        (lambda: metrics.AUC(num_thresholds=1), "AUC: num_thresholds must be a whole number from 2, got 1"),
        (lambda: metrics.AUC(thresholds=[2]), "AUC: thresholds must lie between 0 and 1"),
        (lambda: metrics.AUC(num_labels=3), "AUC: num_labels=3 is for multi_label=True only"),
        (lambda: metrics.AUC(label_weights=[1, 2], name="a")(ONE_HOT, P), r"a: 2 label_weights do not fit .* \(8, 4\)"),
        (lambda: metrics.AUC(multi_label=True, num_labels=3, name="a")(ONE_HOT, P), r"a: .* \(N, 3\), got \(8, 4\)"),
        (lambda: metrics.RecallAtPrecision(1.5), "RecallAtPrecision: precision must lie between 0 and 1, got 1.5"),
        (lambda: metrics.F1Score(average="mean"), "F1Score: average must be None, 'micro', 'macro' or 'weighted', got"),
        (lambda: metrics.FBetaScore(beta=1), "FBetaScore: beta must be a float above 0, got 1"),
        (lambda: metrics.F1Score(threshold=2.0), "F1Score: threshold must be a float above 0 and up to 1"),
        (lambda: metrics.F1Score(name="f")(LABELS, P), r"f: targets and predictions .* got \(8,\) and \(8, 4\)"),
        (lambda: metrics.F1Score(name="f")(ONE_HOT, P, np.ones(3)), r"f: sample_weight of shape \(3,\) does not fit"),
        (lambda: metrics.R2Score(class_aggregation="sum"), "R2Score: class_aggregation must be one of"),
        (lambda: metrics.R2Score(num_regressors=-1), "R2Score: num_regressors must be a whole number from 0, got -1"),
        (lambda: metrics.R2Score(name="r")(BITS[:, 0], SHARES[:, 0]), r"r: targets and predictions .* \(8,\) and"),
        (lambda: metrics.R2Score(name="r")(BITS, SHARES, np.ones(3)), r"r: sample_weight of shape \(3,\)"),
        (lambda: metrics.IoU(0, []), "IoU: num_classes must be a whole number of at least 1, got 0"),
        (lambda: metrics.IoU(3, [3]), r"IoU: target_class_ids must lie between 0 and 2, got \[3\]"),
        (lambda: metrics.MeanIoU(3, name="m")([0, 1], [1]), r"m: targets \(2,\) do not fit predictions \(1,\)"),
        (lambda: metrics.MeanIoU(3, name="m")([0, 1], [1, 1], [1, 1, 1]), r"m: sample_weight of shape \(3,\) does not"),
        (lambda: metrics.SparseTopKCategoricalAccuracy()([1, 2], P[:1]), "sparse_top_k_categorical_accuracy: targets"),
    ],
)
def test_what_cannot_be_is_explained(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_samples_count_alike_however_long_they_are():
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(np.zeros((1, 4), int), np.tile([0.9, 0.1], (1, 4, 1)))
    metric.update_state(np.zeros((1, 1), int), np.tile([0.1, 0.9], (1, 1, 1)))
    assert metric.result() == 0.5
    mean = metrics.Mean()
    mean.update_state([[1.0, 2.0, 3.0]])
    mean.update_state([[8.0]], sample_weight=[[3.0]])
    assert mean.result() == (2 + 3 * 8) / 4


def test_sums_of_weighted_rows_take_every_value():
    metric = metrics.Sum()
    metric.update_state([[1.0, 3.0], [5.0, 6.0]], sample_weight=[1.0, 2.0])
    assert metric.result() == 4 + 2 * 11


def test_precision_by_hand_with_top_k_classes_and_weights():
    y = np.array([[1, 0, 1], [0, 1, 0]])
    p = np.array([[0.9, 0.8, 0.1], [0.3, 0.2, 0.4]])
    assert metrics.Precision(top_k=1)(y, p) == 0.5  # 0.9 is right, 0.4 is not
    assert metrics.Recall(top_k=2)(y, p) == pytest.approx(1 / 3)
    assert metrics.Precision(class_id=0, thresholds=0.2)(y, p) == 0.5
    assert metrics.Precision(thresholds=0.2)(y, p, [1.0, 0.0]) == 0.5
    assert metrics.Precision(thresholds=0.2)(y, p, [3.0, 1.0]) == pytest.approx(3 / 8)
    several = metrics.Recall(thresholds=[0.0, 0.5, 0.95])
    np.testing.assert_allclose(several(y, p), [1, 1 / 3, 0])
    several.reset_state()
    np.testing.assert_array_equal(several.result(), [0, 0, 0])


def test_thresholds_are_compared_in_the_predictions_precision():
    p = np.array([0.3, 0.7], "float32")  # float32(0.3) is a little more than 0.3
    assert metrics.Recall(thresholds=0.3)([1, 0], p) == 0
    assert metrics.BinaryAccuracy(threshold=0.3)([0, 1], p) == 1


@pytest.mark.parametrize(
    ("row", "label", "k", "right"),
    [
        ([0.5, 0.5, 0.1], 1, 1, True),  # ties count
        ([np.nan, 0.1, 0.2], 0, 2, False),
        ([np.nan, 0.1, 0.2], 0, 3, True),
        ([np.inf, 0.1, np.inf], 2, 1, True),
        ([0.1, 0.2, 0.7], -1, 3, False),  # what a loss ignores
        ([0.1, 0.2, 0.7], 3, 3, False),
    ],
)
def test_top_k_at_its_edges(row, label, k, right):
    assert metrics.SparseTopKCategoricalAccuracy(k=k)([label], [row]) == right


def test_accuracies_in_the_precision_of_the_predictions():
    assert metrics.Accuracy()(np.array([0.1]), np.array([0.1], "float32")) == 1


def test_metrics_of_ones_own():
    class Count(metrics.Metric):
        def __init__(self, name="count", **kwargs):
            super().__init__(name=name, **kwargs)
            self.n = self.add_variable(shape=(), initializer="zeros", name="n")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.n.assign_add(len(y_pred))

        def result(self):
            return self.n.value

    model = keras.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Count(), lambda y_true, y_pred: abs(y_true - y_pred)[..., 0]])
    history = model.fit(np.ones((10, 2)), np.ones((10, 1)), batch_size=3, epochs=2, verbose=0).history
    assert history["count"] == [10, 10] and "lambda" in history


@pytest.mark.parametrize(
    ("true_shape", "pred_shape", "kind"),
    [
        ((8, 1), (8, 1), "BinaryAccuracy"),
        ((8,), (8, 1), "BinaryAccuracy"),
        ((8,), (8, 3), "SparseCategoricalAccuracy"),
        ((8, 1), (8, 3), "SparseCategoricalAccuracy"),
        ((8, 3), (8, 3), "CategoricalAccuracy"),
        ((8, 5), (8, 5, 3), "SparseCategoricalAccuracy"),
    ],
)
def test_what_accuracy_means(true_shape, pred_shape, kind):
    metric = metrics.resolve_accuracy("acc", true_shape, pred_shape)
    assert type(metric).__name__ == kind and metric.name == "acc"


def test_names():
    for name in ("mse", "MSE", "mean_squared_error", "MeanSquaredError", metrics.MeanSquaredError):
        metric = metrics.get(name)
        assert type(metric) is metrics.MeanSquaredError and metric.name == "mean_squared_error"
    assert type(metrics.get("precision")) is metrics.Precision
    assert type(metrics.get("top_k_categorical_accuracy")) is metrics.TopKCategoricalAccuracy
    assert type(metrics.deserialize("bce")) is metrics.BinaryCrossentropy
    assert metrics.get(None) is None and metrics.get(abs) is abs
    assert type(metrics.get("SparseCategoricalAccuracy")) is metrics.SparseCategoricalAccuracy
    with pytest.raises(ValueError, match="Unknown metric 'acuracy'"):
        metrics.get("acuracy")


def test_wrapped_functions_come_back_from_configs():
    wrapper = metrics.MeanMetricWrapper(metrics.top_k_categorical_accuracy, name="top2", k=2)
    again = metrics.deserialize(metrics.serialize(wrapper))
    assert again.get_config() == wrapper.get_config() and again._direction == "up"
    assert again(ONE_HOT, P) == metrics.TopKCategoricalAccuracy(k=2)(ONE_HOT, P)
    for fn in (
        "sparse_categorical_accuracy",
        {"module": "builtins", "class_name": "function", "config": "sparse_categorical_accuracy"},
    ):
        config = {"class_name": "MeanMetricWrapper", "config": {"name": "accuracy", "dtype": "float32", "fn": fn}}
        metric = metrics.deserialize(config)
        assert metric.name == "accuracy" and metric(LABELS, P) == metrics.SparseCategoricalAccuracy()(LABELS, P)
    with pytest.raises(ValueError, match="Unknown metric 'nothing'"):
        metrics.deserialize({"class_name": "MeanMetricWrapper", "config": {"fn": "nothing"}})
    with pytest.raises(TypeError, match="fn must be a function"):
        metrics.MeanMetricWrapper("mse")


def test_functions_of_the_user_get_the_arrays_as_they_come():
    shapes = []

    def first_output(y_true, y_pred):
        shapes.append((y_true.shape, y_pred.shape, y_true.dtype))
        return y_true == (y_pred[:, 0] > 0.5)

    metric = metrics.MeanMetricWrapper(first_output, name="first")
    assert metric(np.array([1, 0]), [[0.9], [0.8]]) == 0.5
    assert shapes == [((2,), (2, 1), int)]


def test_configs_hold_what_older_keras_knows():
    assert "ignore_class" not in metrics.SparseCategoricalCrossentropy().get_config()
    assert "from_sorted_ids" not in metrics.SparseTopKCategoricalAccuracy().get_config()
    set_ = metrics.SparseCategoricalCrossentropy(ignore_class=0)
    assert metrics.deserialize(metrics.serialize(set_)).get_config()["ignore_class"] == 0
    assert metrics.SparseTopKCategoricalAccuracy(from_sorted_ids=True).get_config()["from_sorted_ids"] is True
    assert metrics.Mean(dtype={"class_name": "DTypePolicy", "config": {"name": "float32"}}).dtype == "float32"


def test_directions():
    up, down, neither = metrics.Recall(), metrics.RootMeanSquaredError(), metrics.Mean()
    assert (up._direction, down._direction, neither._direction) == ("up", "down", None)
    assert metrics.MeanMetricWrapper(keras.losses.huber)._direction == "down"
    assert metrics.MeanMetricWrapper(keras.losses.Huber())._direction == "down"
    assert metrics.BinaryAccuracy()._direction == "up"


def test_big_endian_strided_and_read_only_arrays():
    y, p = np.ascontiguousarray(ONE_HOT.T).T, P.astype(">f8")
    p.flags.writeable = False
    for name in ("categorical", "top", "cce", "mse", "precision"):
        make, options, _, _ = CASES[name]
        assert make(**options)(y, p) == make(**options)(ONE_HOT, P)


@every
def test_what_diverged_does_not_warn(name):
    make, options, y, p = CASES[name]
    p = np.array(p, "float32")
    p[0], p[1], p[2] = np.nan, np.inf, -np.inf
    metric = make(**options)
    metric.update_state(y, p)
    metric.update_state(y, p, np.ones(8))
    metric.result()


@pytest.mark.parametrize("make", [lambda: metrics.F1Score(), lambda: metrics.R2Score(class_aggregation=None)])
def test_a_change_of_width_is_explained_and_counts_nothing(make):
    metric = make()
    metric.update_state(ONE_HOT, P)
    before = metric.result()
    with pytest.raises(ValueError, match="before, now 3"):
        metric.update_state(ONE_HOT[:, :3], P[:, :3])
    np.testing.assert_array_equal(metric.result(), before)


def test_fractions_of_weights_are_not_lost_silently():
    with pytest.warns(UserWarning, match="cut to whole numbers"):
        assert metrics.MeanIoU(2, name="m")([0, 1], [0, 1], np.array([0.5, 1.5])) == pytest.approx(0.5 / (1 + 1e-7) * 2)
    assert metrics.BinaryIoU(dtype="float32")([0, 1], [0, 1], np.array([0.5, 1.5])) == pytest.approx(1, abs=1e-6)


def test_adjusted_r2_without_enough_samples_warns():
    metric = metrics.R2Score(num_regressors=9)
    metric.update_state(BITS, SHARES)
    with pytest.warns(UserWarning, match="num_regressors=9 leaves nothing of 8 numbers"):
        plain = metric.result()
    assert plain == pytest.approx(metrics.R2Score()(BITS, SHARES))


def test_nan_is_never_positive():
    for thresholds in ([0.5], [0.1, 0.3], [0.0, 0.5, 1.0]):
        assert np.sum(metrics.TruePositives(thresholds)([1, 1], [np.nan, 0.2])) == sum(t < 0.2 for t in thresholds)


def test_auc_is_the_share_of_pairs_in_the_right_order():
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, 2, 500), rng.uniform(size=500)
    better = (p[y == 1][:, None] > p[y == 0]).mean()
    assert metrics.AUC(num_thresholds=5000)(y, p) == pytest.approx(better, abs=2e-4)
    assert metrics.AUC(thresholds=np.sort(p).tolist())(y, p) == pytest.approx(better, abs=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "auc",
            "AUC",
            "true_positives",
            "false_negatives",
            "f1_score",
            "f_beta_score",
            "r2_score",
            "mape",
            "MAPE",
            "msle",
        ),
        *(
            "kl_divergence",
            "poisson",
            "hinge",
            "squared_hinge",
            "categorical_hinge",
            "cosine_similarity",
            "log_cosh_error",
        ),
        *("binary_io_u", "pearson_correlation", "concordance_correlation", "KLDivergence", "BinaryIoU"),
    ],
)
def test_metrics_are_found_by_name(name):
    model = keras.Sequential([layers.Dense(3, "softmax")])
    model.compile("sgd", "mse", metrics=[name])
    logs = model.fit(P, ONE_HOT[:, :3], verbose=0).history
    assert name in logs


def test_the_functions_are_those_of_the_losses():
    for name in ("mean_squared_error", "hinge", "kl_divergence", "log_cosh", "binary_focal_crossentropy", "MSLE"):
        assert getattr(metrics, name) is getattr(keras.losses, name)
    model = keras.Sequential([layers.Dense(4, "softmax")])
    model.compile("sgd", "mse", metrics=[keras.losses.huber, metrics.pearson_correlation])
    history = model.fit(P, ONE_HOT, verbose=0).history
    assert {"huber", "pearson_correlation"} <= set(history)
