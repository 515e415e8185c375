"""What comes after a layer's product in a plan for small batches: bias, normalization and activation, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite import activations
from nnlite.kernels.elementwise import zeros_row
from nnlite.layers import applied
from nnlite.layers.activation import Activation, ReLU
from nnlite.layers.normalization import BatchNormalization


def finishing(layer: Any, shape: Any, following: list[Any]) -> tuple[Callable[[Any], Any], int]:
    """Return a function that turns a layer's bare product, of one shape, into its output, and how many of the layers
    that follow it has done then.

    Taken along are a BatchNormalization of the last axis, whose scale and shift take the bias with them, and an
    activation; each only if the layer before it has none of its own.
    """
    bias, taken, norm, last = layer.bias, 0, None, layer
    if _is_linear(layer.activation) and following and _normalizes(following[0], len(shape)):
        norm, taken = following[0], 1
    if _is_linear(layer.activation) and len(following) > taken and _activates(following[taken]):
        last = following[taken]
        taken += 1
    is_relu = type(last) is ReLU
    zero = zeros_row(np.empty(shape, layer._compute)) if len(shape) else 0

    def finish(y: Any) -> Any:
        if norm is not None:
            scale, shift = norm.affine()
            if bias is not None:
                shift += bias.value * scale
            y *= scale
            y += shift
        elif bias is not None:
            y += bias.value
        activation = activations.relu if is_relu else last.activation
        if activation is activations.relu:
            return np.maximum(y, zero, out=y)
        if activation is None or activation is activations.linear:
            return y
        if applied.fusible(activation) is not None:
            return activation.forward(y, out=y)
        return applied.apply(activation, y)[0]

    return finish, taken


def _is_linear(activation: Any) -> bool:
    return activation is None or activation is activations.linear


def _normalizes(layer: Any, rank: int) -> bool:
    return type(layer) is BatchNormalization and layer.axis % rank == rank - 1


def _activates(layer: Any) -> bool:
    plain = type(layer) is ReLU and not (layer.negative_slope or layer.threshold) and layer.max_value is None
    return plain or type(layer) is Activation
