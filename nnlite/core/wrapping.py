"""What the base class does around the methods a layer defines.

A layer's author writes ``build``, ``forward``, ``infer`` and ``backward``; building on first use, checking the input
against ``input_spec`` and the activity regularizer are added here, once, when the class is defined.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlite.core import naming, penalties, structure, watching
from nnlite.core.errors import unknown_arguments
from nnlite.core.input_spec import check_inputs

Method = Callable[..., Any]


class Regularized(NamedTuple):
    """The cache of a layer with an activity regularizer: its own, and the gradient of the penalty by the output."""

    cache: Any
    penalty_gradient: Any


def wrap_methods(cls: type) -> None:
    """Wrap the methods that ``cls`` itself defines.

    Raises ``TypeError`` for a class with Keras's ``call`` and no ``forward``.
    """
    own = cls.__dict__
    if "call" in own and "forward" not in own:
        raise TypeError(
            f"{cls.__name__} defines call, which needs automatic differentiation. In nnlite a layer is two methods:\n"
            f"    def forward(self, x, training=False):\n"
            f"        ...\n"
            f"        return y, cache\n"
            f"    def backward(self, dy, cache):\n"
            f"        ...  # self.w.accumulate(dw) for each variable\n"
            f"        return dx\n"
            f"What only puts layers and nnlite.ops together needs no class: call them on symbols, in a function like\n"
            f"    def block(x):\n"
            f"        return nnlite.ops.relu(x + nnlite.layers.Dense(x.shape[-1])(x))\n"
            f"or as nnlite.Model(inputs, outputs)."
        )
    if "build" in own:
        _replace(cls, "build", _build)
    if "forward" in own:
        parameters = inspect.signature(own["forward"]).parameters
        cls._takes_mask = "mask" in parameters  # type: ignore[attr-defined]
        cls._options = tuple(n for n in parameters if n not in ("self", "training"))[1:]  # type: ignore[attr-defined]
        _replace(cls, "forward", _forward)
    if "infer" in own:
        _replace(cls, "infer", _infer)
    if ("forward" in own or "infer" in own) and "inference" not in own:
        cls.inference = lambda self, shape, following: None  # type: ignore[attr-defined]  # a base class's is not this
    if ("forward" in own or "backward" in own) and "takes_along" not in own:
        cls.takes_along = None  # type: ignore[attr-defined]
    if "compute_output_shape" in own:
        parameters = inspect.signature(own["compute_output_shape"]).parameters
        cls._shape_options = tuple(parameters)[2:]  # type: ignore[attr-defined]
    if "backward" in own:
        cls._takes_input_grad = "input_grad" in inspect.signature(own["backward"]).parameters  # type: ignore[attr-defined]
        _replace(cls, "backward", _backward)


def wrap_base(cls: type) -> None:
    """Wrap the default methods of the base class, which subclasses may leave as they are."""
    _replace(cls, "build", _build)


def _replace(cls: type, name: str, wrap: Callable[[Method], Method]) -> None:
    setattr(cls, name, wrap(cls.__dict__[name]))


def check_options(layer: Any, options: dict[str, Any]) -> None:
    """Raise ``TypeError`` if a call's option is none that the layer's ``forward`` takes."""
    unknown = [name for name in options if name not in layer._options]
    if unknown:
        raise TypeError(
            unknown_arguments(f"Calling {layer.label}", unknown, dict.fromkeys(["training", "mask", *layer._options]))
        )


def take_named_inputs(layer: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """Return a call's inputs in the order of ``layer.named_inputs``, those given by keyword taken out of ``options``.

    A list, such as the states of a recurrent layer, stands for each of its arrays. Raises ``TypeError`` for an input
    given twice, or left out before another.
    """
    names = layer.named_inputs
    if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)) and structure.holds_arrays(inputs[0]):
        inputs = tuple(inputs[0])
    given: dict[str, Any] = dict(zip(names, inputs, strict=False))
    rest = inputs[len(names) :]
    for name in names:
        value = options.pop(name, None)
        if value is not None and name in given:
            raise TypeError(f"{layer.label} was given its input {name!r} twice, by position and by name.")
        if value is not None:
            given[name] = value
    last = max((names.index(name) for name in given), default=-1)
    missing = [name for name in names[: max(last, 0)] if given.get(name) is None]
    if missing:
        raise TypeError(f"{layer.label} was called with {names[last]!r} but without {missing[0]!r}.")
    found: list[Any] = []
    for value in (*(given[name] for name in names[: last + 1]), *rest):
        found += structure.flatten(value) if structure.holds_arrays(value) else [value]
    return tuple(found)


def recorded_arguments(layer: Any) -> dict[str, Any]:
    """Return the arguments that a layer was made with, by name; defaults left out."""
    args, kwargs = layer._arguments
    bound = inspect.signature(type(layer).__init__).bind(layer, *args, **kwargs)
    arguments = dict(bound.arguments)
    arguments.pop("self", None)
    for name, parameter in inspect.signature(type(layer).__init__).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments.update(arguments.pop(name, {}))
    return arguments


def _build(method: Method) -> Method:
    @functools.wraps(method)
    def build(self: Any, input_shape: Any = None, *more: Any, **named: Any) -> None:
        if self.named_inputs and (more or named):  # one shape for each input, as Keras takes them
            names = [f"{name}_shape" for name in self.named_inputs]
            given = {**dict(zip(names, (input_shape, *more), strict=False)), **named}
            input_shape = [given[name] for name in names if given.get(name) is not None]
            unknown = [name for name in given if name not in names]
            if unknown or len(more) >= len(names):
                raise TypeError(f"{self.label}: build takes {', '.join(names)}; got {unknown or len(more) + 1} more.")
        if type(self).build is not build:  # reached through super().build(...)
            method(self, input_shape)
            return
        if self._built:
            return
        shape = structure.shape_from_json(input_shape) if input_shape is not None else None
        _check_before(self, shape)
        self._path = naming.scoped(self.name)
        if self._policies is not None:
            self.dtype_policy = self._policies  # the path tells which of them
        with naming.name_scope(self.name):
            method(self, shape)
            self._build_shape = shape
            self._built = True
            if shape is not None and any(not inner.built for inner in self.layers_inside):
                _build_inside(self, shape)

    return build


def _check_before(layer: Any, shape: Any) -> None:
    """Raise ``ValueError`` where the shape that a layer is to be built for has not the axes that it expects."""
    spec = layer.input_spec
    if spec is None or shape is None or isinstance(shape, dict):
        return
    several = not structure.is_shape(shape)
    if isinstance(spec, (list, tuple)):
        if several:
            check_inputs(layer, shape)
    elif not several or len(layer.named_inputs) > 1:
        spec.check(layer, shape[0] if several else shape)


def _build_inside(layer: Any, shape: Any) -> None:
    """Build the layers that a layer holds and has not built itself, by running it on zeros.

    Where it cannot run on them, they are built by the first forward pass.
    """
    with contextlib.suppress(Exception):
        layer.infer(structure.stand_in(layer, shape, 8))
    waiting = list(layer.layers_inside)
    while waiting:
        inner = waiting.pop()
        if getattr(inner, "stateful", False):
            inner.reset_state()  # zeros are no sequence to go on from
        waiting += inner.layers_inside


def prepare(layer: Any, x: Any) -> Any:
    """Return ``x`` in the layer's dtype, having built the layer for it if due and checked its shape."""
    if not layer._built:
        _check_before(layer, structure.map_arrays(x, np.shape))
        layer.build(structure.map_arrays(x, lambda a: (None, *np.shape(a)[1:])))
    if type(x) is not np.ndarray or x.dtype != layer._compute:
        x = layer.cast_inputs(x)
    spec = layer.input_spec
    if spec is None:
        return x
    if isinstance(spec, (list, tuple)):
        check_inputs(layer, structure.map_arrays(x, np.shape))
        return x
    first = x[0] if type(x) is list and len(layer.named_inputs) > 1 else x
    if type(first) is not np.ndarray:
        raise ValueError(f"{layer.label} takes one array, got a {type(x).__name__} of {len(x)} arrays.")
    spec.check(layer, first.shape)
    return x


