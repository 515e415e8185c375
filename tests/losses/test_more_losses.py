"""The further losses in models, with weights and masks of every shape, and what they refuse."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers, losses

RNG = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("loss", "y", "p", "message"),
    [
        ("ctc", [[1, 5]], np.zeros((1, 4, 5)), r"ctc: labels must be 1 to 4, got 5 at \[0, 1\].*more units"),
        ("ctc", [[1, 2], [1, -1]], np.zeros((2, 4, 5)), r"got -1 at \[1, 1\]; 0 is the blank. Fill rows up with 0"),
        ("ctc", [[1, 2], [0, 1]], np.zeros((2, 4, 5)), r"a 0 before other labels, at \[1, 0\]"),
        ("ctc", [1, 2], np.zeros((2, 4, 5)), r"a row of labels a sample.*targets of shape \(2,\)"),
        ("ctc", [[1, 2]], np.zeros((2, 4, 5)), r"targets of shape \(1, 2\)"),
        ("ctc", [[1, 2]], np.zeros((1, 5)), r"\(rows, steps, classes\), the output has shape \(1, 5\)"),
        ("ctc", [[1.5]], np.zeros((1, 4, 5)), "whole numbers"),
        ("ctc", [[np.nan]], np.zeros((1, 4, 5)), r"1 target\(s\) are NaN, the first at \[0, 0\]"),
        ("circle", [1, 2], np.zeros((2, 3, 4)), "one embedding a sample"),
        ("circle", [1, 2, 3], np.zeros((2, 3)), r"one whole-number label a sample.*\(3,\)"),
        ("circle", [[0.5], [1]], np.zeros((2, 3)), "whole numbers"),
        ("hinge", [[1.0]], np.zeros((1, 3)), "must be equal"),
        ("log_cosh", [[np.nan]], np.zeros((1, 1)), "NaN"),
        ("binary_focal_crossentropy", [[2.0]], np.zeros((1, 1)), "between 0 and 1, got values from 2"),
        ("categorical_focal_crossentropy", [1], np.zeros((1, 4)), "use sparse_categorical"),
        ("dice", [["a"]], np.zeros((1, 1)), "must be numbers"),
        ("poisson", np.zeros((2, 1)), np.zeros((3, 1)), "must be equal"),
    ],
)
def test_wrong_targets_are_explained(loss, y, p, message):
    with pytest.raises(ValueError, match=message):
        losses.LossFunctionWrapper(losses.get(loss))(np.array(y), p.astype("float32"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0), "q must lie between 0 and 1, got 1.0"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q="a"), "q must be a number, got 'a'"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy()([3], [[0.1, 0.2, 0.7]]), "labels must be 0 to 2"),
        (lambda: losses.BinaryFocalCrossentropy(gamma=-1.0), "gamma must be a number of at least 0, got -1.0"),
        (lambda: losses.BinaryFocalCrossentropy(alpha=2), "alpha must be a number from 0 to 1, got 2"),
        (lambda: losses.BinaryFocalCrossentropy(label_smoothing=1.5), "label_smoothing must be a number from 0 to 1"),
        (lambda: losses.CategoricalFocalCrossentropy(alpha=["a"]), "alpha must be a number"),
        (lambda: losses.Tversky(beta=-0.1), "Tversky: beta must be a number of at least 0, got -0.1"),
        (lambda: losses.Circle(gamma=None), "Circle: gamma must be a number of at least 0, got None"),
        (lambda: losses.Dice(axis=2)([[1.0]], [[1.0]]), r"dice: axis 2 does not exist in an output of shape \(1, 1\)"),
        (lambda: losses.Dice(axis=(0, 5))([[1.0]], [[1.0]]), r"axis \[0, 5\] does not exist"),
        (lambda: losses.CosineSimilarity(axis=3)([[1.0]], [[1.0]]), "cosine_similarity: axis 3 does not exist"),
    ],
)
def test_wrong_arguments_are_explained(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_value_of_the_whole_batch_is_weighed_by_every_weight():
    y, p = np.array([[1.0, 0], [0, 1]]), np.array([[0.5, 0.2], [0.1, 0.9]])
    weight = np.array([1.0, 3.0])
    plain = losses.Dice()(y, p)
    for reduction, factor in (("sum_over_batch_size", 2), ("sum", 4), ("mean_with_sample_weight", 1)):
        loss = losses.Dice(reduction=reduction)
        value, cache = loss.forward(y, p, weight)
        assert value == pytest.approx(factor * plain)
        np.testing.assert_allclose(loss.backward(cache), factor * losses.Dice().gradient(y, p))
    np.testing.assert_allclose(losses.Dice(reduction="none")(y, p, weight), plain * weight)
    mask = np.array([True, False])
    assert losses.Dice().forward(y, p, mask=mask)[0] == pytest.approx(plain)


def test_rows_without_a_pair_do_not_count_in_circle():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    loss, labels = losses.Circle(gamma=1), np.array([0, 0, 1])
    each = losses.circle(labels, rows, gamma=1)
    assert each[2] == 0 and loss(labels, rows) == pytest.approx(each[:2].mean())
    assert losses.Circle()(np.arange(3), rows) == 0
    np.testing.assert_array_equal(losses.Circle().gradient(np.arange(3), rows), np.zeros((3, 2)))


@pytest.mark.parametrize("weight", [None, np.ones(12), np.linspace(0, 1, 12)[:, None]])
@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("log_cosh", RNG.normal(size=(12, 3))),
        ("poisson", RNG.poisson(2.0, (12, 3))),
        ("cosine_similarity", RNG.normal(size=(12, 3))),
        ("categorical_hinge", np.eye(3)[RNG.integers(0, 3, 12)]),
        ("squared_hinge", RNG.integers(0, 2, (12, 3))),
        ("dice", RNG.integers(0, 2, (12, 3))),
        (losses.Tversky(axis=-1), RNG.integers(0, 2, (12, 3))),
        (losses.CategoricalGeneralizedCrossEntropy(), RNG.integers(0, 3, 12)),
        (losses.Circle(gamma=2.0), RNG.integers(0, 3, 12)),
        (losses.CategoricalFocalCrossentropy(), np.eye(3)[RNG.integers(0, 3, 12)]),
    ],
)
def test_models_learn_with_each(loss, y, weight):
    keras.utils.set_random_seed(0)
    positive = loss == "poisson" or not isinstance(loss, str)
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3, "softmax" if positive else None)])
    model.compile(keras.optimizers.Adam(0.02), loss)
    x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    history = model.fit(x, y, epochs=15, verbose=0, sample_weight=weight, shuffle=False).history["loss"]
    assert history[-1] < history[0]


def test_sequences_are_learnt_with_ctc():
    keras.utils.set_random_seed(0)
    y = np.array([[1, 2, 0], [2, 2, 1], [1, 0, 0], [2, 1, 0]] * 4)
    x = RNG.normal(size=(16, 8, 6)).astype("float32")
    model = keras.Sequential([layers.Input((8, 6)), layers.Dense(16, "tanh"), layers.Dense(3)])
    model.compile(keras.optimizers.Adam(0.03), "ctc")
    weight = np.linspace(0.5, 1, 16)
    history = model.fit(x, y, epochs=40, batch_size=8, verbose=0, sample_weight=weight).history["loss"]
    assert history[-1] < 0.5 * history[0]
    before = model.get_weights()
    with pytest.raises(ValueError, match="labels must be 1 to 2, got 3"):
        model.fit(x, np.where(y == 2, 3, y), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_axes_and_options_come_back_from_configs():
    for loss in (
        losses.Dice(axis=(1, 2)),
        losses.Tversky(0.2, 0.7, axis=[-1]),
        losses.CosineSimilarity(axis=1),
        losses.CategoricalFocalCrossentropy(alpha=[0.5, 1.0]),
        losses.Circle(3.0, 0.1, False),
    ):
        again = losses.deserialize(losses.serialize(loss))
        assert again.options() == loss.options() and again.get_config() == loss.get_config()
    assert "axis" not in losses.CosineSimilarity().get_config()


def test_targets_of_whole_numbers_become_signs_in_a_whole_batch_only():
    p = np.array([[0.5, -0.5], [2.0, 0.0]])
    assert losses.Hinge()(np.array([[1, 0], [1, 1]]), p) == losses.Hinge()(np.array([[1, -1], [1, 1]]), p)
    assert losses.Hinge()(np.array([[1, 0], [1, -1]]), p) == pytest.approx((0.5 + 1 + 0 + 1) / 4)
