"""The whole-sequence kernel of the convolutional LSTM (Shi et al., 2015, without peepholes).

As in the other recurrent kernels a thread takes its rows of the batch through all steps. Time comes first inside:
(T, n, spatial axes..., channels).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels import memory, parallel, recurrent
from nnlite.kernels.channels import Channels, as_rows, chunks
from nnlite.kernels.conv import GEMM_RATE, ConvCache, conv_backward, conv_forward
from nnlite.kernels.recurrent import Part

Array = NDArray[Any]


class Activation(NamedTuple):
    """A function of arrays: ``apply(z)`` returns its value and what ``unapply(dy, kept)``, its derivative, needs."""

    apply: Callable[[Array], tuple[Array, Any]]
    unapply: Callable[[Array, Any], Array]


class _Gates(Protocol):
    """What is done at each place alone, forward and backward."""

    def forward(self, z: Array, share: Array | None, c: Array, after: tuple[Array, Array, Array]) -> None:
        """Add the share of h to z, turn z into i, f, g, o, and write c, act(c) and h ``after`` the step."""

    def backward(self, z: Array, c: Array, act_c: Array, dh: Array, dc: Array) -> None:
        """Turn z, which holds the gates, into its gradient, and dc, by c after the step, into that by c before."""


class _Usual:
    """tanh and the sigmoid, in pieces that stay in cache.

    All four gates cost one exponential: tanh(z) = 2 s(2 z) - 1.
    """

    def __init__(self, filters: int, dtype: Any) -> None:
        scale = np.full(4 * filters, -1, dtype)
        scale[2 * filters : 3 * filters] = -2
        self.filters, self.scale, self.one = filters, Channels(scale), scale.dtype.type(1)

    def forward(self, z: Array, share: Array | None, c: Array, after: tuple[Array, Array, Array]) -> None:
        rows, shares = z.reshape(-1, z.shape[-1]), None if share is None else as_rows(share)
        before, (c_after, act_c, h) = as_rows(c), (a.reshape(-1, self.filters) for a in after)
        with np.errstate(over="ignore"):  # exp of a large number is infinite, and the gate then 0
            for part in chunks(0, len(rows), rows.shape[1]):
                gates = rows[part]
                if shares is not None:
                    gates += shares[part]
                self.scale.apply(np.multiply, gates, gates)
                np.exp(gates, out=gates)
                gates += self.one
                np.divide(self.one, gates, out=gates)
                i, f, g, o = _parts(gates, self.filters)
                g += g
                g -= self.one
                np.multiply(i, g, out=h[part])
                np.multiply(f, before[part], out=c_after[part])
                c_after[part] += h[part]
                np.tanh(c_after[part], out=act_c[part])
                np.multiply(o, act_c[part], out=h[part])

    def backward(self, z: Array, c: Array, act_c: Array, dh: Array, dc: Array) -> None:
        rows = z.reshape(-1, z.shape[-1])
        before, hyperbolic, dhs, dcs = (a.reshape(-1, self.filters) for a in (c, act_c, dh, dc))
        pieces = list(chunks(0, len(rows), rows.shape[1]))
        most = max((part.stop - part.start for part in pieces), default=0)
        both = [memory.empty((most, rows.shape[1]), z.dtype) for _ in range(2)]
        for part in pieces:
            gradient, slope = (array[: part.stop - part.start] for array in both)
            gates, dh_part, dc_part, a = rows[part], dhs[part], dcs[part], hyperbolic[part]
            (i, f, g, o), (di, df, dg, do) = _parts(gates, self.filters), _parts(gradient, self.filters)
            np.multiply(a, a, out=di)
            np.subtract(self.one, di, out=di)
            di *= o
            di *= dh_part
            dc_part += di
            np.multiply(dh_part, a, out=do)
            np.multiply(dc_part, g, out=di)
            np.multiply(dc_part, before[part], out=df)
            np.multiply(dc_part, i, out=dg)
            dc_part *= f
            np.subtract(self.one, gates, out=slope)
            slope *= gates
            middle = _parts(slope, self.filters)[2]
            np.multiply(g, g, out=middle)
            np.subtract(self.one, middle, out=middle)
            np.multiply(gradient, slope, out=gates)


class _Given:
    """Other activations; what their derivatives need is kept from step to step."""

    def __init__(self, act: Activation, gate: Activation, filters: int, keep: bool) -> None:
        self.act, self.gates, self.filters, self.keep = act, (gate, gate, act, gate), filters, keep
        self.kept: list[tuple[Any, ...]] = []

    def forward(self, z: Array, share: Array | None, c: Array, after: tuple[Array, Array, Array]) -> None:
        c_after, act_c, h = after
        if share is not None:
            z += share
        parts, kept = _parts(z, self.filters), []
        for part, gate in zip(parts, self.gates, strict=True):
            part[...], derivative = gate.apply(part.copy())
            kept.append(derivative)
        i, f, g, o = parts
        np.multiply(f, c, out=c_after)
        c_after += i * g
        act_c[...], derivative = self.act.apply(c_after)
        np.multiply(o, act_c, out=h)
        if self.keep:
            self.kept.append((*kept, derivative))

    def backward(self, z: Array, c: Array, act_c: Array, dh: Array, dc: Array) -> None:
        *derivatives, last = self.kept.pop()
        parts = _parts(z, self.filters)
        i, f, g, o = parts
        dc += self.act.unapply(dh * o, last)
        gradients = (dc * g, dc * c, dc * i, dh * act_c)
        dc *= f
        for part, gate, gradient, kept in zip(parts, self.gates, gradients, derivatives, strict=True):
            part[...] = gate.unapply(gradient, kept)


class _Kept(NamedTuple):
    """What backward needs of a thread's rows: the gates, c (before each step, and the last), act(c)."""

    z: Array
    c: Array
    act_c: Array
    work: _Gates
    inputs: ConvCache
    states: list[ConvCache | None]