def _forward(method: Method) -> Method:
    @functools.wraps(method)
    def forward(self: Any, x: Any, *args: Any, **options: Any) -> tuple[Any, Any]:
        if type(self).forward is not forward:
            return method(self, x, *args, **options)  # type: ignore[no-any-return]
        x = prepare(self, x)
        regularizer = self.activity_regularizer
        if watching.active:
            watching.announce("forward", self)
        result = method(self, x, *args, **options)
        if not isinstance(result, tuple) or len(result) != 2:
            what = "None" if result is None else f"a {type(result).__name__}"
            what += f" of {len(result)}" if isinstance(result, tuple) else ""
            raise TypeError(f"{self.label}: forward must return the pair (y, cache), got {what}.")
        if watching.active:
            watching.note("forward", self, x, result[0])
        if regularizer is None:
            return result
        y, cache = result
        penalties.add(_penalty(regularizer, y))
        gradient = structure.map_arrays(y, lambda a: regularizer.gradient(a) / a.dtype.type(max(1, len(a))))
        return y, Regularized(cache, gradient)

    return forward


def _penalty(regularizer: Any, y: Any) -> Any:
    """The activity penalty on an output, or on each of several, by the batch size."""
    return sum(regularizer(a) / max(1, len(a)) for a in structure.flatten(y))


def _infer(method: Method) -> Method:
    @functools.wraps(method)
    def infer(self: Any, x: Any, *args: Any, **options: Any) -> Any:
        if type(self).infer is not infer:
            return method(self, x, *args, **options)
        x = prepare(self, x)
        y = method(self, x, *args, **options)
        if self.activity_regularizer is not None:
            penalties.add(_penalty(self.activity_regularizer, y))
        return y

    return infer


def _backward(method: Method) -> Method:
    @functools.wraps(method)
    def backward(self: Any, dy: Any, cache: Any, *args: Any, **options: Any) -> Any:
        if type(self).backward is not backward:
            return method(self, dy, cache, *args, **options)
        if type(cache) is Regularized:
            dy, cache = _plus(dy, cache.penalty_gradient), cache.cache
        if watching.active:
            watching.announce("backward", self)
        dx = method(self, dy, cache, *args, **options)
        if watching.active:
            watching.note("backward", self, dy, dx)
        return dx

    return backward


def _plus(dy: Any, gradient: Any) -> Any:
    """Their sum, also of several outputs; None is no gradient."""
    if isinstance(gradient, list):
        return [_plus(a, b) for a, b in zip(dy, gradient, strict=True)]
    return gradient if dy is None else dy + gradient
