"""What models compute by plans is what their layers compute one by one."""

import copy
import pickle

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.kernels import dense, few, parallel
from nnlite.models import inference
from nnlite.models import sharing as samples

CHAINS = {
    "dense": ((7,), lambda: [layers.Dense(5, activation="relu"), layers.Dense(3, activation="softmax")]),
    "normalized": ((7,), lambda: [layers.Dense(5), layers.BatchNormalization(), layers.ReLU(), layers.Dense(2)]),
    "without bias": (
        (7,),
        lambda: [layers.Dense(5, use_bias=False), layers.BatchNormalization(scale=False), layers.Activation("gelu")],
    ),
    "activated before": (
        (7,),
        lambda: [layers.Dense(5, activation="tanh"), layers.BatchNormalization(), layers.ReLU()],
    ),
    "bounded": ((7,), lambda: [layers.Dense(5), layers.ReLU(max_value=0.5, threshold=0.1), layers.LeakyReLU()]),
    "glu": ((7,), lambda: [layers.Dense(6, activation="glu"), layers.Dense(2)]),
    "sequence": ((4, 7), lambda: [layers.Dense(5, activation="elu"), layers.Flatten(), layers.Dense(2)]),
    "recurrent": (
        (5, 3),
        lambda: [
            layers.LSTM(4, return_sequences=True),
            layers.GRU(3, return_sequences=True, go_backwards=True),
            layers.GRU(4, return_sequences=True, reset_after=False),
            *[layers.LSTM(5, return_sequences=True, use_bias=False, go_backwards=True), layers.GRU(4, use_bias=False)],
            *[layers.RepeatVector(3), layers.SimpleRNN(3), layers.Dense(2)],
        ],
    ),
    "recurrent, otherwise": (
        (5, 3),
        lambda: [
            *[layers.LSTM(4, activation="softsign", return_sequences=True), layers.Bidirectional(layers.LSTM(3))],
            *[layers.RepeatVector(3), layers.SimpleRNN(3, activation="relu")],
        ],
    ),
    "images": (
        (9, 8, 3),
        lambda: [
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(6, 3, padding="same", use_bias=False),
            layers.BatchNormalization(center=False),
            layers.Activation("relu"),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ],
    ),
    "pooled": (
        (17, 18, 2),
        lambda: [
            *[layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()],
            *[layers.Conv2D(4, 2), layers.Activation("gelu"), layers.MaxPooling2D()],
            *[layers.Conv2D(4, 2, use_bias=False, activation="sigmoid"), layers.MaxPooling2D((1, 2))],
        ],
    ),
    "grouped": (
        (6, 5, 4),
        lambda: [layers.Conv2D(6, 2, groups=2), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D()],
    ),
    "strides": (
        (9, 8, 3),
        lambda: [layers.Conv2D(4, (3, 2), strides=2, padding="same"), layers.Conv2D(4, 1), layers.ReLU()],
    ),
    "depthwise": (
        (7, 8, 3),
        lambda: [
            *[
                layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
                layers.BatchNormalization(),
                layers.ReLU(),
            ],
            *[layers.DepthwiseConv2D(2, strides=2, activation="tanh"), layers.SeparableConv2D(2, 2)],
        ],
    ),
    "separable": (
        (9, 8, 3),
        lambda: [
            *[layers.DepthwiseConv2D(3, strides=2, padding="same"), layers.BatchNormalization()],
            *[layers.ReLU(), layers.Conv2D(5, 1, use_bias=False), layers.BatchNormalization(), layers.ReLU()],
            *[layers.DepthwiseConv2D(2, depth_multiplier=2), layers.Conv2D(4, 1, activation="tanh")],
            *[layers.DepthwiseConv2D(2, activation="sigmoid"), layers.Conv2D(4, 1, activation="gelu")],
            *[layers.DepthwiseConv2D(1, activation="gelu"), layers.Conv2D(4, 1), layers.Activation("silu")],
            *[layers.DepthwiseConv2D(1), layers.Conv2D(4, 1), layers.Activation("silu")],
            *[layers.DepthwiseConv2D(1), layers.Conv2D(4, 1, strides=2), layers.DepthwiseConv2D(1), layers.ReLU()],
            *[layers.Conv2D(2, 1, groups=2), layers.SeparableConv2D(3, 1, activation="softmax")],
        ],
    ),
    "separable sequences": (
        (9, 3),
        lambda: [
            *[layers.DepthwiseConv1D(3), layers.ReLU(), layers.Conv1D(5, 1), layers.BatchNormalization()],
            *[layers.SeparableConv1D(4, 3, padding="same", use_bias=False), layers.SeparableConv1D(2, 2)],
        ],
    ),
    "planes": ((20, 19, 1), lambda: [layers.Conv2D(4, 3), layers.MaxPooling2D(3, strides=2), layers.Reshape((-1,))]),
    "causal": ((11, 3), lambda: [layers.Conv1D(4, 3, padding="causal", dilation_rate=2), layers.MaxPooling1D(3)]),
    "volumes": ((5, 6, 4, 2), lambda: [layers.Conv3D(3, 2, activation="relu"), layers.MaxPooling3D(1)]),
    "permuted": (
        (4, 6),
        lambda: [layers.Permute((2, 1)), layers.Conv1D(3, 2), layers.Permute((2, 1)), layers.Dense(2)],
    ),
    "channels first": (
        (3, 6, 6),
        lambda: [layers.Conv2D(4, 3, data_format="channels_first"), layers.BatchNormalization(1)],
    ),
    "nested": ((7,), lambda: [keras.Sequential([layers.Dense(4), layers.ReLU()]), layers.Dense(2)]),
    "whole numbers": (
        (5,),
        lambda: [layers.Reshape((5, 1)), layers.Flatten(), layers.Embedding(9, 3), layers.Conv1D(2, 2)],
    ),
    "masks": ((5,), lambda: [layers.Embedding(9, 3, mask_zero=True), layers.LSTM(2), layers.Dense(2)]),
}


