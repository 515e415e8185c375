"""Slots in flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_
from typing import Any, NamedTuple

import numpy as np

from nnlite.core.variable import Variable
from nnlite.kernels import optimizer as kernels
from nnlite.kernels import parallel

# Plans that are kept: one for each set of variables that take turns, such as the two halves of a GAN.
PLANS = 8


class _Planned(NamedTuple):
    values: list[Any]
    plans: list[tuple[list[int], kernels.Plan]]  # one for each dtype, with the positions it covers


class Packed:
    """The slots that an optimizer keeps for its variables, each kind in one flat array per dtype.

    The slot variables' values become views of the flat arrays. Copies and pickles are packed anew.

    Args:
        variables: the optimizer's variables.
        kinds: for each kind of slot one slot variable for each variable, of its shape and dtype.
    """

    def __init__(self, variables: list[Variable], kinds: list[list[Variable]]) -> None:
        self.variables, self.kinds = variables, kinds
        self._pack()

    def _pack(self) -> None:
        self._plans: dict[Any, _Planned] = {}
        self._dtypes = [v.value.dtype for v in self.variables]
        self._offsets: list[int] = []
        room: dict[Any, int] = {}
        for v, dtype in zip(self.variables, self._dtypes, strict=True):
            self._offsets.append(room.get(dtype, 0))
            room[dtype] = self._offsets[-1] + v.size
        self._flat: dict[Any, list[np.ndarray]] = {dtype: [] for dtype in room}
        for slots in self.kinds:
            flat = {dtype: np.empty(size, dtype) for dtype, size in room.items()}
            for slot, dtype, start in zip(slots, self._dtypes, self._offsets, strict=True):
                view = flat[dtype][start : start + slot.size].reshape(slot.shape)
                view[...] = slot.value
                slot.value = view
            for dtype, array in flat.items():
                self._flat[dtype].append(array)

    def run(
        self,
        update: kernels.Update,
        indices: Sequence[int],
        gradients: Sequence[Any],
        factors: Sequence[float] | None = None,
        limit: float | None = None,
        decays: Sequence[float] | None = None,
    ) -> None:
        """Update the variables with these indices; see :meth:`nnlite.kernels.optimizer.Plan.run`."""
        values = [self.variables[i].value for i in indices]
        key = (tuple(indices), parallel.threads(), update.passes)
        planned = self._plans.get(key)
        if planned is None or not all(map(is_, values, planned.values)):
            planned = self._plan(indices, values, update.passes)
            while len(self._plans) >= PLANS:
                del self._plans[next(iter(self._plans))]
            self._plans[key] = planned
        if len(planned.plans) == 1:
            planned.plans[0][1].run(update, gradients, factors, limit, decays)
            return
        for positions, plan in planned.plans:
            chosen = [None if many is None else [many[p] for p in positions] for many in (factors, decays)]
            plan.run(update, [gradients[p] for p in positions], chosen[0], limit, chosen[1])

    def _plan(self, indices: Sequence[int], values: list[Any], passes: int) -> _Planned:
        plans = []
        for i, value in zip(indices, values, strict=True):
            if value.dtype != self._dtypes[i]:
                raise ValueError(
                    f"Variable {self.variables[i].path!r} was {self._dtypes[i]} when its optimizer was built and is "
                    f"{value.dtype} now: make a new optimizer for it."
                )
        for dtype, flat in self._flat.items():
            positions = [p for p, i in enumerate(indices) if self._dtypes[i] == dtype]
            if positions:
                offsets = [self._offsets[indices[p]] for p in positions]
                plans.append((positions, kernels.Plan([values[p] for p in positions], flat, offsets, passes)))
        return _Planned(values, plans)

    def __getstate__(self) -> dict[str, Any]:
        return {"variables": self.variables, "kinds": self.kinds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._pack()
