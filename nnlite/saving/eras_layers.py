"""What layers, initializers, regularizers and constraints of any Keras are today, by the tables."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from nnlite.core import registry
from nnlite.saving import eras_tables as tables
from nnlite.saving.eras_tables import ANY


def modern(class_name: str, config: dict[str, Any], old: bool, early: bool) -> tuple[str, dict[str, Any]]:
    """Return the class name and config of today for an object of any era.

    Args:
        class_name, config: what describes it; what is inside is today's already.
        old: whether a Keras before 3 wrote it.
        early: whether one up to 2.2 did.

    Raises ``ValueError`` for a key whose value nnlite cannot honour.
    """
    config = dict(config)
    label = f"{class_name} {config['name']!r}" if config.get("name") else class_name
    try:
        for key, value in tables.CUDNN.get(class_name, {}).items():
            config.setdefault(key, value)
        if class_name == "Merge":
            class_name, config = _merged(config)
        if old and class_name in tables.WITHOUT_CHANCE:
            class_name, config = _without_chance(label, class_name, config)
        if class_name == "Lambda":
            _name_function(config)
        if class_name.startswith("Deconvolution"):
            _without_output_shape(config)
        class_name = tables.CLASSES.get(class_name, class_name)
        _rename(class_name, config)
        for key, value in list(config.items()):
            if key.endswith(("_regularizer", "_constraint")):
                config[key] = _nameless(value)
            if key.endswith("_initializer"):
                config[key] = _initializer(value)
            if old and key in tables.ACTIVATION_KEYS:
                config[key] = _activation(value)
        for names in ("*", class_name):
            changes = tables.CHANGED.get(names, {}) | (tables.CHANGED_BEFORE.get(names, {}) if old else {})
            for key, change in changes.items():
                if key in config and (names != "*" or isinstance(config[key], str)):
                    config[key] = change(config[key])
        config = _without_dropped(class_name, config)
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from None
    defaults = (tables.MEANT.get(class_name, {}) if old else {}) | (
        tables.MEANT_EARLY.get(class_name, {}) if early else {}
    )
    return class_name, {**defaults, **config}


def _rename(class_name: str, config: dict[str, Any]) -> None:
    for key, parts in tables.JOINED.get(class_name, {}).items():
        if all(part in config for part in parts):
            _put(config, key, [config.pop(part) for part in parts], " and ".join(parts))
    for old, key in tables.RENAMED.get(class_name, {}).items():
        if old in config:
            _put(config, key, config.pop(old), old)


def _put(config: dict[str, Any], key: str, value: Any, old: str) -> None:
    if key in config and config[key] != value and None not in (config[key], value):
        raise ValueError(f"{old}={value!r} says something else than {key}={config[key]!r}.")
    if value is not None or key not in config:
        config[key] = value


def _without_dropped(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    recent, dropped = tables.RECENT.get(class_name, {}), tables.DROPPED["*"] | tables.DROPPED.get(class_name, {})
    for key, value in config.items():
        if key in recent and value == recent[key]:
            continue
        allowed = dropped.get(key)
        if allowed is None:
            kept[key] = value
        elif allowed is not ANY and value not in allowed:
            raise ValueError(f"{key}={value!r} is not supported by nnlite, only {_either(allowed)}.")
    return kept


def _either(values: Iterable[Any]) -> str:
    return " or ".join(map(repr, values))


def _activation(value: Any) -> Any:
    """An activation of before Keras 3, by its name, unless the user has one of that name."""
    name = value
    if isinstance(value, dict) and value.get("class_name") == "function":
        name = value.get("config")
    if not isinstance(name, str) or name not in tables.ACTIVATIONS or registry.get_registered_object(name) is not None:
        return value
    return tables.ACTIVATIONS[name]


def _initializer(value: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        return value
    inner = value["config"]
    return {**value, "config": {key: one for key, one in inner.items() if key not in tables.OF_INITIALIZERS}}


def _nameless(value: Any) -> Any:
    """Keras 1 described regularizers and constraints by their arguments and a name: {"name": "L2Regularizer", ...}."""
    if not isinstance(value, dict) or "class_name" in value or not isinstance(value.get("name"), str):
        return value
    name, arguments = value["name"], {key: one for key, one in value.items() if key != "name"}
    if arguments.keys() <= {"l1", "l2"} and "egularizer" in name:
        return {"class_name": "L1L2", "config": arguments}
    return {"class_name": name, "config": modern(name, arguments, True, True)[1]}


def _merged(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    mode = config.get("mode", "sum")
    if config.get("layers"):
        raise ValueError("a Merge of models is supported by nnlite first in a Sequential only.")
    if not isinstance(mode, str) or mode not in tables.MERGES:
        raise ValueError(f"mode={mode!r} is not supported by nnlite, only {_either(tables.MERGES)}.")
    class_name, arguments = tables.MERGES[mode]
    made: dict[str, Any] = {key: config[key] for key in ("name", "trainable", "dtype") if key in config}
    made.update({today: config[key] for key, today in arguments.items() if key in config})
    if mode == "cos":
        made["normalize"] = True
    return class_name, made


def _without_chance(label: str, class_name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A layer of images that is not there as it was, as what it does outside of training."""
    today, arguments = tables.WITHOUT_CHANCE[class_name]
    kept = ("name", "trainable", "dtype", "batch_input_shape", "height", "width")
    names = kept if today != "Identity" else kept[:-2]
    warnings.warn(f"{label} does in training what it does in inference, nothing at random.", stacklevel=2)
    return today, {**{key: config[key] for key in names if key in config}, **arguments}


def _name_function(config: dict[str, Any]) -> None:
    """Keras 1 and 2 said beside the function whether it is a name or code."""
    kind, function = config.get("function_type"), config.get("function")
    if kind == "lambda" or isinstance(function, list):
        config["function"] = {"class_name": "__lambda__", "config": {}}  # the code is of no use to anybody
    elif kind == "function" and isinstance(function, str):
        config["function"] = {"class_name": "function", "config": function}
    shape_kind = config.get("output_shape_type")
    if shape_kind == "lambda":
        config["output_shape"] = {"class_name": "__lambda__", "config": {}}
    elif shape_kind == "function" and isinstance(config.get("output_shape"), str):
        config["output_shape"] = {"class_name": "function", "config": config["output_shape"]}


def _without_output_shape(config: dict[str, Any]) -> None:
    """Keras 1 was told the shape of a transposed convolution's output, which there may be several of with strides."""
    config.pop("output_shape", None)
    strides = config.get("subsample", config.get("strides", 1))
    if any(step != 1 for step in (strides if isinstance(strides, list) else [strides])):
        raise ValueError(f"subsample={strides!r} is not supported by nnlite in a deconvolution of Keras 1.")