def drawn(model, rng):
    """Give all variables values of their own."""
    for variable in model.weights:
        values = rng.normal(size=variable.shape)
        variable.assign(np.abs(values) + 0.5 if "variance" in variable.path else values)
    return model


def one_by_one(model, x):
    for layer in model.layers:
        x = layer.forward(x, training=False)[0] if not isinstance(layer, keras.Sequential) else one_by_one(layer, x)
    return x


def made(name, kind, dtype):
    shape, make = CHAINS[name]
    with _Floats(dtype):
        row = make()
        whole = "Embedding" in str(row)
        start = layers.Input(shape, dtype="int32" if whole else dtype)
        if kind == "row":
            model = keras.Sequential([start, *row])
        else:
            y = start
            for layer in row:
                y = layer(y)
            model = keras.Model(start, y)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 9, (9, *shape)) if whole else rng.normal(size=(9, *shape)).astype(dtype)
    return drawn(model, rng), x


class _Floats:
    def __init__(self, dtype):
        self.dtype = dtype

    def __enter__(self):
        self.before = keras.config.floatx()
        keras.config.set_floatx(self.dtype)

    def __exit__(self, *error):
        keras.config.set_floatx(self.before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["row", "graph"])
@pytest.mark.parametrize("name", CHAINS)
def test_plans_compute_what_layers_do(name, kind, dtype):
    model, x = made(name, kind, dtype)
    whole = model.predict(x, batch_size=6)
    if kind == "row" and name != "masks":
        np.testing.assert_allclose(whole, one_by_one(model, x), rtol=1e-4, atol=1e-5)
    for n in (1, 3):
        y = model.predict(x[:n])
        assert y.dtype == whole.dtype and y.shape == whole[:n].shape
        np.testing.assert_allclose(y, whole[:n], rtol=1e-4, atol=1e-5)
        if kind == "row" and name != "masks":
            np.testing.assert_allclose(y, one_by_one(model, x[:n]), rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(model(x[:n]), y)


@pytest.mark.parametrize("declared", ["int32", "float32", None])
@pytest.mark.parametrize("given", ["int64", "int32", "uint8", "float64"])
def test_indices_of_any_kind_have_plans(declared, given):
    inner = [layers.Embedding(20, 8), layers.LSTM(6), layers.Dense(3)]
    model = keras.Sequential([layers.Input((5,), dtype=declared), *inner])
    x = np.random.default_rng(0).integers(0, 20, (2, 5)).astype(given)
    np.testing.assert_allclose(model(x), layer_by_layer(model, x), rtol=1e-5, atol=1e-6)
    (function,) = model._plans.found.values()
    assert function is not None


def layer_by_layer(model, x):
    for layer in model.layers:
        x, _ = layer.forward(x)
    return x


@pytest.mark.parametrize("kind", ["row", "graph"])
def test_plans_are_used(kind):
    model, x = made("images", kind, "float32")
    model.predict(x[:1])
    (function,) = model._plans.found.values()
    assert function is not None


@pytest.mark.parametrize("kind", ["row", "graph"])
@pytest.mark.parametrize("name", ["pooled", "grouped", "depthwise", "separable"])
def test_batches_of_any_size_have_one_plan_that_takes_along_what_follows(name, kind, monkeypatch):
    model, x = made(name, kind, "float32")
    whole = model.predict(x)

    def fail(*arguments):
        raise AssertionError

    monkeypatch.setattr(layers.BatchNormalization, "infer", fail)
    monkeypatch.setattr(layers.ReLU, "infer", fail)
    np.testing.assert_allclose(model.predict(x[:7]), whole[:7], rtol=1e-5, atol=1e-6)
    assert len(model._plans.found) == 1
    first = next(layer for layer in model.layers if hasattr(layer, "bias"))
    before = first.kernel.numpy()
    first.bias.value[...] += 1  # in place: nothing is told
    assert not np.allclose(model.predict(x), whole)
    np.testing.assert_array_equal(first.kernel.numpy(), before)


def test_attention_in_a_graph_leaves_batches_their_plan():
    x = layers.Input((6, 6, 2))
    h = layers.Reshape((16, 4))(layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3)(x))))
    model = drawn(keras.Model(x, layers.Add()([layers.MultiHeadAttention(2, 3)(h, h), h])), np.random.default_rng(1))
    data = np.random.default_rng(2).normal(size=(9, 6, 6, 2)).astype("float32")
    whole = model.predict(data)
    (function,) = model._plans.found.values()
    assert function is not None
    np.testing.assert_allclose(whole[:2], model.predict(data[:2]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(whole, model.forward(data)[0], rtol=1e-4, atol=1e-4)


def test_a_graph_of_several_inputs_and_branches():
    a, b = layers.Input((6, 6, 2)), layers.Input((3,))
    h = layers.Conv2D(4, 3, padding="same")(a)
    n = layers.BatchNormalization()(h)
    r = layers.ReLU()(n)
    s = layers.Add()([layers.Conv2D(4, 3, padding="same")(r), h])  # h has two users
    y = layers.Concatenate()([layers.GlobalAveragePooling2D()(s), layers.Dense(2)(b) * 2.0])
    model = drawn(keras.Model([a, b], [layers.Dense(3)(y), n]), np.random.default_rng(1))
    rng = np.random.default_rng(2)
    x = [rng.normal(size=(8, 6, 6, 2)).astype("float32"), rng.normal(size=(8, 3)).astype("float32")]
    for whole, single in zip(model.predict(x), model.predict([one[:2] for one in x]), strict=True):
        np.testing.assert_allclose(single, whole[:2], rtol=1e-4, atol=1e-5)
    before = [one.copy() for one in x]
    model([one[:1] for one in x])
    assert all(np.array_equal(p, q) for p, q in zip(x, before, strict=True))


@pytest.mark.parametrize("rows", [1, 3, 40])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("relu", [layers.ReLU, lambda: layers.Activation("relu")])
def test_a_sum_takes_along_its_relu(rows, number, relu, monkeypatch):
    start = layers.Input((7, 33))
    added = [layers.Dense(33)(start), start, layers.Dense(33)(start)][:number]
    s = layers.Add()(added)
    model = drawn(keras.Model(start, [relu()(s), layers.Dense(2)(start)]), np.random.default_rng(0))
    both = keras.Model(start, [s, model.outputs[0]])  # here the sum is wanted, too
    x = np.random.default_rng(1).normal(size=(rows, 7, 33)).astype("float32")
    given = x.copy()
    plain, expected = both.predict(x, batch_size=rows)

    def fail(*arguments):
        raise AssertionError

    monkeypatch.setattr(layers.ReLU, "infer", fail)
    monkeypatch.setattr(layers.Activation, "infer", fail)
    found = model.predict(x, batch_size=rows)[0]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found, np.maximum(plain, 0))
    np.testing.assert_array_equal(x, given)


def test_both_ways_are_planned_unless_one_of_them_is_ones_own():
    both = layers.Bidirectional(layers.LSTM(3))
    both.build((None, 5, 6))
    assert both.inference((2, 5, 6), []) is not None
    both.backward_layer.infer = lambda x, mask=None: np.ones((len(x), 3), "float32")
    assert both.inference((2, 5, 6), []) is None
    assert (keras.Sequential([both])(np.zeros((2, 5, 6), "float32"))[:, 3:] == 1).all()


def test_one_number_for_all_samples_can_be_added_up():
    inputs = keras.Input((3,))
    total = keras.ops.sum(inputs)
    model = keras.Model(inputs, layers.Add()([total, total]))
    assert model(np.ones((2, 3), "float32")) == model.predict(np.ones((2, 3))) == 12


def test_sums_of_unequal_batches_are_refused_with_a_relu_after_them_too():
    a, b = layers.Input((3,)), layers.Input((3,))
    model = keras.Model([a, b], layers.ReLU()(layers.Add()([a, b])))
    for rows in (1, 5):
        with pytest.raises(ValueError, match="do not go together"):
            model([np.ones((20, 3), "float32"), np.ones((rows, 3), "float32")])


def block(x, heads=2, **options):
    """A transformer's, before its means over the steps."""
    y = layers.LayerNormalization()(x)
    y = layers.MultiHeadAttention(heads, 3, **options)(y, y)
    x = layers.Add()([x, y])
    y = layers.Dense(9, activation="gelu")(layers.LayerNormalization(center=False)(x))
    return layers.add([x, layers.Dense(x.shape[-1])(y), x])


ATTENTIONS = {
    "plain": lambda x: block(x),
    "other sizes": lambda x: block(x, value_dim=4, use_bias=False),
    "penalty": lambda x: block(x, activity_regularizer="l2"),
    "window": lambda x: block(x, sliding_window=2),
    "gate": lambda x: block(x, use_gate=True),
    "causal": lambda x: layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True),
    "output": lambda x: layers.MultiHeadAttention(2, 3, output_shape=(2, 5))(x, x),
    "scores": lambda x: layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)[1],
    "groups": lambda x: layers.GroupQueryAttention(3, 4, 2)(x, x),
    "three": lambda x: layers.MultiHeadAttention(2, 3)(x, layers.Dense(4)(x), layers.Dense(5)(x)),
    "shorter": lambda x: layers.MultiHeadAttention(2, 3)(x, layers.Cropping1D((0, 2))(x)),
    "mask": lambda x: layers.MultiHeadAttention(2, 3)(layers.Masking()(x), x),
    "axes": lambda x: layers.LayerNormalization(axis=(1, 2))(layers.LayerNormalization(axis=1)(x)),
    "means": lambda x: layers.GlobalAveragePooling1D()(layers.GlobalAveragePooling1D(keepdims=True)(x)),
    "channels first": lambda x: layers.GlobalAveragePooling1D("channels_first")(x),
    "broadcast": lambda x: layers.Add()([x, layers.GlobalAveragePooling1D(keepdims=True)(x)]),
    "both ways": lambda x: layers.Bidirectional(layers.GRU(3))(
        layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="mul")(x)
    ),
    "merged": lambda x: layers.Concatenate()([layers.Maximum()([x, layers.ReLU()(x)]), layers.Average()([x, x])]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ATTENTIONS)
