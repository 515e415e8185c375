"""Attention with several heads, each with keys and values of its own or shared in groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry, serialization
from nnlite.layers import checks
from nnlite.layers.attention_heads import HeadAttention


@registry.register("layers")
class MultiHeadAttention(HeadAttention):
    """Each step of the query looks up values by their keys, with several heads at once (Vaswani et al., 2017).

    With one projection a head: q = query @ Wq + bq (key_dim numbers), k = key @ Wk + bk, v = value @ Wv + bv, and

        p = softmax(q k^T / sqrt(key_dim))      y = concatenated heads of (p v) @ Wo + bo

    each row of p over the steps that the masks allow. Backward, with
    dz = dy @ Wo^T split into heads::

        dv = p^T dz      dp = dz v^T      ds = p (dp - sum over the keys of dp p)
        dq = ds k / sqrt(key_dim)      dk = ds^T q / sqrt(key_dim)

    and the projections' own gradients of dq, dk and dv. Kept for it are q, k, v, p and the inputs; never the scores.

    Args:
        num_heads: number of heads N.
        key_dim: size H of a head's queries and keys.
        value_dim: size V of a head's values; key_dim where None.
        dropout: fraction of p to drop in training.
        use_bias: whether the projections have biases.
        output_shape: sizes of the output's last axes, one or several; the query's last size where None.
        attention_axes: the axes to attend over, one or several; all between batch and features where None.
        sliding_window: query i looks at the keys less than so many steps from i; None for all.
        flash_attention: accepted, as in Keras, where it chooses a kernel of GPUs; changes nothing.
        kernel_initializer, bias_initializer: how the projections' variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on the result of each projection.
        kernel_constraint, bias_constraint: projections after each update.
        use_gate: whether what is looked up is multiplied by sigmoid(query @ Wg + bg), of its size, before the last
            projection (Qiu et al., 2025).
        seed: for a random stream of the layer's own.

    Call: ``layer(query, value, key=None)``; the key is the value where left out. Options:

    - ``attention_mask``: booleans (B, T, S), true where a query may look; or (T, S), or (B, N, T, S) by heads; sizes
      may be 1.
    - ``query_mask`` (B, T), ``value_mask`` and ``key_mask`` (B, S): false for steps that do not count. ``mask`` is a
      list of the three.
    - ``use_causal_mask``: whether query i looks at keys 0 to i only.
    - ``return_attention_scores``: whether p is returned too.

    Shapes: query (B, ..., D), value (B, ..., E), key (B, ..., F), y (B, ..., D) or with ``output_shape`` in the place
    of D; p (B, N, T, S), behind B any axes that are not attended over. Variables, in order: query/kernel (D, N, H),
    query/bias (N, H), key/kernel (F, N, H), key/bias (N, H), [gate/kernel (D, N, V), gate/bias (N, V),] value/kernel
    (E, N, V), value/bias (N, V), attention_output/kernel (N, V, ...), attention_output/bias (...).

    A query that may look nowhere gets the mean of all values, or zeros with dropout, scores or more axes, as in Keras
    on JAX; no gradient flows to it or to the keys. Keras passes over a ``query_mask`` given by name, lines up the
    samples of the other masks with the heads of an ``attention_mask`` that has them, and takes the lengths for causal
    masks and windows from the first axis whichever is attended over; here each mask goes with its own axes.

    Raises:
        ValueError: for masks and inputs whose shapes do not fit each other, and inputs without steps.

    >>> import numpy as np
    >>> layer = MultiHeadAttention(num_heads=2, key_dim=3)
    >>> x = np.ones((1, 4, 5), "float32")
    >>> y, p = layer(x, x, use_causal_mask=True, return_attention_scores=True)
    >>> y.shape, np.round(p[0, 0, 1], 2).tolist()
    ((1, 4, 5), [0.5, 0.5, 0.0, 0.0])
    """

    samples_alone = True
    takes_scaled = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            **kwargs,
        )
        self.num_heads = checks.positive(self, "num_heads", num_heads)
        self.key_dim = checks.positive(self, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else checks.positive(self, "value_dim", value_dim)
        sizes = (output_shape,) if isinstance(output_shape, (int, np.integer)) else output_shape
        self._sizes = None if not sizes else tuple(checks.positive(self, "output_shape", size) for size in sizes)
        axes = (attention_axes,) if isinstance(attention_axes, (int, np.integer)) else attention_axes
        self.attention_axes = None if axes is None else checks.axes(self, "attention_axes", axes)
        self._activity = serialization.get("regularizers", activity_regularizer)

    def build(self, input_shape: Any) -> None:
        self._build_projections(input_shape, self.num_heads, self.num_heads, self.key_dim, self.value_dim, self._sizes)

    def _heads(self) -> int:
        return self.num_heads

    def _key_size(self) -> int:
        return self.key_dim

    def _output_sizes(self) -> tuple[int, ...] | None:
        return self._sizes

    def _penalty_of_projections(self) -> Any:
        return self._activity

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        config = {**super().get_config(), "output_shape": None if self._sizes is None else list(self._sizes)}
        if self._activity is not None:
            config["activity_regularizer"] = serialization.serialize(self._activity)
        return config


@registry.register("layers", "GroupQueryAttention")
class GroupedQueryAttention(HeadAttention):
    """Multi-head attention in which neighbouring heads share keys and values (Ainslie et al., 2023).

    As :class:`MultiHeadAttention`, with ``num_key_value_heads`` projections of keys and values, each used by
    ``num_query_heads / num_key_value_heads`` heads of queries; backward sums the gradients of those. In scripts it is
    called ``GroupQueryAttention``.

    Args:
        head_dim: size H of a head's queries, keys and values.
        num_query_heads: number of heads N.
        num_key_value_heads: number of heads G of keys and values, of which N is a multiple.
        dropout: fraction of p to drop in training.
        use_bias: whether the projections have biases.
        sliding_window: query i looks at the keys less than so many steps from i; None for all.
        flash_attention: accepted, as in Keras, where it chooses a kernel of GPUs; changes nothing.
        kernel_initializer, bias_initializer: how the projections' variables start.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        activity_regularizer: penalty on the result of each projection, and on the output.
        kernel_constraint, bias_constraint: projections after each update.
        use_gate: whether what is looked up is multiplied by sigmoid(query @ Wg + bg) before the last projection.
        seed: for a random stream of the layer's own.

    Call and masks as for :class:`MultiHeadAttention`.

    Shapes: query (B, T, D), value (B, S, E), key (B, S, F), y (B, T, D), p (B, N, T, S). Variables, in order:
    query/kernel (D, N, H), query/bias (N, H), key/kernel (F, G, H), key/bias (G, H), [gate/kernel (D, N, H), gate/bias
    (N, H),] value/kernel (E, G, H), value/bias (G, H), attention_output/kernel (N, H, D), attention_output/bias (D,).

    Raises:
        ValueError: as :class:`MultiHeadAttention`.

    >>> import numpy as np
    >>> layer = GroupedQueryAttention(head_dim=3, num_query_heads=4, num_key_value_heads=2)
    >>> x = np.ones((1, 4, 5), "float32")
    >>> layer(x, x).shape
    (1, 4, 5)
    """

    samples_alone = True
    takes_scaled = True
    saved_as = "GroupQueryAttention"
    prefix = "_"

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.head_dim = checks.positive(self, "head_dim", head_dim)
        self.num_query_heads = checks.positive(self, "num_query_heads", num_query_heads)
        self.num_key_value_heads = checks.positive(self, "num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                f"{self.label}: num_query_heads ({num_query_heads}) must be a multiple of num_key_value_heads "
                f"({num_key_value_heads})."
            )

    def build(self, input_shape: Any) -> None:
        self._build_projections(
            input_shape, self.num_query_heads, self.num_key_value_heads, self.head_dim, self.head_dim, None
        )

    def _axes(self, rank: int) -> tuple[int, ...]:
        if rank != 3:
            raise ValueError(f"{self.label} takes inputs (batch, steps, features), got one of {rank} axes.")
        return (1,)

    def _heads(self) -> int:
        return self.num_query_heads

    def _key_size(self) -> int:
        return self.head_dim
