"""Attention without projections: by products, by sums of tanh, and additive."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite import random
from nnlite.core import registry, structure
from nnlite.core.layer import Layer
from nnlite.kernels import attention as kernels
from nnlite.kernels.attention_additive import additive_backward, additive_forward
from nnlite.kernels.dropout import random_mask
from nnlite.layers import attention_masks as masks
from nnlite.layers import checks


class _ListAttention(Layer):
    """What Attention and AdditiveAttention share: inputs as a list, masks, dropout."""

    supports_masking = True

    def __init__(self, use_scale: bool, dropout: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_scale = bool(use_scale)
        self.dropout = checks.fraction(self, "dropout", dropout)
        self.seed = seed
        self.generator = random.generator(seed)

    def _shapes(self, given: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        """Return the shapes of query, value and key; raises ``ValueError`` if they do not fit each other."""
        if structure.is_shape(given) or not 2 <= len(given) <= 3:
            got = tuple(given) if structure.is_shape(given) else f"{len(given)} arrays"
            raise ValueError(f"{self.label} takes a list [query, value] or [query, value, key], got {got}.")
        query, value, *rest = (tuple(shape) for shape in given)
        key = rest[0] if rest else value
        for name, shape in (("query", query), ("value", value), ("key", key)):
            if len(shape) < 3 or len(shape) != len(query):
                raise ValueError(
                    f"{self.label}: query, value and key must have the same number of axes, at least those of batch, "
                    f"steps and features; {name} has shape {shape}, query {query}."
                )
            if shape[-2] == 0:
                raise ValueError(f"{self.label}: {name} of shape {shape} has no steps to attend over.")

        def differ(a: Any, b: Any) -> bool:
            return any(None not in pair and pair[0] != pair[1] for pair in zip(a, b, strict=True))

        if differ(value[:-1], key[:-1]):
            raise ValueError(
                f"{self.label}: value of shape {value} and key of shape {key} must differ along the last axis alone."
            )
        if differ((*query[:-2], query[-1]), (*key[:-2], key[-1])):
            raise ValueError(
                f"{self.label}: query of shape {query} and key of shape {key} must differ in their steps alone."
            )
        return query, value, key

    def _mask(self, query: Any, value: Any, mask: Any, causal: bool) -> tuple[Any, Any]:
        """The mask of the query (B', T), and who may look where (B' or 1, T or 1, S); None for all."""
        listed = masks.listed(self, mask, ("query_mask", "value_mask", "key_mask"))
        axes = (query.ndim - 2,)
        rows = None if listed[0] is None else masks.of_steps(self, "query_mask", listed[0], query, axes)
        found = None
        if listed[1] is not None:
            pairs = (len(value), query.shape[-2], value.shape[-2])
            given = masks.as_booleans(listed[1])
            if query.ndim == given.ndim == 3 and all(m in (1, n) for m, n in zip(given.shape, pairs, strict=True)):
                found = given
            else:
                found = masks.of_steps(self, "value_mask", given, value, axes)[:, None, :]
        if causal:
            found = masks.both(found, masks.causal(query.shape[-2], value.shape[-2])[None])
        return rows, found

    def _attend(self, q: Any, k: Any, v: Any, mask: Any, kept: Any) -> tuple[Any, Any]:
        """Return y (B', T, V) and p (B', T, S)."""
        raise NotImplementedError

    def _attend_backward(self, dy: Any, q: Any, k: Any, v: Any, p: Any, mask: Any, kept: Any, dp: Any) -> Any:
        """Return (dq, dk, dv), having added to the gradients of the variables."""
        raise NotImplementedError

    def _keep_scale(self) -> float:
        return 1 / (1 - self.dropout) if self.dropout < 1 else 0.0

    def forward(
        self,
        x: Any,
        training: bool = False,
        mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Any]:
        self._shapes(structure.map_arrays(x, np.shape))
        rows, seen = self._mask(x[0], x[1], mask, use_causal_mask)
        q, v, k = (_flat(a) for a in (x[0], x[1], x[-1]))
        kept = None
        if training and self.dropout:
            kept = random_mask(self.generator, (len(q), q.shape[1], v.shape[1]), self.dropout)
        y, p = self._attend(q, k, v, seen, kept)
        if rows is not None:
            np.multiply(y, rows[:, :, None], out=y)
        # p is 1 / S where nothing was seen: only then does backward need the mask to tell
        blind = seen is not None and not seen.any(-1).all()
        cache = (q, k, v, p, rows, seen if blind else None, kept, [a.shape for a in x])
        y = y.reshape(*x[0].shape[:-1], v.shape[-1])
        if not return_attention_scores:
            return y, cache
        scores = p if kept is None else p * kept * p.dtype.type(self._keep_scale())
        return [y, scores.reshape(*x[0].shape[:-1], v.shape[1])], cache

    def backward(self, dy: Any, cache: Any) -> Any:
        q, k, v, p, rows, seen, kept, shapes = cache
        dp = None
        if isinstance(dy, (list, tuple)):
            dy, dp = dy
        if dp is not None:
            dp = np.asarray(dp).reshape(p.shape)
            if kept is not None:
                dp = dp * kept * p.dtype.type(self._keep_scale())
        dy = np.zeros((*q.shape[:2], v.shape[2]), q.dtype) if dy is None else _flat(dy)
        if rows is not None:
            dy = dy * rows[:, :, None]
        dq, dk, dv = self._attend_backward(dy, q, k, v, p, seen, kept, dp)
        gradients = [dq, dv, dk] if len(shapes) == 3 else [dq, dv + dk]
        return [gradient.reshape(shape) for gradient, shape in zip(gradients, shapes, strict=True)]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return mask[0] if isinstance(mask, (list, tuple)) and mask else None

    def compute_output_shape(self, input_shape: Any, return_attention_scores: bool = False) -> Any:
        query, value, _ = self._shapes(input_shape)
        output = (*query[:-1], value[-1])
        return [output, (*query[:-1], value[-2])] if return_attention_scores else output


def _flat(x: Any) -> Any:
    """Return (B, ..., T, D) as (B', T, D)."""
    return x.reshape(math.prod(x.shape[:-2]), *x.shape[-2:])


@registry.register("layers")
class Attention(_ListAttention):
    """Each step of the query looks up the values whose keys match it (Luong et al., 2015).

    ``p = softmax(s)``, each row over the values that the masks allow, and ``y = p @ value``, with

        s[i, j] = scale * query[i] . key[j]                                        score_mode "dot"
        s[i, j] = concat_score_weight * sum of tanh(scale * (query[i] + key[j]))   score_mode "concat"

    where ``scale`` is a variable if ``use_scale``, else 1. Backward: ``dvalue = p.T @ dy``, ``dp = dy @ value.T``,
    ``ds = p * (dp - sum of dp * p)``, and from there the derivatives of s. Kept for it are the inputs and p.

    Args:
        use_scale: whether there is a variable ``scale``.
        score_mode: "dot" or "concat".
        dropout: fraction of p to drop in training; the scores that are returned are those after dropout, as in Keras.
        seed: for a random stream of the layer's own.

    Call: ``layer([query, value])`` or ``layer([query, value, key])``; the key is the value where left out. Options:

    - ``mask``: a list [query_mask (B, T), value_mask (B, S)], each may be None. y is 0 where query_mask is false, and
      values count where value_mask is true; it may also say so for each pair, (B, T, S).
    - ``use_causal_mask``: whether query i looks at keys 0 to i only.
    - ``return_attention_scores``: whether p is returned too.

    A query that may look nowhere gets the mean of all values, as in Keras; no gradient flows to it or to the keys.

    Shapes: query (B, T, D), value (B, S, E), key (B, S, D), y (B, T, E), p (B, T, S), all with any axes behind B;
    both variables are single numbers.

    Raises:
        ValueError: for masks and inputs whose shapes do not fit each other, and inputs without steps.

    >>> import numpy as np
    >>> query, value = np.zeros((1, 2, 3)), np.arange(6.0).reshape(1, 2, 3)
    >>> Attention()([query, value]).tolist()
    [[[1.5, 2.5, 3.5], [1.5, 2.5, 3.5]]]
    """

    def __init__(
        self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(use_scale, dropout, seed, **kwargs)
        self.score_mode = checks.choice(self, "score_mode", score_mode, ("dot", "concat"))

    def build(self, input_shape: Any) -> None:
        self._shapes(input_shape)
        self.scale = self.add_weight((), "ones", name="scale") if self.use_scale else None
        concat = self.score_mode == "concat"
        self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight") if concat else None

    def _numbers(self, q: Any) -> tuple[float, Any]:
        """The scale, and the weight of each feature in "concat"."""
        scale = 1.0 if self.scale is None else float(self.scale)
        weight = self.concat_score_weight
        return scale, None if weight is None else np.full(q.shape[-1], weight.value, q.dtype)

    def _attend(self, q: Any, k: Any, v: Any, mask: Any, kept: Any) -> tuple[Any, Any]:
        scale, weights = self._numbers(q)
        if weights is not None:
            return additive_forward(q, k, v, weights, scale, mask, kept, self._keep_scale())
        y, p = kernels.attention_forward(
            _one_head(q),
            _one_head(k),
            _one_head(v),
            scale=scale,
            mask=None if mask is None else mask[:, None],
            kept=None if kept is None else kept[:, None],
            keep_scale=self._keep_scale(),
            blind=1 / k.shape[1],
        )
        assert p is not None
        return y[:, :, 0], p[:, 0]

    def _attend_backward(self, dy: Any, q: Any, k: Any, v: Any, p: Any, mask: Any, kept: Any, dp: Any) -> Any:
        scale, weights = self._numbers(q)
        if weights is not None:
            dq, dk, dv, dweights, dscale = additive_backward(
                dy, q, k, v, p, weights, scale, mask, kept, self._keep_scale(), dp
            )
            self.concat_score_weight.accumulate(np.asarray(dweights.sum()))  # type: ignore[union-attr]
        else:
            gradients = kernels.attention_backward(
                _one_head(dy),
                _one_head(q),
                _one_head(k),
                _one_head(v),
                p[:, None],
                scale=1.0,
                kept=None if kept is None else kept[:, None],
                keep_scale=self._keep_scale(),
                dp=None if dp is None else dp[:, None],
                mask=None if mask is None else mask[:, None],
            )
            dq, dk, dv = (gradient[:, :, 0] for gradient in gradients)
            dscale = 0.0
            if self.scale is not None:  # s = scale * t, and dq is sum of ds * key so far
                dscale = float(np.vdot(dq, q))
                dq, dk = dq * q.dtype.type(scale), dk * q.dtype.type(scale)
        if self.scale is not None:
            self.scale.accumulate(np.asarray(dscale))
        return dq, dk, dv


def _one_head(x: Any) -> Any:
    return x[:, :, None, :]


@registry.register("layers")
class AdditiveAttention(_ListAttention):
    """Attention by sums: ``s[i, j] = sum of scale * tanh(query[i] + key[j])`` (Bahdanau et al., 2015).

    ``p = softmax(s)``, each row over the values that the masks allow, and ``y = p @ value``. Backward as for
    :class:`Attention`; with u = tanh(query[i] + key[j]) and e = ds[i, j] * scale * (1 - u^2), ``d_scale`` is the sum of
    ds * u over samples and pairs, dquery the sum of e over keys, dkey that over queries. Kept are the inputs and p: u,
    far larger, is computed once more.

    Args:
        use_scale: whether there is a variable ``scale``, one number for each feature; else 1.
        dropout: fraction of p to drop in training.
        seed: for a random stream of the layer's own.

    Call and masks as for :class:`Attention`.

    Shapes: query (B, T, D), value (B, S, E), key (B, S, D), y (B, T, E), p (B, T, S); scale (D,).

    Raises:
        ValueError: as :class:`Attention`.

    >>> import numpy as np
    >>> query, value = np.zeros((1, 2, 3)), np.ones((1, 4, 3))
    >>> AdditiveAttention()([query, value]).shape
    (1, 2, 3)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, *, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(use_scale, dropout, seed, **kwargs)

    def build(self, input_shape: Any) -> None:
        query, _, _ = self._shapes(input_shape)
        size = checks.known(self, query, -1)
        self.scale = self.add_weight((size,), "glorot_uniform", name="scale") if self.use_scale else None

    def _weights(self, q: Any) -> Any:
        return np.ones(q.shape[-1], q.dtype) if self.scale is None else self.scale.value

    def _attend(self, q: Any, k: Any, v: Any, mask: Any, kept: Any) -> tuple[Any, Any]:
        return additive_forward(q, k, v, self._weights(q), 1.0, mask, kept, self._keep_scale())

    def _attend_backward(self, dy: Any, q: Any, k: Any, v: Any, p: Any, mask: Any, kept: Any, dp: Any) -> Any:
        dq, dk, dv, dweights, _ = additive_backward(
            dy, q, k, v, p, self._weights(q), 1.0, mask, kept, self._keep_scale(), dp
        )
        if self.scale is not None:
            self.scale.accumulate(dweights)
        return dq, dk, dv
