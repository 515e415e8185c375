"""The HDF5 files of Keras 1 and 2, which Keras 3 still writes: a group for each layer, with the names of its arrays.

A whole model has its config in the attribute ``model_config`` and its weights in the group ``model_weights``; a file
of weights alone is that group. ``layer_names`` lists the layers in the model's order, and each one's ``weight_names``
its arrays: first those that learn, then the others.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from typing import Any

import numpy as np

from nnlite.core.loading import Opening
from nnlite.core.variable import Variable
from nnlite.saving import guarded, hdf5, legacy_arrays
from nnlite.saving.legacy_arrays import Part, Writer
from nnlite.saving.stored import Stored

# Layers, or arrays of one, that a file may list, and arrays of all.
_MOST_LISTED, _MOST_ARRAYS = 10_000, 2**16


class StoredLayer:
    """The arrays of one layer, described when they are asked for, and not read yet.

    Args:
        name: the layer's.
        names: the arrays'.
        group: what holds them.
        label: the file's name, for messages.
    """

    def __init__(self, name: str, names: list[str], group: Any, label: str) -> None:
        self.name, self.names = name, names
        self._group, self._label = group, label

    @functools.cached_property
    def arrays(self) -> list[Stored]:
        """The arrays; raises ``ValueError`` for names that the file lists and does not hold."""
        return [_array(self._group, name, self._label) for name in self.names]


def is_legacy(file: Any, label: str) -> bool:
    """Return whether an open HDF5 file has this layout."""
    return any(guarded.has(file, name, label) for name in ("model_config", "layer_names", "layer_names0"))


def stored_layers(file: Any, label: str) -> list[StoredLayer]:
    """Return what the file holds for each layer that has weights, in its order.

    Raises ``ValueError`` if it lists more arrays than a file has: any number of layers may be the same group.
    """
    group = guarded.child(file, "model_weights", label) if not guarded.has(file, "layer_names", label) else file
    group = file if group is None else group
    found, left = [], _MOST_ARRAYS
    for name in listed(guarded.texts(group, "layer_names", label), "layers", label):
        layer = _named(group, name, label)
        if layer is None:
            raise ValueError(f"{label}: the file lists the layer {name!r}, and holds nothing for it.")
        names = listed(guarded.texts(layer, "weight_names", label), f"arrays of {name!r}", label)
        left -= len(names)
        if left < 0:
            raise ValueError(f"{label}: the file lists more than {_MOST_ARRAYS} arrays for its layers.")
        if names:
            found.append(StoredLayer(name, names, layer, label))
    return found


def listed(names: list[str], what: str, label: str, most: int = _MOST_LISTED) -> list[str]:
    """Return names out of an attribute, at most ``most``.

    Raises ``ValueError`` for more, and for one that stands twice: each would be looked up anew, and there is no end of
    them in a small file.
    """
    if len(names) > most:
        raise ValueError(f"{label}: the file lists {len(names)} names for {what}, more than {most}.")
    if len(set(names)) < len(names):
        twice, _ = Counter(names).most_common(1)[0]
        raise ValueError(f"{label}: the file lists {twice!r} more than once for {what}.")
    return names


def _named(group: Any, name: str, label: str) -> Any:
    """A group by a name that may hold slashes, which then were taken for a path when it was written."""
    return guarded.group_at(group, name, label)


def _array(group: Any, name: str, label: str) -> Stored:
    found = guarded.array_at(group, name, label)
    if found is None:
        raise ValueError(f"{label}: the file lists the array {name!r} of {group.name!r}, and does not hold it.")
    return found


def read_weights(
    model: Any,
    file: Any,
    label: str,
    by_name: bool = False,
    skip_mismatch: bool = False,
    opening: Opening | None = None,
) -> dict[int, str]:
    """Read the weights of a model: layer by layer in order, or by the layers' names.

    Everything is checked before the first array is read, and read before the first variable changes.

    Args:
        model: built, so that its variables exist.
        file: the open file.
        label: the file's name, for messages.
        by_name: whether layers are found by their names; what the file does not name keeps its weights.
        skip_mismatch: whether layers that do not fit keep their weights, with a warning, rather than being an error.
        opening: the model that is being made from the file, if it is one: its layers have the file's names.

    Returns:
        By the ids of the variables, the names that the file has for them.

    Raises:
        ValueError: if the numbers of layers, or the numbers or shapes of arrays differ; the message lists them.
    """
    stored = stored_layers(file, label)
    layers = [layer for layer in model.layers if layer.weights]
    if by_name or (opening is not None and {one.name for one in stored} == {layer.name for layer in layers}):
        known = {one.name: one for one in stored}
        pairs = [(layer, known[layer.name]) for layer in layers if layer.name in known]
    elif len(stored) == len(layers):
        pairs = list(zip(layers, stored, strict=True))
    else:
        raise ValueError(
            f"{label}: the file holds weights of {len(stored)} layers ({_listed(one.name for one in stored)}), the "
            f"model {model.name!r} has {len(layers)} with weights ({_listed(layer.name for layer in layers)}). With "
            f"by_name=True those of the same names are read."
        )
    hdf5.check_count(sum(len(one.names) for _, one in pairs), model, label)
    same: hdf5.Pairs = []
    turned: list[Part] = []
    problems = []
    writer = _writer(file, label)
    for layer, one in pairs:
        found = legacy_arrays.parts(layer, _in_order(layer), one.arrays, writer)
        problem = _misfit(layer, one, found)
        if problem:
            problems.append(problem)
            continue
        for part in found or []:
            if part.make is None:
                same += zip(part.variables, part.arrays, strict=True)
            else:
                turned.append(part)
    hdf5.report(problems, model, label, skip_mismatch)
    made = [(part, part.make([array.read() for array in part.arrays])) for part in turned if part.make is not None]
    hdf5.fill(same, opening)
    for part, values in made:
        for variable, value in zip(part.variables, values, strict=True):
            variable.assign(value)
        if opening is not None:
            opening.filled(part.variables)
    return {id(v): name for layer, one in pairs for v, name in zip(_in_order(layer), one.names, strict=False)}


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "") or "none"


def _in_order(layer: Any) -> list[Variable]:
    """The variables in the order of these files: those that learn, then the others."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _writer(file: Any, label: str) -> Writer:
    """What wrote a file. Keras 1 did not always say so."""
    group = guarded.child(file, "model_weights", label)
    places = [file] if group is None else [file, group]
    version, backend = (
        next((text for text in (guarded.text(place, key, label) for place in places) if text is not None), None)
        for key in ("keras_version", "backend")
    )
    return Writer(version is None or version.startswith("1."), backend == "theano")


