"""STFT kernels, the orthogonal penalty and constraints are those of Keras 3.15.1, and so are their configs."""

import json
import pathlib

import numpy as np
import pytest
from golden.projection_cases import CONSTRAINTS, ORTHOGONAL, STFT, array

import nnlite

FOLDER = pathlib.Path(__file__).parent
ARRAYS = np.load(FOLDER / "projections.npz")
CONFIGS = json.loads((FOLDER / "projections.json").read_text())


def check_config(name, made, family):
    theirs = CONFIGS[name]
    ours = json.loads(json.dumps(family.serialize(made)))
    wanted = json.loads(json.dumps(theirs))
    for config in (ours["config"], wanted["config"]):
        if "factor" in config:
            config["factor"] = round(config["factor"], 6)  # Keras keeps it in float32
    assert ours == wanted
    again = family.deserialize(theirs)
    assert json.loads(json.dumps(family.serialize(again))) == theirs


@pytest.mark.parametrize("name", STFT)
def test_stft(name):
    options, shape = STFT[name]
    made = nnlite.initializers.STFT(**options)
    for one in (made, nnlite.initializers.deserialize(CONFIGS[f"stft {name}"])):
        values = one(shape, "float32")
        assert values.dtype == np.float32 and values.flags.owndata
        np.testing.assert_allclose(values, ARRAYS[f"stft {name}"], rtol=0, atol=1e-5 * np.abs(values).max())
    check_config(f"stft {name}", made, nnlite.initializers)


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_orthogonal(name):
    options, shape = ORTHOGONAL[name]
    made, x = nnlite.regularizers.OrthogonalRegularizer(**options), array(name, shape)
    found = np.append(made.gradient(x).ravel(), made(x))
    assert made.gradient(x).dtype == np.float32
    np.testing.assert_allclose(found, ARRAYS[f"orthogonal {name}"], rtol=1e-5, atol=1e-7)
    check_config(f"orthogonal {name}", made, nnlite.regularizers)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(name):
    kind, options, shape = CONSTRAINTS[name]
    made = getattr(nnlite.constraints, kind)(**options)
    np.testing.assert_allclose(made(array(name, shape)), ARRAYS[f"constraint {name}"], rtol=1e-6, atol=1e-7)
    check_config(f"constraint {name}", made, nnlite.constraints)


def test_everything_recorded_is_tested():
    groups = {"stft": STFT, "orthogonal": ORTHOGONAL, "constraint": CONSTRAINTS}
    assert set(ARRAYS.files) == set(CONFIGS) == {f"{kind} {name}" for kind, cases in groups.items() for name in cases}
