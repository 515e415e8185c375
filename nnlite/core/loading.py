"""What is different while a model is made from a file: its variables are about to be overwritten, and a stranger says
how many there are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_open = threading.local()


@contextmanager
def model_from_file(most_bytes: int, label: str) -> Iterator[None]:
    """Let variables made inside the block, in this thread, start at 0 without being drawn, and count their bytes.

    Args:
        most_bytes: what all of them together may take; more is refused before it is allocated.
        label: the file's name, for messages.
    """
    before = _open.__dict__.get("file")
    _open.file = [most_bytes, label]
    try:
        yield
    finally:
        _open.file = before


def blank(shape: tuple[int, ...], dtype: Any, owner: str, name: str) -> Any:
    """Return zeros for a variable of a model that is made from a file; None where none is.

    Raises ``ValueError`` if the model's variables take more memory than was allowed.
    """
    file = _open.__dict__.get("file")
    if file is None:
        return None
    size = np.dtype(dtype).itemsize
    for length in shape:
        size *= int(length)
    file[0] -= size
    if file[0] < 0:
        raise ValueError(
            f"{file[1]}: {owner} asks for a variable {name!r} of shape {shape}, {size / 2**20:,.0f} MB, which is more "
            f"than such a file may need. If you trust it, pass load_model(..., max_bytes=...)."
        )
    return np.zeros(shape, dtype)
