"""nnlite computes the losses that Keras 3.15.1 computes, with their gradients, configs and names."""

import json
import pathlib

import numpy as np
import pytest
from golden import cases, loss_cases, packed
from golden.test_golden import made

import nnlite as keras

FOLDER = pathlib.Path(__file__).parent
LOSSES = packed.load(FOLDER / "losses.npz")
FACTS = json.loads((FOLDER / "losses.json").read_text())


@pytest.mark.parametrize("index", range(len(loss_cases.LOSSES)), ids=lambda i: " ".join(loss_cases.LOSSES[i]))
def test_values_and_gradients(index):
    expression, kind, weight = loss_cases.LOSSES[index]
    stream = cases.rng(f"{expression} {kind} {weight}")
    y_true, y_pred = loss_cases.targets(kind, stream)
    w = cases.sample_weight(weight, stream)[: len(y_pred)] if weight == "row" else None
    mask = loss_cases.mask(y_pred) if weight == "mask" else None
    loss = made(expression, keras.losses)
    loss.validate(y_true, y_pred.shape)
    value, cache = loss.forward(y_true, y_pred, w, mask)
    expected, expected_dp = LOSSES[f"{index}.value"], LOSSES[f"{index}.dp"]
    assert np.shape(value) == expected.shape
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    dp = loss.backward(cache)
    assert dp.dtype == np.float32 and dp.shape == expected_dp.shape
    finite = np.isfinite(expected_dp)
    assert np.isfinite(dp).all() or not finite.all()
    # Of labels that cost 1e5, single precision leaves shares to a hundredth.
    tolerance = 3e-2 if kind == "sequences_too_long" else 2e-5
    largest = np.abs(expected_dp[finite]).max()
    np.testing.assert_allclose(dp[finite], expected_dp[finite], rtol=tolerance, atol=tolerance * largest + 1e-7)


@pytest.mark.parametrize("expression", FACTS["configs"])
def test_configs(expression):
    theirs, ours = FACTS["configs"][expression], keras.losses.serialize(made(expression, keras.losses))
    extra = {"axis"} if "CosineSimilarity" in expression else set()  # left out by Keras, and lost with it
    ours["config"] = {key: value for key, value in ours["config"].items() if key not in extra}
    assert json.loads(json.dumps(ours)) == theirs
    again = keras.losses.deserialize(theirs)
    assert {k: v for k, v in again.get_config().items() if k not in extra} == ours["config"]


@pytest.mark.parametrize("name", FACTS["names"])
def test_names(name):
    found = keras.losses.get(name)
    assert [getattr(found, "__name__", type(found).__name__), getattr(found, "name", None)] == FACTS["names"][name]
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3)])
    model.compile("sgd", name)
