"""Kernels of the further losses against plain formulas, sample by sample, and at their edges."""

import itertools
import math

import numpy as np
import pytest

from nnlite.kernels import losses_circle, losses_ctc, losses_hinge, losses_overlap, losses_probability
from nnlite.kernels import losses_regression as regression

RNG = np.random.default_rng(5)
Y, P = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3)) * 2
BITS, SHARES = RNG.integers(0, 2, (5, 3)).astype(float), RNG.uniform(0.02, 0.98, (5, 3))


def averaged(one):
    return lambda y, p: sum(one(a, b) for a, b in zip(y, p, strict=True)) / len(p)


def cosine(y, p):
    return -sum(a * b for a, b in zip(y, p, strict=True)) / math.hypot(*y) / math.hypot(*p)


def one_focal(y, p):
    right = p if y else 1 - p
    return -((1 - right) ** 2) * math.log(right)


def margin(y, p):
    wrong = max((1 - a) * b for a, b in zip(y, p, strict=True))
    return max(wrong - sum(a * b for a, b in zip(y, p, strict=True)) + 1, 0)


ROWS = {
    "mape": (
        regression.absolute_percentage_error_forward,
        averaged(lambda y, p: 100 * abs(p - y) / max(abs(y), 1e-7)),
        Y,
        P,
    ),
    "msle": (
        regression.squared_logarithmic_error_forward,
        averaged(lambda y, p: (math.log(1 + max(p, 1e-7)) - math.log(1 + max(y, 1e-7))) ** 2),
        Y,
        P,
    ),
    "log_cosh": (regression.log_cosh_forward, averaged(lambda y, p: math.log(math.cosh(p - y))), Y, P),
    "cosine": (regression.cosine_similarity_forward, cosine, Y, P),
    "kl": (
        losses_probability.kl_divergence_forward,
        lambda y, p: sum(a * math.log(a / b) for a, b in zip(y, p, strict=True)),
        SHARES[::-1],
        SHARES,
    ),
    "poisson": (
        losses_probability.poisson_forward,
        averaged(lambda y, p: p - y * math.log(p + 1e-7)),
        np.abs(Y),
        SHARES,
    ),
    "focal": (losses_probability.binary_focal_crossentropy_forward, averaged(one_focal), BITS, SHARES),
    "hinge": (losses_hinge.hinge_forward, averaged(lambda y, p: max(1 - (2 * y - 1) * p, 0)), BITS, P),
    "hinge of numbers": (losses_hinge.hinge_forward, averaged(lambda y, p: max(1 - y * p, 0)), Y, P),
    "squared_hinge": (
        losses_hinge.squared_hinge_forward,
        averaged(lambda y, p: max(1 - (2 * y - 1) * p, 0) ** 2),
        BITS,
        P,
    ),
    "categorical_hinge": (losses_hinge.categorical_hinge_forward, margin, np.eye(3)[[0, 1, 2, 1, 0]], P),
    "dice": (
        lambda y, p: losses_overlap.dice_forward(y, p, axis=1),
        lambda y, p: 1 - 2 * sum(y * p) / (sum(y) + sum(p) + 1e-7),
        BITS,
        SHARES,
    ),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_are_those_of_the_formula(name, dtype):
    forward, one, y, p = ROWS[name]
    values, _ = forward(y.astype(dtype), p.astype(dtype))
    assert values.dtype == dtype and values.shape == (5,)
    expected = [one(a, b) for a, b in zip(y, p, strict=True)]
    np.testing.assert_allclose(values, expected, rtol=1e-10 if dtype == "float64" else 3e-5, atol=1e-6)


@pytest.mark.parametrize("name", ROWS)
def test_strides_do_not_matter(name):
    forward, _, y, p = ROWS[name]
    wide = np.empty((5, 6))
    wide[:, ::2] = p
    strided = forward(np.asfortranarray(y), wide[:, ::2])[0]
    np.testing.assert_allclose(strided, forward(y, p)[0], rtol=1e-12)


def written(path):
    """What a path of classes writes: equal neighbours once, without blanks."""
    return [c for c, _ in itertools.groupby(path) if c]


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 2, 2], []])
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_ctc_is_the_sum_over_all_paths(labels, steps):
    x = RNG.normal(size=(1, steps, 3))
    p = np.exp(x[0]) / np.exp(x[0]).sum(-1, keepdims=True)
    paths = [path for path in itertools.product(range(3), repeat=steps) if written(path) == labels]
    padded = np.array([labels + [0] * (4 - len(labels))])
    values, cache = losses_ctc.ctc_forward(padded, x)
    if not paths:
        assert 0.9e5 < values[0] < 5e5  # too long: 1e5 for each step that lacks
        return
    weights = [math.prod(p[t, c] for t, c in enumerate(path)) for path in paths]
    np.testing.assert_allclose(values, [-math.log(sum(weights))], rtol=1e-10)
    share = np.zeros((steps, 3))
    for path, weight in zip(paths, weights, strict=True):
        share[np.arange(steps), path] += weight / sum(weights)
    np.testing.assert_allclose(losses_ctc.ctc_backward(2.0, cache)[0], 2 * (p - share), atol=1e-10)


