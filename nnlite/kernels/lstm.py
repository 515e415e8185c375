"""The whole-sequence kernel of the LSTM (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, recurrent
from nnlite.kernels.recurrent import Part

Array = NDArray[Any]

# What is kept of each step: three gates, as 1 + exp(-z) until backward finishes them, and what each is multiplied with,
# 2 g, 2 c and tanh(c).
INPUT, FORGET, OUTPUT, CANDIDATE, CELL, TANH_CELL = range(6)
# The order i, g, f, o of the gradients by gates, as places in Keras's order: so the three by c are side by side.
BY_C = [0, 2, 1, 3]


def lstm_forward(
    x: Array,
    w: Array,
    u: Array,
    b: Array | None,
    h0: Array | None = None,
    c0: Array | None = None,
    mask: Array | None = None,
    keep: bool = True,
    sequences: bool = True,
) -> tuple[Array | None, Array, Array, Any]:
    """Run an LSTM over sequences; gates in the order i, f, g, o.

    With s the sigmoid, for each step t::

        z = x[t] @ w + h @ u + b
        i, f, g, o = s(z_i), s(z_f), tanh(z_g), s(z_o)
        c = f * c + i * g
        h = o * tanh(c)

    z is one product, ``[h, 1, x[t]] @ [u, b, w]``, with all but the weights of g negated: s is ``1 / (1 + exp(z))``.
    tanh(z) is ``1 - 2 / (1 + exp(2 z))``, right to the last digits of 1, in half the time of NumPy's: so the weights of
    g are doubled, all four are one exp, and 2 g and 2 c are what is kept.

    Args:
        x: (N, T, I).
        w: (I, 4 U).
        u: (U, 4 U).
        b: (4 U,), or None.
        h0, c0: (N, U) states to begin with; zeros where None.
        mask: (N, T), True where a step is done; elsewhere the states stay as they are.
        keep: whether a cache for :func:`lstm_backward` is wanted.
        sequences: whether h of all steps is wanted.

    Returns:
        h of all steps (N, T, U), or None; the last h and c (N, U); the cache.
    """
    n, steps, inputs = x.shape
    units, dtype = u.shape[0], x.dtype
    y = np.empty((n, steps, units), dtype) if sequences else None
    last_h, last_c = np.empty((n, units), dtype), np.empty((n, units), dtype)
    one, two, minus_two, minus_four = (np.array(value, dtype) for value in (1, 2, -2, -4))
    matmul, exp, add, divide = np.matmul, np.exp, np.add, np.divide

    def rows(start: int, stop: int) -> Part:
        count, weights = stop - start, _by_gates(u, b, w)
        hx = recurrent.extended(x[start:stop], units, None if h0 is None else h0[start:stop], keep)
        kept = memory.empty((6, steps + 1 if keep else 1, count, units), dtype)
        kept[CELL, 0] = 0 if c0 is None else c0[start:stop] * two
        shares = memory.empty((2, count, units), dtype) if keep else kept[CANDIDATE:TANH_CELL, 0]
        by_i, by_f = shares
        rests = recurrent.rests(mask, start, stop, steps)
        with np.errstate(over="ignore"):  # exp of a large number is infinite, and the gate then 0
            for t in range(steps):
                if keep or t == 0:  # else all steps are done in the same place
                    hx_now, h, now, c = hx[t], hx[t + keep, :, :units], kept[:, t], kept[CELL, t + keep]
                    z, i_f, o, g, g_c = now[:4], now[:OUTPUT], now[OUTPUT], now[CANDIDATE], now[CANDIDATE:TANH_CELL]
                    tanh_c = now[TANH_CELL if keep else CANDIDATE]
                if not keep:
                    hx_now[:, units + 1 :] = x[start:stop, t]
                rest = rests[t]
                before = None if rest is None else (hx_now[rest, :units], now[CELL][rest])
                matmul(hx_now, weights, z)
                exp(z, z)
                add(z, one, z)
                divide(minus_four, g, g)
                add(g, two, g)  # 2 tanh
                divide(g_c, i_f, shares)
                add(by_i, by_f, c)
                exp(c, tanh_c)
                add(tanh_c, one, tanh_c)
                divide(minus_two, tanh_c, tanh_c)
                add(tanh_c, one, tanh_c)
                divide(tanh_c, o, h)
                if before is not None:
                    h[rest], c[rest] = before
                if y is not None:
                    y[start:stop, t] = h
        last_h[start:stop] = hx[-1, :, :units]
        divide(kept[CELL, -1], two, out=last_c[start:stop])
        return Part(start, stop, hx, kept)

    parts = recurrent.run(rows, n, steps, inputs, units, 4)
    return y, last_h, last_c, (parts, mask) if keep else None


def lstm_backward(
    dy: Array | None,
    dh_last: Array | None,
    dc_last: Array | None,
    w: Array,
    u: Array,
    cache: Any,
    input_grad: bool = True,
) -> tuple[Array | None, Array, Array, Array, Array, Array]:
    """Return dx, dw, du, db, dh0, dc0; backward through the steps, with dh and dc from the step after.

    ::

        dh += dy[t];  do = dh * tanh(c);  dc += dh * o * (1 - tanh(c)**2)
        di = dc * g;  dg = dc * i;  df = dc * c_before;  dc = dc * f
        dz = (di i (1 - i), df f (1 - f), dg (1 - g**2), do o (1 - o));  dh = dz @ u.T

    All factors of dh and dc are computed beforehand, a block of steps at once.

    Args:
        dy: gradient by h of all steps (N, T, U), or None.
        dh_last, dc_last: gradients by the last states, or None.
        w, u: as in forward.
        cache: of :func:`lstm_forward`; used up.
        input_grad: whether dx is wanted, else None.
    """
    parts, mask = cache
    n, steps = parts[-1].stop, len(parts[0].x) - 1
    units, inputs, dtype = u.shape[0], len(w), w.dtype
    dx = np.empty((n, steps, inputs), dtype) if input_grad else None
    dh0, dc0 = np.empty((n, units), dtype), np.empty((n, units), dtype)
    w_by_c, u_by_c = (a.reshape(-1, 4, units)[:, BY_C].reshape(-1, 4 * units) for a in (w, u))
    u_t = np.ascontiguousarray(u_by_c.T)

    def rows(part: Part) -> tuple[Array]:
        start, stop, hx, kept = part
        count = stop - start
        dh = recurrent.begun(dh_last, start, stop, units, dtype)
        dc = recurrent.begun(dc_last, start, stop, units, dtype)
        blocks = recurrent.blocks(steps, dh.size)
        most = blocks[-1][1]
        slopes, product = memory.empty((5, most, count, units), dtype), np.empty((count, units), dtype)
        dz = memory.empty((most, count, 4 * units), dtype)
        by_gate = dz.reshape(most, count, 4, units).transpose(0, 2, 1, 3)
        dweights = recurrent.Sum((hx.shape[2], 4 * units), dtype)
        rests = recurrent.rests(mask, start, stop, steps)
        for first, size in blocks:
            _slopes(kept[:, first : first + size], slopes[:, :size])
            for at in range(size - 1, -1, -1):
                t = first + at
                rest = rests[t]
                if dy is not None:
                    dh += dy[start:stop, t]
                before = None if rest is None else (dh[rest], dc[rest])
                np.multiply(dh, slopes[3, at], out=product)
                dc += product
                np.multiply(dc, slopes[:3, at], out=by_gate[at, :3])
                np.multiply(dh, slopes[4, at], out=by_gate[at, 3])
                dc *= kept[FORGET, t]
                if rest is not None:
                    dz[at, rest] = 0
                np.matmul(dz[at], u_t, out=dh)
                if before is not None:
                    dh[rest], dc[rest] = before
            dweights.add(hx[first : first + size], dz[:size])
            if dx is not None:
                dx[start:stop, first : first + size] = recurrent.input_gradient(dz[:size], w_by_c)
        dh0[start:stop], dc0[start:stop] = dh, dc
        return (dweights.total,)

    (total,) = recurrent.added(recurrent.run_parts(rows, parts, steps, inputs, units, 4))
    du, db, dw = recurrent.unstacked(total.reshape(-1, 4, units)[:, BY_C].reshape(-1, 4 * units), units)
    return dx, dw, du, db, dh0, dc0


def _slopes(kept: Array, out: Array) -> None:
    """Fill in what dc is multiplied with, g i (1 - i), i (1 - g**2), c_before f (1 - f), and what dh, o (1 - tanh_c**2)
    and tanh_c o (1 - o); and finish i, f, o, g, c."""
    one, half = kept.dtype.type(1), kept.dtype.type(0.5)
    kept[CANDIDATE:TANH_CELL] *= half
    np.divide(one, kept[:CANDIDATE], out=kept[:CANDIDATE])
    sigmoids, tanhs = out[::2], out[1::2]  # of i, f, o, and of g, tanh_c
    np.subtract(one, kept[:CANDIDATE], out=sigmoids)
    sigmoids *= kept[:CANDIDATE]
    sigmoids *= kept[CANDIDATE:]
    np.multiply(kept[CANDIDATE::2], kept[CANDIDATE::2], out=tanhs)
    np.subtract(one, tanhs, out=tanhs)
    tanhs *= kept[:CANDIDATE:2]


def _by_gates(u: Array, b: Array | None, w: Array) -> Array:
    """Return the weights (4, U + 1 + I, U) of ``[h, 1, x]``: of i, f, o, negated, and of g, doubled."""
    stacked = recurrent.stacked(u, b, w).reshape(-1, 4, len(u))
    weights = memory.empty((4, len(stacked), len(u)), u.dtype)
    for place, (gate, factor) in enumerate(((0, -1), (1, -1), (3, -1), (2, 2))):
        np.multiply(stacked[:, gate], factor, out=weights[place])
    return weights
