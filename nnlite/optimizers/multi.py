"""MultiOptimizer and OptimizerMap: different optimizers for different variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Any

from nnlite.core import serialization
from nnlite.core.registry import register
from nnlite.core.variable import Variable
from nnlite.optimizers.base import Optimizer
from nnlite.optimizers.loss_scale import LossScaleOptimizer


@register("optimizers")
class OptimizerMap(MutableMapping[str, Optimizer]):
    """Optimizers by the paths of variables, or by regular expressions that whole paths match.

    Args:
        default_optimizer: for all other variables.
        optimizer_map: a dict of optimizers by path or expression.

    Raises:
        TypeError: for what is no optimizer, and no dict.
        ValueError: for wrappers of optimizers, keys that are no strings, and keys set twice.

    >>> from nnlite.optimizers import SGD, Adam
    >>> chosen = OptimizerMap(SGD(0.1, name="rest"), {"encoder/.*": Adam(name="first")})
    >>> chosen["encoder/dense/kernel"].name, chosen["decoder/dense/kernel"].name
    ('first', 'rest')
    """

    def __init__(self, default_optimizer: Any, optimizer_map: dict[str, Any] | None = None) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"OptimizerMap: default_optimizer must be an optimizer, got {default_optimizer!r}.")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"OptimizerMap: optimizer_map must be a dict, got {optimizer_map!r}.")
        self.default_optimizer = _checked(default_optimizer, "the default")
        self._map: dict[str, Optimizer] = {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._map:
            return self._map[key]
        found = [pattern for pattern in self._map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"OptimizerMap: several keys match the path {key!r}: {', '.join(map(repr, found))}.")
        return self._map[found[0]] if found else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Any) -> None:
        if not isinstance(key, str):
            raise ValueError(f"OptimizerMap: keys are paths or regular expressions, got {key!r}.")
        if key in self._map:
            raise ValueError(f"OptimizerMap: there is an optimizer for {key!r} already; delete it first.")
        self._map[key] = _checked(optimizer, repr(key))

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __call__(self, variable: Variable) -> Optimizer:
        """Return the optimizer for a variable."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {
            "default_optimizer": serialization.serialize(self.default_optimizer),
            "optimizer_map": serialization.serialize(self._map),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a map from what :meth:`get_config` returned."""
        found = {key: serialization.deserialize(value, "optimizers") for key, value in config["optimizer_map"].items()}
        return cls(serialization.deserialize(config["default_optimizer"], "optimizers"), found)


def _checked(optimizer: Any, place: str) -> Any:
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"Expected an optimizer for {place}, got {optimizer!r}.")
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise ValueError(f"A {type(optimizer).__name__} cannot be one of several optimizers; wrap those in it.")
    return optimizer


@register("optimizers")
class MultiOptimizer(Optimizer):
    """Several optimizers, each for its own variables.

    There is no learning rate of the whole: those of :attr:`optimizers` are set one by one.

    Args:
        optimizer_map: an :class:`OptimizerMap`, or a function that returns the optimizer for a variable.
        loss_scale_factor: the loss is multiplied, and the gradients divided, by this; in the place of the optimizers'.
        name: name of the optimizer; made from the class's where None.

    Raises:
        TypeError: if ``optimizer_map`` is neither.

    >>> import numpy as np
    >>> from nnlite.optimizers import SGD
    >>> kernel, bias = Variable(np.ones(2), path="dense/kernel"), Variable(np.ones(2), path="dense/bias")
    >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.1), {".*/bias": SGD(0.2)}))
    >>> optimizer.apply([np.ones(2), np.ones(2)], [kernel, bias])
    >>> kernel.value.round(4).tolist(), bias.value.round(4).tolist()
    ([0.9, 0.9], [0.8, 0.8])
    """

    def __init__(self, optimizer_map: Any, loss_scale_factor: float | None = None, name: str | None = None) -> None:
        if not callable(optimizer_map):
            raise TypeError(
                f"MultiOptimizer: optimizer_map must be an OptimizerMap or a function of a variable, "
                f"got {optimizer_map!r}."
            )
        self.optimizers: list[Optimizer] = []
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map._map.values(), optimizer_map.default_optimizer):
                self._number(optimizer)

    def _number(self, optimizer: Any) -> int:
        """Return the place of an optimizer among all, at the end for a new one."""
        for i, known in enumerate(self.optimizers):
            if known is optimizer:
                return i
        optimizer.loss_scale_factor = self.loss_scale_factor
        self.optimizers.append(optimizer)
        return len(self.optimizers) - 1

    @property
    def loss_scale_factor(self) -> float | None:
        """What the loss is multiplied by, the same for all optimizers."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        self._loss_scale_factor = value
        for optimizer in self.optimizers:
            optimizer.loss_scale_factor = value

    @property
    def learning_rate(self) -> Any:
        """There is none: raises ``AttributeError``."""
        raise AttributeError(
            "A MultiOptimizer has no learning rate of its own: see those of its optimizers, for example "
            "optimizer.optimizers[0].learning_rate."
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            "A MultiOptimizer has no learning rate of its own: set those of its optimizers, for example "
            "optimizer.optimizers[0].learning_rate = 0.01."
        )

    @property
    def variables(self) -> list[Variable]:
        """Its own count and an unused rate, then the variables of all optimizers."""
        return [*self._variables, *(v for optimizer in self.optimizers for v in optimizer.variables)]

    def averages(self) -> list[tuple[Variable, Variable]]:
        """Return each variable with its moving average, of the optimizers that keep them."""
        return [pair for optimizer in self.optimizers for pair in optimizer.averages()]

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Exempt variables from weight decay in all optimizers."""
        for optimizer in self.optimizers:
            optimizer.exclude_from_weight_decay(var_list, var_names)

    def _heads(self) -> list[Variable]:
        return [*super()._heads(), *(v for optimizer in self.optimizers for v in optimizer._heads())]

    def fits_unbuilt(self, count: int) -> bool:
        return count == len(self._heads())

    def reset_slots(self) -> None:
        for optimizer in self.optimizers:
            optimizer.reset_slots()

    def build(self, variables: Iterable[Variable]) -> None:
        variables = list(variables)
        if self.built:
            self._known(variables)
            return
        found = [_checked(self._optimizer_map(v), f"variable {v.path!r}") for v in variables]
        self._chosen = [self._number(optimizer) for optimizer in found]
        for optimizer, (own, _) in zip(self.optimizers, self._dealt(variables, self._chosen), strict=True):
            if own:
                optimizer.build(own)
        self._trained, self._index = variables, {id(v): i for i, v in enumerate(variables)}
        self.built = True

    def _dealt(self, variables: Sequence[Variable], chosen: Sequence[int]) -> list[tuple[list[Variable], list[int]]]:
        """For each optimizer its variables and their positions."""
        dealt: list[tuple[list[Variable], list[int]]] = [([], []) for _ in self.optimizers]
        for position, (v, i) in enumerate(zip(variables, chosen, strict=True)):
            dealt[i][0].append(v)
            dealt[i][1].append(position)
        return dealt

    def _step(self, indices: list[int], gradients: list[Any], scale: float) -> None:
        variables = [self._trained[i] for i in indices]
        dealt = self._dealt(variables, [self._chosen[i] for i in indices])
        for optimizer, (own, positions) in zip(self.optimizers, dealt, strict=True):
            if own:
                optimizer._step(optimizer._known(own), [gradients[p] for p in positions], scale)
        self._iterations.value += 1

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Write the moving averages of the optimizers that keep them into the variables."""
        variables = list(var_list)
        dealt = self._dealt(variables, [self._chosen[i] for i in self._known(variables)])
        for optimizer, (own, _) in zip(self.optimizers, dealt, strict=True):
            if own:
                optimizer.finalize_variable_values(own)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, Keras's keys in Keras's order.

        Raises ``TypeError`` if the optimizers come from a function that has no registered name.
        """
        return {
            "optimizer_map": serialization.serialize(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        found = config.get("optimizer_map")
        if isinstance(found, dict):
            config = config | {"optimizer_map": serialization.deserialize(found, "optimizers")}
        return super().from_config(config)
