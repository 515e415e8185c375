"""What is different while a model is made from a file or a config: a stranger says how much memory it takes, and the
variables of a file's are about to be overwritten."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

_open = threading.local()
# How many calls inside of inner models a file's model may consist of: models that call each other twice have billions.
# Calls on the same shapes as before do not count.
_MOST_CALLS = 10_000
# What the variables of a model made from a config may take, and any array between its layers for one sample.
_LARGEST_MODEL, _LARGEST_ARRAY = 2**30, 2**30
_MOST_AXES = 64  # that arrays of NumPy may have
_MOST_ARRAYS = 20_000  # that the calls of a model may make

# What a config that is no config makes Python raise.
ACCIDENTS = (LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError, MemoryError)


class RefusedError(ValueError):
    """A file or config asks for what an honest one would not: memory without end, code, what others own."""


class Opening:
    """A model that is being made from a file: what it may take, and which of its variables have not been drawn.

    Args:
        most_bytes: what all its variables together may take; more is refused before it is allocated.
        label: the file's name, for messages.
        is_file: whether a file will give the variables their values.
    """

    def __init__(self, most_bytes: int, label: str, is_file: bool = True) -> None:
        self.left, self.label, self.calls, self.arrays = most_bytes, label, 0, 0
        self.largest, self.is_file = max(most_bytes, _LARGEST_ARRAY), is_file
        self._blank: dict[int, tuple[Any, Any]] = {}

    def spend(self, size: int, what: str) -> None:
        """Count bytes that the model asks for; raise ``ValueError`` if they are more than it may have."""
        self.left -= size
        if self.left < 0:
            self.refuse(what, size)

    def refuse(self, what: str, size: int) -> NoReturn:
        """Raise the error for something that takes more memory than it may."""
        refuse(self.label, what, size, "file may need" if self.is_file else "config may ask for")

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


def refuse(label: str, what: str, size: int, such: str = "file may need") -> NoReturn:
    """Raise the error for something in a file or config that takes more memory, in bytes, than it may."""
    # Whole numbers, as those of strangers may be too large for floats.
    raise RefusedError(
        f"{label}: {what}, {size // 2**20:,} MB, which is more than such a {such}. If you trust it, pass "
        f"max_bytes=... where you load it."
    )


@contextmanager
def model_from_file(most_bytes: int, label: str) -> Iterator[Opening]:
    """Let variables made inside the block, in this thread, start at 0 without being drawn, and count their bytes."""
    before = current()
    _open.file = opening = Opening(most_bytes, label)
    try:
        yield opening
    finally:
        _open.file = before


@contextmanager
def model_from_config(max_bytes: int | None, label: str) -> Iterator[None]:
    """Count the bytes of the variables made inside the block, in this thread, unless a model is being made already.

    Args:
        max_bytes: what they may take together; 1 GB where None.
        label: what messages call the config.

    Raises ``ValueError`` for what a config that is no config makes Python raise, where nobody looked first.
    """
    if current() is not None:
        yield
        return
    _open.file = Opening(_LARGEST_MODEL if max_bytes is None else max_bytes, label, is_file=False)
    try:
        yield
    except ACCIDENTS as error:
        raise ValueError(f"{label} describes nothing that holds together: {error!r}.") from error
    finally:
        _open.file = None


def current() -> Opening | None:
    """Return the model that is being made from a file in this thread, or None."""
    found: Opening | None = _open.__dict__.get("file")
    return found


def _size(shape: Iterable[int | None], dtype: Any) -> int:
    """How many bytes an array takes, one sample of it where the batch is open."""
    try:
        each = int(np.dtype(dtype).itemsize)
    except TypeError:  # words, and types that NumPy does not have
        each = 4
    return each * math.prod(1 if n is None else int(n) for n in shape)


def spend(shape: Iterable[int], dtype: Any, what: str) -> None:
    """Count an array that is about to be made, if a model is being made from a file or a config.

    Raises ``ValueError`` if it is more than the model may have.
    """
    opening = current()
    if opening is not None:
        shape = tuple(shape)
        opening.spend(_size(shape, dtype), f"{what} of shape {shape}")


def passing(shape: Any, dtype: Any, label: Any) -> None:
    """Look at an array that a call would make, if a model is being made from a file or a config.

    Raises ``ValueError`` if it is larger than any may be, has more axes, or is one of too many.
    """
    opening = current()
    if opening is None:
        return
    opening.arrays += 1
    passing_several(0)
    if len(shape) > _MOST_AXES:
        raise ValueError(f"{opening.label}: {label} makes an array of {len(shape)} axes, more than {_MOST_AXES}.")
    size = _size(shape, dtype)
    if size > opening.largest:
        opening.refuse(f"{label} makes an array of shape {shape}", size)


def passing_several(count: int) -> None:
    """Look at how many arrays a call would make, before they are listed, if a model is being made from a file or a
    config: to list them may take all memory.

    Raises ``ValueError`` if they are too many, with those that were made before.
    """
    opening = current()
    if opening is not None and opening.arrays + count > _MOST_ARRAYS:
        raise RefusedError(f"{opening.label}: the calls of its layers make more than {_MOST_ARRAYS} arrays.")


def count(calls: int) -> None:
    """Count calls inside of an inner model, if a model is being made from a file.

    Raises ``ValueError`` if they are more than any model would have.
    """
    opening = current()
    if opening is not None:
        opening.calls += calls
        if opening.calls > _MOST_CALLS:
            raise RefusedError(f"{opening.label}: its inner models call each other more than {_MOST_CALLS} times.")


def blank(shape: tuple[int, ...], dtype: Any, owner: str, name: str) -> Any:
    """Return zeros for a variable of a model that is made from a file; None where none is.

    Raises ``ValueError`` if the model's variables take more memory than was allowed.
    """
    spend(shape, dtype, f"{owner} asks for a variable {name!r}")
    opening = current()
    return np.zeros(shape, dtype) if opening is not None and opening.is_file else None


def draw_later(variable: Any, make: Any) -> None:
    """Note the initializer of a variable that :func:`blank` made, in case the file does not have its value."""
    opening = current()
    if opening is not None:
        opening._blank[id(variable)] = (variable, make)
