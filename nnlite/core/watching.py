"""Looking at what layers compute while they compute it.

A watcher is called after every forward and backward of every layer, inner layers before those around them, in the
thread that watches. It may ask to be told before each of them, too, as whoever takes times has to be.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# (what, layer, taken, given): "forward" with x and y, or "backward" with dy and dx.
Watcher = Callable[[str, Any, Any, Any], None]
# (what, layer), before it computes.
Announced = Callable[[str, Any], None]

# How many watch, in any thread: layers look no further while nobody does.
active = 0
_lock = threading.Lock()
_local = threading.local()


@contextmanager
def watched(watcher: Watcher, before: Announced | None = None) -> Iterator[None]:
    """Call ``watcher`` after every forward and backward of the block, and ``before`` before it, in this thread.

    >>> from nnlite.core.layer import Layer
    >>> class Double(Layer):
    ...     def forward(self, x, training=False):
    ...         return 2 * x, None
    >>> import numpy as np
    >>> with watched(lambda what, layer, x, y: print(what, layer.name, y)):
    ...     _ = Double(name="double").forward(np.ones(2, "float32"))
    forward double [2. 2.]
    """
    global active
    watchers = _local.__dict__.setdefault("watchers", [])
    pair = (watcher, before)
    watchers.append(pair)
    with _lock:
        active += 1
    try:
        yield
    finally:
        with _lock:
            active -= 1
        watchers.remove(pair)


def announce(what: str, layer: Any) -> None:
    """Tell those of this thread's watchers who asked for it that a layer begins."""
    for _, before in _local.__dict__.get("watchers", ()):
        if before is not None:
            before(what, layer)


def note(what: str, layer: Any, taken: Any, given: Any) -> None:
    """Tell this thread's watchers."""
    for watcher, _ in _local.__dict__.get("watchers", ()):
        watcher(what, layer, taken, given)
