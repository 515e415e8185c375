"""Norms, moments, and arrays scaled by them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite import config
from nnlite.ops import reduction
from nnlite.ops.base import function
from nnlite.ops.inference import along_axis, axis_number, axis_numbers, reduced_shape
from nnlite.ops.operands import is_array, sum_to


@function("Moments", module="nn", unify="float")
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Return the mean and the variance along some axes.

    >>> [one.item() for one in moments(np.array([1.0, 3.0]), axes=[0])]
    [2.0, 1.0]
    """
    _on_one_device(synchronized)
    return reduction.mean.compute(x, axes, keepdims), reduction.var.compute(x, axes, keepdims)


def _on_one_device(synchronized: bool) -> None:
    if synchronized:
        raise ValueError("synchronized=True is for several devices, there is one.")


@moments.gradient
def _(dy: Any, y: Any, x: Any, axes: Any, keepdims: bool, synchronized: bool) -> Any:
    parts = []
    for one, reduced in zip(dy, (reduction.mean, reduction.var), strict=True):
        if one is not None:
            parts.append(reduced.derivative(one, None, x, axes, keepdims))  # type: ignore[misc]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


@moments.output_shape
def _(shape: Any, axes: Any, keepdims: bool, synchronized: bool) -> Any:
    _on_one_device(synchronized)
    return [reduced_shape(shape, axis=axes, keepdims=keepdims)] * 2


