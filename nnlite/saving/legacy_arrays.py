"""How Keras 1, cuDNN and Theano had the arrays of layers that have others today.

Keras 1 kept the gates of recurrent layers apart, and kernels of images with the channels first in another order. cuDNN
kept gates transposed. Theano turned kernels round before it multiplied: what it learned is turned round here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlite.core.variable import Variable
from nnlite.saving import tree
from nnlite.saving.stored import Stored

Arrays = list[np.ndarray]
Shapes = list[tuple[int, ...]]


class Writer(NamedTuple):
    """What wrote a file."""

    first: bool  # Keras 1
    turned: bool  # Theano


class Part(NamedTuple):
    """Some variables, and the arrays that they are made of."""

    variables: list[Variable]
    arrays: list[Stored]
    make: Callable[[Arrays], Arrays] | None  # None where they are the arrays


class Form(NamedTuple):
    """A form in which the variables of a layer may be in a file: the arrays' shapes, and what makes variables of it."""

    shapes: Shapes
    make: Callable[[Arrays], Arrays] | None


# The order that Keras 1 had the gates in, by today's: i, c, f, o for an LSTM.
GATES = {"LSTMCell": (0, 2, 1, 3), "ConvLSTMCell": (0, 2, 1, 3), "GRUCell": (0, 1, 2)}

# Class -> where the channels are -> the axes of Keras 1's kernels, in today's order.
TURNED: dict[str, dict[str, tuple[int, ...]]] = {
    "Conv2D": {"channels_first": (2, 3, 1, 0)},
    "Conv3D": {"channels_first": (2, 3, 4, 1, 0)},
    "Conv2DTranspose": {"channels_first": (2, 3, 0, 1), "channels_last": (0, 1, 3, 2)},
    "ConvLSTMCell": {"channels_first": (2, 3, 1, 0)},
}
CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTMCell")


def parts(layer: Any, variables: list[Variable], arrays: list[Stored], writer: Writer) -> list[Part] | None:
    """Return what each variable of a layer, and of the layers in it, is made of; None where the arrays do not fit.

    Args:
        layer: the layer.
        variables: its variables, in the order of the file.
        arrays: what the file has for them.
        writer: what wrote the file.
    """
    owners = {id(obj.kernel): obj for _, obj in tree.walk(layer) if isinstance(getattr(obj, "kernel", None), Variable)}
    found, place, number = [], 0, 0
    while number < len(variables):
        owner = owners.get(id(variables[number]))
        own = [variables[number]]
        if owner is not None:
            others = [getattr(owner, name, None) for name in ("recurrent_kernel", "bias")]
            for variable in variables[number + 1 : number + 3]:
                if any(variable is other for other in others):
                    own.append(variable)
        form = _form(owner, own, arrays[place:], writer)
        if form is None:
            return None
        found.append(Part(own, arrays[place : place + len(form.shapes)], form.make))
        place, number = place + len(form.shapes), number + len(own)
    return found if place == len(arrays) else None


def _form(owner: Any, variables: list[Variable], arrays: list[Stored], writer: Writer) -> Form | None:
    """The first form whose shapes are those of the next arrays."""
    name = next((cls.__name__ for cls in type(owner).__mro__ if cls.__name__ in (*GATES, *CONVOLUTIONS)), "")
    for form in _forms(name, owner, variables, writer):
        if [array.shape for array in arrays[: len(form.shapes)]] == form.shapes:
            return form
    return None


def _forms(name: str, owner: Any, variables: list[Variable], writer: Writer) -> list[Form]:
    plain: Shapes = [variable.shape for variable in variables]
    rows: list[Form] = []
    axes = TURNED.get(name, {}).get(getattr(owner, "data_format", "")) if writer.first else None
    if name in GATES:
        rows += _apart(name, plain, axes)
        rows += _of_cudnn(name, plain)
    elif axes is not None:
        rows.append(
            Form([_before(plain[0], axes), *plain[1:]], lambda values: [values[0].transpose(axes), *values[1:]])
        )
    if name == "Conv1D":
        size, channels, filters = plain[0]
        rows += [
            Form([(size, 1, channels, filters), *plain[1:]], lambda values: [values[0][:, 0], *values[1:]]),
            Form(
                [(filters, channels, size, 1), *plain[1:]],
                lambda values: [values[0][..., 0].transpose(2, 1, 0), *values[1:]],
            ),
        ]
    rows.append(Form(plain, None))
    if writer.turned and name in CONVOLUTIONS:
        kernels = 2 if name == "ConvLSTMCell" else 1
        return [Form(form.shapes, _turning(form.make, kernels)) for form in rows]
    return rows


def _before(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what has ``shape`` once its axes are put in the order ``axes``."""
    return tuple(shape[axes.index(axis)] for axis in range(len(shape)))


def _turning(make: Callable[[Arrays], Arrays] | None, kernels: int) -> Callable[[Arrays], Arrays]:
    def turn(values: Arrays) -> Arrays:
        values = values if make is None else make(values)
        turned = [np.flip(value, tuple(range(value.ndim - 2))) for value in values[:kernels]]
        return [*turned, *values[kernels:]]

    return turn


def _apart(name: str, plain: Shapes, axes: tuple[int, ...] | None) -> list[Form]:
    """Each gate's kernel, recurrent kernel and bias, gate by gate."""
    order, count = GATES[name], len(plain)
    if len(plain[-1]) == 2 and count == 3:  # a GRU that resets after the product, which Keras 1 had not
        return []
    each: Shapes = [(*shape[:-1], shape[-1] // len(order)) for shape in plain]
    if axes is not None:
        each = [_before(shape, axes) if len(shape) == len(axes) else shape for shape in each]

    def make(values: Arrays) -> Arrays:
        if axes is not None:
            values = [value.transpose(axes) if value.ndim == len(axes) else value for value in values]
        return [np.concatenate([values[gate * count + i] for gate in order], axis=-1) for i in range(count)]

    return [Form(each * len(order), make)]


def _of_cudnn(name: str, plain: Shapes) -> list[Form]:
    """The form of cuDNN, which its bias tells: an LSTM's has a second half to be added, a GRU's is in one row."""
    if len(plain) != 3 or len(plain[0]) != 2:
        return []
    is_lstm = name == "LSTMCell"
    if not is_lstm and len(plain[-1]) != 2:
        return []
    gates, size = (4, 2 * plain[-1][0]) if is_lstm else (3, math.prod(plain[-1]))

    def make(values: Arrays) -> Arrays:
        kernel, recurrent, bias = values
        # Each gate's part lies transposed in the file.
        turned = [part.T.reshape(part.shape, order="F") for part in np.split(kernel, gates, axis=1)]
        other = [part.T for part in np.split(recurrent, gates, axis=1)]
        halves = bias.reshape(2, -1)
        return [
            np.concatenate(turned, axis=1),
            np.concatenate(other, axis=1),
            halves.sum(axis=0) if is_lstm else halves,
        ]

    return [Form([*plain[:2], (size,)], make)]
