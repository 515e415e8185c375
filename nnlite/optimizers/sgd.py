"""Stochastic gradient descent."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nnlite.core.registry import register
from nnlite.kernels import optimizer_momentum as updates
from nnlite.kernels.optimizer import Update
from nnlite.optimizers import checks
from nnlite.optimizers.base import Optimizer


@register("optimizers")
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked.

    ``v -= lr * g``; with momentum ``m = momentum * m - lr * g; v += m``; with Nesterov's look ahead
    ``v += momentum * m - lr * g`` (Sutskever et al., 2013).

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        momentum: from 0 to 1.
        nesterov: whether to look ahead.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> SGD(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.9, 0.9]
    """

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, **kwargs: Any) -> None:
        checks.number("SGD", "momentum", momentum, 0, 1)
        super().__init__(learning_rate, **kwargs)
        self.momentum, self.nesterov = float(momentum), bool(nesterov)
        self.slot_names = (("momentum",),) if momentum else ()

    def block_update(self, learning_rate: float, step: int) -> Update:
        lr, mu = learning_rate, self.momentum
        if not mu:
            return Update(partial(updates.sgd, lr=lr), 2)
        return Update(partial(updates.momentum, lr=lr, mu=mu, nesterov=self.nesterov), 5, np.add)
