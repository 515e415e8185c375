"""Optimizers that add up squared gradients: Adagrad, Adadelta and Ftrl."""

from __future__ import annotations

from functools import partial
from typing import Any

from nnlite.core.registry import register
from nnlite.kernels import optimizer_squares as updates
from nnlite.kernels.optimizer import Update
from nnlite.optimizers import checks
from nnlite.optimizers.base import Optimizer


@register("optimizers")
class Adagrad(Optimizer):
    """Steps divided by the root of all squared gradients so far (Duchi et al., 2011).

    ``a += g^2; v -= lr * g / sqrt(a + epsilon)``.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        initial_accumulator_value: where the sums a begin, at least 0.
        epsilon: keeps the root away from zero.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> Adagrad(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.9047, 0.9047]
    """

    slot_names = (("accumulator",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        checks.number("Adagrad", "initial_accumulator_value", initial_accumulator_value, 0)
        checks.number("Adagrad", "epsilon", epsilon, 0)
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon
        self.slot_starts = {"accumulator": initial_accumulator_value}

    def block_update(self, learning_rate: float, step: int) -> Update:
        return Update(partial(updates.adagrad, lr=learning_rate, epsilon=self.epsilon), 7)


@register("optimizers")
class Adadelta(Optimizer):
    """Steps as long as those before them, over the root of a running mean of squared gradients (Zeiler, 2012).

    ``a = rho * a + (1 - rho) * g^2; e = sqrt(b + epsilon) * g / sqrt(a + epsilon);
    b = rho * b + (1 - rho) * e^2; v -= lr * e``. The paper has no learning rate: use 1.0 for its form.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        rho: weight of the old means, 0 to 1.
        epsilon: keeps the roots away from zero, and begins the first step.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> Adadelta(1.0).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.9986, 0.9986]
    """

    slot_names = (("accumulated_grad", "accumulated_delta_var"),)

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **kwargs: Any) -> None:
        checks.number("Adadelta", "rho", rho, 0, 1)
        checks.number("Adadelta", "epsilon", epsilon, 0)
        super().__init__(learning_rate, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def block_update(self, learning_rate: float, step: int) -> Update:
        return Update(partial(updates.adadelta, lr=learning_rate, rho=self.rho, epsilon=self.epsilon), 16)


@register("optimizers")
class Ftrl(Optimizer):
    """Follow the regularized leader: many weights become exactly 0 (McMahan et al., 2013).

    ``n = a + g^2; z += g + 2 * l2_shrinkage * v - (n^-p - a^-p) / lr * v; a = n;
    v = (clip(z, -l1, l1) - z) / (n^-p / lr + 2 * (l2 + beta / (2 * lr)))`` with p the power of the learning rate.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        learning_rate_power: at most 0; 0 for a fixed learning rate.
        initial_accumulator_value: where the sums a begin, at least 0.
        l1_regularization_strength, l2_regularization_strength: penalties on v, at least 0.
        l2_shrinkage_regularization_strength: a penalty that only lessens the size, at least 0.
        beta: makes up for small gradients in the beginning.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> import numpy as np
    >>> from nnlite import Variable
    >>> v = Variable(np.ones(2))
    >>> Ftrl(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [0.6031, 0.6031]
    """

    slot_names = (("accumulator", "linear"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Any,
    ) -> None:
        checks.number("Ftrl", "learning_rate_power", learning_rate_power, high=0)
        checks.number("Ftrl", "initial_accumulator_value", initial_accumulator_value, 0)
        checks.number("Ftrl", "l1_regularization_strength", l1_regularization_strength, 0)
        checks.number("Ftrl", "l2_regularization_strength", l2_regularization_strength, 0)
        checks.number("Ftrl", "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 0)
        checks.number("Ftrl", "beta", beta)
        super().__init__(learning_rate, **kwargs)
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength, self.beta = l2_shrinkage_regularization_strength, beta
        self.slot_starts = {"accumulator": initial_accumulator_value}

    def block_update(self, learning_rate: float, step: int) -> Update:
        if not learning_rate:
            raise ValueError("Ftrl divides by its learning rate, which must not be 0.")
        update = partial(
            updates.ftrl,
            lr=learning_rate,
            power=self.learning_rate_power,
            l1=self.l1_regularization_strength,
            l2=self.l2_regularization_strength,
            shrinkage=self.l2_shrinkage_regularization_strength,
            beta=self.beta,
        )
        return Update(update, 20, None, writes=True)
