"""Activations that are straight lines between kinks, those around one exponential, and softmax.

Each is a pair of functions. ``forward(x, out=None) -> y`` may write over its input (``out=x``), except where only x
gives the derivative; ``backward(dy, y, out=None) -> dx`` takes x in the place of y there. Both are for one block of
memory on one thread; :mod:`nnlite.kernels.elementwise` runs them over large arrays. At kinks the derivative is the
one that Keras has on JAX, as each docstring says. The smooth ones that need x are in
:mod:`nnlite.kernels.activation_smooth`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory
from nnlite.kernels.elementwise import SHORT, not_below_zero, ones, zeros_row

Array = NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])

# Below this many elements a plain reduction is fastest.
FEW = 512

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def silent(function: F) -> F:
    """Let inf and NaN arise without warnings, as they do in the formulas: ``exp(1000)``, ``inf / inf``."""
    return cast(F, np.errstate(all="ignore")(function))


def empty_like(x: Array, out: Array | None) -> Array:
    """Return ``out``, or a new array of the shape and type of ``x``."""
    return memory.empty(x.shape, x.dtype) if out is None else out


def relu_forward(
    x: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    out: Array | None = None,
) -> Array:
    """Return y = min(x, max_value) where x > threshold, negative_slope * (x - threshold) elsewhere.

    Above a negative threshold, y is bounded by 0 from below if there is a ``max_value``, as in Keras.
    """
    if negative_slope and max_value is None and not threshold:
        return leaky_relu_forward(x, negative_slope, out)
    below = None
    if negative_slope:
        below = np.subtract(threshold, x, out=memory.empty(x.shape, x.dtype))
        np.maximum(below, zeros_row(x), out=below)
        np.multiply(below, negative_slope, out=below)
    if threshold:
        y = empty_like(x, out)
        y[...] = np.where(x > threshold, x, 0)  # a product with the mask would turn -inf into NaN
        if max_value is not None:
            np.maximum(y, zeros_row(y), out=y)
    else:
        y = not_below_zero(x, empty_like(x, out))
    if max_value is not None:
        np.minimum(y, max_value, out=y)
    return y if below is None else np.subtract(y, below, out=y)


@silent
def relu_backward(
    dy: Array,
    y: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    out: Array | None = None,
) -> Array:
    """Return dx = dy where 0 < y < max_value, negative_slope * dy where y < 0, and 0 elsewhere.

    At the kinks that is 0; only for a leaky ReLU (a slope, but neither threshold nor maximum) it is dy at y = 0.
    Threshold and slope must not be negative: y would not tell which side of the threshold x was on.
    """
    if threshold < 0 or negative_slope < 0:
        raise ValueError(
            f"relu has a derivative for a threshold and a negative_slope of at least 0; "
            f"got threshold={threshold}, negative_slope={negative_slope}."
        )
    if negative_slope and max_value is None and not threshold:
        return leaky_relu_backward(dy, y, negative_slope, out)
    inside = np.greater(y, 0, out=memory.empty(y.shape, bool))
    if max_value is not None:
        inside &= y < max_value
    if not negative_slope:
        return np.multiply(dy, inside, out=empty_like(dy, out))
    slope = np.multiply(np.less(y, 0), negative_slope, out=memory.empty(y.shape, dy.dtype), dtype=dy.dtype)
    np.add(slope, inside, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


@silent
def leaky_relu_forward(x: Array, negative_slope: float = 0.2, out: Array | None = None) -> Array:
    """Return y = x where x >= 0, negative_slope * x elsewhere."""
    if 0 < negative_slope <= 1:
        below = np.multiply(x, negative_slope, out=memory.empty(x.shape, x.dtype))
        return np.maximum(x, below, out=empty_like(x, out))
    below = np.minimum(x, zeros_row(x), out=memory.empty(x.shape, x.dtype))
    np.multiply(below, negative_slope, out=below)
    y = np.maximum(x, zeros_row(x), out=empty_like(x, out))
    return np.add(y, below, out=y)


@silent
def leaky_relu_backward(dy: Array, y: Array, negative_slope: float = 0.2, out: Array | None = None) -> Array:
    """Return dx = dy where y >= 0, negative_slope * dy elsewhere (with slope 0: dy where y > 0).

    The slope must not be negative: y would not tell the sign of x.
    """
    if negative_slope < 0:
        raise ValueError(f"leaky_relu has a derivative for a negative_slope of at least 0; got {negative_slope}.")
    above = (np.greater_equal if negative_slope else np.greater)(y, 0, out=memory.empty(y.shape, bool))
    slope = np.multiply(above, 1 - negative_slope, out=memory.empty(y.shape, dy.dtype), dtype=dy.dtype)
    np.add(slope, negative_slope, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def relu6_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = min(max(x, 0), 6)."""
    return np.clip(x, 0, 6, out=empty_like(x, out))


