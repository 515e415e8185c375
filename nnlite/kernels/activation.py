"""Activation functions and their derivatives, element by element (and softmax, along an axis).

The second argument of a backward function tells what the derivative is a function of: the output ``y``, which lets the
forward run in place, or the input ``x``. ``out`` may be the first argument itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# NumPy's maximum and minimum are three times as fast against a row of constants as against a single one.
_ROW = 8192
_rows: dict[tuple[float, Any], Array] = {}

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


def _bound(ufunc: np.ufunc, x: Array, limit: float, out: Array) -> None:
    """Compute ufunc(x, limit, out=out) for maximum or minimum."""
    if x.size < _ROW or not (x.flags.c_contiguous and out.flags.c_contiguous):
        ufunc(x, x.dtype.type(limit), out=out)
        return
    key = (limit, x.dtype)
    row = _rows.get(key)
    if row is None:
        row = _rows[key] = np.full(_ROW, limit, x.dtype)
    flat, flat_out = x.reshape(-1), out.reshape(-1)
    whole = flat.size // _ROW * _ROW
    ufunc(flat[:whole].reshape(-1, _ROW), row, out=flat_out[:whole].reshape(-1, _ROW))
    ufunc(flat[whole:], row[: flat.size - whole], out=flat_out[whole:])


def _new(x: Array, out: Array | None) -> Array:
    return np.empty(x.shape, x.dtype) if out is None else out


def relu_forward(
    x: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    out: Array | None = None,
) -> Array:
    """Return max(x, 0); in general x above the threshold, at most max_value, and negative_slope * (x - threshold) below."""
    y = _new(x, out)
    if negative_slope == 0 and threshold == 0:
        _bound(np.maximum, x, 0.0, y)
    else:
        low = (x - x.dtype.type(threshold)) * x.dtype.type(negative_slope) if negative_slope else x.dtype.type(0)
        np.copyto(y, np.where(x > threshold, x, low))
    if max_value is not None:
        _bound(np.minimum, y, float(max_value), y)
    return y


def relu_backward(
    dy: Array,
    x: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    out: Array | None = None,
) -> Array:
    """Return dy where x lies between threshold and max_value, negative_slope * dy below, 0 above.

    With negative_slope and threshold 0, x may be the output y of the forward: it has the same signs.
    """
    dx = _new(dy, out)
    passes = x > threshold
    if max_value is not None:
        passes &= x < max_value
    if negative_slope == 0:
        return np.multiply(dy, passes, out=dx)
    slope = dy.dtype.type(negative_slope)
    return np.multiply(dy, passes + slope * (x <= threshold).astype(dy.dtype), out=dx)


def leaky_relu_forward(x: Array, negative_slope: float = 0.2, out: Array | None = None) -> Array:
    """Return x where x >= 0, negative_slope * x below."""
    y = _new(x, out)
    if 0 <= negative_slope <= 1:
        return np.maximum(x, x * x.dtype.type(negative_slope), out=y)
    return np.multiply(x, _step(x, negative_slope), out=y)


def leaky_relu_backward(dy: Array, x: Array, negative_slope: float = 0.2, out: Array | None = None) -> Array:
    """Return dy where x >= 0, negative_slope * dy below."""
    return np.multiply(dy, _step(x, negative_slope), out=_new(dy, out))


def _step(x: Array, low: float) -> Array:
    """1 where x >= 0, low where x < 0."""
    step = (x >= 0).astype(x.dtype)
    step *= x.dtype.type(1 - low)
    step += x.dtype.type(low)
    return step


def relu6_forward(x: Array, out: Array | None = None) -> Array:
    """Return min(max(x, 0), 6)."""
    return relu_forward(x, max_value=6.0, out=out)


def relu6_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dy where 0 < y < 6, else 0."""
    return relu_backward(dy, y, max_value=6.0, out=out)


