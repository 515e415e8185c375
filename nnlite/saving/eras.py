"""One step that turns the configs of any Keras since 1.0 into those that today's Keras writes and nnlite reads.

What was called what, and which keys mean nothing, stands in the tables of :mod:`nnlite.saving.eras_layers`, what
models looked like in :mod:`nnlite.saving.eras_graph`, TensorFlow's functions in :mod:`nnlite.saving.eras_ops`, what
``compile`` was told in :mod:`nnlite.saving.eras_training`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from nnlite.core import registry
from nnlite.saving import eras_graph, eras_layers, eras_ops, eras_training

MAX_DEPTH = 200

# Keys, classes and beginnings of module names that only Keras before 3 wrote.
_OLD_KEYS = {"batch_input_shape", "time_major", "implementation", "nb_filter", "border_mode", "inner_activation"}
_OLD_CLASSES = {"Model", "TFOpLambda", "SlicingOpLambda", "CuDNNLSTM", "CuDNNGRU", "Merge"}
_OLD_MODULE = re.compile(r"(keras\.src\.engine|keras\.engine|tensorflow\.|keras\.src\.layers\.core\.tf_op_layer)")
# The kinds of what is under a key, or under one that ends with the word.
_KINDS = {
    **dict.fromkeys(("layer", "layers", "backward_layer", "cell", "cells"), "layers"),
    **{kind[:-1]: kind for kind in ("initializers", "regularizers", "constraints", "optimizers")},
    "learning_rate": "schedules",
    "dtype": "policies",
    "loss": "losses",
    "metrics": "metrics",
    "weighted_metrics": "metrics",
}


class Era(NamedTuple):
    """What a file's version says of the meaning of its words."""

    old: bool  # before Keras 3
    early: bool  # before 2.3, and no part of TensorFlow
    alone: bool  # no part of TensorFlow, so up to 2.3


def normalize(config: Any, version: str | None = None) -> Any:
    """Return the config of a model of any Keras as today's Keras would write it.

    Args:
        config: the architecture, as JSON gives it.
        version: the file's ``keras_version``; where it is None or says nothing, the form of the config tells.

    Objects that the user registered or passes in a :class:`~nnlite.core.registry.custom_object_scope` keep their keys.

    Raises ``ValueError`` for a key whose value nnlite cannot honour, and for a config nested deeper than 200 levels.
    """
    _check_depth(config)
    if isinstance(config, dict) and isinstance(config.get("keras_version"), str) and "class_name" in config:
        version = version or config["keras_version"]
        config = {key: value for key, value in config.items() if key not in ("keras_version", "backend")}
    return _walk(config, _era(config, version))


def inner(class_name: str, config: Any) -> Any:
    """Return what a model's ``from_config`` is given as today's, if it looks like that of a Keras before 3.

    Only the forms of the layers and of their calls tell here.
    """
    layers = config.get("layers") if isinstance(config, dict) else None
    if isinstance(config, list) or (isinstance(layers, list) and any(map(_looks_old, layers))):
        found = normalize({"class_name": class_name, "config": config}, None)
        if found["class_name"] != class_name:
            raise ValueError(f"This is no {class_name} today but a graph: make it with nnlite.models.model_from_json.")
        return found["config"]
    return config


def _looks_old(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    config, nodes, name = entry.get("config"), entry.get("inbound_nodes"), str(entry.get("class_name"))
    of_today = {"implementation"} if name.startswith("LocallyConnected") else set()
    return (
        name in _OLD_CLASSES
        or (isinstance(config, dict) and not (_OLD_KEYS - of_today).isdisjoint(config))
        or (entry.get("class_name") == "Sequential" and isinstance(config, list))
        or (isinstance(nodes, list) and any(isinstance(node, list) for node in nodes))
    )


def normalize_training(training_config: Any, version: str | None = None) -> dict[str, Any]:
    """Return what a file says of compile, as today's Keras would write it: for ``model.compile_from_config``.

    Args:
        training_config: ``training_config`` of an ``.h5`` file, or ``compile_config`` of a model's config.
        version: the file's ``keras_version``; None where it is unknown.

    Raises:
        TypeError: if it is no dict.
        ValueError: for settings that nnlite cannot honour.
    """
    _check_depth(training_config)
    if not isinstance(training_config, dict):
        raise TypeError(f"Cannot compile a model from {training_config!r}: expected a dict.")
    era = _era(training_config, version)
    today = eras_training.normalize(training_config, era.old, era.alone)
    return {key: _walk(value, era, _kind(key)) for key, value in today.items()}


def _check_depth(config: Any) -> None:
    pending = [(config, 0)] if isinstance(config, (dict, list)) else []
    while pending:
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"The config is nested deeper than {MAX_DEPTH} levels.")
        pending += [(one, depth + 1) for one in _inside(value)]


