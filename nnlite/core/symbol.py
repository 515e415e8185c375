"""Symbol: an array that is not computed yet, such as a model's input."""

from __future__ import annotations

from typing import Any, NamedTuple

from nnlite.core import naming

Shape = tuple[int | None, ...]


class Node(NamedTuple):
    """One call of a layer on symbols: what went in, with which options, and what came out."""

    layer: Any
    inputs: list[Symbol]
    outputs: list[Symbol]
    options: dict[str, Any]


class Symbol:
    """A placeholder with a shape and a dtype, made by ``Input`` or by calling a layer on symbols.

    Args:
        shape: the shape, None where a size is open (the batch, variable lengths).
        dtype: name of the dtype.
        name: a name for messages.

    >>> Symbol((None, 28, 28, 1), name="image")
    <Symbol shape=(None, 28, 28, 1), dtype=float32, name=image>
    """

    def __init__(self, shape: Shape, dtype: str = "float32", name: str | None = None) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self.name = name or naming.auto_name("symbol")
        # The layer call that makes this symbol, and which of its outputs this is.
        self.node: Node | None = None
        self.index = 0

    @property
    def ndim(self) -> int:
        """Number of axes, the batch included."""
        return len(self.shape)

    @property
    def rank(self) -> int:
        """The same as ``ndim``."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<Symbol shape={self.shape}, dtype={self.dtype}, name={self.name}>"
