"""What is different while a model is made from a file: its variables are about to be overwritten, and a stranger says
how many there are."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_open = threading.local()
# How many calls inside of inner models a file's model may consist of: models that call each other twice have billions.
_MOST_CALLS = 20_000


class Opening:
    """A model that is being made from a file: what it may take, and which of its variables have not been drawn.

    Args:
        most_bytes: what all its variables together may take; more is refused before it is allocated.
        label: the file's name, for messages.
    """

    def __init__(self, most_bytes: int, label: str) -> None:
        self.left, self.label, self.calls = most_bytes, label, 0
        self._blank: dict[int, tuple[Any, Any]] = {}

    def spend(self, size: int, what: str) -> None:
        """Count bytes that the model asks for; raise ``ValueError`` if they are more than it may have."""
        self.left -= size
        if self.left < 0:
            raise ValueError(
                f"{self.label}: {what}, {size / 2**20:,.0f} MB, which is more than such a file may need. If you trust "
                f"it, pass load_model(..., max_bytes=...)."
            )

    def filled(self, variables: Iterable[Any]) -> None:
        """Note that variables have got their values."""
        for variable in variables:
            self._blank.pop(id(variable), None)

    def draw(self, variables: Iterable[Any]) -> list[Any]:
        """Give those variables that have no values yet what their initializers make; return them."""
        ids = [id(variable) for variable in variables]
        drawn = [self._blank.pop(one) for one in ids if one in self._blank]
        for variable, make in drawn:
            variable.assign(make(variable.shape, dtype=variable.dtype))
        return [variable for variable, _ in drawn]


@contextmanager
def model_from_file(most_bytes: int, label: str) -> Iterator[Opening]:
    """Let variables made inside the block, in this thread, start at 0 without being drawn, and count their bytes."""
    before = current()
    _open.file = opening = Opening(most_bytes, label)
    try:
        yield opening
    finally:
        _open.file = before


def current() -> Opening | None:
    """Return the model that is being made from a file in this thread, or None."""
    found: Opening | None = _open.__dict__.get("file")
    return found


def spend(shape: Iterable[int], dtype: Any, what: str) -> None:
    """Count an array that is about to be made, if a model is being made from a file.

    Raises ``ValueError`` if it is more than the model may have.
    """
    opening = current()
    if opening is not None:
        shape = tuple(shape)
        opening.spend(np.dtype(dtype).itemsize * math.prod(int(n) for n in shape), f"{what} of shape {shape}")


def count(calls: int) -> None:
    """Count calls inside of an inner model, if a model is being made from a file.

    Raises ``ValueError`` if they are more than any model would have.
    """
    opening = current()
    if opening is not None:
        opening.calls += calls
        if opening.calls > _MOST_CALLS:
            raise ValueError(f"{opening.label}: its inner models call each other more than {_MOST_CALLS} times.")


def blank(shape: tuple[int, ...], dtype: Any, owner: str, name: str) -> Any:
    """Return zeros for a variable of a model that is made from a file; None where none is.

    Raises ``ValueError`` if the model's variables take more memory than was allowed.
    """
    if current() is None:
        return None
    spend(shape, dtype, f"{owner} asks for a variable {name!r}")
    return np.zeros(shape, dtype)


def draw_later(variable: Any, make: Any) -> None:
    """Note the initializer of a variable that :func:`blank` made, in case the file does not have its value."""
    opening = current()
    if opening is not None:
        opening._blank[id(variable)] = (variable, make)
