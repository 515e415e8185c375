"""A progress display for training loops of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nnlite.training.progress import INTERVAL, WIDTH, Display, resolve


class Progbar:
    """Show how a loop gets on, as ``fit`` does: a bar on terminals and in notebooks, else a line at the end.

    Args:
        target: how many steps are expected; None where unknown, and then ``update(..., finalize=True)`` ends it.
        width: of the bar, in characters.
        verbose: 0 for nothing, 1 for a bar where it can be drawn over, 2 for the line at the end only.
        interval: seconds between two drawings, at least.
        stateful_metrics: names of values that are shown as they are; all others are averaged over the steps.
        stateless_metrics: names of values that are averaged; all others are shown as they are. One of the two lists.
        unit_name: what steps are called.

    Raises ``ValueError`` for both lists at once, and for another ``verbose``.

    >>> progress = Progbar(2, verbose=2)
    >>> for loss in (0.5, 0.25):
    ...     progress.add(1, [("loss", loss)])  # doctest: +ELLIPSIS
    2/2 - 0s - ...s/step - loss: 0.3750
    """

    def __init__(
        self,
        target: int | None,
        width: int = WIDTH,
        verbose: Any = 1,
        interval: float = INTERVAL,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: give stateful_metrics or stateless_metrics, not both.")
        self.target = target
        self._as_they_are = frozenset(stateful_metrics or ())
        self._averaged = None if stateless_metrics is None else frozenset(stateless_metrics)
        self._totals: dict[str, tuple[float, int]] = {}
        self._done = 0
        mode = resolve(verbose)
        self._display = Display(target, mode == 1, width, interval, unit_name) if mode else None

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Say that ``current`` steps are done, and what the last ones gave.

        Args:
            current: steps done since the beginning.
            values: pairs of name and number, of the steps since the last call.
            finalize: True for the end, where values are shown as given, since the loop knows its means; None for
                ``current >= target``.
        """
        given = bool(finalize)
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self._done, 1)
        for name, value in values or ():
            averaged = name in self._averaged if self._averaged is not None else name not in self._as_they_are
            total, count = self._totals.get(name, (0.0, 0)) if averaged and not given else (0.0, 0)
            self._totals[name] = (total + value * steps, count + steps)
        self._done = current
        if self._display is None:
            return
        shown = {name: total / count for name, (total, count) in self._totals.items()}
        self._display.step(current, shown)
        if finalize:
            self._display.finish(shown)
            self._display = None

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Say that ``n`` more steps are done, as :meth:`update`."""
        self.update(self._done + n, values)
