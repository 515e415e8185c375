"""Adam's kin: Adamax, Nadam and ScheduleFreeAdamW."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from nnlite.core.registry import register
from nnlite.core.variable import Variable
from nnlite.kernels import optimizer_adam as updates
from nnlite.kernels.optimizer import Update
from nnlite.optimizers import checks
from nnlite.optimizers.base import Optimizer
from nnlite.optimizers.state import filling


class _Moments(Optimizer):
    """What these three share: two running means and an epsilon."""

    slot_names = (("momentum", "velocity"),)

    def __init__(self, learning_rate: Any, beta_1: float, beta_2: float, epsilon: float, **kwargs: Any) -> None:
        own = type(self).__name__
        checks.number(own, "beta_1", beta_1, 0, 1, below=True)
        checks.number(own, "beta_2", beta_2, 0, 1, below=True)
        checks.number(own, "epsilon", epsilon, 0)
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _settings(self, learning_rate: float, step: int) -> dict[str, Any]:
        betas = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {"lr": learning_rate, "step": step, **betas}


@register("optimizers")
class Adamax(_Moments):
    """Steps along a running mean of gradients over their largest size lately (Kingma and Ba, 2014).

    ``m += (1 - b1) * (g - m); u = max(b2 * u, |g|); v -= lr * m / ((1 - b1^t) * (u + epsilon))`` at step t.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        beta_1, beta_2: weights of the old mean, and of the old maximum.
        epsilon: keeps the denominator away from zero.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> Adamax(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.9, 0.9]
    """

    slot_names = (("momentum", "norm"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def block_update(self, learning_rate: float, step: int) -> Update:
        return Update(partial(updates.adamax, **self._settings(learning_rate, step)), 11)


@register("optimizers")
class Nadam(_Moments):
    """Adam with Nesterov's look ahead (Dozat, 2015).

    ``m`` and ``u`` as in Adam; with ``w_t = b1 * (1 - 0.96^t / 2)`` and ``p`` the product of all w so far,
    ``h = w_{t+1} * m / (1 - p * w_{t+1}) + (1 - w_t) * g / (1 - p); v -= lr * h / (sqrt(u / (1 - b2^t)) + epsilon)``.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        beta_1, beta_2: weights of the old means.
        epsilon: keeps the denominator away from zero.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> Nadam(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.8937, 0.8937]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def _made_slots(self, variables: list[Variable]) -> list[list[Variable]]:
        slots = super()._made_slots(variables)
        dtype = variables[0].dtype if variables else None
        self._product = self.add_variable((), filling(1.0), dtype, "u_product")
        return slots

    def kept_by_keras_2(self) -> list[Variable]:
        kept = super().kept_by_keras_2()
        return [v for v in kept if v is not self._product] if self.built else kept

    def complete(self) -> None:
        """Make the product of all w so far again, which Keras 2 did not keep."""
        self._product.assign(np.ones((), self._product.value.dtype))
        for step in range(1, int(self.iterations) + 1):
            self._begin_update(step)
            if not self._product.value:
                break

    def _begin_update(self, step: int) -> None:
        self._product.value *= updates.nadam_weight(step, self.beta_1, self._product.dtype)

    def block_update(self, learning_rate: float, step: int) -> Update:
        settings = self._settings(learning_rate, step)
        return Update(partial(updates.nadam, product=float(self._product.value), **settings), 19)


@register("optimizers")
class ScheduleFreeAdamW(_Moments):
    """Adam's step sizes without a schedule: steps go on at full length, and their mean is what is kept.

    ``u`` as in Adam; ``z -= lr * g / (sqrt(u / (1 - b2^t)) + epsilon)`` is where the steps go, ``x`` the mean of all z,
    and ``v = (1 - b1) * z + b1 * x`` the variable, where gradients are taken. Evaluation and files use v, as in Keras.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        beta_1: how near to the mean x gradients are taken: above 0, below 1.
        beta_2: weight of the old mean of squares.
        epsilon: keeps the denominator away from zero.
        warmup_steps: number of steps in which the learning rate rises from 0.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    Source: Defazio et al., 2024, "The road less scheduled".

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> ScheduleFreeAdamW(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.9, 0.9]
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Any,
    ) -> None:
        checks.above_zero("ScheduleFreeAdamW", "beta_1", beta_1)
        checks.whole("ScheduleFreeAdamW", "warmup_steps", warmup_steps, 0)
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.warmup_steps = warmup_steps

    def _made_slots(self, variables: list[Variable]) -> list[list[Variable]]:
        slots = super()._made_slots(variables)
        self._copy_values(variables, slots[0])
        return slots

    def _copy_values(self, variables: list[Variable], places: list[Variable]) -> None:
        for variable, place in zip(variables, places, strict=True):
            place.assign(variable.value)

    def reset_slots(self) -> None:
        super().reset_slots()
        if self.built:
            self._copy_values(self._trained, self._slots[0])

    def block_update(self, learning_rate: float, step: int) -> Update:
        if step < self.warmup_steps:
            learning_rate *= step / self.warmup_steps
        return Update(partial(updates.schedule_free, **self._settings(learning_rate, step)), 22, None, writes=True)