def _misfit(layer: Any, one: StoredLayer, found: list[Part] | None) -> str | None:
    if found is None:
        expected = ", ".join(f"{v.name} {v.shape}" for v in _in_order(layer))
        shapes = ", ".join(str(array.shape) for array in one.arrays) or "none"
        return f"{layer.label}: expected {expected}; the file has for {one.name!r}: {shapes}"
    kinds = (array.wrong_kind(part.variables[0]) for part in found for array in part.arrays)
    return next((f"{layer.label}: {problem}" for problem in kinds if problem), None)


# ---- writing ----

# Where the optimizer's state stands, which is not where Keras looks for it. If a file has "optimizer_weights", each
# Keras 3 up to 3.15.1 builds the optimizer for `model._trainable_variables`: the model's own variables, not its
# layers', so none. It restores the count of steps and the learning rate and passes over all else, and the first step
# then ends in "ValueError: Argument `optimizer_variables` must be a list of tensors corresponding 1:1 to the trainable
# variables list that the optimizer was built with", in files of its own too. Without that group the optimizer is built
# when training starts: a fresh one, with the settings of the file. No layout does better.
OPTIMIZER = "optimizer_weights_for_nnlite"

_LARGEST_ATTRIBUTE = 64512  # what HDF5 keeps in the header of a group


def write_model(model: Any, file: Any, version: str) -> dict[str, str]:
    """Write a whole model into an open HDF5 file: its config, its weights and the optimizer's state.

    Returns what of it not every Keras knows, as :func:`nnlite.saving.versions.widely_read` does.
    """
    from nnlite.core import serialization
    from nnlite.saving import versions

    described, lacking = versions.widely_read(serialization.serialize(model))
    file.attrs["keras_version"], file.attrs["backend"] = version, "jax"
    file.attrs["model_config"] = json.dumps({"class_name": described["class_name"], "config": described["config"]})
    training = described.get("compile_config")
    if training:
        config = dict(training)
        for key in ("loss", "metrics", "weighted_metrics"):  # Keras reads its own functions back by class only
            config[key] = _as_objects(config.get(key), "losses" if key == "loss" else "metrics")
        optimizer = config.pop("optimizer")
        if isinstance(optimizer, str):
            optimizer = serialization.serialize(model.optimizer)
        name = optimizer.get("registered_name") or optimizer["class_name"]
        config["optimizer_config"] = {"class_name": name, "config": optimizer["config"]}
        file.attrs["training_config"] = json.dumps(config)
    write_weights(model, file.create_group("model_weights"), version)
    if training and model.optimizer is not None and model.optimizer.built:
        group = file.create_group(OPTIMIZER)
        _write_arrays(group, "weight_names", list(model.optimizer.variables))
    return lacking


def _as_objects(value: Any, kind: str) -> Any:
    """A loss or metric, or lists and dicts of them, with the class in the place of a function's name."""
    from nnlite.core import registry, serialization

    if isinstance(value, list):
        return [_as_objects(one, kind) for one in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _as_objects(one, kind) for key, one in value.items()}
    if not isinstance(value, str) or value.lower() in ("accuracy", "acc"):  # whose meaning shapes decide
        return value
    cls = registry.find(kind, value)
    if not isinstance(cls, type):
        cls = registry.find(kind, "".join(word.capitalize() for word in getattr(cls, "__name__", "").split("_")))
    if not isinstance(cls, type):
        return value
    return serialization.serialize(cls() if kind == "losses" else cls(name=value))


def write_weights(model: Any, group: Any, version: str) -> None:
    """Write the weights of a model into an open HDF5 file, or a group of one, layer by layer."""
    group.attrs["keras_version"], group.attrs["backend"] = version, "jax"
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    for layer in model.layers:
        _write_arrays(group.require_group(layer.name), "weight_names", _in_order(layer))


def _write_arrays(group: Any, attribute: str, variables: list[Variable]) -> None:
    names: list[str] = []
    for variable in variables:
        path, number = variable.path, 1
        while path in names:
            path, number = f"{variable.path}_{number}", number + 1
        names.append(path)
        group.create_dataset(path, data=variable.value)
    _write_names(group, attribute, names)


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    """Write a list of names as an attribute, or as several where it is too long for one."""
    encoded = [name.encode() for name in names]
    if not encoded:
        group.attrs[attribute] = np.array([], np.float64)
        return
    each = max(1, _LARGEST_ATTRIBUTE // max(1, *(len(name) for name in encoded)) - 1)
    if len(encoded) <= each:
        group.attrs[attribute] = encoded
        return
    for number, start in enumerate(range(0, len(encoded), each)):
        group.attrs[f"{attribute}{number}"] = encoded[start : start + each]
