"""Write small models of Keras 2.15: TensorFlow's functions, inner models, states, many layers; and their outputs.

TF_CPP_MIN_LOG_LEVEL=3 python tests/saving/keras_files/write_functions.py, with tensorflow-cpu==2.15.1
"""

import json
import pathlib

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from keras.src.engine.base_layer import TensorFlowOpLayer
from tensorflow import keras
from tensorflow.keras import layers as L  # noqa: N812

K = keras.backend
SIX = np.arange(6, dtype="float32")

# of one array (N, 4, 6)
ONE = {
    "operators": lambda x: [-x, abs(x), x + 1.5, 1.5 + x, x - 2, 2 - x, x * 3.0, 3 * x, x / 2, 2 / (x + 9.0), x**2],
    "operators_2": lambda x: [2.0**x, x // 2.0, x % 2.0, x + SIX, x + tf.constant(SIX), x @ np.ones((6, 2), "float32")],
    "activations": lambda x: [tf.nn.relu(x), tf.nn.relu6(x), tf.sigmoid(x), tf.nn.sigmoid(x), tf.tanh(x)],
    "activations_2": lambda x: [tf.nn.gelu(x), tf.nn.gelu(x, approximate=True), tf.nn.elu(x), tf.nn.selu(x)],
    "activations_3": lambda x: [tf.nn.leaky_relu(x), tf.nn.leaky_relu(x, alpha=0.1), tf.nn.silu(x), tf.nn.softplus(x)],
    "activations_4": lambda x: [tf.nn.softmax(x), tf.nn.softmax(x, axis=1), tf.nn.log_softmax(x), tf.nn.softsign(x)],
    "of_keras": lambda x: [getattr(keras.activations, name)(x) for name in ("relu", "hard_sigmoid", "swish", "gelu")],
    "of_keras_2": lambda x: [keras.activations.relu(x, alpha=0.2, max_value=1.0), keras.activations.exponential(x)],
    "reductions": lambda x: [tf.reduce_mean(x, axis=1), tf.reduce_mean(x, axis=[1, 2], keepdims=True)],
    "reductions_2": lambda x: [tf.reduce_sum(x, -1), tf.reduce_max(x, 1), tf.reduce_min(x, 1), tf.reduce_prod(x, 1)],
    "reductions_3": lambda x: [tf.math.reduce_std(x, 1), tf.math.reduce_variance(x, 1), tf.reduce_logsumexp(x, 1)],
    "positions": lambda x: [tf.argmax(x, axis=-1), tf.cumsum(x, axis=1), tf.math.top_k(x, 2)[0]],
    "norms": lambda x: [tf.norm(x, axis=-1), tf.math.l2_normalize(x, -1), tf.nn.l2_normalize(x, -1, epsilon=1e-3)],
    "backend": lambda x: [K.mean(x, axis=1), K.sum(x, axis=1, keepdims=True), K.square(x), K.expand_dims(x, -1)],
    "backend_2": lambda x: [K.l2_normalize(x, axis=-1), K.std(x, axis=1), K.clip(x, -0.5, 0.5), K.batch_flatten(x)],
    "backend_3": lambda x: [K.permute_dimensions(x, (0, 2, 1)), K.concatenate([x, x]), K.hard_sigmoid(x), K.sqrt(x)],
    "shapes": lambda x: [tf.reshape(x, (-1, 24)), tf.expand_dims(x, 1), tf.squeeze(tf.expand_dims(x, 1), axis=1)],
    "shapes_2": lambda x: [
        tf.transpose(x, [0, 2, 1]),
        tf.tile(x, [1, 2, 1]),
        tf.repeat(x, 2, axis=1),
        tf.reverse(x, [1]),
    ],
    "shapes_3": lambda x: [
        tf.roll(x, 1, axis=1),
        tf.pad(x, [[0, 0], [1, 1], [0, 2]]),
        tf.reshape(x, (tf.shape(x)[0], 24)),
    ],
    "shapes_4": lambda x: [
        tf.reshape(x, [tf.shape(x)[0], -1, 3]),
        K.reshape(x, (K.shape(x)[0], K.shape(x)[1], 2, 3)),
    ],
    "joining": lambda x: [tf.concat([x, x * 2], axis=-1), tf.stack([x, x], axis=1), tf.add_n([x, x])],
    "splitting": lambda x: [*tf.split(x, 2, axis=-1), tf.split(x, [1, 2, 3], axis=2)[1], tf.unstack(x, axis=1)[1]],
    "elementwise": lambda x: [tf.exp(x), tf.math.log1p(abs(x)), tf.math.rsqrt(abs(x) + 1), tf.square(x), tf.sign(x)],
    "elementwise_2": lambda x: [tf.round(x), tf.floor(x), tf.math.ceil(x), tf.sin(x), tf.math.erf(x), tf.identity(x)],
    "choosing": lambda x: [tf.where(x > 0, x, 0.0), tf.where(x > 0, x, tf.zeros_like(x)), tf.maximum(x, 0.0)],
    "casting": lambda x: [tf.cast(x > 0, tf.float32), tf.cast(x, "int32"), tf.one_hot(tf.cast(abs(x), tf.int32), 3)],
    "indexing": lambda x: [x[:, 0], x[:, 1:3, ::2], x[..., -1], x[:, None], x[:, :, tf.newaxis, 1:], x[:, -1, :]],
    "indexing_2": lambda x: [
        tf.gather(x, [0, 2], axis=1),
        tf.slice(x, [0, 1, 0], [-1, 2, -1]),
        tf.clip_by_value(x, -1, 1),
    ],
    "others": lambda x: [
        tf.nn.bias_add(x, SIX),
        tf.tensordot(x, np.ones((6, 2), "float32"), axes=1),
        tf.stop_gradient(x),
    ],
    "images": lambda x: [tf.image.resize(x[..., None], (8, 12))],
    "images_2": lambda x: [
        tf.nn.max_pool2d(x[..., None], 2, 1, "SAME"),
        tf.nn.avg_pool2d(x[..., None], [1, 3, 2, 1], [1, 2, 1, 1], "SAME"),
        tf.nn.depth_to_space(x[:, :, None, :4], 2),
        tf.nn.space_to_depth(x[..., None], 2),
        tf.image.flip_left_right(x),
        tf.image.flip_up_down(x[..., None]),
    ],
    "orders": lambda x: [
        tf.sort(x, axis=1),
        tf.sort(x, direction="DESCENDING"),
        tf.argsort(x, axis=1, direction="DESCENDING"),
        tf.cumsum(x, axis=1, reverse=True),
        tf.math.count_nonzero(x > 0, axis=1),
    ],
    "matrices": lambda x: [
        tf.linalg.diag_part(x),
        tf.linalg.band_part(x, -1, 0),
        tf.linalg.band_part(x, 1, 2),
        tf.math.reduce_euclidean_norm(x, axis=1),
        *tf.nn.moments(x, axes=[1, 2]),
    ],
    "indexing_3": lambda x: [
        tf.strided_slice(x, [0, 1, 0], [2, 3, 6], [1, 1, 2]),
        tf.strided_slice(x, [0, 1, 0], [0, 0, 6], begin_mask=1, end_mask=1, shrink_axis_mask=2),
        tf.nn.embedding_lookup(np.eye(6, dtype="float32"), tf.cast(abs(x), "int32")),
        tf.pad(x, [[0, 0], [1, 1], [0, 0]], constant_values=2.0),
        tf.math.scalar_mul(2.0, tf.ensure_shape(x, (None, 4, 6))),
    ],
}

# of two arrays (N, 4, 6)
TWO = {
    "pairs": lambda x, y: [x + y, x - y, x * y, x / (abs(y) + 1), tf.maximum(x, y), tf.minimum(x, y), tf.atan2(x, y)],
    "comparisons": lambda x, y: (
        [tf.cast(c, "float32") for c in (x > y, x <= y, (x > 0) & (y > 0))] + [tf.where(x > y, x, y)]
    ),
    "products": lambda x, y: [tf.matmul(x, y, transpose_b=True), tf.matmul(x, y, transpose_a=True)],
    "joined": lambda x, y: [tf.concat([x, y], axis=1), tf.stack([x, y], axis=-1), tf.add(x, y), tf.multiply(x, y)],
    "differences": lambda x, y: [tf.math.squared_difference(x, y)],
    "batch_dot": lambda x, y: [K.batch_dot(x, y, axes=2)],
}


def activations():
    """Functions of TensorFlow in the place of activations."""
    functions = (
        tf.nn.relu,
        tf.nn.leaky_relu,
        tf.nn.log_softmax,
        tf.identity,
        tf.exp,
        tf.tanh,
        tf.nn.gelu,
        tf.nn.softmax,
    )
    return keras.Sequential([keras.Input((4,)), *(L.Dense(4, activation=function) for function in functions)])


def local():
    """A kernel of its own at every place, in the forms that there were."""
    x = keras.Input((6, 5, 2))
    y = L.LocallyConnected2D(3, (3, 2), strides=(1, 2), activation="tanh")(x)
    y = L.LocallyConnected2D(2, 2, padding="same", implementation=2, data_format="channels_first")(y)
    y = L.LocallyConnected1D(2, 2, implementation=3)(L.Reshape((4, 3))(y))
    return keras.Model(x, [y, L.LocallyConnected1D(2, 2, data_format="channels_first")(y)])


def cut():
    """Layers of images that have other meanings today."""
    x = keras.Input((6, 8, 2))
    return keras.Model(x, L.RandomWidth(0.2)(L.RandomHeight(0.2)(L.RandomCrop(3, 3)(x))))


def bins():
    """Numbers to bins."""
    x = keras.Input((4,))
    edges = {"bin_boundaries": [-0.5, 0.0, 0.75]}
    outputs = [L.Discretization(**edges)(x)]
    return keras.Model(x, outputs + [L.Discretization(**edges, output_mode=m)(x) for m in ("multi_hot", "count")])


def nested():
    """Inner models, called twice, with inputs and outputs in dicts."""
    start = keras.Input((4,))
    h = L.Dense(5, activation="relu")(start)
    inner = keras.Model(start, [h, L.Dense(4)(h)], name="inner")
    early = keras.Sequential([L.Dense(4, activation="tanh", input_shape=(4,)), L.Dense(4)], name="early")
    late = keras.Sequential([L.Dense(4), L.ReLU()], name="late")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    (u, v), (w, z) = inner(a), inner(early(b))
    return keras.Model([a, b], [L.Add()([v, late(z), early(a)]), L.Concatenate()([u, w])])


def ends():
    """Outputs that are those of inner models."""
    start = keras.Input((4,))
    inner = keras.Model(start, L.Dense(3)(start), name="inner")
    other = keras.Sequential([L.InputLayer(input_shape=(4,)), L.Dense(2)], name="other")
    a, b = keras.Input((4,)), keras.Input((4,))
    return keras.Model([a, b], [inner(a), inner(b), other(b)])


def states():
    """States handed from one recurrent layer to another."""
    x = keras.Input((5, 3))
    o, h, c = L.LSTM(4, return_state=True, return_sequences=True)(x)
    g = L.GRU(4, return_sequences=True)(x, initial_state=h)
    return keras.Model(x, [L.LSTM(4)(x, initial_state=[h, c]), L.Bidirectional(L.GRU(3, return_sequences=True))(g), o])


def attention():
    """Keyword arguments that are arrays."""
    x, m = keras.Input((5, 6)), keras.Input((5,))
    a = L.MultiHeadAttention(2, 3)(x, x, attention_mask=m[:, None, :] > 0)
    n = L.LayerNormalization()(x + a)
    return keras.Model([x, m], L.Attention()([n, n]))


def recurrent():
    """Cells, two kinds of layers in one, and a GRU of old."""
    x = keras.Input((5, 3))
    y = L.RNN([L.LSTMCell(4), L.SimpleRNNCell(4)], return_sequences=True)(x)
    back = L.GRU(2, return_sequences=True, go_backwards=True)
    y = L.Bidirectional(L.LSTM(2, return_sequences=True), backward_layer=back, merge_mode="sum")(y)
    return keras.Model(x, L.GRU(3, reset_after=False, recurrent_activation="hard_sigmoid")(y))


def images():
    """Every layer of images in a row."""
    x = keras.Input((8, 8, 3))
    y = x
    for layer in (
        *(L.Rescaling(1 / 255.0), L.RandomFlip(), L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomContrast(0.1)),
        *(L.RandomTranslation(0.1, 0.1), L.Resizing(4, 4), L.CenterCrop(3, 3), L.ZeroPadding2D(1), L.Conv2D(4, 3)),
        *(L.SeparableConv2D(4, 3, padding="same"), L.DepthwiseConv2D(2, depth_multiplier=2), L.BatchNormalization()),
        *(L.Conv2DTranspose(3, 3, strides=2), L.PReLU(shared_axes=[1, 2]), L.ReLU(6.0), L.LeakyReLU(0.2)),
        *(L.ThresholdedReLU(0.1), L.SpatialDropout2D(0.2), L.GaussianNoise(0.1), L.GaussianDropout(0.1)),
        *(L.AlphaDropout(0.1), L.UpSampling2D(2, interpolation="bilinear"), L.Cropping2D(1), L.GroupNormalization(3)),
        *(L.UnitNormalization(), L.ActivityRegularization(l2=0.1), L.Softmax(), L.ELU(), L.Permute((2, 1, 3))),
        *(L.Flatten(), L.RepeatVector(3), L.TimeDistributed(L.Dense(3)), L.Conv1D(3, 2, kernel_regularizer="l2")),
        *(L.Reshape((-1,)), L.Dense(2, activation=L.LeakyReLU(0.1), kernel_constraint=keras.constraints.MaxNorm(2))),
    ):
        y = layer(y)
    return keras.Model(x, y)


def graph(*functions):
    """A model of operations of a graph, each of one array, as Keras 2.0 to 2.3 made them of TensorFlow's functions."""

    def make():
        x = keras.Input((4, 6))
        outputs = []
        for function in functions:
            with tf.Graph().as_default() as traced:
                function(tf.compat.v1.placeholder("float32", (None, 4, 6), name="x"))
            for op in traced.get_operations():
                if op.type not in ("Placeholder", "Const"):
                    node = json_format.MessageToDict(op.node_def)
                    given = [tf.get_static_value(one) for one in op.inputs]
                    constants = {index: np.asarray(one).tolist() for index, one in enumerate(given) if one is not None}
                    inputs = [x] * sum(one is None for one in given)
                    layer = TensorFlowOpLayer(node, f"op_{len(outputs)}", constants)
                    outputs.append(layer(inputs[0] if len(inputs) == 1 else inputs))
        return keras.Model(x, outputs)

    return make, [(4, 6)]


GRAPHS = {
    "graph": graph(*(lambda x: x + 1.0, lambda x: 2.0 - x, lambda x: x * x, tf.nn.relu, tf.sigmoid, tf.nn.softmax)),
    "graph_2": graph(*(lambda x: tf.reduce_mean(x, 1, keepdims=True), lambda x: tf.reduce_sum(x, [1, 2]), tf.square)),
    "graph_3": graph(
        *(lambda x: tf.concat([x, x], -1), lambda x: tf.stack([x, x], 1), lambda x: tf.reshape(x, (-1, 24)))
    ),
    "graph_4": graph(*(lambda x: x[:, 1:3, ::2], lambda x: x[..., -1], lambda x: x[:, None, 0], lambda x: x[:, -1])),
    "graph_5": graph(
        *(lambda x: tf.expand_dims(x, 1), lambda x: tf.transpose(x, [0, 2, 1]), lambda x: tf.tile(x, [1, 2, 1]))
    ),
    "graph_6": graph(
        *(lambda x: tf.matmul(x, x, transpose_b=True), lambda x: tf.cast(x, "int32"), lambda x: tf.nn.leaky_relu(x))
    ),
    "graph_7": graph(
        *(lambda x: tf.clip_by_value(x, -1, 1), lambda x: tf.gather(x, [0, 2], axis=1), lambda x: tf.maximum(x, 0))
    ),
    "graph_8": graph(lambda x: tf.math.squared_difference(x, 2.0)),
}

MODELS = {
    "activations": (activations, [(4,)]),
    "bins": (bins, [(4,)]),
    "cut": (cut, [(6, 8, 2)]),
    "local": (local, [(6, 5, 2)]),
    "nested": (nested, [(4,), (4,)]),
    "ends": (ends, [(4,), (4,)]),
    "states": (states, [(5, 3)]),
    "attention": (attention, [(5, 6), (5,)]),
    "recurrent": (recurrent, [(5, 3)]),
    "images": (images, [(8, 8, 3)]),
}


def of(function, number):
    """A model of a function."""

    def make():
        inputs = [keras.Input((4, 6)) for _ in range(number)]
        return keras.Model(inputs if number > 1 else inputs[0], function(*inputs))

    return make, [(4, 6)] * number


def main():
    """Write what the tests read."""
    assert tf.__version__ == "2.15.1"
    rng = np.random.default_rng(0)
    arrays, configs = {}, {}
    cases = {name: of(f, 1) for name, f in ONE.items()} | {name: of(f, 2) for name, f in TWO.items()} | MODELS | GRAPHS
    for name, (make, shapes) in cases.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        model = make()
        for weight in model.weights:
            weight.assign(rng.uniform(0.1, 0.9, weight.shape) - 0.4 * ("var" not in weight.name))
        x = [rng.normal(size=(3, *shape)).astype("float32") for shape in shapes]
        if name == "backend_3":
            x = [abs(x[0])]
        configs[name] = json.loads(model.to_json())
        outputs = tf.nest.flatten(model(x if len(x) > 1 else x[0], training=False))
        for kind, values in (("w", model.get_weights()), ("x", x), ("y", outputs)):
            arrays.update({f"{name}.{kind}{number}": np.asarray(value) for number, value in enumerate(values)})
    path = pathlib.Path(__file__).parent / "functions-2.15"
    np.savez_compressed(f"{path}.npz", **arrays)
    path.with_name("functions-2.15.json").write_text(json.dumps(configs))


if __name__ == "__main__":
    main()