@function("Norm", module="linalg", unify="float")
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors (one axis), of matrices (two axes), or of all elements in a row (None).

    Args:
        x: array.
        ord: for vectors a number p, (sum of abs(x)^p)^(1/p), 2 for None, or plus or minus infinity, the largest or
            smallest abs(x); for matrices None or "fro", the root of the sum of squares, 1 or infinity, the largest sum
            of abs(x) in a column or a row.
        axis: one axis, two, or None.
        keepdims: whether axes stay, with size 1.

    >>> norm(np.array([3.0, 4.0])).item()
    5.0
    """
    _checked(x.ndim, ord, axis)
    if axis is None and ord is None:
        return np.sqrt(np.sum(np.square(x), keepdims=keepdims))
    return np.linalg.norm(x, ord, tuple(axis) if isinstance(axis, list) else axis, keepdims)


def _checked(rank: int, ord: Any, axis: Any) -> tuple[int, ...]:
    """The axes; raise ``ValueError`` if there is no such norm of so many."""
    axes = axis_numbers(axis, rank)
    if axis is None and ord is None:
        return axes
    if len(axes) == 1 and (ord is None or isinstance(ord, (int, float))):
        return axes
    if len(axes) == 2 and (
        ord in (None, "fro") or (isinstance(ord, (int, float)) and ord in (1, -1, math.inf, -math.inf))
    ):
        return axes
    raise ValueError(
        f"norm: ord={ord!r} over {len(axes)} axes (axis={axis!r}) is not among those there are: a number or None over "
        f"one axis; None, 'fro', 1, -1, inf or -inf over two."
    )


@norm.gradient
def _(dy: Any, y: Any, x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    axes = _checked(x.ndim, ord, axis)

    def kept(value: Any) -> Any:
        return np.reshape(value, [1 if number in axes else size for number, size in enumerate(x.shape)])

    if (len(axes) != 1 and ord in (None, "fro")) or ord in (None, 2):
        return kept(dy / y) * x
    if len(axes) == 2:  # an extreme of sums
        rows, columns = axes if ord in (1, -1) else axes[::-1]
        sums = np.sum(np.abs(x), axis=rows, keepdims=True)
        there = sums == kept(y)
        return there * np.sign(x) * (kept(dy) / np.sum(there, axis=columns, keepdims=True, dtype=dy.dtype))
    if ord in (math.inf, -math.inf):
        there = np.abs(x) == kept(y)
        return there * np.sign(x) * (kept(dy) / np.sum(there, axis=axes, keepdims=True, dtype=dy.dtype))
    if ord == 0:
        return np.zeros_like(x)
    if ord == 1:
        return np.sign(x) * kept(dy)
    return kept(dy) * np.sign(x) * np.power(np.abs(x) / kept(y), ord - 1)


@norm.output_shape
def _(shape: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    _checked(len(shape), ord, axis)
    return reduced_shape(shape, axis=axis, keepdims=keepdims)


@function("Normalize", module="nn", unify="float")
def normalize(x: Any, axis: Any = -1, order: Any = 2, epsilon: float | None = None) -> Any:
    """Return x divided by its norm along an axis, or by ``epsilon`` where that is larger.

    Backward for order 2: ``dx = (dy - y * sum(dy * y)) / norm``.

    >>> normalize(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    return x / _divisor(x, axis, order, epsilon)[0]


def _divisor(x: Any, axis: Any, order: Any, epsilon: float | None) -> tuple[Any, Any]:
    """What x is divided by, and where that is its norm."""
    least = x.dtype.type(config.epsilon() if epsilon is None else epsilon)
    if order == 2:
        length = np.sqrt(np.sum(np.square(x), axis=axis_numbers(axis, x.ndim), keepdims=True))
    else:
        length = norm.compute(x, order, axis, True)
    return np.maximum(length, least), length > least


@normalize.gradient
def _(dy: Any, y: Any, x: Any, axis: Any, order: Any, epsilon: float | None) -> Any:
    length, there = _divisor(x, axis, order, epsilon)
    share = np.sum(dy * y, axis=axis_numbers(axis, x.ndim), keepdims=True) * there
    if order == 2:
        return (dy - y * share) / length
    safe = np.where(there, length, np.ones_like(length))
    slope = norm.derivative(np.where(there, share, np.zeros_like(share)), safe, x, order, axis, True)  # type: ignore[misc]
    return (dy - np.where(there, slope, np.zeros_like(slope))) / length


def _normed(x: Any, axes: tuple[int, ...], epsilon: float | None, centred: bool) -> tuple[Any, Any]:
    """x with mean 0 (if ``centred``) and mean square 1 along axes, and what it was multiplied by."""
    if centred:
        x = x - np.mean(x, axis=axes, keepdims=True)
    least = x.dtype.type(config.epsilon() if epsilon is None else epsilon)
    inverse = 1 / np.sqrt(np.mean(np.square(x), axis=axes, keepdims=True) + least)
    return x * inverse, inverse


def _normed_backward(dy: Any, normed: Any, inverse: Any, axes: tuple[int, ...], centred: bool) -> Any:
    dx = dy - normed * np.mean(dy * normed, axis=axes, keepdims=True)
    if centred:
        dx = dx - np.mean(dy, axis=axes, keepdims=True)
    return dx * inverse


def _along(value: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """A scale or shift in a shape that broadcasts to x's."""
    if value.ndim == x.ndim or axes == (x.ndim - 1,):
        return value
    return value.reshape([x.shape[number] if number in axes else 1 for number in range(x.ndim)])


@function("LayerNorm", operands=3, module="nn", unify="float")
def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Any = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
) -> Any:
    """Return x with mean 0 and variance 1 along an axis or several, scaled by ``gamma`` and moved by ``beta``.

    ``rms_scaling`` divides by the root of the variance only, as Keras once did; ``beta`` has no effect then.

    Source: Ba et al., 2016, "Layer normalization".

    >>> np.round(layer_normalization(np.array([1.0, 3.0])), 4).tolist()
    [-1.0, 1.0]
    """
    axes = axis_numbers(axis, x.ndim)
    y, inverse = _normed(x, axes, epsilon, True)
    if rms_scaling:
        y = x * inverse
    if gamma is not None:
        y = y * _along(gamma, x, axes)
    return y if beta is None or rms_scaling else y + _along(beta, x, axes)


@layer_normalization.gradient
def _(dy: Any, y: Any, x: Any, gamma: Any, beta: Any, axis: Any, epsilon: float | None, rms_scaling: bool) -> Any:
    axes = axis_numbers(axis, x.ndim)
    normed, inverse = _normed(x, axes, epsilon, True)
    made = x * inverse if rms_scaling else normed
    dgamma = None if gamma is None else sum_to(dy * made, _along(gamma, x, axes)).reshape(gamma.shape)
    dbeta = None if beta is None or rms_scaling else sum_to(dy, _along(beta, x, axes)).reshape(beta.shape)
    if gamma is not None:
        dy = dy * _along(gamma, x, axes)
    if rms_scaling:
        dx = dy * inverse - normed * inverse * inverse * np.mean(dy * x, axis=axes, keepdims=True)
    else:
        dx = _normed_backward(dy, normed, inverse, axes, True)
    return dx, dgamma, dbeta


@function("RMSNorm", operands=2, module="nn", unify="float")
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Any:
    """Return x divided by the root of its mean square along an axis or several, times ``scale``.

    Source: Zhang and Sennrich, 2019, "Root mean square layer normalization".

    >>> np.round(rms_normalization(np.array([1.0, 7.0])), 4).tolist()
    [0.2, 1.4]
    """
    y, _ = _normed(x, axis_numbers(axis, x.ndim), epsilon, False)
    return y if scale is None else y * scale


@rms_normalization.gradient
def _(dy: Any, y: Any, x: Any, scale: Any, axis: Any, epsilon: float | None) -> Any:
    axes = axis_numbers(axis, x.ndim)
    normed, inverse = _normed(x, axes, epsilon, False)
    dscale = None if scale is None else sum_to(dy * normed, scale)
    return _normed_backward(dy if scale is None else dy * scale, normed, inverse, axes, False), dscale


@function("BatchNorm", operands=("x", "mean", "variance", "offset", "scale"), module="nn", unify="float")
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Any:
    """Return ``(x - mean) / sqrt(variance + epsilon) * scale + offset``, vectors along an axis of x.

    >>> batch_normalization(np.array([[1.0, 2.0]]), np.zeros(2), np.ones(2), axis=-1, epsilon=0.0).tolist()
    [[1.0, 2.0]]
    """
    shape, inverse = _vectors(x, variance, axis, epsilon)
    y = (x - mean.reshape(shape)) * (inverse if scale is None else inverse * scale.reshape(shape))
    return y if offset is None else y + offset.reshape(shape)


def _vectors(x: Any, variance: Any, axis: int, epsilon: float) -> tuple[list[int], Any]:
    place = axis_number(axis, x.ndim)
    shape = [-1 if number == place else 1 for number in range(x.ndim)]
    return shape, 1 / np.sqrt(variance.reshape(shape) + x.dtype.type(epsilon))


@batch_normalization.gradient
def _(dy: Any, y: Any, x: Any, mean: Any, variance: Any, offset: Any, scale: Any, axis: int, epsilon: float) -> Any:
    shape, inverse = _vectors(x, variance, axis, epsilon)
    centred = x - mean.reshape(shape)
    scaled = dy if scale is None else dy * scale.reshape(shape)

    def vector(value: Any, like: Any) -> Any:
        return sum_to(value, inverse).reshape(like.shape) if is_array(like) else None

    return (
        scaled * inverse,
        vector(-scaled * inverse, mean),
        vector(-scaled * centred * inverse**3 / 2, variance),
        vector(dy, offset),
        vector(dy * centred * inverse, scale),
    )


for _one in (normalize, layer_normalization, rms_normalization, batch_normalization):
    _one.output_shape(along_axis)
