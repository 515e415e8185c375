"""Calls of the attention layers: every option, with masks by pairs, by steps and causal.

Values of another size than keys are recorded with scores only: Keras's other path on JAX cannot take them.
"""

from golden.family import Case, Mask, Values

TWO = "layer(x[0], x[1], **options)"
THREE = "layer(x[0], x[1], x[2], **options)"
SELF = [(2, 5, 4), (2, 5, 4)]
CROSS = [(2, 5, 4), (2, 7, 3)]
KEYED = [(2, 5, 4), (2, 7, 3), (2, 7, 2)]
PLAIN = [(2, 5, 4), (2, 7, 4)]
PLAIN_KEYED = [(2, 5, 4), (2, 7, 3), (2, 7, 4)]
BLIND = Values([[False] * 7, [False, False, True, True, False, True, True]], "bool")
SCORES = {"return_attention_scores": True}
NOWHERE = Values([[[True, False, True], [False, False, False]]], "bool")


def case(expression, x, options=None, **more):
    return Case(expression, x, options=options or {}, call=TWO if len(x) == 2 else THREE, **more)


LAYERS = [
    case("MultiHeadAttention(2, 3)", SELF),
    case("MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5, output_shape=6)", CROSS, SCORES),
    case("MultiHeadAttention(2, 3, output_shape=(2, 3), use_bias=False)", KEYED),
    case("MultiHeadAttention(2, 3, kernel_initializer='he_normal', kernel_regularizer='l2')", KEYED, SCORES),
    case("MultiHeadAttention(2, 3)", CROSS, {"attention_mask": Mask((2, 5, 7))}),
    case("MultiHeadAttention(2, 3)", CROSS, {"attention_mask": Mask((5, 7)), **SCORES}),
    case("MultiHeadAttention(2, 3)", CROSS, {"attention_mask": Mask((2, 2, 5, 7))}),
    case("MultiHeadAttention(2, 3)", CROSS, {"attention_mask": Mask((2, 1, 7)), "use_causal_mask": True}),
    case("MultiHeadAttention(2, 3)", CROSS, {"value_mask": Mask((2, 7))}),
    case("MultiHeadAttention(2, 3)", KEYED, {"value_mask": Mask((2, 7)), "key_mask": Mask((2, 7)), **SCORES}),
    case("MultiHeadAttention(2, 3)", [(1, 2, 4), (1, 3, 4)], {"attention_mask": NOWHERE, **SCORES}),
    case("MultiHeadAttention(2, 3)", [(1, 2, 4), (1, 3, 4)], {"attention_mask": NOWHERE}),
    case("MultiHeadAttention(2, 3, dropout=0.2)", [(1, 2, 4), (1, 3, 4)], {"attention_mask": NOWHERE}),
    case("GroupQueryAttention(2, 4, 2)", [(1, 2, 4), (1, 3, 4)], {"attention_mask": NOWHERE}),
    case("MultiHeadAttention(2, 3)", SELF, {"use_causal_mask": True}),
    case("MultiHeadAttention(2, 3)", CROSS, {"use_causal_mask": True, **SCORES}),
    case("MultiHeadAttention(2, 3, sliding_window=2)", SELF),
    case("MultiHeadAttention(2, 3, sliding_window=3)", SELF, {"use_causal_mask": True}),
    case("MultiHeadAttention(2, 3, use_gate=True, value_dim=2)", CROSS, SCORES),
    case("MultiHeadAttention(2, 3, use_gate=True, dropout=0.5, seed=1, name='mine')", CROSS, SCORES),
    case("MultiHeadAttention(2, 3, bias_initializer='ones', bias_constraint='non_neg')", KEYED),
    case("MultiHeadAttention(2, 3)", [(2, 2, 3, 4), (2, 3, 2, 4)], SCORES),
    case("MultiHeadAttention(2, 3, attention_axes=2)", [(2, 2, 3, 4), (2, 2, 5, 4)], SCORES),
    case("MultiHeadAttention(2, 3, attention_axes=(-2,))", [(2, 2, 3, 4), (2, 2, 5, 4)]),
    case("MultiHeadAttention(2, 3, attention_axes=1)", [(2, 3, 2, 4), (2, 5, 2, 4)], {"value_mask": Mask((2, 5))}),
    case("MultiHeadAttention(2, 3, attention_axes=(1,))", [(2, 3, 2, 4), (2, 3, 2, 4)], {"use_causal_mask": True}),
    case("MultiHeadAttention(1, 3, attention_axes=(3, 1))", [(2, 2, 3, 2, 4), (2, 3, 3, 1, 4)], SCORES),
    case("GroupQueryAttention(3, 4, 2)", CROSS),
    case("GroupQueryAttention(3, 3, 1, use_bias=False)", KEYED, SCORES),
    case("GroupQueryAttention(3, 2, 2, use_gate=True)", KEYED, {"attention_mask": Mask((2, 5, 7))}),
    case("GroupQueryAttention(3, 4, 2, sliding_window=2)", SELF, {"use_causal_mask": True}),
    case("GroupQueryAttention(3, 4, 2, dropout=0.5, seed=1)", CROSS, {"value_mask": Mask((2, 7)), **SCORES}),
    case("GroupQueryAttention(3, 4, 2)", CROSS, {"attention_mask": Mask((2, 4, 5, 7)), "use_causal_mask": True}),
    Case("Attention()", PLAIN),
    Case("Attention(use_scale=True)", PLAIN_KEYED, options={"mask": [Mask((2, 5)), Mask((2, 7))]}),
    Case("Attention()", PLAIN_KEYED, options={"mask": [None, Mask((2, 7))], **SCORES}),
    Case("Attention()", PLAIN, options={"mask": [Mask((2, 5)), None], "use_causal_mask": True, **SCORES}),
    Case("Attention(dropout=0.5, seed=1)", PLAIN, options={"mask": [None, Mask((2, 7))], "use_causal_mask": True}),
    Case("Attention()", PLAIN, options={"mask": [None, BLIND]}, gradient=False),
    Case("Attention(score_mode='concat')", PLAIN, options={"mask": [None, Mask((2, 7))], **SCORES}),
    Case("Attention(use_scale=True, score_mode='concat')", PLAIN_KEYED, options={"use_causal_mask": True}),
    Case("AdditiveAttention()", PLAIN),
    Case("AdditiveAttention(use_scale=False, name='mine')", PLAIN_KEYED, options=SCORES),
    Case("AdditiveAttention(dropout=0.2)", PLAIN_KEYED, options={"mask": [Mask((2, 5)), Mask((2, 7))]}),
    Case("AdditiveAttention()", PLAIN, options={"mask": [None, BLIND], "use_causal_mask": True}, gradient=False),
]
