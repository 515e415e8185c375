"""Which epochs a fit makes, and which of them end with validation."""

from __future__ import annotations

import operator
from typing import Any


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
