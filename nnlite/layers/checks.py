"""Arguments of layers, checked and made canonical, with messages that name the layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core.errors import nearest
from nnlite.core.layer import Layer


def positive(layer: Layer, name: str, value: Any) -> int:
    """Return ``value`` as an int; raises unless it is a whole number above zero."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        kind = TypeError if not isinstance(value, (int, float, np.number)) else ValueError
        raise kind(f"{layer.label}: {name} must be a whole number above 0, got {value!r}.")
    return int(value)


def none_of(layer: Layer, **given: Any) -> None:
    """Raise ``ValueError`` for an argument of Keras's constructor that only None is taken for."""
    asked = [f"{name}={value!r}" for name, value in given.items() if value is not None]
    if asked:
        raise ValueError(f"{layer.label}: {', '.join(asked)} is not available; {', '.join(given)} must be None.")


def sizes(layer: Layer, name: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """Return one whole number per spatial axis, given one number or a sequence of ``rank`` of them."""
    values = (value,) * rank if isinstance(value, (int, np.integer)) else value
    try:
        found = tuple(values)
    except TypeError:
        found = ()
    whole = all(isinstance(v, (int, np.integer)) and not isinstance(v, bool) and v >= least for v in found)
    if len(found) != rank or not whole:
        raise ValueError(
            f"{layer.label}: {name} must be one whole number of at least {least} or {rank} of them, got {value!r}."
        )
    return tuple(int(v) for v in found)


def choice(layer: Layer, name: str, value: Any, options: tuple[str, ...]) -> str:
    """Return ``value`` in lower case; raises unless it is one of ``options``."""
    text = value.lower() if isinstance(value, str) else value
    if text not in options:
        raise ValueError(
            f"{layer.label}: {name} must be one of {', '.join(map(repr, options))}, got {value!r}."
            f"{nearest(value, options)}"
        )
    return str(text)


def fraction(layer: Layer, name: str, value: Any) -> float:
    """Return ``value`` as a float; raises unless it is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)) or not 0 <= value <= 1:
        raise ValueError(f"{layer.label}: {name} must be a number from 0 to 1, got {value!r}.")
    return float(value)


def number(layer: Layer, name: str, value: Any, least: float | None = None) -> float:
    """Return ``value`` as a float; raises unless it is a real number, of at least ``least``."""
    wrong = isinstance(value, bool) or not isinstance(value, (int, float, np.number))
    if wrong or (least is not None and not value >= least):
        wanted = "a number" if least is None else f"a number of at least {least:g}"
        raise ValueError(f"{layer.label}: {name} must be {wanted}, got {value!r}.")
    return float(value)


def numbers(layer: Layer, name: str, value: Any) -> Any:
    """Return ``value``; raises unless it is a real number, or a list or array of them."""
    if np.asarray(value).dtype.kind not in "fiu":
        raise ValueError(f"{layer.label}: {name} must be a number or one per channel, got {value!r}.")
    return value


def axes(layer: Layer, name: str, value: Any) -> tuple[int, ...]:
    """Return ``value`` as a tuple of ints; raises unless it holds whole numbers, at least one."""
    found = tuple(value) if isinstance(value, (list, tuple)) else ()
    if not found or any(isinstance(a, bool) or not isinstance(a, (int, np.integer)) for a in found):
        raise ValueError(f"{layer.label}: {name} must be a whole number or several, got {value!r}.")
    return tuple(int(a) for a in found)


def shape_of_noise(layer: Layer, given: tuple[Any, ...] | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the random numbers for an input: its own, or ``given`` with its sizes in place of None.

    Raises unless there is one entry for each axis, 1 or the axis's size.
    """
    if given is None:
        return shape
    if len(given) != len(shape):
        raise ValueError(f"{layer.label}: noise_shape {given} must have one entry for each axis of its input, {shape}.")
    found = tuple(n if m is None else m for m, n in zip(given, shape, strict=True))
    if any(m not in (1, n) for m, n in zip(found, shape, strict=True)):
        raise ValueError(
            f"{layer.label}: noise_shape {given} does not go with its input of shape {shape}: each entry must be 1, "
            f"the size of its axis, or None for that size."
        )
    return found


def axes_exist(layer: Layer, name: str, axes: Any, input_shape: Any) -> None:
    """Raise unless every axis exists in the input."""
    rank = len(input_shape)
    for axis in axes:
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)) or not -rank <= axis < rank:
            raise ValueError(
                f"{layer.label}: {name} {axis!r} does not exist in an input of shape {tuple(input_shape)}."
            )


def known(layer: Layer, input_shape: Any, axis: int) -> int:
    """Return the size of an axis of the input; raises if it is open or missing."""
    rank = len(input_shape)
    if not -rank <= axis < rank:
        raise ValueError(f"{layer.label}: axis {axis} does not exist in an input of shape {tuple(input_shape)}.")
    if axis % rank == 0:
        raise ValueError(
            f"{layer.label} expects an input with at least 2 axes, the batch first; got shape {tuple(input_shape)}, "
            f"which has {rank}. x[None] makes a batch of one sample, x[:, None] gives every sample one feature."
        )
    size = input_shape[axis]
    if size is None:
        raise ValueError(
            f"{layer.label}: the size of axis {axis} of its input must be known to build it; "
            f"got shape {tuple(input_shape)}."
        )
    return int(size)