def test_sequences(name, dtype):
    with _Floats(dtype):
        start = layers.Input((5, 6))
        model = drawn(keras.Model(start, ATTENTIONS[name](start)), np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(7, 5, 6)).astype(dtype)
    x[0, 3:] = 0
    before = x.copy()
    whole = model.predict(x)
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-11}
    for n in (1, 3, 4):
        y = model.predict(x[:n])
        assert y.dtype == dtype and y.shape == whole[:n].shape
        np.testing.assert_allclose(y, whole[:n], **tolerance)
        np.testing.assert_array_equal(model(x[:n]), y)
    np.testing.assert_array_equal(x, before)


def test_projections_of_ones_own_are_called():
    start = layers.Input((5, 6))
    model = keras.Model(start, layers.MultiHeadAttention(2, 3, name="looks")(start, start))
    x = np.ones((1, 5, 6), "float32")
    first = model.predict(x)
    model.get_layer("looks").output_dense.infer = lambda x: first + 100
    model.get_layer("looks").trainable = False  # layers changed: plans are made anew
    assert model.predict(x).min() > 50


def test_new_weights_and_settings_count_at_once():
    model, x = made("normalized", "row", "float32")
    first = model.predict(x[:1])
    model.layers[0].kernel.value[...] *= 2  # in place: nothing is told
    assert not np.allclose(model.predict(x[:1]), first)
    model.layers[0].activation = keras.activations.tanh
    np.testing.assert_allclose(model.predict(x[:1]), one_by_one(model, x[:1]), rtol=1e-4, atol=1e-5)
    model.pop()
    assert model.predict(x[:1]).shape == (1, 5)


