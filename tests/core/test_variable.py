import copy
import operator
import pickle

import numpy as np
import pytest

from nnlite.core.variable import Variable


def test_value_is_a_copy_and_keeps_its_identity():
    start = np.ones((2, 3), "float32")
    v = Variable(start, name="kernel")
    value = v.value
    start[:] = 5
    assert v.value[0, 0] == 1
    v.assign(np.zeros((2, 3)))
    assert v.value is value and not value.any() and v.dtype == "float32"


def test_gradients_accumulate_and_are_live():
    v = Variable(np.zeros(3))
    assert v.grad.tolist() == [0, 0, 0]
    v.accumulate(np.array([1.0, 2.0, 3.0]))
    live = v.grad
    v.accumulate(np.ones(3))
    assert live.tolist() == [2, 3, 4]
    v.zero_grad()
    assert v.grad.tolist() == [0, 0, 0]
    v.accumulate(np.ones(3))
    assert v.grad.tolist() == [1, 1, 1]


def test_accumulate_takes_a_copy():
    v, g = Variable(np.zeros(2)), np.ones(2)
    v.accumulate(g)
    g[:] = 9
    assert v.grad.tolist() == [1, 1]


def test_accumulate_refuses_another_shape():
    v = Variable(np.zeros((2, 3)), name="kernel")
    with pytest.raises(ValueError, match=r"'kernel'.*\(3, 2\).*\(2, 3\)"):
        v.accumulate(np.zeros((3, 2)))


def test_a_frozen_variable_has_no_gradient():
    v = Variable(np.zeros(2), trainable=False)
    v.accumulate(np.ones(2))
    assert v.grad is None
    v.trainable = True
    assert v.grad.tolist() == [0, 0]


def test_assign_checks_the_shape_first():
    v = Variable(np.arange(2.0), name="w")
    with pytest.raises(ValueError, match="'w'"):
        v.assign([1.0])
    assert v.numpy().tolist() == [0, 1]


def test_numpy_is_a_copy():
    v = Variable(np.zeros(2))
    v.numpy()[:] = 1
    assert not v.value.any()


def test_conversions():
    v = Variable(np.float32(2.5))
    assert float(v) == 2.5 and np.asarray(v) == np.float32(2.5) and v.shape == () and v.size == 1
    assert int(Variable(np.int32(7))) == 7


@pytest.mark.parametrize("again", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_are_independent(again):
    v = Variable(np.ones(2), name="a", path="m/a")
    v.accumulate(np.ones(2))
    other = again(v)
    other.value += 1
    assert v.value.tolist() == [1, 1] and other.path == "m/a" and other.grad.tolist() == [1, 1]


def test_arithmetic_gives_arrays_and_leaves_the_variable_alone():
    v = Variable(np.array([2.0, 4.0], "float32"))
    for result, expected in ((v + 1, [3, 5]), (1 - v, [-1, -3]), (v * v, [4, 16]), (8 / v, [4, 2]), (v - 2, [0, 2])):
        assert type(result) is np.ndarray and result.dtype == np.float32 and result.tolist() == expected
    assert (v / 2).tolist() == [1, 2] and (2 * v).tolist() == [4, 8] and (np.ones(2) + v).tolist() == [3, 5]
    held = v.value
    assert v.assign_add(1.5).assign_sub([1, 0]) is v
    assert v.value is held and held.tolist() == [2.5, 5.5]


def test_all_operators_but_equality_compute():
    a = Variable(np.array([[1.0, -2.0], [3.0, 4.0]], "float32"))
    b = Variable(np.array([[2.0, 2.0], [3.0, 5.0]], "float32"))
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "lt", "le", "gt", "ge"):
        of = getattr(operator, name)
        expected = of(a.value, b.value)
        for result in (of(a, b), of(a, b.value), of(a.value, b)):
            assert type(result) is np.ndarray and result.dtype == expected.dtype and np.array_equal(result, expected)
        if name != "matmul":
            assert np.array_equal(of(a, 2), of(a.value, 2)) and np.array_equal(of(3, b), of(3, b.value))
    for of in (operator.neg, operator.pos, abs):
        assert np.array_equal(of(a), of(a.value)) and of(a) is not a.value
    assert round(a).tolist() == a.value.tolist() and round(Variable(np.array([1.26])), 1).tolist() == [1.3]
    flags = Variable(np.array([True, False]), trainable=False)
    assert (flags & flags).tolist() == [True, False] and (~flags).tolist() == [False, True]
    assert (flags | True).all() and not (flags ^ flags).any()
    assert a == a and a != b and len({a, b}) == 2


def test_python_numbers_have_the_dtypes_of_keras():
    assert Variable(2.0).dtype == Variable([1.0, 2.0]).dtype == "float32"
    assert Variable(2).dtype == Variable([[1], [2]]).dtype == "int32" and Variable(True).dtype == "bool"
    assert Variable(2.0, dtype="float64").dtype == "float64" and Variable(np.ones(2)).dtype == "float64"
