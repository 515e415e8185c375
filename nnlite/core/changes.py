"""A count of what may change which variables there are, which of them learn, and which of them have penalties.

Whoever looked them up need not look again until the count has moved.
"""

from __future__ import annotations

_count = 0


def note() -> None:
    """Say that something has changed, anywhere."""
    global _count
    _count += 1


def count() -> int:
    """Return the number of changes so far.

    >>> before = count()
    >>> note()
    >>> count() > before
    True
    """
    return _count
