"""Cases of the attention layers."""

from layers.case import Case, lengths_mask

from nnlite.layers import AdditiveAttention, Attention, GroupQueryAttention, MultiHeadAttention

SELF = [(5, 4), (5, 4)]
CROSS = [(5, 4), (7, 3)]
THREE = [(5, 4), (7, 3), (7, 2)]
PLAIN = [(5, 4), (7, 4)]
PLAIN_KEYED = [(5, 4), (7, 3), (7, 4)]


def padded(rng, batch):
    """Masks of sequences that end early, some of them empty."""
    value = lengths_mask(rng, batch, 7)
    if batch > 1:
        value[-1] = False
    return {"query_mask": lengths_mask(rng, batch, 5), "value_mask": value}


def pairs(rng, batch):
    """Any pairs of steps, and scores."""
    return {"attention_mask": rng.random((batch, 5, 7)) < 0.5, "return_attention_scores": True}


def listed(rng, batch):
    """Masks in a list; some samples have no value to look at. Causal, with scores."""
    masks = [lengths_mask(rng, batch, 5), rng.random((batch, 7)) < 0.5]
    return {"mask": masks, "use_causal_mask": True, "return_attention_scores": True}


CASES = [
    Case("mha", lambda: MultiHeadAttention(2, 3), SELF),
    Case("mha_cross", lambda: MultiHeadAttention(3, 2, value_dim=5, use_bias=False, output_shape=6), CROSS),
    Case("mha_three", lambda: MultiHeadAttention(1, 1, output_shape=(2, 3)), THREE),
    Case("mha_masks", lambda: MultiHeadAttention(2, 3), THREE, options=padded),
    Case("mha_scores", lambda: MultiHeadAttention(2, 3), CROSS, options=pairs),
    Case(
        "mha_mask_list",
        lambda: MultiHeadAttention(2, 3, use_gate=True),
        CROSS,
        options=lambda rng, batch: {"mask": [None, lengths_mask(rng, batch, 7)]},
    ),
    Case(
        "mha_causal_window",
        lambda: MultiHeadAttention(2, 3, sliding_window=2),
        SELF,
        options=lambda rng, batch: {"use_causal_mask": True},
    ),
    Case("mha_dropout", lambda: MultiHeadAttention(2, 3, dropout=0.3, seed=1), CROSS, random=True),
    Case("mha_drop_all", lambda: MultiHeadAttention(2, 3, dropout=1.0), CROSS),
    Case(
        "mha_gate_activity",
        lambda: MultiHeadAttention(2, 3, value_dim=2, use_gate=True, activity_regularizer="l2"),
        CROSS,
    ),
    Case("mha_all_axes", lambda: MultiHeadAttention(2, 3), [(2, 3, 4), (3, 2, 5)]),
    Case("mha_last_axis", lambda: MultiHeadAttention(2, 3, attention_axes=-2), [(2, 3, 4), (2, 5, 4)]),
    Case(
        "mha_first_axis",
        lambda: MultiHeadAttention(2, 3, attention_axes=1),
        [(3, 2, 4), (5, 2, 4)],
        options=lambda rng, batch: {
            "value_mask": lengths_mask(rng, batch, 5),
            "query_mask": rng.random((batch, 3, 2)) < 0.7,
            "return_attention_scores": True,
        },
    ),
    Case(
        "mha_turned_axes",
        lambda: MultiHeadAttention(1, 3, attention_axes=(3, 1)),
        [(2, 3, 2, 4), (3, 3, 1, 4)],
        options=lambda rng, batch: {"attention_mask": rng.random((batch, 3, 1, 2, 2, 1, 3)) < 0.6},
    ),
    Case("gqa", lambda: GroupQueryAttention(3, 4, 2), THREE),
    Case("gqa_one_group", lambda: GroupQueryAttention(3, 3, 1, use_gate=True, use_bias=False), CROSS),
    Case("gqa_masks", lambda: GroupQueryAttention(2, 4, 4, activity_regularizer="l2"), CROSS, options=padded),
    Case("gqa_pairs", lambda: GroupQueryAttention(2, 6, 3, sliding_window=3), CROSS, options=pairs),
    Case("gqa_dropout", lambda: GroupQueryAttention(2, 4, 2, dropout=0.3, seed=1), CROSS, random=True),
    Case(
        "gqa_heads_mask",
        lambda: GroupQueryAttention(2, 4, 2),
        CROSS,
        options=lambda rng, batch: {"attention_mask": rng.random((1, 4, 5, 7)) < 0.5, "use_causal_mask": True},
    ),
    Case("attention", lambda: Attention(), PLAIN),
    Case("attention_keyed", lambda: Attention(use_scale=True), PLAIN_KEYED, options=listed),
    Case("attention_dropout", lambda: Attention(use_scale=True, dropout=0.3, seed=1), PLAIN_KEYED, random=True),
    Case("attention_deep", lambda: Attention(), [(2, 5, 4), (2, 7, 4), (2, 7, 4)]),
    Case("attention_concat", lambda: Attention(score_mode="concat"), PLAIN, options=listed),
    Case("attention_concat_scale", lambda: Attention(True, "concat", 0.3, seed=1), PLAIN_KEYED, random=True),
    Case("additive_attention", lambda: AdditiveAttention(), PLAIN),
    Case("additive_attention_keyed", lambda: AdditiveAttention(dropout=0.3, seed=1), PLAIN_KEYED, random=True),
    Case("additive_attention_masks", lambda: AdditiveAttention(use_scale=False), PLAIN_KEYED, options=listed),
]
