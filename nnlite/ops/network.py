"""Pooling and attention, as functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.kernels import pooling
from nnlite.ops.base import function
from nnlite.ops.operands import is_array, sum_to


def _last(x: Any, data_format: str | None) -> Any:
    """A view with the channels last."""
    return np.moveaxis(x, 1, -1) if (data_format or config.image_data_format()) == "channels_first" else x


def _as_given(y: Any, data_format: str | None) -> Any:
    return np.moveaxis(y, -1, 1) if (data_format or config.image_data_format()) == "channels_first" else y


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _pooled_shape(shape: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Any:
    first = (data_format or config.image_data_format()) == "channels_first"
    rank = len(shape) - 2
    if rank < 1 or padding.lower() not in ("valid", "same"):
        raise ValueError(
            f"takes (batch, spatial axes and channels) and padding 'valid' or 'same', got shape {tuple(shape)} and "
            f"{padding!r}."
        )
    sizes = np.broadcast_to(pool_size, rank).tolist()
    steps = sizes if strides is None else np.broadcast_to(strides, rank).tolist()

    def count(n: int | None, size: int, step: int) -> int | None:
        if n is None:
            return None
        return -(-n // step) if padding.lower() == "same" else max((n - size) // step + 1, 0)

    spatial = shape[2:] if first else shape[1:-1]
    found = [count(n, size, step) for n, size, step in zip(spatial, sizes, steps, strict=True)]
    return (shape[0], shape[1], *found) if first else (shape[0], *found, shape[-1])


@function("AveragePool", operands=("inputs",), module="nn", unify="float")
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """Return the means over windows of the spatial axes.

    >>> average_pool(np.arange(4.0).reshape(1, 4, 1), 2).ravel().tolist()
    [0.5, 2.5]
    """
    options: Any = {"strides": _listed(strides), "padding": padding.lower()}
    return _as_given(pooling.avg_pool(_last(inputs, data_format), _listed(pool_size), **options), data_format)


@average_pool.gradient
def _(dy: Any, y: Any, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Any:
    options: Any = {"strides": _listed(strides), "padding": padding.lower()}
    _, cache = pooling.avg_pool_forward(_last(inputs, data_format), _listed(pool_size), **options)
    return _as_given(pooling.avg_pool_backward(_last(dy, data_format), cache), data_format)


@function("MaxPool", operands=("inputs",), module="nn", unify="float")
def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Any:
    """Return the largest elements in windows of the spatial axes.

    >>> max_pool(np.arange(4.0).reshape(1, 4, 1), 2).ravel().tolist()
    [1.0, 3.0]
    """
    options: Any = {"strides": _listed(strides), "padding": padding.lower()}
    return _as_given(pooling.max_pool(_last(inputs, data_format), _listed(pool_size), **options), data_format)


@max_pool.gradient
def _(dy: Any, y: Any, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Any:
    options: Any = {"strides": _listed(strides), "padding": padding.lower()}
    _, cache = pooling.max_pool_forward(_last(inputs, data_format), _listed(pool_size), **options)
    return _as_given(pooling.max_pool_backward(_last(dy, data_format), cache), data_format)


def _with_format(**parameters: Any) -> Any:
    return {**parameters, "data_format": parameters["data_format"] or config.image_data_format()}


for _one in (average_pool, max_pool):
    _one.output_shape(_pooled_shape)
    _one.settings(_with_format)


@function(
    "DotProductAttention", operands=("query", "key", "value", "bias", "mask", "scale"), module="nn", unify="float"
)
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """Return ``softmax(scale q k^T + bias) v`` by heads: (B, T, N, H) of (B, T, N, H), (B, S, N, H) and (B, S, N, H).

    Args:
        query: (B, T, N, H).
        key: (B, S, G, H); N is a multiple of G, and so many neighbouring heads of the query share one.
        value: (B, S, G, H).
        bias: added to the scores, broadcast to (B, N, T, S).
        mask: booleans that broadcast to (B, N, T, S): who may look where.
        scale: 1 / sqrt(H) for None.
        is_causal: whether t may look at s <= t only.
        flash_attention: of no effect.
        attn_logits_soft_cap: must be None.

    Source: Vaswani et al., 2017, "Attention is all you need".

    >>> dot_product_attention(*[np.ones((1, 2, 1, 3))] * 3).shape
    (1, 2, 1, 3)
    """
    if attn_logits_soft_cap is not None:
        raise ValueError("attn_logits_soft_cap: there is none, it must be None.")
    _attended(query.shape, key.shape, value.shape)
    p = _probabilities(query, key, bias, mask, scale, is_causal)
    return np.matmul(p, _by_head(value, query.shape[2])).transpose(0, 2, 1, 3)


def _by_head(x: Any, heads: int) -> Any:
    """(B, N, S, H), each head repeated for those that share it."""
    x = x.transpose(0, 2, 1, 3)
    return x if x.shape[1] == heads else np.repeat(x, heads // x.shape[1], axis=1)


def _scale(query: Any, scale: Any) -> Any:
    return query.dtype.type(1 / np.sqrt(query.shape[-1]) if scale is None else scale)


def _probabilities(query: Any, key: Any, bias: Any, mask: Any, scale: Any, is_causal: bool) -> Any:
    scores = np.matmul(query.transpose(0, 2, 1, 3), _by_head(key, query.shape[2]).swapaxes(-1, -2))
    scores *= _scale(query, scale)
    if bias is not None:
        scores += bias
    allowed = _allowed(scores.shape, mask, is_causal)
    if allowed is not None:
        np.copyto(scores, scores.dtype.type(0.7) * np.finfo(scores.dtype).min, where=~allowed)
    if scores.size:
        scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def _allowed(shape: Any, mask: Any, is_causal: bool) -> Any:
    """Who may look where; None for all everywhere."""
    allowed = None if mask is None else np.asarray(mask, bool)
    if not is_causal:
        return allowed
    past = np.arange(shape[-2])[:, None] >= np.arange(shape[-1])
    return past if allowed is None else allowed & past


@dot_product_attention.gradient
def _(
    dy: Any, y: Any, query: Any, key: Any, value: Any, bias: Any, mask: Any, scale: Any, is_causal: bool, **rest: Any
) -> Any:
    heads, factor = query.shape[2], _scale(query, scale)
    p, d = _probabilities(query, key, bias, mask, scale, is_causal), dy.transpose(0, 2, 1, 3)
    dvalue = np.matmul(p.swapaxes(-1, -2), d)
    dscores = np.matmul(d, _by_head(value, heads).swapaxes(-1, -2))
    dscores -= (dscores * p).sum(axis=-1, keepdims=True)
    dscores *= p
    allowed = _allowed(dscores.shape, mask, is_causal)
    if allowed is not None:  # where a query may look nowhere, p is not 0
        np.copyto(dscores, dscores.dtype.type(0), where=~allowed)
    dbias = sum_to(dscores, bias) if is_array(bias) else None
    dscores = dscores * factor
    dquery = np.matmul(dscores, _by_head(key, heads)).transpose(0, 2, 1, 3)
    dkey = np.matmul(dscores.swapaxes(-1, -2), query.transpose(0, 2, 1, 3))

    def gathered(made: Any, like: Any) -> Any:
        b, s, groups, size = like.shape
        return made.reshape(b, groups, heads // groups, s, size).sum(axis=2).transpose(0, 2, 1, 3)

    return dquery, gathered(dkey, key), gathered(dvalue, value), dbias, None, None


@dot_product_attention.output_shape
def _attended(query: Any, key: Any, value: Any, *others: Any, **parameters: Any) -> Any:
    if not len(query) == len(key) == len(value) == 4 or None in (query[2], key[2]) or query[2] % key[2]:
        raise ValueError(
            f"takes (batch, positions, heads, size) three times, the query's heads a multiple of the others', got "
            f"{tuple(query)}, {tuple(key)} and {tuple(value)}."
        )
    return (*query[:3], value[3])