def relu6_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = dy where 0 < y < 6, and 0 elsewhere, kinks included."""
    inside = np.greater(y, 0, out=memory.empty(y.shape, bool))
    inside &= y < 6
    return np.multiply(dy, inside, out=empty_like(dy, out))


def hard_sigmoid_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = min(max(x + 3, 0), 6) / 6."""
    y = np.add(x, 3, out=empty_like(x, out))
    relu6_forward(y, out=y)
    return np.divide(y, 6, out=y)


def hard_sigmoid_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = dy / 6 where 0 < y < 1, and 0 elsewhere, kinks included."""
    inside = np.greater(y, 0)
    inside &= y < 1
    dx = np.multiply(dy, inside, out=empty_like(dy, out))
    return np.divide(dx, 6, out=dx)


def hard_sigmoid_keras2_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = min(max(0.2 x + 0.5, 0), 1)."""
    y = np.multiply(x, 0.2, out=empty_like(x, out))
    np.add(y, 0.5, out=y)
    return np.clip(y, 0, 1, out=y)


def hard_sigmoid_keras2_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = 0.2 dy where 0 < y < 1, and 0 elsewhere, kinks included."""
    inside = np.greater(y, 0)
    inside &= y < 1
    dx = np.multiply(dy, inside, out=empty_like(dy, out))
    return np.multiply(dx, 0.2, out=dx)


@silent
def hard_silu_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = x * hard_sigmoid(x)."""
    s = hard_sigmoid_forward(x, memory.empty(x.shape, x.dtype))
    return np.multiply(x, s, out=empty_like(x, out))


