"""The whole-sequence kernel of the LSTM (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import recurrent
from nnlite.kernels.recurrent import Part

Array = NDArray[Any]


def lstm_forward(
    x: Array,
    w: Array,
    u: Array,
    b: Array | None,
    h0: Array | None = None,
    c0: Array | None = None,
    mask: Array | None = None,
    keep: bool = True,
) -> tuple[Array, Array, Array, Any]:
    """Run an LSTM over sequences; gates in the order i, f, g, o.

    With s the sigmoid, for each step t::

        z = x[t] @ w + h @ u + b
        i, f, g, o = s(z_i), s(z_f), tanh(z_g), s(z_o)
        c = f * c + i * g
        h = o * tanh(c)

    All four gates cost one exponential: tanh(z) = 2 s(2 z) - 1, so with the weights of g doubled and all negated every
    gate is ``1 / (1 + exp(z))``, and g twice that less 1.

    Args:
        x: (N, T, I).
        w: (I, 4 U).
        u: (U, 4 U).
        b: (4 U,), or None.
        h0, c0: (N, U) states to begin with; zeros where None.
        mask: (N, T), True where a step is done; elsewhere the states stay as they are.
        keep: whether a cache for :func:`lstm_backward` is wanted.

    Returns:
        h of all steps (N, T, U), the last h and c (N, U), the cache.
    """
    n, steps, inputs = x.shape
    units = u.shape[0]
    dtype = x.dtype
    scale = np.full(4 * units, -1, dtype)
    scale[2 * units : 3 * units] = -2
    ws, us, bs = w * scale, u * scale, None if b is None else b * scale
    y = np.empty((n, steps, units), dtype)
    last_c = np.empty((n, units), dtype)

    def rows(start: int, stop: int) -> Part:
        count = stop - start
        xt = recurrent.by_time(x[start:stop])
        z = recurrent.projected(xt, ws, bs)
        places = steps + 1 if keep else 2
        h, c = np.empty((places, count, units), dtype), np.empty((places, count, units), dtype)
        tanh_c = np.empty((steps if keep else 1, count, units), dtype)
        h[0] = 0 if h0 is None else h0[start:stop]
        c[0] = 0 if c0 is None else c0[start:stop]
        share, product = np.empty((count, 4 * units), dtype), np.empty((count, units), dtype)
        one = dtype.type(1)
        with np.errstate(over="ignore"):  # exp of a large number is infinite, and the gate then 0
            for t in range(steps):
                before, after = (t, t + 1) if keep else (t & 1, (t + 1) & 1)
                gates, hyperbolic = z[t], tanh_c[t if keep else 0]
                if t or h0 is not None:
                    np.matmul(h[before], us, out=share)
                    gates += share
                np.exp(gates, out=gates)
                gates += one
                np.divide(one, gates, out=gates)
                i, f, g, o = (gates[:, k * units : (k + 1) * units] for k in range(4))
                g += g
                g -= one
                np.multiply(f, c[before], out=c[after])
                np.multiply(i, g, out=product)
                c[after] += product
                np.tanh(c[after], out=hyperbolic)
                np.multiply(o, hyperbolic, out=h[after])
                rest = recurrent.rests(mask, t, start, stop)
                if rest is not None:
                    h[after][rest], c[after][rest] = h[before][rest], c[before][rest]
                if not keep:
                    y[start:stop, t] = h[after]
        if keep:
            y[start:stop] = h[1:].transpose(1, 0, 2)
        last_c[start:stop] = c[steps if keep else steps & 1]
        return Part(start, stop, xt, (z, h, c, tanh_c))

    parts = recurrent.run(rows, n, steps, inputs, units, 4)
    return y, y[:, -1].copy(), last_c, (parts, mask, b is not None) if keep else None


def lstm_backward(
    dy: Array | None, dh_last: Array | None, dc_last: Array | None, w: Array, u: Array, cache: Any
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Return dx, dw, du, db, dh0, dc0; backward through the steps, with dh and dc from the step after.

    ::

        dh += dy[t];  do = dh * tanh(c);  dc += dh * o * (1 - tanh(c)**2)
        di = dc * g;  dg = dc * i;  df = dc * c_before;  dc = dc * f
        dz = (di i (1 - i), df f (1 - f), dg (1 - g**2), do o (1 - o));  dh = dz @ u.T

    Args:
        dy: gradient by h of all steps (N, T, U), or None.
        dh_last, dc_last: gradients by the last states, or None.
        w, u: as in forward.
        cache: of :func:`lstm_forward`; used up.
    """
    parts, mask, _ = cache
    n = parts[-1].stop
    steps, _, inputs = parts[0].x.shape
    units, dtype = u.shape[0], w.dtype
    dx = np.empty((n, steps, inputs), dtype)
    dh0, dc0 = np.empty((n, units), dtype), np.empty((n, units), dtype)
    u_t = np.ascontiguousarray(u.T)

    def rows(part: Part) -> tuple[Array, Array, Array]:
        start, stop, xt, (z, h, c, tanh_c) = part
        count = stop - start
        dh, dc = np.zeros((count, units), dtype), np.zeros((count, units), dtype)
        if dh_last is not None:
            dh += dh_last[start:stop]
        if dc_last is not None:
            dc += dc_last[start:stop]
        slope, product = np.empty((count, 4 * units), dtype), np.empty((count, units), dtype)
        one = dtype.type(1)
        gradient = np.empty((count, 4 * units), dtype)
        di, df, dg, do = (gradient[:, k * units : (k + 1) * units] for k in range(4))
        for t in range(steps - 1, -1, -1):
            gates = z[t]
            i, f, g, o = (gates[:, k * units : (k + 1) * units] for k in range(4))
            if dy is not None:
                dh += dy[start:stop, t]
            rest = recurrent.rests(mask, t, start, stop)
            kept = None if rest is None else (dh[rest], dc[rest])
            np.multiply(dh, tanh_c[t], out=do)
            np.multiply(tanh_c[t], tanh_c[t], out=product)
            np.subtract(one, product, out=product)
            product *= o
            product *= dh
            dc += product
            np.multiply(dc, g, out=di)
            np.multiply(dc, c[t], out=df)
            np.multiply(dc, i, out=dg)
            dc *= f
            np.subtract(one, gates, out=slope)
            slope *= gates
            middle = slope[:, 2 * units : 3 * units]
            np.multiply(g, g, out=middle)
            np.subtract(one, middle, out=middle)
            np.multiply(gradient, slope, out=gates)  # the gates have served
            if rest is not None:
                gates[rest] = 0
            np.matmul(gates, u_t, out=dh)
            if kept is not None:
                dh[rest], dc[rest] = kept
        dx[start:stop] = recurrent.input_gradient(z, w)
        dh0[start:stop], dc0[start:stop] = dh, dc
        return recurrent.weight_gradients(xt, z, h[:-1])

    dw, du, db = recurrent.added(recurrent.run_parts(rows, parts, units, 4))
    return dx, dw, du, db, dh0, dc0
