"""Cases of a family of layers: expressions, inputs and calls that mean the same under Keras's name and under nnlite's.

A case is written ``Case("LSTM(4)", (2, 7, 3))``; inputs and options may hold :class:`Ints` and :class:`Mask`.
"""

import importlib
import json
import pathlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from golden import cases

FOLDER = pathlib.Path(__file__).parent / "families"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


@dataclass
class Ints:
    """Whole numbers from ``low`` to below ``high``, of a shape."""

    shape: tuple[int, ...]
    high: int
    low: int = 0


@dataclass
class Mask:
    """Booleans; along the last axis true up to a random length of at least one, or anywhere with ``anywhere``."""

    shape: tuple[int, ...]
    anywhere: bool = False


@dataclass
class Values:
    """These very numbers."""

    values: Any
    dtype: str = "float32"


@dataclass
class Case:
    """One recorded call of a layer.

    Args:
        expression: makes the layer, with the names of ``keras.layers`` (and ``keras`` itself).
        x: shape of a float input, or an :class:`Ints` or :class:`Values`; a list of them for several inputs.
        training: passed to the call where True.
        options: further arguments of the call by name; array specs are drawn.
        call: how a script calls it with ``layer``, ``x`` and ``options``; one argument where None.
        weights: standard deviation of the random weights.
        facts: whether config, names and shapes are compared as well.
        gradient: whether gradients are.
    """

    expression: str
    x: Any
    training: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    call: str | None = None
    weights: float = 0.5
    facts: bool = True
    gradient: bool = True

    @property
    def name(self):
        return f"{self.expression} {self.x} {self.training} {self.options} {self.call}"

    @property
    def shape(self):
        """The input's shape, or a list of them, the batch as drawn."""
        return [_shape(x) for x in self.x] if isinstance(self.x, list) else _shape(self.x)

    def draw(self):
        """Return the stream, the inputs and the options, the same under both names."""
        stream = cases.rng(self.name)
        x = [_array(s, stream) for s in self.x] if isinstance(self.x, list) else _array(self.x, stream)
        options = {name: _option(value, stream) for name, value in self.options.items()}
        if self.training:
            options["training"] = True
        return stream, x, options

    def run(self, layer, x, options, **names):
        """Call the layer as a script does."""
        if self.call is None:
            return layer(x, **options)
        return eval(self.call, {"layer": layer, "x": x, "options": options, "np": np, **names})


def _shape(spec):
    return tuple(spec) if isinstance(spec, tuple) else np.shape(_array(spec, cases.rng("shape")))


def _array(spec, stream):
    if isinstance(spec, Ints):
        return stream.integers(spec.low, spec.high, spec.shape).astype("int32")
    if isinstance(spec, Mask):
        if spec.anywhere:
            return stream.random(spec.shape) < 0.6
        *lead, steps = spec.shape
        return np.arange(steps) < stream.integers(1, steps + 1, (*lead, 1))
    if isinstance(spec, Values):
        return np.asarray(spec.values, spec.dtype)
    return cases.normal(stream, spec)


def _option(value, stream):
    if isinstance(value, (list, tuple)):
        return [_option(v, stream) for v in value]
    return _array(value, stream) if isinstance(value, (Ints, Mask, Values)) else value


def load(family):
    """Return the cases of a family."""
    return importlib.import_module(f"golden.families.{family}").LAYERS


def recorded(family):
    """Return the recorded arrays and facts of a family."""
    with np.load(FOLDER / f"{family}.npz") as file:
        arrays = dict(file)
    return arrays, json.loads((FOLDER / f"{family}.json").read_text())
