"""Loss terms that layers add while they run, gathered by whoever runs them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_open = threading.local()


@contextmanager
def collected() -> Iterator[list[Any]]:
    """Gather the values that layers add inside the block, in this thread.

    >>> with collected() as values:
    ...     add(0.5)
    >>> values
    [0.5]
    """
    stack = _open.__dict__.setdefault("stack", [])
    values: list[Any] = []
    stack.append(values)
    try:
        yield values
    finally:
        stack.pop()


def add(value: Any) -> None:
    """Add one term to the innermost gathering, if there is one."""
    stack = _open.__dict__.get("stack")
    if stack:
        stack[-1].append(value)
