"""MultiHeadAttention and GroupQueryAttention: calls, masks, names in files, and what they refuse."""

import numpy as np
import pytest

from nnlite import layers
from nnlite.core import naming, serialization
from nnlite.layers import GroupQueryAttention, MultiHeadAttention
from nnlite.saving import tree

rng = np.random.default_rng(0)
QUERY, VALUE, KEY = (rng.normal(size=shape).astype("float32") for shape in [(2, 5, 4), (2, 7, 3), (2, 7, 6)])
LENGTHS = np.arange(7) < np.array([[7], [4]])
QUERIED = np.arange(5) < np.array([[2], [5]])
both = pytest.mark.parametrize(
    "make", [lambda **k: MultiHeadAttention(4, 3, **k), lambda **k: GroupQueryAttention(3, 4, 2, **k)]
)


@both
def test_calls(make):
    layer = make()
    y = layer(QUERY, VALUE, KEY)
    for again in (
        layer(QUERY, VALUE, key=KEY),
        layer([QUERY, VALUE, KEY]),
        layer(query=QUERY, key=KEY, value=VALUE),
        layer.forward([QUERY, VALUE, KEY])[0],
    ):
        np.testing.assert_array_equal(again, y)
    other = make()
    np.testing.assert_array_equal(other(QUERY, VALUE), other(QUERY, VALUE, VALUE))


@both
def test_each_input_gets_its_own_gradient(make):
    """Also where the same array is given several times."""
    layer = make()
    y, cache = layer.forward([QUERY, QUERY, QUERY])
    dy = rng.normal(size=y.shape).astype("float32")
    three = layer.backward(dy, cache)
    _, cache = layer.forward([QUERY, QUERY])
    two = layer.backward(dy, cache)
    assert len(three) == 3 and len(two) == 2
    np.testing.assert_allclose(two[0], three[0], 1e-6)
    np.testing.assert_allclose(two[1], three[1] + three[2], 1e-5, 1e-6)
    h = 1e-2
    slope = (layer(QUERY + h * dy, QUERY + h * dy) - layer(QUERY - h * dy, QUERY - h * dy)) / (2 * h)
    assert float((slope * dy).sum()) == pytest.approx(float(((two[0] + two[1]) * dy).sum()), rel=1e-2)


@both
def test_masks_of_steps_are_masks_of_pairs(make):
    layer = make()
    scores = {"return_attention_scores": True}
    pairs = QUERIED[:, :, None] & LENGTHS[:, None, :]
    y, p = layer(QUERY, VALUE, attention_mask=pairs, **scores)
    for options in (
        {"query_mask": QUERIED, "value_mask": LENGTHS},
        {"query_mask": QUERIED, "key_mask": LENGTHS},
        {"mask": [QUERIED, LENGTHS]},
        {"mask": [QUERIED, None, LENGTHS]},
        {"mask": [None, LENGTHS], "query_mask": QUERIED},
        {"attention_mask": QUERIED[:, :, None].astype("float32"), "value_mask": LENGTHS.astype(int)},
        {"attention_mask": pairs[:, None]},
        {"attention_mask": np.broadcast_to(pairs[:, None], p.shape)},
    ):
        again, probabilities = layer(QUERY, VALUE, **options, **scores)
        np.testing.assert_array_equal(probabilities, p)
        np.testing.assert_array_equal(again, y)
    assert (p[np.broadcast_to(~pairs[:, None], p.shape)] == 0).all()


