"""Recurrent layers on a few short sequences, on one thread: what :mod:`nnlite.kernels.lstm`, :mod:`nnlite.kernels.gru`
and :mod:`nnlite.kernels.simple_rnn` define, for inference without masks and initial states.

Here each call of NumPy costs as much as its arithmetic, so a step is as few calls as possible, and weights are used as
they are, since copying them would take as long as several steps. Gates are to be ``1 / (1 + exp(-z))``: so what is
computed is ``-z``, from states that are kept negative, ``-h`` and ``-c``, and tanh is odd. What all rows have of one
gate lies together, as one vector of n U numbers, which is what calls of NumPy are fastest on; a product of a vector and
a matrix for each row and gate takes half the time of one product of matrices with so few rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def simple_rnn_few(x: Array, w: Array, u: Array, b: Array | None, sequences: bool) -> Array:
    """Return h of all steps (n, T, U), or of the last (n, U), see ``simple_rnn_forward``.

    >>> one = np.ones((1, 1))
    >>> simple_rnn_few(np.ones((1, 2, 1)), one, one, None, False).round(3).tolist()
    [[0.943]]
    """
    shares, states = _shares(x, w, b, 1), _states(x, u)
    z = np.empty_like(states[0])
    product, befores, matrix, out = _product(states, u, z)
    add, tanh = np.add, np.tanh
    for share, h, after in zip(shares, befores, states[1:], strict=False):
        product(h, matrix, out)
        add(z, share, z)
        tanh(z, after)
    return _outputs(states, x, sequences)


def lstm_few(x: Array, w: Array, u: Array, b: Array | None, sequences: bool) -> Array:
    """Return h of all steps (n, T, U), or of the last (n, U), see ``lstm_forward``.

    >>> one = np.ones((1, 4))
    >>> lstm_few(np.ones((1, 2, 1)), one, one, None, False).round(3).tolist()
    [[0.651]]
    """
    shares, states = _shares(x, w, b, 4), _states(x, u)
    size = states.shape[1]
    z, tanh_c = np.empty(4 * size, x.dtype), np.empty(size, x.dtype)
    g_c, products = np.zeros(2 * size, x.dtype), np.empty(2 * size, x.dtype)
    i_f, z_g, o = z[: 2 * size], z[2 * size : 3 * size], z[3 * size :]
    g, c, by_i, by_f = g_c[:size], g_c[size:], products[:size], products[size:]
    product, befores, matrix, out = _product(states, u, z)
    one = np.ones((), x.dtype)
    add, divide, exp, tanh = np.add, np.divide, np.exp, np.tanh
    with np.errstate(over="ignore"):  # exp of a large number is infinite, and the gate then 0
        for share, h, after in zip(shares, befores, states[1:], strict=False):
            product(h, matrix, out)
            add(z, share, z)
            tanh(z_g, g)
            exp(z, z)
            add(z, one, z)
            divide(g_c, i_f, products)  # the gates are 1 / z
            add(by_i, by_f, c)
            tanh(c, tanh_c)
            divide(tanh_c, o, after)
    return _outputs(states, x, sequences)


def gru_few(x: Array, w: Array, u: Array, b: Array | None, reset_after: bool, sequences: bool) -> Array:
    """Return h of all steps (n, T, U), or of the last (n, U), see ``gru_forward``.

    >>> one = np.ones((1, 3))
    >>> gru_few(np.ones((1, 2, 1)), one, one, None, True, False).round(3).tolist()
    [[0.347]]
    """
    b_in, b_own = (b, None) if b is None or not reset_after else b
    shares, states = _shares(x, w, b_in, 3), _states(x, u)
    units, size = len(u), states.shape[1]
    shares_k = shares[:, 2 * size :].copy()
    shares[:, 2 * size :] = 0
    if b_own is not None:
        shares -= np.repeat(b_own.reshape(3, 1, units), len(x), axis=1).reshape(-1)
    own, k, change = (np.empty(count, x.dtype) for count in (3 * size, size, size))
    zr, inner, z, r = own[: 2 * size], own[2 * size :], own[:size], own[size : 2 * size]
    product, befores, matrix, out = _product(
        states, u if reset_after else u[:, : 2 * units], own if reset_after else zr
    )
    if not reset_after:
        shares = shares[:, : 2 * size]
        _, (reset,), matrix_k, out_k = _product(inner[None], u[:, 2 * units :], k)
    one = np.ones((), x.dtype)
    add, subtract, divide, exp, tanh = np.add, np.subtract, np.divide, np.exp, np.tanh
    with np.errstate(over="ignore"):
        for share, share_k, h, before, after in zip(shares, shares_k, befores, states, states[1:], strict=False):
            product(h, matrix, out)
            if reset_after:
                add(own, share, own)
            else:
                add(zr, share, zr)
            exp(zr, zr)
            add(zr, one, zr)  # the gates are 1 / zr
            if reset_after:
                divide(inner, r, k)
            else:
                divide(before, r, inner)
                product(reset, matrix_k, out_k)
            add(k, share_k, k)
            tanh(k, k)
            subtract(before, k, change)
            divide(change, z, change)
            add(k, change, after)
    return _outputs(states, x, sequences)


def _shares(x: Array, w: Array, b: Array | None, gates: int) -> Array:
    """Return ``-(x @ w + b)`` of all steps, (T, G n U)."""
    n, steps, inputs = x.shape
    shares: Array = np.negative(x.transpose(1, 0, 2), order="C").reshape(-1, inputs) @ w
    if b is not None:
        shares -= b
    by_gate: Array = shares.reshape(steps, n, gates, -1).transpose(0, 2, 1, 3)
    return by_gate.reshape(steps, -1)


def _states(x: Array, u: Array) -> Array:
    """Return room for -h before the first step, which is 0, and after each, (T + 1, n U)."""
    states = np.empty((x.shape[1] + 1, len(x) * len(u)), x.dtype)
    states[0] = 0
    return states


def _product(states: Array, u: Array, z: Array) -> tuple[Callable[..., Any], Array, Array, Array]:
    """Return ``product``, the states, u and z in the forms for ``product(state, u, z)``, which fills z by gates."""
    units, size = len(u), states.shape[1]
    if size == units:  # one row: dot, as a method, has the cheapest calls, but it copies a part of a matrix
        return np.ndarray.dot if u.flags.c_contiguous else np.matmul, states, u, z
    rows, gates = size // units, u.shape[1] // units
    by_gate = u.reshape(units, gates, 1, units).transpose(1, 2, 0, 3)
    return np.matmul, states.reshape(-1, rows, 1, units), by_gate, z.reshape(gates, rows, 1, units)


def _outputs(states: Array, x: Array, sequences: bool) -> Array:
    by_row = states.reshape(len(states), len(x), -1)
    wanted: Array = by_row[1:].transpose(1, 0, 2) if sequences else by_row[-1]
    return np.negative(wanted, order="C")
