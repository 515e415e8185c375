"""The forms in which a model's inputs and outputs come: one array, or lists and dicts of arrays."""

from __future__ import annotations

from typing import Any


def leaves(value: Any) -> list[Any]:
    """Return what is in nested lists and dicts in a row, that of dicts by sorted keys, as Keras numbers it.

    >>> leaves({"b": 1, "a": [2, 3]})
    [2, 3, 1]
    """
    if isinstance(value, dict):
        return [leaf for key in sorted(value) for leaf in leaves(value[key])]
    if isinstance(value, (list, tuple)):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [] if value is None else [value]


def number(value: Any) -> Any:
    """Return the form of nested lists and dicts: numbers in the places of leaves, in the order of :func:`leaves`.

    >>> number({"b": "x", "a": ["y", "z"]})
    {'a': [0, 1], 'b': 2}
    """
    place = {id(leaf): index for index, leaf in reversed(list(enumerate(leaves(value))))}

    def numbered(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: numbered(value[key]) for key in sorted(value)}
        if isinstance(value, (list, tuple)):
            inner = [numbered(one) for one in value]
            return tuple(inner) if isinstance(value, tuple) else inner
        return place[id(value)]

    return numbered(value)


def fill(form: Any, values: list[Any]) -> Any:
    """Return ``values`` in the form that :func:`number` gave.

    >>> fill({"b": 2, "a": [0, 1]}, ["y", "z", "x"])
    {'b': 'x', 'a': ['y', 'z']}
    """
    if isinstance(form, dict):
        return {key: fill(inner, values) for key, inner in form.items()}
    if isinstance(form, (list, tuple)):
        return type(form)(fill(inner, values) for inner in form)
    return values[form]


def gather(form: Any, value: Any) -> list[Any] | None:
    """Return what is in ``value``, which has the form, in the order of :func:`leaves`; None if it has another form.

    >>> gather({"a": [0, 1], "b": 2}, {"b": "x", "a": ["y", "z"], "more": "w"})
    ['y', 'z', 'x']
    """
    if isinstance(form, dict):
        if not isinstance(value, dict) or not form.keys() <= value.keys():
            return None
        parts = [gather(inner, value[key]) for key, inner in form.items()]
    elif isinstance(form, (list, tuple)):
        if not isinstance(value, (list, tuple)) or len(form) != len(value):
            return None
        parts = [gather(inner, one) for inner, one in zip(form, value, strict=True)]
    else:
        return [value]
    return None if any(part is None for part in parts) else [leaf for part in parts for leaf in part or ()]


def unpacked(form: Any) -> Any:
    """Return a form, that of a list of one without the list: models compute such an output as one array."""
    return form[0] if isinstance(form, (list, tuple)) and len(form) == 1 else form
