"""What is recorded from real Keras and replayed in nnlite: expressions that mean the same under both names.

``record.py`` evaluates each expression with Keras's modules, the tests with nnlite's. Inputs, weights and output
gradients are drawn from a generator seeded by the case's name, so only results are stored.
"""

import zlib

import numpy as np
from golden.layer_cases import LAYERS  # noqa: F401


def rng(name):
    """The random stream of a case."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def normal(stream, shape):
    """Normal numbers of a shape, float32."""
    return stream.normal(size=shape).astype("float32")


def weights(stream, variables):
    """Values for variables, given as (name, shape); variances are positive."""
    values = []
    for name, shape in variables:
        value = normal(stream, shape) * np.float32(0.5)
        values.append(np.abs(value) + np.float32(0.5) if "variance" in name else value)
    return values


ACTIVATIONS = [
    "relu(x)",
    "relu(x, negative_slope=0.1, max_value=2.0, threshold=0.5)",
    "sigmoid(x)",
    "tanh(x)",
    "softmax(x)",
    "softmax(x, axis=0)",
    "log_softmax(x)",
    "linear(x)",
    "elu(x)",
    "elu(x, alpha=0.5)",
    "selu(x)",
    "gelu(x)",
    "gelu(x, approximate=True)",
    "silu(x)",
    "softplus(x)",
    "softsign(x)",
    "leaky_relu(x)",
    "leaky_relu(x, negative_slope=0.4)",
    "exponential(x)",
    "hard_sigmoid(x)",
    "hard_silu(x)",
    "relu6(x)",
    "mish(x)",
]


def activation_input():
    """Where activations are compared: random values, and far out."""
    x = normal(rng("activations"), (4, 30)) * 3
    x[0, :6] = [0.25, -0.25, 20, -20, 60, -60]
    return x


# (expression, kind of targets, kind of weights)
LOSSES = [
    (f"{name}({options})", kind, weight)
    for name, kind, variants in [
        ("MeanSquaredError", "number", ["", "reduction='sum'", "reduction='none'"]),
        ("MeanAbsoluteError", "number", ["", "reduction='mean_with_sample_weight'"]),
        ("Huber", "number", ["", "delta=0.3"]),
        ("BinaryCrossentropy", "binary", ["", "label_smoothing=0.1", "reduction='sum'"]),
        ("BinaryCrossentropy", "binary_logits", ["from_logits=True", "from_logits=True, label_smoothing=0.2"]),
        ("CategoricalCrossentropy", "onehot", ["", "label_smoothing=0.1", "reduction='none'"]),
        ("CategoricalCrossentropy", "onehot_logits", ["from_logits=True", "from_logits=True, label_smoothing=0.2"]),
        ("SparseCategoricalCrossentropy", "sparse", ["", "ignore_class=1", "reduction='mean_with_sample_weight'"]),
        ("SparseCategoricalCrossentropy", "sparse_logits", ["from_logits=True", "from_logits=True, ignore_class=0"]),
        ("SparseCategoricalCrossentropy", "sparse_column", [""]),
        ("SparseCategoricalCrossentropy", "sparse_pixels", ["", "from_logits=True"]),
        ("MeanSquaredError", "number_flat", [""]),
    ]
    for options in variants
    for weight in ("none", "row", "column")
    if not (weight == "column" and ("none" in options or kind == "sparse_pixels"))
    and not (weight == "row" and kind == "sparse_pixels")
]
LOSSES += [
    (f"{name}({options})", kind, weight)
    for name, kind, variants, kinds_of_weight in [
        ("MeanSquaredError", "number_series", ["", "reduction='mean_with_sample_weight'"], ["none", "column", "steps"]),
        ("MeanAbsoluteError", "number_series", ["", "reduction='sum'"], ["column", "steps"]),
        ("MeanAbsoluteError", "number_flat", ["", "reduction=None"], ["none", "row"]),
        ("Huber", "number_column", ["", "delta=2.5"], ["none", "row", "zero"]),
        ("Huber", "number", ["reduction='mean_with_sample_weight'"], ["zero"]),
        ("BinaryCrossentropy", "binary_column", ["", "from_logits=True"], ["none", "row", "column"]),
        ("BinaryCrossentropy", "binary_saturated", [""], ["none"]),
        ("BinaryCrossentropy", "binary_far_logits", ["from_logits=True"], ["none"]),
        ("BinaryCrossentropy", "binary_integers", ["", "axis=0"], ["none"]),
        ("CategoricalCrossentropy", "onehot_series", ["", "label_smoothing=0.3"], ["none", "column", "steps"]),
        ("CategoricalCrossentropy", "onehot_series", ["axis=1", "from_logits=True, axis=1"], ["none"]),
        ("CategoricalCrossentropy", "onehot_saturated", [""], ["none"]),
        ("CategoricalCrossentropy", "onehot_far_logits", ["from_logits=True"], ["none"]),
        ("CategoricalCrossentropy", "onehot_integers", ["reduction='sum'"], ["none", "row"]),
        ("SparseCategoricalCrossentropy", "sparse_series", ["", "from_logits=True"], ["none", "column", "steps"]),
        ("SparseCategoricalCrossentropy", "sparse_series", ["ignore_class=-1"], ["none", "steps"]),
        ("SparseCategoricalCrossentropy", "sparse_series", ["ignore_class=2, reduction='sum'"], ["none", "steps"]),
        ("SparseCategoricalCrossentropy", "sparse_series", ["ignore_class=0, reduction='none'"], ["none"]),
        ("SparseCategoricalCrossentropy", "sparse_all_one", ["ignore_class=1"], ["none", "row"]),
        ("SparseCategoricalCrossentropy", "sparse_saturated", [""], ["none"]),
        ("SparseCategoricalCrossentropy", "sparse_far_logits", ["from_logits=True"], ["none"]),
        ("SparseCategoricalCrossentropy", "sparse_floats", ["from_logits=True"], ["none", "column"]),
    ]
    for options in variants
    for weight in kinds_of_weight
]


def targets(kind, stream):
    """(y_true, y_pred) of a kind."""
    n, classes = 6, 4
    if kind == "number":
        return normal(stream, (n, 3)), normal(stream, (n, 3))
    if kind == "number_flat":
        return normal(stream, (n,)), normal(stream, (n, 1))
    if kind == "number_column":
        return normal(stream, (n, 1)), normal(stream, (n, 1)) * 3
    if kind == "number_series":
        return normal(stream, (n, 5, 3)), normal(stream, (n, 5, 3))
    if kind.endswith("_saturated"):
        return saturated(kind)
    if kind == "binary_column":
        return stream.integers(0, 2, n).astype("float32"), stream.uniform(0.05, 0.95, (n, 1)).astype("float32")
    if kind == "binary_integers":
        return stream.integers(0, 2, (n, 2)), stream.uniform(0.05, 0.95, (n, 2)).astype("float32")
    if kind.endswith("_series"):
        y, p = stream.integers(0, classes, (n, 5)), stream.uniform(0.1, 2, (n, 5, classes)).astype("float32")
        return (np.eye(classes, dtype="float32")[y], p) if kind.startswith("onehot") else (y, p)
    if kind == "sparse_all_one":
        return np.ones(n, "int64"), stream.uniform(0.1, 2, (n, classes)).astype("float32")
    if kind.startswith("binary"):
        y, p = stream.integers(0, 2, (n, 2)).astype("float32"), normal(stream, (n, 2)) * 2
        p *= 50 if "_far_" in kind else 1
        return y, p if kind.endswith("logits") else (1 / (1 + np.exp(-p))).astype("float32")
    if kind == "sparse_pixels":
        return stream.integers(0, classes, (n, 2, 3)), np.exp(normal(stream, (n, 2, 3, classes)))
    y, p = stream.integers(0, classes, n), normal(stream, (n, classes)) * 2
    if "_far_" in kind:
        p *= 100
    if not kind.endswith("logits"):
        p = np.exp(p)  # not normalized: Keras does that
    if kind.startswith("onehot"):
        y = np.eye(classes, dtype="int32" if kind.endswith("integers") else "float32")[y]
    if kind == "sparse_floats":
        y = y.astype("float32")
    return (y[:, None] if kind == "sparse_column" else y), p


def saturated(kind):
    """(y_true, y_pred) with probabilities of exactly 0 and 1, right and wrong, and just inside and outside the clip."""
    if kind.startswith("binary"):
        p = np.array([[0, 1, 1e-8, 1e-7, 2e-7, 1 - 1e-6, 0.5]], "float32")
        return np.repeat([[0.0], [1.0]], 7, axis=1).astype("float32"), np.repeat(p, 2, axis=0)
    p = np.array([[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0], [1, 1e-8, 1e-9], [3, 3e-6, 1]], "float32")
    y = np.array([0, 0, 2, 1, 1])
    return (np.eye(3, dtype="float32")[y], p) if kind.startswith("onehot") else (y, p)


def sample_weight(kind, stream):
    """Weights of the six samples, or of their five steps."""
    w = stream.uniform(0, 2, 6).astype("float32")
    if kind == "steps":
        return stream.uniform(0, 2, (6, 5)).astype("float32")
    return {"none": None, "row": w, "column": w[:, None], "zero": w * 0}[kind]


OPTIMIZERS = [
    "SGD(0.1)",
    "SGD(0.1, momentum=0.9)",
    "SGD(0.1, momentum=0.9, nesterov=True)",
    "SGD(0.1, weight_decay=0.1)",
    "SGD(0.1, clipvalue=0.1)",
    "SGD(0.1, global_clipnorm=0.1)",
    "SGD(0.1, use_ema=True, ema_momentum=0.9)",
    "SGD(0.1, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2)",
    "SGD(0.1, gradient_accumulation_steps=2)",
    "SGD(0.1, loss_scale_factor=4.0)",
    "RMSprop(0.1)",
    "RMSprop(0.1, momentum=0.9, centered=True)",
    "RMSprop(0.1, rho=0.5, epsilon=1e-3, clipnorm=0.2)",
    "Adam(0.1)",
    "Adam(0.1, amsgrad=True)",
    "Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=1e-3)",
    "Adam(0.1, clipnorm=0.1)",
    "Adam(0.1, gradient_accumulation_steps=3, use_ema=True)",
    "AdamW(0.1, weight_decay=0.1)",
    "AdamW(0.1, amsgrad=True)",
    "Adam(schedules.ExponentialDecay(0.1, 2, 0.5))",
    "SGD(schedules.ExponentialDecay(0.1, 2, 0.5, staircase=True), momentum=0.5)",
    "SGD(schedules.PiecewiseConstantDecay([2, 4], [0.3, 0.2, 0.1]))",
    "SGD(schedules.CosineDecay(0.1, 4, alpha=0.1))",
    "SGD(schedules.CosineDecay(0.01, 4, warmup_target=0.2, warmup_steps=3))",
    "SGD(schedules.PolynomialDecay(0.1, 3, power=2.0))",
    "SGD(schedules.PolynomialDecay(0.1, 2, cycle=True))",
    "SGD(schedules.InverseTimeDecay(0.1, 2, 0.5))",
    "SGD(schedules.CosineDecayRestarts(0.1, 2, m_mul=0.5))",
]
# Variables of more elements than one block or one thread takes, of which a few are recorded.
LARGE = [
    "SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01)",
    "RMSprop(0.01, momentum=0.5, centered=True, clipnorm=2.0)",
    "Adam(0.01, amsgrad=True, global_clipnorm=1.0, use_ema=True)",
    "AdamW(0.01, gradient_accumulation_steps=2)",
]
LARGE_SHAPES = [("kernel", (301, 523)), ("bias", (523,)), ("scale", ()), ("small", (7, 11))]


def some(array):
    """Return a few elements of a large array, its last one among them."""
    flat = np.asarray(array).ravel()
    return np.append(flat[:: max(1, flat.size // 53)], flat[-1:])


# (expression, kind of targets, kind of weights)
METRICS = [
    (expression, kind, weight)
    for expression, kind in [
        ("MeanSquaredError()", "number"),
        ("MeanAbsoluteError()", "number"),
        ("RootMeanSquaredError()", "number"),
        ("Accuracy()", "labels"),
        ("BinaryAccuracy()", "binary"),
        ("BinaryAccuracy(threshold=0.7)", "binary"),
        ("CategoricalAccuracy()", "onehot"),
        ("SparseCategoricalAccuracy()", "sparse"),
        ("SparseCategoricalAccuracy()", "sparse_column"),
        ("TopKCategoricalAccuracy(k=2)", "onehot"),
        ("SparseTopKCategoricalAccuracy(k=3)", "sparse"),
        ("Precision()", "binary"),
        ("Precision(thresholds=[0.3, 0.6])", "binary"),
        ("Recall()", "binary"),
        ("Recall(class_id=1)", "onehot_share"),
        ("Precision(top_k=2)", "onehot_share"),
        ("Recall(top_k=2, thresholds=0.1)", "onehot_share"),
        ("BinaryCrossentropy()", "binary"),
        ("BinaryCrossentropy(from_logits=True, label_smoothing=0.1)", "binary_logits"),
        ("CategoricalCrossentropy()", "onehot"),
        ("SparseCategoricalCrossentropy(from_logits=True)", "sparse_logits"),
    ]
    for weight in ("none", "row")
]
METRICS += [
    (expression, kind, weight)
    for expression, kind, kinds_of_weight in [
        ("MeanSquaredError()", "number_flat", ["none", "row", "column"]),
        ("MeanSquaredError()", "number_series", ["none", "row", "column", "steps"]),
        ("MeanAbsoluteError()", "number_series", ["none", "steps"]),
        ("RootMeanSquaredError()", "number_flat", ["none", "row"]),
        ("RootMeanSquaredError()", "number_series", ["none", "row", "steps"]),
        ("Accuracy()", "labels", ["column", "zero"]),
        ("BinaryAccuracy()", "binary_column", ["none", "row", "column"]),
        ("BinaryAccuracy(threshold=0.0)", "binary_logits", ["none", "row"]),
        ("BinaryAccuracy()", "ties", ["none"]),
        ("CategoricalAccuracy()", "onehot_series", ["none", "row", "steps"]),
        ("CategoricalAccuracy()", "onehot_integers", ["none", "column"]),
        ("CategoricalAccuracy()", "onehot_ties", ["none"]),
        ("SparseCategoricalAccuracy()", "sparse_series", ["none", "row", "steps"]),
        ("SparseCategoricalAccuracy()", "sparse_floats", ["none", "column"]),
        ("SparseCategoricalAccuracy()", "sparse_column", ["column"]),
        ("SparseCategoricalAccuracy()", "sparse_ties", ["none"]),
        ("TopKCategoricalAccuracy()", "onehot", ["none", "row"]),
        ("TopKCategoricalAccuracy(k=2)", "onehot_series", ["none", "steps"]),
        ("TopKCategoricalAccuracy(k=2)", "onehot_ties", ["none"]),
        ("SparseTopKCategoricalAccuracy(k=2)", "sparse_series", ["none", "row", "steps"]),
        ("SparseTopKCategoricalAccuracy(k=2)", "sparse_column", ["none", "row"]),
        ("SparseTopKCategoricalAccuracy(k=2)", "sparse_ties", ["none"]),
        ("Precision(thresholds=0.5)", "binary_column", ["none", "row", "column"]),
        ("Recall(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])", "binary", ["none", "row"]),
        ("Recall(thresholds=[0.0, 0.5, 1.0])", "ties", ["none"]),
        ("Precision()", "ties", ["none"]),
        ("Precision(top_k=1, class_id=2)", "onehot_share", ["none", "row"]),
        ("Recall(top_k=3, class_id=0, thresholds=0.2)", "onehot_share", ["none", "row"]),
        ("Precision(class_id=3, thresholds=[0.2, 0.4])", "onehot_share", ["none", "row"]),
        ("Precision(thresholds=0.99)", "zeros", ["none"]),
        ("BinaryCrossentropy(label_smoothing=0.2)", "binary", ["none", "column"]),
        ("CategoricalCrossentropy(label_smoothing=0.2)", "onehot_series", ["none", "steps"]),
        ("CategoricalCrossentropy(axis=1)", "onehot_series", ["none"]),
        ("SparseCategoricalCrossentropy()", "sparse_series", ["none", "row", "steps"]),
        ("SparseCategoricalCrossentropy(ignore_class=1)", "sparse", ["none", "row"]),
        ("MeanMetricWrapper(binary_accuracy, name='own', threshold=0.3)", "binary", ["none", "row"]),
    ]
    for weight in kinds_of_weight
]
# (class, shape of the values, shape of the weights)
TOTALS = [
    (name, shape, weight)
    for name in ("Mean", "Sum")
    for shape, weight in [
        *(((), None), ((), ()), ((6,), None), ((6,), (6,)), ((6,), (1,)), ((6,), ())),
        *(((6, 3), None), ((6, 3), (6,)), ((6, 3), (6, 1)), ((6, 3), (6, 3)), ((6, 1), (6,)), ((6, 5, 3), (6, 5))),
        *(((6, 5, 3), (6,)), ((0, 3), None)),
    ]
]


def metric_targets(kind, stream):
    """(y_true, y_pred) of a kind, for metrics."""
    if kind == "labels":
        return stream.integers(0, 2, (6, 1)).astype("float32"), stream.integers(0, 2, (6, 1)).astype("float32")
    if kind == "ties":  # at thresholds exactly
        return np.array([[0, 1, 1, 0, 1, 0]], "float32").T, np.array([[0.5, 0.5, 1, 0, 0, 1]], "float32").T
    if kind.endswith("_ties"):
        p = np.array([[1, 1, 1, 0], [0, 2, 2, 1], [0, 0, 1, 1], [3, 0, 3, 0], [0, 0, 0, 0], [1, 2, 2, 2]], "float32")
        y = np.array([0, 2, 3, 2, 3, 3])
        return (np.eye(4, dtype="float32")[y], p) if kind.startswith("onehot") else (y, p)
    if kind == "zeros":
        return np.zeros((6, 2), "float32"), np.zeros((6, 2), "float32")
    if kind == "onehot_share":
        y, p = targets("onehot", stream)
        return y, p / p.sum(-1, keepdims=True)
    return targets(kind, stream)


PROJECTIONS = [
    "constraints.MaxNorm(0.7)",
    "constraints.MaxNorm(0.7, axis=[0, 1])",
    "constraints.NonNeg()",
    "constraints.UnitNorm()",
    "constraints.MinMaxNorm(0.5, 1.0, rate=0.5, axis=1)",
]
PENALTIES = ["regularizers.L1(0.1)", "regularizers.L2(0.1)", "regularizers.L1L2(0.1, 0.2)"]
INITIALIZERS = [
    "Zeros()",
    "Ones()",
    "Constant(0.3)",
    "RandomNormal(0.1, 0.2, seed=1)",
    "RandomUniform(-0.2, 0.4, seed=1)",
    "TruncatedNormal(0.1, 0.2, seed=1)",
    "GlorotUniform(seed=1)",
    "GlorotNormal(seed=1)",
    "HeNormal(seed=1)",
    "HeUniform(seed=1)",
    "LecunNormal(seed=1)",
    "LecunUniform(seed=1)",
    "VarianceScaling(2.0, 'fan_out', 'untruncated_normal', seed=1)",
    "Orthogonal(2.0, seed=1)",
    "Identity(3.0)",
]
INITIALIZER_SHAPES = [(300, 200), (3, 3, 40, 60)]
