"""GELU, with a normal distribution function of our own.

Pairs as in :mod:`nnlite.kernels.activation`; both keep x for the derivative. All is written for few passes over memory:
one is 0.1 to 0.2 nanoseconds an element, ``exp`` takes 2.
"""

from __future__ import annotations

import math

import numpy as np

from nnlite.kernels import memory
from nnlite.kernels.activation import Array, empty_like, silent
from nnlite.kernels.elementwise import constant_row

# 1 / Phi(-z) in float32 for z >= 0: a cubic polynomial (coefficients from the constant up), then five times squared and
# added to. An operation with a constant takes two thirds of one with a second array, so a square and a sum are less
# than a step of Horner's scheme, and double the degree. Fitted to Phi computed in double precision, for z Phi(-z) and
# Phi(-z) where z < 5.5 (weighted least squares, weights raised where the error is largest), and among near-equal fits
# the one with the smallest rounding errors. Largest errors: 6.6e-8 and 1.1e-7 of the fit, 3.3e-7 and 4.9e-7 in float32.
# Beyond, it grows without bound: from 17 on it overflows, and what is divided by it is 0.
_HEAD32 = (0.358110726, 0.16165112, -0.0146661075, 0.00385506731)
_SUMS32 = (1.08354867, -0.913958073, 0.561102927, 0.721690059, -0.178794727)
_FAR32 = 1000.0  # taken for all x beyond: inf / inf is NaN, which Keras has for the gelu of -inf, but not of inf
_NEAR32 = 1e-30  # where |x| is less, Phi(x) is 1/2, and x Phi(x) / x may be 0 / 0
# Phi(x) - 1/2 = x P(s) / Q(s) in float64 with s = x^2 up to END^2, coefficients from the constant up. Fitted likewise
# to the error function computed with 60 digits. Largest error: 1.4e-17.
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
# phi(x) = 1 / D(s)^8 in float32: the eighth root of exp(s / 2) is close to a polynomial, and squaring it three times
# takes a quarter of the time of exp. Fitted for x phi(x) where |x| < 5.6, largest error 9.9e-8; beyond, it falls to 0.
_D32 = (1.12172448, 0.0701084251, 0.00219012351, 4.59575468e-05, 6.57014989e-07, 1.30908422e-08)

_ROOT_2_PI = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def _numbers(dtype: str, *values: float) -> list[Array]:
    """Numbers as arrays of one dtype, which NumPy takes half a microsecond faster than Python's."""
    return [np.array(value, dtype) for value in values]


_HEAD, _SUMS, _D = (_numbers("float32", *row) for row in (_HEAD32, _SUMS32, _D32))
_P, _Q = (_numbers("float64", *row) for row in (_P64, _Q64))
_ZERO, _END, _HALF, _MINUS_HALF = _numbers("float64", 0, _END64 * _END64, 0.5, -0.5)
(_HALF32,) = _numbers("float32", 0.5)


def _horner(coefficients: list[Array], s: Array, p: Array) -> Array:
    """Write the polynomial with these coefficients, from the constant up, at s into p; return p."""
    *rest, second, first = coefficients
    np.multiply(s, first, out=p)
    np.add(p, second, out=p)
    for c in reversed(rest):
        np.multiply(p, s, out=p)
        np.add(p, c, out=p)
    return p


def _by_tail(x: Array, z: Array, q: Array, y: Array) -> None:
    """Write y = x Phi(x) = max(x - r, r) with r = x Phi(-|x|), and z = |x|; q is lost, y may be x; float32.

    The first of the two is x Phi(x) where x > 0, the second where x < 0. As many passes as ``max(x, 0) - |r|``, which
    reads a row of zeros, too: so that takes a twentieth longer.
    """
    np.abs(x, out=z)
    far = not z.max(initial=0) <= _FAR32  # a maximum is read only, and takes a third of the time of a bound on each
    if far:
        np.minimum(x, constant_row(x, _FAR32), out=z)
        np.abs(z, out=z)
    _horner(_HEAD, z, q)
    for c in _SUMS:
        np.square(q, out=q)
        np.add(q, c, out=q)
    np.divide(z if far else x, q, out=q)
    if far:
        np.copysign(q, x, out=q)
    np.subtract(x, q, out=y)
    np.maximum(y, q, out=y)


