"""LossScaleOptimizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from nnlite.core import serialization
from nnlite.core.registry import register
from nnlite.core.variable import Variable
from nnlite.kernels import optimizer as kernels
from nnlite.optimizers import checks
from nnlite.optimizers.base import Optimizer
from nnlite.optimizers.state import filling

# Where the scale stops growing: float32 must hold it and one over it.
LARGEST = 2.0**126
_INERT = {"use_ema": False, "ema_momentum": 0.99}


@register("optimizers")
class LossScaleOptimizer(Optimizer):
    """Another optimizer, with a loss that is multiplied by a scale which adapts itself.

    The loss is multiplied by the scale and the gradients are divided by it, so that small gradients of half precision
    do not become 0. A step with a gradient that is infinite or NaN is left out and halves the scale; after
    ``dynamic_growth_steps`` steps without one it doubles. ``compile`` wraps the optimizer of a model of policy
    "mixed_float16" in one, as Keras does. nnlite computes in float32, so the scale changes no digit of the update; it
    goes on growing where Keras's would meet the bounds of float16, up to 2^126.

    Args:
        inner_optimizer: the optimizer that makes the steps. Clipping, averages and the like are its own.
        initial_scale: the scale in the beginning, above 0.
        dynamic_growth_steps: after how many steps the scale doubles.
        name: name of the optimizer; made from the class's where None.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`, with their defaults alone.

    Raises:
        TypeError: if ``inner_optimizer`` is no optimizer.
        ValueError: for values out of range, and keywords that belong to the inner optimizer.

    >>> from nnlite.optimizers import SGD
    >>> v = Variable(np.ones(2))
    >>> optimizer = LossScaleOptimizer(SGD(0.5))
    >>> optimizer.build([v]); optimizer.apply([optimizer.scale_loss(np.ones(2))]); v.value.tolist()
    [0.5, 0.5]
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        own = "LossScaleOptimizer"
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise TypeError(f"{own}: inner_optimizer must be another optimizer, got {inner_optimizer!r}.")
        checks.above_zero(own, "initial_scale", initial_scale)
        checks.whole(own, "dynamic_growth_steps", dynamic_growth_steps, 1)
        if not kwargs.pop("dynamic", True):
            raise ValueError(f"{own}: dynamic=False is loss_scale_factor of the optimizer itself.")
        for key, value in kwargs.items():
            if key in Optimizer.argument_names() and value != _INERT.get(key):
                raise ValueError(f"{own}: {key} belongs to the inner optimizer, got {key}={value!r}.")
        super().__init__(0.0, name=name, **kwargs)
        self.inner_optimizer = inner_optimizer
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None  # or gradients would be divided twice

    # ---- what is the inner optimizer's ----

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self) -> Variable:
        """The inner optimizer's count: steps that were left out are not in it."""
        found: Variable = self.inner_optimizer.iterations
        return found

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then the inner optimizer's."""
        return [*self._variables, *self.inner_optimizer.variables]

    def averages(self) -> list[tuple[Variable, Variable]]:
        """Return each variable with its moving average, if the inner optimizer keeps them."""
        found: list[tuple[Variable, Variable]] = self.inner_optimizer.averages()
        return found

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Write the inner optimizer's moving averages, if it keeps them, into the variables."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Exempt variables from the inner optimizer's weight decay."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def _heads(self) -> list[Variable]:
        return [*super()._heads(), *self.inner_optimizer._heads()]

    def fits_unbuilt(self, count: int) -> bool:
        return count == len(self._heads())

    def reset_slots(self) -> None:
        super().reset_slots()
        self.inner_optimizer.reset_slots()

    # ---- steps ----

    def build(self, variables: Iterable[Variable]) -> None:
        variables = list(variables)
        self.inner_optimizer.build(variables)
        if not self.built:
            self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
            self.dynamic_scale = self.add_variable(
                (), filling(float(self.initial_scale)), "float32", name="dynamic_scale"
            )
            self.built = True

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times the scale."""
        return loss * (float(self.dynamic_scale) if self.built else self.initial_scale)

    def apply(self, grads: Sequence[Any] | None = None, variables: Iterable[Variable] | None = None) -> None:
        """Make one step with gradients of a scaled loss, or leave it out if one of them is not finite."""
        if grads is not None and len(grads) == 0:
            return
        if variables is not None:
            variables = list(variables)
            self.build(variables)
        indices, gradients = self.inner_optimizer._gradients(grads, variables)
        scale = float(self.dynamic_scale)
        if not all(map(_finite, gradients)):
            self.step_counter.assign(0)
            self.dynamic_scale.assign(scale * 0.5)
            return
        self.inner_optimizer._step(indices, gradients, 1.0 / scale)
        if int(self.step_counter) == self.dynamic_growth_steps - 1:
            self.step_counter.assign(0)
            self.dynamic_scale.assign(min(scale * 2, LARGEST))
        else:
            self.step_counter.assign_add(1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, Keras's keys in Keras's order."""
        return {
            "name": self.name,
            "inner_optimizer": serialization.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        inner = config.get("inner_optimizer")
        if isinstance(inner, dict):
            config = config | {"inner_optimizer": serialization.deserialize(inner, "optimizers")}
        return super().from_config(config)


def _finite(g: Any) -> bool:
    """Whether all elements are finite; a finite sum of squares says so at once."""
    return bool(np.isfinite(kernels.squares([g])[0]) or np.isfinite(g).all())
