"""Sequences of different lengths."""

from nnlite.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
