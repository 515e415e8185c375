"""The whole-sequence kernel of the LSTM (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel, recurrent
from nnlite.kernels.recurrent import Part

Array = NDArray[Any]

# What is kept of each step: three gates, as 1 + exp(-z) until their slopes are computed, and what each is multiplied
# with, 2 g, 2 c before the step, and tanh(c).
INPUT, FORGET, OUTPUT, CANDIDATE, CELL, TANH_CELL = range(6)


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
    y = memory.empty((n, steps, units), dtype) if sequences else None
    last_h, last_c = np.empty((n, units), dtype), np.empty((n, units), dtype)
    one, two, minus_two, minus_four = (np.array(value, dtype) for value in (1, 2, -2, -4))
    matmul, exp, add, divide = np.matmul, np.exp, np.add, np.divide

    def rows(start: int, stop: int) -> Part:
        count, weights = stop - start, _by_gates(u, b, w)
        hx = recurrent.extended(x[start:stop], units, None if h0 is None else h0[start:stop], keep)
        kept = memory.empty((steps + 1 if keep else 1, 6, count, units), dtype)
        after = kept[1:] if keep else kept  # else all steps are done in the same place
        after_h = hx[1:, :, :units] if keep else hx[:, :, :units]
        kept[0, CELL] = 0 if c0 is None else c0[start:stop] * two
        shares = memory.empty((2, count, units), dtype) if keep else kept[0, CANDIDATE:TANH_CELL]
        by_i, by_f = shares
        rests = recurrent.rests(mask, start, stop, steps)

        def onward() -> Iterator[tuple[Array, Array]]:
            """Do blocks of steps; yield what is kept of each, and its h."""
            views: Any = zip(
                hx,
                after_h,
                kept[:, :CELL],
                kept[:, :OUTPUT],
                kept[:, OUTPUT],
                kept[:, CANDIDATE],
                kept[:, CANDIDATE:TANH_CELL],
                kept[:, TANH_CELL if keep else CANDIDATE],
                after[:, CELL],
                strict=False,
            )
            views = views if keep else repeat(*views)
            for first, size in recurrent.blocks(steps, count * units):
                for t, (hx_now, h, z, i_f, o, g, g_c, tanh_c, c) in zip(
                    range(first, first + size), views, strict=False
                ):
                    if not keep:
                        hx_now[:, units + 1 :] = x[start:stop, t]
                    rest = rests[t]
                    before = None if rest is None else (hx_now[rest, :units], g_c[1, rest])
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
                yield kept[first : first + size], after_h[first : first + size]

        slopes: list[Array] = []
        with np.errstate(over="ignore"):  # exp of a large number is infinite, and the gate then 0
            if keep and recurrent.is_worth_beside(count, steps, inputs, units, 4):
                recurrent.beside(onward(), lambda done: slopes.append(_slopes(*done)))
            else:
                for _ in onward():
                    pass
        last_h[start:stop] = after_h[-1]
        divide(after[-1, CELL], two, out=last_c[start:stop])
        return Part(start, stop, hx, (kept, slopes))

    parts = recurrent.run(rows, n, steps, inputs, units, 4, helped=keep and parallel.threads() > 1)
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
    dx = memory.empty((n, steps, inputs), dtype) if input_grad else None
    dh0, dc0 = np.empty((n, units), dtype), np.empty((n, units), dtype)
    u_t = np.ascontiguousarray(u.T)
    matmul, multiply, add = np.matmul, np.multiply, np.add

    def rows(part: Part) -> tuple[Array]:
        start, stop, hx, (kept, slopes) = part
        count, rests = stop - start, recurrent.rests(mask, start, stop, steps)
        blocks = recurrent.blocks(steps, count * units)
        ahead = recurrent.is_worth_beside(count, steps, inputs, units, 4)
        # The gradients by z of i, f, g, o, and what dh adds to dc; of all steps where weigh comes later.
        rooms = [memory.empty((size, count, 5, units), dtype) for _, size in (blocks if ahead else blocks[:1])]
        own = memory.empty((0 if slopes else blocks[0][1], 5, count, units), dtype)
        dweights = recurrent.Sum()

        def back() -> Iterator[tuple[int, Array]]:
            """Go back through blocks of steps; yield where each begins, and its dz."""
            dh = recurrent.begun(dh_last, start, stop, units, dtype)
            dc = recurrent.begun(dc_last, start, stop, units, dtype)
            for at, (first, size) in reversed(list(enumerate(blocks))):
                now, h = kept[first : first + size], hx[first + 1 : first + 1 + size, :, :units]
                slope = slopes[at] if slopes else _slopes(now, h, own[:size])
                room = rooms[at if ahead else 0][:size]
                by_gate, dz = room.swapaxes(1, 2), room.reshape(size, count, 5 * units)[:, :, : 4 * units]
                views = zip(slope[:, :3], slope[:, 3:], by_gate[:, :3], by_gate[:, 3:], now[:, FORGET], dz, strict=True)
                for t, (slope_c, slope_h, by_c, by_h, f, dz_now) in reversed(list(enumerate(views, first))):
                    rest = rests[t]
                    if dy is not None:
                        dh += dy[start:stop, t]
                    before = None if rest is None else (dh[rest], dc[rest])
                    multiply(dh, slope_h, by_h)
                    add(dc, by_h[1], dc)
                    multiply(dc, slope_c, by_c)
                    multiply(dc, f, dc)
                    if rest is not None:
                        dz_now[rest] = 0
                    matmul(dz_now, u_t, dh)
                    if before is not None:
                        dh[rest], dc[rest] = before
                yield first, dz
            dh0[start:stop], dc0[start:stop] = dh, dc

        def weigh(found: tuple[int, Array]) -> None:
            first, dz = found
            dweights.add(hx[first : first + len(dz)], dz)
            if dx is not None:
                dx[start:stop, first : first + len(dz)] = recurrent.input_gradient(dz, w)

        if ahead:
            recurrent.beside(back(), weigh)
        else:
            for found in back():
                weigh(found)
        return (dweights.total,)

    (total,) = recurrent.added(recurrent.run_parts(rows, parts, steps, inputs, units, 4))
    du, db, dw = recurrent.unstacked(total, units)
    return dx, dw, du, db, dh0, dc0


def _slopes(kept: Array, h: Array, out: Array | None = None) -> Array:
    """Return what dc is multiplied with, g i (1 - i), c_before f (1 - f), i (1 - g**2), and what dh, h (1 - o) and
    o (1 - tanh_c**2), (T, 5, n, U), for what is kept of some steps, (T, 6, n, U); and finish i, f, o, g, c there."""
    one, half = kept.dtype.type(1), kept.dtype.type(0.5)
    slopes = memory.empty((len(kept), 5, *h.shape[1:]), kept.dtype) if out is None else out
    i_f, g_c, i_o, tanhs = kept[:, :OUTPUT], kept[:, CANDIDATE:TANH_CELL], kept[:, :CANDIDATE:2], kept[:, CANDIDATE::2]
    by_i_f, by_o, by_tanhs = slopes[:, :2], slopes[:, 3], slopes[:, 2::2]
    g_c *= half
    np.divide(one, kept[:, :CANDIDATE], out=kept[:, :CANDIDATE])
    np.subtract(one, i_f, out=by_i_f)
    by_i_f *= i_f
    by_i_f *= g_c
    np.subtract(one, kept[:, OUTPUT], out=by_o)
    by_o *= h
    np.multiply(tanhs, tanhs, out=by_tanhs)
    np.subtract(one, by_tanhs, out=by_tanhs)
    by_tanhs *= i_o
    return slopes


def _by_gates(u: Array, b: Array | None, w: Array) -> Array:
    """Return the weights (4, U + 1 + I, U) of ``[h, 1, x]``: of i, f, o, negated, and of g, doubled."""
    units, dtype = len(u), u.dtype
    weights = memory.empty((4, units + 1 + len(w), units), dtype)
    for rows, part in ((slice(units), u), (slice(units, units + 1), b), (slice(units + 1, None), w)):
        if part is None:
            weights[:, rows] = 0
            continue
        gates = part.reshape(-1, 4, units).swapaxes(0, 1)  # i, f, g, o
        for place, gate, factor in ((INPUT, 0, -1), (FORGET, 1, -1), (OUTPUT, 3, -1), (CANDIDATE, 2, 2)):
            np.multiply(gates[gate], factor, out=weights[place, rows])
    return weights