def conv_lstm_forward(
    x: Array,
    w: Array,
    u: Array,
    b: Array | None,
    states: list[Array] | None,
    *,
    act: Activation | None = None,
    gate: Activation | None = None,
    mask: Array | None = None,
    dropped: Array | None = None,
    recurrent_dropped: Array | None = None,
    every: bool = True,
    keep: bool = True,
    **settings: Any,
) -> tuple[Array, Array, Array, Any]:
    """Run a convolutional LSTM over sequences; gates in the order i, f, g, o.

    With * the correlation, for each step t::

        z = x[t] * w + h * u + b
        i, f, g, o = gate(z_i), gate(z_f), act(z_g), gate(z_o)
        c = f c + i g
        h = o act(c)

    The correlations of all steps with w are one; those with u are of stride 1 with padding "same".

    Args:
        x: (N, T, spatial axes..., I).
        w: (kernel sizes..., I, 4 F).
        u: (kernel sizes..., F, 4 F).
        b: (4 F,), or None.
        states: h and c to begin with, (N, output sizes..., F); zeros where None.
        act, gate: the activations; tanh and the sigmoid unless both are given.
        mask: (N, T), True where a step is done; elsewhere the states stay as they are.
        dropped: masks of the input, one a gate, the same at all steps: (N, spatial axes..., 4, I); or None.
        recurrent_dropped: the same of h, (N, output sizes..., 4, F).
        every: whether h of all steps is wanted; else that of the last one alone is returned, (N, 1, ...).
        keep: whether a cache for :func:`conv_lstm_backward` is wanted.
        settings: strides, padding and dilation of the correlation with w.

    Returns:
        h of all steps (N, T, output sizes..., F), the last h and c, the cache.
    """
    n, steps = x.shape[:2]
    filters = u.shape[-2]

    def rows(start: int, stop: int) -> tuple[Part, tuple[Array, ...]]:
        part = slice(start, stop)
        xt = memory.contiguous(x[part].swapaxes(0, 1))
        own = None if recurrent_dropped is None else recurrent_dropped[part]
        z, inputs = _correlate(xt, w, b, None if dropped is None else dropped[part], **settings)
        count, shape = stop - start, z.shape[2:-1]
        places = steps + 1 if keep else 2
        h, c = (memory.empty((places, count, *shape, filters), z.dtype) for _ in range(2))
        act_c = memory.empty((steps if keep else 1, count, *shape, filters), z.dtype)
        h[0], c[0] = (0, 0) if states is None else (state[part] for state in states)
        usual = act is None or gate is None
        work: _Gates = _Usual(filters, z.dtype) if usual else _Given(act, gate, filters, keep)  # type: ignore[arg-type]
        y = memory.empty((count, steps if every else 1, *shape, filters), z.dtype)
        caches: list[ConvCache | None] = []
        rests = recurrent.rests(mask, start, stop, steps)
        for t in range(steps):
            before, after = (t, t + 1) if keep else (t & 1, (t + 1) & 1)
            share, cache = None, None
            if t or states is not None:
                products, cache = _correlate(h[before][None], u, None, own, padding="same")
                share = products[0]
            work.forward(z[t], share, c[before], (c[after], act_c[t if keep else 0], h[after]))
            rest = rests[t]
            if rest is not None:
                h[after][rest], c[after][rest] = h[before][rest], c[before][rest]
            if every or t == steps - 1:
                y[:, t if every else 0] = h[after]
            if keep:
                caches.append(cache)
        found = (h[after].copy(), c[after].copy())
        return Part(start, stop, xt, _Kept(z, c, act_c, work, inputs, caches) if keep else None), (y, *found)

    # Activations of one's own may be layers with variables: those are not for several threads at a time.
    alone = n < parallel.threads() or act is not None
    microseconds = n * steps * math.prod(x.shape[2:-1]) * math.prod(u.shape) / GEMM_RATE
    parts = [rows(0, n)] if alone else parallel.run(rows, n, microseconds)
    y, h, c = (memory.joined([arrays[k] for _, arrays in parts]) for k in range(3))
    masks = (dropped, recurrent_dropped)
    return y, h, c, ([part for part, _ in parts], mask, masks, u.shape, microseconds) if keep else None