@both
def test_a_query_that_may_look_nowhere(make):
    """It gets the mean of all values, zeros where scores are asked for, as in Keras; nothing flows back from it."""
    layer = make(use_bias=False)
    options = {"query_mask": QUERIED}
    y, cache = layer.forward([QUERY, VALUE], **options)
    dquery, dvalue = layer.backward(np.ones_like(y), cache)
    even = layer(np.zeros_like(QUERY), VALUE)  # looks everywhere alike
    zeros, scores = layer(QUERY, VALUE, return_attention_scores=True, **options)
    for array in (y, layer(QUERY, VALUE, **options)):
        np.testing.assert_allclose(array[~QUERIED], even[~QUERIED], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(array[QUERIED], zeros[QUERIED], rtol=1e-5, atol=1e-6)
    for array in (zeros, scores.swapaxes(1, 2), dquery):
        assert (array[~QUERIED] == 0).all() and (array[QUERIED] != 0).any(-1).all()
    assert np.isfinite(dvalue).all()


@both
def test_causal_outputs_do_not_know_the_future(make):
    layer = make()
    y = layer(QUERY, QUERY, use_causal_mask=True)
    changed = QUERY.copy()
    changed[:, 3:] += 1
    again = layer(changed, changed, use_causal_mask=True)
    np.testing.assert_allclose(again[:, :3], y[:, :3], 1e-5, 1e-6)
    assert (np.abs(again[:, 3:] - y[:, 3:]).max(-1) > 1e-3).all()


@both
def test_sliding_window(make):
    _, p = make(sliding_window=2)(QUERY, QUERY, return_attention_scores=True)
    near = np.abs(np.subtract.outer(np.arange(5), np.arange(5))) < 2
    assert ((p > 0) == near).all()
    _, p = make(sliding_window=2)(QUERY, QUERY, return_attention_scores=True, use_causal_mask=True)
    assert ((p > 0) == (near & np.tri(5, dtype=bool))).all()


@both
def test_dropout(make):
    layer = make(dropout=0.5, seed=1)
    np.testing.assert_array_equal(layer(QUERY, VALUE), layer(QUERY, VALUE))
    one, two = layer(QUERY, VALUE, training=True), layer(QUERY, VALUE, training=True)
    assert np.abs(one - two).max() > 0.01
    twin = make(dropout=0.5, seed=1)
    twin.build([QUERY.shape, VALUE.shape])
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(twin(QUERY, VALUE, training=True), one)
    _, p = layer(QUERY, VALUE, training=True, return_attention_scores=True)
    np.testing.assert_allclose(p.sum(-1), 1, 1e-5)  # as Keras: the scores before dropout


def test_dropout_is_right_on_average():
    layer = MultiHeadAttention(2, 3, dropout=0.3, seed=1)
    x = np.repeat(QUERY[:1], 4000, axis=0)
    np.testing.assert_allclose(layer(x, x, training=True).mean(0), layer(QUERY[:1], QUERY[:1])[0], atol=0.03)


def test_axes_are_attended_over_one_by_one():
    """Attending over one axis is the plain layer, run for each index of the other."""
    x = rng.normal(size=(2, 3, 5, 4)).astype("float32")
    layer, plain = MultiHeadAttention(2, 3, attention_axes=2), MultiHeadAttention(2, 3)
    y, p = layer(x, x, return_attention_scores=True, use_causal_mask=True)
    assert y.shape == x.shape and p.shape == (2, 3, 2, 5, 5)
    plain.build([(None, 5, 4), (None, 5, 4)])
    plain.set_weights(layer.get_weights())
    for i in range(3):
        again, scores = plain(x[:, i], x[:, i], return_attention_scores=True, use_causal_mask=True)
        np.testing.assert_allclose(y[:, i], again, 1e-4, 1e-6)
        np.testing.assert_allclose(p[:, i], scores, 1e-4, 1e-6)


def test_groups_are_heads_with_the_same_keys():
    heads, groups = MultiHeadAttention(4, 3), GroupQueryAttention(3, 4, 2)
    y = groups(QUERY, VALUE)
    heads.build([QUERY.shape, VALUE.shape])
    heads.set_weights([np.repeat(w, 2, axis=-2) if 2 <= i < 6 else w for i, w in enumerate(groups.get_weights())])
    np.testing.assert_allclose(heads(QUERY, VALUE), y, 1e-5, 1e-6)


def test_names_in_files():
    def paths(layer):
        return [path for path, _ in tree.walk(layer) if path]

    layer = MultiHeadAttention(2, 3, use_gate=True)
    layer(QUERY, VALUE)
    assert paths(layer) == ["/key_dense", "/output_dense", "/query_dense", "/value_dense", "/_gate_dense"]
    layer = GroupQueryAttention(2, 4, 2, use_gate=True)
    layer(QUERY, VALUE)
    assert paths(layer) == ["/_gate_dense", "/_key_dense", "/_output_dense", "/_query_dense", "/_value_dense"]
    assert serialization.serialize(layer)["class_name"] == "GroupQueryAttention"


def test_inner_parts_take_the_names_that_keras_gives_them():
    naming.reset_names()
    MultiHeadAttention(2, 3)(QUERY, VALUE)
    assert layers.Dropout(0.1).name == "dropout_1" and layers.Softmax().name == "softmax_1"


@both
def test_build_config(make):
    layer = make(use_gate=True)
    layer(QUERY, VALUE, KEY)
    config = serialization.serialize(layer)
    shapes = {"query_shape": [None, 5, 4], "value_shape": [None, 7, 3], "key_shape": [None, 7, 6]}
    assert {k: list(v) for k, v in config["build_config"]["shapes_dict"].items()} == shapes
    again = layers.deserialize(config)
    again.build_from_config({"shapes_dict": shapes})
    assert [v.shape for v in again.weights] == [v.shape for v in layer.weights]
    again = make()
    again.build(query_shape=(None, 5, 4), value_shape=(None, 7, 3))
    assert again.built
    again = make()
    again.build((None, 5, 4), (None, 7, 3), key_shape=(None, 7, 6))
    assert next(v.shape for v in again.weights if "key" in v.path)[0] == 6
    with pytest.raises(TypeError, match="query_shape, value_shape, key_shape; got"):
        make().build((None, 5, 4), (None, 7, 3), keys_shape=(None, 7, 6))


def test_flash_attention_is_accepted():
    layer = MultiHeadAttention(2, 3, flash_attention=True)
    layer(QUERY, VALUE)
    assert "flash_attention" not in layer.get_config()


@both
def test_output_shapes(make):
    layer, shapes = make(), [(None, None, 4), (None, 7, 3)]
    assert layer.compute_output_shape(shapes) == (None, None, 4)
    assert layer.compute_output_shape(*shapes) == (None, None, 4)
    outputs = layer.compute_output_shape(shapes, return_attention_scores=True)
    assert outputs == [(None, None, 4), (None, 4, None, 7)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiHeadAttention(0, 3), "num_heads must be a whole number above 0, got 0"),
        (lambda: MultiHeadAttention(2, 3.5), "key_dim"),
        (lambda: MultiHeadAttention(2, 3, value_dim=0), "value_dim"),
        (lambda: MultiHeadAttention(2, 3, dropout=1.5), "dropout must be a number from 0 to 1"),
        (lambda: MultiHeadAttention(2, 3, output_shape=(2, 0)), "output_shape"),
        (lambda: MultiHeadAttention(2, 3, attention_axes="ab"), "attention_axes"),
        (lambda: MultiHeadAttention(2, 3, attention_axes=()), "attention_axes"),
        (lambda: MultiHeadAttention(2, 3, sliding_window=0), "sliding_window"),
        (lambda: GroupQueryAttention(3, 4, 3), r"num_query_heads \(4\) must be a multiple"),
        (lambda: GroupQueryAttention(3, 4, 0), "num_key_value_heads"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_unknown_argument_names_the_nearest():
    with pytest.raises(TypeError, match="key_dim"):
        MultiHeadAttention(2, 3, keydim=4)
    with pytest.raises(TypeError, match="attention_mask"):
        MultiHeadAttention(2, 3)(QUERY, VALUE, atention_mask=LENGTHS)


def zeros(*shape):
    return np.zeros(shape, "float32")


@both
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (zeros(2, 5, 4), r"takes \[query, value\] or \[query, value, key\], got"),
        ([zeros(2, 5, 4)] * 4, "got 4 arrays"),
        ([zeros(2, 4), zeros(2, 4)], "number of axes, at least those of batch"),
        ([zeros(2, 5, 4), zeros(3, 5, 4)], "differ along axis 0"),
        ([zeros(2, 5, 4), zeros(2, 5, 4), zeros(2, 6, 4)], "must differ along the last axis alone"),
        ([zeros(2, 5, 4), zeros(2, 0, 4)], r"value of shape \((2|None), 0, 4\) has no steps"),
        ([zeros(2, 0, 4), zeros(2, 5, 4)], r"query of shape \((2|None), 0, 4\) has no steps"),
        ([zeros(2, 5, 4), zeros(2, 2, 5, 4)], "number of axes"),
    ],
)
def test_wrong_inputs(make, inputs, message):
    layer = make()
    with pytest.raises(ValueError, match=message):
        layer.forward(inputs)
    built = make()
    built(QUERY, QUERY)
    with pytest.raises(ValueError, match=message):
        built.forward(inputs)


