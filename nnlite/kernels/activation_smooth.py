"""Smooth activations: softplus and its kin, SiLU, mish, GLU; GELU is in :mod:`nnlite.kernels.activation_gelu`.

Pairs as in :mod:`nnlite.kernels.activation`. All but softplus, CELU and log_sigmoid keep x for the derivative, so their
forward must not write over it when a backward pass is to follow.
"""

from __future__ import annotations

import numpy as np

from nnlite.kernels import memory
from nnlite.kernels.activation import Array, empty_like, sigmoid_forward, silent
from nnlite.kernels.elementwise import normalized_axes, over_elements, zeros_row


@silent
def silu_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = x s with s = 1 / (1 + exp(-x))."""
    s = sigmoid_forward(x, memory.empty(x.shape, x.dtype))
    return np.multiply(x, s, out=empty_like(x, out))


@silent
def silu_slope(x: Array, slope: Array, out: Array | None = None) -> Array:
    """Return y = x s and write its derivative s + y (1 - s) into ``slope``; s is computed once for both."""
    s = sigmoid_forward(x, memory.empty(x.shape, x.dtype))
    y = np.multiply(x, s, out=empty_like(x, out))
    np.subtract(1, s, out=slope)
    np.multiply(slope, y, out=slope)
    np.add(slope, s, out=slope)
    return y


@silent
def silu_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dx = dy s (1 + x (1 - s))."""
    s = sigmoid_forward(x, memory.empty(x.shape, x.dtype))
    slope = np.subtract(1, s, out=memory.empty(x.shape, x.dtype))
    np.multiply(slope, x, out=slope)
    np.add(slope, 1, out=slope)
    np.multiply(slope, s, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


@silent
def softplus_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = log(1 + exp(x)), computed as max(x, 0) + log(1 + e) with e = exp(-|x|).

    With u = 1 + e rounded, log(1 + e) = log(u) + (e - (u - 1)) / u to the last digits, also where e is tiny.
    """
    e = np.abs(x, out=memory.empty(x.shape, x.dtype))
    np.negative(e, out=e)
    np.exp(e, out=e)
    u = np.add(e, 1, out=memory.empty(x.shape, x.dtype))
    np.subtract(e, u - 1, out=e)
    np.divide(e, u, out=e)
    np.log(u, out=u)
    np.add(e, u, out=e)
    y = np.maximum(x, zeros_row(x), out=empty_like(x, out))
    return np.add(y, e, out=y)


@silent
def softplus_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = dy / (1 + exp(-x)), which is dy (1 - exp(-y)), computed with t = tanh(y / 2) as dy 2 t / (1 + t)."""
    t = np.multiply(y, 0.5, out=memory.empty(y.shape, y.dtype))
    np.tanh(t, out=t)
    slope = np.add(t, 1, out=memory.empty(y.shape, y.dtype))
    np.divide(t, slope, out=slope)
    np.multiply(slope, 2, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def _mish_parts(x: Array) -> tuple[Array, Array]:
    """Return e = exp(x) and n = e (e + 2), for which tanh(softplus(x)) = n / (n + 2).

    x is cut where n / (n + 2) is 1 and n still finite, but (n + 2)^2 is not.
    """
    e = np.minimum(x, 40 if x.dtype == np.float32 else 350, out=memory.empty(x.shape, x.dtype))
    np.exp(e, out=e)
    n = np.add(e, 2, out=memory.empty(x.shape, x.dtype))
    np.multiply(n, e, out=n)
    return e, n


@silent
def mish_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = x tanh(softplus(x)) = x n / (n + 2) with n = e (e + 2), e = exp(x)."""
    e, n = _mish_parts(x)
    np.add(n, 2, out=e)
    np.divide(n, e, out=n)
    return np.multiply(x, n, out=empty_like(x, out))


@silent
def mish_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dx = dy (t + x t') with t = n / (n + 2), t' = 4 e (e + 1) / (n + 2)^2."""
    e, n = _mish_parts(x)
    slope = np.add(e, 1, out=memory.empty(x.shape, x.dtype))
    np.multiply(slope, e, out=slope)
    np.multiply(slope, 4, out=slope)
    np.add(n, 2, out=e)
    np.divide(n, e, out=n)
    np.multiply(e, e, out=e)
    np.divide(slope, e, out=slope)
    np.multiply(slope, x, out=slope)
    np.add(slope, n, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


@silent
def log_sigmoid_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = -log(1 + exp(-x))."""
    y = np.negative(x, out=empty_like(x, out))
    softplus_forward(y, y)
    return np.negative(y, out=y)


@silent
def log_sigmoid_backward(dy: Array, y: Array, out: Array | None = None) -> Array:
    """Return dx = dy (1 - exp(y)), which is dy / (1 + exp(x))."""
    slope = np.expm1(y, out=memory.empty(y.shape, y.dtype))
    np.negative(slope, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


@silent
def celu_forward(x: Array, alpha: float = 1.0, out: Array | None = None) -> Array:
    """Return y = x where x > 0, alpha (exp(x / alpha) - 1) elsewhere."""
    below = np.minimum(x, zeros_row(x), out=memory.empty(x.shape, x.dtype))
    np.divide(below, alpha, out=below)
    np.expm1(below, out=below)
    np.multiply(below, alpha, out=below)
    y = np.maximum(x, zeros_row(x), out=empty_like(x, out))
    return np.add(y, below, out=y)


@silent
def celu_backward(dy: Array, y: Array, alpha: float = 1.0, out: Array | None = None) -> Array:
    """Return dx = dy where y >= 0, dy (y / alpha + 1) elsewhere, which is dy exp(x / alpha)."""
    slope = np.minimum(y, zeros_row(y), out=memory.empty(y.shape, y.dtype))
    np.divide(slope, alpha, out=slope)
    np.add(slope, 1, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


@silent
def squareplus_forward(x: Array, b: float = 4, out: Array | None = None) -> Array:
    """Return y = (x + sqrt(x^2 + b)) / 2."""
    root = _root(x, b)
    y = np.add(x, root, out=empty_like(x, out))
    return np.multiply(y, 0.5, out=y)


@silent
def squareplus_backward(dy: Array, x: Array, b: float = 4, out: Array | None = None) -> Array:
    """Return dx = dy (1 + x / sqrt(x^2 + b)) / 2."""
    slope = _root(x, b)
    np.divide(x, slope, out=slope)
    np.add(slope, 1, out=slope)
    np.multiply(slope, 0.5, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def _root(x: Array, b: float) -> Array:
    """Return sqrt(x^2 + b)."""
    root = np.multiply(x, x, out=memory.empty(x.shape, x.dtype))
    np.add(root, b, out=root)
    return np.sqrt(root, out=root)


@silent
def tanh_shrink_forward(x: Array, out: Array | None = None) -> Array:
    """Return y = x - tanh(x)."""
    t = np.tanh(x, out=memory.empty(x.shape, x.dtype))
    return np.subtract(x, t, out=empty_like(x, out))


@silent
def tanh_shrink_backward(dy: Array, x: Array, out: Array | None = None) -> Array:
    """Return dx = dy tanh(x)^2."""
    slope = np.tanh(x, out=memory.empty(x.shape, x.dtype))
    np.multiply(slope, slope, out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def glu_forward(x: Array, axis: int = -1) -> Array:
    """Return y = a sigmoid(b), where a and b are the halves of x along the axis."""
    a, b = halves(x, axis)
    return over_elements(_gated, (a, b), np.empty(a.shape, x.dtype), 2.0)


def glu_backward(dy: Array, x: Array, axis: int = -1) -> Array:
    """Return dx, of halves da = dy s and db = dy a s (1 - s) along the axis, with s = sigmoid(b)."""
    a, b = halves(x, axis)
    dx = memory.empty(x.shape, x.dtype)
    da, db = halves(dx, axis)
    over_elements(_gated, (dy, b), da, 2.0)
    over_elements(_gate_backward, (da, a, b), db, 3.0)
    return dx


def halves(x: Array, axis: int) -> tuple[Array, Array]:
    """Return views of the first and the second half of x along the axis.

    Raises ``ValueError`` if there is no such axis, or its size is odd.
    """
    (number,) = normalized_axes(axis, x.ndim)
    size = x.shape[number]
    if size % 2:
        raise ValueError(f"glu halves axis {axis}, whose size must be even; got shape {x.shape}.")
    first, second = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    first[number], second[number] = slice(size // 2), slice(size // 2, None)
    return x[tuple(first)], x[tuple(second)]


@silent
def _gated(a: Array, b: Array, out: Array) -> None:
    s = sigmoid_forward(b, memory.empty(b.shape, b.dtype))
    np.multiply(a, s, out=out)


@silent
def _gate_backward(da: Array, a: Array, b: Array, out: Array) -> None:
    s = sigmoid_forward(b, memory.empty(b.shape, b.dtype))
    np.subtract(1, s, out=s)
    np.multiply(s, da, out=s)
    np.multiply(s, a, out=out)
