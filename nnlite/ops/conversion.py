"""Types, shapes, and what arrays are."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.inference import result_dtype, same_shape
from nnlite.ops.operands import as_operand, plain_array


def _name(dtype: Any) -> str:
    name = str(getattr(dtype, "name", dtype)) if not isinstance(dtype, type) else np.dtype(dtype).name
    if name == "bfloat16":
        raise ValueError("dtype: NumPy has no 'bfloat16'; 'float32' holds the same numbers and more.")
    return str(np.dtype(name).name)


@function("Cast", module="core")
def cast(x: Any, dtype: Any) -> Any:
    """Return x in another dtype; the gradient passes between floats.

    >>> cast(np.array([1.7, -1.7]), "int32").tolist()
    [1, -1]
    """
    return x.astype(_name(dtype), copy=False)


@cast.gradient
def _(dy: Any, y: Any, x: Any, dtype: Any) -> Any:
    return dy.astype(x.dtype) if x.dtype.kind == "f" and np.dtype(_name(dtype)).kind == "f" else None


@cast.output_dtype
def _(x: Any, dtype: Any) -> Any:
    return _name(dtype)


@function("SaturateCast", module="core")
def saturate_cast(x: Any, dtype: Any) -> Any:
    """Return x in another dtype, moved into the range which that has.

    >>> saturate_cast(np.array([-5.0, 300.0]), "uint8").tolist()
    [0, 255]
    """
    wanted = np.dtype(_name(dtype))
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        if x.dtype.kind == "f" or np.iinfo(x.dtype).min < limits.min or np.iinfo(x.dtype).max > limits.max:
            x = np.clip(x, limits.min, limits.max)
    return x.astype(wanted)


@saturate_cast.gradient
def _(dy: Any, y: Any, x: Any, dtype: Any) -> Any:
    return dy.astype(x.dtype) if x.dtype.kind == "f" and y.dtype.kind == "f" else None


saturate_cast.output_dtype(cast.dtype)


@function("ConvertToTensor", module="core")
def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Any:
    """Return x as an array; floats that are none yet in ``floatx``, whole numbers in int32.

    >>> convert_to_tensor([1.0, 2.0]).dtype
    dtype('float32')
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor: there are no sparse and no ragged arrays here.")
    return x if dtype is None else x.astype(_name(dtype), copy=False)


@convert_to_tensor.gradient
def _(dy: Any, y: Any, x: Any, **parameters: Any) -> Any:
    return dy.astype(x.dtype, copy=False) if x.dtype.kind == "f" and y.dtype.kind == "f" else None


@convert_to_tensor.output_dtype
def _(x: Any, dtype: Any, **parameters: Any) -> Any:
    return result_dtype(x) if dtype is None else _name(dtype)


@function("StopGradient", operands=("variable",), module="core")
def stop_gradient(variable: Any) -> Any:
    """Return the array as it is; no gradient passes.

    >>> stop_gradient(np.array([1.0])).tolist()
    [1.0]
    """
    return variable


@function("Copy")
def copy(x: Any) -> Any:
    """Return a copy.

    >>> copy(np.array([1.0])).tolist()
    [1.0]
    """
    return np.array(x)


@copy.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy


def convert_to_numpy(x: Any) -> Any:
    """Return an array-like as an array, which it is already here.

    >>> convert_to_numpy([1, 2]).tolist()
    [1, 2]
    """
    return np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Return whether x is an array. (A symbol stands for one; see ``nnlite.utils.is_keras_tensor``.)

    >>> is_tensor(np.ones(2)), is_tensor([1.0])
    (True, False)
    """
    return isinstance(x, np.ndarray)


def shape(x: Any) -> tuple[int | None, ...]:
    """Return the shape of an array or symbol, None where it is open.

    >>> shape([[1, 2], [3, 4]])
    (2, 2)
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def ndim(x: Any) -> int:
    """Return the number of axes.

    >>> ndim([[1, 2]])
    2
    """
    return len(shape(x))


def size(x: Any) -> int | None:
    """Return the number of elements, None where it is open.

    >>> size([[1, 2]])
    2
    """
    sizes = shape(x)
    return None if None in sizes else int(np.prod(sizes))  # type: ignore[arg-type]


def dtype(x: Any) -> str:
    """Return the name of the dtype.

    >>> dtype([1.0])
    'float32'
    """
    return str(np.dtype(plain_array(as_operand(x)).dtype).name)


for _one in (cast, saturate_cast, convert_to_tensor, stop_gradient, copy):
    _one.output_shape(same_shape)
