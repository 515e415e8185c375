"""Moving averages of the variables (Polyak and Juditsky, 1992)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from nnlite.core.variable import Variable
from nnlite.kernels import optimizer as kernels
from nnlite.optimizers.packed import Packed
from nnlite.optimizers.state import State


class Averages(State):
    """The part of an optimizer that averages variables: after each step, and into the variables when fit ends."""

    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    built: bool
    _averages: list[Variable]
    _packed_averages: Packed | None
    _known: Any

    def _average(self) -> None:
        momentum = self.ema_momentum if self._updates() else 0.0
        update = kernels.Update(partial(kernels.average, momentum=momentum), 5, None)
        assert self._packed_averages is not None
        self._packed_averages.run(update, range(len(self._trained)), [v.value for v in self._trained])
        every = self.ema_overwrite_frequency
        if every and (self._updates() + 1) % every == 0:
            self.finalize_variable_values(self._trained)

    def averages(self) -> list[tuple[Variable, Variable]]:
        """Return each variable with its moving average; empty unless ``use_ema`` and built."""
        return list(zip(self._trained, self._averages, strict=True)) if self.use_ema and self.built else []

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Write the moving averages, if they are kept, into the variables.

        Raises ``ValueError`` for variables that it was not built for.
        """
        if self.use_ema and self.built:
            variables = list(var_list)
            for i, v in zip(self._known(variables), variables, strict=True):
                v.assign(self._averages[i].value)