def test_recurrent_layers_with_states_go_on_and_return_them():
    start = layers.Input((4, 3))
    for make in (lambda: layers.LSTM(5, stateful=True), lambda: layers.GRU(5, return_state=True)):
        layer = make()
        model = keras.Model(start, layer(start))
        x = np.random.default_rng(0).normal(size=(1, 4, 3)).astype("float32")
        found = [model.predict(x), model.predict(x)]
        if layer.stateful:
            layer.reset_state()
        expected = [layer.forward(x)[0], layer.forward(x)[0]]
        for a, b in zip(np.ravel(found), np.ravel(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_changed_activations_of_recurrent_layers_count_at_once():
    model, x = made("recurrent", "row", "float32")
    first = model.predict(x[:1])
    model.layers[0].cell.activation = keras.activations.relu
    assert not np.allclose(model.predict(x[:1]), first)
    np.testing.assert_allclose(model.predict(x[:1]), one_by_one(model, x[:1]), rtol=1e-5, atol=1e-6)


def test_layers_of_ones_own_are_called():
    class Twice(layers.Dense):
        def forward(self, x, training=False):
            y, cache = super().forward(x, training)
            return 2 * y, cache

    model = keras.Sequential([layers.Input((3,)), Twice(2), layers.ReLU()])
    x = np.ones((1, 3), "float32")
    np.testing.assert_allclose(model.predict(x), np.maximum(2 * (x @ model.layers[0].kernel.value), 0), rtol=1e-6)
    model.layers[1].infer = lambda x: x - 100
    assert model.predict(x).max() < -50


def test_methods_and_functions_of_ones_own_are_not_planned_over():
    x = np.ones((1, 3), "float32")
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2), layers.ReLU()])
    model.predict(x)
    model.layers[1].infer = lambda x: x - 100  # stands behind a product that would take it along
    assert model.predict(x).max() < -50

    model = keras.Sequential(
        [layers.Input((4, 6, 2)), layers.Conv2D(3, 2), layers.Activation(_turned), layers.Conv2D(2, 2)]
    )
    x = np.random.default_rng(0).normal(size=(3, 4, 6, 2)).astype("float32")
    np.testing.assert_allclose(model.predict(x[:1]), one_by_one(model, x[:1]), rtol=1e-5, atol=1e-6)


