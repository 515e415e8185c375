"""Classes as vectors of zeros and ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.ops.base import function
from nnlite.ops.inference import axis_number


def _type(dtype: Any) -> str:
    name = str(dtype or config.floatx())
    return "float32" if name == "bfloat16" else name


def _spread(x: Any, num_classes: int, axis: int, dtype: Any) -> Any:
    x = np.asarray(x)
    place = axis_number(axis, x.ndim + 1)
    numbers = np.arange(num_classes).reshape([-1 if i == place else 1 for i in range(x.ndim + 1)])
    return (np.expand_dims(x, place) == numbers).astype(_type(dtype))


@function("OneHot", module="nn")
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """Return 1 at the place of each class along a new axis, 0 elsewhere; all 0 for a class that there is not.

    Args:
        x: array of whole numbers.
        num_classes: size of the new axis.
        axis: where it is in the result.
        dtype: that of the result, ``floatx`` for None.
        sparse: must be False.

    >>> one_hot(np.array([1, 0]), 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    _dense(sparse)
    return _spread(x, num_classes, axis, dtype)


def _dense(sparse: bool) -> None:
    if sparse:
        raise ValueError("sparse: there are no sparse arrays here, it must be False.")


@one_hot.output_shape
def _(shape: Any, num_classes: int, axis: int, dtype: Any, sparse: bool) -> Any:
    _dense(sparse)
    place = axis_number(axis, len(shape) + 1)
    return (*shape[:place], num_classes, *shape[place:])


@one_hot.output_dtype
def _(x: Any, **parameters: Any) -> Any:
    return _type(parameters["dtype"])


@function("MultiHot", module="nn")
def multi_hot(
    inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """Return 1 at the places of all classes of a row, 0 elsewhere.

    Args:
        inputs: array of whole numbers; its second axis (the first of one axis) holds the classes of a row.
        num_classes: how many classes there are.
        axis: where they are in the result.
        dtype: that of the result, ``floatx`` for None.
        sparse: must be False.

    >>> multi_hot(np.array([[1, 0], [2, 2]]), 3).tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    _checked(num_classes, sparse)
    return _spread(inputs, num_classes, axis, dtype).max(axis=1 if np.ndim(inputs) > 1 else 0, initial=0)  # type: ignore[arg-type]


def _checked(num_classes: int | None, sparse: bool) -> None:
    _dense(sparse)
    if num_classes is None:
        raise ValueError("multi_hot: give num_classes.")


@multi_hot.output_shape
def _(shape: Any, num_classes: int, axis: int, dtype: Any, sparse: bool) -> Any:
    _checked(num_classes, sparse)
    whole = one_hot.shape(shape, num_classes, axis, dtype, sparse)
    gone = 1 if len(shape) > 1 else 0
    return (*whole[:gone], *whole[gone + 1 :])


multi_hot.output_dtype(one_hot.dtype)


@one_hot.settings
def _with_dtype(**parameters: Any) -> Any:
    return {**parameters, "dtype": _type(parameters["dtype"])}


multi_hot.settings(_with_dtype)
