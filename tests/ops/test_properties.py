"""What must hold for every function of ``nnlite.ops``, tested over the table of cases."""

import copy
import json
import pickle

import numpy as np
import pytest
from ops.case import Case
from ops.cases import CASES

import nnlite
from nnlite import Input, Model, ops
from nnlite.core.structure import flatten

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def model_of(case, dtype="float32"):
    symbols = case.symbols(Input, dtype)
    y = case.call(ops, *symbols)
    return Model(symbols, list(y) if isinstance(y, (tuple, list)) else y)


def given(x):
    return x if len(x) > 1 else x[0]


def floats(arrays):
    return [a for a in arrays if a.dtype.kind == "f"]


def test_names_of_cases_differ():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for case in CASES if case.smooth], ids=lambda case: case.name)
def test_gradients_are_the_derivatives(case):
    model, x = model_of(case, "float64"), case.data(dtype="float64", seed=3)
    y, cache = model.forward(given(x))
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=one.shape) for one in flatten(y)]
    dy = [w if one.dtype.kind == "f" else None for w, one in zip(weights, flatten(y), strict=True)]
    dx = flatten(model.backward(dy if isinstance(y, list) else dy[0], cache))
    assert any(one is not None and np.any(one) for one in dx) or case.name == "to_the_power_of_zero"

    def value(moved):
        made = flatten(model(given(moved)))
        return sum(float((w * one).sum()) for w, one in zip(weights, made, strict=True) if one.dtype.kind == "f")

    for number, (one, gradient) in enumerate(zip(x, dx, strict=True)):
        if one.dtype.kind != "f" or gradient is None:
            continue
        assert gradient.dtype == np.float64 and gradient.shape == one.shape
        way, step = rng.normal(size=one.shape), 1e-6
        there = [[*x[:number], one + sign * step * way, *x[number + 1 :]] for sign in (1, -1)]
        slope = (value(there[0]) - value(there[1])) / (2 * step)
        assert slope == pytest.approx(float((gradient * way).sum()), rel=2e-5, abs=1e-7)


@pytest.mark.parametrize(
    ("case", "batch"),
    [(case, n) for case in CASES for n in (3, 1, 0) if n == 3 or (not case.fixed and (n == 1 or case.empty))],
    ids=lambda one: one.name if isinstance(one, Case) else str(one),
)
def test_shapes_and_dtypes_are_those_declared(case, batch):
    model, x = model_of(case), case.data(batch)
    kept = copy.deepcopy(x)
    y, cache = model.forward(given(x))
    for symbol, one in zip(model.outputs, flatten(y), strict=True):
        assert len(symbol.shape) == one.ndim
        assert all(m in (None, n) for m, n in zip(symbol.shape, one.shape, strict=True)), (symbol.shape, one.shape)
        assert one.dtype.name == symbol.dtype
    for one, other in zip(flatten(model(given(x))), flatten(y), strict=True):
        np.testing.assert_array_equal(one, other)
    direct = case.call(ops, *x)
    for one, other in zip(flatten(list(direct) if isinstance(direct, tuple) else direct), flatten(y), strict=True):
        assert isinstance(one, np.ndarray)
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    dy = [np.ones_like(one) if one.dtype.kind == "f" else None for one in flatten(y)]
    if any(one is not None for one in dy):
        dx = flatten(model.backward(dy if isinstance(y, list) else dy[0], cache))
        for gradient, one in zip(dx, x, strict=True):
            assert gradient is None or (gradient.shape == one.shape and gradient.dtype == one.dtype)
    for one, other in zip(x, kept, strict=True):
        np.testing.assert_array_equal(one, other)
    declared = model.compute_output_shape([one.shape for one in x] if len(x) > 1 else x[0].shape)
    for shape, one in zip([declared] if isinstance(declared, tuple) else declared, flatten(y), strict=True):
        assert all(m in (None, n) for m, n in zip(shape, one.shape, strict=True))


@cases
def test_configs_make_the_same_model(case):
    model, x = model_of(case), case.data()
    config = model.get_config()
    twin = Model.from_config(json.loads(json.dumps(config)))
    assert json.dumps(twin.get_config()) == json.dumps(config)
    for one in (twin, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for ours, other in zip(flatten(one(given(x))), flatten(model(given(x))), strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-6, atol=1e-6)


def test_every_function_with_a_gradient_has_a_case():
    made = {name for case in CASES for name in _operations(model_of(case))}
    known = {
        function.class_name
        for name in ops.__all__
        if isinstance(function := getattr(ops, name), nnlite.ops.base.Function) and function.derivative is not None
    }
    assert known <= made, known - made


def _operations(model):
    return [entry["class_name"] for entry in model.get_config()["layers"]]
