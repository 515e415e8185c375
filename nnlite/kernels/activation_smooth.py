"""Smooth activation functions whose derivatives are functions of the input: softplus, GELU, SiLU, Mish and kin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.activation import sigmoid_forward

Array = NDArray[Any]

_SQRT_HALF = math.sqrt(0.5)
_SQRT_2_PI = math.sqrt(2 / math.pi)


def _new(x: Array, out: Array | None) -> Array:
    return np.empty(x.shape, x.dtype) if out is None else out


def softplus_forward(x: Array, out: Array | None = None) -> Array:
    """Return log(1 + exp(x))."""
    tail = np.log1p(np.exp(-np.abs(x)))
    y = np.maximum(x, 0, out=_new(x, out))
    return np.add(y, tail, out=y)


def softplus_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dy * sigmoid(x)."""
    return np.multiply(dy, sigmoid_forward(x), out=_new(dy, out))


def softsign_forward(x: Array, out: Array | None = None) -> Array:
    """Return x / (1 + |x|)."""
    bottom = np.abs(x)
    bottom += 1
    return np.divide(x, bottom, out=_new(x, out))


def softsign_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dy / (1 + |x|)^2."""
    bottom = np.abs(x)
    bottom += 1
    bottom *= bottom
    return np.divide(dy, bottom, out=_new(dy, out))


def silu_forward(x: Array, out: Array | None = None) -> Array:
    """Return x * sigmoid(x)."""
    return np.multiply(x, sigmoid_forward(x), out=_new(x, out))


def silu_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dy * s * (1 + x * (1 - s)) with s = sigmoid(x)."""
    s = sigmoid_forward(x)
    slope = 1 - s
    slope *= x
    slope += 1
    slope *= s
    return np.multiply(dy, slope, out=_new(dy, out))


def mish_forward(x: Array, out: Array | None = None) -> Array:
    """Return x * tanh(softplus(x))."""
    t = softplus_forward(x)
    np.tanh(t, out=t)
    return np.multiply(x, t, out=_new(x, out))


def mish_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dy * (t + x * (1 - t^2) * sigmoid(x)) with t = tanh(softplus(x))."""
    t = softplus_forward(x)
    np.tanh(t, out=t)
    slope = (1 - t * t) * sigmoid_forward(x) * x + t
    return np.multiply(dy, slope, out=_new(dy, out))


def hard_sigmoid_forward(x: Array, out: Array | None = None) -> Array:
    """Return x / 6 + 1/2, cut to 0..1 (Keras 3's definition)."""
    y = np.multiply(x, x.dtype.type(1 / 6), out=_new(x, out))
    y += x.dtype.type(0.5)
    return np.clip(y, 0, 1, out=y)


def hard_sigmoid_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dy / 6 where -3 < x < 3, else 0."""
    inside = (x > -3) & (x < 3)
    dx = np.multiply(dy, inside, out=_new(dy, out))
    dx *= dx.dtype.type(1 / 6)
    return dx


def hard_silu_forward(x: Array, out: Array | None = None) -> Array:
    """Return x * hard_sigmoid(x)."""
    return np.multiply(x, hard_sigmoid_forward(x), out=_new(x, out))


def hard_silu_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dy * (hard_sigmoid(x) + x * hard_sigmoid'(x))."""
    slope = hard_sigmoid_backward(x, x)
    slope += hard_sigmoid_forward(x)
    return np.multiply(dy, slope, out=_new(dy, out))


# erf(x) = x P(x^2) / Q(x^2) on [-4, 4] to float32 accuracy: a minimax fit, the form that Eigen uses.
_ERF_P = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_ERF_Q = (-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02)


def erf(x: Array) -> Array:
    """Return the error function: SciPy's in float64, a rational function (error 4e-7, five times as fast) in float32."""
    if x.dtype != np.float32:
        from scipy.special import erf as exact

        return np.asarray(exact(x), x.dtype)
    x = np.clip(x, -4, 4)
    square = x * x
    top = _polynomial(_ERF_P, square)
    top *= x
    top /= _polynomial(_ERF_Q, square)
    return top


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value = x * x.dtype.type(coefficients[0])
    for c in coefficients[1:-1]:
        value += x.dtype.type(c)
        value *= x
    value += x.dtype.type(coefficients[-1])
    return value


def gelu_forward(x: Array, approximate: bool = False, out: Array | None = None) -> Array:
    """Return x * Phi(x), Phi the normal distribution function, exactly or by tanh (Hendrycks and Gimpel, 2016).

    Exact: x/2 * (1 + erf(x / sqrt 2)). Approximate: x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))).
    """
    phi = _gelu_tanh(x) if approximate else erf(x * x.dtype.type(_SQRT_HALF))
    phi += 1
    phi *= x
    return np.multiply(phi, x.dtype.type(0.5), out=_new(x, out))


def gelu_backward(dy: Array, x: Array, approximate: bool = False, out: Array | None = None) -> Array:
    """Return dy * (Phi(x) + x * Phi'(x))."""
    if approximate:
        t = _gelu_tanh(x)
        inner = (1 + x.dtype.type(3 * 0.044715) * x * x) * x.dtype.type(_SQRT_2_PI)
        slope = x.dtype.type(0.5) * (1 + t + x * (1 - t * t) * inner)
    else:
        density = np.exp(x * x * x.dtype.type(-0.5))
        density *= x.dtype.type(1 / math.sqrt(2 * math.pi))
        density *= x
        slope = erf(x * x.dtype.type(_SQRT_HALF))
        slope += 1
        slope *= x.dtype.type(0.5)
        slope += density
    return np.multiply(dy, slope, out=_new(dy, out))


def _gelu_tanh(x: Array) -> Array:
    inner = x * x
    inner *= x.dtype.type(0.044715)
    inner += 1
    inner *= x
    inner *= x.dtype.type(_SQRT_2_PI)
    return np.tanh(inner, out=inner)
