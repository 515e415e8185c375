"""Compiled: what a compiled model keeps beside its layers."""

from __future__ import annotations

from typing import Any

from nnlite.core.variable import Variable
from nnlite.metrics import Mean, Metric
from nnlite.training.compiled import CompiledLoss
from nnlite.training.compiled_metrics import CompiledMetrics


class Compiled:
    """What compile made of its arguments, and what the first batch settles."""

    def __init__(self, loss: CompiledLoss, metrics: CompiledMetrics, arguments: dict[str, Any]) -> None:
        self.loss, self.metrics, self.arguments = loss, metrics, arguments
        self.loss_tracker: Any = Mean(name="loss")
        self.output_trackers: list[Any] = []
        self.trainable: list[Variable] = []
        self.regularized: list[Variable] = []
        self.output_shapes: dict[Any, Any] = {}
        self.known: list[Variable] = []  # those the optimizer was built for; fewer may learn later
        self.makes_masks: bool | None = None  # whether a layer may make a mask; None: not looked up
        # Whether the lists above must be looked up again, and whether the optimizer knows its variables.
        self.stale, self.ready = True, False
        self.tried = False  # whether a step of training has gone through: metrics and losses of one's own may fail
        self.seen = -1  # the count of changes when they were looked up
        self.own_metrics: tuple[int, list[Metric]] = (-1, [])

    def regularization(self) -> float:
        """Return the sum of the regularizers' values."""
        return sum((float(v.regularizer(v.value)) for v in self.regularized), 0.0)

    def track(self, total: float, parts: list[float], rows: int) -> None:
        """Add a batch's loss, and those of the single outputs where there are several, to the running means."""
        self.loss_tracker.update_state(total, sample_weight=rows)
        if len(parts) > 1:
            if not self.output_trackers:
                self.output_trackers = [Mean(name=name) for name in self.loss.log_names()]
            for tracker, part in zip(self.output_trackers, parts, strict=True):
                tracker.update_state(part, sample_weight=rows)
