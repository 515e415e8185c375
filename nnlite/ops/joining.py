"""Arrays put together, taken apart, repeated and padded."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import loading
from nnlite.ops.base import function
from nnlite.ops.inference import axis_number, product
from nnlite.ops.operands import sum_to


@function("Concatenate", unify="same")
def concatenate(xs: Any, axis: int | None = 0) -> Any:
    """Return arrays joined along an axis; backward gives each its part of dy.

    >>> concatenate([np.array([1, 2]), np.array([3])]).tolist()
    [1, 2, 3]
    """
    return np.concatenate(xs, axis)


@concatenate.gradient
def _(dy: Any, y: Any, xs: Any, axis: int) -> Any:
    if axis is None:
        parts = np.split(dy, np.cumsum([x.size for x in xs])[:-1])
        return [part.reshape(x.shape) for part, x in zip(parts, xs, strict=True)]
    return np.split(dy, np.cumsum([x.shape[axis] for x in xs])[:-1], axis)


@concatenate.output_shape
def _(shapes: Any, axis: int) -> Any:
    if axis is None:
        sizes = [product(shape) for shape in shapes]
        return (None if None in sizes else sum(sizes),)  # type: ignore[arg-type]
    ranks = {len(shape) for shape in shapes}
    if len(ranks) != 1:
        raise ValueError(f"concatenate: all must have the same number of axes, got {', '.join(map(str, shapes))}.")
    joined, found = axis_number(axis, ranks.pop()), []
    for number, sizes in enumerate(zip(*shapes, strict=True)):
        fixed = {size for size in sizes if size is not None}
        if number == joined:
            found.append(None if None in sizes else sum(sizes))
        elif len(fixed) > 1:
            raise ValueError(
                f"concatenate: sizes may differ along axis {joined} only, got {', '.join(map(str, shapes))}."
            )
        else:
            found.append(fixed.pop() if fixed else None)
    return tuple(found)


@function("Stack", unify="same")
def stack(x: Any, axis: int = 0) -> Any:
    """Return arrays of one shape joined along a new axis.

    >>> stack([np.array([1, 2]), np.array([3, 4])], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    return np.stack(x, axis)


@stack.gradient
def _(dy: Any, y: Any, x: Any, axis: int) -> Any:
    return list(np.moveaxis(dy, axis, 0))


@stack.output_shape
def _(shapes: Any, axis: int) -> Any:
    merged = []
    for sizes in zip(*shapes, strict=len({len(shape) for shape in shapes}) == 1):
        fixed = {size for size in sizes if size is not None}
        if len(fixed) > 1:
            raise ValueError(f"stack: all must have one shape, got {', '.join(map(str, shapes))}.")
        merged.append(fixed.pop() if fixed else None)
    if len({len(shape) for shape in shapes}) != 1:
        raise ValueError(f"stack: all must have one shape, got {', '.join(map(str, shapes))}.")
    merged.insert(axis_number(axis, len(merged) + 1), len(shapes))
    return tuple(merged)


@function("Hstack", unify="same")
def hstack(xs: Any) -> Any:
    """Return arrays joined along the second axis, those of one axis along it.

    >>> hstack([np.array([1, 2]), np.array([3])]).tolist()
    [1, 2, 3]
    """
    return np.hstack(xs)


@hstack.gradient
def _(dy: Any, y: Any, xs: Any) -> Any:
    return concatenate.derivative(dy, y, xs, 0 if dy.ndim == 1 else 1)  # type: ignore[misc]


@hstack.output_shape
def _(shapes: Any) -> Any:
    return concatenate.shape(shapes, axis=0 if len(shapes[0]) == 1 else 1)


@function("Vstack", unify="same")
def vstack(xs: Any) -> Any:
    """Return arrays joined along the first axis, those of one axis as rows.

    >>> vstack([np.array([1, 2]), np.array([3, 4])]).tolist()
    [[1, 2], [3, 4]]
    """
    return np.vstack(xs)


@vstack.gradient
def _(dy: Any, y: Any, xs: Any) -> Any:
    parts = np.split(dy, np.cumsum([len(x) if x.ndim > 1 else 1 for x in xs])[:-1])
    return [part.reshape(x.shape) for part, x in zip(parts, xs, strict=True)]


@vstack.output_shape
def _(shapes: Any) -> Any:
    return concatenate.shape([shape if len(shape) > 1 else (1, *shape) for shape in shapes], axis=0)


def _cuts(size: int | None, sections: Any, axis: int) -> list[tuple[int | None, int | None]]:
    """Where the parts of an axis begin and end."""
    is_number = isinstance(sections, (int, np.integer))
    loading.passing_several(int(sections) if is_number else len(sections) + 1)
    if is_number:
        if size is None:
            return [(None, None)] * int(sections)
        if sections < 1 or size % sections:
            raise ValueError(f"split: axis {axis} of size {size} has no {sections} equal parts.")
        ends = [size // sections * number for number in range(1, int(sections) + 1)]
        return list(zip([0, *ends[:-1]], ends, strict=True))
    places = [int(one) for one in sections]
    return list(zip([0, *places], [*places, size], strict=True))


@function("Split")
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Return a list of the parts of an array: so many equal ones, or cut before the positions of a list.

    >>> [part.tolist() for part in split(np.array([1, 2, 3, 4]), [1, 3])]
    [[1], [2, 3], [4]]
    """
    number = axis_number(axis, x.ndim)
    cuts = _cuts(x.shape[number], indices_or_sections, axis)
    return [x[(slice(None),) * number + (slice(*cut),)] for cut in cuts]


@split.gradient
def _(dy: Any, y: Any, x: Any, indices_or_sections: Any, axis: int) -> Any:
    if any(one is None for one in dy):
        dy = [np.zeros(part.shape, x.dtype) if one is None else one for one, part in zip(dy, y, strict=True)]
    return np.concatenate(dy, axis)


@split.output_shape
def _(shape: Any, indices_or_sections: Any, axis: int) -> Any:
    number = axis_number(axis, len(shape))
    size = shape[number]
    found = []
    for start, stop in _cuts(size, indices_or_sections, axis):
        part = None if size is None or stop is None else len(range(size)[start:stop])
        found.append((*shape[:number], part, *shape[number + 1 :]))
    return found


@function("Unstack", module="core")
def unstack(x: Any, num: int | None = None, axis: int = 0) -> Any:
    """Return a list of the parts of an array along an axis, which goes; ``num`` says how many, where that is open.

    >>> [part.tolist() for part in unstack(np.array([[1, 2], [3, 4]]))]
    [[1, 2], [3, 4]]
    """
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack: num={num}, but axis {axis} of shape {x.shape} has size {x.shape[axis]}.")
    return list(np.moveaxis(x, axis, 0))


@unstack.gradient
def _(dy: Any, y: Any, x: Any, num: int | None, axis: int) -> Any:
    return np.stack([np.zeros(p.shape, x.dtype) if one is None else one for one, p in zip(dy, y, strict=True)], axis)


@unstack.output_shape
def _(shape: Any, num: int | None, axis: int) -> Any:
    number = axis_number(axis, len(shape))
    count = shape[number] if num is None else num
    if count is None or (shape[number] not in (None, count)):
        raise ValueError(
            f"unstack: axis {axis} of shape {tuple(shape)}, num={num}: how many parts are there? Give num."
        )
    loading.passing_several(count)
    return [(*shape[:number], *shape[number + 1 :])] * count


@function("Tile")
def tile(x: Any, repeats: Any) -> Any:
    """Return an array set side by side so many times along each axis; backward sums dy over the copies.

    >>> tile(np.array([1, 2]), 2).tolist()
    [1, 2, 1, 2]
    """
    return np.tile(x, repeats)


def _tiles(rank: int, repeats: Any) -> tuple[list[int], int]:
    """How often each axis is repeated, and how many axes are new."""
    times = [int(one) for one in np.atleast_1d(repeats)]
    new = max(len(times) - rank, 0)
    return [1] * (rank - len(times)) + times, new


@tile.gradient
def _(dy: Any, y: Any, x: Any, repeats: Any) -> Any:
    times, new = _tiles(x.ndim, repeats)
    shape = (1,) * new + x.shape
    split_up = dy.reshape([n for pair in zip(times, shape, strict=True) for n in pair])
    return split_up.sum(axis=tuple(range(0, 2 * len(times), 2))).reshape(x.shape)


@tile.output_shape
def _(shape: Any, repeats: Any) -> Any:
    times, new = _tiles(len(shape), repeats)
    return tuple(None if size is None else n * size for n, size in zip(times, (1,) * new + tuple(shape), strict=True))


@function("Repeat")
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Return an array with each element along an axis (of the flat array for None) so many times in a row.

    >>> repeat(np.array([1, 2]), 2).tolist()
    [1, 1, 2, 2]
    """
    return np.repeat(x, repeats, axis)


@repeat.gradient
def _(dy: Any, y: Any, x: Any, repeats: Any, axis: int | None) -> Any:
    size = x.size if axis is None else x.shape[axis]
    counts = np.broadcast_to(repeats, (size,))
    if np.all(counts == counts[:1]) and size and counts[0]:
        moved = dy.reshape(size, -1) if axis is None else np.moveaxis(dy, axis, -1)
        rows = moved.reshape(*(moved.shape[:-1] if axis is not None else ()), size, int(counts[0])).sum(axis=-1)
        return rows.reshape(x.shape) if axis is None else np.moveaxis(rows, -1, axis)
    dx = np.zeros(x.size if axis is None else x.shape, dy.dtype)
    np.add.at(np.moveaxis(dx, axis or 0, 0), np.repeat(np.arange(size), counts), np.moveaxis(dy, axis or 0, 0))
    return dx.reshape(x.shape)


@repeat.output_shape
def _(shape: Any, repeats: Any, axis: int | None) -> Any:
    number = 0 if axis is None else axis_number(axis, len(shape))
    shape = (product(shape),) if axis is None else tuple(shape)
    several = np.atleast_1d(repeats)
    size = (
        int(several.sum()) if several.size > 1 else None if shape[number] is None else shape[number] * int(several[0])
    )
    return (*shape[:number], size, *shape[number + 1 :])


@function("Pad", operands=("x", "constant_values"))
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Return an array with more elements around it.

    Args:
        x: array.
        pad_width: (before, after) for each axis, or one such pair or number for all.
        mode: "constant", or "reflect" or "symmetric", which mirror the array without or with its edge.
        constant_values: the number around it for "constant", 0 for None.

    >>> pad(np.array([1, 2, 3]), (1, 2)).tolist()
    [0, 1, 2, 3, 0, 0]
    """
    widths = _widths(x.ndim, pad_width)
    if mode == "constant":
        return np.pad(x, widths, mode="constant", constant_values=0 if constant_values is None else constant_values)
    _checked(mode, constant_values)
    return np.pad(x, widths, mode=mode)  # type: ignore[call-overload]


def _checked(mode: str, constant_values: Any) -> None:
    if mode not in ("constant", "reflect", "symmetric"):
        raise ValueError(f"pad: mode must be 'constant', 'reflect' or 'symmetric', got {mode!r}.")
    if mode != "constant" and constant_values is not None:
        raise ValueError(f"pad: constant_values are for mode='constant', got {constant_values!r} with {mode!r}.")


def _widths(rank: int, pad_width: Any) -> list[tuple[int, int]]:
    given = np.asarray(pad_width)
    if given.dtype.kind not in "iu" or given.shape not in ((), (1,), (2,), (1, 2), (rank, 2)):
        raise ValueError(f"pad: pad_width={pad_width!r} is no pair (before, after) for each of {rank} axes.")
    return [(int(a), int(b)) for a, b in np.broadcast_to(given, (rank, 2))]


@pad.gradient
def _(dy: Any, y: Any, x: Any, constant_values: Any, pad_width: Any, mode: str) -> Any:
    widths = _widths(x.ndim, pad_width)
    if mode == "constant":
        inside = tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True))
        return dy[inside], None
    for axis, (width, size) in enumerate(zip(widths, x.shape, strict=True)):
        source = np.pad(np.arange(size), width, mode=mode)  # type: ignore[call-overload]
        moved = np.moveaxis(dy, axis, 0)
        sums = np.zeros((size, *moved.shape[1:]), dy.dtype)
        np.add.at(sums, source, moved)
        dy = np.moveaxis(sums, 0, axis)
    return dy, None


@pad.output_shape
def _(shape: Any, constant_values: Any, pad_width: Any, mode: str) -> Any:
    _checked(mode, constant_values)
    widths = _widths(len(shape), pad_width)
    return tuple(None if size is None else size + a + b for size, (a, b) in zip(shape, widths, strict=True))


@function("Meshgrid")
def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """Return arrays of coordinates, one for each array given, in the grid of all.

    >>> [one.tolist() for one in meshgrid(np.array([1, 2]), np.array([3, 4, 5]))]
    [[[1, 2], [1, 2], [1, 2]], [[3, 3], [4, 4], [5, 5]]]
    """
    return list(np.meshgrid(*x, indexing=indexing))  # type: ignore[call-overload]


def _grid(x: Any, number: int, count: int, indexing: str) -> tuple[int, ...]:
    """The shape in which one array stands along its axis of the grid."""
    axis = 1 - number if indexing == "xy" and number < 2 and count > 1 else number
    return (1,) * axis + (-1,) + (1,) * (count - 1 - axis)


@meshgrid.gradient
def _(dy: Any, y: Any, *x: Any, indexing: str) -> Any:
    found = []
    for number, (one, its) in enumerate(zip(dy, x, strict=True)):
        along = its.reshape(_grid(its, number, len(x), indexing))
        part = None if one is None else sum_to(one, along)
        found.append(None if part is None else part.reshape(its.shape))
    return tuple(found)


@meshgrid.output_shape
def _(*shapes: Any, indexing: str) -> Any:
    sizes = [product(shape) for shape in shapes]
    if indexing == "xy" and len(sizes) > 1:
        sizes[:2] = sizes[1::-1]
    return [tuple(sizes)] * len(shapes)
