"""A case of a function of ``nnlite.ops``: what the properties in test_properties.py are tested over."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Case:
    """A function of (ops, arrays...) and its inputs; ``ops`` is ``nnlite.ops`` or, for the records, ``keras.ops``.

    Args:
        name: what identifies it.
        call: the function.
        inputs: a shape for each array, of normal numbers, the batch of 3 first; or a kind and a shape: "positive",
            "unit" (between -0.9 and 0.9), "bool", "far" (no whole number or half near), a number n for whole numbers
            below n.
        smooth: whether the function has a gradient to compare with finite differences.
        fixed: whether the batch must be the size it is.
        empty: whether a batch of zero makes sense.
        tolerance: of the comparison with what was recorded.
        recorded: whether Keras takes it, too.
    """

    name: str
    call: Callable[..., Any]
    inputs: list[Any] = field(default_factory=lambda: [(3, 4)])
    smooth: bool = True
    fixed: bool = False
    empty: bool = True
    tolerance: float = 1e-5
    recorded: bool = True

    @property
    def kinds(self) -> list[tuple[Any, tuple[int, ...]]]:
        """Kind and shape of each input."""
        return [one if len(one) == 2 and isinstance(one[1], tuple) else ("normal", one) for one in self.inputs]

    def data(self, batch=3, dtype="float32", seed=0):
        """Arrays for a batch."""
        rng = np.random.default_rng(seed)
        found = []
        for kind, shape in self.kinds:
            size = (shape if self.fixed else (batch, *shape[1:])) if shape else ()
            if kind == "bool":
                found.append(rng.random(size) < 0.5)
            elif isinstance(kind, int):
                found.append(rng.integers(0, kind, size).astype("int32"))
            elif kind == "positive":
                found.append(rng.uniform(0.3, 2.0, size).astype(dtype))
            elif kind == "unit":
                found.append(rng.uniform(-0.9, 0.9, size).astype(dtype))
            elif kind == "far":
                found.append((rng.integers(-3, 3, size) + rng.uniform(0.1, 0.4, size)).astype(dtype))
            else:
                found.append(rng.normal(size=size).astype(dtype))
        return found

    def symbols(self, make, dtype="float32"):
        """Symbols for the inputs, made by ``Input``."""
        types = {"bool": "bool"} | {kind: "int32" for kind, _ in self.kinds if isinstance(kind, int)}
        return [
            make(
                batch_shape=shape if self.fixed else (None, *shape[1:]), dtype=types.get(kind, dtype), name=f"x{number}"
            )
            for number, (kind, shape) in enumerate(self.kinds)
        ]


def listed(y):
    return list(y) if isinstance(y, (tuple, list)) else [y]


def weights(y):
    """What the outputs are multiplied by before they are summed, for a gradient."""
    return [np.cos(np.arange(one.size)).reshape(one.shape).astype("float32") for one in y]


def places(value):
    """A call's arguments, with the place alone for each symbol."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return value["config"]["keras_history"]
        return {key: places(one) for key, one in value.items()}
    return [places(one) for one in value] if isinstance(value, (list, tuple)) else value
