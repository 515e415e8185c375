"""Scripts pass arguments by position: ours stand in Keras's order, with Keras's defaults."""

import inspect
import json
import pathlib

import pytest

import nnlite as keras

FACTS = json.loads((pathlib.Path(__file__).parent / "signatures.json").read_text())
OURS_DIFFER = {
    "utils.timeseries_dataset_from_array.format": None,  # one kind of data set, TensorFlow's is not there
    "losses.BinaryCrossentropy.name": None,  # the same name is found later
    "losses.CategoricalCrossentropy.name": None,
}


def found(path):
    one = keras
    for part in path.split("."):
        one = getattr(one, part, None)
    return one


KNOWN = [path for path in FACTS if found(path) is not None]


def test_most_names_are_there():
    assert len(KNOWN) > 400


def parameters(one):
    return inspect.signature(one.__init__ if inspect.isclass(one) else one).parameters


@pytest.mark.parametrize("path", KNOWN)
def test_arguments_stand_in_the_order_of_keras(path):
    taken = parameters(found(path))
    ours = [name for name, p in taken.items() if name != "self" and p.kind is p.POSITIONAL_OR_KEYWORD]
    theirs = FACTS[path]["order"].split()
    assert ours[: len(theirs)] == theirs[: len(ours)]
    for name, default in FACTS[path]["defaults"].items():
        default = OURS_DIFFER.get(f"{path}.{name}", default)
        if name in taken and taken[name].default is not inspect.Parameter.empty:
            assert plain(taken[name].default) == plain(default), name


def plain(default):
    """Equal sizes along all axes are one number."""
    while isinstance(default, (list, tuple)) and default and all(one == default[0] for one in default):
        default = default[0]
    return list(default) if isinstance(default, tuple) else default
