"""Learning-rate schedules: the learning rate as a function of the number of updates."""

from __future__ import annotations

import bisect
import math
from itertools import pairwise
from typing import Any

from nnlite.core import serialization
from nnlite.core.registry import register
from nnlite.optimizers import checks

# A whole number, or what converts to one, such as optimizer.iterations.
Step = Any


class LearningRateSchedule(serialization.Configurable):
    """Base class: a subclass defines ``__call__(step) -> float``.

    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.5**step
    >>> Halving()(2)
    0.25
    """

    name: str | None = None

    def __call__(self, step: Step) -> float:
        """Return the learning rate for update number ``step``, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step).")


def _above_zero(owner: Any, name: str, value: Any) -> Any:
    checks.above_zero(type(owner).__name__, name, value)
    return value


@register("schedules")
class ExponentialDecay(LearningRateSchedule):
    """``initial * decay_rate ** (step / decay_steps)``; with ``staircase`` the exponent is cut to whole numbers.

    >>> ExponentialDecay(0.1, 10, 0.5)(10)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        checks.number(type(self).__name__, "initial_learning_rate", initial_learning_rate)
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = _above_zero(self, "decay_steps", decay_steps), staircase, name

    def __call__(self, step: Step) -> float:
        exponent = float(step) / self.decay_steps
        return float(
            self.initial_learning_rate * self.decay_rate ** (math.floor(exponent) if self.staircase else exponent)
        )


@register("schedules")
class InverseTimeDecay(LearningRateSchedule):
    """``initial / (1 + decay_rate * step / decay_steps)``; with ``staircase`` the quotient is cut to whole numbers.

    >>> InverseTimeDecay(0.1, 10, 1.0)(10)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        checks.number(type(self).__name__, "initial_learning_rate", initial_learning_rate)
        self.initial_learning_rate, self.decay_rate = initial_learning_rate, decay_rate
        self.decay_steps, self.staircase, self.name = _above_zero(self, "decay_steps", decay_steps), staircase, name

    def __call__(self, step: Step) -> float:
        quotient = float(step) / self.decay_steps
        return float(
            self.initial_learning_rate / (1 + self.decay_rate * (math.floor(quotient) if self.staircase else quotient))
        )


@register("schedules")
class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` for steps up to and including ``boundaries[i]``, the last value beyond.

    >>> [PiecewiseConstantDecay([5, 10], [1.0, 0.5, 0.1])(step) for step in (5, 6, 11)]
    [1.0, 0.5, 0.1]
    """

    def __init__(self, boundaries: list[int], values: list[float], name: str = "PiecewiseConstant") -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay: expected one value more than boundaries, got {len(values)} values "
                f"and {len(boundaries)} boundaries."
            )
        if any(a >= b for a, b in pairwise(boundaries)):
            raise ValueError(f"PiecewiseConstantDecay: boundaries must rise, got {list(boundaries)}.")
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: Step) -> float:
        return float(self.values[bisect.bisect_left(self.boundaries, float(step))])


@register("schedules")
class PolynomialDecay(LearningRateSchedule):
    """From ``initial`` to ``end`` as ``(1 - step / decay_steps) ** power``; with ``cycle`` again, ever longer.

    >>> round(PolynomialDecay(0.1, 10)(5), 6)
    0.05005
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        checks.number(type(self).__name__, "initial_learning_rate", initial_learning_rate)
        self.initial_learning_rate, self.end_learning_rate = initial_learning_rate, end_learning_rate
        self.decay_steps, self.power = _above_zero(self, "decay_steps", decay_steps), power
        self.cycle, self.name = cycle, name

    def __call__(self, step: Step) -> float:
        step, length = float(step), float(self.decay_steps)
        if self.cycle:
            length *= max(1, math.ceil(step / length))
        left = 1 - min(step, length) / length
        return float((self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate)


@register("schedules")
class CosineDecay(LearningRateSchedule):
    """Down along half a cosine to ``alpha`` times the start, after an optional linear warm-up (SGDR, 2016).

    During ``warmup_steps`` from ``initial`` up to ``warmup_target``; then
    ``top * (alpha + (1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2)``.

    >>> round(CosineDecay(0.1, 10)(5), 6)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        checks.number(type(self).__name__, "initial_learning_rate", initial_learning_rate)
        self.initial_learning_rate, self.alpha, self.name = initial_learning_rate, alpha, name
        self.decay_steps = _above_zero(self, "decay_steps", decay_steps)
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: Step) -> float:
        step, top = float(step), self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return float(top + (self.warmup_target - top) * step / self.warmup_steps)
            top, step = self.warmup_target, step - self.warmup_steps
        part = min(step, self.decay_steps) / self.decay_steps
        return float(top * (self.alpha + (1 - self.alpha) * 0.5 * (1 + math.cos(math.pi * part))))


@register("schedules")
class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay that starts again, each round ``t_mul`` times as long and ``m_mul`` times as high.

    >>> round(CosineDecayRestarts(0.1, 5)(5), 6)
    0.1
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        checks.number(type(self).__name__, "initial_learning_rate", initial_learning_rate)
        checks.number("CosineDecayRestarts", "t_mul", t_mul, 1)
        self.initial_learning_rate, self.t_mul, self.m_mul = initial_learning_rate, t_mul, m_mul
        self.first_decay_steps = _above_zero(self, "first_decay_steps", first_decay_steps)
        self.alpha, self.name = alpha, name

    def _begun(self, rounds: int) -> float:
        """Length of so many rounds, the first being 1."""
        return float(rounds) if self.t_mul == 1 else (self.t_mul**rounds - 1) / (self.t_mul - 1)

    def _rounds(self, part: float) -> int:
        """How many rounds are over; the logarithm may be off by one where a round has just ended."""
        if self.t_mul == 1:
            return math.floor(part)
        rounds = math.floor(math.log1p(part * (self.t_mul - 1)) / math.log(self.t_mul))
        return rounds + (self._begun(rounds + 1) <= part) - (self._begun(rounds) > part)

    def __call__(self, step: Step) -> float:
        part = float(step) / self.first_decay_steps
        rounds = self._rounds(part)
        part = (part - self._begun(rounds)) / self.t_mul**rounds
        cosine = 0.5 * self.m_mul**rounds * (1 + math.cos(math.pi * part))
        return float(self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha))


def serialize(learning_rate_schedule: Any) -> Any:
    """Return the config of a schedule.

    >>> serialize(CosineDecay(0.1, 10))["class_name"]
    'CosineDecay'
    """
    return serialization.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the schedule that a config describes.

    >>> deserialize(serialize(CosineDecay(0.1, 10))).decay_steps
    10
    """
    return serialization.deserialize(config, "schedules", custom_objects)
