"""Optimizers that look at each variable as a whole: Lamb, Adafactor and Muon."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from nnlite.core.registry import register
from nnlite.core.variable import Variable
from nnlite.kernels import optimizer_adam, optimizer_whole
from nnlite.optimizers import checks
from nnlite.optimizers.base import Optimizer

Array = np.ndarray[Any, Any]


class _Whole(Optimizer):
    """Base class: :meth:`change` says what one variable changes by."""

    def change(self, index: int, g: Array, rate: float, step: int) -> Array:
        """Return what is subtracted from the variable with this index."""
        raise NotImplementedError

    def update_step(self, gradient: Any, variable: Variable, learning_rate: float) -> None:
        if variable.size:
            v, index = variable.value, self._get_variable_index(variable)
            with np.errstate(all="ignore"):  # infinities and NaN run through, as in every other framework
                g = np.asarray(gradient, v.dtype)
                np.subtract(v, self.change(index, g, float(learning_rate), self._updates() + 1), out=v)


@register("optimizers")
class Lamb(_Whole):
    """Adam's direction, with steps in proportion to the variable's own length; for large batches (You et al., 2019).

    ``h = m / (1 - b1^t) / (sqrt(u / (1 - b2^t)) + epsilon)`` with Adam's m and u, and
    ``v -= lr * h * norm(v) / norm(h)``, the quotient being 1 where either norm is 0.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        beta_1, beta_2: weights of the old means.
        epsilon: keeps the denominator away from zero.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> v = Variable(np.array([3.0, 4.0]))
    >>> Lamb(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [2.6464, 3.6464]
    """

    slot_names = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        checks.number("Lamb", "beta_1", beta_1, 0, 1, below=True)
        checks.number("Lamb", "beta_2", beta_2, 0, 1, below=True)
        checks.number("Lamb", "epsilon", epsilon, 0)
        super().__init__(learning_rate, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def change(self, index: int, g: Array, rate: float, step: int) -> Array:
        m, u = (slots[index].value for slots in self._slots)
        betas = {"beta_1": self.beta_1, "beta_2": self.beta_2}
        return optimizer_whole.lamb(
            g, self._trained[index].value, m, u, lr=rate, step=step, epsilon=self.epsilon, **betas
        )


@register("optimizers")
class Adafactor(_Whole):
    """Steps over the root of mean squares, of which matrices keep only means of rows and columns; little memory.

    With ``b = 1 - t^beta_2_decay``: ``u = b * u + (1 - b) * (g^2 + epsilon_1)``, or for two axes and more
    ``u = r / mean(r) * c`` with such running means r over the last axis and c over the one before it. Then
    ``h = g / sqrt(u); v -= max(epsilon_2, rms(v)) * min(lr, 1 / sqrt(t)) * h / max(1, rms(h) / clip_threshold)``.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        beta_2_decay: how the weight of the old means grows: b is ``1 - t^beta_2_decay``.
        epsilon_1: added to squared gradients.
        epsilon_2: least size that a variable is taken to have.
        clip_threshold: largest root mean square of a step, before it is multiplied by size and rate.
        relative_step: accepted; the learning rate is never above ``1 / sqrt(t)``, with it or without.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    As in Keras, u is kept too, though the next step does not need it.

    Source: Shazeer and Stern, 2018, "Adafactor: adaptive learning rates with sublinear memory cost".

    >>> v = Variable(np.array([3.0, 4.0]))
    >>> Adafactor(0.1).apply([np.ones(2)], [v]); v.value.round(4).tolist()
    [2.6464, 3.6464]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Any,
    ) -> None:
        checks.number("Adafactor", "beta_2_decay", beta_2_decay)
        checks.number("Adafactor", "epsilon_1", epsilon_1, 0)
        checks.number("Adafactor", "epsilon_2", epsilon_2, 0)
        checks.above_zero("Adafactor", "clip_threshold", clip_threshold)
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def _made_slots(self, variables: list[Variable]) -> list[list[Variable]]:
        self._means: list[tuple[Variable, Variable]] = []
        velocities = []
        for v in variables:
            if v.ndim < 2:  # files of Keras hold a whole number in the place of each
                means = [self.add_variable((), dtype="int32", name=v.name) for _ in range(2)]
            else:
                shapes = (v.shape[:-1], v.shape[:-2] + v.shape[-1:])
                means = [self.add_variable(shape, dtype=v.dtype, name=v.name) for shape in shapes]
            self._means.append((means[0], means[1]))
            velocities.append(self.add_variable_from_reference(v, "velocity"))
        return [velocities]

    def kept_by_keras_2(self) -> list[Variable]:
        kept = super().kept_by_keras_2()
        if not self.built:
            return kept
        none = {id(m) for v, means in zip(self._trained, self._means, strict=True) if v.ndim < 2 for m in means}
        return [v for v in kept if id(v) not in none]

    def change(self, index: int, g: Array, rate: float, step: int) -> Array:
        v = self._trained[index].value
        means = [m.value for m in self._means[index]] if v.ndim > 1 else []
        return optimizer_whole.adafactor(
            g,
            v,
            self._slots[0][index].value,
            *means,
            lr=rate,
            step=step,
            decay=self.beta_2_decay,
            epsilon_1=self.epsilon_1,
            epsilon_2=self.epsilon_2,
            threshold=self.clip_threshold,
        )