@silent
def hard_silu_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dx = dy * (s + x s') with s = hard_sigmoid(x), s' = 1 / 6 where |x| < 3 and 0 elsewhere."""
    s = hard_sigmoid_forward(x, memory.empty(x.shape, x.dtype))
    near = np.clip(x, -3, 3, out=memory.empty(x.shape, x.dtype))  # inf times 0 would be NaN
    np.multiply(near, np.less(np.abs(near), 3), out=near)
    np.divide(near, 6, out=near)
    np.add(s, near, out=s)
    return np.multiply(dy, s, out=empty_like(dy, out))


@silent
def sigmoid_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = 1 / (1 + exp(-x))."""
    y = np.negative(x, out=empty_like(x, out))
    np.exp(y, out=y)
    np.add(y, 1, out=y)
    return np.divide(1, y, out=y)


@silent
def sigmoid_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = dy y (1 - y)."""
    slope = np.subtract(1, y, out=memory.empty(y.shape, y.dtype))
    np.multiply(slope, y, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def tanh_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = tanh(x)."""
    return np.tanh(x, out=empty_like(x, out))


@silent
def tanh_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = dy (1 - y^2)."""
    slope = np.multiply(y, y, out=memory.empty(y.shape, y.dtype))
    np.subtract(1, slope, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


@silent
def exponential_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = exp(x)."""
    return np.exp(x, out=empty_like(x, out))


@silent
def exponential_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = dy y."""
    return np.multiply(dy, y, out=empty_like(dy, out))


@silent
def softsign_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = x / (1 + |x|)."""
    size = np.abs(x, out=memory.empty(x.shape, x.dtype))
    np.add(size, 1, out=size)
    return np.divide(x, size, out=empty_like(x, out))


@silent
def softsign_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = dy (1 - |y|)^2, which is dy / (1 + |x|)^2."""
    slope = np.abs(y, out=memory.empty(y.shape, y.dtype))
    np.subtract(1, slope, out=slope)
    np.multiply(slope, slope, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


@silent
def elu_forward(x: Array, alpha: float = 1.0, out: Array | None = None) -> Array:
    """Return y = x where x > 0, alpha (exp(x) - 1) elsewhere.

    exp(x) - 1 = 2 t / (1 - t) with t = tanh(x / 2) loses no digits near 0, and NumPy has tanh in vector form on more
    processors than expm1.
    """
    t = np.minimum(x, zeros_row(x), out=memory.empty(x.shape, x.dtype))
    np.multiply(t, 0.5, out=t)
    np.tanh(t, out=t)
    below = np.subtract(1, t, out=memory.empty(x.shape, x.dtype))
    np.divide(t, below, out=below)
    np.multiply(below, 2 * alpha, out=below)
    y = np.maximum(x, zeros_row(x), out=empty_like(x, out))
    return np.add(y, below, out=y)


@silent
def elu_backward(dy: Array, y: Array, alpha: float = 1.0, out: Array | None = None) -> Array:
    """Return dx = dy where y > 0, dy (y + alpha) elsewhere, 0 included.

    alpha must not be negative: y would not tell the sign of x.
    """
    if alpha < 0:
        raise ValueError(f"elu has a derivative for an alpha of at least 0; got {alpha}.")
    slope = np.minimum(y, zeros_row(y), out=memory.empty(y.shape, y.dtype))
    np.add(slope, alpha, out=slope)
    if alpha != 1:
        slope += np.multiply(np.greater(y, 0), 1 - alpha, dtype=y.dtype)
    return np.multiply(dy, slope, out=empty_like(dy, out))


@silent
def selu_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = scale * elu(x, alpha), scale and alpha such that deep nets keep mean 0 and variance 1."""
    y = elu_forward(x, SELU_ALPHA, out)
    return np.multiply(y, SELU_SCALE, out=y)


@silent
def selu_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = scale * dy where y > 0, dy (y + scale * alpha) elsewhere, 0 included."""
    slope = np.minimum(y, zeros_row(y), out=memory.empty(y.shape, y.dtype))
    np.add(slope, SELU_SCALE * SELU_ALPHA, out=slope)
    slope += np.multiply(np.greater(y, 0), SELU_SCALE - SELU_SCALE * SELU_ALPHA, dtype=y.dtype)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def far_from_overflow(x: Array) -> bool:
    """Return whether exp needs no maximum taken off first: every element lies between -60 and 60 (600 in float64).

    Then neither exponentials nor sums of a billion of them leave the range of normal numbers. Finding that out takes a
    fraction of the time that the maxima of short rows do. x must not be empty.
    """
    bound = 60.0 if x.itemsize == 4 else 600.0
    return bool(x.max() <= bound and x.min() >= -bound)  # NaN is not


def row_max(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Return the maxima along the axis, which stays with size 1; x must not be empty.

    Short rows are turned into columns first: NumPy compares whole vectors then, in a ninth of the time for rows of 10.
    """
    if axis in (-1, x.ndim - 1) and x.shape[-1] < SHORT and x.size >= FEW:
        columns = np.ascontiguousarray(x.reshape(-1, x.shape[-1]).T)
        return np.asarray(columns.max(0)).reshape(*x.shape[:-1], 1)
    return np.asarray(x.max(axis, keepdims=True))


def row_sum(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Return the sums along the axis, which stays with size 1; rows are summed by a product with ones, faster."""
    if axis in (-1, x.ndim - 1) and x.size >= FEW:
        return np.asarray(np.matmul(x, ones(x.shape[-1], x.dtype)))[..., None]
    return np.asarray(x.sum(axis, keepdims=True))


@silent
def softmax_forward(x: Array, axis: int | tuple[int, ...] = -1, out: Array | None = None) -> Array:
    """Return y = exp(x) / sum of exp(x) along the axis, computed of x - max(x) where that might overflow."""
    y = empty_like(x, out)
    if x.size:
        if far_from_overflow(x):
            np.exp(x, out=y)
        else:
            np.subtract(x, row_max(x, axis), out=y)
            np.exp(y, out=y)
        np.divide(y, row_sum(y, axis), out=y)
    return y


@silent
def softmax_backward(dy: Array, y: Array, axis: int | tuple[int, ...] = -1, out: Array | None = None) -> Array:
    """Return dx = y (dy - sum of dy y along the axis)."""
    slope = np.multiply(dy, y, out=memory.empty(y.shape, y.dtype))
    np.subtract(dy, row_sum(slope, axis), out=slope)
    return np.multiply(y, slope, out=empty_like(dy, out))


@silent
def log_softmax_forward(x: Array, axis: int | tuple[int, ...] = -1, out: Array | None = None) -> Array:
    """Return y = x - log(sum of exp(x) along the axis), computed of x - max(x)."""
    y = empty_like(x, out)
    if x.size:
        np.subtract(x, row_max(x, axis), out=y)
        np.subtract(y, np.log(row_sum(np.exp(y), axis)), out=y)
    return y


@silent
def log_softmax_backward(dy: Array, y: Array, axis: int | tuple[int, ...] = -1, out: Array | None = None) -> Array:
    """Return dx = dy - exp(y) * sum of dy along the axis."""
    slope = np.exp(y, out=memory.empty(y.shape, y.dtype))
    np.multiply(slope, row_sum(dy, axis), out=slope)
    return np.subtract(dy, slope, out=empty_like(dy, out))
