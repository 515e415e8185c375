"""Updates that look at a whole variable: at its norm, at the means of its rows and columns, or at it as a matrix.

Each has the form ``update(g, v, *slots, settings) -> d`` for one variable, ``v -= d``; slots are changed in place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel
from nnlite.kernels.optimizer_adam import missing

Array = NDArray[Any]

# Multiply-adds that one thread makes in a microsecond, for the choice of threads.
PRODUCTS = 40000.0


def lamb(
    g: Array,
    v: Array,
    m: Array,
    u: Array,
    *,
    lr: float,
    step: int,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> Array:
    """m = b1 * m + (1 - b1) * g; u = b2 * u + (1 - b2) * g^2; d = lr * ratio * h.

    h = m / (1 - b1^step) / (sqrt(u / (1 - b2^step)) + epsilon), ratio = norm(v) / norm(h), or 1 where either is 0.
    """
    h = np.subtract(g, m, out=np.empty_like(m))
    np.multiply(h, 1 - beta_1, out=h)
    np.add(m, h, out=m)
    np.multiply(g, g, out=h)
    np.subtract(h, u, out=h)
    np.multiply(h, 1 - beta_2, out=h)
    np.add(u, h, out=u)
    root = np.divide(u, missing(beta_2, step, g.dtype), out=np.empty_like(u))
    np.sqrt(root, out=root)
    np.add(root, epsilon, out=root)
    np.divide(m, missing(beta_1, step, g.dtype), out=h)
    np.divide(h, root, out=h)
    length, size = norm(v), norm(h)
    ratio = length / size if length > 0 and size > 0 else g.dtype.type(1)
    np.multiply(h, ratio * g.dtype.type(lr), out=h)
    return h


def norm(x: Array) -> Any:
    """Return the root of the sum of squares, in the dtype of x.

    >>> norm(np.array([[3.0], [4.0]]))
    np.float64(5.0)
    """
    flat = x.reshape(-1)
    with parallel.blas_pinned():
        return np.sqrt(np.dot(flat, flat))


def root_mean_square(x: Array) -> Any:
    """Return the root of the mean of squares, in the dtype of x.

    >>> root_mean_square(np.array([1.0, -7.0]))
    np.float64(5.0)
    """
    return norm(x) / x.dtype.type(math.sqrt(x.size))


def adafactor(
    g: Array,
    v: Array,
    u: Array,
    rows: Array | None = None,
    columns: Array | None = None,
    *,
    lr: float,
    step: int,
    decay: float,
    epsilon_1: float,
    epsilon_2: float,
    threshold: float,
) -> Array:
    """d = max(epsilon_2, rms(v)) * min(lr, 1 / sqrt(step)) * h / max(1, rms(h) / threshold), with h = g / sqrt(u).

    With b = 1 - step^decay and g2 = g^2 + epsilon_1: u = b * u + (1 - b) * g2. Of variables of two axes and more only
    running means of the rows and of the columns of g2 are kept, over the last axis and the one before it:
    rows = b * rows + (1 - b) * mean(g2, -1), columns likewise, and u = rows / mean(rows, -1) times columns.
    """
    kind = g.dtype.type
    b = kind(1) - kind(step) ** kind(decay)
    rest = kind(1) - b
    size = np.maximum(kind(epsilon_2), root_mean_square(v))
    rate = size * np.minimum(kind(lr), kind(1) / np.sqrt(kind(step)))
    h = np.multiply(g, g, out=np.empty_like(u))
    np.add(h, epsilon_1, out=h)
    if rows is None or columns is None:
        np.multiply(u, b, out=u)
        np.multiply(h, rest, out=h)
        np.add(u, h, out=u)
    else:
        np.add(rows * b, h.mean(-1) * rest, out=rows)
        np.add(columns * b, h.mean(-2) * rest, out=columns)
        np.multiply((rows / rows.mean(-1, keepdims=True))[..., None], columns[..., None, :], out=u)
    np.sqrt(u, out=h)
    np.divide(g, h, out=h)
    np.multiply(h, rate / np.maximum(kind(1), root_mean_square(h) / kind(threshold)), out=h)
    return h


def muon(
    g: Array,
    v: Array,
    m: Array,
    *,
    lr: float,
    momentum: float,
    nesterov: bool,
    steps: int,
    coefficients: tuple[float, float, float],
    rms: float | None,
) -> Array:
    """m = momentum * m + g; h = m, or with Nesterov's look ahead g + momentum * m; d = lr * orthogonal(h).

    For :func:`orthogonal` see there. Unless ``rms`` is None, d is multiplied by sqrt(max(rows, columns)) * rms.
    """
    h = m * (momentum - 1)
    np.add(h, g, out=h)
    np.add(m, h, out=m)
    if nesterov:
        np.multiply(m, momentum, out=h)
        np.add(g, h, out=h)
    else:
        h = m
    d = np.multiply(orthogonal(h, steps, coefficients), lr)
    return d if rms is None else np.multiply(d, math.sqrt(max(d.shape)) * rms, out=d)


def orthogonal(x: Array, steps: int, coefficients: tuple[float, float, float]) -> Array:
    """Return roughly the nearest matrix to x with orthonormal rows or columns, whichever are fewer.

    Begins with x / norm(x), and makes ``steps`` iterations of Newton and Schulz: x = a x + (b A + c A A) x, A = x x^T,
    which draw all singular values towards 1; with Muon's coefficients they end up between about 0.7 and 1.2.
    """
    a, b, c = coefficients
    turned = x.shape[0] > x.shape[1]
    x = np.divide(x.T if turned else x, norm(x) + x.dtype.type(1e-7), order="C")
    for _ in range(steps):
        square = product(x, x.T)
        weighted = np.multiply(product(square, square), c)
        np.multiply(square, b, out=square)
        np.add(weighted, square, out=weighted)
        more = product(weighted, x)
        np.multiply(x, a, out=x)
        np.add(x, more, out=x)
    return x.T if turned else x


def product(a: Array, b: Array) -> Array:
    """Return the matrix product, its rows shared among the threads.

    >>> product(np.eye(2), np.array([[1.0], [2.0]])).tolist()
    [[1.0], [2.0]]
    """
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)

    def task(start: int, stop: int) -> None:
        with np.errstate(all="ignore"):  # which other threads do not inherit
            np.matmul(a[start:stop], b, out=out[start:stop])

    parallel.run(task, len(out), a.size * b.shape[1] / PRODUCTS)
    return out
