"""Automatic names ("conv2d_1") and the scopes that variable paths ("model/conv2d_1/kernel") are made of."""

from __future__ import annotations

import functools
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

_counters: defaultdict[str, int] = defaultdict(int)
_lock = threading.Lock()
_scopes = threading.local()


@functools.lru_cache(1024)
def to_snake_case(name: str) -> str:
    """Return the snake-case form that automatic names start with.

    >>> [to_snake_case(n) for n in ("MaxPooling2D", "PReLU", "RMSprop", "AdamW")]
    ['max_pooling2d', 'p_re_lu', 'rm_sprop', 'adam_w']
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """Return ``prefix``, then ``prefix_1``, ``prefix_2``, ... from a counter of the whole process."""
    prefix = to_snake_case(prefix)
    with _lock:
        number = _counters[prefix]
        _counters[prefix] += 1
    return f"{prefix}_{number}" if number else prefix


def reset_names() -> None:
    """Start all automatic names anew."""
    with _lock:
        _counters.clear()


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Put ``name/`` before the paths of variables created inside; scopes nest."""
    names = _scopes.__dict__.setdefault("names", [])
    names.append(name)
    try:
        yield
    finally:
        names.pop()


def scoped(name: str) -> str:
    """Return ``name`` behind all scopes that are open in this thread."""
    return "/".join([*_scopes.__dict__.get("names", []), name])
