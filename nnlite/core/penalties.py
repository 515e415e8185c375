"""Loss terms that layers add while they run, gathered by whoever runs them."""

from __future__ import annotations

import threading
from typing import Any

_open = threading.local()


class collected:  # noqa: N801 (reads as a block's name)
    """Gather the values that layers add inside the block, in this thread.

    >>> with collected() as values:
    ...     add(0.5)
    >>> values
    [0.5]
    """

    def __enter__(self) -> list[Any]:
        values: list[Any] = []
        _open.__dict__.setdefault("stack", []).append(values)
        return values

    def __exit__(self, *error: object) -> None:
        _open.stack.pop()


def add(value: Any) -> None:
    """Add one term to the innermost gathering, if there is one."""
    stack = _open.__dict__.get("stack")
    if stack:
        stack[-1].append(value)
