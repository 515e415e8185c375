import copy
import pickle

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers, metrics

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
    "scce": (metrics.SparseCategoricalCrossentropy, {}, LABELS, P),
}
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
    assert parts.result() == 0


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
        assert other.result() == metric.result()


@every
def test_results_are_plain_floats(name):
    assert isinstance(filled(name).result(), float)


def test_literal_values():
    assert filled("mse").result() == pytest.approx(((BITS - SHARES) ** 2).mean(), rel=1e-6)
    assert filled("sparse").result() == (P.argmax(1) == LABELS).mean()
    assert filled("categorical").result() == filled("sparse").result()
    assert filled("top").result() == filled("sparse_top").result()
    predicted, actual = SHARES[:, 0] > 0.5, BITS[:, 0] > 0
    assert filled("recall").result() == pytest.approx((predicted & actual).sum() / actual.sum())


def test_predictions_that_are_not_probabilities_are_explained():
    with pytest.raises(ValueError, match="between 0 and 1"):
        metrics.Precision().update_state([[1.0]], [[2.0]])
    with pytest.raises(ValueError, match="thresholds"):
        metrics.Precision(thresholds=1.5)
    with pytest.raises(ValueError, match="threshold"):
        metrics.BinaryAccuracy(threshold=2)


def test_metrics_of_ones_own():
    class Count(metrics.Metric):
        def __init__(self, name="count", **kwargs):
            super().__init__(name=name, **kwargs)
            self.n = self.add_variable(shape=(), initializer="zeros", name="n")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.n.assign(self.n.value + len(y_pred))

        def result(self):
            return self.n.value

    model = keras.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Count(), lambda y_true, y_pred: abs(y_true - y_pred)[..., 0]])
    history = model.fit(np.ones((10, 2)), np.ones((10, 1)), batch_size=3, epochs=2, verbose=0).history
    assert history["count"] == [10, 10] and "<lambda>" in history


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
    assert metrics.get("mse").__name__ == "mean_squared_error"
    assert type(metrics.get("SparseCategoricalAccuracy")) is metrics.SparseCategoricalAccuracy
    with pytest.raises(ValueError, match="Unknown metric 'acuracy'"):
        metrics.get("acuracy")
