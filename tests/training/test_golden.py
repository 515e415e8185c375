"""Whole training runs against what Keras 3.15.1 reported for them (tests/golden/record_training.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from golden.training_cases import CASES, run

import nnlite

RECORDED = json.loads((Path(__file__).parent.parent / "golden" / "training.json").read_text())


@pytest.mark.parametrize("kind", CASES)
def test_a_run_reports_what_keras_reports(kind):
    ours, keras = run(nnlite, kind), RECORDED[kind]
    assert list(ours["history"]) == list(keras["history"])
    assert list(ours["evaluate_dict"]) == list(keras["evaluate_dict"])
    for name, values in keras["history"].items():
        np.testing.assert_allclose(ours["history"][name], values, rtol=1e-4, err_msg=name)
    for name, value in keras["evaluate_dict"].items():
        np.testing.assert_allclose(ours["evaluate_dict"][name], value, rtol=1e-4, err_msg=name)
    if not any(name.startswith("weighted_") for name in keras["history"]):  # of equal names Keras lists the first twice
        np.testing.assert_allclose(ours["evaluate"], keras["evaluate"], rtol=1e-4)
        np.testing.assert_allclose(ours["train_on_batch"], keras["train_on_batch"], rtol=1e-4)
    np.testing.assert_allclose(ours["train_on_batch"][0], keras["train_on_batch"][0], rtol=1e-4)
    np.testing.assert_allclose(ours["predict"], keras["predict"], atol=1e-4)
