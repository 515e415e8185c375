"""The learning rate: a number, a schedule or a function; what may be set in whose place."""

import numpy as np
import pytest

from nnlite import Variable, config
from nnlite.optimizers import SGD, schedules


def test_learning_rate_can_be_set():
    optimizer = SGD(0.5)
    v = Variable(np.zeros(1))
    optimizer.apply([[1.0]], [v])
    optimizer.learning_rate = 0.25
    optimizer.apply([[1.0]], [v])
    optimizer.learning_rate = 1
    optimizer.apply([[1.0]], [v])
    optimizer.learning_rate.assign(2.0)
    optimizer.apply([[1.0]], [v])
    assert v.value.tolist() == [-3.75]
    assert optimizer.learning_rate.dtype == "float32"


def test_learning_rate_of_a_function():
    rates = iter([0.5, 0.25])
    optimizer = SGD(lambda: next(rates))
    v = Variable(np.zeros(1))
    optimizer.apply([[1.0]], [v])
    optimizer.apply([[1.0]], [v])
    assert v.value.tolist() == [-0.75]
    with pytest.raises(TypeError, match="comes from a function"):
        optimizer.learning_rate = 0.1


def test_a_failing_function_changes_nothing():
    optimizer = SGD(lambda: 1 / 0, gradient_accumulation_steps=2)
    v = Variable(np.ones(1))
    with pytest.raises(ZeroDivisionError):
        optimizer.apply([[1.0]], [v])
    assert v.value.tolist() == [1.0]
    assert [x.value.max() for x in optimizer.variables] == [0, 0]


def test_schedules_may_take_the_place_of_a_number_and_not_the_other_way():
    optimizer = SGD(0.5)
    assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate"]
    optimizer.learning_rate = schedules.ExponentialDecay(1.0, 1, 0.5)
    assert [v.name for v in optimizer.variables] == ["iteration"]
    v = Variable(np.zeros(1))
    for _ in range(3):
        optimizer.apply([[1.0]], [v])
    assert v.value.tolist() == [-1.75]
    assert float(optimizer.learning_rate) == 0.125
    with pytest.raises(TypeError, match="comes from a schedule"):
        optimizer.learning_rate = 0.1


@pytest.mark.parametrize("value", ["0.1", [0.1, 0.2], None])
def test_learning_rate_set_to_nonsense(value):
    with pytest.raises(TypeError):
        optimizer = SGD(0.5)
        optimizer.learning_rate = value
    assert float(optimizer.learning_rate) == 0.5


def test_float64_everywhere_keeps_the_rate_in_full():
    config.set_floatx("float64")
    try:
        assert float(SGD(0.1).learning_rate) == 0.1
        assert float(SGD(schedules.CosineDecay(0.1, 10)).learning_rate) == 0.1
    finally:
        config.set_floatx("float32")
    assert float(SGD(0.1).learning_rate) == float(np.float32(0.1)) != 0.1
