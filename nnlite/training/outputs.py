"""One output or several: laying what a user gave for them out in the order of the model's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnlite.core.errors import nearest


def is_several(y: Any) -> bool:
    """Return whether ``y`` holds one entry an output (a list, tuple or dict) instead of being one array."""
    return isinstance(y, (list, tuple, dict))


def are_single(*given: Any) -> bool:
    """Return whether nothing given for the outputs holds one entry an output, as for nearly every model."""
    for y in given:  # noqa: SIM110 (a generator takes twice as long, at each step)
        if isinstance(y, (list, tuple, dict)):
            return False
    return True


def leaves(y: Any) -> list[Any]:
    """Return the outputs in ``y`` as a list; a single array is a list of one.

    >>> leaves({"a": 1, "b": 2}), leaves(3)
    ([1, 2], [3])
    """
    if isinstance(y, dict):
        return list(y.values())
    return list(y) if isinstance(y, (list, tuple)) else [y]


def like(y: Any, values: list[Any]) -> Any:
    """Return ``values`` in the form ``y`` has: an array, a list, a tuple or a dict."""
    if isinstance(y, dict):
        return dict(zip(y, values, strict=True))
    return type(y)(values) if isinstance(y, (list, tuple)) else values[0]


def names_of(y_pred: Any, output_names: Sequence[str] | None) -> list[str | None]:
    """Return the names of the outputs: a dict's keys, else those the model has for them, else None for each."""
    if isinstance(y_pred, dict):
        return list(y_pred)
    count = len(leaves(y_pred))
    return list(output_names) if output_names is not None and len(output_names) == count else [None] * count


def per_output(given: Any, names: Sequence[str | None], what: str, partial: bool = False) -> list[Any]:
    """Return what the user gave for each output, in their order.

    Args:
        given: a list or tuple in the order of the outputs, a dict by their names, or one thing for a single output.
        names: the names of the outputs, None where one has none.
        what: the argument's name, for messages.
        partial: whether a dict may leave outputs out; they get None.

    Raises:
        ValueError: if the number of entries or a name does not match.
    """
    count = len(names)
    if isinstance(given, dict):
        known = [name for name in names if name is not None]
        unknown = [key for key in given if key not in known]
        if unknown:
            hint = (
                f"{nearest(unknown[0], known)} The outputs are {known}."
                if known
                else " The outputs have no names: use a list."
            )
            raise ValueError(f"{what}: no output is called {unknown[0]!r}.{hint}")
        missing = [name for name in names if name not in given]
        if missing and not partial:
            raise ValueError(f"{what}: got entries for {list(given)}, nothing for output {missing[0]!r}.")
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != count:
            raise ValueError(f"{what}: got {len(given)} entries, the model has {count} output{'s' * (count != 1)}.")
        return list(given)
    if count != 1:
        raise ValueError(
            f"{what}: got one {type(given).__name__}, the model has {count} outputs: give a list of {count} or a dict."
        )
    return [given]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Return a batch as :func:`unpack_x_y_sample_weight` takes it: ``(x, y, sample_weight)`` as far as given.

    A single array, or a dict of them, comes back as it is; a list of inputs as a tuple of one.

    >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight([1, 2]), pack_x_y_sample_weight(1, 2)
    (1, ([1, 2],), (1, 2))
    """
    if y is None and sample_weight is None:
        return x if not isinstance(x, (list, tuple)) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any, name: str = "data") -> tuple[Any, Any, Any]:
    """Return ``(x, y, sample_weight)`` from ``x``, ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``.

    Raises ``ValueError`` for a longer tuple.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"{name}: got a tuple of {len(data)}, expected (x,), (x, y) or (x, y, sample_weight).")
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight
