"""Nets of all kinds train as they do in Keras 3.15.1: losses of 20 steps to 1e-4, then fit, evaluate and predict."""

import json
import pathlib

import numpy as np
import pytest
from golden import curve_cases

import nnlite
from nnlite.core import naming

RECORDED = json.loads((pathlib.Path(__file__).parent / "curves.json").read_text())


@pytest.fixture(scope="module", params=curve_cases.CURVES)
def runs(request):
    naming.reset_names()
    return curve_cases.run(nnlite, request.param), RECORDED[request.param]


def close(ours, keras):
    np.testing.assert_allclose(ours, keras, rtol=1e-4, atol=1e-4)


def test_losses_of_20_steps(runs):
    ours, keras = runs
    np.testing.assert_allclose(ours["losses"], keras["losses"], rtol=1e-4)


def test_logs_have_the_keys_order_and_values(runs):
    ours, keras = runs
    for logs in ("last step", "history"):
        assert list(ours[logs]) == list(keras[logs])
        for name, value in keras[logs].items():
            close(ours[logs][name], value)


@pytest.mark.parametrize("what", ["evaluate", "test_on_batch", "predict", "predict after", "sums of weights"])
def test_numbers_afterwards(runs, what):
    ours, keras = runs
    close(ours[what], keras[what])


def test_names_and_steps(runs):
    ours, keras = runs
    assert ours["paths"] == keras["paths"]
    assert ours["iterations"] == keras["iterations"]


def test_every_curve_is_recorded():
    assert list(RECORDED) == list(curve_cases.CURVES)
