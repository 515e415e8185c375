"""The forms that models had: how Sequential and functional models described their layers and calls."""

from __future__ import annotations

from typing import Any

from nnlite.core.errors import nearest
from nnlite.saving import eras_ops

# What stood for a literal in the place of a first argument.
_CONSTANT = "_CONSTANT_VALUE"
_MODELS = ("Functional", "Sequential")


def sequential(config: Any) -> Any:
    """Return the config of a Sequential of any era with today's outer form.

    Up to Keras 2.2 it was a list of layers; the first layer said the shape of the input.
    """
    if isinstance(config, list):
        config = {"layers": config}
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list):
        return config
    first = layers[0] if layers else None
    shape, inner = _input_shape(first), _config(first)
    if shape is None or first is None or inner is None or first.get("class_name") == "InputLayer":
        return config
    made = {
        "batch_shape": shape,
        "dtype": _dtype(inner),
        "sparse": False,
        "name": f"{inner.get('name', 'model')}_input",
    }
    entry = {"module": "keras.layers", "class_name": "InputLayer", "config": made, "registered_name": None}
    return {**config, "layers": [entry, *layers]}


def branches(config: Any) -> dict[str, Any] | None:
    """Return a Sequential of Keras 1 that begins with a Merge of models as a functional model, in the form of its time.

    The layers of all branches stand in a row in its files. None where it is none.
    """
    layers = config.get("layers") if isinstance(config, dict) else config
    if not isinstance(layers, list) or not _begins_with_merge(layers):
        return None
    made: list[dict[str, Any]] = []
    inputs: list[str] = []
    end = _chain(layers, made, inputs)
    given = {key: config[key] for key in ("name", "trainable") if isinstance(config, dict) and key in config}
    ends = {"input_layers": [[name, 0, 0] for name in inputs], "output_layers": [[end, 0, 0]]}
    return {**given, "layers": made, **ends}


def _begins_with_merge(layers: Any) -> bool:
    first = layers[0] if isinstance(layers, list) and layers else None
    return isinstance(first, dict) and first.get("class_name") == "Merge" and bool((_config(first) or {}).get("layers"))


def _chain(layers: list[Any], made: list[dict[str, Any]], inputs: list[str]) -> str:
    """Add the layers of a Sequential and the inputs they need; return the name of the last."""
    last: list[str] = []
    for entry in layers:
        config = _config(entry)
        if config is None or not isinstance(entry.get("class_name"), str):
            raise ValueError(f"The config has {entry!r} among the layers of a Sequential, expected a layer's config.")
        name = _name(entry)
        if entry is layers[0] and _begins_with_merge(layers):
            last = [_chain(_layers_of(one), made, inputs) for one in config["layers"]]
            entry = {**entry, "config": {key: one for key, one in config.items() if key != "layers"}}
        elif not last:
            shape = config.get("batch_input_shape")
            if shape is None:
                raise ValueError(f"layer {name!r} is the first of a branch, but does not say the shape of its input.")
            start = {"batch_input_shape": shape, "dtype": _dtype(config), "name": f"{name}_input"}
            made.append({"class_name": "InputLayer", "name": start["name"], "config": start, "inbound_nodes": []})
            inputs.append(start["name"])
            last = [start["name"]]
        made.append({**entry, "name": name, "inbound_nodes": [[[one, 0, 0] for one in last]]})
        last = [name]
    if not last:
        raise ValueError("The config has a Sequential without layers in a Merge.")
    return last[0]


def _layers_of(entry: Any) -> list[Any]:
    inner = entry.get("config") if isinstance(entry, dict) and entry.get("class_name") == "Sequential" else None
    layers = inner.get("layers") if isinstance(inner, dict) else inner
    if not isinstance(layers, list):
        raise ValueError("a Merge of what is no Sequential is not supported by nnlite; only in a functional model.")
    return layers


def _config(entry: Any) -> dict[str, Any] | None:
    config = entry.get("config") if isinstance(entry, dict) else None
    return config if isinstance(config, dict) else None


def _input_shape(entry: Any) -> Any:
    """What a Sequential's first layer says of the input."""
    config = _config(entry)
    return None if config is None else config.get("batch_input_shape")


def _dtype(config: dict[str, Any]) -> str:
    for key in ("input_dtype", "dtype"):
        if isinstance(config.get(key), str) and config[key] in ("float16", "float32", "float64", "int32", "int64"):
            return str(config[key])
    return "float32"


def is_listed(config: Any) -> bool:
    """Whether a functional model's calls are lists, as before Keras 3."""
    layers = config.get("layers") if isinstance(config, dict) else None
    return isinstance(layers, list) and any(
        isinstance(node, list)
        for entry in layers
        if isinstance(entry, dict) and isinstance(entry.get("inbound_nodes"), list)
        for node in entry["inbound_nodes"]
    )


