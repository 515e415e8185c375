"""Optimizers and schedules do what Keras 3.15.1 does: values, state, paths, configs (recorded in tests/golden)."""

import json
import pathlib

import numpy as np
import pytest
from golden import optimizer_cases as cases

import nnlite
from nnlite.optimizers import schedules

RECORDED = json.loads((pathlib.Path(__file__).parents[1] / "golden" / "optimizers.json").read_text())

# The table of the reference: w00 w01 w10 w11 b after three steps with factors 0.1, -0.2, 0.3.
TABLE = {
    "SGD": ({}, [0.98, 1.96, 3.02, 3.99, 0.48]),
    "SGD momentum": ({"momentum": 0.9}, [0.9809, 1.9618, 3.0191, 3.99045, 0.4809]),
    "SGD nesterov": ({"momentum": 0.9, "nesterov": True}, [0.96281, 1.92562, 3.03719, 3.981405, 0.46281]),
    "SGD decay": ({"weight_decay": 0.1}, [0.950298, 1.900596, 2.930898, 3.871195, 0.465149]),
    "Adam": ({}, [0.90229, 1.902288, 3.09771, 3.902292, 0.40229]),
    "AdamW": ({"weight_decay": 0.1}, [0.874212, 1.84451, 3.006984, 3.785112, 0.389063]),
    "RMSprop": ({}, [0.710436, 1.710426, 3.289564, 3.710478, 0.210436]),
    "RMSprop both": ({"momentum": 0.9, "centered": True}, [0.383342, 1.383308, 3.616658, 3.383478, -0.116658]),
    "Adam clipnorm": ({"clipnorm": 0.1}, [0.871694, 1.871689, 3.128306, 3.871703, 0.371688]),
    "SGD clipvalue": ({"clipvalue": 0.1}, [0.99, 1.99, 3.01, 3.995, 0.49]),
    "SGD global_clipnorm": ({"global_clipnorm": 0.1}, [0.996286, 1.992572, 3.003714, 3.998143, 0.496286]),
    "SGD accumulate": ({"gradient_accumulation_steps": 2}, [1.005, 2.01, 2.995, 4.0025, 0.505]),
}


def test_every_case_is_recorded():
    assert set(RECORDED["optimizers"]) == set(cases.CASES)
    assert set(RECORDED["schedules"]) == set(cases.SCHEDULES)


@pytest.mark.parametrize("name", cases.CASES)
def test_six_steps_are_those_of_keras(name):
    recorded, found = RECORDED["optimizers"][name], cases.run(nnlite, name)
    np.testing.assert_allclose(found["values"], recorded["values"], rtol=0, atol=2e-6)
    assert found["paths"] == recorded["paths"]
    assert found["iterations"] == recorded["iterations"]
    for path, own, theirs in zip(found["paths"], found["state"], recorded["state"], strict=True):
        np.testing.assert_allclose(own, theirs, rtol=2e-6, atol=1e-9, err_msg=path)


@pytest.mark.parametrize("name", cases.CASES)
def test_config_has_the_keys_of_keras_in_its_order(name):
    recorded, found = RECORDED["optimizers"][name]["config"], cases.run(nnlite, name)["config"]
    assert json.dumps(found) == json.dumps(recorded)
    again = nnlite.optimizers.deserialize(recorded)
    assert json.dumps(nnlite.optimizers.serialize(again)) == json.dumps(recorded)


@pytest.mark.parametrize("name", TABLE)
def test_three_steps_of_the_reference_table(name):
    arguments, expected = TABLE[name]
    kernel = nnlite.Variable(np.array(cases.KERNEL, "float32"))
    bias = nnlite.Variable(np.array(cases.BIAS, "float32"))
    optimizer = getattr(nnlite.optimizers, name.split()[0])(0.1, **arguments)
    for factor in (0.1, -0.2, 0.3):
        optimizer.apply([np.float32(factor) * np.array(cases.DIRECTION), [factor]], [kernel, bias])
    np.testing.assert_allclose(np.append(kernel.value, bias.value), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_schedules_are_those_of_keras(name):
    recorded, found = RECORDED["schedules"][name], cases.run_schedule(nnlite, name)
    np.testing.assert_allclose(found["rates"], recorded["rates"], rtol=0, atol=1e-7)
    assert json.dumps(found["config"]) == json.dumps(recorded["config"])
    again = schedules.deserialize(recorded["config"])
    assert [again(step) for step in cases.USUAL] == found["rates"]