def _turned(x):
    return np.asfortranarray(x).astype("float64")


def test_wrong_inputs_are_refused_by_name():
    model, x = made("images", "row", "float32")
    model.predict(x[:1])
    with pytest.raises(ValueError, match=r"Conv2D 'conv2d.*expects size 3 along axis -1 .*\(1, 9, 8, 4\)"):
        model(np.ones((1, 9, 8, 4), "float32"))
    np.testing.assert_array_equal(model(x[:1].astype(">f4")), model(x[:1]))
    np.testing.assert_allclose(model(np.asfortranarray(x[:2])), model(x[:2]), rtol=1e-6)
    assert np.isnan(model(np.full((1, 9, 8, 3), np.nan, "float32"))).all()


def test_copies_and_pickles_have_no_plans():
    model, x = made("images", "row", "float32")
    y = model.predict(x[:1])
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict(x[:1]), y)
        other.layers[0].kernel.assign(other.layers[0].kernel.value * 0)
    np.testing.assert_array_equal(model.predict(x[:1]), y)


def test_few_plans_are_kept():
    model = keras.Sequential([layers.Input((None, 2)), layers.Conv1D(2, 2)])
    for length in range(2, 2 + 2 * inference.KEPT):
        assert model.predict(np.ones((1, length, 2))).shape == (1, length - 1, 2)
    assert len(model._plans.found) <= inference.KEPT


def test_large_inputs_have_no_plan_of_their_own():
    model = keras.Sequential([layers.Input((None, None, 16)), layers.Conv2D(16, 3)])
    x = np.random.default_rng(0).normal(size=(1, 200, 200, 16)).astype("float32")
    y = model.predict(x)
    np.testing.assert_allclose(y[:, :50, :50], model.predict(x[:, :52, :52]), rtol=1e-4, atol=1e-5)


def encoder(*, normalize=layers.LayerNormalization, dense=layers.Dense, **options):
    """A block of a transformer on sequences of words, then a classifier."""
    words = layers.Input((7,), dtype="int32")
    x = layers.Dropout(0.1)(layers.Embedding(11, 6)(words))
    y = normalize()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 3)(y, y, **options)])
    y = layers.Activation("relu")(layers.EinsumDense("abc,cd->abd", (None, 9), bias_axes="d")(x))
    x = layers.Add()([x, dense(6, activation="gelu")(y)])
    model = keras.Model(words, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))
    return drawn(model, np.random.default_rng(1))


