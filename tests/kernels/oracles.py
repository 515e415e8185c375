"""Convolution and pooling as loops over every window and tap, GELU by erfc: slow, and obviously right."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np


def padding_before(padding: str, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return (zeros before, number of windows), by counting windows one at a time."""
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        before, after = 0, 0
    elif padding == "causal":
        before, after = reach - 1, 0
    else:
        wanted = len(range(0, size, stride))
        total = max(0, (wanted - 1) * stride + reach - size)
        before, after = total // 2, total - total // 2
    return before, len(range(0, before + size + after - reach + 1, stride))


def windows(
    sizes: tuple[int, ...], kernel: tuple[int, ...], strides: Any, padding: str, dilation: Any
) -> Iterator[tuple[tuple[int, ...], list[tuple[tuple[int, ...], tuple[int, ...]]]]]:
    """Yield every window's position with its (tap, input position) pairs inside the input, in order."""
    per_axis = [value if isinstance(value, tuple) else (value,) * len(sizes) for value in (strides, dilation)]
    cut = [padding_before(padding, *numbers) for numbers in zip(sizes, kernel, *per_axis, strict=True)]
    for at in product(*(range(out) for _, out in cut)):
        inside = []
        for tap in product(*(range(k) for k in kernel)):
            found = tuple(
                o * s - before + t * d for o, (before, _), t, s, d in zip(at, cut, tap, *per_axis, strict=True)
            )
            if all(0 <= i < n for i, n in zip(found, sizes, strict=True)):
                inside.append((tap, found))
        yield at, inside


def output_shape(sizes: Any, kernel: Any, strides: Any, padding: str, dilation: Any) -> tuple[int, ...]:
    positions = [at for at, _ in windows(sizes, kernel, strides, padding, dilation)]
    return tuple(max(axis) + 1 for axis in zip(*positions, strict=True)) if positions else (0,) * len(sizes)


def conv(x: Any, w: Any, b: Any, strides: Any, padding: str, dilation: Any, groups: int) -> Any:
    """Return y of the convolution, in float64."""
    kernel, sizes = w.shape[:-2], x.shape[1:-1]
    y = np.zeros((len(x), *output_shape(sizes, kernel, strides, padding, dilation), w.shape[-1]))
    each_in, each_out = x.shape[-1] // groups, w.shape[-1] // groups
    for n, group in product(range(len(x)), range(groups)):
        ins = slice(group * each_in, (group + 1) * each_in)
        outs = slice(group * each_out, (group + 1) * each_out)
        for at, inside in windows(sizes, kernel, strides, padding, dilation):
            for tap, found in inside:
                y[(n, *at, outs)] += x[(n, *found, ins)].astype(float) @ w[(*tap, slice(None), outs)].astype(float)
    return y if b is None else y + b


def conv_gradients(dy: Any, x: Any, w: Any, strides: Any, padding: str, dilation: Any, groups: int) -> Any:
    """Return dx, dw, db of the convolution, in float64."""
    kernel, sizes = w.shape[:-2], x.shape[1:-1]
    dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[-1])
    each_in, each_out = x.shape[-1] // groups, w.shape[-1] // groups
    for n, group in product(range(len(x)), range(groups)):
        ins = slice(group * each_in, (group + 1) * each_in)
        outs = slice(group * each_out, (group + 1) * each_out)
        for at, inside in windows(sizes, kernel, strides, padding, dilation):
            given = dy[(n, *at, outs)].astype(float)
            db[outs] += given
            for tap, found in inside:
                dx[(n, *found, ins)] += w[(*tap, slice(None), outs)] @ given
                dw[(*tap, slice(None), outs)] += np.outer(x[(n, *found, ins)], given)
    return dx, dw, db


def max_pool(x: Any, pool: Any, strides: Any, padding: str) -> Any:
    """Return y of max pooling; a NaN in the window gives NaN."""
    sizes = x.shape[1:-1]
    y = np.full((len(x), *output_shape(sizes, pool, strides, padding, 1), x.shape[-1]), -np.inf, x.dtype)
    for n, c in product(range(len(x)), range(x.shape[-1])):
        for at, inside in windows(sizes, pool, strides, padding, 1):
            seen = [x[(n, *found, c)] for _, found in inside]
            y[(n, *at, c)] = np.nan if any(np.isnan(seen)) else max(seen)
    return y


def max_pool_gradient(dy: Any, x: Any, pool: Any, strides: Any, padding: str) -> Any:
    """Return dx of max pooling: the first of the largest takes all."""
    dx = np.zeros(x.shape)
    for n, c in product(range(len(x)), range(x.shape[-1])):
        for at, inside in windows(x.shape[1:-1], pool, strides, padding, 1):
            best = inside[0][1]
            for _, found in inside[1:]:
                if x[(n, *found, c)] > x[(n, *best, c)]:
                    best = found
            dx[(n, *best, c)] += dy[(n, *at, c)]
    return dx


def avg_pool(x: Any, pool: Any, strides: Any, padding: str) -> Any:
    """Return y of average pooling, over the real elements of each window."""
    sizes = x.shape[1:-1]
    y = np.zeros((len(x), *output_shape(sizes, pool, strides, padding, 1), x.shape[-1]))
    for n in range(len(x)):
        for at, inside in windows(sizes, pool, strides, padding, 1):
            y[(n, *at)] = sum(x[(n, *found)].astype(float) for _, found in inside) / len(inside)
    return y


def avg_pool_gradient(dy: Any, x: Any, pool: Any, strides: Any, padding: str) -> Any:
    """Return dx of average pooling."""
    dx = np.zeros(x.shape)
    for n in range(len(x)):
        for at, inside in windows(x.shape[1:-1], pool, strides, padding, 1):
            for _, found in inside:
                dx[(n, *found)] += dy[(n, *at)].astype(float) / len(inside)
    return dx


def gelu(x: Any) -> tuple[Any, Any]:
    """x Phi(x) and its derivative Phi(x) + x phi(x)."""
    cdf = np.vectorize(math.erfc, otypes=[float])(-x / math.sqrt(2)) / 2
    return x * cdf, cdf + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
