"""Adam and AdamW."""

from __future__ import annotations

from functools import partial
from typing import Any

from nnlite.core.registry import register
from nnlite.kernels import optimizer_adam as updates
from nnlite.kernels.optimizer import Update
from nnlite.optimizers import checks
from nnlite.optimizers.base import Optimizer


@register("optimizers")
class Adam(Optimizer):
    """Steps along a running mean of gradients over the root of one of their squares (Kingma and Ba, 2014).

    ``m += (1 - b1) * (g - m); u += (1 - b2) * (g^2 - u); v -= a * m / (sqrt(u) + epsilon)`` with
    ``a = lr * sqrt(1 - b2^t) / (1 - b1^t)`` at step t: the paper's form with "epsilon hat", as Keras has it.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        beta_1, beta_2: weights of the old means.
        epsilon: keeps the denominator away from zero.
        amsgrad: whether u in the denominator is the largest so far (Reddi et al., 2018).
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> Adam(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.9, 0.9]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        own = type(self).__name__
        checks.number(own, "beta_1", beta_1, 0, 1, below=True)
        checks.number(own, "beta_2", beta_2, 0, 1, below=True)
        checks.number(own, "epsilon", epsilon, 0)
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, bool(amsgrad)
        self.slot_names = (("momentum", "velocity"), *((("velocity_hat",),) if amsgrad else ()))

    def block_update(self, learning_rate: float, step: int) -> Update:
        update = partial(
            updates.adam,
            lr=learning_rate,
            step=step,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
        )
        return Update(update, 12 + self.amsgrad)


@register("optimizers")
class AdamW(Adam):
    """Adam with weight decay that does not pass through the running means (Loshchilov and Hutter, 2017).

    Each step first takes ``v * weight_decay * lr`` off v.

    Args:
        learning_rate, beta_1, beta_2, epsilon, amsgrad: as for :class:`Adam`.
        weight_decay: must not be None.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> AdamW(0.1, weight_decay=0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.89, 0.89]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number; for none use Adam.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs)
