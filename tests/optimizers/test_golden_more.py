"""Further optimizers do what Keras 3.15.1 does in twelve steps: values, state, paths, configs (in tests/golden)."""

import json
import pathlib

import numpy as np
import pytest
from golden import optimizer_cases
from golden import optimizer_more_cases as cases

import nnlite

FOLDER = pathlib.Path(__file__).parents[1] / "golden"
ARRAYS = np.load(FOLDER / "optimizers_more.npz")
FACTS = json.loads((FOLDER / "optimizers_more.json").read_text())

# The table of the reference: w00 w01 w10 w11 b after three steps with factors 0.1, -0.2, 0.3.
TABLE = {
    "Adagrad": ({}, [0.960251, 1.945723, 3.039749, 3.973372, 0.460251]),
    "Adadelta": ({"learning_rate": 1.0}, [0.99822, 1.998219, 3.001781, 3.99822, 0.498219]),
    "Adamax": ({}, [0.904224, 1.904224, 3.095776, 3.904224, 0.404224]),
    "Nadam": ({}, [0.898715, 1.898715, 3.101285, 3.898715, 0.398715]),
    "Ftrl": (
        {"l1_regularization_strength": 0.01, "l2_regularization_strength": 0.01},
        [0.003677, 0.251309, 0.175363, 0.019186, -0.014529],
    ),
    "Lion": ({}, [0.9, 1.9, 3.1, 3.9, 0.4]),
    "Lamb": ({}, [0.717687, 1.717686, 3.282313, 3.717687, 0.4455]),
    "Adafactor": ({}, [0.798355, 1.723345, 3.403291, 3.861673, 0.4455]),
}


def made(name):
    return cases.WRAPPERS[name](nnlite) if name in cases.WRAPPERS else cases.make(nnlite, name)


def test_everything_recorded_is_tested():
    assert set(FACTS) == set(ARRAYS.files) == {*cases.CASES, *cases.WRAPPERS}


@pytest.mark.parametrize("name", FACTS)
def test_twelve_steps_are_those_of_keras(name):
    facts, optimizer = FACTS[name], made(name)
    values, state = cases.run(nnlite, name, optimizer, cases.scaled if name.startswith("loss scale") else None)
    sizes = [v.size for v in values] + [a.size for a in state]
    assert [list(a.shape) for a in state] == facts["shapes"]
    parts = np.split(ARRAYS[name], np.cumsum(sizes)[:-1])
    for label, own, theirs in zip(["1", "2", "last", *facts["paths"]], [*values, *state], parts, strict=True):
        np.testing.assert_allclose(own.ravel(), theirs, rtol=2e-5, atol=2e-6, err_msg=label)


@pytest.mark.parametrize("name", FACTS)
def test_state_and_config_are_laid_out_as_those_of_keras(name):
    facts, optimizer = FACTS[name], made(name)
    found = [nnlite.Variable(np.zeros(shape, "float32"), name=key) for key, shape in cases.SHAPES.items()]
    optimizer.build(found)
    assert [v.dtype for v in optimizer.variables] == facts["dtypes"]
    for own, theirs in zip(optimizer.variables, facts["paths"], strict=True):
        # Keras names these by a counter, or without the optimizer
        assert own.path == theirs or own.name == "u_product" or own.path.endswith(f"/{theirs}")
    config = json.loads(json.dumps(nnlite.optimizers.serialize(optimizer)))
    assert json.dumps(config) == json.dumps(facts["config"])
    again = nnlite.optimizers.deserialize(facts["config"])
    assert json.dumps(nnlite.optimizers.serialize(again)) == json.dumps(facts["config"])


def test_averages_of_the_reference_table():
    vs = [nnlite.Variable(np.array(start, "float32")) for start in (optimizer_cases.KERNEL, optimizer_cases.BIAS)]
    optimizer = nnlite.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    for factor in (0.1, -0.2, 0.3):
        optimizer.apply([np.float32(factor) * np.array(optimizer_cases.DIRECTION), [factor]], vs)
    averages = np.concatenate([average.value.ravel() for _, average in optimizer.averages()])
    np.testing.assert_allclose(averages, [0.9908, 1.9816, 3.0092, 3.9954, 0.4908], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", TABLE)
def test_three_steps_of_the_reference_table(name):
    arguments, expected = TABLE[name]
    kernel = nnlite.Variable(np.array(optimizer_cases.KERNEL, "float32"))
    bias = nnlite.Variable(np.array(optimizer_cases.BIAS, "float32"))
    optimizer = getattr(nnlite.optimizers, name)(**{"learning_rate": 0.1, **arguments})
    for factor in (0.1, -0.2, 0.3):
        optimizer.apply([np.float32(factor) * np.array(optimizer_cases.DIRECTION), [factor]], [kernel, bias])
    np.testing.assert_allclose(np.append(kernel.value, bias.value), expected, rtol=0, atol=1.5e-6)