@both
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attention_mask": LENGTHS}, r"attention_mask must broadcast to .* = \(2, 5, 7\)"),
        ({"attention_mask": np.ones((2, 7, 5), bool)}, r"got shape \(2, 7, 5\)"),
        ({"attention_mask": np.ones((2, 3, 5, 7), bool)}, r"to \(2, 4, 5, 7\); got shape \(2, 3, 5, 7\)"),
        ({"attention_mask": np.ones(7, bool)}, "attention_mask must broadcast"),
        ({"attention_mask": np.ones((1, 2, 4, 5, 7), bool)}, "attention_mask must broadcast"),
        ({"query_mask": LENGTHS}, r"query_mask must have shape \(2, 5\), .* got \(2, 7\)"),
        ({"value_mask": QUERIED}, r"value_mask must have shape \(2, 7\)"),
        ({"key_mask": LENGTHS[:1]}, "key_mask must have shape"),
        ({"mask": LENGTHS}, r"mask must be a list \[query_mask, value_mask, key_mask\]"),
        ({"mask": [LENGTHS]}, "got a list of 1"),
    ],
)
def test_wrong_masks(make, options, message):
    layer = make(dropout=0.5, seed=1)
    layer(QUERY, VALUE)
    before = layer.generator.bit_generator.state
    with pytest.raises(ValueError, match=message):
        layer(QUERY, VALUE, training=True, **options)
    assert layer.generator.bit_generator.state == before


