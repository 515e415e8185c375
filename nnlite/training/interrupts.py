"""Ends of training: Ctrl-C between steps, never inside one; and a step that gives itself up."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import signal
import threading
from types import FrameType, TracebackType

# Those of ``signal`` look for each handler among its names for "default" and "ignore", which takes a single step of
# training ten times as long as all else here.
_handler_of, _set_handler = _signal.getsignal, _signal.signal


class StopTraining(Exception):  # noqa: N818 (an order, not an error)
    """Raised inside a training step: ``fit`` ends as if the step had not been begun."""


class _Presses:
    """What Python's own handler of Ctrl-C is replaced by, and how often."""

    def __init__(self) -> None:
        self.steps = 0  # under way, in the main thread
        self.within = 0  # blocks for many steps that took it over
        self.pressed = False

    def replace(self) -> bool:
        """Take Ctrl-C over if Python's own handler has it; return whether that was so. For the main thread only."""
        found = _handler_of(signal.SIGINT) is signal.default_int_handler
        if found:
            _set_handler(signal.SIGINT, self.press)
        return found

    def restore(self) -> None:
        """Give it back, unless somebody else has taken it meanwhile."""
        if _handler_of(signal.SIGINT) == self.press:
            _set_handler(signal.SIGINT, signal.default_int_handler)

    def press(self, number: int, frame: FrameType | None) -> None:
        """Note the first press in a step; raise ``KeyboardInterrupt`` at any other."""
        if self.pressed or not self.steps:
            signal.default_int_handler(number, frame)
        self.pressed = True


_presses = _Presses()


class many_steps:  # noqa: N801 (reads as a block's name)
    """Replace the handler for all the :class:`held_back` steps in the block, as each step would.

    >>> with many_steps(), held_back():
    ...     pass
    """

    def __init__(self) -> None:
        self._replaced = False

    def __enter__(self) -> many_steps:
        self._replaced = threading.current_thread() is threading.main_thread() and _presses.replace()
        _presses.within += self._replaced
        return self

    def __exit__(self, *error: object) -> None:
        if self._replaced:
            _presses.within -= 1
            _presses.restore()


class held_back:  # noqa: N801 (reads as a block's name)
    """Hold Ctrl-C back while the block runs, so that a step of training is done whole or not begun.

    ``KeyboardInterrupt`` is raised when the block ends; a second Ctrl-C acts at once. Only Python's own handler is
    replaced, and only in the main thread: a program with a handler of its own keeps it.

    >>> with held_back():
    ...     pass
    """

    def __init__(self) -> None:
        self._main = self._replaced = False

    def __enter__(self) -> held_back:
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            _presses.steps += 1
            try:
                self._replaced = not _presses.within and _presses.replace()
            except BaseException:  # pressed just before
                _presses.steps -= 1
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._main:
            return
        _presses.steps -= 1  # first: the handler, should it stay, then does what Python's own does
        if self._replaced:
            _presses.restore()
        if not _presses.steps:
            pressed, _presses.pressed = _presses.pressed, False
            if pressed and kind is None:
                raise KeyboardInterrupt
