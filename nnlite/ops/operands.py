"""What operands may be: arrays, Python's numbers, and what can be made an array."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import structure
from nnlite.core.symbol import Symbol
from nnlite.ops import inference

Array = Any


def as_operand(value: Any) -> Any:
    """Return an array-like as an array; Python's numbers stay, lists of arrays stay lists.

    Floats become ``nnlite.config.floatx()`` and whole numbers int32, unless they are arrays already.

    >>> as_operand([1.0, 2.0]).dtype, as_operand([1, 2]).dtype
    (dtype('float32'), dtype('int32'))
    """
    if isinstance(value, (np.ndarray, Symbol)):
        return value
    if isinstance(value, np.float64):
        return float(value)  # as ``np.sqrt(2)`` is written for a number
    if isinstance(value, (bool, int, float)) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and structure.holds_arrays(value):
        return [as_operand(one) for one in value]
    array = np.asarray(value)
    if isinstance(value, np.generic) or hasattr(value, "dtype"):
        return array
    if array.dtype.kind not in "fiub":
        raise TypeError(f"Expected numbers, arrays or symbols, got {type(value).__name__} {value!r}.")
    return array.astype({"f": _float_name(), "i": "int32"}.get(array.dtype.kind, array.dtype), copy=False)


def _float_name() -> str:
    return config.floatx() if config.floatx() != "bfloat16" else "float32"


def plain_array(value: Any) -> Any:
    """Return one of Python's numbers as an array of the type that numbers have among arrays."""
    if isinstance(value, bool):
        return np.asarray(value)
    if isinstance(value, (int, float)):
        return np.asarray(value, "int32" if isinstance(value, int) else _float_name())
    return value


def unify(operands: list[Any], floats: bool) -> list[Any]:
    """Return operands in the dtype that they have together, a float type if ``floats``."""
    dtype = np.dtype((inference.float_dtype if floats else inference.result_dtype)(*operands))

    def one(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value if value.dtype == dtype else value.astype(dtype)
        if isinstance(value, (list, tuple)):
            return [one(inner) for inner in value]
        if isinstance(value, (bool, int)) and dtype.kind == "f":
            return float(value)
        return value

    return [one(value) for value in operands]


def sum_to(gradient: Array, operand: Any) -> Any:
    """Return the gradient of an operand that was broadcast: summed over its copies; None for what is no array.

    >>> sum_to(np.ones((2, 3)), np.ones((3,))).tolist()
    [2.0, 2.0, 2.0]
    """
    if not isinstance(operand, np.ndarray) or operand.dtype.kind != "f":
        return None
    if gradient.shape == operand.shape:
        return gradient
    extra = gradient.ndim - operand.ndim
    if extra < 0 or any(m not in (1, n) for m, n in zip(operand.shape, gradient.shape[max(extra, 0) :], strict=True)):
        return np.broadcast_to(gradient, operand.shape)  # a gradient that is the same everywhere
    axes = tuple(
        axis for axis, n in enumerate(gradient.shape) if axis < extra or (operand.shape[axis - extra] == 1 and n != 1)
    )
    return gradient.sum(axis=axes, keepdims=True).reshape(operand.shape)


def is_array(operand: Any) -> bool:
    """Return whether an operand is an array of floats, which takes a gradient."""
    return isinstance(operand, np.ndarray) and operand.dtype.kind == "f"
