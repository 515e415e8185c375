"""The whole-sequence kernel of the GRU (Cho et al., 2014)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import recurrent
from nnlite.kernels.recurrent import Part

Array = NDArray[Any]


def _sigmoid(z: Array) -> None:
    """z becomes 1 / (1 + exp(-z))."""
    one = z.dtype.type(1)
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += one
    np.divide(one, z, out=z)


def gru_forward(
    x: Array,
    w: Array,
    u: Array,
    b: Array | None,
    h0: Array | None = None,
    mask: Array | None = None,
    reset_after: bool = True,
    keep: bool = True,
) -> tuple[Array, Array, Any]:
    """Run a GRU over sequences; gates in the order z, r, h.

    With s the sigmoid, for each step t::

        a = x[t] @ w + b[0];  z = s(a_z + h @ u_z + b[1]_z);  r = s(a_r + h @ u_r + b[1]_r)
        reset_after:  k = tanh(a_h + r * (h @ u_h + b[1]_h))        (as cuDNN has it)
        otherwise:    k = tanh(a_h + (r * h) @ u_h)                 (b has one row)
        h = z * h + (1 - z) * k

    Args:
        x: (N, T, I).
        w: (I, 3 U).
        u: (U, 3 U).
        b: (2, 3 U) with reset_after, else (3 U,); or None.
        h0: (N, U) state to begin with; zeros where None.
        mask: (N, T), True where a step is done; elsewhere the state stays as it is.
        reset_after: which of the two forms.
        keep: whether a cache for :func:`gru_backward` is wanted.

    Returns:
        h of all steps (N, T, U), the last h (N, U), the cache.
    """
    n, steps, inputs = x.shape
    units, dtype = u.shape[0], x.dtype
    y = np.empty((n, steps, units), dtype)
    b_in = None if b is None else b[0] if reset_after else b
    b_own = b[1] if b is not None and reset_after else None
    u_zr, u_h = np.ascontiguousarray(u[:, : 2 * units]), np.ascontiguousarray(u[:, 2 * units :])

    def rows(start: int, stop: int) -> Part:
        count = stop - start
        xt = recurrent.by_time(x[start:stop])
        a = recurrent.projected(xt, w, b_in)
        places = steps + 1 if keep else 2
        h = np.empty((places, count, units), dtype)
        inner = np.empty((steps if keep else 1, count, units), dtype)  # what r acts on, or r * h
        h[0] = 0 if h0 is None else h0[start:stop]
        own = np.empty((count, 3 * units if reset_after else 2 * units), dtype)
        product = np.empty((count, units), dtype)
        with np.errstate(over="ignore"):
            for t in range(steps):
                before, after = (t, t + 1) if keep else (t & 1, (t + 1) & 1)
                gates, third, mine = a[t][:, : 2 * units], a[t][:, 2 * units :], inner[t if keep else 0]
                np.matmul(h[before], u if reset_after else u_zr, out=own)
                if b_own is not None:
                    own += b_own
                gates += own[:, : 2 * units]
                _sigmoid(gates)
                z, r = gates[:, :units], gates[:, units:]
                if reset_after:
                    np.copyto(mine, own[:, 2 * units :])
                    np.multiply(r, mine, out=product)
                else:
                    np.multiply(r, h[before], out=mine)
                    np.matmul(mine, u_h, out=product)
                third += product
                np.tanh(third, out=third)
                np.subtract(h[before], third, out=product)
                product *= z
                np.add(third, product, out=h[after])
                rest = recurrent.rests(mask, t, start, stop)
                if rest is not None:
                    h[after][rest] = h[before][rest]
                if not keep:
                    y[start:stop, t] = h[after]
        if keep:
            y[start:stop] = h[1:].transpose(1, 0, 2)
        return Part(start, stop, xt, (a, h, inner))

    parts = recurrent.run(rows, n, steps, inputs, units, 3)
    return y, y[:, -1].copy(), (parts, mask, reset_after, b is not None) if keep else None


def gru_backward(
    dy: Array | None, dh_last: Array | None, w: Array, u: Array, cache: Any
) -> tuple[Array, Array, Array, Array | None, Array]:
    """Return dx, dw, du, db (of b's shape, None without b) and dh0.

    Backward through the steps, with dh from the step after::

        dh += dy[t];  dz = dh * (h_before - k);  da_h = dh * (1 - z) * (1 - k**2);  dh_before = dh * z
        reset_after:  dr = da_h * inner;         dinner = da_h * r
        otherwise:    dr = (da_h @ u_h.T) * h;   dh_before += (da_h @ u_h.T) * r
        da_z, da_r = dz z (1 - z), dr r (1 - r);  dh_before += the gradients by the products with u

    Args:
        dy: gradient by h of all steps (N, T, U), or None.
        dh_last: gradient by the last state, or None.
        w, u: as in forward.
        cache: of :func:`gru_forward`; used up.
    """
    parts, mask, reset_after, has_bias = cache
    n = parts[-1].stop
    steps, _, inputs = parts[0].x.shape
    units, dtype = u.shape[0], w.dtype
    dx, dh0 = np.empty((n, steps, inputs), dtype), np.empty((n, units), dtype)
    u_t = np.ascontiguousarray(u.T)
    zr_t, h_t = np.ascontiguousarray(u_t[: 2 * units]), np.ascontiguousarray(u_t[2 * units :])

    def rows(part: Part) -> tuple[Array, ...]:
        start, stop, xt, (a, h, inner) = part
        count = stop - start
        dh = np.zeros((count, units), dtype)
        if dh_last is not None:
            dh += dh_last[start:stop]
        one = dtype.type(1)
        dk, product, onward = (np.empty((count, units), dtype) for _ in range(3))
        slope = np.empty((count, 2 * units), dtype)
        through = np.empty((steps, count, 3 * units), dtype) if reset_after else None  # by h @ u
        for t in range(steps - 1, -1, -1):
            gates, k = a[t][:, : 2 * units], a[t][:, 2 * units :]
            z, r = gates[:, :units], gates[:, units:]
            if dy is not None:
                dh += dy[start:stop, t]
            rest = recurrent.rests(mask, t, start, stop)
            kept = None if rest is None else dh[rest]
            np.multiply(k, k, out=dk)
            np.subtract(one, dk, out=dk)
            dk *= dh
            np.subtract(one, z, out=product)
            dk *= product  # by a_h
            np.multiply(dh, z, out=onward)
            np.subtract(h[t], k, out=product)
            product *= dh  # by z
            np.subtract(one, gates, out=slope)
            slope *= gates
            if through is not None:
                mine = through[t]
                np.multiply(dk, r, out=mine[:, 2 * units :])
                np.multiply(slope[:, :units], product, out=mine[:, :units])
                np.multiply(dk, inner[t], out=product)
                np.multiply(slope[:, units:], product, out=mine[:, units : 2 * units])
                np.copyto(gates, mine[:, : 2 * units])
                np.copyto(k, dk)
                if rest is not None:
                    mine[rest], a[t][rest] = 0, 0
                np.matmul(mine, u_t, out=dh)
            else:
                shared = dk @ h_t  # by r * h
                onward += shared * r
                np.multiply(slope[:, :units], product, out=z)
                shared *= h[t]
                np.multiply(slope[:, units:], shared, out=r)
                np.copyto(k, dk)
                if rest is not None:
                    a[t][rest] = 0
                np.matmul(gates, zr_t, out=dh)
            dh += onward
            if rest is not None:
                dh[rest] = kept
        dx[start:stop], dh0[start:stop] = recurrent.input_gradient(a, w), dh
        dw, du, db = recurrent.weight_gradients(xt, a, h[:-1], through)
        if through is not None:
            return dw, du, np.stack([db, through.sum(axis=(0, 1))])
        flat = a.reshape(-1, 3 * units)[:, 2 * units :]
        du[:, 2 * units :] = inner.reshape(-1, units).T @ flat
        return dw, du, db

    dw, du, db = recurrent.added(recurrent.run_parts(rows, parts, units, 3))
    return dx, dw, du, db if has_bias else None, dh0
