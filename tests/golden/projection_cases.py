"""STFT kernels, the orthogonal penalty, and constraints along other axes."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

STFT: dict[str, tuple[dict[str, Any], tuple[int, int, int]]] = {
    "real": ({}, (16, 1, 9)),
    "imag": ({"side": "imag"}, (16, 1, 9)),
    "long": ({"window": "hamming", "scaling": "spectrum", "periodic": True}, (100, 1, 65)),
    "bare": ({"window": None, "scaling": "spectrum"}, (5, 1, 3)),
    "unscaled": ({"side": "imag", "window": "blackman", "scaling": None}, (7, 1, 5)),
    "given": ({"window": np.array([0.5, 1.0, -2.0, 0.25])}, (4, 1, 4)),
}
ORTHOGONAL: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "default": ({}, (4, 3)),
    "columns": ({"factor": 0.7, "mode": "columns"}, (4, 3)),
    "wide": ({"factor": 0.7}, (2, 9)),
    "columns of one row": ({"mode": "columns"}, (1, 4)),
}
CONSTRAINTS: dict[str, tuple[str, dict[str, Any], tuple[int, ...]]] = {
    "max_norm": ("MaxNorm", {}, (5, 3)),
    "max_norm axes": ("MaxNorm", {"max_value": 0.5, "axis": [0, 1, 2]}, (3, 3, 2, 4)),
    "max_norm last": ("MaxNorm", {"max_value": 1, "axis": -1}, (4, 3)),
    "unit_norm": ("UnitNorm", {}, (5, 3)),
    "unit_norm axes": ("UnitNorm", {"axis": [0, 1]}, (3, 2, 4)),
    "min_max_norm": ("MinMaxNorm", {}, (5, 3)),
    "min_max_norm rate": ("MinMaxNorm", {"min_value": 1.5, "max_value": 2.0, "rate": 0.3, "axis": 1}, (5, 3)),
    "non_neg": ("NonNeg", {}, (5, 3)),
}


def array(name: str, shape: tuple[int, ...]) -> Any:
    """Return the variable of a case."""
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype("float32")
