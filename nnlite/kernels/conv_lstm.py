"""The whole-sequence kernel of the convolutional LSTM (Shi et al., 2015, without peepholes)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnlite.kernels.conv import conv_backward, conv_forward

Array = NDArray[Any]
# Returns act(z) and what its derivative needs; and the gradient by z of that by act(z).
Apply = Callable[[Array], tuple[Array, Any]]
Unapply = Callable[[Array, Any], Array]


class Activation(NamedTuple):
    """A function of arrays and its derivative."""

    apply: Apply
    unapply: Unapply


class Step(NamedTuple):
    """What backward needs of one step: the gates and what stood before them."""

    gates: tuple[Array, ...]
    kept: tuple[Any, ...]
    act_c: Array
    kept_c: Any
    c_before: Array
    caches: list[Any]


def conv_lstm_forward(
    x: Array,
    w: Array,
    u: Array,
    b: Array | None,
    states: list[Array] | None,
    *,
    act: Activation,
    gate: Activation,
    mask: Array | None = None,
    dropped: Array | None = None,
    recurrent_dropped: Array | None = None,
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
        act, gate: the activations.
        mask: (N, T), True where a step is done; elsewhere the states stay as they are.
        dropped: masks of the input (4, N, spatial axes..., I), one a gate, the same at all steps; or None.
        recurrent_dropped: the same of h, (4, N, output sizes..., F).
        keep: whether a cache for :func:`conv_lstm_backward` is wanted.
        settings: strides, padding and dilation of the correlation with w.

    Returns:
        h of all steps (N, T, output sizes..., F), the last h and c, the cache.
    """
    xt = np.ascontiguousarray(x.swapaxes(0, 1))  # time comes first
    steps, n = xt.shape[:2]
    z, inputs = _gates_forward(xt, w, b, dropped, **settings)
    z = z.reshape(steps, n, *z.shape[1:])
    filters = u.shape[-2]
    shape = (*z.shape[1:-1], filters)
    h, c = states if states is not None else (np.zeros(shape, z.dtype), np.zeros(shape, z.dtype))
    y = np.empty((n, steps, *shape[1:]), z.dtype)
    kept: list[Step] = []
    for t in range(steps):
        if t or states is not None:
            share, caches = _gates_forward(h[None], u, None, recurrent_dropped, padding="same")
            share += z[t]
        else:
            share, caches = z[t], []
        pairs = [act.apply(part) if k == 2 else gate.apply(part) for k, part in enumerate(_parts(share, filters))]
        (i, f, g, o), derivatives = zip(*pairs, strict=True)
        c_before, h_before = c, h
        c = f * c_before
        c += i * g
        act_c, kept_c = act.apply(c)
        h = o * act_c
        if mask is not None and not mask[:, t].all():
            rest = ~mask[:, t]
            h[rest], c = h_before[rest], np.where(_rows(rest, c), c_before, c)
        y[:, t] = h
        if keep:
            kept.append(Step((i, f, g, o), derivatives, act_c, kept_c, c_before, caches))
    return y, h, c, (kept, inputs, mask, dropped, recurrent_dropped, u.shape) if keep else None


def conv_lstm_backward(
    dy: Array | None, dh: Array | None, dc: Array | None, act: Activation, gate: Activation, cache: Any
) -> tuple[Array, Array, Array, Array | None, Array, Array]:
    """Return dx, dw, du, db, dh0, dc0; backward through the steps, with dh and dc from the step after.

    ::

        dh += dy[t];  do = dh act(c);  dc += dh o act'(c)
        di = dc g;  dg = dc i;  df = dc c_before;  dc = dc f
        dz = (di, df, dg, do), each times its slope;  dh = the correlation of dz with u turned round

    Args:
        dy: gradient by h of all steps, or None.
        dh, dc: gradients by the last states, or None.
        act, gate: as in forward.
        cache: of :func:`conv_lstm_forward`; used up.
    """
    kept, inputs, mask, dropped, recurrent_dropped, u_shape = cache
    like = kept[-1].act_c
    dh = np.zeros_like(like) if dh is None else dh
    dc = np.zeros_like(like) if dc is None else dc
    dz = np.empty((len(kept), *like.shape[:-1], u_shape[-1]), like.dtype)
    du = np.zeros(u_shape, like.dtype)
    for t in range(len(kept) - 1, -1, -1):
        (i, f, g, o), derivatives, act_c, kept_c, c_before, caches = kept.pop()
        if dy is not None:
            dh = dh + dy[:, t]
        rest = None if mask is None or mask[:, t].all() else _rows(~mask[:, t], dh)
        past_h, past_c = dh, dc
        if rest is not None:
            dh, dc = np.where(rest, 0, dh), np.where(rest, 0, dc)
        dc = dc + act.unapply(dh * o, kept_c)
        gradients = (dc * g, dc * c_before, dc * i, dh * act_c)
        for k, (part, gradient) in enumerate(zip(_parts(dz[t], like.shape[-1]), gradients, strict=True)):
            part[...] = (act if k == 2 else gate).unapply(gradient, derivatives[k])
        dc = dc * f
        if caches:
            before, share, _ = _gates_backward(dz[t], caches, recurrent_dropped)
            dh = before[0]
            du += share
        else:  # h was 0
            dh = np.zeros_like(dh)
        if rest is not None:
            dh, dc = np.where(rest, past_h, dh), np.where(rest, past_c, dc)
    dx, dw, db = _gates_backward(dz.reshape(-1, *dz.shape[2:]), inputs, dropped)
    return dx.swapaxes(0, 1), dw, du, db, dh, dc


def _parts(z: Array, filters: int) -> list[Array]:
    """The four gates' parts of the last axis."""
    return [z[..., k * filters : (k + 1) * filters] for k in range(4)]


def _rows(rest: Array, like: Array) -> Array:
    return rest.reshape(-1, *(1,) * (like.ndim - 1))


def _gates_forward(
    x: Array, w: Array, b: Array | None, dropped: Array | None, **settings: Any
) -> tuple[Array, list[Any]]:
    """Correlate x (T, n, ...) with the kernels of all gates, and each gate's own x where masks drop from it."""
    flat = x.reshape(-1, *x.shape[2:])
    if dropped is None:
        y, cache = conv_forward(flat, w, b, **settings)
        return y, [cache, x.shape]
    biases = [None] * 4 if b is None else np.split(b, 4)
    kernels = np.split(w, 4, axis=-1)
    pairs = [
        conv_forward((x * drop).reshape(flat.shape), kernel, bias, **settings)
        for drop, kernel, bias in zip(dropped, kernels, biases, strict=True)
    ]
    return np.concatenate([y for y, _ in pairs], axis=-1), [*(cache for _, cache in pairs), x.shape]


def _gates_backward(dz: Array, caches: list[Any], dropped: Array | None) -> tuple[Array, Array, Array | None]:
    """Return the gradients of :func:`_gates_forward`: dx (T, n, ...), dw and db."""
    *convolutions, shape = caches
    if dropped is None:
        dx, dw, db = conv_backward(dz, convolutions[0])
        assert dx is not None
        return dx.reshape(shape), dw, db
    parts = [
        conv_backward(np.ascontiguousarray(part), cache)
        for part, cache in zip(np.split(dz, 4, axis=-1), convolutions, strict=True)
    ]
    total = sum(np.asarray(dx).reshape(shape) * drop for (dx, _, _), drop in zip(parts, dropped, strict=True))
    db = None if parts[0][2] is None else np.concatenate([np.asarray(part[2]) for part in parts])
    return np.asarray(total), np.concatenate([part[1] for part in parts], axis=-1), db