@pytest.mark.parametrize("axes", [0, 3, -1, (1, 1), (1, -3)])
def test_wrong_axes(axes):
    with pytest.raises(ValueError, match="attention_axes .* must name axes between"):
        MultiHeadAttention(2, 3, attention_axes=axes).build([(None, 3, 5, 4)] * 2)


def test_one_axis_for_order():
    layer = MultiHeadAttention(2, 3)
    with pytest.raises(ValueError, match="one axis to attend over"):
        layer(zeros(2, 3, 5, 4), zeros(2, 3, 5, 4), use_causal_mask=True)
    with pytest.raises(ValueError, match="takes inputs .batch, steps, features."):
        GroupQueryAttention(2, 2, 1)(zeros(2, 3, 5, 4), zeros(2, 3, 5, 4))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("sharing", ["all", "key and value"])
@pytest.mark.parametrize("steps", [3, 40])  # few rows and many are cut differently
def test_one_product_for_what_is_of_one_array(count, sharing, steps):
    """Arrays that are the same one give the results and gradients of equal copies, which are projected one by one."""
    layer = MultiHeadAttention(2, 3, value_dim=4)
    x, other = (rng.normal(size=(5, steps, 6)).astype("float32") for _ in range(2))
    same = [x if sharing == "all" else other, x, x][:count]
    copies = [same[0].copy(), x.copy(), x.copy()][:count]
    dy = rng.normal(size=x.shape).astype("float32")
    results = []
    for inputs in (same, copies):
        layer.zero_grad()
        y, cache = layer.forward(inputs)
        dx = layer.backward(dy, cache)
        results.append([y, layer(inputs), *dx, *(v.grad.copy() for v in layer.weights)])
        layer.zero_grad()
        _, cache = layer.forward(inputs)
        assert layer.backward(dy, cache, input_grad=False) is None
        results[-1] += [v.grad.copy() for v in layer.weights]
    for joined, apart in zip(*results, strict=True):
        np.testing.assert_allclose(joined, apart, 1e-4, 2e-5)


def test_a_frozen_part_of_a_joint_product_takes_no_gradient():
    layer = MultiHeadAttention(2, 3)
    y, cache = layer.forward([QUERY, QUERY])
    layer.backward(np.ones_like(y), cache)
    expected = [v.grad.copy() for v in layer.weights]
    layer.zero_grad()
    layer.key_dense.trainable = False
    y, cache = layer.forward([QUERY, QUERY])
    layer.backward(np.ones_like(y), cache)
    for variable, gradient in zip(layer.weights, expected, strict=True):
        if "key" in variable.path:
            assert variable.grad is None
        else:
            np.testing.assert_allclose(variable.grad, gradient, 1e-5, 1e-6)
