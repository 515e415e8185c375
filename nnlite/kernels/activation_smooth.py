"""Smooth activations: softplus and its kin, SiLU, mish, GLU, and GELU with a normal distribution function of our own.

Pairs as in :mod:`nnlite.kernels.activation`. All but softplus, CELU and log_sigmoid keep x for the derivative, so their
forward must not write over it when a backward pass is to follow.
"""

from __future__ import annotations

import math

import numpy as np

from nnlite.kernels import memory
from nnlite.kernels.activation import Array, empty_like, sigmoid_forward, silent
from nnlite.kernels.elementwise import normalized_axes, over_elements, zeros_row

# Phi(x) - 1/2 = x P(x^2) / Q(x^2), coefficients from the constant up, and the |x| beyond which it is 1/2. Fitted to
# the error function computed with 60 digits (weighted least squares, weights raised where the error is largest).
# Largest error: 2.1e-7 and 1.4e-17.
_P32 = (
    0.39894216833903432,
    0.070440718387024966,
    0.0068110977099234774,
    0.00051775114165928519,
    6.5553447901619114e-6,
    -1.8452300173302433e-8,
)
_Q32 = (1.0, 0.34322978026605145, 0.049292957662133978, 0.0038934413277224994, 0.00017318064705228408)
_END32 = 5.34
_P64 = (
    0.39894228040143267,
    0.038834047604031337,
    0.0058367656643767742,
    0.00030329925760552288,
    1.8855429475999986e-5,
    6.2586616359733187e-7,
    2.1461237037521322e-8,
    4.6533828757932857e-10,
    9.2985349572153561e-12,
    1.1818895603306268e-13,
    1.154598086113353e-15,
    3.8867545319924883e-18,
    1.3801822427725259e-21,
)
_Q64 = (
    1.0,
    0.26400918840929683,
    0.033632133248278644,
    0.0027415748021080869,
    0.0001597791354768229,
    7.0376291795838231e-6,
    2.4106386637903884e-7,
    6.4911578516334892e-9,
    1.3663186262700737e-10,
    2.1867275626415046e-12,
    2.4838397882021816e-14,
    1.631990296269558e-16,
    2.192257978481814e-19,
)
_END64 = 8.34

_ROOT_2_PI = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def _horner(coefficients: tuple[float, ...], s: Array) -> Array:
    """Return the polynomial with these coefficients, from the constant up, at s."""
    *rest, second, first = coefficients
    p = np.multiply(s, first, out=memory.empty(s.shape, s.dtype))
    np.add(p, second, out=p)
    for c in reversed(rest):
        np.multiply(p, s, out=p)
        np.add(p, c, out=p)
    return p


def normal_cdf(x: Array) -> Array:
    """Return Phi(x) = (1 + erf(x / sqrt(2))) / 2, the distribution function of the standard normal distribution.

    Exactly 0 and 1 far out. Largest error 4e-7 in float32, 3e-16 in float64.

    >>> float(normal_cdf(np.array([0.0]))[0])
    0.5
    """
    single = x.dtype == np.float32
    p, q, end = (_P32, _Q32, _END32) if single else (_P64, _Q64, _END64)
    z = np.clip(x, -end, end, out=memory.empty(x.shape, x.dtype))
    s = np.multiply(z, z, out=memory.empty(z.shape, z.dtype))
    np.multiply(z, _horner(p, s), out=z)
    np.divide(z, _horner(q, s), out=z)
    np.clip(z, -0.5, 0.5, out=z)
    return np.add(z, 0.5, out=z)


@silent
def gelu_forward(x: Array, approximate: bool = False, out: Array | None = None) -> Array:
    """Return y = x Phi(x); if approximate, y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2."""
    factor = _half_of_tanh(x) if approximate else normal_cdf(x)
    return np.multiply(x, factor, out=empty_like(x, out))


@silent
def gelu_slope(x: Array, slope: Array, out: Array | None = None) -> Array:
    """Return y = x Phi(x) and write its derivative Phi(x) + x phi(x) into ``slope``; Phi is computed once for both."""
    cdf = normal_cdf(x)
    _density_by_x(x, slope)
    np.add(slope, cdf, out=slope)
    return np.multiply(x, cdf, out=empty_like(x, out))


def _density_by_x(x: Array, out: Array) -> None:
    """Write x phi(x) = x exp(-x^2 / 2) / sqrt(2 pi) into ``out``."""
    np.multiply(x, x, out=out)
    np.multiply(out, -0.5, out=out)
    np.exp(out, out=out)
    np.multiply(out, _ROOT_2_PI / 2, out=out)
    np.multiply(out, x, out=out)


@silent
def gelu_backward(dy: Array, x: Array, approximate: bool = False, out: Array | None = None) -> Array:
    """Return dx = dy (Phi(x) + x phi(x)), where phi(x) = exp(-x^2 / 2) / sqrt(2 pi) is the derivative of Phi.

    If approximate, with h = (1 + tanh(u)) / 2: dx = dy (h + 2 x h (1 - h) u').
    """
    if approximate:
        h = _half_of_tanh(x)
        slope = np.multiply(x, x, out=memory.empty(x.shape, x.dtype))
        np.multiply(slope, 6 * _ROOT_2_PI * _CUBIC, out=slope)
        np.add(slope, 2 * _ROOT_2_PI, out=slope)
        np.multiply(slope, x, out=slope)
        np.multiply(slope, h, out=slope)
        np.multiply(slope, np.subtract(1, h), out=slope)
        np.add(slope, h, out=slope)
        return np.multiply(dy, slope, out=empty_like(dy, out))
    slope = memory.empty(x.shape, x.dtype)
    _density_by_x(x, slope)
    np.add(slope, normal_cdf(x), out=slope)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def _half_of_tanh(x: Array) -> Array:
    """Return (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3)."""
    u = np.multiply(x, x, out=memory.empty(x.shape, x.dtype))
    np.multiply(u, _ROOT_2_PI * _CUBIC, out=u)
    np.add(u, _ROOT_2_PI, out=u)
    np.multiply(u, x, out=u)
    np.tanh(u, out=u)
    np.multiply(u, 0.5, out=u)
    return np.add(u, 0.5, out=u)


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
