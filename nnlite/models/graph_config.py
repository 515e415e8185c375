"""Graphs to configs in the form of Keras 3, and back."""

from __future__ import annotations

from typing import Any

from nnlite.core import serialization
from nnlite.core.errors import nearest
from nnlite.core.symbol import Symbol
from nnlite.models import forms
from nnlite.models.graph import Graph
from nnlite.models.plan import Slot, Step

# A symbol is named by the layer that makes it, which of its calls that is, and which of the call's outputs.
Place = tuple[str, int, int]


def to_config(graph: Graph, input_form: Any, output_form: Any) -> dict[str, Any]:
    """Return the layers with their calls, and the places of the inputs and outputs."""

    def reference(slot: Slot) -> dict[str, Any]:
        config = {
            "shape": list(graph.shapes[slot]),
            "dtype": graph.dtypes[slot],
            "keras_history": list(graph.place(slot)),
        }
        return {"class_name": "__keras_tensor__", "config": config}

    layers = []
    for layer in graph.layers:
        entry = serialization.serialize(layer)
        entry.pop("build_config", None)  # calling it builds it
        nodes = []
        for index in graph.calls(layer):
            step = graph.steps[index]
            if step.x is not None:
                args, kwargs = _as_written(step, *graph.written[index])
                nodes.append({"args": _plain(args, reference), "kwargs": _plain(kwargs, reference)})
        layers.append({**entry, "name": layer.name, "inbound_nodes": nodes})
    ends = {step.layer.name: step.layer for step in graph.steps}

    def end(slot: int) -> list[Any]:
        name, number, output = graph.place(slot)
        return [name, number + _offset(ends[name]), output]

    return {
        "layers": layers,
        "input_layers": forms.fill(input_form, [end(slot) for slot in graph.inputs]),
        "output_layers": forms.fill(output_form, [end(slot) for slot in graph.outputs]),
    }


def _as_written(step: Step, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """A call's arguments: several inputs that stand in a row are one list, unless the layer's call names them."""
    if len(args) > 1 and not step.layer.named_inputs and not step.layer.is_operation:
        return [list(args)], kwargs
    return args, kwargs


def _offset(layer: Any) -> int:
    """Keras counts the calls of an inner functional model from 1 where it names a model's inputs and outputs."""
    return 1 if type(layer).__name__ == "Functional" else 0


def _plain(value: Any, reference: Any) -> Any:
    if isinstance(value, Slot):
        return reference(value)
    if isinstance(value, dict):
        return {key: _plain(inner, reference) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, reference) for inner in value]
    if isinstance(value, slice):
        parts = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": "__slice__", "config": parts}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    return serialization.serialize(value)


# ---- reading ----


def from_config(config: dict[str, Any]) -> tuple[Any, Any]:
    """Return the symbols of the inputs and outputs that a config describes, in their forms; layers are made and called.

    Raises ``ValueError`` for a config that is not of that form: without lists, with calls that need each other, or
    places that are not there.
    """
    layers: dict[str, Any] = {}
    waiting: dict[tuple[str, int], list[tuple[str, int]]] = {}
    ready: list[tuple[str, int]] = []
    nodes: dict[tuple[str, int], dict[str, Any]] = {}
    made: dict[tuple[str, int], list[Symbol]] = {}
    counts: dict[str, int] = {}
    for entry in _listed(config, "layers"):
        name = str(_get(entry, "name", "a layer"))
        if name in layers:
            raise ValueError(f"The config has two layers named {name!r}.")
        # Building is what calling does, in the order of the graph.
        kind = None if ".ops." in str(entry.get("module")) else "layers"
        layer = serialization.deserialize({k: v for k, v in entry.items() if k != "build_config"}, kind)
        layers[name] = layer
        calls = entry.get("inbound_nodes") or []
        counts[name] = len(calls)
        for number, call in enumerate(calls):
            nodes[name, number] = call
            ready.append((name, number))
        if not calls and hasattr(layer, "batch_shape"):
            made[name, 0] = [layer.output]
    nodes = {key: _counted(call, counts) for key, call in nodes.items()}
    while ready:
        after: list[tuple[str, int]] = []
        for key in ready:
            missing = next((need for need in _needs(key, nodes[key]) if need not in made), None)
            if missing is not None:
                waiting.setdefault(missing, []).append(key)
                continue
            made[key] = _call(layers[key[0]], nodes[key], made)
            after += waiting.pop(key, [])
        ready = after
    if waiting:
        (need, number), keys = next(iter(waiting.items()))
        raise ValueError(
            f"The graph does not hold together: layer {keys[0][0]!r} needs call {number} of layer {need!r}, which "
            + ("is part of a circle." if (need, number) in nodes else f"does not exist.{nearest(need, layers)}")
        )

    def symbol(place: Any) -> Any:
        if isinstance(place, dict):
            return {key: symbol(inner) for key, inner in place.items()}
        if not isinstance(place, (list, tuple)):
            raise ValueError(f"The config names an input or output by {place!r}, expected [layer, call, output].")
        if len(place) == 3 and isinstance(place[0], str):
            name, number, output = place
            return _at(made, name, number - _offset(layers.get(name)), output)
        return [symbol(inner) for inner in place]

    return symbol(_get(config, "input_layers", "the model")), symbol(_get(config, "output_layers", "the model"))


