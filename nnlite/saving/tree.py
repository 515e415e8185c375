"""Where in a weights file each object's variables stand.

Keras 3's rule: the object at path P has its own variables in ``P/vars/0``, ``P/vars/1``, ... A model's layers stand
under ``layers/<class name in snake case>``, with ``_1``, ``_2``, ... for further ones of the same class; objects held
by attributes stand under the attribute's name. What has been visited is not visited again. Names that users give to
layers are never part of a path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nnlite.core import naming


def walk(root: Any, twice: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield (path, object) for everything under ``root`` that has variables of its own to save, ``root`` first.

    With ``twice``, layers with variables count twice in the numbers of their siblings, as Keras 2.12 and 2.13 did it.
    """
    visited: set[int] = set()
    pending = [("", root)]
    while pending:
        path, obj = pending.pop()
        if id(obj) in visited:
            continue
        visited.add(id(obj))
        yield path, obj
        pending += reversed([(f"{path}/{segment}", child) for segment, child in _children(obj, twice)])


def _saveable(obj: Any) -> bool:
    return hasattr(obj, "save_own_variables") and hasattr(obj, "load_own_variables")


def _children(obj: Any, twice: bool) -> Iterator[tuple[str, Any]]:
    layers = getattr(obj, "layers", None)
    if isinstance(layers, list):
        yield from _numbered("layers", layers, twice)
    attributes = sorted(vars(obj), key=lambda name: (name.startswith("_"), name))
    for name in attributes:
        value = vars(obj)[name]
        if name.startswith("__") or name in ("_layers", "_nodes", "_arguments"):
            continue
        if _saveable(value):
            yield name, value
        elif isinstance(value, (list, tuple)):
            yield from _numbered(name, value)
        elif isinstance(value, dict):
            yield from _numbered(name, value.values())


def _numbered(path: str, values: Any, twice: bool = False) -> Iterator[tuple[str, Any]]:
    counts: dict[str, int] = {}
    for value in values:
        if not _saveable(value):
            continue
        name = naming.to_snake_case(type(value).__name__)
        number = counts.get(name, 0)
        counts[name] = number + (2 if twice and value.weights else 1)
        yield f"{path}/{name}_{number}" if number else f"{path}/{name}", value