def _cdf(x: Array, s: Array, p: Array, q: Array) -> Array:
    """Write Phi(x) into p and return it; s is x^2, and is lost like q; float64."""
    s.clip(_ZERO, _END, out=s)
    np.divide(_horner(_P, s, p), _horner(_Q, s, q), out=p)
    np.multiply(p, x, out=p)
    p.clip(_MINUS_HALF, _HALF, out=p)
    np.add(p, _HALF, out=p)
    return p


@silent
def gelu_forward(x: Array, approximate: bool = False, out: Array | None = None) -> Array:
    """Return y = x Phi(x); if approximate, y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.

    In float32 that is max(x - r, r) with r = x Phi(-|x|).
    """
    p, s, q = memory.scratch(x.shape, x.dtype, 3)
    if approximate:
        return np.multiply(x, _half_of_tanh(x, p), out=empty_like(x, out))
    if x.dtype == np.float32:
        y = empty_like(x, out)
        _by_tail(x, s, q, y)
        return y
    return np.multiply(x, _cdf(x, np.square(x, out=s), p, q), out=empty_like(x, out))


@silent
def gelu_slope(x: Array, slope: Array, out: Array | None = None) -> Array:
    """Return y = x Phi(x) and write its derivative Phi(x) + x phi(x) into ``slope``; Phi is computed once for both.

    In float32 Phi is y / x, which takes less than its sum of 1/2 and a part with the sign of x. So y may not be x.
    """
    p, s, q = memory.scratch(x.shape, x.dtype, 3)
    if x.dtype == np.float32:
        y = empty_like(x, out)
        _slope_by_tail(x, s, q, slope, y)
        return y
    _slope_by_cdf(x, s, q, slope, p)
    return np.multiply(x, p, out=empty_like(x, out))


@silent
def gelu_backward(dy: Array, x: Array, approximate: bool = False, out: Array | None = None) -> Array:
    """Return dx = dy (Phi(x) + x phi(x)), where phi(x) = exp(-x^2 / 2) / sqrt(2 pi) is the derivative of Phi.

    If approximate, with h = (1 + tanh(u)) / 2: dx = dy (h + 2 x h (1 - h) u').
    """
    slope, p, s, q = memory.scratch(x.shape, x.dtype, 4)
    if approximate:
        h = _half_of_tanh(x, p)
        np.multiply(np.square(x, out=s), 6 * _ROOT_2_PI * _CUBIC, out=slope)
        np.add(slope, 2 * _ROOT_2_PI, out=slope)
        np.multiply(slope, x, out=slope)
        np.multiply(slope, h, out=slope)
        np.multiply(slope, np.subtract(1, h, out=q), out=slope)
        np.add(slope, h, out=slope)
    elif x.dtype == np.float32:
        _slope_by_tail(x, s, q, slope, p)
    else:
        _slope_by_cdf(x, s, q, slope, p)
    return np.multiply(dy, slope, out=empty_like(dy, out))


def _slope_by_tail(x: Array, s: Array, q: Array, slope: Array, y: Array) -> None:
    """Write y = x Phi(x), and y / x + x phi(x) into ``slope``; q and s are lost; float32."""
    _by_tail(x, s, q, y)
    np.divide(y, x, out=q)
    if not s.min(initial=1) >= _NEAR32:
        np.copyto(q, _HALF32, where=s < _NEAR32)
    _horner(_D, np.square(x, out=s), slope)
    for _ in range(3):
        np.square(slope, out=slope)
    np.divide(x, slope, out=slope)
    np.add(slope, q, out=slope)


def _slope_by_cdf(x: Array, s: Array, q: Array, slope: Array, cdf: Array) -> None:
    """Write Phi(x) + x phi(x) into ``slope`` and Phi(x) into ``cdf``; q and s are lost; float64."""
    np.multiply(np.square(x, out=s), -0.5, out=slope)
    np.exp(slope, out=slope)
    np.multiply(slope, _ROOT_2_PI / 2, out=slope)
    np.multiply(slope, x, out=slope)
    np.add(slope, _cdf(x, s, cdf, q), out=slope)


def _half_of_tanh(x: Array, u: Array) -> Array:
    """Write (1 + tanh(v)) / 2 with v = sqrt(2 / pi) (x + 0.044715 x^3) into u; return u."""
    np.square(x, out=u)
    np.multiply(u, _ROOT_2_PI * _CUBIC, out=u)
    np.add(u, _ROOT_2_PI, out=u)
    np.multiply(u, x, out=u)
    np.tanh(u, out=u)
    np.multiply(u, 0.5, out=u)
    return np.add(u, 0.5, out=u)