def _get(config: Any, key: str, what: str) -> Any:
    if not isinstance(config, dict) or key not in config:
        raise ValueError(f"The config of {what} has no {key!r}.")
    return config[key]


def _listed(config: dict[str, Any], key: str) -> list[Any]:
    value = _get(config, key, "the model")
    if not isinstance(value, list):
        raise ValueError(f"The config's {key!r} must be a list, got a {type(value).__name__}.")
    return value


def _at(made: dict[tuple[str, int], list[Symbol]], name: str, number: int, output: int) -> Symbol:
    symbols = made.get((name, number), [])
    if not 0 <= output < len(symbols):
        raise ValueError(f"The config names output {output} of call {number} of layer {name!r}, which does not exist.")
    return symbols[output]


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _history(value: Any) -> Place:
    history = _get(_get(value, "config", "a symbol"), "keras_history", "a symbol")
    if not isinstance(history, list) or len(history) != 3:
        raise ValueError(f"The config has a symbol with the history {history!r}, expected [layer, call, output].")
    return str(history[0]), int(history[1]), int(history[2])


def _counted(call: Any, counts: dict[str, int]) -> Any:
    """A call with symbols named by calls from 0 on: -1 is the last one of a layer, as files have it for the only call
    of one that comes later."""
    if isinstance(call, list):
        return [_counted(one, counts) for one in call]
    if not isinstance(call, dict):
        return call
    if not _is_reference(call):
        return {key: _counted(one, counts) for key, one in call.items()}
    name, number, output = _history(call)
    if number >= 0:
        return call
    return {**call, "config": {**call["config"], "keras_history": [name, number + counts.get(name, 0), output]}}


def _needs(key: tuple[str, int], call: Any) -> list[tuple[str, int]]:
    """The calls that one needs: those that make its inputs, and the one before it of the same layer."""
    found: list[tuple[str, int]] = [(key[0], key[1] - 1)] if key[1] else []
    pending = [call]
    while pending:
        value = pending.pop()
        if _is_reference(value):
            found.append(_history(value)[:2])
        elif isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, (list, tuple)):
            pending += value
    return found


def _call(layer: Any, call: Any, made: dict[tuple[str, int], list[Symbol]]) -> list[Symbol]:
    args = [_value(one, made) for one in _listed(call, "args")]
    kwargs = {key: _value(one, made) for key, one in (call.get("kwargs") or {}).items()}
    outputs = layer(*args, **{key: value for key, value in kwargs.items() if value is not None})
    return forms.leaves(outputs)


def _value(value: Any, made: dict[tuple[str, int], list[Symbol]]) -> Any:
    """What an argument in a config stands for."""
    if _is_reference(value):
        return _at(made, *_history(value))
    if isinstance(value, list):
        return [_value(inner, made) for inner in value]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    match value.get("class_name"):
        case "__slice__" if isinstance(config, dict):
            return slice(*(config.get(key) for key in ("start", "stop", "step")))
        case "__ellipsis__":
            return Ellipsis
        case "__tuple__":
            return tuple(_value(inner, made) for inner in value.get("items", ()))
        case None:
            return {key: _value(inner, made) for key, inner in value.items()}
    return serialization.deserialize(value)