def _inside(value: dict[str, Any] | list[Any]) -> list[Any]:
    """The dicts and lists in a dict or list; soon found to be none in long lists of numbers or words."""
    items = value.values() if isinstance(value, dict) else value
    nested = tuple(kind for kind in set(map(type, items)) if issubclass(kind, (dict, list)))
    return [one for one in items if isinstance(one, nested)] if nested else []


def _era(config: Any, version: str | None) -> Era:
    found = re.match(r"(\d{1,9})\.(\d{1,9})", version) if isinstance(version, str) else None
    if found is not None:
        number = int(found[1]), int(found[2])
        alone = number <= (2, 3) and "-tf" not in str(version)
        return Era(number < (3, 0), alone and number < (2, 3), alone)
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += _inside(value)
        elif isinstance(value, dict):
            if _looks_old(value) or _OLD_MODULE.match(str(value.get("module"))):
                return Era(True, False, False)
            pending += _inside(value)
    return Era(False, False, False)


def _walk(value: Any, era: Era, kind: str | None = None) -> Any:
    """What is today's for a part of a config, which is of a kind of :data:`registry.MODULES`, where that is known."""
    if isinstance(value, list):
        if not _inside(value):
            return list(value)
        return [_walk(one, era, kind) if isinstance(one, (dict, list)) else one for one in value]
    if not isinstance(value, dict):
        return value
    name = value.get("class_name")
    if name == "__tuple__" and isinstance(value.get("items"), list):
        return _walk(value["items"], era, kind)
    if value.keys() == {"type", "value"} and str(value["type"]).startswith(("ndarray", "float", "int")):
        return value["value"]  # Keras 2 wrote numbers of NumPy like this
    if not isinstance(name, str) or not isinstance(value.get("config"), (dict, list)):
        return {key: _walk(one, era, _kind(key) or kind) for key, one in value.items()}
    return _object(name, value, era, kind)


def _kind(key: str) -> str | None:
    """The kind of object that is under a key, as far as its config needs to say so."""
    return _KINDS.get(key, _KINDS.get(key.rpartition("_")[2]))


def _object(name: str, value: dict[str, Any], era: Era, kind: str | None) -> dict[str, Any]:
    """What describes an object, as it does today, with all that is in it."""
    if name == "Sequential":
        merged = eras_graph.branches(value["config"])
        name = name if merged is None else "Model"
        value = {**value, "class_name": name, "config": merged or eras_graph.sequential(value["config"])}
    custom = _is_custom(value)
    value = {key: _walk(one, era) for key, one in value.items()}
    config = value["config"]
    if isinstance(config, dict):
        if custom:
            config = {key: one for key, one in config.items() if key != "batch_input_shape"}
        else:
            name, config = eras_layers.modern(name, config, era.old, era.early)
        if eras_graph.is_listed(config):
            config = eras_graph.functional(config)
    value = {**value, "class_name": name, "config": config}
    if kind == "layers" and "module" not in value and eras_ops.is_nameless(value):
        return {**value, "module": eras_ops.module_of(name)}
    if era.old and not custom and "__" not in name:
        return _placed(value, name, kind)
    return value


def _placed(value: dict[str, Any], name: str, kind: str | None) -> dict[str, Any]:
    """An object of before Keras 3 with the module it has today; the one it had names files that are no more."""
    value = {key: one for key, one in value.items() if key != "module"}
    if kind == "layers" and registry.find(kind, name) is None:
        kind = "models"  # which are layers too
    if kind is None or registry.find(kind, name) is None:
        return value
    return {"module": registry.MODULES[kind], **value}


def _is_custom(value: dict[str, Any]) -> bool:
    names = (value.get("registered_name"), value["class_name"])
    return any(isinstance(name, str) and registry.get_registered_object(name) is not None for name in names)
