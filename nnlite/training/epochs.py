"""Which epochs a fit makes, and which of them end with validation."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterator
from typing import Any

from nnlite.training.data import Batches, batches, count
from nnlite.training.outputs import unpack_x_y_sample_weight


def whole(value: Any, name: str) -> int:
    """Return a number of epochs; raise ``TypeError`` or ``ValueError`` if it cannot be one."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: got {value!r}, expected a whole number.") from None
    if number < 0 or isinstance(value, bool):
        raise ValueError(f"{name}: got {value!r}, expected a whole number that is not negative.")
    return number


def check_frequency(frequency: Any) -> None:
    """Raise ``TypeError`` or ``ValueError`` for a ``validation_freq`` that says nothing."""
    if isinstance(frequency, (list, tuple, set, range)):
        return
    if isinstance(frequency, bool) or not isinstance(frequency, int):
        raise TypeError(
            f"validation_freq: got {frequency!r}, expected a whole number, or a list of epochs counted from 1."
        )
    if frequency < 1:
        raise ValueError(f"validation_freq: got {frequency}, expected at least 1.")


def is_due(epoch: int, frequency: Any) -> bool:
    """Return whether an epoch, counted from 0, ends with validation.

    >>> is_due(1, 2), is_due(1, [1, 5])
    (True, False)
    """
    return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency


def will_validate(first: int, last: int, frequency: Any) -> bool:
    """Return whether one of the epochs from ``first`` to before ``last`` ends with validation.

    >>> will_validate(0, 3, 4), will_validate(0, 4, 4)
    (False, True)
    """
    return any(is_due(epoch, frequency) for epoch in range(first, last))


def validation(
    data: Any, validation_batch_size: int | None, batch_size: int | None, steps: int | None, texts: bool
) -> Batches:
    """Return ``validation_data`` cut into batches; what is wrong with it is raised in its name."""
    if validation_batch_size:
        count("validation_batch_size", validation_batch_size)
    if steps is not None:
        count("validation_steps", steps)
    parts = unpack_x_y_sample_weight(tuple(data) if isinstance(data, list) else data, "validation_data")
    with about_validation():
        return batches(*parts, batch_size=validation_batch_size or batch_size, steps=steps, texts=texts)


@contextlib.contextmanager
def about_validation() -> Iterator[None]:
    """Say of what is raised inside that it is about ``validation_data``, which has an x and y as the training data."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if type(error) not in (ValueError, TypeError):  # made in another way, maybe
            raise
        raise type(error)(f"validation_data: {error}") from error
