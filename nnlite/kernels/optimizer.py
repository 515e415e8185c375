"""Updates of optimizers, in place, over one block of a variable at a time.

``v`` is the value, ``g`` the gradient, ``lr`` the learning rate; the others are slots. All are flat arrays of one dtype
and equal length; ``s`` and ``t`` are scratch of that length.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import parallel

Array = NDArray[Any]

# Elements a block: on one thread what stays in its cache, on several enough that they do not queue for the lock.
BLOCK_ONE, BLOCK_MANY = 32768, 131072
# Elements that one thread updates in a microsecond, for the choice of threads.
RATE = 600.0


def in_blocks(update: Callable[..., None], arrays: list[list[Array]], slots: int) -> None:
    """Call ``update(*blocks, s, t)`` for every block of every variable.

    Args:
        update: one of the functions below with its settings bound.
        arrays: for each variable its value, its gradient and its slots, all flat.
        slots: total number of elements, for the choice of threads.
    """
    microseconds = slots / RATE
    block = BLOCK_MANY if microseconds > parallel.WORTH_THREADS and parallel.threads() > 1 else BLOCK_ONE
    pieces = [
        (index, start, min(start + block, own[0].size))
        for index, own in enumerate(arrays)
        for start in range(0, own[0].size, block)
    ]

    def task(first: int, last: int) -> None:
        scratch: dict[Any, tuple[Array, Array]] = {}
        for index, start, stop in pieces[first:last]:
            own = arrays[index]
            dtype = own[0].dtype
            if dtype not in scratch:
                size = min(block, max(a[0].size for a in arrays))
                scratch[dtype] = (np.empty(size, dtype), np.empty(size, dtype))
            s, t = scratch[dtype]
            update(*(a[start:stop] for a in own), s[: stop - start], t[: stop - start])

    # The cut depends on the pieces alone; every element is computed by itself, so any cut gives the same result.
    parallel.run(task, len(pieces), microseconds)


def sgd(v: Array, g: Array, s: Array, t: Array, *, lr: float) -> None:
    """v -= lr * g."""
    np.multiply(g, v.dtype.type(lr), out=s)
    np.subtract(v, s, out=v)


def momentum(v: Array, g: Array, m: Array, s: Array, t: Array, *, lr: float, mu: float, nesterov: bool) -> None:
    """m = mu * m - lr * g; v += m, or with Nesterov's look ahead v += mu * m - lr * g."""
    np.multiply(g, v.dtype.type(lr), out=s)
    np.multiply(m, v.dtype.type(mu), out=m)
    np.subtract(m, s, out=m)
    if nesterov:
        np.multiply(m, v.dtype.type(mu), out=t)
        np.subtract(t, s, out=t)
        np.add(v, t, out=v)
    else:
        np.add(v, m, out=v)


def adam(
    v: Array,
    g: Array,
    m: Array,
    u: Array,
    *rest: Array,
    rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None:
    """m += (1 - b1) * (g - m); u += (1 - b2) * (g^2 - u); v -= rate * m / (sqrt(u) + epsilon).

    ``rate`` is lr * sqrt(1 - b2^t) / (1 - b1^t). With a third slot (AMSGrad) its running maximum stands for u below.
    """
    *largest, s, t = rest
    kind = v.dtype.type
    np.subtract(g, m, out=s)
    np.multiply(s, kind(1 - beta_1), out=s)
    np.add(m, s, out=m)
    np.multiply(g, g, out=s)
    np.subtract(s, u, out=s)
    np.multiply(s, kind(1 - beta_2), out=s)
    np.add(u, s, out=u)
    bottom = u
    if largest:
        bottom = np.maximum(largest[0], u, out=largest[0])
    np.sqrt(bottom, out=s)
    np.add(s, kind(epsilon), out=s)
    np.divide(m, s, out=s)
    np.multiply(s, kind(rate), out=s)
    np.subtract(v, s, out=v)


def rmsprop(
    v: Array,
    g: Array,
    u: Array,
    *rest: Array,
    lr: float,
    rho: float,
    mu: float,
    epsilon: float,
    centered: bool,
) -> None:
    """u = rho * u + (1 - rho) * g^2; step = lr * g / sqrt(u + epsilon); v -= step.

    With momentum (a slot): step goes through mom = mu * mom + step. Centred (a slot): u - a^2 with a the average of g.
    """
    *slots, s, t = rest
    kind = v.dtype.type
    np.multiply(g, g, out=s)
    np.multiply(s, kind(1 - rho), out=s)
    np.multiply(u, kind(rho), out=u)
    np.add(u, s, out=u)
    if centered:
        a = slots[-1]
        np.multiply(a, kind(rho), out=a)
        np.multiply(g, kind(1 - rho), out=s)
        np.add(a, s, out=a)
        np.multiply(a, a, out=s)
        np.subtract(u, s, out=s)
        np.add(s, kind(epsilon), out=s)
    else:
        np.add(u, kind(epsilon), out=s)
    np.sqrt(s, out=s)
    np.multiply(g, kind(lr), out=t)
    np.divide(t, s, out=t)
    if mu:
        mom = slots[0]
        np.multiply(mom, kind(mu), out=mom)
        np.add(mom, t, out=mom)
        t = mom
    np.subtract(v, t, out=v)


def norm(arrays: list[Array]) -> float:
    """Return the length of all arrays taken as one vector."""
    return math.sqrt(sum(float(np.dot(flat, flat)) for flat in (a.reshape(-1) for a in arrays)))
