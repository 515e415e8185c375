"""A model of the same architecture with weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnlite.core.layer import Layer
from nnlite.models.sequential import Sequential


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Any = None,
    recursive: bool = False,
) -> Any:
    """Return a new model of the same architecture and names, with newly made weights; it is not compiled.

    Args:
        model: a Sequential.
        input_tensors: an ``Input`` to use in the place of the model's own.
        clone_function: makes each new layer from the old one; by default from its config. What it returns may be the
            old layer itself, which both models then share.
        call_function: for functional models; must be None for a Sequential.
        recursive: whether ``clone_function`` is used on the layers of inner models too.

    Raises:
        TypeError: if ``model`` is no model, or ``clone_function`` returns no layer.
        ValueError: if ``call_function`` is given.

    >>> from nnlite import layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, name="a")])
    >>> clone = clone_model(model)
    >>> clone.layers[0].name, clone.layers[0] is model.layers[0]
    ('a', False)
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"clone_model: model got {model!r}, expected a Sequential.")
    if call_function is not None:
        raise ValueError("clone_model: call_function works for functional models only; a Sequential calls in a row.")

    def new(layer: Any) -> Any:
        if isinstance(layer, Sequential) and (recursive or clone_function is None):
            return _cloned(layer, None, new)
        made = type(layer).from_config(layer.get_config()) if clone_function is None else clone_function(layer)
        if not isinstance(made, Layer):
            raise TypeError(f"clone_model: clone_function returned {made!r} for {layer.label}, expected a layer.")
        return made

    clone = _cloned(model, input_tensors, new)
    if model.built and not clone.built and input_tensors is None:
        clone.build(model.input_shape)
    return clone


def _cloned(model: Any, input_tensors: Any, new: Callable[[Any], Any]) -> Any:
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
