"""Lion."""

from __future__ import annotations

from functools import partial
from typing import Any

from nnlite.core.registry import register
from nnlite.kernels import optimizer_momentum as updates
from nnlite.kernels.optimizer import Update
from nnlite.optimizers import checks
from nnlite.optimizers.base import Optimizer


@register("optimizers")
class Lion(Optimizer):
    """Steps of one length, along the sign of a running mean of gradients (Chen et al., 2023).

    ``v -= lr * sign(b1 * m + (1 - b1) * g)``, then ``m = b2 * m + (1 - b2) * g``. Wants a learning rate three to ten
    times as small as Adam's.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        beta_1: weight of the mean in the step: above 0, at most 1.
        beta_2: weight of the old mean.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> Lion(0.1).apply([np.array([3.0, -0.1])], [v]); v.value.round(4).tolist()
    [0.9, 1.1]
    """

    slot_names = (("momentum",),)

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **kwargs: Any) -> None:
        checks.above_zero("Lion", "beta_1", beta_1)
        checks.number("Lion", "beta_1", beta_1, 0, 1)
        checks.number("Lion", "beta_2", beta_2, 0, 1)
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def block_update(self, learning_rate: float, step: int) -> Update:
        return Update(partial(updates.lion, lr=learning_rate, beta_1=self.beta_1, beta_2=self.beta_2), 8)
