"""What optimizers and schedules say about arguments that make no sense."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any


def number(
    owner: str, name: str, value: Any, low: float = -math.inf, high: float = math.inf, below: bool = False
) -> None:
    """Raise ``ValueError`` unless ``value`` is a number from ``low`` to ``high``, the end left out where ``below``.

    >>> number("Adam", "beta_1", 0.9, 0, 1, below=True)
    """
    if (
        isinstance(value, Real)
        and not isinstance(value, bool)
        and low <= float(value) <= high
        and not (below and value == high)
    ):
        return
    wanted = "a number"
    if low > -math.inf and high < math.inf:
        wanted += f" from {low:g} to {'below ' if below else ''}{high:g}"
    elif low > -math.inf:
        wanted += f", at least {low:g}"
    elif high < math.inf:
        wanted += f", at most {high:g}"
    raise ValueError(f"{owner}: {name} must be {wanted}, got {value!r}.")


def above_zero(owner: str, name: str, value: Any) -> None:
    """Raise ``ValueError`` unless ``value`` is a number above 0.

    >>> above_zero("CosineDecay", "decay_steps", 100)
    """
    if not isinstance(value, Real) or isinstance(value, bool) or not float(value) > 0:
        raise ValueError(f"{owner}: {name} must be a number above 0, got {value!r}.")


def whole(owner: str, name: str, value: Any, low: int) -> None:
    """Raise ``ValueError`` unless ``value`` is a whole number of at least ``low``.

    >>> whole("Adam", "gradient_accumulation_steps", 4, 2)
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < low:
        raise ValueError(f"{owner}: {name} must be a whole number of at least {low}, got {value!r}.")
