"""Shapes and dtypes of results, known before there are arrays; sizes of None are open."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import structure

Shape = tuple[int | None, ...]

# ---- dtypes ----


def result_dtype(*operands: Any, **parameters: Any) -> str:
    """Return the dtype that arrays and symbols have together, as in JAX: a float wins over whole numbers of any width,
    and Python's numbers over no array of their kind.

    >>> result_dtype(np.ones(1, "int64"), np.ones(1, "float32")), result_dtype(np.ones(1, "float32"), 2.5)
    ('float32', 'float32')
    """
    leaves = structure.flatten(list(operands))
    dtypes = [np.dtype(one.dtype) for one in leaves if hasattr(one, "dtype")]
    floats = [dtype for dtype in dtypes if dtype.kind in "fc"]
    if floats:
        return str(np.result_type(*floats).name)
    if any(isinstance(one, float) for one in leaves):
        return _floatx()
    numbers = any(isinstance(one, int) and not isinstance(one, bool) for one in leaves)
    if not dtypes or (numbers and all(dtype.kind == "b" for dtype in dtypes)):
        return "int32" if numbers else "bool"
    return str(np.result_type(*dtypes).name)


def float_dtype(*operands: Any, **parameters: Any) -> str:
    """Return the float type that arrays and symbols have together, ``floatx`` for whole numbers."""
    dtype = result_dtype(*operands)
    return dtype if np.dtype(dtype).kind in "fc" else _floatx()


def boolean(*operands: Any, **parameters: Any) -> str:
    """Return the dtype of the result of a comparison."""
    return "bool"


def int32(*operands: Any, **parameters: Any) -> str:
    """Return the dtype of positions and counts."""
    return "int32"


def first_dtype(first: Any, *others: Any, **parameters: Any) -> str:
    """Return the dtype of the first operand."""
    return result_dtype(first)


def sum_dtype(x: Any, *others: Any, **parameters: Any) -> str:
    """Return the dtype of a sum: narrow whole numbers become 32 bits wide."""
    dtype = parameters.get("dtype") or result_dtype(x)
    kind, size = np.dtype(dtype).kind, np.dtype(dtype).itemsize
    if kind in "bi" and size < 4:
        return "int32"
    return "uint32" if kind == "u" and size < 4 else str(dtype)


def _floatx() -> str:
    return config.floatx() if config.floatx() != "bfloat16" else "float32"


# ---- shapes ----


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
            raise ValueError(f"the shapes {' and '.join(map(str, known))} do not go together: {sizes} in one place.")
        found.append(fixed.pop() if fixed else None if None in sizes else 1)
    return tuple(found)


def same_shape(shape: Any, *others: Any, **parameters: Any) -> Any:
    """Return the shape of the first operand."""
    return tuple(shape)


def along_axis(shape: Any, *others: Any, axis: Any = None, **parameters: Any) -> Any:
    """Return the shape of the first operand, after a look at whether it has the axis, or axes."""
    axis_numbers(axis, len(shape))
    return tuple(shape)


def axis_number(axis: Any, rank: int, what: str = "axis") -> int:
    """Return an axis counted from the front; raise ``ValueError`` if there is none.

    >>> axis_number(-1, 3)
    2
    """
    if not isinstance(axis, (int, np.integer)) or not -rank <= axis < rank:
        raise ValueError(f"{what}: got {axis!r}, expected a number from {-rank} to {rank - 1} for {rank} axes.")
    return int(axis) % rank


def axis_numbers(axis: Any, rank: int, what: str = "axis") -> tuple[int, ...]:
    """Return an axis, several or None (all) as numbers counted from the front."""
    if axis is None:
        return tuple(range(rank))
    found = tuple(axis_number(one, rank, what) for one in (axis if isinstance(axis, (list, tuple)) else (axis,)))
    if len(set(found)) != len(found):
        raise ValueError(f"{what}: got {axis!r}, which names an axis twice.")
    return found


def reduced_shape(shape: Any, *others: Any, axis: Any = None, keepdims: bool = False, **parameters: Any) -> Shape:
    """Return a shape without some axes, or with size 1 there.

    >>> reduced_shape((None, 2, 3), axis=-1), reduced_shape((None, 2, 3), axis=(1, 2), keepdims=True)
    ((None, 2), (None, 1, 1))
    """
    axes = axis_numbers(axis, len(shape))
    if keepdims:
        return tuple(1 if number in axes else size for number, size in enumerate(shape))
    return tuple(size for number, size in enumerate(shape) if number not in axes)


def product(sizes: Sequence[int | None]) -> int | None:
    """Return the product of sizes, None if one is open."""
    return None if None in sizes else math.prod(sizes)  # type: ignore[arg-type]


def view_shape(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return what tells the shape of a function that returns a view of its first operand, whatever the sizes.

    The function is run on arrays without memory of their own; a size that follows an open one is open.
    """

    def shape_of(shape: Any, *others: Any, **parameters: Any) -> Shape:
        found = []
        for size in (1009, 1013) if None in shape else (0,):
            stand_in = np.broadcast_to(np.int8(0), [size if d is None else d for d in shape])
            found.append(compute(stand_in, *others, **parameters).shape)
        return tuple(m if m == n else None for m, n in zip(found[0], found[-1], strict=True))

    return shape_of
