"""Activation functions, each with its derivative.

``relu(x)`` is Keras's call. ``relu.forward(x) -> y`` and ``relu.backward(dy, y) -> dx`` are the pair that layers use;
``relu.keeps`` says whether ``backward`` takes "y", "x" or "nothing" beside dy. :func:`differentiable` gives a function
of your own the same.
"""

from __future__ import annotations

from typing import Any

from nnlite.activations.base import differentiable
from nnlite.activations.rows import glu, log_softmax, softmax, sparsemax
from nnlite.activations.smooth import (
    celu,
    elu,
    exponential,
    gelu,
    log_sigmoid,
    mish,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
    squareplus,
    tanh,
    tanh_shrink,
)
from nnlite.activations.straight import (
    hard_shrink,
    hard_sigmoid,
    hard_sigmoid_keras2,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    relu,
    relu6,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    threshold,
)
from nnlite.core import serialization

__all__ = [
    "celu",
    "deserialize",
    "differentiable",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_sigmoid_keras2",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

swish = silu
hard_swish = hard_silu


def get(identifier: Any) -> Any:
    """Return the activation meant by a name, a config, a function, or None (:func:`linear`).

    Raises:
        ValueError: for an unknown name, with the nearest known one.
        TypeError: for what is neither.

    >>> get("relu") is relu
    True
    """
    return linear if identifier is None else serialization.get("activations", identifier)


def serialize(activation: Any) -> Any:
    """Return the name of a built-in activation, or the config of another.

    >>> serialize(relu)
    'relu'
    """
    return serialization.serialize(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the activation that :func:`serialize` gave ``config`` for.

    >>> deserialize("relu") is relu
    True
    """
    return serialization.deserialize(config, "activations", custom_objects)