@pytest.fixture
def sharing(monkeypatch):
    """Two threads that share any work; the numbers of rows that the parts of whole models had."""
    seen = []
    by_samples = inference.by_samples

    def noting(run):
        return lambda part: (seen.append(len(part[0])), run(part))[1]

    def noted(run, few, shared):
        return by_samples(noting(run), lambda n: noting(few(n)), shared)

    monkeypatch.setattr(inference, "by_samples", noted)
    monkeypatch.setattr(parallel, "WORTH_THREADS", 0.0)
    before = keras.config.get_num_threads()
    keras.config.set_num_threads(2)
    yield seen
    keras.config.set_num_threads(before)


WORDS = np.random.default_rng(2).integers(0, 11, (65, 7)).astype("int32")


@pytest.mark.parametrize("options", [{}, {"use_causal_mask": True}])
def test_each_thread_takes_its_own_sequences_through_the_model(sharing, options):
    model = encoder(**options)
    whole = model.forward(WORDS)[0]
    for n in (65, 64, 33):
        sharing.clear()
        y = model(WORDS[:n])
        assert len(sharing) == 2 and sum(sharing) == n and min(sharing) > n // 3
        np.testing.assert_allclose(y, whole[:n], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(model.predict(WORDS[:n], batch_size=n), y)
    model.layers[-1].bias.value[...] += 1
    np.testing.assert_allclose(model(WORDS), whole + 1, rtol=1e-4, atol=1e-5)


def test_each_thread_takes_so_many_sequences_at_once(sharing, monkeypatch):
    monkeypatch.setattr(samples, "SEQUENCES", (4, 5))
    model = encoder()
    whole = model.forward(WORDS)[0]
    for n in (33, 16, 7):
        sharing.clear()
        y = model(WORDS[:n])
        np.testing.assert_allclose(y, whole[:n], rtol=1e-4, atol=1e-5)
        assert sum(sharing) == n and max(sharing) <= 5 and len(sharing) >= 2
        np.testing.assert_array_equal(model(WORDS[:n]), y)
    keras.config.set_num_threads(1)
    sharing.clear()
    np.testing.assert_allclose(model(WORDS[:11]), whole[:11], rtol=1e-4, atol=1e-5)
    assert sharing == [3, 4, 4]
    keras.config.set_num_threads(2)
    for n in range(7, 7 + 2 * samples.KEPT):  # more plans than are kept
        np.testing.assert_allclose(model(WORDS[:n]), whole[:n], rtol=1e-4, atol=1e-5)


def test_a_row_of_layers_of_sequences_is_shared_too(sharing):
    row = [layers.Input((4, 5)), layers.Dense(6, activation="tanh"), layers.LayerNormalization(), layers.Dense(2)]
    model = drawn(keras.Sequential(row), np.random.default_rng(1))
    x = np.random.default_rng(2).normal(size=(40, 4, 5)).astype("float32")
    np.testing.assert_allclose(model(x), model.forward(x)[0], rtol=1e-4, atol=1e-5)
    assert len(sharing) == 2 and sum(sharing) == 40
    assert model(x[:1]).shape == (1, 4, 2)
    assert len(sharing) == 2


class Centred(layers.Dense):
    """A class of one's own that mixes samples, derived from one that does not."""

    def forward(self, x, training=False):
        y, cache = super().forward(x, training)
        return y - y.mean(0), cache

    def infer(self, x):
        return self.forward(x)[0]


def centred(x):
    return x - x.mean(0)


@pytest.mark.parametrize(
    "parts",
    [
        {"dense": Centred},
        {"dense": lambda units, activation: layers.Dense(units, activation=centred)},
        {"normalize": lambda: layers.LayerNormalization(axis=(1, 2))},
        {"attention_mask": np.tril(np.ones((7, 7), bool))},
    ],
)
def test_what_may_mix_samples_is_not_shared(sharing, parts):
    model = encoder(**parts)
    np.testing.assert_allclose(model(WORDS), model.forward(WORDS)[0], rtol=1e-4, atol=1e-5)
    assert not sharing


DENSE = {
    "net": lambda: [layers.Dense(6, activation="relu"), layers.Dropout(0.5), layers.Dense(3, activation="softmax")],
    "normalized": lambda: [layers.Dense(6), layers.BatchNormalization(), layers.ReLU(), layers.Dense(2)],
    "activations": lambda: [layers.Dense(6, activation="gelu"), layers.LeakyReLU(), layers.ELU(), layers.Dense(2)],
    "softmax": lambda: [layers.Reshape((5, 1)), layers.Flatten(), layers.Dense(4), layers.Activation("softmax")],
    "glu": lambda: [layers.Dense(6), layers.Activation("glu"), layers.Dense(2), layers.Softmax()],
    "without bias": lambda: [layers.Dense(6, use_bias=False, activation="tanh"), layers.Dense(2)],
}


@pytest.mark.parametrize("kind", ["row", "graph"])
@pytest.mark.parametrize("name", DENSE)
def test_rows_of_dense_nets_are_shared_from_a_few_on(sharing, name, kind, monkeypatch):
    start, row = layers.Input((5,)), DENSE[name]()
    y = start
    for layer in row if kind == "graph" else ():
        y = layer(y)
    model = drawn(
        keras.Model(start, y) if kind == "graph" else keras.Sequential([start, *row]), np.random.default_rng(1)
    )
    x = np.random.default_rng(2).normal(size=(70, 5)).astype("float32")
    whole = one_by_one(model, x) if kind == "row" else model.forward(x)[0]
    for n, parts in ((70, 2), (33, 2), (32, 2), (31, 1), (7, 1)):
        sharing.clear()
        np.testing.assert_allclose(model(x[:n]), whole[:n], rtol=1e-4, atol=1e-5)
        assert (len(sharing), sum(sharing)) == (parts, n)
    monkeypatch.setattr(dense, "CHUNK", 0)  # no work is little
    np.testing.assert_allclose(model(x), whole, rtol=1e-4, atol=1e-5)
    keras.config.set_num_threads(1)
    np.testing.assert_allclose(model(x), whole, rtol=1e-4, atol=1e-5)


def test_large_weights_are_not_read_by_each_thread(sharing, monkeypatch):
    monkeypatch.setattr(samples, "LARGE", 100)
    model = keras.Sequential([layers.Input((5,)), layers.Dense(6), layers.Dense(2)])
    model(np.ones((64, 5), "float32"))
    assert not sharing


@pytest.mark.parametrize("layer", [lambda: layers.Softmax(axis=0), lambda: layers.Softmax(axis=(0, 1))])
def test_sums_over_samples_are_not_shared(sharing, layer):
    model = keras.Sequential([layers.Input((5,)), layers.Dense(6), layer()])
    x = np.random.default_rng(2).normal(size=(70, 5)).astype("float32")
    np.testing.assert_allclose(model(x), model.forward(x)[0], rtol=1e-5, atol=1e-6)
    assert not sharing


def images(kind, **parts):
    """A classifier of images: a row of layers, or a graph of two inputs."""
    part = {"conv": layers.Conv2D, "join": layers.Concatenate, "last": lambda: layers.Dense(3)} | parts
    start = layers.Input((9, 8, 2))
    if kind == "row":
        row = [
            *[layers.Rescaling(0.5), part["conv"](4, 3), layers.BatchNormalization(), layers.ReLU()],
            *[layers.ZeroPadding2D(1), layers.DepthwiseConv2D(3, strides=2, padding="same"), layers.MaxPooling2D()],
            *[layers.SeparableConv2D(6, 2), layers.SpatialDropout2D(0.5), layers.AveragePooling2D(1)],
            *[layers.Flatten(), part["last"]()],
        ]
        return drawn(keras.Sequential([start, *row]), np.random.default_rng(1))
    other = layers.Input((9, 8, 2))
    x = part["conv"](4, 3, activation="relu", padding="same")(start)
    x = part["join"]()([x, layers.Conv2D(4, 1)(other)])
    x = layers.Add()([x, layers.Conv2D(x.shape[-1], 3, padding="same", groups=2)(x)])
    x = layers.GlobalAveragePooling2D()(x)
    return drawn(keras.Model([start, other], part["last"]()(x)), np.random.default_rng(1))


def pictures(kind, n):
    x = np.random.default_rng(2).normal(size=(2, n, 9, 8, 2)).astype("float32")
    return x[0] if kind == "row" else list(x)


KINDS = pytest.mark.parametrize("kind", ["row", "two inputs"])


@KINDS
def test_each_thread_takes_its_own_images_through_a_plan(sharing, kind, monkeypatch):
    monkeypatch.setattr(samples, "SMALL", 0.0)
    monkeypatch.setattr(samples, "MOST", 0.0)
    model = images(kind)
    for n, parts in ((7, 2), (8, 2), (13, 2), (26, 2), (33, 0), (128, 0)):
        sharing.clear()
        x = pictures(kind, n)
        y = model(x)
        np.testing.assert_allclose(y, model.forward(x)[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(model(x), y)
        if parts:
            assert len(sharing) == 2 * parts and sum(sharing) == 2 * n and max(sharing) <= 16
        else:  # all at once, each layer's work shared
            assert sharing == [n, n]
    keras.config.set_num_threads(1)
    for n in (7, 8, 9):
        sharing.clear()
        x = pictures(kind, n)
        np.testing.assert_allclose(model(x), model.forward(x)[0], rtol=1e-4, atol=1e-5)
        assert sharing == [n]


@KINDS
def test_more_images_if_they_are_little_work(sharing, kind, monkeypatch):
    model, x = images(kind), pictures(kind, 70)
    y = model(x)
    assert len(sharing) == 2  # tiny ones, many at once
    np.testing.assert_allclose(y, model.forward(x)[0], rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(samples, "SMALL", 0.0)
    model = images(kind)
    sharing.clear()
    y = model(x)
    assert sum(sharing) == 70 and len(sharing) > 4 and max(sharing) <= 16
    np.testing.assert_allclose(y, model.forward(x)[0], rtol=1e-4, atol=1e-5)
    model.layers[-1].bias.value[...] += 1
    np.testing.assert_allclose(model(x), y + 1, rtol=1e-4, atol=1e-5)


class CentredConv(layers.Conv2D):
    """The same of a convolution."""

    def forward(self, x, training=False):
        y, cache = super().forward(x, training)
        return y - y.mean(0), cache


@KINDS
@pytest.mark.parametrize(
    "parts",
    [
        {"conv": CentredConv},
        {"conv": lambda *sizes, **options: layers.Conv2D(*sizes, **options | {"activation": centred})},
        {"last": lambda: layers.Softmax(axis=0)},
    ],
)
def test_images_that_may_be_mixed_are_not_shared(sharing, kind, parts):
    model, x = images(kind, **parts), pictures(kind, 9)
    np.testing.assert_allclose(model(x), model.forward(x)[0], rtol=1e-4, atol=1e-5)
    assert not sharing


def test_samples_put_behind_each_other_are_not_shared(sharing):
    model, x = images("two inputs", join=lambda: layers.Concatenate(axis=0)), pictures("two inputs", 9)
    y = model(x)
    assert len(y) == 18 and not sharing
    np.testing.assert_allclose(y, model.forward(x)[0], rtol=1e-4, atol=1e-5)
    row = [layers.Input((4, 4, 2)), layers.Conv2D(2, 3), layers.Rescaling(np.ones((9, 1, 1, 1)))]
    model, x = keras.Sequential(row), np.ones((9, 4, 4, 2), "float32")
    np.testing.assert_allclose(model(x), model.forward(x)[0], rtol=1e-4, atol=1e-5)
    assert not sharing


def test_channels_first_are_not_shared(sharing):
    conv = layers.Conv2D(3, 3, data_format="channels_first")
    model = drawn(keras.Sequential([layers.Input((2, 9, 8)), conv, layers.Flatten()]), np.random.default_rng(1))
    x = np.random.default_rng(2).normal(size=(9, 2, 9, 8)).astype("float32")
    np.testing.assert_allclose(model(x), model.forward(x)[0], rtol=1e-4, atol=1e-5)
    assert not sharing


@KINDS
def test_images_are_predicted_in_the_usual_batches(kind):
    assert not images(kind).rows_alone


@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_few_have_no_plan_for_is_done_as_of_many(sharing, threads, monkeypatch):
    keras.config.set_num_threads(threads)
    for name in ("MOST", "DIRECT"):
        monkeypatch.setattr(few, name, 0)
    row = [
        *[layers.Input((12, 12, 32)), layers.Conv2D(32, 3, padding="same"), layers.BatchNormalization()],
        *[layers.ReLU(), layers.Conv2D(4, 3, strides=2), layers.BatchNormalization(), layers.Conv2D(4, 1)],
    ]
    model = drawn(keras.Sequential(row), np.random.default_rng(1))
    for n in (1, 2, 3):
        x = np.random.default_rng(2).normal(size=(n, 12, 12, 32)).astype("float32")
        np.testing.assert_allclose(model(x), one_by_one(model, x), rtol=1e-4, atol=1e-3)
