"""Finding the variables and sub-layers that an object's attributes hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any, TypeVar

import numpy as np

from nnlite.core.variable import Variable

T = TypeVar("T")


# Attributes that remember what an object was made with and how it was called: not what it holds.
_RECORDS = ("_arguments", "_nodes")
# Types of most attributes, which hold nothing: passed over first, since models are searched at every step.
PLAIN = frozenset({type(None), bool, int, float, str, np.ndarray, FunctionType, MethodType})


def find(owner: Any, kind: type[T] | tuple[type[T], ...]) -> list[T]:
    """Return the objects of a kind, or several, in the attributes of ``owner``, also in lists, tuples and dicts; each
    once."""
    found: dict[int, T] = {}
    for name, value in owner.__dict__.items():
        if type(value) in PLAIN:
            continue
        if isinstance(value, kind):
            found.setdefault(id(value), value)
        elif isinstance(value, (list, tuple, dict)) and value and name not in _RECORDS:
            for item in _leaves(value):
                if isinstance(item, kind):
                    found.setdefault(id(item), item)
    return list(found.values())


def _leaves(value: Any) -> Iterator[Any]:
    items = value.values() if isinstance(value, dict) else value
    for item in [item for item in items if type(item) not in PLAIN]:
        if type(item) in (list, tuple, dict):
            yield from _leaves(item)
        else:
            yield item


def load_into(label: str, variables: list[Variable], store: Mapping[str, Any]) -> None:
    """Write the arrays "0", "1", ... of ``store`` into ``variables``.

    Raises ``ValueError``, before anything is written, if the number of arrays or a shape differs.
    """
    if len(store) != len(variables):
        raise ValueError(
            f"{label} has {len(variables)} variables ({', '.join(v.name for v in variables) or 'none'}), "
            f"the file holds {len(store)} for it."
        )
    pairs = []
    for index, variable in enumerate(variables):
        if str(index) not in store:
            raise ValueError(f"{label}: the file has no array {index} (for {variable.path!r}).")
        array = store[str(index)]
        if tuple(array.shape) != variable.shape:
            raise ValueError(
                f"{label}: {variable.path!r} has shape {variable.shape}, the file's array {tuple(array.shape)}."
            )
        pairs.append((variable, np.asarray(array)))
    for variable, array in pairs:
        variable.assign(array)
