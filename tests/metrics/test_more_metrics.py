"""Areas, scores and counts by hand, in models, and what they refuse."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers, metrics

RNG = np.random.default_rng(2)
ONE = np.ones((4, 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.AUC(curve="RCO"), "AUC: unknown curve 'RCO'. Did you mean 'ROC'"),
        (lambda: metrics.AUC(summation_method="mid"), "unknown summation_method 'mid'"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds must be a whole number from 2, got 1"),
        (lambda: metrics.AUC(thresholds=[0.5, 2.0]), "AUC: thresholds must lie between 0 and 1"),
        (lambda: metrics.AUC(num_labels=3), "num_labels=3 is for multi_label=True only"),
        (lambda: metrics.AUC(label_weights=[[1.0]]), "label_weights must be one number a label"),
        (lambda: metrics.AUC(multi_label=True)(ONE[:, 0], ONE[:, 0]), r"shape \(N, labels\), got \(4,\)"),
        (lambda: metrics.AUC(multi_label=True, num_labels=2)(ONE, ONE), r"shape \(N, 2\), got \(4, 1\)"),
        (lambda: metrics.AUC(label_weights=[1.0, 2.0])(ONE, ONE), "2 label_weights do not fit"),
        (lambda: metrics.AUC(name="a")(ONE, np.ones((4, 2))), r"a: targets have shape \(4, 1\), predictions \(4, 2\)"),
        (lambda: metrics.AUC()(ONE, ONE, np.ones(3)), r"sample_weight of shape \(3,\) does not fit"),
        (lambda: metrics.TruePositives(thresholds=[0.1, 1.1]), "TruePositives: thresholds must lie between"),
        (lambda: metrics.PrecisionAtRecall(1.5), "PrecisionAtRecall: recall must lie between 0 and 1, got 1.5"),
        (lambda: metrics.SensitivityAtSpecificity("a"), "specificity must lie between 0 and 1, got 'a'"),
        (lambda: metrics.RecallAtPrecision(0.5, num_thresholds=0), "num_thresholds must be a whole number from 1"),
        (lambda: metrics.SpecificityAtSensitivity(0.5, class_id=-1), "class_id must be a whole number from 0"),
        (lambda: metrics.F1Score(average="mico"), "F1Score: average must be None.*Did you mean 'micro'"),
        (lambda: metrics.FBetaScore(beta=0.0), "FBetaScore: beta must be a float above 0, got 0.0"),
        (lambda: metrics.F1Score(threshold=1.5), "threshold must be a float above 0 and up to 1"),
        (lambda: metrics.F1Score()(ONE[:, 0], ONE[:, 0]), r"one shape \(N, classes\), got \(4,\)"),
        (lambda: metrics.F1Score()(ONE, ONE, np.ones(3)), r"sample_weight of shape \(3,\)"),
        (lambda: metrics.R2Score(class_aggregation="mean"), "class_aggregation must be one of"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors must be a whole number from 0"),
        (lambda: metrics.R2Score()(np.ones((2, 3, 1)), np.ones((2, 3, 1))), r"one shape \(N, columns\)"),
        (lambda: metrics.R2Score()(ONE, ONE, np.ones(3)), r"sample_weight of shape \(3,\)"),
        (lambda: metrics.MeanIoU(0), "num_classes must be a whole number of at least 1"),
        (lambda: metrics.IoU(2, [2]), "target_class_ids must lie between 0 and 1"),
        (lambda: metrics.MeanIoU(2)([1, 0], [1]), r"targets \(2,\) do not fit predictions \(1,\)"),
        (lambda: metrics.MeanIoU(2)([1, 0], [1, 0], [1, 2, 3]), r"sample_weight of shape \(3,\) does not fit 2"),
        (lambda: metrics.get("aucc"), "Unknown metric 'aucc'"),
    ],
)
def test_what_cannot_be_is_explained(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_area_is_the_share_of_pairs_in_order():
    y, p = RNG.integers(0, 2, 200), RNG.permutation(200) / 200 + 0.0025  # no two equal
    higher = p[y == 1][:, None] > p[y == 0]
    assert metrics.AUC(num_thresholds=2001)(y, p) == pytest.approx(higher.mean(), abs=1e-12)


def test_area_under_precision_and_recall_by_hand():
    y, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])
    # From 1 down: precision 0 (of nothing), 1, 1/2, 2/3 and 1/2 at recall 0, 1/2, 1/2, 1 and 1.
    found = metrics.AUC(num_thresholds=1001, curve="PR", summation_method="minoring")(y, p)
    assert found == pytest.approx(0.5 * 0 + 0.5 * 0.5, abs=1e-9)
    found = metrics.AUC(num_thresholds=1001, curve="PR", summation_method="majoring")(y, p)
    assert found == pytest.approx(0.5 * 1 + 0.5 * 2 / 3, abs=1e-9)


@pytest.mark.parametrize("limits", [[0.5], [0.2, 0.9], [0.3, 0.1, 0.7, 0.7, 0.2], [0, 0.25, 0.5, 0.75, 1], [0, 0.5, 1]])
@pytest.mark.parametrize("weighted", [False, True])
def test_counts_are_those_of_comparisons(limits, weighted):
    y, p = RNG.integers(0, 2, (50, 3)).astype(bool), RNG.uniform(-0.2, 1.0, (50, 3)).astype("float32")
    p[0], p[1] = limits[0], np.nan
    w = RNG.uniform(size=50) if weighted else None
    each = np.broadcast_to(1.0 if w is None else w[:, None], y.shape)
    above = p > np.array(limits, "float32")[:, None, None]
    for make, where in (
        (metrics.TruePositives, above & y),
        (metrics.FalsePositives, above & ~y),
        (metrics.TrueNegatives, ~above & ~y),
        (metrics.FalseNegatives, ~above & y),
    ):
        found = make(thresholds=limits)
        found.update_state(y, p, w)
        np.testing.assert_allclose(found.result(), np.squeeze((where * each).sum((1, 2))), rtol=1e-12)


def test_logits_and_labels_of_areas():
    y, x = RNG.integers(0, 2, (40, 3)), RNG.normal(size=(40, 3)).astype("float32")
    logits = metrics.AUC(from_logits=True, multi_label=True)(y, x)
    apart = [metrics.AUC()(y[:, i], 1 / (1 + np.exp(-x[:, i]))) for i in range(3)]
    assert logits == pytest.approx(np.mean(apart), rel=1e-6)
    weights = np.array([1.0, 0.0, 3.0])
    weighted = metrics.AUC(from_logits=True, multi_label=True, label_weights=weights.tolist())(y, x)
    assert weighted == pytest.approx(np.dot(apart, weights) / 4, rel=1e-6)


def test_fractions_of_weights_are_cut_where_counts_are_whole():
    y, p, w = [0, 1, 1], [0, 1, 0], np.array([1.5, 2.0, 0.5])
    metric = metrics.MeanIoU(2)
    with pytest.warns(UserWarning, match="mean_io_u.*is cut to whole numbers.*dtype='float32'"):
        metric.update_state(y, p, w)
    np.testing.assert_array_equal(metric.total_cm.value, [[1, 0], [0, 2]])
    kept = metrics.MeanIoU(2, dtype="float32")
    kept.update_state(y, p, w)
    np.testing.assert_array_equal(kept.total_cm.value, [[1.5, 0], [0.5, 2]])
    assert metric.total_cm.dtype == "int32" and metric.get_config()["dtype"] == "int32"


def test_an_adjusted_score_needs_more_numbers_than_regressors():
    y, p = np.array([[1.0], [4.0], [3.0]]), np.array([[2.0], [4.0], [4.0]])
    with pytest.warns(UserWarning, match="num_regressors=2 leaves nothing of 3 numbers"):
        assert metrics.R2Score(num_regressors=2)(y, p) == metrics.R2Score()(y, p)


def model_and_data():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3, "softmax")])
    x = RNG.normal(size=(20, 4)).astype("float32")
    return model, x, np.eye(3)[RNG.integers(0, 3, 20)]


def test_histories_keep_arrays_of_metrics_that_give_them():
    model, x, y = model_and_data()
    model.compile("sgd", "mse", metrics=["auc", metrics.F1Score()], weighted_metrics=["hinge"])
    history = model.fit(x, y, epochs=2, verbose=0, validation_split=0.2).history
    for name in ("f1_score", "val_f1_score"):
        assert [value.shape for value in history[name]] == [(3,), (3,)]
    assert all(type(value) is float for name in ("auc", "hinge", "val_auc") for value in history[name])
    assert model.evaluate(x, y, verbose=0, return_dict=True)["f1_score"].shape == (3,)


def test_callbacks_know_which_way_is_better(tmp_path):
    model, x, y = model_and_data()
    model.compile("sgd", "mse", metrics=["auc", "hinge", metrics.F1Score()])
    for monitor, sign in (("val_auc", 1), ("hinge", -1)):
        stop = keras.callbacks.EarlyStopping(monitor=monitor, patience=5)
        model.fit(x, y, verbose=0, validation_split=0.2, callbacks=[stop])
        assert stop._sign == sign
    with pytest.raises(ValueError, match="'f1_score' is an array of 3 numbers.*average='macro'"):
        model.fit(x, y, verbose=0, callbacks=[keras.callbacks.EarlyStopping(monitor="f1_score")])
    save = keras.callbacks.ModelCheckpoint(tmp_path / "m.keras", monitor="f1_score", save_best_only=True)
    with pytest.warns(UserWarning, match="f1_score is one number, got 3"):
        model.fit(x, y, verbose=0, callbacks=[save])
    assert (tmp_path / "m.keras").exists()


def test_masked_steps_do_not_count():
    x = np.arange(1, 7, dtype="float32").reshape(2, 3, 1)
    x[0, 2] = x[1, 1:] = 0
    model = keras.Sequential([layers.Input((3, 1)), layers.Masking(), layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "log_cosh", metrics=["mape", "hinge", metrics.Poisson()])
    y = np.full((2, 3, 1), 2.0)
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    kept = x[x > 0]
    assert found["mape"] == pytest.approx(np.mean(50 * abs(kept - 2)))
    assert found["loss"] == pytest.approx(np.mean(np.log(np.cosh(kept - 2))), rel=1e-5)
    assert found["poisson"] == pytest.approx(np.mean(kept - 2 * np.log(kept + 1e-7)), rel=1e-5)
