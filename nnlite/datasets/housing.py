"""What the tables of house prices share."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.datasets.files import Data, locate, naming, read_tables


def check_fraction(loader: str, test_split: Any) -> None:
    """Raise ``ValueError`` unless ``test_split`` is from 0 to below 1."""
    if isinstance(test_split, bool) or not isinstance(test_split, (int, float, np.number)) or not 0 <= test_split < 1:
        raise ValueError(f"{loader}: test_split got {test_split!r}, expected a number from 0 to below 1.")


def load(
    loader: str,
    path: Any,
    origin: str,
    file_hash: str,
    columns: int,
    test_split: float,
    seed: int,
    rows: int | None = None,
) -> Data:
    """Return a table ``x`` and its targets ``y`` in a new order, the last part to test with."""
    check_fraction(loader, test_split)
    file = locate(loader, path, origin, file_hash)
    x, y = read_tables(file, ("x", "y"))
    with naming(file):
        if x.ndim != 2 or x.shape[1] != columns or len(y) != len(x) or x.dtype.kind == "O" or y.dtype.kind == "O":
            raise ValueError(
                f"it holds x of shape {x.shape} and y of shape {y.shape}, expected (n, {columns}) and (n,)"
            )
    x, y = x[:rows], y[:rows]
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y, at = x[order], y[order], int(len(x) * (1 - test_split))
    return (x[:at].copy(), y[:at].copy()), (x[at:].copy(), y[at:].copy())
