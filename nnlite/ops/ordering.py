"""Orders, positions, and what is summed up step by step along an axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.inference import axis_number, axis_numbers, int32, reduced_shape, result_dtype


def _position_shape(shape: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reduced_shape(shape, axis=axis, keepdims=keepdims)


@function("Argmax")
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return where the largest element is along an axis (in the flat array for None), the first of equal ones.

    >>> argmax(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [1, 0]
    """
    return np.asarray(np.argmax(x, axis=axis, keepdims=keepdims)).astype("int32")


@function("Argmin")
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return where the smallest element is along an axis (in the flat array for None), the first of equal ones.

    >>> argmin(np.array([[1, 5], [7, 2]]), axis=1).tolist()
    [0, 1]
    """
    return np.asarray(np.argmin(x, axis=axis, keepdims=keepdims)).astype("int32")


def _ordered_shape(shape: Any, axis: int | None = -1) -> Any:
    if axis is None:
        return (None if None in shape else int(np.prod(shape)),)
    axis_number(axis, len(shape))
    return tuple(shape)


@function("Argsort")
def argsort(x: Any, axis: int | None = -1) -> Any:
    """Return the positions that put an axis (the flat array for None) in order, equal elements as they stand.

    >>> argsort(np.array([3, 1, 2])).tolist()
    [1, 2, 0]
    """
    return np.argsort(x, axis=axis, kind="stable").astype("int32")


@function("Sort")
def sort(x: Any, axis: int | None = -1) -> Any:
    """Return an axis (the flat array for None) in order; the gradient goes back to where each element came from.

    >>> sort(np.array([3, 1, 2])).tolist()
    [1, 2, 3]
    """
    return np.sort(x, axis=axis, kind="stable")


@sort.gradient
def _(dy: Any, y: Any, x: Any, axis: int | None) -> Any:
    dx = np.empty_like(dy)
    if axis is None:
        dx[np.argsort(x, axis=None, kind="stable")] = dy
        return dx.reshape(x.shape)
    np.put_along_axis(dx, np.argsort(x, axis=axis, kind="stable"), dy, axis)
    return dx


@function("TopK", module="math")
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """Return the k largest elements along the last axis, from the largest down, and where they are.

    >>> values, places = top_k(np.array([3.0, 1.0, 2.0]), 2)
    >>> values.tolist(), places.tolist()
    ([3.0, 2.0], [0, 2])
    """
    _top_shape(x.shape, k, sorted)
    places = _largest(x, k)
    return np.take_along_axis(x, places, -1), places.astype("int32")


def _largest(x: Any, k: int) -> Any:
    """Where the k largest are; of equal ones the first."""
    backwards = np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    return (x.shape[-1] - 1 - backwards)[..., :k]


@top_k.gradient
def _(dy: Any, y: Any, x: Any, k: int, sorted: bool) -> Any:
    dx = np.zeros_like(x)
    if dy[0] is not None:
        np.put_along_axis(dx, y[1].astype("int64"), dy[0], -1)
    return dx


@top_k.output_shape
def _top_shape(shape: Any, k: int, sorted: bool) -> Any:
    if not shape or (shape[-1] is not None and not 0 <= k <= shape[-1]):
        raise ValueError(f"top_k: k={k} of a last axis of size {shape[-1] if shape else 'none'}.")
    return [(*shape[:-1], k), (*shape[:-1], k)]


@top_k.output_dtype
def _(x: Any, k: int, sorted: bool) -> Any:
    return [result_dtype(x), "int32"]


@function("InTopK", operands=2, module="math")
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Return whether each target is the class of one of the k largest predictions; ties count as inside.

    >>> in_top_k(np.array([1, 2]), np.array([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]]), k=2).tolist()
    [True, False]
    """
    flat = np.asarray(targets).ravel()
    own = predictions[np.arange(flat.size), flat][:, None]
    return ((predictions > own).sum(axis=-1) < k).reshape(np.shape(targets))


@in_top_k.output_shape
def _(targets: Any, predictions: Any, k: int) -> Any:
    return tuple(targets)


@in_top_k.output_dtype
def _(*operands: Any, **parameters: Any) -> Any:
    return "bool"