@register("optimizers")
class Muon(_Whole):
    """Momentum whose steps are made orthogonal, for matrices; AdamW for all else (Jordan, 2024; Liu et al., 2025).

    For variables of two axes ``m = momentum * m + g``, ``h = g + momentum * m`` (Nesterov; else m), and
    ``v -= lr * orthogonal(h) * sqrt(max(rows, columns)) * rms_rate``, where ``orthogonal`` is ``ns_steps`` iterations
    of Newton and Schulz, ``x = a x + (b A + c A A) x, A = x x^T``, from ``h / norm(h)``. Other variables, embeddings
    and those that are excluded are updated as by Adam, and decay by ``adam_weight_decay``.

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        adam_beta_1, adam_beta_2, epsilon: Adam's.
        adam_weight_decay: weight decay of what Adam updates; None for none.
        weight_decay: of all else.
        exclude_layers: regular expressions; what has one in its path is left to Adam. The last layer belongs here.
        exclude_embeddings: whether what has "embedding" in its path is left to Adam.
        muon_a, muon_b, muon_c: coefficients of the iteration.
        adam_lr_ratio: what the learning rate is multiplied by for Adam.
        momentum: of the running sum.
        ns_steps: number of iterations.
        nesterov: whether to look ahead.
        rms_rate: size of a step's elements, such that Adam's learning rates fit; None for steps as they are.
        kwargs: those of :class:`nnlite.optimizers.Optimizer`.

    >>> v = Variable(np.zeros((2, 2)), name="kernel")
    >>> Muon(0.1, rms_rate=None).apply([np.diag([5.0, 1.0])], [v]); v.value.round(2).tolist()
    [[-0.07, 0.0], [0.0, -0.08]]
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        checks.number("Muon", "adam_beta_1", adam_beta_1, 0, 1, below=True)
        checks.number("Muon", "adam_beta_2", adam_beta_2, 0, 1, below=True)
        checks.number("Muon", "epsilon", epsilon, 0)
        checks.number("Muon", "momentum", momentum, 0, 1)
        checks.whole("Muon", "ns_steps", ns_steps, 0)
        checks.number("Muon", "adam_lr_ratio", adam_lr_ratio, 0)
        for name, value in (("adam_weight_decay", adam_weight_decay), ("rms_rate", rms_rate)):
            if value is not None:
                checks.number("Muon", name, value)
        if isinstance(exclude_layers, str):
            raise ValueError(f"Muon: exclude_layers must be a list of expressions, got the string {exclude_layers!r}.")
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.exclude_layers = list(exclude_layers or ())
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio, self.momentum, self.ns_steps = adam_lr_ratio, momentum, ns_steps
        self.nesterov, self.exclude_embeddings = bool(nesterov), bool(exclude_embeddings)
        self.adam_weight_decay, self.rms_rate = adam_weight_decay, rms_rate

    def _left_to_adam(self, v: Variable) -> bool:
        if v.ndim != 2 or (self.exclude_embeddings and "embedding" in v.path.lower()):
            return True
        return any(re.search(expression, v.path) for expression in self.exclude_layers)

    def _made_slots(self, variables: list[Variable]) -> list[list[Variable]]:
        momentums: list[Variable] = []
        self._velocities: list[Variable | None] = []
        for v in variables:
            momentums.append(self.add_variable_from_reference(v, "momentum"))
            own = self.add_variable_from_reference(v, "velocity") if self._left_to_adam(v) else None
            self._velocities.append(own)
        return [momentums]

    def _decay_parts(self, indices: list[int], rate: float) -> list[float] | None:
        decays = [self.weight_decay if self._velocities[i] is None else self.adam_weight_decay for i in indices]
        parts = [(d or 0.0) * rate if self._decays[i] else 0.0 for i, d in zip(indices, decays, strict=True)]
        return parts if any(parts) else None

    def change(self, index: int, g: Array, rate: float, step: int) -> Array:
        m, velocity = self._slots[0][index].value, self._velocities[index]
        if velocity is None:
            return optimizer_whole.muon(
                g,
                self._trained[index].value,
                m,
                lr=rate,
                momentum=self.momentum,
                nesterov=self.nesterov,
                steps=self.ns_steps,
                coefficients=(self.muon_a, self.muon_b, self.muon_c),
                rms=self.rms_rate,
            )
        adam = partial(
            optimizer_adam.adam, beta_1=self.adam_beta_1, beta_2=self.adam_beta_2, epsilon=self.epsilon, step=step
        )
        return adam(g, np.empty_like(m), np.empty_like(m), m, velocity.value, lr=rate * self.adam_lr_ratio)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, Keras's keys in Keras's order."""
        config = super().get_config()
        for name in ("exclude_embeddings", "adam_weight_decay", "rms_rate"):
            config[name] = config.pop(name)
        return config
