"""What the functions of ``nnlite.ops`` share: on arrays they compute, on symbols they become part of a model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite.core import naming, registry, serialization, structure
from nnlite.core.layer import Layer
from nnlite.core.symbol import Symbol
from nnlite.ops import inference
from nnlite.ops.operands import as_operand, plain_array, unify

_LONGEST_WORDS = 200  # of one parameter in a message


class Function:
    """A function with a gradient, made of a plain one by :func:`function`.

    Called on arrays it returns an array; if a symbol is among its operands, a symbol.
    """

    def __init__(
        self,
        compute: Callable[..., Any],
        class_name: str,
        module: str,
        operands: int | tuple[str, ...],
        as_given: tuple[str, ...],
        unify: str | None,
    ) -> None:
        self.compute, self.class_name, self.module = compute, class_name, module
        self.as_given, self.unify = as_given, unify
        self.derivative: Callable[..., Any] | None = None
        self.shape: Callable[..., Any] = inference.broadcast_shape
        self.dtype: Callable[..., Any] = inference.float_dtype if unify == "float" else inference.result_dtype
        self.settle: Callable[..., dict[str, Any]] = dict
        self.signature = inspect.signature(compute)
        parameters = list(self.signature.parameters.values())
        # Operands are the first parameters, those named, or all of *operands.
        self.spread = next((one.name for one in parameters if one.kind is one.VAR_POSITIONAL), None)
        names = [one.name for one in parameters if one.name != self.spread]
        if self.spread:
            self.operand_names: list[str] = []
        else:
            self.operand_names = list(operands) if isinstance(operands, tuple) else names[:operands]
        self.parameter_names = [name for name in names if name not in self.operand_names]
        functools.update_wrapper(self, compute)

    def gradient(self, derivative: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the gradient is: a function of (dy, y, operands..., parameters...) that returns an array, or a tuple
        with one an operand, None for none. Where the function returns several arrays, so many are dy, some maybe None.
        """
        self.derivative = derivative
        return derivative

    def output_shape(self, shape: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the shape of the result is: a function of the operands' shapes (other operands as they are) and the
        parameters, a list of shapes for several results. Without one, operands broadcast."""
        self.shape = shape
        return shape

    def output_dtype(self, dtype: Callable[..., Any]) -> Callable[..., Any]:
        """Say what the dtype of the result is: a function of the operands (symbols or arrays) and the parameters, a
        list for several results."""
        self.dtype = dtype
        return dtype

    def settings(self, settle: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """Say how parameters are written in files: a function of the parameters that returns them all."""
        self.settle = settle
        return settle

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        operands, parameters = self.bind(args, kwargs)
        if structure.first_symbol(operands) is not None:
            return Operation(self, parameters)(*operands)
        arrays = self.as_operands(operands)
        try:
            return self.run(self.unified(arrays, alone=True), parameters)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{self.told(arrays, parameters)}: {self.reason(error)}") from None

    def reason(self, error: Exception) -> str:
        """The message of an error without the function's name before it, which is told already."""
        return str(error).removeprefix(f"{self.compute.__name__.strip('_')}: ")

    def told(self, arrays: list[Any], parameters: dict[str, Any]) -> str:
        """The call in words, for messages: ``ops.sum(float32 (2, 3), axis=5)``."""
        words = [_in_words(one) for one in arrays]
        defaults = {name: one.default for name, one in self.signature.parameters.items()}
        words += [f"{name}={_shortened(value)}" for name, value in parameters.items() if value is not defaults[name]]
        return f"ops.{self.compute.__name__.strip('_')}({', '.join(words)})"

    def bind(self, args: Any, kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
        """Return the operands and the parameters of a call."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"ops.{self.compute.__name__}: {error}. It takes {self.signature}.") from None
        bound.apply_defaults()
        given = bound.arguments
        operands = list(given[self.spread]) if self.spread else [given[name] for name in self.operand_names]
        return operands, {name: given[name] for name in self.parameter_names}

    def as_operands(self, operands: list[Any]) -> list[Any]:
        """Return operands as arrays and plain numbers; those to be taken as given, and symbols, stay."""
        names = self.operand_names or [""] * len(operands)
        pairs = zip(names, operands, strict=True)
        return [one if name in self.as_given else as_operand(one) for name, one in pairs]

    def unified(self, arrays: list[Any], alone: bool = False) -> list[Any]:
        """Return operands in the dtype that they are computed in together."""
        if alone and not any(isinstance(leaf, np.ndarray) for leaf in structure.flatten(arrays)):
            names = self.operand_names or [""] * len(arrays)
            pairs = zip(names, arrays, strict=True)
            arrays = [one if name in self.as_given else plain_array(one) for name, one in pairs]
        return arrays if self.unify is None else unify(arrays, self.unify == "float")

    def run(self, arrays: list[Any], parameters: dict[str, Any]) -> Any:
        """Return what the function makes of arrays."""
        if self.spread:
            y = self.compute(*arrays, **parameters)
        else:
            y = self.compute(**dict(zip(self.operand_names, arrays, strict=True)), **parameters)
        return np.asarray(y) if isinstance(y, np.generic) else y

    def __reduce__(self) -> Any:
        return registry.resolve, ("ops", self.class_name)  # copies and pickles of models refer to it by its name

    def from_config(self, config: dict[str, Any]) -> Operation:
        """Make the part of a model that a config describes."""
        given = {name: config[name] for name in self.parameter_names if name in config}
        parameters = self.signature.parameters
        missing = [name for name in self.parameter_names if name not in given]
        for name in missing:
            if parameters[name].default is inspect.Parameter.empty:
                raise ValueError(f"The config of {self.class_name} {config.get('name')!r} has no {name!r}.")
        whole = {name: given.get(name, parameters[name].default) for name in self.parameter_names}
        return Operation(self, whole, name=config.get("name"))


def function(
    class_name: str,
    operands: int | tuple[str, ...] = 1,
    module: str = "numpy",
    as_given: tuple[str, ...] = (),
    unify: str | None = None,
) -> Callable[[Callable[..., Any]], Function]:
    """Return a decorator that makes a function of arrays one of symbols, too.

    Args:
        class_name: the name that files have for it.
        operands: how many of its first parameters are arrays, or the names of those that are; the others are settings.
            A parameter ``*operands`` is all of them.
        module: the module that files have for it, "numpy", "nn" or "core".
        as_given: names of operands that are not made arrays, such as an index.
        unify: the dtype that arrays are made of before the function gets them: "same" for that which they have
            together, "float" for a float type, None to leave them.
    """

    def make(compute: Callable[..., Any]) -> Function:
        made = Function(compute, class_name, module, operands, as_given, unify)
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
        self.function, self.parameters = function, function.settle(**parameters)
        self.passes_no_gradient = function.derivative is None
        self.build(None)

    def __call__(self, *operands: Any, **named: Any) -> Any:
        """Note a call on symbols."""
        function, names = self.function, self.function.operand_names
        if not function.spread:
            operands = (*operands, *(named[name] for name in names[len(operands) :] if name in named))
            given = dict(zip(names, operands, strict=False)) | named
            missing = [name for name in names if name not in given]
            defaults = function.signature.parameters
            given.update({name: defaults[name].default for name in missing})
            if len(operands) > len(names) or any(given[name] is inspect.Parameter.empty for name in missing):
                raise TypeError(f"{self.label} takes {len(names)} operands ({', '.join(names)}), got {len(operands)}.")
            operands = tuple(given[name] for name in names)
        operands = tuple(function.as_operands(list(operands)))
        symbols: list[Symbol] = []

        def placed(value: Any) -> Any:
            if isinstance(value, Symbol):
                symbols.append(value)
                return Place(len(symbols) - 1)
            if isinstance(value, (list, tuple)):
                return type(value)(map(placed, value))
            return value

        kept = [placed(operand) for operand in operands]
        try:
            shape = function.shape(*map(_shape_of, operands), **self.parameters)
            dtype = function.dtype(*operands, **self.parameters)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            call = function.told(list(operands), self.parameters)
            raise kind(f"{self.label}, {call}: {function.reason(error)}") from None
        if structure.is_shape(shape):
            outputs: Any = Symbol(tuple(shape), dtype)
        else:
            dtypes = dtype if isinstance(dtype, list) else [dtype] * len(shape)
            outputs = [Symbol(tuple(one), its) for one, its in zip(shape, dtypes, strict=True)]
        x = symbols[0] if len(symbols) == 1 else symbols
        return self.add_node(x, {"operands": kept}, outputs, operands, {})

    def forward(self, x: Any, training: bool = False, operands: Any = ()) -> tuple[Any, Any]:
        given = x if isinstance(x, list) else [x]
        arrays = self.function.unified(_filled(operands, given))
        y = self.function.run(arrays, self.parameters)
        return y, (y, arrays, operands, [one.dtype for one in given])

    def infer(self, x: Any, operands: Any = ()) -> Any:
        arrays = self.function.unified(_filled(operands, x if isinstance(x, list) else [x]))
        return self.function.run(arrays, self.parameters)

    def backward(self, dy: Any, cache: Any) -> Any:
        y, arrays, operands, dtypes = cache
        if self.function.derivative is None:
            return None if len(dtypes) == 1 else [None] * len(dtypes)
        gradients = self.function.derivative(dy, y, *arrays, **self.parameters)
        found: list[Any] = [None] * len(dtypes)

        def put(operand: Any, gradient: Any) -> None:
            if isinstance(operand, Place) and gradient is not None and dtypes[operand].kind == "f":
                found[operand] = gradient.astype(dtypes[operand], copy=False)
            elif isinstance(operand, (list, tuple)) and gradient is not None:
                for inner, part in zip(operand, gradient, strict=True):
                    put(inner, part)

        for operand, gradient in zip(operands, gradients if isinstance(gradients, tuple) else [gradients], strict=True):
            put(operand, gradient)
        return found[0] if len(found) == 1 else found

    def compute_output_shape(self, input_shape: Any, operands: Any = ()) -> Any:
        given = input_shape if len(structure.shapes(input_shape)) > 1 else structure.shapes(input_shape)
        return self.function.shape(*(_shape_of(one) for one in _filled(operands, given)), **self.parameters)

    def count_params(self) -> int:
        return 0

    @property
    def label(self) -> str:
        """The function's name in files and the call's, for messages: ``Add 'add_1'``."""
        return f"{self.function.class_name} {self.name!r}"

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


def _shortened(value: Any) -> str:
    """A parameter in words, as long as a message may be: a list of sizes out of a file has no limit."""
    words = repr(value)
    return words if len(words) <= _LONGEST_WORDS else f"{words[:_LONGEST_WORDS]}..."


def _in_words(operand: Any) -> str:
    """An operand for messages: dtype and shape of an array or symbol."""
    if isinstance(operand, (Symbol, np.ndarray)):
        return f"{operand.dtype} {tuple(operand.shape)}"
    if isinstance(operand, (list, tuple)):
        return f"[{', '.join(map(_in_words, operand))}]"
    return repr(operand)


def _shape_of(operand: Any) -> Any:
    """The shape of a symbol or array, or of each in a list; what has none stays as it is."""
    if isinstance(operand, (list, tuple)) and structure.first_symbol(operand) is not None:
        return [_shape_of(one) for one in operand]
    return operand.shape if isinstance(operand, (Symbol, np.ndarray)) else operand
