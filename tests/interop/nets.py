"""Architectures that nnlite and Keras build from the same code, and the data to try them on.

``build(keras, index)`` returns the model with the number ``index``; the first are chosen by hand, so that every family
of layers is among them, the rest are random graphs. Everything is drawn from a generator seeded with the number.
"""

from __future__ import annotations

import numpy as np

try:  # beside the worker, or in the package
    from families import FAMILIES, SINCE, TOLERANCE
except ImportError:
    from tests.interop.families import FAMILIES, SINCE, TOLERANCE

# How far outputs may be apart, and losses in proportion.
OUTPUTS, LOSSES = 1e-4, 1e-3


def conv(keras, layers):
    """A convolutional net with every statistic in use."""
    x = keras.Input((12, 12, 2))
    y = layers.Conv2D(4, 3, padding="same", use_bias=False)(x)
    y = layers.Activation("relu")(layers.BatchNormalization()(y))
    y = layers.MaxPooling2D()(layers.SeparableConv2D(5, 3, padding="same")(y))
    y = layers.DepthwiseConv2D(3, depth_multiplier=2)(y)
    y = layers.AveragePooling2D(2, padding="same")(layers.PReLU(shared_axes=[1, 2])(y))
    y = layers.Conv2DTranspose(3, 2, strides=2)(layers.ZeroPadding2D(1)(y))
    y = layers.Dense(3, activation="softmax")(layers.Dropout(0.0)(layers.Flatten()(y)))
    return keras.Model(x, y)


def residual(keras, layers):
    """Additions, a strided shortcut and group normalization."""
    x = keras.Input((8, 8, 4))
    y = layers.Conv2D(8, 3, strides=2, padding="same")(x)
    y = layers.GroupNormalization(4)(y)
    y = layers.Add()([layers.Conv2D(8, 1, strides=2)(x), layers.ReLU()(y)])
    y = layers.Concatenate()([layers.GlobalMaxPooling2D()(y), layers.GlobalAveragePooling2D()(y)])
    return keras.Model(x, layers.Dense(2)(y))


def recurrent(keras, layers):
    """Masked sequences of whole numbers through recurrent layers, forward and backward."""
    ids = keras.Input((6,), dtype="int32")
    y = layers.Embedding(9, 5, mask_zero=True)(ids)
    y = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(y)
    y = layers.GRU(3, return_sequences=True)(y)
    return keras.Model(ids, layers.Dense(2)(layers.SimpleRNN(3)(y)))


def states(keras, layers):
    """An encoder hands its states to a decoder."""
    a, b = keras.Input((5, 3)), keras.Input((4, 2))
    _, h, c = layers.LSTM(4, return_state=True)(a)
    y = layers.LSTM(4, return_sequences=True)(b, initial_state=[h, c])
    return keras.Model([a, b], layers.TimeDistributed(layers.Dense(2))(y))


def attention(keras, layers):
    """A block of attention with sums around it."""
    x = keras.Input((5, 8))
    y = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4)(x, x) + x)
    y = layers.LayerNormalization()(layers.Dense(8)(layers.Dense(12, activation="gelu")(y)) + y)
    return keras.Model(x, layers.Dense(1)(layers.GlobalAveragePooling1D()(y)))


def shared(keras, layers):
    """One row of layers for two inputs."""
    row = keras.Sequential([keras.Input((4,)), layers.Dense(5, activation="tanh"), layers.BatchNormalization()])
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    return keras.Model([a, b], layers.Dense(1)(layers.Subtract()([row(a), row(b)])))


def named(keras, layers):
    """Inputs and outputs by name."""
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    h = layers.Dense(4, activation="relu")(a)
    return keras.Model({"a": a, "b": b}, {"z": layers.Dense(1)(h), "k": layers.Dense(2)(layers.concatenate([h, b]))})


def nested(keras, layers):
    """Models in a model, one of them called twice."""
    x = keras.Input((4,))
    inner = keras.Model(x, layers.Dense(4, activation="tanh")(x) + x, name="inner")
    row = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.LayerNormalization()], name="row")
    y = keras.Input((4,))
    return keras.Model(y, inner(row(inner(y))))


def operators(keras, layers):
    """Arithmetic and slices of symbols."""
    x = keras.Input((6, 3))
    y = (layers.Dense(3)(x)[:, 1:4] * 2.0 + x[:, :3] - 0.5) / 3.0
    return keras.Model(x, layers.Flatten()(y))


def row(keras, layers):
    """A plain Sequential."""
    return keras.Sequential(
        [
            keras.Input((10, 3)),
            layers.Conv1D(4, 3, padding="causal", activation="relu"),
            layers.SpatialDropout1D(0.0),
            layers.UpSampling1D(2),
            layers.Cropping1D(1),
            layers.GlobalMaxPooling1D(),
            layers.Dense(2, kernel_regularizer="l2"),
        ]
    )


