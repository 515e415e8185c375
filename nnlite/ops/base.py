"""What the functions of ``nnlite.ops`` share: on arrays they compute, on symbols they become part of a model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import naming, registry, serialization, structure
from nnlite.core.layer import Layer
from nnlite.core.symbol import Symbol

Array = Any


class Function:
    """A function with a gradient, made of a plain one by :func:`function`.

    Called on arrays it returns an array; if a symbol is among its operands, a symbol.
    """

    def __init__(
        self, compute: Callable[..., Any], class_name: str, module: str, operands: int, as_given: tuple[str, ...]
    ) -> None:
        self.compute, self.class_name, self.module, self.as_given = compute, class_name, module, as_given
        self.derivative: Callable[..., Any] | None = None
        self.shape: Callable[..., Any] = broadcast_shape
        self.dtype: Callable[..., Any] = result_dtype
        self.signature = inspect.signature(compute)
        names = list(self.signature.parameters)
        self.operand_names, self.parameter_names = names[:operands], names[operands:]
        functools.update_wrapper(self, compute)

    def gradient(self, derivative: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the gradient is: a function of (dy, y, operands..., parameters...) that returns an array, or a tuple
        with one an operand, None for none."""
        self.derivative = derivative
        return derivative

    def output_shape(self, shape: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the shape of the result is: a function of the operands' shapes (other operands as they are) and the
        parameters. Without one, operands broadcast."""
        self.shape = shape
        return shape

    def output_dtype(self, dtype: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the dtype of the result is: a function of the operands (symbols or arrays)."""
        self.dtype = dtype
        return dtype

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        names = self.operand_names
        operands = [given[name] for name in names]
        parameters = {name: given[name] for name in self.parameter_names}
        if structure.first_symbol(operands) is not None:
            return Operation(self, parameters)(*operands)
        arrays = [one if name in self.as_given else as_operand(one) for name, one in zip(names, operands, strict=True)]
        return self.compute(*arrays, **parameters)

    def from_config(self, config: dict[str, Any]) -> Operation:
        """Make the part of a model that a config describes."""
        parameters = {name: config[name] for name in self.parameter_names if name in config}
        return Operation(self, parameters, name=config.get("name"))


def function(
    class_name: str, operands: int = 1, module: str = "numpy", as_given: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Function]:
    """Return a decorator that makes a function of arrays one of symbols, too.

    Args:
        class_name: the name that files have for it.
        operands: how many of its first parameters are arrays; the others are settings.
        module: the module that files have for it, "numpy", "nn" or "core".
        as_given: names of operands that are not made arrays, such as an index.
    """

    def make(compute: Callable[..., Any]) -> Function:
        made = Function(compute, class_name, module, operands, as_given)
        registry.register("ops", class_name)(made)
        return made

    return make


class Place(int):
    """The number of an operand of a call that is a symbol, in the place of that operand."""


class Operation(Layer):
    """One call of a function of ``nnlite.ops`` on symbols.

    Operands that are no symbols are kept with the call, in ``operands``.
    """

    keeps_dtype = True
    is_operation = True

    def __init__(self, function: Function, parameters: dict[str, Any], name: str | None = None) -> None:
        super().__init__(name=name or naming.auto_name(function.class_name))
        self.function, self.parameters = function, parameters
        self.passes_no_gradient = function.derivative is None
        self.build(None)

    def __call__(self, *operands: Any, **named: Any) -> Any:
        """Note a call on symbols."""
        names = self.function.operand_names
        operands = (*operands, *(named[name] for name in names[len(operands) :] if name in named))
        if len(operands) != len(names):
            raise TypeError(f"{self.label} takes {len(names)} operands ({', '.join(names)}), got {len(operands)}.")
        symbols: list[Symbol] = []

        def placed(value: Any) -> Any:
            if isinstance(value, Symbol):
                symbols.append(value)
                return Place(len(symbols) - 1)
            if isinstance(value, (list, tuple)):
                return type(value)(map(placed, value))
            return value

        kept = [placed(operand) for operand in operands]
        function = self.function
        shape = function.shape(*map(_shape_of, operands), **self.parameters)
        dtype = function.dtype(*operands)
        outputs = structure.map_shapes(shape, lambda one: Symbol(one, dtype))
        x = symbols[0] if len(symbols) == 1 else symbols
        return self.add_node(x, {"operands": kept}, outputs, operands, {})

    def forward(self, x: Any, training: bool = False, operands: Any = ()) -> tuple[Any, Any]:
        arrays = _filled(operands, x if isinstance(x, list) else [x])
        y = self.function.compute(*arrays, **self.parameters)
        return y, (y, arrays, operands)

    def infer(self, x: Any, operands: Any = ()) -> Any:
        return self.function.compute(*_filled(operands, x if isinstance(x, list) else [x]), **self.parameters)

    def backward(self, dy: Any, cache: Any) -> Any:
        y, arrays, operands = cache
        if self.function.derivative is None:
            return None if structure.flatten(operands).count(Place(0)) == 1 else []
        gradients = self.function.derivative(dy, y, *arrays, **self.parameters)
        found: dict[int, Any] = {}
        for operand, gradient in zip(operands, gradients if len(operands) > 1 else [gradients], strict=True):
            if isinstance(operand, Place):
                found[operand] = gradient
            elif isinstance(operand, (list, tuple)) and gradient is not None:
                pairs = zip(operand, gradient, strict=True)
                found.update({one: inner for one, inner in pairs if isinstance(one, Place)})
        places = [place for place in structure.flatten(operands) if isinstance(place, Place)]
        return found.get(0) if len(places) == 1 else [found.get(place) for place in range(len(places))]

    def compute_output_shape(self, input_shape: Any, operands: Any = ()) -> Any:
        given = input_shape if len(structure.shapes(input_shape)) > 1 else structure.shapes(input_shape)
        return self.function.shape(*(_shape_of(one) for one in _filled(operands, given)), **self.parameters)

    def count_params(self) -> int:
        return 0

    @property
    def _class_name(self) -> str:
        return self.function.class_name

    @property
    def _registered_name(self) -> str:
        return self.function.class_name

    @property
    def _module(self) -> str:
        return f"{registry.MODULES['ops']}.{self.function.module}"

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **{key: serialization.serialize(value) for key, value in self.parameters.items()}}


