"""Functions of each element of an array by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.ops.base import function
from nnlite.ops.inference import broadcast_shape, result_dtype, same_shape
from nnlite.ops.operands import sum_to


@function("Absolute")
def absolute(x: Any) -> Any:
    """Return the distance of each element from 0; backward ``dx = dy * sign(x)``.

    >>> np.round(absolute(np.array([-0.5, 2.0])), 4).tolist()
    [0.5, 2.0]
    """
    return np.absolute(x)


@absolute.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * np.sign(x)


registry.register("ops", "Abs", "abs")(absolute)


@function("Negative")
def negative(x: Any) -> Any:
    """Return ``-x``; backward ``dx = -dy``.

    >>> np.round(negative(np.array([0.5, 1.0])), 4).tolist()
    [-0.5, -1.0]
    """
    return np.negative(x)


@negative.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return -dy


@function("Sign")
def sign(x: Any) -> Any:
    """Return -1, 0 or 1 for the sign of each element; no gradient passes.

    >>> np.round(sign(np.array([-0.5, 2.0])), 4).tolist()
    [-1.0, 1.0]
    """
    return np.sign(x)


@function("Reciprocal", unify="float")
def reciprocal(x: Any) -> Any:
    """Return ``1 / x``; backward ``dx = -dy * y^2``.

    >>> np.round(reciprocal(np.array([0.5, 2.0])), 4).tolist()
    [2.0, 0.5]
    """
    return np.reciprocal(x)


@reciprocal.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return -dy * y * y


@function("Square")
def square(x: Any) -> Any:
    """Return ``x^2``; backward ``dx = 2 dy x``.

    >>> np.round(square(np.array([0.5, 2.0])), 4).tolist()
    [0.25, 4.0]
    """
    return np.square(x, dtype=_squared_dtype(x))


@square.output_dtype
def _squared_dtype(x: Any) -> str:
    dtype = result_dtype(x)
    return "int32" if dtype == "bool" else dtype


@square.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return 2 * dy * x


@function("Sqrt", unify="float")
def sqrt(x: Any) -> Any:
    """Return the square root; backward ``dx = dy / (2 y)``.

    >>> np.round(sqrt(np.array([0.25, 4.0])), 4).tolist()
    [0.5, 2.0]
    """
    return np.sqrt(x)


@sqrt.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / (2 * y)


@function("Rsqrt", module="math", unify="float")
def rsqrt(x: Any) -> Any:
    """Return ``1 / sqrt(x)``; backward ``dx = -dy * y / (2 x)``.

    >>> np.round(rsqrt(np.array([0.25, 4.0])), 4).tolist()
    [2.0, 0.5]
    """
    return 1 / np.sqrt(x)


@rsqrt.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return -0.5 * dy * y / x


@function("Cbrt", unify="float")
def cbrt(x: Any) -> Any:
    """Return the cube root; backward ``dx = dy / (3 y^2)``.

    >>> np.round(cbrt(np.array([8.0, 27.0])), 4).tolist()
    [2.0, 3.0]
    """
    return np.cbrt(x)


@cbrt.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / (3 * y * y)


@function("Exp", unify="float")
def exp(x: Any) -> Any:
    """Return e to the power of x; backward ``dx = dy * y``.

    >>> np.round(exp(np.array([0.5, 1.0])), 4).tolist()
    [1.6487, 2.7183]
    """
    return np.exp(x)


@exp.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * y


@function("Exp2", unify="float")
def exp2(x: Any) -> Any:
    """Return 2 to the power of x; backward ``dx = dy * y * log(2)``.

    >>> np.round(exp2(np.array([-1.0, 3.0])), 4).tolist()
    [0.5, 8.0]
    """
    return np.exp2(x)


@exp2.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * y * float(np.log(2))


@function("Expm1", unify="float")
def expm1(x: Any) -> Any:
    """Return ``exp(x) - 1``, exact for small x; backward ``dx = dy * (y + 1)``.

    >>> np.round(expm1(np.array([0.5, 1.0])), 4).tolist()
    [0.6487, 1.7183]
    """
    return np.expm1(x)


@expm1.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * (y + 1)


@function("Log", unify="float")
def log(x: Any) -> Any:
    """Return the natural logarithm; backward ``dx = dy / x``.

    >>> np.round(log(np.array([0.5, 1.0])), 4).tolist()
    [-0.6931, 0.0]
    """
    return np.log(x)


@log.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / x


@function("Log1p", unify="float")
def log1p(x: Any) -> Any:
    """Return ``log(1 + x)``, exact for small x; backward ``dx = dy / (1 + x)``.

    >>> np.round(log1p(np.array([0.5, 1.0])), 4).tolist()
    [0.4055, 0.6931]
    """
    return np.log1p(x)


@log1p.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / (1 + x)


@function("Log2", unify="float")
def log2(x: Any) -> Any:
    """Return the logarithm to the base 2; backward ``dx = dy / (x log(2))``.

    >>> np.round(log2(np.array([0.5, 8.0])), 4).tolist()
    [-1.0, 3.0]
    """
    return np.log2(x)


@log2.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / (x * float(np.log(2)))


@function("Log10", unify="float")
def log10(x: Any) -> Any:
    """Return the logarithm to the base 10; backward ``dx = dy / (x log(10))``.

    >>> np.round(log10(np.array([0.1, 100.0])), 4).tolist()
    [-1.0, 2.0]
    """
    return np.log10(x)


@log10.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / (x * float(np.log(10)))


@function("Erf", module="math", unify="float")
def erf(x: Any) -> Any:
    """Return the error function; backward ``dx = 2 / sqrt(pi) exp(-x^2) dy``.

    >>> np.round(erf(np.array([0.5, 1.0])), 4).tolist()
    [0.5205, 0.8427]
    """
    from scipy import special

    return special.erf(x)


@erf.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * float(2 / np.sqrt(np.pi)) * np.exp(-x * x)


@function("Floor", unify="float")
def floor(x: Any) -> Any:
    """Return the largest whole number not above; no gradient passes.

    >>> np.round(floor(np.array([-0.5, 1.5])), 4).tolist()
    [-1.0, 1.0]
    """
    return np.floor(x)


@function("Ceil", unify="float")
def ceil(x: Any) -> Any:
    """Return the smallest whole number not below; no gradient passes.

    >>> np.round(ceil(np.array([-1.5, 1.5])), 4).tolist()
    [-1.0, 2.0]
    """
    return np.ceil(x)


@function("Trunc")
def trunc(x: Any) -> Any:
    """Return the whole part; no gradient passes.

    >>> np.round(trunc(np.array([-1.5, 1.5])), 4).tolist()
    [-1.0, 1.0]
    """
    return np.trunc(x) if x.dtype.kind == "f" else np.array(x)  # NumPy 2.0 would make floats of whole numbers


@function("Round")
def round(x: Any, decimals: int = 0) -> Any:
    """Return x rounded to a number of decimals, halves to the even neighbour; no gradient passes.

    >>> round(np.array([0.5, 1.5, 2.25]), 1).tolist()
    [0.5, 1.5, 2.2]
    """
    return np.round(x, decimals)


@function("Clip")
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """Return x moved into the range from ``x_min`` to ``x_max``; the gradient passes inside the range.

    On a bound half of it passes, as in JAX.

    >>> clip(np.array([-3.0, 0.5, 3.0]), -1.0, 1.0).tolist()
    [-1.0, 0.5, 1.0]
    """
    x, low, high = _in_one_type(x, x_min, x_max)
    return np.minimum(np.maximum(x, low), high)


def _in_one_type(x: Any, x_min: Any, x_max: Any) -> list[Any]:
    dtype = _clipped_dtype(x, x_min, x_max)
    return [x.astype(dtype, copy=False), np.asarray(x_min, dtype), np.asarray(x_max, dtype)]


@clip.output_dtype
def _clipped_dtype(x: Any, x_min: Any, x_max: Any) -> str:
    dtype = result_dtype(x, x_min, x_max)
    return "int32" if dtype == "bool" else dtype


@clip.gradient
def _(dy: Any, y: Any, x: Any, x_min: Any, x_max: Any) -> Any:
    x, low, high = _in_one_type(x, x_min, x_max)
    half, dtype = dy.dtype.type(0.5), dy.dtype
    above = np.where(x == low, half, (x > low).astype(dtype))
    inner = np.maximum(x, low)
    return sum_to(dy * above * np.where(inner == high, half, (inner < high).astype(dtype)), x)


@clip.output_shape
def _(shape: Any, x_min: Any, x_max: Any) -> Any:
    return broadcast_shape(shape, np.shape(x_min), np.shape(x_max))


@function("NanToNum")
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Any:
    """Return x with numbers for NaN and infinities (None: the largest there are); no gradient passes there.

    >>> nan_to_num(np.array([1.0, np.nan])).tolist()
    [1.0, 0.0]
    """
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


@nan_to_num.gradient
def _(dy: Any, y: Any, x: Any, **options: Any) -> Any:
    return np.where(np.isfinite(x), dy, np.zeros_like(dy))


for _one in (round, nan_to_num):
    _one.output_shape(same_shape)
