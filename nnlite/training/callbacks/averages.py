"""Evaluate with the moving averages of the weights."""

from __future__ import annotations

from typing import Any

from nnlite.training.callbacks.base import Callback, Logs


class SwapEMAWeights(Callback):
    """Put the optimizer's moving averages into the model for every evaluation, and the weights back afterwards.

    The optimizer must be made with ``use_ema=True`` (Polyak and Juditsky, 1992). Weights and averages change places, so
    no further memory is needed.

    Args:
        swap_on_epoch: whether the averages also stay in the model from the end of an epoch to the begin of the next,
            so that a ``ModelCheckpoint`` after this callback saves them.

    Raises:
        ValueError: when an evaluation begins, if the optimizer keeps no averages.

    >>> SwapEMAWeights().swap_on_epoch
    False
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch and self._swapped:
            self._swap()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch and not self._swapped:
            self._swap()

    def before_last(self) -> None:
        """Put the weights back: the end of fit writes the averages into the model by itself."""
        if self._swapped:
            self._swap()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._swapped:
            self._swap()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self._swapped:
            self._swap()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        if not self._swapped:
            self._swap()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        if self._swapped:
            self._swap()

    def on_exit(self) -> None:
        if self._swapped:  # what has swapped them did not come to its end
            self._swap()

    def _optimizers(self) -> list[Any]:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        found = [one for one in getattr(optimizer, "optimizers", [optimizer]) if getattr(one, "use_ema", False)]
        if not found:
            raise ValueError(
                f"SwapEMAWeights: the optimizer {type(optimizer).__name__} keeps no averages. "
                f"Make it with use_ema=True."
            )
        return found

    def _swap(self) -> None:
        for optimizer in self._optimizers():
            for variable, average in optimizer.averages():
                weights = variable.numpy()
                variable.assign(average.value)
                average.assign(weights)
        self._swapped = not self._swapped
