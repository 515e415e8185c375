"""Data sets to learn and to measure with: digits (in the package), mnist and fashion_mnist (fetched once)."""

from nnlite.datasets import digits, fashion_mnist, mnist

__all__ = ["digits", "fashion_mnist", "mnist"]