def functional(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config of a functional model of before Keras 3 with today's calls.

    Its layers are today's already. A call was a list ``[[layer, call, output, keywords], ...]`` with one entry an
    input; the calls of an inner model were counted from 1, as its own construction was the first.
    """
    layers = config["layers"]
    entries = {}
    for entry in layers:
        if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
            raise ValueError(f"The config has {entry!r} among its layers, expected a layer's config.")
        if _name(entry) in entries:
            raise ValueError(f"The config has two layers named {_name(entry)!r}.")
        entries[_name(entry)] = entry
    start = {name: _first_call(entry) for name, entry in entries.items()}

    def reference(place: list[Any]) -> dict[str, Any]:
        name, call, output = place[:3]
        history = [name, call - start.get(name, 0), output]
        return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}

    calls = {}
    for name, entry in entries.items():
        nodes = entry.get("inbound_nodes") or []
        if not isinstance(nodes, list):
            raise ValueError(f"layer {name!r}: 'inbound_nodes' must be a list, got {nodes!r}.")
        calls[name] = [_call(node, reference, name, eras_ops.is_operation(entry)) for node in nodes]
    batches = eras_ops.batch_sizes(entries, calls)
    made: list[Any] = []
    unknown: dict[str, ValueError] = {}  # operations that are not there; some are not needed today
    for name, entry in entries.items():
        entry = {**entry, "name": name}
        if eras_ops.is_operation(entry):
            try:
                made += eras_ops.operations(entry, calls[name], batches)
            except ValueError as error:
                unknown[name] = error
        else:
            its = [{"args": [inputs], "kwargs": options} for inputs, options in calls[name]]
            made.append({**entry, "inbound_nodes": its})

    made = _without_unknown(made, unknown)

    def end(place: Any) -> Any:
        if isinstance(place, dict):
            return {key: end(one) for key, one in place.items()}
        if not _is_place(place):
            return [end(one) for one in place] if isinstance(place, list) else place
        name, call, output = place[:3]
        if name not in entries:
            raise ValueError(
                f"The config names an output of layer {name!r}, which it does not have.{nearest(name, entries)}"
            )
        if name in unknown:
            raise unknown[name]
        # Keras 3 goes on counting from 1 here, for functional models alone.
        today = 1 if entries[name]["class_name"] == "Functional" else 0
        return [name, call - start[name] + today, output]

    ends: dict[str, Any] = {
        key: _unpacked(end(config[key])) for key in ("input_layers", "output_layers") if key in config
    }
    return {**config, "layers": made, **ends}


def _without_unknown(made: list[Any], unknown: dict[str, ValueError]) -> list[Any]:
    """Leave out the operations of unknown ones, such as the sizes that were computed for a reshape."""
    while unknown:
        left = [entry for entry in made if unknown.keys().isdisjoint(eras_ops.uses(entry))]
        if len(left) == len(made):
            break
        for entry in made:
            name = next((name for name in eras_ops.uses(entry) if name in unknown), None)
            if name is not None:
                if ".ops." not in str(entry.get("module")):
                    raise unknown[name]
                unknown[entry["name"]] = unknown[name]
        made = left
    return made


def _name(entry: dict[str, Any]) -> str:
    name = entry.get("name") or (_config(entry) or {}).get("name")
    if not isinstance(name, str):
        raise ValueError(f"The config has a layer of class {entry.get('class_name')!r} without a name.")
    return name


def _first_call(entry: dict[str, Any]) -> int:
    """The number of the first call of a layer: 1 for models, if they had been built by themselves before."""
    config = _config(entry)
    if entry["class_name"] not in _MODELS or config is None:
        return 0
    layers = config.get("layers")
    first = layers[0] if isinstance(layers, list) and layers else None
    if entry["class_name"] == "Functional":
        return 1
    if not isinstance(first, dict):
        return 0
    return 1 if first.get("class_name") == "InputLayer" else _first_call({"class_name": "", **first})


def _is_place(value: Any) -> bool:
    """Whether a list names an output of a call: [layer, call, output] or [layer, call, output, keywords]."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(isinstance(one, int) for one in value[1:3])
        and (len(value) == 3 or isinstance(value[3], dict))
    )


def _is_constant(value: Any) -> bool:
    return isinstance(value, list) and len(value) in (3, 4) and value[0] == _CONSTANT


def _call(node: Any, reference: Any, name: str, keeps_form: bool) -> tuple[Any, dict[str, Any]]:
    """The inputs of a call in their form, and its keywords."""
    keywords: dict[str, Any] = {}

    def first(value: Any) -> Any:
        if _is_constant(value) or _is_place(value):
            if len(value) == 4 and isinstance(value[3], dict):
                keywords.update(value[3])
            return value[2] if _is_constant(value) else reference(value)
        if isinstance(value, dict):
            return {key: first(one) for key, one in value.items()}
        if isinstance(value, list):
            return [first(one) for one in value]
        raise ValueError(f"layer {name!r}: a call names its input by {value!r}, expected [layer, call, output].")

    def option(value: Any) -> Any:
        if _is_constant(value):
            return value[2]
        if _is_place(value):
            return reference(value)
        if isinstance(value, dict):
            return {key: option(one) for key, one in value.items()}
        return [option(one) for one in value] if isinstance(value, list) else value

    if not isinstance(node, (list, dict)):
        raise ValueError(f"layer {name!r}: a call is {node!r}, expected a list of inputs.")
    inputs = first(node)
    if not keeps_form:  # one input stood in a list by itself
        inputs = _unpacked(inputs)
    return inputs, {key: option(value) for key, value in keywords.items()}


def _unpacked(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value
