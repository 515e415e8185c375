"""Nets trained for 20 steps, built alike from Keras and from nnlite: every kind of layer, loss and penalty at work.

Nothing trains through a gradient that is zero but for rounding (a bias before BatchNormalization), which Adam would
blow up to a full step of random sign.
"""

from __future__ import annotations

import numpy as np
from golden import cases

ROWS, BATCH = 40, 10


def mlp(k):
    """Softmax classifier; Nesterov momentum, weight and activity penalties, weight decay."""
    layers = [
        k.layers.Dense(16, "relu", kernel_regularizer="l2", activity_regularizer=k.regularizers.L2(0.01)),
        k.layers.Dropout(0.0),
        k.layers.Dense(12, "gelu", kernel_regularizer=k.regularizers.L1L2(1e-3, 1e-3), bias_regularizer="l1"),
        k.layers.Dense(3, "softmax"),
    ]
    optimizer = k.optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01)
    return (7,), layers, optimizer, "sparse_categorical_crossentropy", ["accuracy"], (3, "labels"), {"weighted": True}


def cnn(k):
    """Convolutions with batch normalization on one-channel images; Adam with amsgrad."""
    layers = [
        k.layers.Rescaling(0.5, offset=0.1),
        k.layers.Conv2D(6, 3, padding="same", use_bias=False),
        k.layers.BatchNormalization(momentum=0.8),
        k.layers.ReLU(),
        k.layers.MaxPooling2D(),
        k.layers.Conv2D(8, (2, 3), strides=2, padding="same", activation="silu", groups=2),
        k.layers.BatchNormalization(scale=False),
        k.layers.GlobalAveragePooling2D(),
        k.layers.Dense(4),
    ]
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = k.optimizers.Adam(0.01, amsgrad=True)
    return (9, 8, 1), layers, optimizer, loss, ["acc"], (4, "labels"), {"class_weight": {0: 0.5, 3: 2.0}}


def series(k):
    """Causal convolutions over time; centered RMSprop, smoothed labels, row weights."""
    layers = [
        k.layers.Conv1D(8, 3, padding="causal", activation="tanh"),
        k.layers.LayerNormalization(),
        k.layers.Conv1D(
            8, 2, padding="causal", dilation_rate=2, kernel_constraint=k.constraints.MaxNorm(0.9, axis=[0, 1])
        ),
        k.layers.LeakyReLU(),
        k.layers.MaxPooling1D(3, strides=2, padding="same"),
        k.layers.Flatten(),
        k.layers.Dense(1, "sigmoid", kernel_initializer="he_normal"),
    ]
    loss = k.losses.BinaryCrossentropy(label_smoothing=0.1)
    optimizer = k.optimizers.RMSprop(0.003, momentum=0.5, centered=True)
    metrics = ["accuracy", k.metrics.Precision(), k.metrics.Recall(name="recall")]
    return (11, 3), layers, optimizer, loss, metrics, (1, "binary"), {"weighted": True}


def channels_first(k):
    """Images with channels first; AdamW on a schedule, one-hot targets, every shape-changing layer."""
    first = {"data_format": "channels_first"}
    layers = [
        k.layers.ZeroPadding2D(((1, 0), (0, 2)), **first),
        k.layers.Conv2D(6, 3, dilation_rate=2, use_bias=False, **first),
        k.layers.BatchNormalization(axis=1, center=True, momentum=0.7),
        k.layers.PReLU(shared_axes=[2, 3]),
        k.layers.AveragePooling2D(2, padding="same", **first),
        k.layers.SpatialDropout2D(0.0, **first),
        k.layers.Permute((2, 3, 1)),
        k.layers.Reshape((-1, 6)),
        k.layers.GlobalMaxPooling1D(),
        k.layers.Dense(3),
        k.layers.Softmax(),
    ]
    loss = k.losses.CategoricalCrossentropy(label_smoothing=0.05)
    rate = k.optimizers.schedules.CosineDecay(0.001, 40, alpha=0.1, warmup_target=0.01, warmup_steps=4)
    optimizer = k.optimizers.AdamW(rate, weight_decay=0.05, clipnorm=1.0)
    metrics = [k.metrics.TopKCategoricalAccuracy(2, name="top"), "accuracy"]
    return (2, 8, 7), layers, optimizer, loss, metrics, (3, "onehot"), {}


