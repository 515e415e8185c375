"""The whole-sequence kernel of the GRU (Cho et al., 2014)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, recurrent
from nnlite.kernels.recurrent import Part

Array = NDArray[Any]

# What is kept of each step; INNER is what r acts on, or r * h.
Z, R, K, INNER = range(4)


def gru_forward(
    x: Array,
    w: Array,
    u: Array,
    b: Array | None,
    h0: Array | None = None,
    mask: Array | None = None,
    reset_after: bool = True,
    keep: bool = True,
    sequences: bool = True,
) -> tuple[Array | None, Array, Any]:
    """Run a GRU over sequences; gates in the order z, r, h.

    With s the sigmoid, for each step t::

        a = x[t] @ w + b[0];  z = s(a_z + h @ u_z + b[1]_z);  r = s(a_r + h @ u_r + b[1]_r)
        reset_after:  k = tanh(a_h + r * (h @ u_h + b[1]_h))        (as cuDNN has it)
        otherwise:    k = tanh(a_h + (r * h) @ u_h)                 (b has one row)
        h = z * h + (1 - z) * k

    z and r are one product, ``[h, 1, x[t]] @ [u, b, w]`` with all negated: s is ``1 / (1 + exp(z))``.

    Args:
        x: (N, T, I).
        w: (I, 3 U).
        u: (U, 3 U).
        b: (2, 3 U) with reset_after, else (3 U,); or None.
        h0: (N, U) state to begin with; zeros where None.
        mask: (N, T), True where a step is done; elsewhere the state stays as it is.
        reset_after: which of the two forms.
        keep: whether a cache for :func:`gru_backward` is wanted.
        sequences: whether h of all steps is wanted.

    Returns:
        h of all steps (N, T, U), or None; the last h (N, U); the cache.
    """
    n, steps, inputs = x.shape
    units, dtype = u.shape[0], x.dtype
    y = memory.empty((n, steps, units), dtype) if sequences else None
    last = np.empty((n, units), dtype)
    zeros = np.zeros(3 * units, dtype)
    b_in, b_own = (zeros, zeros) if b is None else (b[0], b[1]) if reset_after else (b, zeros)
    gates = -recurrent.stacked(u, b_in + b_own, w)[:, : 2 * units]
    gates = np.ascontiguousarray(gates.reshape(-1, 2, units).transpose(1, 0, 2))
    by_x = np.concatenate([b_in[None], w])[:, 2 * units :]  # of [1, x]
    by_h = np.concatenate([u, b_own[None]])[:, 2 * units :]  # of [h, 1]

    matmul, exp, add, subtract, divide, tanh = np.matmul, np.exp, np.add, np.subtract, np.divide, np.tanh
    one = np.ones((), dtype)

    def rows(start: int, stop: int) -> Part:
        count = stop - start
        hx = recurrent.extended(x[start:stop], units, None if h0 is None else h0[start:stop], keep)
        kept = memory.empty((4, steps if keep else 1, count, units), dtype)
        share, change = memory.empty((2, count, units), dtype)
        rests = recurrent.rests(mask, start, stop, steps)
        with np.errstate(over="ignore"):  # exp of a large number is infinite, and the gate then 0
            for t in range(steps):
                if keep or t == 0:  # else all steps are done in the same place
                    hx_now, h, now = hx[t], hx[t + keep, :, :units], kept[:, t]
                    zr, z, r, k, inner = now[:K], now[Z], now[R], now[K], now[INNER]
                    before, h_1, one_x = hx_now[:, :units], hx_now[:, : units + 1], hx_now[:, units:]
                if not keep:
                    hx_now[:, units + 1 :] = x[start:stop, t]
                rest = rests[t]
                rested = None if rest is None else before[rest]
                matmul(hx_now, gates, zr)
                exp(zr, zr)
                add(zr, one, zr)
                matmul(one_x, by_x, k)
                if reset_after:
                    matmul(h_1, by_h, inner)
                    divide(inner, r, share)
                else:
                    divide(before, r, inner)
                    matmul(inner, by_h[:units], share)
                add(k, share, k)
                tanh(k, k)
                subtract(before, k, change)
                divide(change, z, change)
                add(k, change, h)
                if rest is not None:
                    h[rest] = rested
                if y is not None:
                    y[start:stop, t] = h
        last[start:stop] = hx[-1, :, :units]
        return Part(start, stop, hx, kept)

    parts = recurrent.run(rows, n, steps, inputs, units, 3)
    return y, last, (parts, mask, reset_after, b is not None) if keep else None


def gru_backward(
    dy: Array | None, dh_last: Array | None, w: Array, u: Array, cache: Any, input_grad: bool = True
) -> tuple[Array | None, Array, Array, Array | None, Array]:
    """Return dx, dw, du, db (of b's shape, None without b) and dh0.

    Backward through the steps, with dh from the step after::

        dh += dy[t];  dz = dh * (h_before - k);  da_h = dh * (1 - z) * (1 - k**2);  dh_before = dh * z
        reset_after:  dr = da_h * inner;         dinner = da_h * r
        otherwise:    dr = (da_h @ u_h.T) * h;   dh_before += (da_h @ u_h.T) * r
        da_z, da_r = dz z (1 - z), dr r (1 - r);  dh_before += the gradients by the products with u

    All factors of dh are computed beforehand, a block of steps at once.

    Args:
        dy: gradient by h of all steps (N, T, U), or None.
        dh_last: gradient by the last state, or None.
        w, u: as in forward.
        cache: of :func:`gru_forward`; used up.
        input_grad: whether dx is wanted, else None.
    """
    parts, mask, reset_after, has_bias = cache
    n, steps = parts[-1].stop, len(parts[0].x) - 1
    units, inputs, dtype = u.shape[0], len(w), w.dtype
    dx = memory.empty((n, steps, inputs), dtype) if input_grad else None
    dh0 = np.empty((n, units), dtype)
    u_h, u_zr = np.ascontiguousarray(u[:, 2 * units :].T), np.ascontiguousarray(u[:, : 2 * units].T)
    through = np.concatenate([u_h, u_zr]) if reset_after else u_zr

    def rows(part: Part) -> tuple[Array, Array]:
        start, stop, hx, kept = part
        count = stop - start
        dh = recurrent.begun(dh_last, start, stop, units, dtype)
        blocks = recurrent.blocks(steps, dh.size)
        most = blocks[0][1]
        slopes, onward = memory.empty((4, most, count, units), dtype), np.empty_like(dh)
        # The gradients by inner, a_z, a_r, a_h: the first three go through h, the last three through x.
        da = np.zeros((most, count, 4 * units), dtype)
        by_gate = da.reshape(most, count, 4, units).transpose(0, 2, 1, 3)
        to_h, to_x = da[:, :, : 3 * units], da[:, :, units:]
        by_h, by_x, by_inner = recurrent.Sum(), recurrent.Sum(), recurrent.Sum()
        shared, product = np.empty_like(dh), np.empty_like(dh)
        rests = recurrent.rests(mask, start, stop, steps)
        for first, size in reversed(blocks):
            before, now = hx[first : first + size, :, :units], kept[:, first : first + size]
            _slopes(before, now, slopes[:, :size], reset_after)
            for at in range(size - 1, -1, -1):
                if dy is not None:
                    dh += dy[start:stop, first + at]
                rest = rests[first + at]
                rested = None if rest is None else dh[rest]
                np.multiply(dh, now[Z, at], out=onward)
                if reset_after:
                    np.multiply(dh, slopes[:, at], out=by_gate[at])
                    if rest is not None:
                        da[at, rest] = 0
                    np.matmul(to_h[at], through, out=dh)
                else:
                    np.multiply(dh, slopes[1::2, at], out=by_gate[at, 1::2])
                    np.matmul(by_gate[at, 3], u_h, out=shared)  # by r * h
                    np.multiply(shared, now[R, at], out=product)
                    onward += product
                    np.multiply(shared, slopes[2, at], out=by_gate[at, 2])
                    if rest is not None:
                        da[at, rest] = 0
                    np.matmul(to_h[at, :, units:], through, out=dh)
                dh += onward
                if rest is not None:
                    dh[rest] = rested
            by_h.add(hx[first : first + size, :, : units + 1], to_h[:size])
            by_x.add(hx[first : first + size, :, units:], to_x[:size])
            if not reset_after:
                by_inner.add(now[INNER], to_x[:size, :, 2 * units :])
            if dx is not None:
                dx[start:stop, first : first + size] = recurrent.input_gradient(to_x[:size], w)
        dh0[start:stop] = dh
        if not reset_after:
            by_h.total[:units, :units] += by_inner.total
        return by_h.total, by_x.total

    by_h, by_x = recurrent.added(recurrent.run_parts(rows, parts, steps, inputs, units, 3))
    by_h = np.roll(by_h, -units, axis=1)  # z, r, h
    db = None if not has_bias else np.stack([by_x[0], by_h[units]]) if reset_after else by_x[0]
    return dx, by_x[1:], by_h[:units], db, dh0


def _slopes(before: Array, kept: Array, out: Array, reset_after: bool) -> None:
    """Fill in what the gradients by inner, a_z, a_r and a_h are multiples of: dh, or, by a_r without ``reset_after``,
    the gradient by r * h; and finish the gates z and r."""
    one = kept.dtype.type(1)
    zr, k = kept[:K], kept[K]
    by_inner, by_z, by_r, by_k = out
    np.divide(one, zr, out=zr)
    np.subtract(one, zr, out=out[1:3])
    np.multiply(k, k, out=by_k)
    np.subtract(one, by_k, out=by_k)
    by_k *= by_z  # (1 - k**2) (1 - z)
    out[1:3] *= zr
    np.subtract(before, k, out=by_inner)
    by_z *= by_inner  # z (1 - z) (h - k)
    if reset_after:
        by_r *= kept[INNER]
        by_r *= by_k
        np.multiply(by_k, kept[R], out=by_inner)
    else:
        by_r *= before
