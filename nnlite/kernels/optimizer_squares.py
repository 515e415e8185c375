"""Updates divided by roots of sums of squares; their form is that of :mod:`nnlite.kernels.optimizer`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def rmsprop(
    g: Array,
    s: Array,
    t: Array,
    u: Array,
    *others: Array,
    lr: float,
    rho: float,
    mu: float,
    epsilon: float,
    centered: bool,
) -> Array:
    """u = rho * u + (1 - rho) * g^2; d = lr * g / sqrt(u + epsilon).

    Centred (last slot a): a = rho * a + (1 - rho) * g, and u - a^2 stands for u in d. With momentum (second slot b):
    b = mu * b + d stands for d.
    """
    np.multiply(g, g, out=s)
    np.multiply(s, 1 - rho, out=s)
    np.multiply(u, rho, out=u)
    np.add(u, s, out=u)
    if centered:
        a = others[-1]
        np.multiply(a, rho, out=a)
        np.multiply(g, 1 - rho, out=s)
        np.add(a, s, out=a)
        np.multiply(a, a, out=s)
        u = np.subtract(u, s, out=s)
    np.add(u, epsilon, out=s)
    np.sqrt(s, out=s)
    np.multiply(g, lr, out=t)
    np.divide(t, s, out=t)
    if not mu:
        return t
    b = others[0]
    np.multiply(b, mu, out=b)
    return np.add(b, t, out=b)


def adagrad(g: Array, s: Array, t: Array, a: Array, *, lr: float, epsilon: float) -> Array:
    """a = a + g^2; d = lr * g / sqrt(a + epsilon)."""
    np.multiply(g, g, out=s)
    np.add(a, s, out=a)
    np.add(a, epsilon, out=s)
    np.sqrt(s, out=s)
    np.multiply(g, lr, out=t)
    return np.divide(t, s, out=t)


def adadelta(g: Array, s: Array, t: Array, a: Array, b: Array, *, lr: float, rho: float, epsilon: float) -> Array:
    """a = rho * a + (1 - rho) * g^2; e = sqrt(b + epsilon) * g / sqrt(a + epsilon); b = rho * b + (1 - rho) * e^2.

    Then d = lr * e.
    """
    np.multiply(g, g, out=s)
    np.multiply(s, 1 - rho, out=s)
    np.multiply(a, rho, out=a)
    np.add(a, s, out=a)
    np.add(b, epsilon, out=t)
    np.sqrt(t, out=t)
    np.multiply(t, g, out=t)
    np.add(a, epsilon, out=s)
    np.sqrt(s, out=s)
    np.divide(t, s, out=t)
    np.multiply(t, t, out=s)
    np.multiply(s, 1 - rho, out=s)
    np.multiply(b, rho, out=b)
    np.add(b, s, out=b)
    return np.multiply(t, lr, out=t)


def ftrl(
    g: Array,
    s: Array,
    t: Array,
    v: Array,
    a: Array,
    z: Array,
    *,
    lr: float,
    power: float,
    l1: float,
    l2: float,
    shrinkage: float,
    beta: float,
) -> None:
    """n = a + g^2; z = z + g + 2 * shrinkage * v - (n^-power - a^-power) / lr * v; a = n.

    Then v = (clip(z, -l1, l1) - z) / (n^-power / lr + 2 * (l2 + beta / (2 * lr))), exactly 0 where abs(z) <= l1.
    """
    np.multiply(g, g, out=s)
    np.add(a, s, out=s)
    if power == -0.5:  # many times as fast
        np.sqrt(s, out=t)
        np.sqrt(a, out=a)
    else:
        np.power(s, -power, out=t)
        np.power(a, -power, out=a)
    np.subtract(t, a, out=a)
    np.divide(a, lr, out=a)
    np.multiply(a, v, out=a)
    np.subtract(g, a, out=a)
    np.add(z, a, out=z)
    if shrinkage:
        np.multiply(v, 2 * shrinkage, out=a)
        np.add(z, a, out=z)
    np.copyto(a, s)
    np.divide(t, lr, out=t)
    np.add(t, 2 * (l2 + beta / (2 * lr)), out=t)
    np.clip(z, -l1, l1, out=s)
    np.subtract(s, z, out=s)
    np.divide(s, t, out=v)
