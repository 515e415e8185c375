"""Seeds and random generators.

Everything random in nnlite (initial weights, dropout masks, shuffling) draws from a :class:`numpy.random.Generator`
made here, so one :func:`set_seed` fixes a whole program.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

_lock = threading.Lock()
# Made at first use: numpy.random takes a fifth of NumPy's own import time.
_stream: np.random.SeedSequence | None = None


def set_seed(seed: int) -> None:
    """Restart the stream that all later generators without a seed of their own come from.

    >>> set_seed(7); a = generator().random()
    >>> set_seed(7); a == generator().random()
    True
    """
    global _stream
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed: got {seed!r}, expected a whole number that is not negative.")
    with _lock:
        _stream = np.random.SeedSequence(int(seed))


def get_state() -> dict[str, int] | None:
    """Return where the process's stream is, for :func:`set_state`; None while nothing has been drawn from it.

    >>> set_seed(7); before = get_state(); a = generator().random()
    >>> set_state(before); a == generator().random()
    True
    """
    with _lock:
        if _stream is None:
            return None
        return {"entropy": int(_stream.entropy), "spawned": _stream.n_children_spawned}  # type: ignore[arg-type]


def set_state(state: dict[str, int] | None) -> None:
    """Go on where the process's stream was when :func:`get_state` returned ``state``."""
    global _stream
    with _lock:
        if state is None:
            _stream = None
        else:
            _stream = np.random.SeedSequence(state["entropy"], n_children_spawned=state["spawned"])


def check_seed(seed: Any) -> None:
    """Raise ``ValueError`` if ``seed`` is neither None, a whole number, nor a :class:`SeedGenerator`."""
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not (seed is None or whole or isinstance(seed, SeedGenerator)):
        raise ValueError(f"seed: got {seed!r}, expected None or a whole number.")


def generator(seed: int | SeedGenerator | None = None) -> np.random.Generator:
    """Return a new random generator: from ``seed``, or from the process's stream where that is None.

    Raises ``ValueError`` if ``seed`` is neither None, a whole number, nor a :class:`SeedGenerator`.
    """
    check_seed(seed)
    if isinstance(seed, SeedGenerator):
        return seed.generator
    global _stream
    if seed is None:
        with _lock:
            if _stream is None:
                _stream = np.random.SeedSequence()
            child = _stream.spawn(1)[0]
        return np.random.Generator(np.random.PCG64(child))
    return np.random.Generator(np.random.PCG64(abs(int(seed))))


class SeedGenerator:
    """A random stream that several layers may share, in the place of their ``seed``.

    >>> shared = SeedGenerator(3)
    >>> generator(shared) is shared.generator
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.generator = generator(seed)

    def get_config(self) -> dict[str, object]:
        """Return the constructor's argument."""
        return {"seed": self.seed}
