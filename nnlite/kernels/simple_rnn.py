"""The whole-sequence kernel of the simple recurrent layer (Elman, 1990)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, recurrent
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
    sequences: bool = True,
) -> tuple[Array | None, Array, Any]:
    """Run ``h = tanh(x[t] @ w + h @ u + b)`` over sequences.

    Args:
        x: (N, T, I).
        w: (I, U).
        u: (U, U).
        b: (U,), or None.
        h0: (N, U) state to begin with; zeros where None.
        mask: (N, T), True where a step is done; elsewhere the state stays as it is.
        keep: whether a cache for :func:`simple_rnn_backward` is wanted.
        sequences: whether h of all steps is wanted.

    Returns:
        h of all steps (N, T, U), or None; the last h (N, U); the cache.
    """
    n, steps, inputs = x.shape
    units, dtype = u.shape[0], x.dtype
    weights = recurrent.stacked(u, b, w)
    y = memory.empty((n, steps, units), dtype) if sequences else None
    last = np.empty((n, units), dtype)

    def rows(start: int, stop: int) -> Part:
        hx = recurrent.extended(x[start:stop], units, None if h0 is None else h0[start:stop], keep)
        z, rests = np.empty((stop - start, units), dtype), recurrent.rests(mask, start, stop, steps)
        for t in range(steps):
            if keep or t == 0:  # else all steps are done in the same place
                hx_now, h = hx[t], hx[t + keep, :, :units]
            if not keep:
                hx_now[:, units + 1 :] = x[start:stop, t]
            rest = rests[t]
            rested = None if rest is None else hx_now[rest, :units]
            np.matmul(hx_now, weights, z)
            np.tanh(z, h)
            if rest is not None:
                h[rest] = rested
            if y is not None:
                y[start:stop, t] = h
        last[start:stop] = hx[-1, :, :units]
        return Part(start, stop, hx, None)

    parts = recurrent.run(rows, n, steps, inputs, units, 1)
    return y, last, (parts, mask) if keep else None


def simple_rnn_backward(
    dy: Array | None, dh_last: Array | None, w: Array, u: Array, cache: Any, input_grad: bool = True
) -> tuple[Array | None, Array, Array, Array, Array]:
    """Return dx, dw, du, db, dh0: ``dh += dy[t]; dz = dh * (1 - h**2); dh = dz @ u.T``, backward through the steps.

    Args:
        dy: gradient by h of all steps (N, T, U), or None.
        dh_last: gradient by the last state, or None.
        w, u: as in forward.
        cache: of :func:`simple_rnn_forward`.
        input_grad: whether dx is wanted, else None.
    """
    parts, mask = cache
    n, steps = parts[-1].stop, len(parts[0].x) - 1
    units, inputs, dtype = u.shape[0], len(w), w.dtype
    dx = memory.empty((n, steps, inputs), dtype) if input_grad else None
    dh0, one = np.empty((n, units), dtype), dtype.type(1)
    u_t = np.ascontiguousarray(u.T)

    def rows(part: Part) -> tuple[Array]:
        start, stop, hx, _ = part
        dh = recurrent.begun(dh_last, start, stop, units, dtype)
        dweights, rests = recurrent.Sum(), recurrent.rests(mask, start, stop, steps)
        for first, size in reversed(recurrent.blocks(steps, dh.size)):
            h = hx[first + 1 : first + 1 + size, :, :units]
            dz = h * h
            np.subtract(one, dz, out=dz)  # the slopes, for now
            for at in range(size - 1, -1, -1):
                if dy is not None:
                    dh += dy[start:stop, first + at]
                rest = rests[first + at]
                kept = None if rest is None else dh[rest]
                dz[at] *= dh
                if rest is not None:
                    dz[at, rest] = 0
                np.matmul(dz[at], u_t, out=dh)
                if rest is not None:
                    dh[rest] = kept
            dweights.add(hx[first : first + size], dz)
            if dx is not None:
                dx[start:stop, first : first + size] = recurrent.input_gradient(dz, w)
        dh0[start:stop] = dh
        return (dweights.total,)

    (total,) = recurrent.added(recurrent.run_parts(rows, parts, steps, inputs, units, 1))
    du, db, dw = recurrent.unstacked(total, units)
    return dx, dw, du, db, dh0