def sigmoid_forward(x: Array, out: Array | None = None) -> Array:
    """Return 1 / (1 + exp(-x))."""
    y = np.negative(x, out=_new(x, out))
    with np.errstate(over="ignore"):  # exp(-x) is inf for x below -88 in float32, and y then 0, as it should be
        np.exp(y, out=y)
    np.add(y, 1, out=y)
    return np.divide(1, y, out=y)


def sigmoid_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dy * y * (1 - y)."""
    slope = 1 - y
    slope *= y
    return np.multiply(dy, slope, out=_new(dy, out))


def tanh_forward(x: Array, out: Array | None = None) -> Array:
    """Return tanh(x)."""
    return np.tanh(x, out=_new(x, out))


def tanh_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dy * (1 - y^2)."""
    slope = y * y
    np.subtract(1, slope, out=slope)
    return np.multiply(dy, slope, out=_new(dy, out))


def softmax_forward(x: Array, axis: Any = -1, out: Array | None = None) -> Array:
    """Return exp(x) / sum of exp(x) along axis; the largest x is subtracted first, which changes nothing but overflow."""
    y = np.subtract(x, x.max(axis=axis, keepdims=True, initial=-np.inf), out=_new(x, out))
    np.exp(y, out=y)
    return np.divide(y, y.sum(axis=axis, keepdims=True), out=y)


def softmax_backward(dy: Array, y: Array, axis: Any = -1, out: Array | None = None) -> Array:
    """Return y * (dy - sum of dy * y along axis)."""
    dx = dy - (dy * y).sum(axis=axis, keepdims=True)
    return np.multiply(dx, y, out=_new(dy, out))


def log_softmax_forward(x: Array, axis: int = -1, out: Array | None = None) -> Array:
    """Return x - log of the sum of exp(x) along axis."""
    y = np.subtract(x, x.max(axis=axis, keepdims=True, initial=-np.inf), out=_new(x, out))
    return np.subtract(y, np.log(np.exp(y).sum(axis=axis, keepdims=True)), out=y)


def log_softmax_backward(dy: Array, y: Array, axis: int = -1, out: Array | None = None) -> Array:
    """Return dy - exp(y) * sum of dy along axis."""
    dx = np.exp(y)
    dx *= dy.sum(axis=axis, keepdims=True)
    return np.subtract(dy, dx, out=_new(dy, out))


def exponential_forward(x: Array, out: Array | None = None) -> Array:
    """Return exp(x)."""
    with np.errstate(over="ignore"):
        return np.exp(x, out=_new(x, out))


def exponential_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dy * y."""
    return np.multiply(dy, y, out=_new(dy, out))


def elu_forward(x: Array, alpha: float = 1.0, out: Array | None = None) -> Array:
    """Return x above 0 and alpha * (exp(x) - 1) below."""
    negative = np.minimum(x, 0)
    np.expm1(negative, out=negative)
    negative *= x.dtype.type(alpha)
    y = np.maximum(x, 0, out=_new(x, out))
    return np.add(y, negative, out=y)


def elu_backward(dy: Array, x: Array, alpha: float = 1.0, out: Array | None = None) -> Array:
    """Return dy above 0 and dy * alpha * exp(x) at 0 and below."""
    slope = np.exp(np.minimum(x, 0))
    slope *= x.dtype.type(alpha)
    above = x > 0
    slope *= ~above
    slope += above
    return np.multiply(dy, slope, out=_new(dy, out))


def selu_forward(x: Array, out: Array | None = None) -> Array:
    """Return scale * elu(x, alpha) with the constants of Klambauer et al. (2017)."""
    y = elu_forward(x, SELU_ALPHA, out)
    y *= x.dtype.type(SELU_SCALE)
    return y


def selu_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return the gradient of scale * elu(x, alpha)."""
    dx = elu_backward(dy, x, SELU_ALPHA, out)
    dx *= dx.dtype.type(SELU_SCALE)
    return dx
