"""How variables start and are kept in bounds: arguments such as ``kernel_initializer``, resolved and found again."""

from __future__ import annotations

from typing import Any

from nnlite.core import serialization
from nnlite.core.layer import Layer
from nnlite.core.variable import Variable

_KINDS = ("initializer", "regularizer", "constraint")


def keep(layer: Layer, **settings: Any) -> None:
    """Resolve arguments named ``<variable>_<kind>`` and keep each in the layer's attribute of that name."""
    for name, value in settings.items():
        family = name.rsplit("_", 1)[-1] + "s"
        setattr(layer, name, serialization.get(family, value))


def add(layer: Layer, name: str, shape: tuple[int, ...], trainable: bool = True) -> Variable:
    """Create the layer's variable ``name`` with what :func:`keep` kept for it."""
    settings = {kind: getattr(layer, f"{name}_{kind}", None) for kind in _KINDS}
    return layer.add_weight(shape, trainable=trainable, name=name, **settings)
