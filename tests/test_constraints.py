"""Constraints: the formulas, what they reach, names, configs, and what they refuse."""

import json

import numpy as np
import pytest

from nnlite import constraints

W = np.random.default_rng(0).normal(size=(4, 3, 5)) * 2


def length(w, axis):
    return np.sqrt((w**2).sum(axis=axis, keepdims=True))


@pytest.mark.parametrize("axis", [0, 1, -1, [0, 1], (0, 2), [0, 1, 2]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_formulas(axis, dtype):
    w = W.astype(dtype)
    before = w.copy()
    n = length(W, tuple(axis) if isinstance(axis, list) else axis)
    for constraint, wanted in (
        (constraints.MaxNorm(1.5, axis), W * np.clip(n, 0, 1.5) / (1e-7 + n)),
        (constraints.UnitNorm(axis), W / (1e-7 + n)),
        (constraints.MinMaxNorm(3.0, 4.0, 1.0, axis), W * np.clip(n, 3, 4) / (1e-7 + n)),
        (constraints.MinMaxNorm(3.0, 4.0, 0.25, axis), W * (0.25 * np.clip(n, 3, 4) + 0.75 * n) / (1e-7 + n)),
        (constraints.NonNeg(), np.maximum(W, 0)),
    ):
        found = constraint(w)
        assert found.dtype == dtype and found is not w
        np.testing.assert_allclose(found, wanted, rtol=1e-12 if dtype == "float64" else 2e-6)
    np.testing.assert_array_equal(w, before)


def test_what_they_reach():
    assert (length(constraints.MaxNorm(1.0)(W), 0) <= 1).all()
    np.testing.assert_allclose(length(constraints.UnitNorm()(W), 0), 1, rtol=1e-6)
    lengths = length(constraints.MinMaxNorm(1.0, 2.0)(W), 0)
    assert (lengths > 1 - 1e-6).all() and (lengths <= 2).all()
    assert constraints.NonNeg()(np.array([-1.0, 0.0, 2.0])).tolist() == [0, 0, 2]


def test_short_vectors_are_left_alone_by_max_norm():
    w = np.array([[0.3], [0.4]])
    np.testing.assert_allclose(constraints.MaxNorm(1.0)(w), w, rtol=1e-6)


def test_zeros_empty_and_nan():
    for constraint in (constraints.MaxNorm(), constraints.UnitNorm(), constraints.MinMaxNorm(), constraints.NonNeg()):
        assert (constraint(np.zeros((2, 3))) == 0).all()
        assert constraint(np.zeros((0, 3))).shape == (0, 3)
        found = constraint(np.array([[np.nan, 1.0], [1.0, 1.0]]))
        assert np.isnan(found[0, 0]) and not np.isnan(found[:, 1]).any()


def test_any_array():
    for w in (W.T, W[::-1, :, ::2], np.asfortranarray(W), W.astype(">f8")):
        for constraint in (constraints.UnitNorm(1), constraints.NonNeg()):
            np.testing.assert_allclose(constraint(w), constraint(np.array(w, "float64", order="C")))
    assert constraints.NonNeg()([[1, -2]]).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: constraints.MaxNorm(-1), "MaxNorm: max_value must be a number of at least 0, got -1"),
        (lambda: constraints.MaxNorm("2"), "MaxNorm: max_value .* got '2'"),
        (lambda: constraints.MaxNorm(axis=0.5), "MaxNorm: axis must be a whole number or several, got 0.5"),
        (lambda: constraints.UnitNorm(axis=[]), r"UnitNorm: axis .* got \[\]"),
        (lambda: constraints.UnitNorm(axis=None), "UnitNorm: axis .* got None"),
        (lambda: constraints.MinMaxNorm(2.0, 1.0), "MinMaxNorm: min_value 2.0 is above max_value 1.0"),
        (lambda: constraints.MinMaxNorm(rate=1.5), "MinMaxNorm: rate must be a number from 0 to 1, got 1.5"),
        (lambda: constraints.MaxNorm(axis=2)(np.ones((2, 2))), r"axis 2 does not exist .* shape \(2, 2\)"),
        (lambda: constraints.UnitNorm([0, 3])(np.ones((2, 2))), r"axis \[0, 3\] does not exist"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("constraint", "config"),
    [
        (constraints.MaxNorm(), {"max_value": 2, "axis": 0}),
        (constraints.MaxNorm(np.float64(3.0), axis=(0, 1)), {"max_value": 3.0, "axis": [0, 1]}),
        (constraints.NonNeg(), {}),
        (constraints.UnitNorm(axis=[0, 1, 2]), {"axis": [0, 1, 2]}),
        (constraints.MinMaxNorm(), {"min_value": 0.0, "max_value": 1.0, "rate": 1.0, "axis": 0}),
    ],
    ids=repr,
)
def test_config_makes_the_round_trip(constraint, config):
    written = constraints.serialize(constraint)
    assert written["module"] == "keras.constraints" and written["config"] == config
    again = constraints.deserialize(json.loads(json.dumps(written)))
    assert type(again) is type(constraint) and again.get_config() == config


@pytest.mark.parametrize("name", ["max_norm", "non_neg", "unit_norm", "min_max_norm"])
def test_names(name):
    made = constraints.get(name)
    assert type(made) is getattr(constraints, name) is type(constraints.get(type(made).__name__))
    assert constraints.get(made) is made and type(constraints.get(type(made))) is type(made)


def test_get():
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match=r"'maxnorm'.* Did you mean"):
        constraints.get("maxnorm")
    with pytest.raises(TypeError, match="2"):
        constraints.get(2)
    clip = lambda w: np.clip(w, -1, 1)  # noqa: E731
    assert constraints.get(clip) is clip


def test_one_of_the_users_own():
    class Rounded(constraints.Constraint):
        def __init__(self, digits=1):
            self.digits = digits

        def __call__(self, w):
            return np.round(w, self.digits)

    assert Rounded(0)(np.array([1.4])).tolist() == [1.0]
    written = constraints.serialize(Rounded(2))
    assert written["config"] == {"digits": 2}
    assert constraints.deserialize(written, {"Rounded": Rounded}).digits == 2
    with pytest.raises(NotImplementedError, match="must define __call__"):
        constraints.Constraint()(W)
