"""Schedules: the formulas at chosen steps, steps of other types, what is refused."""

import math

import numpy as np
import pytest

from nnlite import Variable, optimizers
from nnlite.optimizers import schedules

STEPS = (0, 1, 5, 6, 10, 12, 20)
# Rates at those steps, to six digits.
TABLE = [
    (schedules.ExponentialDecay(0.1, 10, 0.5), [0.1, 0.093303, 0.070711, 0.065975, 0.05, 0.043528, 0.025]),
    (schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025]),
    (schedules.InverseTimeDecay(0.1, 10, 0.5), [0.1, 0.095238, 0.08, 0.076923, 0.066667, 0.0625, 0.05]),
    (schedules.PolynomialDecay(0.1, 10), [0.1, 0.09001, 0.05005, 0.04006, 0.0001, 0.0001, 0.0001]),
    (schedules.PolynomialDecay(0.1, 10, cycle=True), [0.1, 0.09001, 0.05005, 0.04006, 0.0001, 0.04006, 0.0001]),
    (schedules.PiecewiseConstantDecay([5, 10], [1.0, 0.5, 0.1]), [1.0, 1.0, 1.0, 0.5, 0.5, 0.1, 0.1]),
    (schedules.CosineDecay(0.1, 10), [0.1, 0.097553, 0.05, 0.034549, 0.0, 0.0, 0.0]),
    (
        schedules.CosineDecay(0.0, 10, alpha=0.1, warmup_target=0.1, warmup_steps=5),
        [0.0, 0.02, 0.1, 0.097798, 0.055, 0.02855, 0.01],
    ),
    (schedules.CosineDecayRestarts(0.1, 5), [0.1, 0.090451, 0.1, 0.097553, 0.05, 0.020611, 0.085355]),
]


@pytest.mark.parametrize(("schedule", "expected"), TABLE, ids=lambda x: type(x).__name__)
def test_table(schedule, expected):
    assert [schedule(step) for step in STEPS] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("schedule", [row[0] for row in TABLE], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("kind", [np.int64, np.float32, np.array, lambda s: Variable(np.array(s), trainable=False)])
def test_steps_of_any_numeric_type(schedule, kind):
    for step in STEPS:
        rate = schedule(kind(step))
        assert type(rate) is float
        assert rate == schedule(step)


@pytest.mark.parametrize("t_mul", [1.0, 1.5, 2.0, 3.0, 10.0])
def test_restarts_begin_at_the_top_whatever_the_logarithm_rounds_to(t_mul):
    schedule = schedules.CosineDecayRestarts(1.0, 2, t_mul=t_mul)
    start, length = 0.0, 2.0
    for _ in range(12):
        assert schedule(start) == pytest.approx(1.0, abs=1e-9)
        assert schedule(start + length * 0.999) < 1e-4
        start, length = start + length, length * t_mul


def test_cosine_is_half_a_period():
    schedule = schedules.CosineDecay(2.0, 7, alpha=0.25)
    for step in range(10):
        part = min(step, 7) / 7
        assert schedule(step) == pytest.approx(2 * (0.75 * (1 + math.cos(math.pi * part)) / 2 + 0.25))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be a number above 0, got 0"),
        (lambda: schedules.CosineDecay(0.1, -3), "CosineDecay: decay_steps"),
        (lambda: schedules.PolynomialDecay(0.1, "10"), "decay_steps.*'10'"),
        (lambda: schedules.InverseTimeDecay(0.1, float("nan"), 1.0), "decay_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5), "t_mul must be a number, at least 1"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "2 values and 2 boundaries"),
        (lambda: schedules.PiecewiseConstantDecay([5, 5], [0.1, 0.2, 0.3]), r"must rise, got \[5, 5\]"),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_schedule_of_ones_own():
    class Halving(schedules.LearningRateSchedule):
        def __init__(self, start):
            self.start = start

        def __call__(self, step):
            return self.start * 0.5**step

    optimizer = optimizers.SGD(Halving(1.0))
    v = Variable(np.zeros(1))
    for _ in range(3):
        optimizer.apply([np.ones(1)], [v])
    assert v.value.tolist() == [-1.75]
    assert Halving(0.5).get_config() == {"start": 0.5}
    again = optimizers.SGD.from_config(optimizer.get_config() | {"learning_rate": Halving(1.0)})
    assert float(again.learning_rate) == 1.0
    with pytest.raises(NotImplementedError, match="__call__"):
        schedules.LearningRateSchedule()(0)


def test_unknown_schedule_in_a_config():
    with pytest.raises(ValueError, match="Did you mean 'CosineDecay'"):
        schedules.deserialize({"class_name": "CosinDecay", "config": {}})
