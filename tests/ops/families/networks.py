"""Cases of activations and norms."""

from ops.case import Case

DEEP = [(3, 2, 4)]
PLAIN = (
    "relu relu6 sigmoid silu swish softplus softsign elu selu celu gelu leaky_relu hard_sigmoid hard_silu "
    "hard_swish hard_tanh hard_shrink soft_shrink tanh_shrink log_sigmoid squareplus sparse_plus sparse_sigmoid "
    "softmax log_softmax sparsemax glu normalize layer_normalization rms_normalization"
)
KEYS = (3, 6, 2, 5)
VECTORS = [(3, 2, 4), (4,), ("positive", (4,)), (4,), (4,)]


def spread(ops, x, *vectors):
    """Batch normalization by vectors that are means over a batch of rows."""
    return ops.batch_normalization(x, *vectors[:2], axis=-1, offset=vectors[2], scale=vectors[3])


CASES = [
    *[Case(name, lambda ops, x, name=name: getattr(ops, name)(x), DEEP) for name in PLAIN.split()],
    Case("norm", lambda ops, x: ops.norm(x), DEEP, empty=False),
    Case("softmax_of_whole", lambda ops, x: ops.softmax(x), [(5, (3, 4))], smooth=False),
    Case("elu_alpha", lambda ops, x: ops.elu(x, alpha=0.5)),
    Case("celu_alpha", lambda ops, x: ops.celu(x, alpha=0.5)),
    Case("gelu_exact", lambda ops, x: ops.gelu(x, approximate=False)),
    Case("leaky_relu_slope", lambda ops, x: ops.leaky_relu(x, negative_slope=0.4)),
    Case("squareplus_b", lambda ops, x: ops.squareplus(x, b=2)),
    Case("threshold", lambda ops, x: ops.threshold(x, 0.3, 7.0)),
    Case("softmax_axis", lambda ops, x: ops.softmax(x, axis=1), DEEP),
    Case("softmax_axes", lambda ops, x: ops.softmax(x, axis=(1, 2)), DEEP),
    Case("log_softmax_axis", lambda ops, x: ops.log_softmax(x, axis=1), DEEP),
    Case("glu_axis", lambda ops, x: ops.glu(x, axis=1), DEEP),
    Case("norm_axis", lambda ops, x: ops.norm(x, axis=-1, keepdims=True), DEEP),
    Case("norm_1", lambda ops, x: ops.norm(x, ord=1, axis=-1), DEEP),
    Case("norm_3", lambda ops, x: ops.norm(x, ord=3, axis=1), DEEP),
    Case("norm_max", lambda ops, x: ops.norm(x, ord=float("inf"), axis=1), DEEP),
    Case("norm_of_matrices", lambda ops, x: ops.norm(x, axis=(1, 2)), DEEP),
    Case("norm_fro", lambda ops, x: ops.norm(x, ord="fro", axis=(1, 2), keepdims=True), DEEP),
    Case("norm_of_columns", lambda ops, x: ops.norm(x, ord=1, axis=(1, 2)), DEEP),
    Case("norm_of_rows", lambda ops, x: ops.norm(x, ord=float("inf"), axis=(1, 2)), DEEP),
    Case("normalize_axis", lambda ops, x: ops.normalize(x, axis=1), DEEP),
    Case("normalize_1", lambda ops, x: ops.normalize(x, order=1), DEEP),
    Case("normalize_3", lambda ops, x: ops.normalize(x, order=3), DEEP),
    Case("moments", lambda ops, x: ops.moments(x, axes=[1]), DEEP),
    Case("moments_kept", lambda ops, x: ops.moments(x, axes=[0, 2], keepdims=True)[1], DEEP),
    Case(
        "layer_normalization_scaled",
        lambda ops, x, g, b: ops.layer_normalization(x, g, b, epsilon=1e-3),
        [(5, 2, 4), (4,), (4,)],
        fixed=True,
    ),
    Case("layer_normalization_axes", lambda ops, x: ops.layer_normalization(x, axis=[1, 2]), DEEP),
    Case("rms_normalization_scaled", lambda ops, x, g: ops.rms_normalization(x, g), [(5, 2, 4), (4,)], fixed=True),
    Case("batch_normalization", spread, VECTORS, fixed=True),
    Case("average_pool", lambda ops, x: ops.average_pool(x, 2, strides=2), [(3, 5, 6, 2)]),
    Case("average_pool_same", lambda ops, x: ops.average_pool(x, 3, 2, "same"), [(3, 7, 2)]),
    Case("max_pool", lambda ops, x: ops.max_pool(x, (2, 3), strides=(1, 2)), [(3, 5, 6, 2)]),
    Case(
        "attention", lambda ops, q, k, v: ops.dot_product_attention(q, k, v), [(3, 4, 2, 5), (3, 6, 2, 5), (3, 6, 2, 5)]
    ),
    Case(
        "attention_biased",
        lambda ops, q, k, b: ops.dot_product_attention(q, k, k, bias=b, scale=0.3),
        [(3, 4, 2, 5), (3, 6, 2, 5), (3, 2, 4, 6)],
    ),
    Case("attention_causal", lambda ops, q: ops.dot_product_attention(q, q, q, is_causal=True), [(3, 4, 2, 5)]),
    Case(
        "attention_masked",
        lambda ops, q, m: ops.dot_product_attention(q, q, q, mask=m),
        [(3, 4, 2, 5), ("bool", (3, 2, 4, 4))],
    ),
    Case("attention_groups", lambda ops, q, k: ops.dot_product_attention(q, k, k), [(3, 4, 4, 5), (3, 6, 2, 5)]),
    Case("resize", lambda ops, x: ops.image.resize(x, (7, 3)), [(3, 4, 5, 2)]),
    Case("resize_nearest", lambda ops, x: ops.image.resize(x, (2, 8), interpolation="nearest"), [(3, 4, 5, 2)]),
]
