"""Layers with several inputs: by position, by name, in a list; and penalties on several outputs."""

import numpy as np
import pytest

from nnlite.core import penalties
from nnlite.core.layer import Layer
from nnlite.testing import check_layer


class Mix(Layer):
    named_inputs = ("query", "value", "states")

    def forward(self, x, training=False):
        return [sum(x), x[0] * 2.0], len(x)

    def backward(self, dy, cache):
        first, second = dy
        first = 0.0 if first is None else first
        second = 0.0 if second is None else second
        return [first + 2.0 * second, *[first + 0.0] * (cache - 1)]

    def compute_output_shape(self, input_shape):
        return [input_shape[0], input_shape[0]]


q, v, s, t = (np.full((2, 3), number, "float32") for number in (1, 10, 100, 1000))


@pytest.mark.parametrize(
    ("call", "total"),
    [
        (lambda layer: layer(q, v), 11),
        (lambda layer: layer([q, v]), 11),
        (lambda layer: layer(q, value=v), 11),
        (lambda layer: layer(query=q, value=v), 11),
        (lambda layer: layer(value=v, query=q), 11),
        (lambda layer: layer(q, v, states=[s, t]), 1111),
        (lambda layer: layer(q, v, [s, t]), 1111),
        (lambda layer: layer([q, v, s, t]), 1111),
        (lambda layer: layer(q, v, states=None), 11),
    ],
)
def test_inputs_come_by_position_name_or_in_a_list(call, total):
    np.testing.assert_array_equal(call(Mix())[0], np.full((2, 3), total))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda layer: layer(q, query=v), "given its input 'query' twice"),
        (lambda layer: layer(q, states=[s]), "called with 'states' but without 'value'"),
        (lambda layer: layer(q, v, stats=s), "stats"),
        (lambda layer: layer(), "without an input"),
    ],
)
def test_wrong_inputs_are_named(call, message):
    with pytest.raises(TypeError, match=message):
        call(Mix(name="mix"))


def test_a_penalty_falls_on_every_output():
    layer = Mix(activity_regularizer="l2")
    check_layer(layer, [(None, 3), (None, 3)])
    with penalties.collected() as terms:
        layer.forward([q, v])
    assert sum(terms) == pytest.approx(0.01 * (6 * 121 + 6 * 4) / 2)
    _, cache = layer.forward([q, v])
    dx = layer.backward([None, None], cache)
    np.testing.assert_allclose(dx[1], 0.01 * 2 * 11 / 2, rtol=1e-6)
