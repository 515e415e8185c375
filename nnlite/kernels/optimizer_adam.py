"""Adam and its kin; the form of updates is that of :mod:`nnlite.kernels.optimizer`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def adam(
    g: Array,
    s: Array,
    t: Array,
    m: Array,
    u: Array,
    largest: Array | None = None,
    *,
    lr: float,
    step: int,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Array:
    """m = b1 * m + (1 - b1) * g; u = b2 * u + (1 - b2) * g^2; d = rate * m / (sqrt(u) + epsilon).

    ``rate`` is :func:`adam_rate` for this step. With a third slot (AMSGrad) its running maximum stands for u in d.
    """
    rate = adam_rate(lr, step, beta_1, beta_2, g.dtype)
    b1, c1, b2, c2, small = _constants(g.dtype, beta_1, 1 - beta_1, beta_2, 1 - beta_2, epsilon)
    # In place where possible: that moves two thirds of the memory.
    np.multiply(m, b1, out=m)
    np.multiply(g, c1, out=s)
    np.add(m, s, out=m)
    np.multiply(u, b2, out=u)
    np.multiply(g, g, out=s)
    np.multiply(s, c2, out=s)
    np.add(u, s, out=u)
    if largest is not None:
        u = np.maximum(largest, u, out=largest)
    np.sqrt(u, out=s)
    np.add(s, small, out=s)
    np.divide(m, s, out=s)
    return np.multiply(s, rate, out=s)


@functools.lru_cache(maxsize=16)
def _constants(dtype: Any, *numbers: float) -> list[Array]:
    """Numbers as arrays, which NumPy takes in half a microsecond less than Python's."""
    return [np.array(number, dtype) for number in numbers]


@functools.lru_cache(maxsize=16)
@np.errstate(under="ignore")
def adam_rate(lr: float, step: int, beta_1: float, beta_2: float, dtype: Any = "float64") -> float:
    """Return ``lr * sqrt(1 - b2^step) / (1 - b1^step)``: the step size that makes up for means that began at zero.

    Computed in the variables' own ``dtype``, as Keras does: for float32 the early differences from 1 lose digits,
    and a run follows Keras's only if it loses the same ones.

    >>> round(adam_rate(0.001, 1, 0.9, 0.999), 6)
    0.000316
    """
    kind = np.dtype(dtype).type
    one, t = kind(1), kind(step)
    return float(kind(lr) * np.sqrt(one - kind(beta_2) ** t) / (one - kind(beta_1) ** t))


def adamax(
    g: Array,
    s: Array,
    t: Array,
    m: Array,
    u: Array,
    *,
    lr: float,
    step: int,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Array:
    """m = b1 * m + (1 - b1) * g; u = max(b2 * u, abs(g)); d = lr * m / ((1 - b1^step) * (u + epsilon))."""
    np.multiply(m, beta_1, out=m)
    np.multiply(g, 1 - beta_1, out=s)
    np.add(m, s, out=m)
    np.multiply(u, beta_2, out=u)
    np.abs(g, out=s)
    np.maximum(u, s, out=u)
    np.add(u, epsilon, out=s)
    np.multiply(s, missing(beta_1, step, g.dtype), out=s)
    np.multiply(m, lr, out=t)
    return np.divide(t, s, out=t)


def nadam(
    g: Array,
    s: Array,
    t: Array,
    m: Array,
    u: Array,
    *,
    lr: float,
    step: int,
    product: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Array:
    """m and u as in :func:`adam`; d = lr * h / (sqrt(u / (1 - b2^step)) + epsilon).

    h = n * m / (1 - product * n) + (1 - w) * g / (1 - product), where w and n are :func:`nadam_weight` of this step and
    the next, and product is that of all w so far, this step's included.
    """
    kind = g.dtype.type
    one, all_so_far = kind(1), kind(product)
    now, coming = nadam_weight(step, beta_1, g.dtype), nadam_weight(step + 1, beta_1, g.dtype)
    first, second = one - kind(beta_1), one - kind(beta_2)
    np.subtract(g, m, out=s)
    np.multiply(s, first, out=s)
    np.add(m, s, out=m)
    np.multiply(g, g, out=s)
    np.subtract(s, u, out=s)
    np.multiply(s, second, out=s)
    np.add(u, s, out=u)
    np.multiply(m, coming, out=s)
    np.divide(s, one - all_so_far * coming, out=s)
    np.multiply(g, one - now, out=t)
    np.divide(t, one - all_so_far, out=t)
    np.add(s, t, out=s)
    np.multiply(s, lr, out=s)
    np.divide(u, missing(beta_2, step, g.dtype), out=t)
    np.sqrt(t, out=t)
    np.add(t, epsilon, out=t)
    return np.divide(s, t, out=s)


def nadam_weight(step: int, beta_1: float, dtype: Any = "float64") -> Any:
    """Return ``beta_1 * (1 - 0.96^step / 2)``, the weight of the running mean that grows with time, in this dtype.

    >>> float(nadam_weight(1, 0.9).round(4))
    0.468
    """
    kind = np.dtype(dtype).type
    with np.errstate(under="ignore"):
        return kind(beta_1) * (kind(1) - kind(0.5) * kind(0.96) ** kind(step))


def schedule_free(
    g: Array,
    s: Array,
    t: Array,
    v: Array,
    z: Array,
    u: Array,
    *,
    lr: float,
    step: int,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    """x = (v - (1 - b1) * z) / b1; u = b2 * u + (1 - b2) * g^2; z = z - lr * g / (sqrt(u / (1 - b2^step)) + epsilon).

    Then v = (1 - b1) * z + b1 * ((1 - 1 / step) * x + z / step): z is where the steps go, x the mean of all z, and v,
    where gradients are taken, lies between them.
    """
    kind = g.dtype.type
    one = kind(1)
    weight, rest = one / kind(step), one - kind(beta_1)
    np.multiply(z, rest, out=s)
    np.subtract(v, s, out=v)
    np.divide(v, beta_1, out=v)
    np.multiply(g, g, out=s)
    np.subtract(s, u, out=s)
    np.multiply(s, one - kind(beta_2), out=s)
    np.add(u, s, out=u)
    np.divide(u, missing(beta_2, step, g.dtype), out=s)
    np.sqrt(s, out=s)
    np.add(s, epsilon, out=s)
    np.multiply(g, lr, out=t)
    np.divide(t, s, out=t)
    np.subtract(z, t, out=z)
    np.multiply(v, one - weight, out=v)
    np.multiply(z, weight, out=s)
    np.add(v, s, out=v)
    np.multiply(v, beta_1, out=v)
    np.multiply(z, rest, out=s)
    np.add(s, v, out=v)


def missing(beta: float, step: int, dtype: Any = "float64") -> Any:
    """Return ``1 - beta^step``, what a running mean that began at zero lacks, computed in ``dtype`` as Keras does.

    >>> missing(0.5, 3)
    np.float64(0.875)
    """
    kind = np.dtype(dtype).type
    with np.errstate(under="ignore"):
        return kind(1) - kind(beta) ** kind(step)