def _filled(value: Any, arrays: list[Any]) -> Any:
    """Put arrays in the places of symbols."""
    if isinstance(value, Place):
        return arrays[value]
    if isinstance(value, (list, tuple)):
        return type(value)(_filled(inner, arrays) for inner in value)
    return value


def _shape_of(operand: Any) -> Any:
    """The shape of a symbol or array, or of each in a list; what has none stays as it is."""
    if isinstance(operand, (list, tuple)) and structure.first_symbol(operand) is not None:
        return [_shape_of(one) for one in operand]
    return operand.shape if isinstance(operand, (Symbol, np.ndarray)) else operand


def as_operand(value: Any) -> Any:
    """Return an array-like as an array, Python's floats as ``nnlite.config.floatx()``; lists of arrays stay lists."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (list, tuple)) and any(isinstance(one, np.ndarray) for one in value):
        return [as_operand(one) for one in value]
    if isinstance(value, (bool, int, float)) or value is None or isinstance(value, (slice, str)):
        return value
    array = np.asarray(value)
    return array.astype(config.floatx()) if array.dtype == np.float64 and not isinstance(value, np.generic) else array


def broadcast_shape(*shapes: Any, **parameters: Any) -> Any:
    """Return the shape that shapes broadcast to, None where it is open; numbers have none.

    >>> broadcast_shape((None, 1, 3), (4, 1), 2.0)
    (None, 4, 3)
    """
    known = [shape for shape in shapes if isinstance(shape, (tuple, list))]
    rank = max((len(shape) for shape in known), default=0)
    found: list[int | None] = []
    for sizes in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in known), strict=True):
        fixed = {size for size in sizes if size not in (None, 1)}
        if len(fixed) > 1:
            raise ValueError(f"The shapes {' and '.join(map(str, known))} do not go together.")
        found.append(fixed.pop() if fixed else None if None in sizes else 1)
    return tuple(found)


def result_dtype(*operands: Any) -> str:
    """Return the dtype of the result of arithmetic."""
    dtypes = [np.dtype(one.dtype) for one in structure.flatten(list(operands)) if hasattr(one, "dtype")]
    plain = [one for one in operands if isinstance(one, (bool, int, float))]
    return str(np.result_type(*dtypes, *plain).name)


def boolean(*operands: Any) -> str:
    """Return the dtype of the result of a comparison."""
    return "bool"


def sum_to(gradient: Array, operand: Any) -> Array | None:
    """Return the gradient of an operand that was broadcast: summed over its copies; None for what is no array.

    >>> sum_to(np.ones((2, 3)), np.ones((3,))).tolist()
    [2.0, 2.0, 2.0]
    """
    if not isinstance(operand, np.ndarray) or operand.dtype.kind != "f":
        return None
    if gradient.shape == operand.shape:
        return gradient
    extra = gradient.ndim - operand.ndim
    axes = tuple(
        axis for axis, n in enumerate(gradient.shape) if axis < extra or (operand.shape[axis - extra] == 1 and n != 1)
    )
    return gradient.sum(axis=axes, keepdims=True).reshape(operand.shape)