@function("Median", unify="float")
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the middle element along an axis, the mean of the two middle ones of an even number.

    >>> median(np.array([3.0, 1.0, 2.0, 10.0])).item()
    2.5
    """
    return quantile.compute(x, 0.5, axis, "linear", keepdims)


@median.gradient
def _(dy: Any, y: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return quantile.derivative(dy, y, x, 0.5, axis, "linear", keepdims)[0]  # type: ignore[misc]


@function("Quantile", operands=2, unify="float")
def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Any:
    """Return the element at a share q of the way through the ordered elements along an axis, of which the two nearest
    are mixed ("linear").

    Args:
        x: array.
        q: a share from 0 to 1, or several, which then are the first axis of the result.
        axis: one axis, several, or None for all.
        method: "linear", "lower", "higher", "midpoint" or "nearest".
        keepdims: whether axes stay, with size 1.

    >>> quantile(np.array([1.0, 2.0, 4.0]), 0.75).item()
    3.0
    """
    return np.quantile(x, q, axis=axis_numbers(axis, x.ndim), method=method, keepdims=keepdims).astype(x.dtype)  # type: ignore[call-overload]


@quantile.gradient
def _(dy: Any, y: Any, x: Any, q: Any, axis: Any, method: str, keepdims: bool) -> Any:
    axes = axis_numbers(axis, x.ndim)
    rows = np.moveaxis(x, axes, range(-len(axes), 0))
    flat = rows.reshape(*rows.shape[: x.ndim - len(axes)], math.prod(rows.shape[x.ndim - len(axes) :]))
    order = np.argsort(flat, axis=-1, kind="stable")
    dx, shares = np.zeros_like(flat), np.ravel(q)
    for share, part in zip(shares, dy.reshape(shares.size, *flat.shape[:-1]), strict=True):
        place = share * (flat.shape[-1] - 1)
        low, high = int(np.floor(place)), int(np.ceil(place))
        mix = {"linear": place - low, "lower": 0.0, "higher": 1.0, "midpoint": 0.5}.get(method, np.round(place) - low)
        for number, weight in ((low, 1 - mix), (high, mix)):
            where = order[..., number, None]
            old = np.take_along_axis(dx, where, -1)
            np.put_along_axis(dx, where, old + part[..., None] * dx.dtype.type(weight), -1)
    return np.moveaxis(dx.reshape(rows.shape), range(-len(axes), 0), axes), None


@quantile.output_shape
def _(shape: Any, q: Any, axis: Any, method: str, keepdims: bool) -> Any:
    several = (len(q),) if isinstance(q, (list, tuple)) and len(q) and not isinstance(q, np.ndarray) else ()
    return (*(q if isinstance(q, tuple) else several), *reduced_shape(shape, axis=axis, keepdims=keepdims))


def _running_dtype(x: Any, dtype: Any = None, **parameters: Any) -> str:
    found = str(dtype or result_dtype(x))
    return "int32" if found == "bool" else found


@function("Cumsum")
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the sums up to each element along an axis (the flat array for None); backward sums dy from behind.

    >>> cumsum(np.array([1, 2, 3])).tolist()
    [1, 3, 6]
    """
    return np.cumsum(x, axis=axis, dtype=_running_dtype(x, dtype=dtype))


@cumsum.gradient
def _(dy: Any, y: Any, x: Any, axis: int | None, dtype: Any) -> Any:
    return np.flip(np.cumsum(np.flip(dy, axis), axis=axis), axis).reshape(x.shape)


@function("Cumprod")
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """Return the products up to each element along an axis (the flat array for None).

    Backward: dx_i = (product of x before i) * s_i, with s_i = dy_i + x_(i+1) s_(i+1), so zeros do no harm.

    >>> cumprod(np.array([1, 2, 3])).tolist()
    [1, 2, 6]
    """
    return np.cumprod(x, axis=axis, dtype=_running_dtype(x, dtype=dtype))


@cumprod.gradient
def _(dy: Any, y: Any, x: Any, axis: int | None, dtype: Any) -> Any:
    steps = np.moveaxis(x.reshape(-1) if axis is None else x, axis or 0, 0)
    dys, dx = np.moveaxis(dy, axis or 0, 0), np.empty_like(steps)
    rest = np.zeros_like(dys[0]) if len(steps) else None
    before = np.concatenate([np.ones_like(steps[:1]), np.cumprod(steps, axis=0)[:-1]])
    for number in range(len(steps) - 1, -1, -1):
        rest = dys[number] + (steps[number + 1] * rest if number + 1 < len(steps) else 0)
        dx[number] = before[number] * rest
    return np.moveaxis(dx, 0, axis or 0).reshape(x.shape)


def _running_shape(shape: Any, axis: int | None, dtype: Any) -> Any:
    return _ordered_shape(shape, axis)


for _one in (argmax, argmin):
    _one.output_shape(_position_shape)
    _one.output_dtype(int32)
for _one in (argsort, sort):
    _one.output_shape(_ordered_shape)
argsort.output_dtype(int32)
for _one in (cumsum, cumprod):
    _one.output_shape(_running_shape)
    _one.output_dtype(_running_dtype)
median.output_shape(reduced_shape)
