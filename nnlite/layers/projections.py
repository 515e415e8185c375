"""Projections of queries, keys and values; those of one array as one product, faster than several small ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np

from nnlite import activations
from nnlite.kernels import memory, scaled
from nnlite.kernels.dense import dense_backward, dense_backward_in_parts, dense_forward
from nnlite.layers.einsum_dense import EinsumDense


class Joined(NamedTuple):
    """Weights of projections side by side.

    ``kernel``: the kernels, the first times ``scale``. ``w``: what the product was with, those with ``affine``, a scale
    and a shift of what is projected, as a part of them; None for none. ``edges``: the columns where each begins, and
    the last ends.
    """

    kernel: Any
    w: Any
    edges: list[int]
    scale: float
    affine: tuple[Any, Any] | None


class Projected(NamedTuple):
    """What backward needs.

    ``denses``: the projections of query, key and value. ``shared``: how many of them, from the end, read one array,
    ``x``; 0 for none, and ``joined``: the weights of those. ``caches``: those of the others. ``left``: what of the
    scores' scale is left to do.
    """

    denses: list[EinsumDense]
    shared: int
    x: Any
    joined: Joined | None
    caches: list[Any]
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
    joined = None
    results, caches = [], []
    for dense, x in zip(denses[: 3 - shared], (query, key, value), strict=False):
        y, cache = dense.forward(x, training) if keep else (dense.infer(x), None)
        results.append(y)
        caches.append(cache)
    if shared:
        more, joined = _forward(denses[3 - shared :], value, done, affine)
        results += more
    return results, Projected(denses, shared, value if shared else None, joined, caches, left)


def memory_for_gradients(projected: Projected, like: list[Any]) -> tuple[Any, list[Any] | None]:
    """Return memory for the gradients of what is shared, together, and memory for each of the three; None for new.

    Args:
        projected: of the forward.
        like: the three results.
    """
    denses, shared, x, joined, *_ = projected
    if joined is None:
        return None, None
    edges = joined.edges
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
    denses, shared, x, joined, caches, _ = projected
    if joined is not None and joined.affine is not None:
        return list(_backward_with(joined, denses, whole, x, input_grad))
    found = [
        dense.backward(dy, cache, input_grad=input_grad)
        for dense, dy, cache in zip(denses, gradients, caches, strict=False)
    ]
    if joined is not None:
        first = [(0, 1)] if shared == 3 else []
        rest = [(shared - 2, shared)] if count == 2 else [(shared - 2, shared - 1), (shared - 1, shared)]
        found += _backward(joined, denses[3 - shared :], whole, x, first + rest if input_grad else [])
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
    return sum(math.prod(part.kernel.value.shape[1:]) for part in parts)


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


def _views(y: Any, denses: list[EinsumDense], edges: list[int], shape: tuple[int, ...]) -> list[Any]:
    return [
        y[:, start:stop].reshape(*shape[:-1], *dense.kernel.shape[1:])
        for dense, (start, stop) in zip(denses, pairwise(edges), strict=True)
    ]


def _forward(
    denses: list[EinsumDense], x: Any, scale: float, affine: tuple[Any, Any] | None
) -> tuple[list[Any], Joined]:
    """The results of projections of one array, the first times a scale, as one product: views of one array."""
    kernels = [dense.kernel.value.reshape(len(dense.kernel.value), -1) for dense in denses]
    edges = [*accumulate((kernel.shape[1] for kernel in kernels), initial=0)]
    kernel = np.concatenate(kernels, axis=1)
    biases = [dense.bias.value.reshape(-1) for dense in denses if dense.bias is not None]
    b = np.concatenate(biases) if biases else None
    if scale != 1:
        kernel[:, : edges[1]] *= scale
        if b is not None:
            b[: edges[1]] *= scale
    w = kernel
    if affine is not None:
        w, b = scaled.weights_forward(kernel, b, *affine)
    y = dense_forward(x.reshape(-1, x.shape[-1]), w, b)
    return _views(y, denses, edges, x.shape), Joined(kernel, w, edges, scale, affine)


def _backward(joined: Joined, denses: list[EinsumDense], dy: Any, x: Any, groups: list[tuple[int, int]]) -> list[Any]:
    """Accumulate the gradients of the variables; return the gradient of x, for each group of projections its own.

    A group is the place of its first projection, and the one behind its last.
    """
    parts = [slice(joined.edges[first], joined.edges[last]) for first, last in groups]
    dxs, dw, db = dense_backward_in_parts(
        dy,
        x.reshape(-1, x.shape[-1]),
        joined.w,
        parts,
        use_bias=any(dense.bias is not None and dense.bias.trainable for dense in denses),
        weight_grad=any(dense.kernel.trainable for dense in denses),
    )
    _accumulate(joined, denses, dw, db)
    return [dx.reshape(x.shape) for dx in dxs]


def _backward_with(
    joined: Joined, denses: list[EinsumDense], dy: Any, x: Any, input_grad: bool
) -> tuple[Any, Any, Any]:
    """Accumulate the gradients of the variables; return those of x, and of the scale and shift in the weights."""
    assert joined.affine is not None
    dx, dw, db = dense_backward(dy, x.reshape(-1, x.shape[-1]), joined.w, input_grad=input_grad)
    assert dw is not None and db is not None
    dw, dgamma, dbeta = scaled.weights_backward(dw, db, joined.kernel, *joined.affine)
    _accumulate(joined, denses, dw, db)
    return None if dx is None else dx.reshape(x.shape), dgamma, dbeta


def _accumulate(joined: Joined, denses: list[EinsumDense], dw: Any, db: Any) -> None:
    """Accumulate the gradients of projections side by side, those that there are."""
    if joined.scale != 1:
        for gradient in (dw, db):
            if gradient is not None:
                gradient[..., : joined.edges[1]] *= joined.scale
    for dense, (start, stop) in zip(denses, pairwise(joined.edges), strict=True):
        if dw is not None:
            dense.kernel.accumulate(dw[:, start:stop].reshape(dense.kernel.shape))
        if dense.bias is not None and db is not None:
            dense.bias.accumulate(db[start:stop].reshape(dense.bias.shape))
