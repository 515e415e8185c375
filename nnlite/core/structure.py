"""Nested inputs and outputs: an array or a list of arrays, a shape or a list of shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite.core import loading
from nnlite.core.symbol import Shape, Symbol


def map_arrays(x: Any, function: Callable[[Any], Any]) -> Any:
    """Apply ``function`` to an array, or to each of a list, tuple or dict of arrays; None stays None.

    A list of plain numbers is one array-like, not a list of arrays.
    """
    if isinstance(x, dict):
        return {key: map_arrays(value, function) for key, value in x.items()}
    if isinstance(x, (list, tuple)) and x and isinstance(x[0], (np.ndarray, Symbol, list, tuple, type(None))):
        if isinstance(x[0], (list, tuple)) and not holds_arrays(x[0]):
            return function(x)
        return [map_arrays(value, function) for value in x]
    return None if x is None else function(x)


def holds_arrays(x: Any) -> bool:
    """Return whether ``x`` is an array or symbol, or a list or tuple with one inside."""
    return isinstance(x, (np.ndarray, Symbol)) or (isinstance(x, (list, tuple)) and any(map(holds_arrays, x)))


def open_shape(x: Any) -> Any:
    """Return the shape of a symbol or of a constant beside symbols, of which one row stands for any number of them."""
    if isinstance(x, np.ndarray) and x.shape[:1] == (1,):
        return (None, *x.shape[1:])
    return None if x is None else x.shape


def is_shape(x: Any) -> bool:
    """Return whether ``x`` is one shape: a tuple or list of whole numbers and None."""
    return isinstance(x, (tuple, list)) and all(d is None or isinstance(d, (int, np.integer)) for d in x)


def map_shapes(x: Any, function: Callable[[Shape], Any]) -> Any:
    """Apply ``function`` to a shape, or to each of a list or dict of shapes; None stays None."""
    if isinstance(x, dict):
        return {key: map_shapes(shape, function) for key, shape in x.items()}
    if x is None:
        return None
    if not isinstance(x, (list, tuple)):
        raise TypeError(f"Expected a shape, or a list or dict of shapes, got {x!r}.")
    return function(tuple(x)) if is_shape(x) else [map_shapes(shape, function) for shape in x]


def stand_in(layer: Any, shape: Any, open_size: int) -> Any:
    """Return data to try a layer on, of a shape or each of a list of shapes: zeros, or empty texts if it takes texts.

    Args:
        layer: it computes in the dtype of the zeros.
        shape: its None become ``open_size``.
    """
    dtype = "U1" if layer.takes_texts else layer._compute

    def make(one: Shape) -> Any:
        known = tuple(open_size if size is None else size for size in one)
        loading.passing(known, dtype, "A layer that would be tried on zeros")
        return np.zeros(known, dtype)

    return map_shapes(shape, make)


def merge_shapes(a: Any, b: Any) -> Any:
    """Return the shapes with None wherever the two differ."""
    if is_shape(a):
        return tuple(m if m == n else None for m, n in zip(a, b, strict=True))
    return [merge_shapes(x, y) for x, y in zip(a, b, strict=True)]


def shapes(x: Any) -> list[Shape]:
    """Return the shapes in a shape or nested list of shapes, in order."""
    return [tuple(x)] if is_shape(x) else [shape for inner in x for shape in shapes(inner)]


def shape_from_json(shape: Any) -> Any:
    """Return a shape (a list of shapes) read from JSON, in which tuples have become lists, as tuples."""
    return map_shapes(shape, tuple)


def flatten(x: Any) -> list[Any]:
    """Return the leaves of nested lists and dicts in order."""
    if isinstance(x, dict):
        return [leaf for value in x.values() for leaf in flatten(value)]
    if isinstance(x, (list, tuple)):
        return [leaf for value in x for leaf in flatten(value)]
    return [x]


def first_symbol(x: Any) -> Symbol | None:
    """Return a symbol inside ``x``, or None if there is none."""
    if isinstance(x, Symbol):
        return x
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, (list, tuple)):
        for value in x:
            if isinstance(value, (Symbol, list, tuple, dict)):
                found = first_symbol(value)
                if found is not None:
                    return found
    return None


def batch_shape(
    input_shape: Any = None,
    batch_shape: Any = None,
    batch_input_shape: Any = None,
    input_dim: int | None = None,
    batch_size: int | None = None,
) -> Shape | None:
    """Return the input shape, batch first, that the arguments of old scripts mean; None if none was given.

    >>> batch_shape(input_shape=(28, 28))
    (None, 28, 28)
    """
    whole = batch_shape if batch_shape is not None else batch_input_shape
    if whole is not None:
        return tuple(whole)
    if input_dim is not None:
        input_shape = (input_dim,)
    if input_shape is None:
        return None
    sizes = tuple(input_shape) if np.iterable(input_shape) else (input_shape,)
    if not is_shape(sizes):
        raise ValueError(f"shape: got {input_shape!r}, expected the sizes of one sample, such as (28, 28, 1).")
    return (batch_size, *sizes)
