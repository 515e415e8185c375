"""A model of the same architecture with weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnlite.core import structure
from nnlite.core.layer import Layer
from nnlite.core.symbol import Symbol
from nnlite.models import forms
from nnlite.models.model import Model
from nnlite.models.plan import filled
from nnlite.models.sequential import Sequential

New = Callable[[Any], Any]


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """Return a new model of the same architecture and names, with newly made weights, compiled as the model is.

    The optimizer and the metrics of a compiled model are made anew from their configs, so that nothing that one of the
    two models does in training reaches the other.

    Args:
        model: a Sequential, a model of symbols, or one of a class of one's own that its config describes.
        input_tensors: symbols to use in the place of the model's own inputs: one, or a list or dict as the model has.
        clone_function: makes each new layer from the old one; by default from its config. What it returns may be the
            old layer itself, which both models then share.
        call_function: for models of symbols: called with each new layer and the arguments of its call, returns what the
            call makes; by default the layer is called.
        recursive: whether ``clone_function`` is used on the layers of inner models too.

    Raises:
        TypeError: if ``model`` is no model, or ``clone_function`` returns no layer.
        ValueError: if ``call_function`` is given for a Sequential, or the number of ``input_tensors`` differs.

    >>> from nnlite import layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, name="a")])
    >>> clone = clone_model(model)
    >>> clone.layers[0].name, clone.layers[0] is model.layers[0]
    ('a', False)
    """
    if not isinstance(model, Model):
        raise TypeError(f"clone_model: model got {model!r}, expected a model.")

    def new(layer: Any) -> Any:
        if isinstance(layer, Model) and (recursive or clone_function is None):
            return _cloned(layer, None, new, call_function)
        made = _from_config(layer) if clone_function is None or layer.is_operation else clone_function(layer)
        if not isinstance(made, Layer):
            raise TypeError(f"clone_model: clone_function returned {made!r} for {layer.label}, expected a layer.")
        return made

    clone = _cloned(model, input_tensors, new, call_function)
    if model.built and not clone.built and input_tensors is None and isinstance(model, Sequential):
        clone.build(model.input_shape)
    if model.compiled:
        _compile_like(clone, model)
    return clone


def _compile_like(clone: Any, model: Any) -> None:
    if type(model).compile is not Model.compile:
        clone.compile_from_config(model.get_compile_config())
        return
    arguments = {name: _own(value) for name, value in model._compiled.arguments.items()}
    clone.compile(**arguments)
    if clone.optimizer is not None and clone.built and clone.trainable_weights:
        clone.optimizer.build(clone.trainable_weights)


def _own(value: Any) -> Any:
    """Return what compile was given, with optimizers and metrics that have gathered nothing yet."""
    from nnlite.metrics import Metric
    from nnlite.optimizers import Optimizer

    if isinstance(value, dict):
        return {key: _own(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_own(part) for part in value]
    return type(value).from_config(value.get_config()) if isinstance(value, (Metric, Optimizer)) else value


def _from_config(layer: Any) -> Any:
    maker = layer.function if layer.is_operation else type(layer)
    return maker.from_config(layer.get_config())


def _cloned(model: Any, input_tensors: Any, new: New, call_function: Any) -> Any:
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                "clone_model: call_function works for functional models only; a Sequential calls in a row."
            )
        return _cloned_row(model, input_tensors, new)
    if model._graph is not None:
        return _cloned_graph(model, input_tensors, new, call_function)
    return _from_config(model)


def _cloned_row(model: Any, input_tensors: Any, new: New) -> Any:
    made: dict[int, Any] = {}  # a layer may stand twice
    for layer in model.layers:
        if id(layer) not in made:
            made[id(layer)] = new(layer)
    first = [input_tensors] if input_tensors is not None else []
    if not first and model._has_input:
        own = model._layers[0]
        first = [type(own).from_config(own.get_config())]
    config = {"name": model.name, "trainable": model.trainable}
    clone = type(model)(**config) if type(model) is Sequential else type(model).from_config({**config, "layers": []})
    for layer in [*first, *(made[id(layer)] for layer in model.layers)]:
        clone.add(layer, rebuild=False)
    clone._rebuild()
    return clone


def _cloned_graph(model: Any, input_tensors: Any, new: New, call_function: Any) -> Any:
    graph = model._graph
    symbols: list[Symbol | None] = [None] * graph.size
    if input_tensors is not None:
        given = forms.leaves(input_tensors)
        if len(given) != len(graph.inputs):
            raise ValueError(
                f"clone_model: got {len(given)} input_tensors, {model.label} has {len(graph.inputs)} inputs."
            )
        for slot, symbol in zip(graph.inputs, given, strict=True):
            symbols[slot] = symbol
    made: dict[int, Any] = {}
    for step, (args, kwargs) in zip(graph.steps, graph.written, strict=True):
        if step.x is None:
            if symbols[step.targets[0]] is None:
                symbols[step.targets[0]] = _from_config(step.layer).output
            continue
        if id(step.layer) not in made:
            made[id(step.layer)] = new(step.layer)
        layer, args, kwargs = made[id(step.layer)], filled(args, symbols), filled(kwargs, symbols)
        outputs = layer(*args, **kwargs) if call_function is None else call_function(layer, *args, **kwargs)
        for slot, symbol in zip(step.targets, structure.flatten(outputs), strict=True):
            symbols[slot] = symbol
    inputs = forms.fill(model._input_form, [symbols[slot] for slot in graph.inputs])
    outputs = forms.fill(model._output_form, [symbols[slot] for slot in graph.outputs])
    clone = (type(model) if type(model).takes_symbols() else Model)(inputs, outputs, name=model.name)
    if not model.trainable:
        clone.trainable = False
    return clone
