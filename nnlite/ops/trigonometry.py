"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function


@function("Sin", unify="float")
def sin(x: Any) -> Any:
    """Return the sine; backward ``dx = dy * cos(x)``.

    >>> np.round(sin(np.array([0.25, 0.5])), 4).tolist()
    [0.2474, 0.4794]
    """
    return np.sin(x)


@sin.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * np.cos(x)


@function("Cos", unify="float")
def cos(x: Any) -> Any:
    """Return the cosine; backward ``dx = -dy * sin(x)``.

    >>> np.round(cos(np.array([0.25, 0.5])), 4).tolist()
    [0.9689, 0.8776]
    """
    return np.cos(x)


@cos.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return -dy * np.sin(x)


@function("Tan", unify="float")
def tan(x: Any) -> Any:
    """Return the tangent; backward ``dx = dy * (1 + y^2)``.

    >>> np.round(tan(np.array([0.25, 0.5])), 4).tolist()
    [0.2553, 0.5463]
    """
    return np.tan(x)


@tan.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * (1 + y * y)


@function("Arcsin", unify="float")
def arcsin(x: Any) -> Any:
    """Return the angle of which x is the sine; backward ``dx = dy / sqrt(1 - x^2)``.

    >>> np.round(arcsin(np.array([0.25, 0.5])), 4).tolist()
    [0.2527, 0.5236]
    """
    return np.arcsin(x)


@arcsin.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / np.sqrt(1 - x * x)


@function("Arccos", unify="float")
def arccos(x: Any) -> Any:
    """Return the angle of which x is the cosine; backward ``dx = -dy / sqrt(1 - x^2)``.

    >>> np.round(arccos(np.array([0.25, 0.5])), 4).tolist()
    [1.3181, 1.0472]
    """
    return np.arccos(x)


@arccos.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return -dy / np.sqrt(1 - x * x)


@function("Arctan", unify="float")
def arctan(x: Any) -> Any:
    """Return the angle of which x is the tangent; backward ``dx = dy / (1 + x^2)``.

    >>> np.round(arctan(np.array([0.25, 0.5])), 4).tolist()
    [0.245, 0.4636]
    """
    return np.arctan(x)


@arctan.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / (1 + x * x)


@function("Sinh", unify="float")
def sinh(x: Any) -> Any:
    """Return the hyperbolic sine; backward ``dx = dy * cosh(x)``.

    >>> np.round(sinh(np.array([0.25, 0.5])), 4).tolist()
    [0.2526, 0.5211]
    """
    return np.sinh(x)


@sinh.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * np.cosh(x)


@function("Cosh", unify="float")
def cosh(x: Any) -> Any:
    """Return the hyperbolic cosine; backward ``dx = dy * sinh(x)``.

    >>> np.round(cosh(np.array([0.25, 0.5])), 4).tolist()
    [1.0314, 1.1276]
    """
    return np.cosh(x)


@cosh.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * np.sinh(x)


@function("Tanh", unify="float")
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent; backward ``dx = dy * (1 - y^2)``.

    >>> np.round(tanh(np.array([0.25, 0.5])), 4).tolist()
    [0.2449, 0.4621]
    """
    return np.tanh(x)


@tanh.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * (1 - y * y)


@function("Arcsinh", unify="float")
def arcsinh(x: Any) -> Any:
    """Return the number of which x is the hyperbolic sine; backward ``dx = dy / sqrt(x^2 + 1)``.

    >>> np.round(arcsinh(np.array([0.25, 0.5])), 4).tolist()
    [0.2475, 0.4812]
    """
    return np.arcsinh(x)


@arcsinh.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / np.sqrt(x * x + 1)


@function("Arccosh", unify="float")
def arccosh(x: Any) -> Any:
    """Return the number of which x is the hyperbolic cosine; backward ``dx = dy / sqrt(x^2 - 1)``.

    >>> np.round(arccosh(np.array([1.5, 2.0])), 4).tolist()
    [0.9624, 1.317]
    """
    return np.arccosh(x)


@arccosh.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / np.sqrt((x - 1) * (x + 1))


@function("Arctanh", unify="float")
def arctanh(x: Any) -> Any:
    """Return the number of which x is the hyperbolic tangent; backward ``dx = dy / (1 - x^2)``.

    >>> np.round(arctanh(np.array([0.25, 0.5])), 4).tolist()
    [0.2554, 0.5493]
    """
    return np.arctanh(x)


@arctanh.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy / ((1 - x) * (1 + x))


@function("Deg2rad", unify="float")
def deg2rad(x: Any) -> Any:
    """Return degrees as radians; backward ``dx = dy * pi / 180``.

    >>> np.round(deg2rad(np.array([90.0, 180.0])), 4).tolist()
    [1.5708, 3.1416]
    """
    return np.deg2rad(x)


@deg2rad.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * float(np.pi / 180)


@function("Rad2deg", unify="float")
def rad2deg(x: Any) -> Any:
    """Return radians as degrees; backward ``dx = dy * 180 / pi``.

    >>> np.round(rad2deg(np.array([0.0, 1.0])), 4).tolist()
    [0.0, 57.2958]
    """
    return np.rad2deg(x)


@rad2deg.gradient
def _(dy: Any, y: Any, x: Any) -> Any:
    return dy * float(180 / np.pi)
