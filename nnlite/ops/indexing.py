"""Parts of arrays, picked and put by their positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.inference import axis_number, product, result_dtype, view_shape


@function("GetItem", operands=2, as_given=("key",))
def get_item(x: Any, key: Any) -> Any:
    """Return ``x[key]``, for numbers, slices, ``...``, None and tuples of them; backward puts dy there, zero elsewhere.

    >>> get_item(np.arange(6).reshape(2, 3), (slice(None), 1)).tolist()
    [1, 4]
    """
    return x[_key(key)]


def _key(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) else key  # files have lists for tuples


@get_item.gradient
def _(dy: Any, y: Any, x: Any, key: Any) -> Any:
    dx, key = np.zeros(x.shape, dy.dtype), _key(key)
    np.add.at(dx, key, dy) if _has_indices(key) else dx.__setitem__(key, dy)
    return dx, None


def _has_indices(key: Any) -> bool:
    """Whether a key holds arrays or lists of indices, which may repeat."""
    return any(isinstance(one, (np.ndarray, list)) for one in (key if isinstance(key, tuple) else (key,)))


@get_item.output_shape
def _(shape: Any, key: Any) -> Any:
    key = _key(key)
    if _has_indices(key):
        return view_shape(get_item.compute)(shape, key)
    parts = list(key) if isinstance(key, tuple) else [key]
    if not any(one is Ellipsis for one in parts):
        parts.append(Ellipsis)
    left = len(shape) - sum(one is not None and one is not Ellipsis for one in parts)
    if left < 0 or sum(one is Ellipsis for one in parts) > 1:
        raise ValueError(f"get_item: the key {key!r} does not fit shape {tuple(shape)}.")
    found: list[Any] = []
    number = 0
    for part in parts:
        if part is None:
            found.append(1)
        elif part is Ellipsis:
            found += shape[number : number + left]
            number += left
        elif isinstance(part, slice):
            size = shape[number]
            found.append(None if size is None else len(range(size)[part]))
            number += 1
        elif isinstance(part, (int, np.integer)):
            if shape[number] is not None:
                axis_number(part, shape[number], f"get_item: index of axis {number}")
            number += 1
        else:
            raise TypeError(f"get_item: an index may be a number, slice, ... or None, got {part!r}.")
    return tuple(found)


@get_item.output_dtype
def _(x: Any, key: Any) -> Any:
    return result_dtype(x)


@function("Slice", operands=("inputs", "start_indices"), module="core")
def slice_(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """Return the part of an array that begins at ``start_indices`` and has a shape; it is moved to lie inside.

    >>> slice_(np.arange(6).reshape(2, 3), (0, 1), (2, 2)).tolist()
    [[1, 2], [4, 5]]
    """
    return inputs[_window(inputs.shape, start_indices, shape)]


def _window(whole: Any, starts: Any, shape: Any) -> Any:
    places = [max(0, min(int(a), n - m)) for a, n, m in zip(np.ravel(starts), whole, shape, strict=True)]
    return tuple(slice(a, a + m) for a, m in zip(places, shape, strict=True))


@slice_.gradient
def _(dy: Any, y: Any, inputs: Any, start_indices: Any, shape: Any) -> Any:
    dx = np.zeros(inputs.shape, dy.dtype)
    dx[_window(inputs.shape, start_indices, shape)] = dy
    return dx, None


@slice_.output_shape
def _(whole: Any, starts: Any, shape: Any) -> Any:
    return tuple(shape)


@function("Take", operands=2)
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return the elements of an axis (of the flat array for None) at ``indices``; negative ones count from the end.

    Outside of the axis there is NaN (for whole numbers the smallest), and no gradient, as on JAX.

    >>> take(np.array([5, 6, 7]), [2, 0]).tolist()
    [7, 5]
    """
    flat, where, outside, axis = _taken(x, indices, axis)
    if flat.shape[axis] == 0 and where.size:
        flat = np.zeros((*flat.shape[:axis], 1, *flat.shape[axis + 1 :]), flat.dtype)
    y = np.take(flat, where, axis)
    if outside is not None:
        fill = np.nan if y.dtype.kind == "f" else np.iinfo(y.dtype).min if y.dtype.kind == "i" else True
        places = outside.reshape((1,) * axis + outside.shape + (1,) * (flat.ndim - axis - 1))
        y = np.where(places, y.dtype.type(fill), y)
    return y


def _taken(x: Any, indices: Any, axis: int | None) -> Any:
    """The array or its flat view, indices from the front, where they are outside (None for nowhere), and the axis."""
    flat = x.reshape(-1) if axis is None else x
    number = 0 if axis is None else axis_number(axis, x.ndim)
    where, size = np.asarray(indices), flat.shape[number]
    if where.dtype.kind not in "iu":
        where = where.astype("int64")
    if where.dtype.kind == "i":
        where = np.where(where < 0, where + size, where)
    outside = (where < 0) | (where >= size)
    if not outside.any():
        return flat, where, None, number
    return flat, np.where(outside, 0, where), outside, number


@take.gradient
def _(dy: Any, y: Any, x: Any, indices: Any, axis: int | None) -> Any:
    flat, where, outside, number = _taken(x, indices, axis)
    dx = np.zeros(flat.shape, dy.dtype)
    rows = np.moveaxis(dy, range(number, number + where.ndim), range(where.ndim))
    rows = rows.reshape(where.size, *rows.shape[where.ndim :])
    if outside is not None:
        rows, where = rows[~outside.reshape(-1)], where[~outside]
    np.add.at(np.moveaxis(dx, number, 0), where.reshape(-1), rows)
    return dx.reshape(x.shape), None


