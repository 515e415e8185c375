"""Calls that cannot be, and what is said of them: which function, which operands, what does not fit."""

import numpy as np
import pytest

from nnlite import Input, Model, ops

A, B = np.ones((2, 3), "float32"), np.ones((4,), "float32")

CALLS = {
    "add": (lambda x, z: ops.add(x, z), "do not go together|could not be broadcast"),
    "sum": (lambda x, z: ops.sum(x, axis=5), "axis=5.* got 5, expected a number from -2 to 1"),
    "matmul": (lambda x, z: ops.matmul(x, np.ones((4, 2))), "must have the same size, got 3 and 4"),
    "concatenate": (lambda x, z: ops.concatenate([x, np.ones((2, 4, 1))], axis=1), "number of (axes|dimensions)"),
    "stack": (lambda x, z: ops.stack([x, np.ones((2, 4))]), "same shape|one shape"),
    "split": (lambda x, z: ops.split(x, 2, axis=1), "axis 1 of size 3 has no 2 equal parts"),
    "unstack": (lambda x, z: ops.unstack(x, 5, axis=1), "num=5"),
    "transpose": (lambda x, z: ops.transpose(x, (0, 0)), "axes=.0, 0.*repeated axis"),
    "einsum": (lambda x, z: ops.einsum("ijk->k", x), "'ijk'.* names 3 axes, its operand has 2"),
    "pad": (lambda x, z: ops.pad(x, (1, 2, 3)), "no pair .before, after. for each of 2 axes"),
    "reshape": (lambda x, z: ops.reshape(x, (4, -1, -1)), "one unknown dimension|-1 or None once"),
    "squeeze": (lambda x, z: ops.squeeze(x, axis=1), "axis"),
    "top_k": (lambda x, z: ops.top_k(x, 7), "k=7 of a last axis of size 3"),
    "get_item": (lambda x, z: ops.get_item(x, (0, 1, 2)), "too many indices|does not fit shape"),
    "one_hot": (lambda x, z: ops.one_hot(x, 3, sparse=True), "no sparse arrays"),
    "multi_hot": (lambda x, z: ops.multi_hot(x), "give num_classes"),
    "where": (lambda x, z: ops.where(x > 0, x), "x1 and x2"),
    "norm": (lambda x, z: ops.norm(x, ord=2, axis=(0, 1)), "None, 'fro', 1, -1, inf or -inf over two"),
    "cast": (lambda x, z: ops.cast(x, "bfloat16"), "NumPy has no 'bfloat16'"),
    "moments": (lambda x, z: ops.moments(x, [1], synchronized=True), "synchronized=True"),
    "softmax": (lambda x, z: ops.softmax(x, axis=4), "axis=4"),
    "glu": (lambda x, z: ops.glu(x), "size must be even"),
    "flip": (lambda x, z: ops.flip(x, 4), "axis=4.* got 4"),
    "depth_to_space": (lambda x, z: ops.depth_to_space(x, 2), "images .4 axes."),
    "broadcast_to": (lambda x, z: ops.broadcast_to(x, (2, 2)), "shape=.2, 2."),
    "average": (lambda x, z: ops.average(x, axis=1, weights=B), "weights of shape .4,."),
}


@pytest.mark.parametrize("name", CALLS)
def test_arrays_that_do_not_fit(name):
    call, message = CALLS[name]
    with pytest.raises((ValueError, TypeError), match=rf"ops\.{name}\((?s:.*)(?:{message})"):
        call(A, B)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "average"])
def test_symbols_that_do_not_fit(name):
    call, message = CALLS[name]
    with pytest.raises((ValueError, TypeError), match=rf"'{name}[_0-9]*', ops\.{name}\((?s:.*)(?:{message})"):
        call(Input((3,)), Input((4,)))


def test_arguments_that_there_are_not():
    with pytest.raises(TypeError, match=r"ops\.sum: got an unexpected keyword argument 'dim'.*axis.*keepdims"):
        ops.sum(A, dim=1)
    with pytest.raises(TypeError, match=r"ops\.add: missing a required argument: 'x2'"):
        ops.add(A)
    with pytest.raises(TypeError, match="Expected numbers, arrays or symbols, got dict"):
        ops.add(A, {})
    with pytest.raises(AttributeError, match="no attribute 'addition'"):
        ops.addition(A, A)


def test_configs_that_lack_something():
    x = Input((3, 4))
    config = Model(x, ops.transpose(ops.clip(x, 0, 1), (0, 2, 1))).get_config()
    clip = next(entry for entry in config["layers"] if entry["class_name"] == "Clip")
    del clip["config"]["x_max"]
    with pytest.raises(ValueError, match=r"The config of Clip 'clip[_0-9]*' has no 'x_max'"):
        Model.from_config(config)
