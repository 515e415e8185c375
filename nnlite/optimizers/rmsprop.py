"""RMSprop."""

from __future__ import annotations

from functools import partial
from typing import Any

from nnlite.core.registry import register
from nnlite.kernels import optimizer_squares as updates
from nnlite.kernels.optimizer import Update
from nnlite.optimizers import checks
from nnlite.optimizers.base import Optimizer


@register("optimizers")
class RMSprop(Optimizer):
    """Steps divided by the root of a running mean of squared gradients (Hinton, 2012).

    ``u = rho * u + (1 - rho) * g^2; v -= lr * g / sqrt(u + epsilon)``; with momentum the step goes through
    ``mom = momentum * mom + step``; centred, u is lessened by the square of the running mean of g.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        rho: weight of the old mean.
        momentum: of the steps.
        epsilon: keeps the root away from zero.
        centered: whether to subtract the squared mean.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> RMSprop(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.6838, 0.6838]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        checks.number("RMSprop", "rho", rho, 0, 1)
        checks.number("RMSprop", "momentum", momentum, 0, 1)
        checks.number("RMSprop", "epsilon", epsilon, 0)
        super().__init__(learning_rate, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, bool(centered)
        slots = [("velocity",)]
        slots += [("momentum",)] if momentum else []
        slots += [("average_gradient",)] if centered else []
        self.slot_names = tuple(slots)

    def block_update(self, learning_rate: float, step: int) -> Update:
        update = partial(
            updates.rmsprop,
            lr=learning_rate,
            rho=self.rho,
            mu=self.momentum,
            epsilon=self.epsilon,
            centered=self.centered,
        )
        return Update(update, 9 + 2 * bool(self.momentum) + 5 * self.centered)