@take.output_shape
def _(shape: Any, indices: Any, axis: int | None) -> Any:
    inner = tuple(indices) if isinstance(indices, tuple) else np.shape(indices)
    if axis is None:
        return inner
    number = axis_number(axis, len(shape))
    return (*shape[:number], *inner, *shape[number + 1 :])


@take.output_dtype
def _(x: Any, indices: Any, axis: int | None) -> Any:
    return result_dtype(x)


@function("TakeAlongAxis", operands=2)
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return the elements at ``indices`` along an axis, which has as many axes as x and broadcasts on the others.

    >>> take_along_axis(np.array([[5, 6], [7, 8]]), np.array([[1], [0]]), axis=1).tolist()
    [[6], [7]]
    """
    if axis is None:
        return np.take_along_axis(x.reshape(-1), np.asarray(indices).reshape(-1), 0)
    return np.take_along_axis(x, np.asarray(indices), axis)


@take_along_axis.gradient
def _(dy: Any, y: Any, x: Any, indices: Any, axis: int | None) -> Any:
    if axis is None:
        dx = np.zeros(x.size, dy.dtype)
        np.add.at(dx, np.asarray(indices).reshape(-1), dy)
        return dx.reshape(x.shape), None
    dx = np.zeros(x.shape, dy.dtype)
    key = list(np.ix_(*(np.arange(n) if n > 1 else np.zeros(m, int) for n, m in zip(x.shape, dy.shape, strict=True))))
    key[axis] = np.broadcast_to(indices, dy.shape)
    np.add.at(dx, tuple(key), dy)
    return dx, None


@take_along_axis.output_shape
def _(shape: Any, indices: Any, axis: int | None) -> Any:
    inner = tuple(indices) if isinstance(indices, tuple) else np.shape(indices)
    if axis is None:
        return (product(inner),)
    number = axis_number(axis, len(shape))
    if len(inner) != len(shape):
        raise ValueError(f"take_along_axis: indices need {len(shape)} axes as x has, got shape {inner}.")
    pairs = enumerate(zip(shape, inner, strict=True))
    return tuple(m if axis == number else n if m in (1, n) else m for axis, (n, m) in pairs)


@take_along_axis.output_dtype
def _(x: Any, indices: Any, axis: int | None) -> Any:
    return result_dtype(x)


@function("Diag")
def diag(x: Any, k: int = 0) -> Any:
    """Return a matrix with a vector on its k-th diagonal, or that diagonal of a matrix.

    >>> diag(np.array([1, 2])).tolist()
    [[1, 0], [0, 2]]
    """
    return np.diag(x, k)


@diag.gradient
def _(dy: Any, y: Any, x: Any, k: int) -> Any:
    if x.ndim == 1:
        return np.diag(dy, k)
    dx = np.zeros(x.shape, dy.dtype)
    rows = np.arange(len(dy)) + max(-k, 0)
    dx[rows, rows + k] = dy
    return dx


@diag.output_shape
def _(shape: Any, k: int) -> Any:
    if len(shape) == 1:
        size = None if shape[0] is None else shape[0] + abs(k)
        return (size, size)
    return (None,) if None in shape else view_shape(np.diag)(shape, k=k)


@function("Tril")
def tril(x: Any, k: int = 0) -> Any:
    """Return matrices with 0 above the k-th diagonal.

    >>> tril(np.ones((2, 2))).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return np.tril(x, k)


@function("Triu")
def triu(x: Any, k: int = 0) -> Any:
    """Return matrices with 0 below the k-th diagonal.

    >>> triu(np.ones((2, 2))).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    return np.triu(x, k)


@tril.gradient
def _(dy: Any, y: Any, x: Any, k: int) -> Any:
    return np.tril(dy, k)


@triu.gradient
def _(dy: Any, y: Any, x: Any, k: int) -> Any:
    return np.triu(dy, k)


@function("SegmentSum", operands=2, module="math")
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Any:
    """Return the sums of the rows that have the same number in ``segment_ids``, as the row of that number.

    >>> segment_sum(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0]), num_segments=3).tolist()
    [5.0, 2.0, 0.0]
    """
    ids = np.asarray(segment_ids)
    count = (int(ids.max()) + 1 if ids.size else 0) if num_segments is None else num_segments
    y = np.zeros((count, *data.shape[1:]), data.dtype)
    inside = (ids >= 0) & (ids < count)
    np.add.at(y, ids[inside], data[inside])
    return y


@segment_sum.gradient
def _(dy: Any, y: Any, data: Any, segment_ids: Any, num_segments: int | None, sorted: bool) -> Any:
    ids = np.asarray(segment_ids)
    inside = (ids >= 0) & (ids < len(dy))
    dx = np.zeros(data.shape, dy.dtype)
    dx[inside] = dy[ids[inside]]
    return dx, None


@segment_sum.output_shape
def _(shape: Any, ids: Any, num_segments: int | None, sorted: bool) -> Any:
    return (num_segments, *shape[1:])


@segment_sum.output_dtype
def _(data: Any, segment_ids: Any, **parameters: Any) -> Any:
    return result_dtype(data)