CHOSEN = [conv, residual, recurrent, states, attention, shared, named, nested, operators, row, *FAMILIES]


def random_graph(keras, layers, rng):
    """Between two and eleven random calls between one to three inputs and outputs."""
    inputs = [keras.Input((4,), name=f"in{i}") for i in range(int(rng.integers(1, 4)))]
    pool, again = list(inputs), layers.Dense(4, activation="tanh")
    x = keras.Input((4,))
    inner = keras.Model(x, layers.Dense(4, activation="sigmoid")(x) + x)
    stack = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="relu"), layers.LayerNormalization()])
    calls = [
        lambda *x: layers.Dense(4, activation="relu")(x[0]),
        lambda *x: again(x[0]),
        lambda *x: layers.Add()(list(x[:2])),
        lambda *x: layers.Dense(4)(layers.Concatenate()(list(x))),
        lambda *x: inner(x[0]),
        lambda *x: stack(x[0]),
        lambda *x: layers.Multiply()(list(x[:2])),
        lambda *x: x[0] * 0.5 + 1.0,
        lambda *x: layers.BatchNormalization()(x[0]),
        lambda *x: layers.Average()(list(x)),
        lambda *x: layers.Maximum()(list(x[:2])),
    ]
    for _ in range(int(rng.integers(2, 12))):
        picked = [pool[int(rng.integers(len(pool)))] for _ in range(3)]
        pool.append(calls[int(rng.integers(len(calls)))](*picked))
    if len(inputs) > 1:  # early Keras 3 takes no input that no output needs
        pool.append(layers.Average()([pool[-1], *inputs]))
    chosen = [pool[-1], *(pool[int(rng.integers(len(pool)))] for _ in range(int(rng.integers(3))))]
    outputs = [layers.Dense(i + 1)(symbol) for i, symbol in enumerate(chosen)]
    if rng.integers(2):
        return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])
    return keras.Model({x.name: x for x in inputs}, {f"k{2 * i % 3}": y for i, y in enumerate(outputs)})


def build(keras, index):
    """Return a compiled model, its inputs and its targets."""
    keras.utils.clear_session()
    rng = np.random.default_rng(index)
    made = CHOSEN[index](keras, keras.layers) if index < len(CHOSEN) else random_graph(keras, keras.layers, rng)
    adam = {"optimizer": keras.optimizers.Adam(0.01), "loss": "mse"}
    model, arguments = made if isinstance(made, tuple) else (made, adam)
    names = [weight.path.rsplit("/", 1)[-1] for weight in model.weights]
    arrays = [0.4 * rng.normal(size=weight.shape) for weight in model.weights]
    for index, (name, weight) in enumerate(zip(names, model.weights, strict=True)):
        if name in ("mean", "variance", "count"):  # learned by adapt
            arrays[index] = np.array(weight)
        elif "variance" in name:
            arrays[index] = np.abs(arrays[index]) + 1
    model.set_weights(arrays)
    model.compile(**arguments)
    return model, *data(model, rng)


def known(keras, index):
    """Return whether a version of Keras has what a net is made of."""
    if keras.__name__ != "keras":
        return True
    version = tuple(int(part) for part in keras.__version__.split(".")[:2])
    if version < SINCE.get(name_of(index), (3, 3)):
        return False
    # The loss of outputs by name is 0 in 3.3.
    return version >= (3, 10) or not isinstance(build(keras, index)[0].output_shape, dict)


def data(model, rng):
    """Return inputs and targets for twelve rows, in the model's forms."""

    def draw(symbol):
        if "int" in str(symbol.dtype):
            return np.sort(rng.integers(0, 9, (12, *symbol.shape[1:])))[:, ::-1].astype("int32")
        return rng.normal(size=(12, *symbol.shape[1:])).astype("float32")

    def drawn(form):
        if isinstance(form, dict):
            return {key: draw(form[key]) for key in sorted(form)}
        if isinstance(form, (list, tuple)):
            return [draw(symbol) for symbol in form] if len(form) > 1 else draw(form[0])
        return draw(form)

    single = type(model).__name__ == "Sequential"
    return (drawn(model.inputs), drawn(model.outputs)) if single else (drawn(model.input), drawn(model.output))


def name_of(index):
    """Return the name of a net for the table."""
    return CHOSEN[index].__name__ if index < len(CHOSEN) else f"random {index}"


def good(index, result):
    """Return whether outputs and losses are as near as they should be."""
    allowed = TOLERANCE.get(name_of(index), 0.0)
    return result["outputs"] <= max(OUTPUTS, allowed) and result["losses"] <= max(LOSSES, allowed)
