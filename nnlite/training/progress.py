"""How training shows itself: a bar on a terminal or in a notebook, a line an epoch elsewhere.

The texts are Keras's: numbers with four decimals, "61ms/step", and one line an epoch in the form of its ``verbose=2``.
Everything goes to ``sys.stdout``, as it is when it is written to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from nnlite import config

# seconds between two drawings of the bar; a drawing takes about 0.2 ms, so this is less than 1 % of the time
INTERVAL = 0.05
WIDTH = 20


def terminal_size() -> os.terminal_size:
    """Return columns and lines of the terminal, 80 by 24 where unknown."""
    import shutil

    size = shutil.get_terminal_size((80, 24))
    return os.terminal_size((size.columns or 80, size.lines or 24))  # Python 3.10 hands on a terminal's 0


def is_interactive() -> bool:
    """Return whether a line on ``sys.stdout`` can be drawn over: a terminal (not a dumb one) or a notebook."""
    stream = sys.stdout
    if stream is None:
        return False
    if type(stream).__module__.partition(".")[0] == "ipykernel":
        return True
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # no such method, or closed
        return False


def resolve(verbose: Any) -> int:
    """Return 0 (nothing), 1 (a bar) or 2 (lines) for the user's ``verbose``, knowing where ``sys.stdout`` goes.

    Raises ``ValueError`` for anything but 0, 1, 2, True, False, None (as 0) and "auto".
    """
    verbose = 0 if verbose is None else verbose
    known = verbose == "auto" if isinstance(verbose, str) else verbose in (0, 1, 2)
    if not known:
        raise ValueError(f"verbose: got {verbose!r}, expected 0, 1, 2 or 'auto'.")
    if sys.stdout is None or verbose == 0 or not config.is_interactive_logging_enabled():
        return 0
    return 1 if verbose in (1, "auto") and is_interactive() else 2


def number(value: Any) -> str:
    """Return a loss or metric as text.

    >>> number(0.41251), number(0.0004), number(-12)
    ('0.4125', '4.0000e-04', '-12.0000')
    """
    if not isinstance(value, (int, float)):
        try:
            value = float(np.mean(value))
        except (TypeError, ValueError):
            return str(value)
    return f"{value:.4f}" if abs(value) > 1e-3 else f"{value:.4e}"


def named_numbers(logs: Mapping[str, Any] | None) -> str:
    """Return losses and metrics as text.

    >>> named_numbers({"accuracy": 0.5, "loss": 1.25})
    ' - accuracy: 0.5000 - loss: 1.2500'
    """
    return "".join(f" - {name}: {number(value)}" for name, value in (logs or {}).items())


def per_step(seconds: float, unit: str = "step") -> str:
    """Return the time of one step, or of another unit, as text.

    >>> per_step(2.2), per_step(0.061), per_step(0.00083)
    ('2s/step', '61ms/step', '830us/step')
    """
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/{unit}"
    return f"{seconds * 1e3:.0f}ms/{unit}" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/{unit}"


def time_left(seconds: float) -> str:
    """Return a time to wait as text.

    >>> time_left(9), time_left(62), time_left(3723)
    ('9s', '1:02', '1:02:03')
    """
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


class Display:
    """What is shown of one epoch, or of one evaluation or prediction.

    Args:
        steps: batches that are expected, None where unknown.
        bar: draw a bar while it runs; else only the line at the end is written.
        width: of the bar, in characters.
        interval: seconds between two drawings, at least.
        unit: what steps are called.

    :meth:`step` is called after every batch and costs well under a microsecond unless it draws.
    """

    def __init__(
        self, steps: int | None, bar: bool, width: int = WIDTH, interval: float | None = None, unit: str = "step"
    ) -> None:
        self.steps = steps
        self._width, self._unit = width, unit
        self._interval = INTERVAL if interval is None else interval
        self.done = 0
        self._bar_wanted = bar
        self._bar: Any = None
        self._start = self._first = self._last = perf_counter()
        self._skipped = 0  # steps that were done at the first call
        self._next = self._start + self._interval if bar else float("inf")

    def step(self, done: int, logs: Any = None) -> None:
        """Say that ``done`` batches are done; ``logs`` are their losses and metrics, or a function that makes them."""
        now = perf_counter()
        self._last = now
        self.done = done
        if not self._skipped:
            self._first, self._skipped = now, done
        if now >= self._next or (done == self.steps and self._bar is not None):
            self._draw(logs() if callable(logs) else logs)
            self._next = perf_counter() + self._interval

    def finish(self, logs: Mapping[str, Any] | None = None) -> None:
        """Write the line that stays."""
        elapsed = f"{perf_counter() - self._start:.0f}s"
        step, rate, values = (
            self._count(self.steps or self.done),
            per_step(self.step_seconds(), self._unit),
            named_numbers(logs),
        )
        if self._bar_wanted:
            full = self.done * self._width // (self.steps or self.done or 1)
            line = (
                f"{step} {_coloured(_cells()[1] * full)}{_cells()[0] * (self._width - full)} {elapsed} {rate}{values}"
            )
        else:
            line = f"{step} - {elapsed} - {rate}{values}"
        if self._bar is not None:
            bar, self._bar = self._bar, None
            bar.close()  # erases it
            bar.write(line, file=sys.stdout)
        else:
            print(line, flush=True)

    def abandon(self) -> None:
        """Leave the bar as it is and go to the next line."""
        if self._bar is not None:
            bar, self._bar = self._bar, None
            bar.leave = True
            bar.close()

    def step_seconds(self) -> float:
        """Return the time a step takes, without the first (it may build the model) if there are more; without the first
        ones that were done at once."""
        if self.done > self._skipped:
            return (self._last - self._first) / (self.done - self._skipped)
        return (self._last - self._start) / max(1, self.done)

    def _count(self, steps: int | None) -> str:
        return f"{self.done:7d}/Unknown" if steps is None else f"{self.done:{len(str(steps))}d}/{steps}"

    def _draw(self, logs: Mapping[str, Any] | None) -> None:
        seconds = self.step_seconds()
        if self.steps is None:
            wait = f"{self._last - self._start:.0f}s"
        else:
            wait = time_left(seconds * max(0, self.steps - self.done))
        text = f"{wait} {per_step(seconds, self._unit)}{named_numbers(logs)}"
        if self._bar is None:
            self._bar = _tqdm_bar(self.steps, self._count(self.steps), text, self.done, self._width)
        else:
            self._bar.count, self._bar.text, self._bar.n = self._count(self.steps), text, self.done
            self._bar.refresh()


def _tqdm_bar(steps: int | None, count: str, text: str, done: int, width: int) -> Any:
    """Return a tqdm bar on standard output, drawn once. tqdm is imported when the first bar is shown."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        monitor_interval = 0  # no thread that watches over bars: this one is drawn by the training loop alone

        def __init__(self, count: str, text: str, **options: Any) -> None:
            self.count, self.text = count, text
            super().__init__(**options)

        @property
        def format_dict(self) -> dict[str, Any]:
            return {**super().format_dict, "ncols": _columns(), "count": self.count, "text": self.text}

    return Bar(
        count,
        text,
        total=steps,
        initial=done,
        file=sys.stdout,
        leave=False,
        nrows=terminal_size().lines,
        ascii=_cells(),
        colour="green" if _colours() else None,
        bar_format="{count} {text}" if steps is None else f"{{count}} {{bar:{width}}} {{text}}",
    )


def _columns() -> int | None:
    """Return the width of the terminal; None in a notebook. A terminal that calls itself 0 wide is taken for 80."""
    return terminal_size().columns if sys.stdout.isatty() else None


def _cells() -> str:
    """Return an empty and a full cell of the bar, as far as the encoding of ``sys.stdout`` has them."""
    try:
        "━".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return " ="
    return " ━"


def _colours() -> bool:
    # the old console of Windows shows the codes themselves
    return not os.environ.get("NO_COLOR") and (os.name != "nt" or "WT_SESSION" in os.environ)


def _coloured(text: str) -> str:
    return f"\x1b[32m{text}\x1b[0m" if _colours() and text else text