def test_ctc_of_no_labels_steps_or_rows():
    for shape in ((0, 3, 4), (2, 0, 4), (2, 3, 4)):
        x = np.zeros(shape, "float32")
        values, cache = losses_ctc.ctc_forward(np.zeros((shape[0], 0), int), x)
        np.testing.assert_allclose(values, shape[1] * math.log(4), rtol=1e-6)
        assert losses_ctc.ctc_backward(np.float32(1), cache).shape == shape
    with pytest.raises(IndexError, match="outside 0 to 3"):
        losses_ctc.ctc_forward(np.array([[-1, 4]]), np.zeros((1, 3, 4)))


def test_ctc_of_rows_together_is_that_of_each():
    y = np.array([[1, 2, 3, 3], [2, 2, 0, 0], [1, 0, 0, 0]])
    x = RNG.normal(size=(3, 8, 4))
    values, cache = losses_ctc.ctc_forward(y, x)
    gradient = losses_ctc.ctc_backward(np.array([1.0, 2.0, 0.5]), cache)
    for row, scale in enumerate([1.0, 2.0, 0.5]):
        short = y[row : row + 1, : (y[row] > 0).sum()]
        value, own = losses_ctc.ctc_forward(short, x[row : row + 1])
        np.testing.assert_allclose(value, values[row : row + 1], rtol=1e-12)
        np.testing.assert_allclose(losses_ctc.ctc_backward(scale, own)[0], gradient[row], atol=1e-12)
    np.testing.assert_allclose(gradient.sum(-1), 0, atol=1e-12)


def one_circle(i, labels, p, gamma, margin, remove_diagonal=True):
    positive = negative = 0.0
    for j in range(len(p)):
        d = max(1 - p[i] @ p[j], 0)
        if labels[i] != labels[j]:
            negative += math.exp(gamma * max(1 + margin - d, 0) * (1 - margin - d))
        elif i != j or not remove_diagonal:
            positive += math.exp(-gamma * max(margin + d, 0) * (margin - d))
    return math.log(1 + positive * negative)


@pytest.mark.parametrize("remove_diagonal", [True, False])
def test_circle_pair_by_pair(remove_diagonal):
    p = RNG.normal(size=(6, 3))
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    labels = [0, 1, 0, 2, 1, 0]
    options = {"gamma": 2.0, "margin": 0.3, "remove_diagonal": remove_diagonal}
    values, _ = losses_circle.circle_forward(np.array(labels), p, **options)
    np.testing.assert_allclose(values, [one_circle(i, labels, p, **options) for i in range(6)], rtol=1e-10)
    assert (values[3] == 0) == remove_diagonal  # the only one of its label


def test_circle_against_other_embeddings():
    p, ref = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3))
    labels, others = np.array([0, 1, 0, 1]), np.array([1, 0, 1, 0, 0])

    def total(values):
        return losses_circle.circle_forward(labels, values, others, ref, False, 1.0)[0].sum()

    _, cache = losses_circle.circle_forward(labels, p, others, ref, False, 1.0)
    gradient = losses_circle.circle_backward(np.ones(4), cache)
    step = np.zeros_like(p)
    step[2, 1] = 1e-6
    np.testing.assert_allclose((total(p + step) - total(p - step)) / 2e-6, gradient[2, 1], rtol=1e-5)


def test_edges_of_margins_and_cuts():
    one = np.ones((1, 1))
    for forward, backward, y, p, expected in [
        (losses_hinge.hinge_forward, losses_hinge.hinge_backward, one, one, -0.5),
        (losses_hinge.hinge_forward, losses_hinge.hinge_backward, one, one * 0.9, -1),
        (losses_hinge.hinge_forward, losses_hinge.hinge_backward, one, one * 1.1, 0),
        (losses_probability.kl_divergence_forward, losses_probability.kl_divergence_backward, one, one, -0.5),
        (losses_probability.kl_divergence_forward, losses_probability.kl_divergence_backward, one, one * 2, 0),
        (regression.cosine_similarity_forward, regression.cosine_similarity_backward, one, one * 0, -1e7),
        (regression.log_cosh_forward, regression.log_cosh_backward, one, one * -1e4, -1),
    ]:
        values, cache = forward(y, p)
        assert np.isfinite(values).all()
        np.testing.assert_allclose(backward(np.float64(1), cache), [[expected]])


def test_classes_that_tie_share_the_gradient():
    _, cache = losses_hinge.categorical_hinge_forward(np.array([[1.0, 0, 0, 0]]), np.array([[1.0, 2, 2, 0]]))
    np.testing.assert_array_equal(losses_hinge.categorical_hinge_backward(np.float64(1), cache), [[-1, 0.5, 0.5, 0]])


def test_labels_outside_are_refused():
    with pytest.raises(IndexError, match="outside 0 to 2"):
        losses_probability.generalized_cross_entropy_forward(np.array([3]), np.ones((1, 3)), 0.5)
    with pytest.raises(IndexError, match="2 labels for 1"):
        losses_probability.generalized_cross_entropy_forward(np.array([1, 1]), np.ones((1, 3)), 0.5)
