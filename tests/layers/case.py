"""A layer case: what the properties in test_properties.py are tested over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite.core import structure


def lengths_mask(rng, batch, steps):
    """A mask (N, T): true up to a random length of at least one."""
    return np.arange(steps) < rng.integers(1, steps + 1, batch)[:, None]


@dataclass
class Case:
    """A name, a function that makes the layer, and the shape of one sample (batch excluded; odd sizes).

    Args:
        shape: shape of one sample; a list of shapes for a layer with several inputs.
        random: whether forward in training draws random numbers.
        integers: inputs are whole numbers from 0 to below this one; ``None`` stands for a float input among several.
        words: the input is texts out of these.
        options: function of (rng, batch) that makes further arguments of ``forward``, such as a mask.
        smooth: whether finite differences make sense (not for integer outputs and rounding).
    """

    name: str
    make: Callable[[], Any]
    shape: Any
    random: bool = False
    integers: Any = None
    words: list[str] | None = None
    options: Callable[[np.random.Generator, int], dict[str, Any]] | None = None
    smooth: bool = True

    @property
    def built_shape(self):
        """The shape for ``build``: the batch open."""
        return structure.map_shapes(self.shape, lambda shape: (None, *shape))

    def data(self, batch, dtype="float32", seed=0):
        """Random input for a batch."""
        rng = np.random.default_rng(seed)
        if self.words is not None:
            return rng.choice(self.words, (batch, *self.shape))
        several = not structure.is_shape(self.shape)
        below = (
            self.integers if isinstance(self.integers, list) else [self.integers] * (len(self.shape) if several else 1)
        )
        values = []
        for shape, limit in zip(self.shape if several else [self.shape], below, strict=True):
            size = (batch, *shape)
            values.append(rng.normal(size=size).astype(dtype) if limit is None else rng.integers(0, limit, size))
        return values if several else values[0]

    def call_options(self, batch, seed=0):
        """Further arguments of ``forward`` for a batch."""
        return {} if self.options is None else self.options(np.random.default_rng(seed), batch)
