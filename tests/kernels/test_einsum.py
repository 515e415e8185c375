"""einsum_forward and einsum_backward against numpy.einsum, over equations in which axes play every part."""

import numpy as np
import pytest

from nnlite.kernels import einsum

SIZES = {"a": 3, "b": 4, "c": 5, "d": 2, "e": 6}
EQUATIONS = [
    ("ab", "bc", "ac"),
    ("abc", "cde", "abde"),
    ("abcd", "cde", "abe"),
    ("abcd", "dce", "aeb"),
    ("abc", "bcd", "abd"),
    ("abc", "bd", "adb"),
    ("abc", "cd", "ad"),
    ("abc", "c", "abc"),
    ("ab", "c", "acb"),
    ("abcd", "ed", "aebc"),
    ("abc", "ecb", "ae"),
]


def shape(names):
    return tuple(SIZES[name] for name in names)


@pytest.mark.parametrize("equation", EQUATIONS, ids=lambda parts: f"{parts[0]},{parts[1]}->{parts[2]}")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_product_and_gradients(equation, dtype, batch):
    x_names, w_names, y_names = equation
    rng = np.random.default_rng(0)
    x, w, dy = (rng.normal(size=shape(names)).astype(dtype) for names in equation)
    x, dy = x[:batch], dy[:batch]
    plan = einsum.plan(*map(tuple, equation))
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    y = einsum.einsum_forward(x, w, plan, dy.shape)
    np.testing.assert_allclose(y, np.einsum(f"{x_names},{w_names}->{y_names}", x, w), tolerance, tolerance)
    dx, dw, db = einsum.einsum_backward(dy, x, w, plan)
    # an axis of x that neither w nor y has is summed away, so its gradient is the same all along it
    kept = "".join(name for name in x_names if name in w_names + y_names)
    wanted = np.einsum(f"{y_names},{w_names}->{kept}", dy, w)
    wanted = np.broadcast_to(np.expand_dims(wanted, plan.lost), x.shape)
    np.testing.assert_allclose(dx, wanted, tolerance, tolerance)
    np.testing.assert_allclose(dw, np.einsum(f"{x_names},{y_names}->{w_names}", x, dy), tolerance, tolerance)
    assert db is None and y.dtype == dx.dtype == dw.dtype == dtype
    assert y.shape == dy.shape and dx.shape == x.shape and dw.shape == w.shape


def test_gradient_of_the_kernel_goes_where_it_is_told():
    rng = np.random.default_rng(0)
    x, w, dy = rng.normal(size=(3, 4, 5)), rng.normal(size=(5, 2, 6)), rng.normal(size=(3, 4, 2, 6))
    memory = np.empty_like(w)
    _, dw, db = einsum.einsum_backward(dy, x, w, einsum.plan(*map(tuple, ("abc", "cde", "abde"))), True, dw=memory)
    assert dw is memory
    np.testing.assert_allclose(dw, np.einsum("abc,abde->cde", x, dy))
    np.testing.assert_allclose(db.reshape(2, 6), dy.sum((0, 1)))


def test_gradients_that_nobody_wants_are_none():
    x, w, dy = np.ones((3, 4)), np.ones((4, 2)), np.ones((3, 2))
    plan = einsum.plan(("a", "b"), ("b", "c"), ("a", "c"))
    assert einsum.einsum_backward(dy, x, w, plan, input_grad=False, weight_grad=False) == (None, None, None)
