"""The training runs held against Keras: built alike by the recorder, from Keras, and by the test, from nnlite."""

from __future__ import annotations

import numpy as np

ROWS, WIDTH = 44, 5


def data(kind):
    """Inputs, targets and row weights; whole multiples of 1/8, so that text keeps them exactly."""
    rng = np.random.default_rng(3)
    x = (rng.integers(-16, 17, (ROWS, WIDTH)) / 8).astype("float32")
    score = x @ np.arange(-2, 3)
    weight = (rng.integers(0, 9, ROWS) / 4).astype("float32")
    if kind == "classes":
        return x, np.digitize(score, [-1, 1]).astype("int64"), weight
    if kind == "binary":
        return x, (score > 0).astype("float32")[:, None], weight
    return x, np.stack([score, score**2 / 4], axis=1).astype("float32"), weight


def classes(k):
    """Classifier with class weights, momentum, a validation split and metrics that are and are not weighted."""
    model = k.Sequential([k.Input((WIDTH,)), k.layers.Dense(4, "tanh"), k.layers.Dense(3, "softmax")])
    model.compile(
        k.optimizers.SGD(0.1, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", k.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
        weighted_metrics=["accuracy", "sparse_categorical_crossentropy"],
    )
    return model, {"validation_split": 0.4, "class_weight": {0: 0.5, 2: 3.0}}


def penalties(k):
    """Regression with weighted rows, weight and activity regularizers."""
    model = k.Sequential(
        [
            k.Input((WIDTH,)),
            k.layers.Dense(4, "sigmoid", kernel_regularizer=k.regularizers.L2(0.02), activity_regularizer="l1"),
            k.layers.Dense(2, bias_regularizer=k.regularizers.L2(0.1)),
        ]
    )
    model.compile(k.optimizers.Adam(0.02), k.losses.Huber(0.5), metrics=["mae", "mse"], weighted_metrics=["mse"])
    return model, {"weighted": True, "validation_freq": 2, "validate_on": 12}


def normalized(k):
    """Binary classifier with batch normalization, whose statistics validation uses."""
    model = k.Sequential(
        [
            k.Input((WIDTH,)),
            k.layers.Dense(6),
            k.layers.BatchNormalization(momentum=0.8),
            k.layers.Activation("relu"),
            k.layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(k.optimizers.RMSprop(0.01), "binary_crossentropy", metrics=["acc"])
    return model, {"validation_split": 0.3}


CASES = {"classes": classes, "regression": penalties, "binary": normalized}


def run(k, kind):
    """Train the case of this kind with the library ``k`` and return everything it reports."""
    model, options = CASES[kind](k)
    rng = np.random.default_rng(5)
    kernels = [(rng.integers(-8, 9, w.shape) / 16).astype("float32") if w.ndim == 2 else w for w in model.get_weights()]
    model.set_weights(kernels)
    x, y, weight = data(kind)
    weight = weight if options.pop("weighted", False) else None
    rows = options.pop("validate_on", 0)
    if rows:
        options["validation_data"] = (x[:rows], y[:rows], data(kind)[2][:rows])
    history = model.fit(x, y, 8, 4, verbose=0, shuffle=False, sample_weight=weight, **options)
    batch = model.train_on_batch(x[:10], y[:10])
    return {
        "history": history.history,
        "evaluate": model.evaluate(x, y, batch_size=10, verbose=0),
        "evaluate_dict": model.evaluate(x, y, batch_size=10, verbose=0, sample_weight=weight, return_dict=True),
        "train_on_batch": [float(v) for v in batch],
        "predict": model.predict(x[:3], verbose=0).tolist(),
    }
