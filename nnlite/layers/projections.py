"""Projections of queries, keys and values; those of one array as one product, faster than several small ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from nnlite import activations
from nnlite.kernels import memory, scaled
from nnlite.kernels.dense import dense_backward, dense_backward_in_parts, dense_forward
from nnlite.layers.einsum_dense import EinsumDense


class Projected(NamedTuple):
    """What backward needs.

    ``denses``: the projections of query, key and value. ``shared``: how many of them, from the end, read one array,
    ``x``; 0 for none. ``caches``: those of the others. ``affine``: scale and shift of ``x`` that are a part of the
    weights, or None. ``done``: what the queries were multiplied by in their weights, ``left``: what of the scores'
    scale is left to do.
    """

    denses: list[EinsumDense]
    shared: int
    x: Any
    caches: list[Any]
    affine: tuple[Any, Any] | None
    done: float
    left: float


def project(
    denses: list[EinsumDense],
    query: Any,
    key: Any,
    value: Any,
    training: bool,
    keep: bool,
    join: bool,
    scale: float,
    affine: tuple[Any, Any] | None = None,
) -> tuple[list[Any], Projected]:
    """Return the results for query, key and value.

    Args:
        denses: the projections, each of the last axis, without activations.
        query, key, value: arrays, some maybe the same one.
        training: passed on.
        keep: whether a backward pass is to follow.
        join: whether results may be views of one array.
        scale: of the scores; where weights are copied anyway, those of the queries are multiplied by it.
        affine: scale and shift that come before the projections, if all read one array, as a part of the weights.
    """
    shared = (3 if query is value else 2) if join and key is value else 0
    done, left = (scale, 1.0) if shared == 3 else (1.0, scale)
    results, caches = [], []
    for dense, x in zip(denses[: 3 - shared], (query, key, value), strict=False):
        y, cache = dense.forward(x, training) if keep else (dense.infer(x), None)
        results.append(y)
        caches.append(cache)
    if shared:
        results += _forward(denses[3 - shared :], value, done, affine)
    return results, Projected(denses, shared, value if shared else None, caches, affine, done, left)


def memory_for_gradients(projected: Projected, like: list[Any]) -> tuple[Any, list[Any] | None]:
    """Return memory for the gradients of what is shared, together, and memory for each of the three; None for new.

    Args:
        projected: of the forward.
        like: the three results.
    """
    denses, shared, x, *_ = projected
    if not shared:
        return None, None
    edges = _weights(denses[3 - shared :])[1]
    whole = memory.empty((math.prod(x.shape[:-1]), edges[-1]), x.dtype)
    first = [memory.empty(a.shape, a.dtype) for a in like[: 3 - shared]]
    return whole, first + _views(whole, denses[3 - shared :], edges, x.shape)


def project_backward(
    projected: Projected, gradients: list[Any], whole: Any, count: int, input_grad: bool
) -> list[Any] | None:
    """Accumulate the gradients of the variables; return those of [query, value] or [query, value, key]; of [x, scale,
    shift], where the weights had these.

    Args:
        projected: of the forward.
        gradients: of the three results.
        whole: what :func:`memory_for_gradients` returned first, filled.
        count: 2 if the key was the value, not given, else 3.
        input_grad: whether the inputs' gradients are wanted; else None is returned.
    """
    denses, shared, x, caches, affine, done, _ = projected
    if affine is not None:
        return list(_backward_with(affine, denses, whole, x, done, input_grad))
    found = [
        dense.backward(dy, cache, input_grad=input_grad)
        for dense, dy, cache in zip(denses, gradients, caches, strict=False)
    ]
    if shared:
        first = [(0, 1)] if shared == 3 else []
        rest = [(shared - 2, shared)] if count == 2 else [(shared - 2, shared - 1), (shared - 1, shared)]
        found += _backward(denses[3 - shared :], whole, x, done, first + rest if input_grad else [])
    if not input_grad:
        return None
    query, *others = found
    if len(others) == 1:
        return [query, others[0]]
    key, value = others
    return [query, value + key] if count == 2 else [query, value, key]


def are_plain(denses: list[Any]) -> bool:
    """Whether each projection is a product and a bias, and nothing else."""
    return all(
        type(dense) is EinsumDense
        and dense.activation is activations.linear
        and dense.__dict__.keys().isdisjoint(("forward", "infer", "backward"))
        for dense in denses
    )


def same_heads(parts: list[Any]) -> bool:
    """Whether every head of the queries has keys and values of its own."""
    query, key, value, _ = parts
    return bool(query.kernel.shape[1] == key.kernel.shape[1] == value.kernel.shape[1])


def columns(parts: list[Any]) -> int:
    """How many columns the kernels of projections have, side by side."""
    return sum(math.prod(part.kernel.shape[1:]) for part in parts)


def rows_of(dense: EinsumDense, bound: int = 1) -> Callable[[Any], Any]:
    """Return what takes an array to the rows of its projection, of its last axis or of the last so many."""
    kernel, bias = dense.kernel, dense.bias
    inner = math.prod(kernel.shape[:bound])

    def project(x: Any) -> Any:
        y = x.reshape(-1, inner) @ kernel.value.reshape(inner, -1)
        if bias is not None:
            y += bias.value.reshape(-1)
        return y

    return project


def _weights(denses: list[EinsumDense]) -> tuple[list[Any], list[int]]:
    """The kernels as matrices, and the columns at which each begins and the last ends, side by side."""
    kernels = [dense.kernel.value.reshape(len(dense.kernel.value), -1) for dense in denses]
    return kernels, [0, *np.cumsum([kernel.shape[1] for kernel in kernels]).tolist()]


def _views(y: Any, denses: list[EinsumDense], edges: list[int], shape: tuple[int, ...]) -> list[Any]:
    return [
        y[:, start:stop].reshape(*shape[:-1], *dense.kernel.shape[1:])
        for dense, (start, stop) in zip(denses, pairwise(edges), strict=True)
    ]


def _forward(denses: list[EinsumDense], x: Any, scale: float, affine: tuple[Any, Any] | None) -> list[Any]:
    """The results of projections of one array, the first times a scale, as one product: views of one array."""
    w, edges = _joined(denses, scale)
    biases = [dense.bias.value.reshape(-1) for dense in denses if dense.bias is not None]
    b = np.concatenate(biases) if biases else None
    if b is not None and scale != 1:
        b[: edges[1]] *= scale
    if affine is not None:
        w, b = scaled.weights_forward(w, b, *affine)
    y = dense_forward(x.reshape(-1, x.shape[-1]), w, b)
    return _views(y, denses, edges, x.shape)


def _joined(denses: list[EinsumDense], scale: float) -> tuple[Any, list[int]]:
    """The kernels side by side, the first times a scale, and the columns where each begins and the last ends."""
    kernels, edges = _weights(denses)
    w = np.concatenate(kernels, axis=1)
    if scale != 1:
        w[:, : edges[1]] *= scale
    return w, edges


def _backward(denses: list[EinsumDense], dy: Any, x: Any, scale: float, groups: list[tuple[int, int]]) -> list[Any]:
    """Accumulate the gradients of the variables; return the gradient of x, for each group of projections its own.

    A group is the place of its first projection, and the one behind its last.
    """
    w, edges = _joined(denses, scale)
    parts = [slice(edges[first], edges[last]) for first, last in groups]
    dxs, dw, db = dense_backward_in_parts(
        dy,
        x.reshape(-1, x.shape[-1]),
        w,
        parts,
        use_bias=any(dense.bias is not None and dense.bias.trainable for dense in denses),
        weight_grad=any(dense.kernel.trainable for dense in denses),
    )
    _accumulate(denses, edges, scale, dw, db)
    return [dx.reshape(x.shape) for dx in dxs]


def _backward_with(
    affine: tuple[Any, Any], denses: list[EinsumDense], dy: Any, x: Any, scale: float, input_grad: bool
) -> tuple[Any, Any, Any]:
    """Accumulate the gradients of the variables; return those of x, and of the scale and shift in the weights."""
    whole, edges = _joined(denses, scale)
    w, _ = scaled.weights_forward(whole, None, *affine)
    dx, dw, db = dense_backward(dy, x.reshape(-1, x.shape[-1]), w, input_grad=input_grad)
    assert dw is not None and db is not None
    dw, dgamma, dbeta = scaled.weights_backward(dw, db, whole, *affine)
    _accumulate(denses, edges, scale, dw, db)
    return None if dx is None else dx.reshape(x.shape), dgamma, dbeta


def _accumulate(denses: list[EinsumDense], edges: list[int], scale: float, dw: Any, db: Any) -> None:
    """Accumulate the gradients of projections side by side, the first times a scale, those that there are."""
    for gradient in (dw, db):
        if gradient is not None and scale != 1:
            gradient[..., : edges[1]] *= scale
    for dense, (start, stop) in zip(denses, pairwise(edges), strict=True):
        if dw is not None:
            dense.kernel.accumulate(dw[:, start:stop].reshape(dense.kernel.shape))
        if dense.bias is not None and db is not None:
            dense.bias.accumulate(db[start:stop].reshape(dense.bias.shape))
