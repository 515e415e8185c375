"""What all optimizers share: the order of a step, clipping, weight decay, averages, accumulation, state."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nnlite.core import naming, serialization, tracking
from nnlite.core.errors import unknown_arguments
from nnlite.core.variable import Variable
from nnlite.kernels import optimizer as kernels
from nnlite.optimizers.schedules import LearningRateSchedule


class Optimizer(serialization.Configurable):
    """Base class of optimizers.

    A step divides the gradients by the loss scale, accumulates them, clips them, decays weights, updates the variables,
    averages them and applies their constraints, in that order.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        weight_decay: each step takes ``value * weight_decay * learning_rate`` off each variable, before the update.
        clipnorm: greatest length of each variable's gradient.
        clipvalue: greatest absolute value of each element.
        global_clipnorm: greatest length of all gradients together. At most one of the three.
        use_ema: whether to keep exponential moving averages of the variables, written into them when fit ends.
        ema_momentum: weight of the old average.
        ema_overwrite_frequency: write the averages into the variables every so many steps, or only at the end.
        loss_scale_factor: the loss is multiplied, and the gradients divided, by this.
        gradient_accumulation_steps: update once for so many steps, with the mean gradient.
        name: name of the optimizer.

    A subclass defines ``slot_names``, the names of the arrays it keeps for each variable, and ``update()``, which
    returns a function for :func:`nnlite.kernels.optimizer.in_blocks`.
    """

    slot_names: tuple[tuple[str, ...], ...] = ()

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        own = type(self).__name__
        if kwargs.pop("decay", None) is not None:
            warnings.warn(f"{own}: decay is ignored; pass a learning-rate schedule.", stacklevel=3)
        if kwargs:
            known = [n for n in self.argument_names() if n != "kwargs"]
            raise ValueError(unknown_arguments(own, kwargs, known))
        self.name = name or naming.auto_name(own)
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [key for key, value in limits.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{own}: only one kind of clipping at a time, got {' and '.join(given)}.")
        if any(limits[key] <= 0 for key in given):
            raise ValueError(f"{own}: {given[0]} must be above 0, got {limits[given[0]]!r}.")
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(f"{own}: ema_momentum must lie between 0 and 1, got {ema_momentum!r}.")
        if ema_overwrite_frequency is not None and (
            not isinstance(ema_overwrite_frequency, int) or ema_overwrite_frequency < 1
        ):
            raise ValueError(
                f"{own}: ema_overwrite_frequency must be a whole number above 0, got {ema_overwrite_frequency!r}."
            )
        steps = gradient_accumulation_steps
        if steps is not None and (not isinstance(steps, int) or steps < 2):
            raise ValueError(f"{own}: gradient_accumulation_steps must be a whole number of at least 2, got {steps!r}.")
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.use_ema, self.ema_momentum = global_clipnorm, bool(use_ema), ema_momentum
        self.ema_overwrite_frequency, self.loss_scale_factor = ema_overwrite_frequency, loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._iterations = Variable(
            np.array(0, np.int64), trainable=False, name="iteration", path=f"{self.name}/iteration"
        )
        self._rate: Any = None
        self._set_rate(learning_rate, own)
        self._trained: list[Variable] = []
        self._slots: list[list[Variable]] = []
        self._averages: list[Variable] = []
        self._sums: list[Variable] = []
        self._excluded: Callable[[Variable], bool] | None = None
        self._decays: list[bool] = []
        self.built = False

    def _set_rate(self, rate: Any, own: str) -> None:
        if isinstance(rate, dict):
            rate = serialization.deserialize(rate, "schedules")
        if isinstance(rate, (LearningRateSchedule, Variable)) or (callable(rate) and not isinstance(rate, type)):
            self._rate = rate
            return
        if isinstance(rate, (bool, int, str)) or not isinstance(rate, (float, np.floating)):
            hint = f" Write {float(rate)}." if type(rate) is int else ""
            raise ValueError(
                f"{own}: learning_rate must be a float, a LearningRateSchedule or a function without arguments, "
                f"got {rate!r}.{hint}"
            )
        path = f"{self.name}/learning_rate"
        self._rate = Variable(np.float32(rate), trainable=False, name="learning_rate", path=path)

    # ---- state ----

    @property
    def iterations(self) -> Variable:
        """Number of updates so far; with gradient accumulation, of whole rounds."""
        steps = self.gradient_accumulation_steps
        if not steps:
            return self._iterations
        return Variable(self._iterations.value // steps, trainable=False, name="iteration", path=self._iterations.path)

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or with a schedule its current value. It can be set."""
        if isinstance(self._rate, LearningRateSchedule):
            return np.float32(self._rate(int(self._iterations)))
        return self._rate if isinstance(self._rate, Variable) else np.float32(self._rate())

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule):
            self._rate = value
            return
        if not isinstance(self._rate, Variable):
            raise TypeError(
                f"{type(self).__name__}: its learning rate follows a schedule and cannot be set. Make the optimizer with "
                f"a float if it is to be changed while training."
            )
        self._rate.assign(np.float32(float(value)))

    @property
    def variables(self) -> list[Variable]:
        """All state, in the order of Keras's files: iteration, learning rate, averages, accumulators, slots."""
        own = [self._iterations] + ([self._rate] if isinstance(self._rate, Variable) else [])
        own += self._averages + self._sums
        for group in self._groups():
            for slots in self._slots:
                own += [slots[i] for i in group]
        return own

    def _groups(self) -> list[list[int]]:
        """Indices of the slots that stand side by side for each variable; each group is a block of its own."""
        groups, start = [], 0
        for names in self.slot_names:
            groups.append(list(range(start, start + len(names))))
            start += len(names)
        return groups

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the state for these variables; all slots of one kind and dtype are views of one flat array.

        Raises ``ValueError`` if it was built for other variables.
        """
        variables = list(variables)
        if self.built:
            if [id(v) for v in variables] != [id(v) for v in self._trained]:
                raise ValueError(
                    f"{type(self).__name__} was built for {len(self._trained)} variables and cannot take another list of "
                    f"{len(variables)}: give each model an optimizer of its own, and compile again after freezing layers."
                )
            return
        self._trained = variables
        names = [name for group in self.slot_names for name in group]
        by_name = [self._views(name) for name in names]
        self._slots = [list(slots) for slots in zip(*by_name, strict=True)] if names else [[] for _ in variables]
        if self.use_ema:
            self._averages = self._views("average")
        if self.gradient_accumulation_steps:
            self._sums = self._views("gradient_accumulator")
        self._settle_decay()
        self.built = True

    def _views(self, name: str) -> list[Variable]:
        """One zero slot for every variable."""
        flat: dict[Any, np.ndarray] = {}
        taken: dict[Any, int] = {}
        for v in self._trained:
            taken[v.value.dtype] = taken.get(v.value.dtype, 0) + v.size
        for dtype, size in taken.items():
            flat[dtype], taken[dtype] = np.zeros(size, dtype), 0
        slots = []
        for v in self._trained:
            dtype, start = v.value.dtype, taken[v.value.dtype]
            taken[dtype] = start + v.size
            label = f"{v.path.replace('/', '_')}_{name}"
            slot = Variable(np.zeros((), dtype), trainable=False, name=label, path=f"{self.name}/{label}")
            slot.value = flat[dtype][start : start + v.size].reshape(v.shape)
            slots.append(slot)
        return slots

    # ---- a step ----

    def update(self) -> Callable[..., None]:
        """Return the update of one block, with this step's settings bound."""
        raise NotImplementedError(f"{type(self).__name__} must define update().")

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Make one step with pairs of gradients and variables; return the iteration."""
        grads, variables = zip(*grads_and_vars, strict=True)
        self.apply(list(grads), list(variables))
        return self.iterations

    def apply(self, grads: list[Any] | None = None, variables: Iterable[Variable] | None = None) -> None:
        """Make one step.

        Args:
            grads: gradients in the order of the variables; the variables' own ``grad`` where None.
            variables: the variables, on the first call; those it was built for where None.

        Raises:
            ValueError: if it is not built and got no variables, or the numbers differ.
        """
        if variables is not None:
            self.build(variables)
        if not self.built:
            raise ValueError(f"{type(self).__name__} is not built: pass the variables, or call build(variables) first.")
        if grads is None:
            found: list[Any] = [v.grad for v in self._trained]
        else:
            found = [None if g is None else np.asarray(g) for g in grads]
        if len(found) != len(self._trained):
            raise ValueError(f"{type(self).__name__}: got {len(found)} gradients for {len(self._trained)} variables.")
        for v, g in zip(self._trained, found, strict=True):
            if g is not None and g.shape != v.shape:
                raise ValueError(
                    f"{type(self).__name__}: gradient of {v.path!r} has shape {g.shape}, expected {v.shape}."
                )
        present = [i for i, g in enumerate(found) if g is not None]
        gradients = {i: found[i] for i in present}
        if self.loss_scale_factor is not None:
            gradients = {i: g / g.dtype.type(self.loss_scale_factor) for i, g in gradients.items()}
        steps = self.gradient_accumulation_steps
        if steps:
            last = (int(self._iterations) + 1) % steps == 0
            for i, g in gradients.items():
                self._sums[i].value += g
            if not last:
                self._iterations.value += 1
                return
            gradients = {i: self._sums[i].value / self._sums[i].value.dtype.type(steps) for i in present}
        self._step(self._clipped(gradients))
        if steps:
            for accumulator in self._sums:
                accumulator.value.fill(0)
        self._average()
        for i in present:
            constraint = self._trained[i].constraint
            if constraint is not None:
                self._trained[i].assign(constraint(self._trained[i].value))
        self._iterations.value += 1

    def _step(self, gradients: dict[int, Any]) -> None:
        if self.weight_decay:
            factor = float(self.learning_rate) * self.weight_decay
            for i in gradients:
                if self._decays[i]:
                    value = self._trained[i].value
                    value -= value * value.dtype.type(factor)
        arrays = []
        for i, g in gradients.items():
            v = self._trained[i]
            flat = [v.value, np.ascontiguousarray(g, v.value.dtype), *(slot.value for slot in self._slots[i])]
            arrays.append([a.reshape(-1) for a in flat])
        if arrays:
            kernels.in_blocks(self.update(), arrays, sum(a[0].size for a in arrays))

    def _clipped(self, gradients: dict[int, Any]) -> dict[int, Any]:
        if self.clipvalue is not None:
            return {i: np.clip(g, -self.clipvalue, self.clipvalue).astype(g.dtype) for i, g in gradients.items()}
        if self.clipnorm is not None:
            limit = self.clipnorm
            return {i: g * g.dtype.type(limit / max(kernels.norm([g]), limit)) for i, g in gradients.items()}
        if self.global_clipnorm is not None and gradients:
            length = kernels.norm(list(gradients.values()))
            scale = np.nan if not np.isfinite(length) else self.global_clipnorm / max(length, self.global_clipnorm)
            return {i: g * g.dtype.type(scale) for i, g in gradients.items()}
        return gradients

    def _average(self) -> None:
        if not self.use_ema:
            return
        momentum = 0.0 if int(self._iterations) == 0 else self.ema_momentum
        for average, v in zip(self._averages, self._trained, strict=True):
            value = average.value
            value *= value.dtype.type(momentum)
            value += v.value * value.dtype.type(1 - momentum)
        every = self.ema_overwrite_frequency
        if every and (int(self._iterations) + 1) % every == 0:
            self.finalize_variable_values(self._trained)

    def finalize_variable_values(self, variables: Iterable[Variable]) -> None:
        """Write the moving averages, if they are kept, into the variables."""
        averages = {id(v): average for v, average in zip(self._trained, self._averages, strict=False)}
        for v in variables:
            if id(v) in averages:
                v.assign(averages[id(v)].value)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Exempt variables from weight decay, by identity or by regular expressions found in their names.

        Raises ``ValueError`` after the optimizer was built.
        """
        if self.built:
            raise ValueError(
                f"{type(self).__name__}: exclude_from_weight_decay must come before the optimizer is built."
            )
        ids = {id(v) for v in var_list or ()}
        patterns = [re.compile(name) for name in var_names or ()]
        self._excluded = lambda v: id(v) in ids or any(p.search(v.name) for p in patterns)

    def _settle_decay(self) -> None:
        self._decays = [self._excluded is None or not self._excluded(v) for v in self._trained]
        self._excluded = None

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times the loss scale."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # ---- description and files ----

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, Keras's keys in Keras's order."""
        rate = self._rate
        shown = float(rate) if isinstance(rate, Variable) else serialization.serialize(rate)
        common = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum")
        common += ("ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps")
        config = {"name": self.name, "learning_rate": shown} | {key: getattr(self, key) for key in common}
        own = [n for n in self.argument_names() if n not in config and hasattr(self, n)]
        return config | {name: getattr(self, name) for name in own}

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Write all state into ``store`` under "0", "1", ..."""
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable.value.astype(np.int32) if index == 0 else variable.value

    def load_own_variables(self, store: Any) -> None:
        """Read all state from ``store``; the learning rate may be missing (files of Keras 2).

        Raises ``ValueError`` if the number of arrays or a shape differs; then nothing has been written.
        """
        own = self.variables
        if len(store) == len(own) - 1 and isinstance(self._rate, Variable):
            own.remove(self._rate)
        tracking.load_into(f"{type(self).__name__} {self.name!r}", own, store)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
