"""Recurrent layers on a few short sequences, on one thread: what :mod:`nnlite.kernels.lstm`, :mod:`nnlite.kernels.gru`
and :mod:`nnlite.kernels.simple_rnn` define, for inference without masks and initial states.

Here each call of NumPy costs as much as its arithmetic, so a step is as few calls as possible, and weights are used as
they are, since copying them would take as long as several steps. Gates are to be ``1 / (1 + exp(-z))``: so what is
computed is ``-z``, from states that are kept negative, ``-h`` and ``-c``, and tanh is odd. Arrays are (n, 1, ...): a
product of a vector and a matrix for each row takes half the time of one product of matrices with so few rows.
"""

from __future__ import annotations

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
    shares, states = _shares(x, w, b), _states(x, u)
    h, z = states[0], np.empty((len(x), 1, len(u)), x.dtype)
    matmul, add, tanh = np.matmul, np.add, np.tanh
    for share, after in zip(shares, states[1:], strict=True):
        matmul(h, u, z)
        add(z, share, z)
        h = tanh(z, after)
    return _outputs(states, sequences)


def lstm_few(x: Array, w: Array, u: Array, b: Array | None, sequences: bool) -> Array:
    """Return h of all steps (n, T, U), or of the last (n, U), see ``lstm_forward``.

    >>> one = np.ones((1, 4))
    >>> lstm_few(np.ones((1, 2, 1)), one, one, None, False).round(3).tolist()
    [[0.651]]
    """
    n, units = len(x), len(u)
    shares, states = _shares(x, w, b), _states(x, u)
    z, tanh_c = np.empty((n, 1, 4 * units), x.dtype), np.empty((n, 1, units), x.dtype)
    pair, products = np.zeros((2, n, 1, units), x.dtype), np.empty((2, n, 1, units), x.dtype)
    i_and_f = z[:, :, : 2 * units].reshape(n, 1, 2, units).transpose(2, 0, 1, 3)
    z_g, o = z[:, :, 2 * units : 3 * units], z[:, :, 3 * units :]
    (g, c), (product, other) = pair, products
    h, one = states[0], np.ones((), x.dtype)
    matmul, add, divide, exp, tanh = np.matmul, np.add, np.divide, np.exp, np.tanh
    with np.errstate(over="ignore"):  # exp of a large number is infinite, and the gate then 0
        for share, after in zip(shares, states[1:], strict=True):
            matmul(h, u, z)
            add(z, share, z)
            tanh(z_g, g)
            exp(z, z)
            add(z, one, z)
            divide(pair, i_and_f, products)  # the gates are 1 / z
            add(product, other, c)
            tanh(c, tanh_c)
            h = divide(tanh_c, o, after)
    return _outputs(states, sequences)


def gru_few(x: Array, w: Array, u: Array, b: Array | None, reset_after: bool, sequences: bool) -> Array:
    """Return h of all steps (n, T, U), or of the last (n, U), see ``gru_forward``.

    >>> one = np.ones((1, 3))
    >>> gru_few(np.ones((1, 2, 1)), one, one, None, True, False).round(3).tolist()
    [[0.347]]
    """
    n, units = len(x), len(u)
    b_in, b_own = (b, None) if b is None or not reset_after else b
    shares, states = _shares(x, w, b_in), _states(x, u)
    shares_k = shares[..., 2 * units :].copy()
    shares[..., 2 * units :] = 0
    if b_own is not None:
        shares -= b_own
    u_zr, u_k = u[:, : 2 * units], u[:, 2 * units :]
    own, k, product = (np.empty((n, 1, size), x.dtype) for size in (3 * units, units, units))
    zr, inner, z, r = own[..., : 2 * units], own[..., 2 * units :], own[..., :units], own[..., units : 2 * units]
    h, one = states[0], np.ones((), x.dtype)
    matmul, add, subtract, divide, exp, tanh = np.matmul, np.add, np.subtract, np.divide, np.exp, np.tanh
    if not reset_after:
        shares = shares[..., : 2 * units]
    with np.errstate(over="ignore"):
        for share, share_k, after in zip(shares, shares_k, states[1:], strict=True):
            if reset_after:
                matmul(h, u, own)
                add(own, share, own)
            else:
                matmul(h, u_zr, zr)
                add(zr, share, zr)
            exp(zr, zr)
            add(zr, one, zr)  # the gates are 1 / zr
            if reset_after:
                divide(inner, r, k)
            else:
                divide(h, r, product)
                matmul(product, u_k, k)
            add(k, share_k, k)
            tanh(k, k)
            subtract(h, k, product)
            divide(product, z, product)
            h = add(k, product, after)
    return _outputs(states, sequences)


def _shares(x: Array, w: Array, b: Array | None) -> Array:
    """Return ``-(x @ w + b)`` of all steps, (T, n, 1, G)."""
    n, steps, inputs = x.shape
    shares: Array = x.transpose(1, 0, 2).reshape(-1, inputs) @ w
    if b is not None:
        shares += b
    np.negative(shares, shares)
    return shares.reshape(steps, n, 1, -1)


def _states(x: Array, u: Array) -> Array:
    """Return room for -h before the first step, which is 0, and after each, (T + 1, n, 1, U)."""
    states = np.empty((x.shape[1] + 1, len(x), 1, len(u)), x.dtype)
    states[0] = 0
    return states


def _outputs(states: Array, sequences: bool) -> Array:
    wanted: Array = states[1:, :, 0].transpose(1, 0, 2) if sequences else states[-1, :, 0]
    return np.ascontiguousarray(-wanted)
