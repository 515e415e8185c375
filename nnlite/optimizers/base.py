"""What all optimizers share: the order of a step, clipping, weight decay, averages, accumulation."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from nnlite.core import changes, lazy, naming, serialization
from nnlite.core.errors import unknown_arguments
from nnlite.core.variable import Variable
from nnlite.kernels import optimizer as kernels
from nnlite.optimizers import checks
from nnlite.optimizers.averages import Averages
from nnlite.optimizers.packed import Packed
from nnlite.optimizers.state import filling

_CONFIG = (
    "weight_decay",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
)
_DECAY_ONLY = kernels.Update(lambda g, s, t, *slots: None, 2, None)


class Optimizer(Averages):
    """Base class of optimizers.

    A step divides the gradients by the loss scale, accumulates them, clips them, decays weights, updates the
    variables, averages them and applies their constraints, in that order, and counts itself.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        weight_decay: each step takes ``value * weight_decay * learning_rate`` off each variable, before the update.
        clipnorm: greatest length of each variable's gradient; 0 is none.
        clipvalue: greatest absolute value of each gradient's elements; 0 is none.
        global_clipnorm: greatest length of all gradients together; 0 is none. At most one of the three.
        use_ema: whether to keep exponential moving averages of the variables, written into them when fit ends.
        ema_momentum: weight of the old average, 0 to 1.
        ema_overwrite_frequency: write the averages into the variables every so many updates, or only at the end.
        loss_scale_factor: the loss is multiplied, and the gradients divided, by this.
        gradient_accumulation_steps: update once for so many steps, with the mean gradient. Schedules count the steps,
            everything else the updates.
        name: name of the optimizer; made from the class's where None.

    Raises:
        ValueError: for unknown keywords and values out of range.

    An optimizer of one's own defines ``update_step``, and slots in ``build`` if it needs any:

    >>> class Signs(Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         self.assign_sub(variable, np.sign(gradient) * learning_rate)
    >>> v = Variable(np.array([1.0, 2.0]))
    >>> Signs(0.5).apply([np.array([3.0, -4.0])], [v]); v.value.tolist()
    [0.5, 2.5]
    """

    # Names of the slots of each variable; each inner tuple is a block in files, its slots side by side.
    slot_names: tuple[tuple[str, ...], ...] = ()
    # What a slot is filled with, where that is not 0.
    slot_starts: Mapping[str, float] = MappingProxyType({})

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
        if kwargs.pop("decay", None):
            warnings.warn(f"{own}: decay is ignored; pass a schedule as learning_rate.", stacklevel=3)
        if kwargs:
            known = [n for n in self.argument_names() if n != "kwargs"]
            hint = " lr is called learning_rate." if "lr" in kwargs else ""
            raise ValueError(unknown_arguments(own, kwargs, known) + hint)
        if name is not None and not isinstance(name, str):
            raise ValueError(f"{own}: name must be a string, got {name!r}.")
        self.name = name or naming.auto_name(own)
        limits = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [key for key, value in limits.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{own}: only one kind of clipping at a time, got {' and '.join(given)}.")
        for key in given:
            checks.number(own, key, limits[key], 0)
        if weight_decay is not None:
            checks.number(own, "weight_decay", weight_decay)
        checks.number(own, "ema_momentum", ema_momentum, 0, 1)
        if ema_overwrite_frequency is not None:
            checks.whole(own, "ema_overwrite_frequency", ema_overwrite_frequency, 1)
        if loss_scale_factor is not None:
            checks.above_zero(own, "loss_scale_factor", loss_scale_factor)
        if gradient_accumulation_steps is not None:
            checks.whole(own, "gradient_accumulation_steps", gradient_accumulation_steps, 2)
        self.weight_decay, self.clipnorm, self.clipvalue = weight_decay, clipnorm, clipvalue
        self.global_clipnorm, self.use_ema, self.ema_momentum = global_clipnorm, bool(use_ema), ema_momentum
        self.ema_overwrite_frequency, self.loss_scale_factor = ema_overwrite_frequency, loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._variables, self._starts = [], []
        self._iterations = self._made_counter()
        self._rate = self._made_rate(learning_rate)
        self._trained: list[Variable] = []
        self._index: dict[int, int] = {}
        self._sums: list[Variable] = []
        self._excluded: tuple[list[Variable], list[str]] = ([], [])
        self._decays: list[bool] = []
        self._looked_up: tuple[Any, list[int]] = (None, [])
        self.built = False

    # ---- building ----

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattribute__(name)  # once more, for its own message: a property may have raised it
        except AttributeError as error:
            raise lazy.explained(self, name, error) from None

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the state for these variables. Once built, nothing is left to do for any of them.

        Raises:
            ValueError: for variables that it was not built for, and for one given twice.
            TypeError: for what is no variable of floats.
        """
        variables = list(variables)
        own = type(self).__name__
        if self.built:
            self._known(variables)
            return
        for v in variables:
            if not isinstance(v, Variable) or v.value.dtype.kind != "f":
                raise TypeError(f"{own} updates variables of floats, got {v!r}.")
        if len({id(v) for v in variables}) != len(variables):
            raise ValueError(f"{own}: the same variable was given twice among {[v.path for v in variables]}.")
        excluded, patterns = self._excluded
        names = re.compile("|".join(patterns)) if patterns else None
        self._decays = [all(v is not e for e in excluded) and not (names and names.search(v.name)) for v in variables]
        averages = self.add_optimizer_variables(variables, "average") if self.use_ema else []
        if self.gradient_accumulation_steps:
            self._sums = self.add_optimizer_variables(variables, "gradient_accumulator")
        self._slots = self._made_slots(variables)
        self._trained, self._index = variables, {id(v): i for i, v in enumerate(variables)}
        self._packed = Packed(variables, self._slots)
        self._averages = averages
        self._packed_averages = Packed(variables, [averages]) if averages else None
        self.built = True

    def _made_slots(self, variables: list[Variable]) -> list[list[Variable]]:
        """Make the slots; return those kinds that are kept flat: for each variable one of its shape and dtype."""
        slots: list[list[Variable]] = []
        for group in self.slot_names:
            starts = [filling(self.slot_starts.get(name, 0.0)) for name in group]
            slots += self.add_optimizer_variables(variables, group, starts)
        return slots

    def _known(self, variables: Sequence[Variable]) -> list[int]:
        unknown = [getattr(v, "path", repr(v)) for v in variables if id(v) not in self._index]
        if unknown:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} was built for {len(self._trained)} variables, and not for "
                f"{', '.join(map(repr, unknown))}: give each model an optimizer of its own, and compile again "
                f"with a new one after adding layers or unfreezing them."
            )
        return [self._index[id(v)] for v in variables]

    def _get_variable_index(self, variable: Variable) -> int:
        return self._known([variable])[0]

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
        if isinstance(var_names, str):
            var_names = [var_names]
        self._excluded = (list(var_list or ()), list(var_names or ()))

    # ---- a step ----

    def block_update(self, learning_rate: float, step: int) -> kernels.Update:
        """Return the arithmetic of update number ``step``, counted from 1, for blocks of flat arrays.

        What the built-in optimizers define, together with ``slot_names``.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no update: define update_step(self, gradient, variable, learning_rate)."
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: float) -> None:
        """Update one variable; what an optimizer of one's own defines. Must not write into ``gradient``."""
        update = self.block_update(float(learning_rate), self._updates() + 1)
        self._packed.run(update, self._known([variable]), [np.asarray(gradient)])

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """Make one step with pairs of gradients and variables; return the count.

        >>> from nnlite.optimizers import SGD
        >>> v = Variable(np.ones(2))
        >>> int(SGD(0.5).apply_gradients([(np.ones(2), v)])), v.value.tolist()
        (1, [0.5, 0.5])
        """
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(self, grads: Sequence[Any] | None = None, variables: Iterable[Variable] | None = None) -> None:
        """Make one step.

        Args:
            grads: gradients in the order of ``variables``, None for one to be left out. Where None altogether, the
                ``grad`` of every variable that it was built for and that is not frozen.
            variables: the variables, or some of those it was built for; all where None. The first call builds.

        Raises:
            ValueError: if it is not built and got no variables, or gradients do not fit them. Nothing has changed then.
        """
        if grads is not None and len(grads) == 0:
            return
        scale = 1.0 if self.loss_scale_factor is None else 1.0 / self.loss_scale_factor
        self._step(*self._gradients(grads, variables), scale)

    def _step(self, indices: list[int], gradients: list[Any], scale: float) -> None:
        """Make one step with gradients that are first multiplied by ``scale``."""
        rate = float(self.learning_rate)
        steps = self.gradient_accumulation_steps
        if not steps:
            self._update(indices, gradients, scale, rate)
        elif self._accumulate(indices, gradients, scale, steps):
            self._update(indices, [self._sums[i].value for i in indices], 1.0 / steps, rate)
            for i in indices:
                self._sums[i].value.fill(0)
        if self.use_ema:
            self._average()
        for i in indices:
            v = self._trained[i]
            if v.constraint is not None:
                v.assign(v.constraint(v.value))
        self._iterations.value += 1

    def _gradients(self, grads: Any, variables: Any) -> tuple[list[int], list[Any]]:
        """Indices of the variables to update, and their gradients, checked."""
        own = type(self).__name__
        if variables is not None:
            variables = list(variables)
            self.build(variables)
        if not self.built:
            raise ValueError(f"{own} is not built: pass the variables, or call build(variables) first.")
        indices = range(len(self._trained)) if variables is None else self._known(variables)
        if grads is None:
            learning = self._learning(indices)
            found: list[Any] = [self._trained[i].grad_to_read() for i in learning]
        else:
            if len(grads) != len(indices):
                raise ValueError(f"{own}: got {len(grads)} gradients for {len(indices)} variables.")
            pairs = [(i, g) for i, g in zip(indices, grads, strict=True) if g is not None]
            learning = [i for i, _ in pairs]
            found = [self._checked(self._trained[i], g) for i, g in pairs]
        if not learning:
            raise ValueError(f"{own}: no variable has a gradient: all are frozen, or every gradient is None.")
        if grads is not None and len(found) < len(grads):
            missing = [self._trained[i].path for i, g in zip(indices, grads, strict=True) if g is None]
            warnings.warn(f"{own}: no gradients for {', '.join(missing)}; they stay as they are.", stacklevel=3)
        return learning, found

    def _learning(self, indices: Sequence[int]) -> list[int]:
        """Those of the variables that are not frozen."""
        now = changes.count(), indices
        if self._looked_up[0] != now:
            self._looked_up = now, [i for i in indices if self._trained[i].trainable]
        return self._looked_up[1]

    def _checked(self, v: Variable, g: Any) -> Any:
        g = np.asarray(g)
        if g.shape != v.shape or g.dtype.kind not in "fiub":
            raise ValueError(
                f"{type(self).__name__}: the gradient of {v.path!r} has shape {g.shape} and dtype {g.dtype}, expected "
                f"numbers of shape {v.shape}."
            )
        return g.astype(v.value.dtype, copy=False)

    def _accumulate(self, indices: list[int], gradients: list[Any], scale: float, steps: int) -> bool:
        """Add to the sums; return whether the round is complete."""
        for i, g in zip(indices, gradients, strict=True):
            total = self._sums[i].value
            total += g if scale == 1.0 else g * scale
        return (int(self._iterations.value) + 1) % steps == 0

    def _update(self, indices: list[int], gradients: list[Any], scale: float, rate: float) -> None:
        factors = self._factors(gradients, scale)
        limit = self.clipvalue or None
        decays = self._decay_parts(indices, rate)
        self._begin_update(self._updates() + 1)
        if type(self).update_step is Optimizer.update_step:
            update = self.block_update(rate, self._updates() + 1)
            self._packed.run(update, indices, gradients, factors, limit, decays)
            return
        if decays is not None:
            self._packed.run(_DECAY_ONLY, indices, gradients, decays=decays)
        for k, (i, g) in enumerate(zip(indices, gradients, strict=True)):
            g = g if factors is None else g * factors[k]
            self.update_step(g if limit is None else np.clip(g, -limit, limit), self._trained[i], rate)

    def _decay_parts(self, indices: list[int], rate: float) -> list[float] | None:
        """What part of each variable is taken off before the update; None for nothing of any."""
        if not self.weight_decay:
            return None
        return [self.weight_decay * rate if self._decays[i] else 0.0 for i in indices]

    def _begin_update(self, step: int) -> None:
        """Change what changes once in an update, however many variables there are; counted from 1."""

    def _factors(self, gradients: list[Any], scale: float) -> list[float] | None:
        """What the gradients are multiplied by: one over the loss scale, and what their length calls for."""
        if self.clipnorm:
            factors = [scale * _shortening(length, self.clipnorm) for length in _lengths(gradients, scale)]
        elif self.global_clipnorm:
            length = math.hypot(*_lengths(gradients, scale))
            shortening = _shortening(length, self.global_clipnorm) if math.isfinite(length) else math.nan
            factors = [scale * shortening] * len(gradients)
        else:
            return None if scale == 1.0 else [scale] * len(gradients)
        return None if all(f == 1.0 for f in factors) else factors

    # ---- the loss ----

    def scale_loss(self, loss: Any) -> Any:
        """Return the loss times the loss scale."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # ---- description ----

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, Keras's keys in Keras's order.

        Raises ``TypeError`` if the learning rate comes from a function that has no registered name.
        """
        rate = self._rate
        shown = float(rate) if isinstance(rate, Variable) else serialization.serialize(rate)
        found = {"name": self.name, "learning_rate": shown} | {key: getattr(self, key) for key in _CONFIG}
        own = [n for n in self.argument_names() if n not in found and hasattr(self, n)]
        return found | {name: serialization.serialize(getattr(self, name)) for name in own}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _lengths(gradients: list[Any], scale: float) -> list[float]:
    """Return the gradients' lengths times ``scale``, also where the squares of a scaled loss's gradients overflow."""
    squares = kernels.squares(gradients)
    if scale < 1.0 and not all(map(math.isfinite, squares)):
        gradients, scale = [g * g.dtype.type(scale) for g in gradients], 1.0
        squares = kernels.squares(gradients)
    return [math.sqrt(square) * scale for square in squares]


def _shortening(length: float, limit: float) -> float:
    """limit / max(length, limit), and NaN for NaN."""
    return 1.0 if length <= limit else limit / length
