"""The whole-sequence kernel of the simple recurrent layer (Elman, 1990)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import recurrent
from nnlite.kernels.recurrent import Part

Array = NDArray[Any]


def simple_rnn_forward(
    x: Array,
    w: Array,
    u: Array,
    b: Array | None,
    h0: Array | None = None,
    mask: Array | None = None,
    keep: bool = True,
) -> tuple[Array, Array, Any]:
    """Run ``h = tanh(x[t] @ w + h @ u + b)`` over sequences.

    Args:
        x: (N, T, I).
        w: (I, U).
        u: (U, U).
        b: (U,), or None.
        h0: (N, U) state to begin with; zeros where None.
        mask: (N, T), True where a step is done; elsewhere the state stays as it is.
        keep: whether a cache for :func:`simple_rnn_backward` is wanted.

    Returns:
        h of all steps (N, T, U), the last h (N, U), the cache.
    """
    n, steps, inputs = x.shape
    units, dtype = u.shape[0], x.dtype
    y = np.empty((n, steps, units), dtype)

    def rows(start: int, stop: int) -> Part:
        count = stop - start
        xt = recurrent.by_time(x[start:stop])
        a = recurrent.projected(xt, w, b)
        first = np.zeros((count, units), dtype) if h0 is None else np.array(h0[start:stop], dtype)
        share = np.empty((count, units), dtype)
        h = first
        for t in range(steps):
            np.matmul(h, u, out=share)
            a[t] += share
            np.tanh(a[t], out=a[t])
            rest = recurrent.rests(mask, t, start, stop)
            if rest is not None:
                a[t][rest] = h[rest]
            h = a[t]
        y[start:stop] = a.transpose(1, 0, 2)
        return Part(start, stop, xt, (a, first))

    parts = recurrent.run(rows, n, steps, inputs, units, 1)
    return y, y[:, -1].copy(), (parts, mask) if keep else None


def simple_rnn_backward(
    dy: Array | None, dh_last: Array | None, w: Array, u: Array, cache: Any
) -> tuple[Array, Array, Array, Array, Array]:
    """Return dx, dw, du, db, dh0: ``dh += dy[t]; dz = dh * (1 - h**2); dh = dz @ u.T``, backward through the steps.

    Args:
        dy: gradient by h of all steps (N, T, U), or None.
        dh_last: gradient by the last state, or None.
        w, u: as in forward.
        cache: of :func:`simple_rnn_forward`; used up.
    """
    parts, mask = cache
    n = parts[-1].stop
    steps, _, inputs = parts[0].x.shape
    units, dtype = u.shape[0], w.dtype
    dx, dh0 = np.empty((n, steps, inputs), dtype), np.empty((n, units), dtype)
    u_t = np.ascontiguousarray(u.T)

    def rows(part: Part) -> tuple[Array, Array, Array]:
        start, stop, xt, (h, first) = part
        dz = np.empty_like(h)
        dh = np.zeros((stop - start, units), dtype)
        if dh_last is not None:
            dh += dh_last[start:stop]
        one = dtype.type(1)
        for t in range(steps - 1, -1, -1):
            if dy is not None:
                dh += dy[start:stop, t]
            rest = recurrent.rests(mask, t, start, stop)
            kept = None if rest is None else dh[rest]
            np.multiply(h[t], h[t], out=dz[t])
            np.subtract(one, dz[t], out=dz[t])
            dz[t] *= dh
            if rest is not None:
                dz[t][rest] = 0
            np.matmul(dz[t], u_t, out=dh)
            if rest is not None:
                dh[rest] = kept
        dx[start:stop], dh0[start:stop] = recurrent.input_gradient(dz, w), dh
        return recurrent.weight_gradients(xt, dz, np.concatenate([first[None], h[:-1]]))

    dw, du, db = recurrent.added(recurrent.run_parts(rows, parts, units, 1))
    return dx, dw, du, db, dh0
