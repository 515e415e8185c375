"""Attention and AdditiveAttention: masks, scores, dropout, and what they refuse."""

import numpy as np
import pytest

from nnlite.layers import AdditiveAttention, Attention

rng = np.random.default_rng(0)
QUERY, VALUE, KEY = (rng.normal(size=shape).astype("float32") for shape in [(2, 5, 4), (2, 7, 3), (2, 7, 4)])
LENGTHS = np.arange(7) < np.array([[7], [4]])
QUERIED = np.arange(5) < np.array([[2], [5]])
INPUTS = [QUERY, VALUE, KEY]
every = pytest.mark.parametrize(
    "make",
    [lambda **k: Attention(**k), lambda **k: Attention(score_mode="concat", **k), lambda **k: AdditiveAttention(**k)],
    ids=["dot", "concat", "additive"],
)


@every
def test_the_key_is_the_value_where_left_out(make):
    layer = make()
    two, three = layer([QUERY, KEY]), layer([QUERY, KEY, KEY])
    np.testing.assert_array_equal(two, three)
    np.testing.assert_array_equal(layer(QUERY, KEY), two)


@every
def test_masks(make):
    layer = make()
    y, p = layer(INPUTS, mask=[QUERIED, LENGTHS], return_attention_scores=True)
    assert (y[~QUERIED] == 0).all() and (y[QUERIED] != 0).any(-1).all()
    assert (p[np.broadcast_to(~LENGTHS[:, None], p.shape)] == 0).all()
    np.testing.assert_allclose(p.sum(-1), 1, 1e-5)
    np.testing.assert_allclose(p @ VALUE * QUERIED[:, :, None], y, 1e-5, 1e-6)
    np.testing.assert_array_equal(layer(INPUTS, mask=[QUERIED, LENGTHS[:, None, :]]), y)
    np.testing.assert_array_equal(layer(INPUTS, mask=[QUERIED, LENGTHS, None]), y)
    assert layer.compute_mask(INPUTS, [QUERIED, LENGTHS]) is QUERIED
    assert layer.compute_mask(INPUTS) is None
    shorter = layer([a[1:, :4] if i else a[1:] for i, a in enumerate(INPUTS)])
    np.testing.assert_allclose(layer(INPUTS, mask=[None, LENGTHS])[1], shorter[0], 1e-5, 1e-6)


@every
def test_a_query_that_may_look_nowhere_gets_the_mean(make):
    layer = make()
    mask = [None, np.array([[False] * 7, [True] * 7])]
    y, cache = layer.forward(INPUTS, mask=mask)
    np.testing.assert_allclose(y[0], np.broadcast_to(VALUE[0].mean(0), (5, 3)), 1e-5)
    dquery, dvalue, dkey = layer.backward(np.ones_like(y), cache)
    assert (dquery[0] == 0).all() and (dkey[0] == 0).all() and (dquery[1] != 0).any()
    np.testing.assert_allclose(dvalue[0], 5 / 7, 1e-5)
    later = np.arange(7) >= np.ones((2, 1))
    # left padding and a causal mask together: the first query sees padding alone
    _, p = layer(INPUTS, mask=[None, later], use_causal_mask=True, return_attention_scores=True)
    np.testing.assert_allclose(p[:, 0], 1 / 7, 1e-5)
    np.testing.assert_allclose(p[:, 1, 1], 1, 1e-6)


@every
def test_causal(make):
    _, p = make()(INPUTS, use_causal_mask=True, return_attention_scores=True)
    assert ((p > 0) == np.tri(5, 7, dtype=bool)).all()


@every
def test_dropout(make):
    layer = make(dropout=0.5, seed=1)
    np.testing.assert_array_equal(layer(INPUTS), layer(INPUTS))
    y, p = layer(INPUTS, training=True, return_attention_scores=True)
    np.testing.assert_allclose(p @ VALUE, y, 1e-5, 1e-6)  # as Keras: the scores after dropout
    assert 0.2 < (p == 0).mean() < 0.8
    assert np.abs(layer(INPUTS, training=True) - y).max() > 0.01
    np.testing.assert_array_equal(make(dropout=0.5, seed=1)(INPUTS, training=True).shape, y.shape)
    assert not make(dropout=1.0)(INPUTS, training=True).any()


def test_variables():
    layers = [Attention(), Attention(True), Attention(True, "concat"), AdditiveAttention(), AdditiveAttention(False)]
    for layer in layers:
        layer.build([a.shape for a in INPUTS])
    names = [[(v.name, v.shape) for v in layer.weights] for layer in layers]
    assert names == [[], [("scale", ())], [("scale", ()), ("concat_score_weight", ())], [("scale", (4,))], []]
    assert "score_mode" not in layers[3].get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Attention(score_mode="dots"), "score_mode must be one of 'dot', 'concat', got 'dots'"),
        (lambda: Attention(dropout=-1), "dropout must be a number from 0 to 1"),
        (lambda: AdditiveAttention(dropout="a"), "dropout"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def zeros(*shape):
    return np.zeros(shape, "float32")


@every
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (zeros(2, 5, 4), r"takes a list \[query, value\] or \[query, value, key\], got"),
        ([zeros(2, 5, 4)] * 4, "got 4 arrays"),
        ([zeros(2, 4), zeros(2, 4)], "number of axes"),
        ([zeros(2, 5, 4), zeros(2, 1, 5, 4)], "number of axes"),
        ([zeros(2, 5, 4), zeros(2, 5, 3)], "must differ in their steps alone"),
        ([zeros(2, 5, 4), zeros(2, 5, 4), zeros(2, 6, 4)], "must differ along the last axis alone"),
        ([zeros(2, 5, 4), zeros(2, 0, 4)], r"value of shape \((2|None), 0, 4\) has no steps"),
        ([zeros(2, 0, 4), zeros(2, 5, 4)], r"query of shape \((2|None), 0, 4\) has no steps"),
    ],
)
def test_wrong_inputs(make, inputs, message):
    layer = make()
    with pytest.raises(ValueError, match=message):
        layer.forward(inputs)


@every
@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (LENGTHS, r"mask must be a list \[query_mask, value_mask, key_mask\]"),
        ([LENGTHS], "got a list of 1"),
        ([LENGTHS, LENGTHS], r"query_mask must have shape \(2, 5\), .* got \(2, 7\)"),
        ([QUERIED, QUERIED], r"value_mask must have shape \(2, 7\)"),
        ([QUERIED, np.ones((2, 7, 5), bool)], r"value_mask must have shape \(2, 7\)"),
    ],
)
def test_wrong_masks(make, mask, message):
    layer = make(dropout=0.5, seed=1)
    layer(INPUTS)
    before = layer.generator.bit_generator.state
    with pytest.raises(ValueError, match=message):
        layer(INPUTS, training=True, mask=mask)
    assert layer.generator.bit_generator.state == before


@every
def test_batches_that_differ(make):
    layer = make()
    layer(INPUTS)
    with pytest.raises(ValueError, match="differ"):
        layer([QUERY, VALUE[:1], KEY[:1]])