def regression(k):
    """Two numbers from a frozen and a trained part; accumulated gradients, averaged weights."""
    frozen = k.layers.BatchNormalization()
    frozen.trainable = False
    layers = [
        k.layers.Dense(10, "selu", kernel_constraint="unit_norm"),
        frozen,
        k.layers.ELU(0.8),
        k.layers.Dense(6, "softplus", bias_constraint="non_neg"),
        k.layers.Dense(2),
    ]
    optimizer = k.optimizers.Adam(
        0.02, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.9, global_clipnorm=0.5
    )
    return (5,), layers, optimizer, k.losses.Huber(0.7), ["mae", "mse"], (2, "numbers"), {"weighted": True}


def lone_optimizer_defaults(k):
    """What strings alone give: "rmsprop" and "mae", nested in a Sequential."""
    inner = k.Sequential([k.layers.Dense(8, "mish"), k.layers.Dense(8, "hard_silu", use_bias=False)], name="inner")
    layers = [inner, k.layers.Activation("softsign"), k.layers.Dense(2, "exponential")]
    metrics = [k.metrics.RootMeanSquaredError(), "mean_absolute_error"]
    return (6,), layers, "rmsprop", "mae", metrics, (2, "numbers"), {}


CURVES = {made.__name__: made for made in (mlp, cnn, series, channels_first, regression, lone_optimizer_defaults)}


def targets(count, kind, x, stream):
    """Targets that depend on x."""
    flat = x.reshape(len(x), -1)
    score = flat @ stream.normal(size=(flat.shape[1], max(count, 2))).astype("float32")
    if kind == "numbers":
        return np.tanh(score)
    if kind == "binary":
        return (score[:, :1] > 0).astype("float32")
    labels = score.argmax(1)
    return np.eye(count, dtype="float32")[labels] if kind == "onehot" else labels


def run(k, name):
    """Return what 20 single steps, two epochs of fit, evaluate and predict report."""
    shape, layers, optimizer, loss, metrics, (count, kind), options = CURVES[name](k)
    model = k.Sequential([k.Input(shape), *layers])
    model.compile(optimizer, loss, metrics=metrics)
    stream = cases.rng(name)
    model.set_weights(cases.weights(stream, [(w.name, w.shape) for w in model.weights]))
    x = cases.normal(stream, (ROWS, *shape))
    y = targets(count, kind, x, stream)
    weight = stream.uniform(0.2, 2, ROWS).astype("float32") if options.pop("weighted", False) else None
    steps = []
    for i in range(20):
        part = slice(i * BATCH % ROWS, i * BATCH % ROWS + BATCH)
        w = None if weight is None else weight[part]
        found = model.train_on_batch(x[part], y[part], sample_weight=w, **options, return_dict=True)
        steps.append({key: float(value) for key, value in found.items()})
    predicted = model.predict(x[:4], verbose=0)
    history = model.fit(
        *(x, y, 12, 2), sample_weight=weight, shuffle=False, validation_split=0.3, verbose=0, **options
    ).history
    return {
        "losses": [step["loss"] for step in steps],
        "last step": steps[-1],
        "predict": predicted.tolist(),
        "history": {key: [float(value) for value in values] for key, values in history.items()},
        "evaluate": [float(v) for v in model.evaluate(x, y, batch_size=16, sample_weight=weight, verbose=0)],
        "test_on_batch": [float(v) for v in model.test_on_batch(x[:7], y[:7])],
        "predict after": model.predict(x[:4], verbose=0).tolist(),
        "sums of weights": [float(np.asarray(w, "float64").sum()) for w in model.get_weights()],
        "paths": [w.path.split("/", 1)[-1] for w in model.weights],
        "iterations": int(model.optimizer.iterations),
    }
