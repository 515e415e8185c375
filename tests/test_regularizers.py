"""Regularizers: values, gradients by central differences, names, configs, and what they refuse."""

import json
import math

import numpy as np
import pytest

from nnlite import regularizers

CASES = [
    (regularizers.L1(0.3), lambda x: 0.3 * np.abs(x).sum()),
    (regularizers.L2(0.3), lambda x: 0.3 * (x**2).sum()),
    (regularizers.L1L2(0.3, 0.2), lambda x: 0.3 * np.abs(x).sum() + 0.2 * (x**2).sum()),
    (regularizers.L1L2(l1=0.3), lambda x: 0.3 * np.abs(x).sum()),
    (regularizers.L1L2(), lambda x: 0.0),
]
ARRAYS = {
    "matrix": np.random.default_rng(0).normal(size=(5, 7)),
    "strided": np.random.default_rng(1).normal(size=(6, 8))[::2, ::-3],
    "column major": np.asfortranarray(np.random.default_rng(2).normal(size=(4, 3, 2))),
    "big endian": np.linspace(-1, 2, 5).astype(">f8"),
    "one": np.array(-2.0),
    "empty": np.empty((0, 3)),
}


@pytest.mark.parametrize("x", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize(("penalty", "formula"), CASES, ids=lambda c: repr(c) if hasattr(c, "gradient") else "")
def test_value_and_gradient(penalty, formula, x):
    before = x.copy()
    assert float(penalty(x)) == pytest.approx(formula(x), rel=1e-12)
    gradient = penalty.gradient(x)
    assert gradient.shape == x.shape
    for i in np.ndindex(x.shape):
        moved = [np.array(x, "float64") for _ in range(2)]
        moved[0][i] += 1e-6
        moved[1][i] -= 1e-6
        assert gradient[i] == pytest.approx((formula(moved[0]) - formula(moved[1])) / 2e-6, abs=1e-8)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(("penalty", "formula"), CASES, ids=lambda c: repr(c) if hasattr(c, "gradient") else "")
def test_float32_stays_float32(penalty, formula):
    x = np.random.default_rng(3).normal(size=(50, 40)).astype("float32")
    x.flags.writeable = False
    value = penalty(x)
    assert np.ndim(value) == 0 and np.asarray(value).dtype == np.float32
    assert float(value) == pytest.approx(formula(x.astype("float64")), rel=1e-5)
    assert penalty.gradient(x).dtype == np.float32


def test_gradient_of_l1_is_0_at_0_and_nan_is_seen():
    assert regularizers.L1(0.5).gradient(np.array([-2.0, 0.0, 3.0])).tolist() == [-0.5, 0.0, 0.5]
    for penalty, _ in CASES[:3]:
        x = np.array([1.0, np.nan])
        assert math.isnan(penalty(x)) and np.isnan(penalty.gradient(x)).tolist() == [False, True]


def test_lists_and_integers():
    assert regularizers.L2(0.5)([1, 2]) == 2.5
    assert regularizers.L1(0.5)(np.array([1, -2])) == 1.5
    assert regularizers.L2(0.5).gradient([1, 2]).tolist() == [1, 2]


def test_defaults():
    assert regularizers.L1().get_config() == regularizers.L1(None).get_config() == {"l1": 0.01}
    assert regularizers.L2().get_config() == regularizers.L2(None).get_config() == {"l2": 0.01}
    assert regularizers.L1L2().get_config() == regularizers.L1L2(None, None).get_config() == {"l1": 0.0, "l2": 0.0}


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, "0.1", True, [0.1]])
@pytest.mark.parametrize(
    ("make", "name"), [(regularizers.L1, "l1"), (regularizers.L2, "l2"), (regularizers.L1L2, "l2")]
)
def test_strengths_that_are_refused(make, name, value):
    with pytest.raises(ValueError, match=f"{make.__name__}: {name} must be a finite number of at least 0, got"):
        make(**{name: value})


def test_strength_may_be_a_numpy_number():
    config = regularizers.L2(np.float32(0.5)).get_config()
    assert config == {"l2": 0.5} and type(config["l2"]) is float


def test_names():
    assert regularizers.l1 is regularizers.L1 and regularizers.l2 is regularizers.L2
    assert regularizers.l1_l2 is regularizers.L1L2
    for name in ("l1", "L1", "l2", "L2", "l1l2", "L1L2"):
        assert type(regularizers.get(name)) is type(regularizers.deserialize(name))
        assert type(regularizers.get(name)).__name__ == name.upper()
    assert regularizers.get(None) is None
    penalty = regularizers.L1()
    assert regularizers.get(penalty) is penalty
    assert type(regularizers.get(regularizers.L1)) is regularizers.L1
    with pytest.raises(ValueError, match=r"'l3'.* Did you mean"):
        regularizers.get("l3")
    with pytest.raises(TypeError, match=r"0\.01"):
        regularizers.get(0.01)


@pytest.mark.parametrize("penalty", [c[0] for c in CASES], ids=repr)
def test_config_makes_the_round_trip(penalty):
    written = regularizers.serialize(penalty)
    assert written["module"] == "keras.regularizers" and written["registered_name"] is None
    again = regularizers.deserialize(json.loads(json.dumps(written)))
    assert type(again) is type(penalty) and again.get_config() == penalty.get_config()


def test_one_of_the_users_own_says_what_it_lacks():
    class OnlyValue(regularizers.Regularizer):
        def __call__(self, x):
            return x.sum()

    assert OnlyValue()(np.ones(3)) == 3
    with pytest.raises(NotImplementedError, match=r"OnlyValue has no gradient.*define gradient\(self, x\)"):
        OnlyValue().gradient(np.ones(3))
    with pytest.raises(NotImplementedError, match="must define __call__"):
        regularizers.Regularizer()(np.ones(3))
    again = regularizers.deserialize(regularizers.serialize(OnlyValue()), {"OnlyValue": OnlyValue})
    assert type(again) is OnlyValue


def test_orthogonal_gradient_is_the_derivative():
    rng = np.random.default_rng(4)
    for mode in ("rows", "columns"):
        penalty = regularizers.OrthogonalRegularizer(0.3, mode)
        for x in (rng.standard_normal((5, 3)), rng.standard_normal((6, 8))[::2, ::-2]):
            direction = rng.standard_normal(x.shape)
            numeric = (penalty(x + 1e-6 * direction) - penalty(x - 1e-6 * direction)) / 2e-6
            assert (penalty.gradient(x) * direction).sum() == pytest.approx(numeric, rel=1e-6)


def test_orthogonal_of_what_has_no_pair_or_no_length():
    penalty = regularizers.OrthogonalRegularizer(0.5)
    assert float(penalty(np.ones((1, 3)))) == 0.0 and not penalty.gradient(np.ones((1, 3))).any()
    x = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    assert float(penalty(x)) == pytest.approx(0.5 / 3 / math.sqrt(2))
    assert np.isfinite(penalty.gradient(x)).all()
    with pytest.raises(ValueError, match=r"expected a matrix, got a variable of shape \(3,\)"):
        penalty(np.ones(3))
    with pytest.raises(ValueError, match="mode must be 'rows' or 'columns', got 'both'"):
        regularizers.OrthogonalRegularizer(mode="both")
    with pytest.raises(ValueError, match="factor must be a finite number"):
        regularizers.OrthogonalRegularizer(-1.0)
    assert isinstance(regularizers.get("orthogonal_regularizer"), regularizers.orthogonal_regularizer)
