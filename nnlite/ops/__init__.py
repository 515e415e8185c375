"""Functions of arrays and of symbols, each with its gradient: what models are made of between layers.

On arrays they compute; on symbols they become part of a model, as Python's operators on symbols do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnlite.core import lazy

if TYPE_CHECKING:
    from nnlite.ops.arithmetic import add, multiply
    from nnlite.ops.indexing import get_item

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    {
        "arithmetic": "add multiply",
        "indexing": "get_item",
    },
    kind="ops",
)