def conv_lstm_backward(
    dy: Array | None, dh_last: Array | None, dc_last: Array | None, cache: Any, input_grad: bool = True
) -> tuple[Array | None, Array, Array, Array | None, Array, Array]:
    """Return dx, dw, du, db, dh0, dc0; backward through the steps, with dh and dc from the step after.

    ::

        dh += dy[t];  do = dh act(c);  dc += dh o act'(c)
        di = dc g;  dg = dc i;  df = dc c_before;  dc = dc f
        dz = (di, df, dg, do), each times its slope;  dh = the correlation of dz with u turned round

    The gradients of x, w and b are one convolution's over all steps. That of u is summed up step by step: a step's dz
    is made ready for its convolution once then, for dh and du.

    Args:
        dy: gradient by h of all steps, or None.
        dh_last, dc_last: gradients by the last states, or None.
        cache: of :func:`conv_lstm_forward`; used up.
        input_grad: whether dx is wanted; else it is None.
    """
    parts, mask, (dropped, recurrent_dropped), u_shape, microseconds = cache

    def rows(part: Part) -> tuple[tuple[Array, ...], tuple[Array | None, ...]]:
        start, stop, _, (z, c, act_c, work, inputs, caches) = part
        own = slice(start, stop)
        du = np.zeros(u_shape, z.dtype)
        dh, dc = (memory.empty(c.shape[1:], z.dtype) for _ in range(2))
        dh[...] = 0 if dh_last is None else dh_last[own]
        dc[...] = 0 if dc_last is None else dc_last[own]
        masks = None if recurrent_dropped is None else recurrent_dropped[own]
        rests = recurrent.rests(mask, start, stop, len(z))
        for t in range(len(z) - 1, -1, -1):
            if dy is not None:
                dh += dy[own, t]
            rest = rests[t]
            past = None if rest is None else (dh[rest], dc[rest])
            work.backward(z[t], c[t], act_c[t], dh, dc)
            if rest is not None:
                z[t][rest] = 0
            step = caches.pop()
            if step is None:  # h was 0
                dh.fill(0)
            else:
                before, share, _ = _correlate_back(z[t][None], step, masks)
                assert before is not None
                dh = before[0]
                du += share
            if past is not None:
                dh[rest], dc[rest] = past
        dx, dw, db = _correlate_back(z, inputs, None if dropped is None else dropped[own], input_grad)
        return (dh, dc) if dx is None else (dh, dc, dx.swapaxes(0, 1)), (dw, du, db)

    if len(parts) == 1:
        found = [rows(parts[0])]
    else:
        lists = parallel.run(lambda a, b: [rows(part) for part in parts[a:b]], len(parts), microseconds)
        found = [one for several in lists for one in several]
    dh, dc, *dx = (memory.joined(list(arrays)) for arrays in zip(*(arrays for arrays, _ in found), strict=True))
    dw, du, *db = recurrent.added([[g for g in gradients if g is not None] for _, gradients in found])
    return dx[0] if dx else None, dw, du, db[0] if db else None, dh, dc


def _parts(z: Array, filters: int) -> list[Array]:
    """The four gates' parts of the last axis."""
    return [z[..., k * filters : (k + 1) * filters] for k in range(4)]


def _correlate(x: Array, w: Array, b: Array | None, dropped: Array | None, **settings: Any) -> tuple[Array, ConvCache]:
    """Correlate x (T, n, ..., C) with the kernels of all gates.

    Where masks drop from it, each gate has an x of its own: a group of channels.
    """
    groups = 1
    if dropped is not None:
        groups = 4
        x = (x[..., None, :] * dropped).reshape(*x.shape[:-1], 4 * x.shape[-1])
    y, cache = conv_forward(x.reshape(-1, *x.shape[2:]), w, b, groups=groups, **settings)
    return y.reshape(*x.shape[:2], *y.shape[1:]), cache


def _correlate_back(
    dz: Array, cache: ConvCache, dropped: Array | None, input_grad: bool = True
) -> tuple[Array | None, Array, Array | None]:
    """Return the gradients of :func:`_correlate`: dx, dw and db."""
    dx, dw, db = conv_backward(dz.reshape(-1, *dz.shape[2:]), cache, input_grad=input_grad)
    if dx is not None:
        dx = dx.reshape(*dz.shape[:2], *dx.shape[1:])
        if dropped is not None:
            dx = (dx.reshape(*dx.shape[:-1], *dropped.shape[-2:]) * dropped).sum(axis=-2)
    return dx, dw, db
