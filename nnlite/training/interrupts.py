"""Ends of training: Ctrl-C between steps, never inside one; and a step that gives itself up."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class StopTraining(Exception):  # noqa: N818 (an order, not an error)
    """Raised inside a training step: ``fit`` ends as if the step had not been begun."""


class held_back:  # noqa: N801 (reads as a block's name)
    """Hold Ctrl-C back while the block runs, so that a step of training is done whole or not begun.

    ``KeyboardInterrupt`` is raised when the block ends; a second Ctrl-C acts at once. Only Python's own handler is
    replaced, and only in the main thread: a program with a handler of its own keeps it.

    >>> with held_back():
    ...     pass
    """

    def __init__(self) -> None:
        self._pressed = False
        self._previous: Any = None

    def __enter__(self) -> held_back:
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if handler is signal.default_int_handler:
                self._previous = handler
                signal.signal(signal.SIGINT, self._press)
        return self

    def _press(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            signal.default_int_handler(number, frame)
        self._pressed = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
            if self._pressed and kind is None:
                raise KeyboardInterrupt
