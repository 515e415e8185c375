"""Sequences of different lengths."""

from typing import TYPE_CHECKING

from nnlite.core import lazy
from nnlite.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]

if not TYPE_CHECKING:
    __getattr__ = lazy.missing(__name__)
