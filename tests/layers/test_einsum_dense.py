"""EinsumDense: fans of its kernel, what it infers, what it refuses."""

import numpy as np
import pytest

import nnlite
from nnlite.layers import Dense, EinsumDense


@pytest.mark.parametrize(
    ("equation", "sizes", "shape", "fans"),
    [
        ("abc,cde->abde", (None, 4, 8), (None, 7, 16), (16, 32)),
        ("abcd,cde->abe", (None, 16), (None, 7, 4, 8), (32, 16)),
        ("abc,bcd->abd", (7, 3), (None, 7, 5), (5, 21)),
    ],
)
def test_fans_are_those_of_the_equation(equation, sizes, shape, fans):
    layer = EinsumDense(equation, sizes)
    layer.build(shape)
    limit = (6 / sum(fans)) ** 0.5
    assert 0.9 * limit < np.abs(layer.kernel.value).max() <= limit
    assert "input_axes" not in layer.get_config()["kernel_initializer"]["config"]
    layer = EinsumDense(equation, sizes, kernel_initializer=nnlite.initializers.HeNormal(seed=1))
    layer.build(shape)
    assert 0.7 < layer.kernel.value.std() / (2 / fans[0]) ** 0.5 < 1.3


def test_axes_given_to_the_initializer_stay():
    given = nnlite.initializers.GlorotUniform(seed=1, input_axes=[0], output_axes=[0])
    layer = EinsumDense("ab,bc->ac", 3, kernel_initializer=given)
    layer.build((None, 5))
    np.testing.assert_array_equal(layer.kernel.value, given((5, 3), "float32"))


def test_equals_dense():
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(4, 7, 5)).astype("float32"), rng.normal(size=(4, 7, 3)).astype("float32")
    dense, einsum = Dense(3, "gelu"), EinsumDense("...x,xy->...y", 3, "gelu", bias_axes="y")
    y, cache = dense.forward(x)
    einsum.build(x.shape)
    einsum.set_weights(dense.get_weights())
    again, kept = einsum.forward(x)
    np.testing.assert_array_equal(again, y)
    np.testing.assert_array_equal(einsum.backward(dy, kept), dense.backward(dy, cache))
    np.testing.assert_array_equal(einsum.kernel.grad, dense.kernel.grad)
    np.testing.assert_array_equal(einsum.bias.grad, dense.bias.grad)


def test_open_sizes_are_inferred():
    layer = EinsumDense("abc,cd->abd", (None, 3), bias_axes="bd")
    assert layer.compute_output_shape((None, 7, 5)) == (None, 7, 3)
    layer.build((None, 7, 5))
    assert layer.bias.shape == (7, 3)
    assert EinsumDense("abc,cd->abd", (None, 3)).compute_output_shape((None, None, 5)) == (None, None, 3)


def test_steps_may_vary_where_no_variable_has_their_size():
    layer = EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")
    layer.build((None, None, 5))
    assert [layer(np.ones((2, steps, 5))).shape for steps in (0, 1, 4)] == [(2, 0, 3), (2, 1, 3), (2, 4, 3)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ab,bc", 3), "must have the form"),
        (("ab, bc -> ac", 3), "without spaces"),
        (("...ab,bc->ac", 3), "must have the form"),
        (("...ab...,bc->...ac...", 3), "must have the form"),
        ((7, 3), "equation 7"),
        (("aab,bc->ac", 3), "letter 'a' twice"),
        (("ab,bcc->ac", 3), "letter 'c' twice"),
        (("ab,bcd->ac", 3), "letter 'd' of the kernel"),
        (("ab,bc->ad", 3), "letter 'c' of the kernel"),
        (("ab,b->ac", 3), "letter 'c' of the output"),
        (("ab,bc->ac", 0), "output_shape must be a whole number above 0"),
        (("ab,bc->ac", 3, None, "b"), "bias_axes must be letters of the output 'ac'"),
        (("ab,bc->ac", 3, None, ""), "bias_axes"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        EinsumDense(*arguments)


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        (("abc,cd->abd", (None, 3)), (None, 5), "for an input of 3 axes, got shape"),
        (("...abc,cd->...abd", (None, 3)), (None, 5), "at least 3 axes"),
        (("abc,cd->abd", 3), (None, 7, 5), r"output_shape \(3,\) must give a size"),
        (("abc,cd->abd", (6, 3)), (None, 7, 5), "letter 'b' .* is 7 in the input"),
        (("abc,cd->abd", (None, None)), (None, 7, 5), "size of 'd'"),
        (("abc,cd->abd", (None, 3)), (None, 7, None), "size of 'c'"),
        (("abc,cd->bad", (None, 3)), (None, 7, 5), "first axis of the input is the batch"),
        (("ab,ac->ac", 3), (None, 7), "first axis of the input is the batch"),
    ],
)
def test_wrong_shapes(arguments, shape, message):
    layer = EinsumDense(*arguments)
    with pytest.raises(ValueError, match=message):
        layer.build(shape)
    assert not layer.built and layer.weights == []


def test_an_input_that_does_not_fit_the_kernel():
    layer = EinsumDense("abc,bcd->abd", (7, 3))
    layer.build((None, 7, 5))
    with pytest.raises(ValueError, match=r"built with a kernel of shape \(7, 5, 3\)"):
        layer(np.ones((2, 6, 5)))
    with pytest.raises(ValueError, match="3"):
        layer(np.ones((2, 7)))
