"""Activations as layers apply them to their results: a function with a derivative, a plain function, or a layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nnlite import activations
from nnlite.core.layer import Layer
from nnlite.kernels import activation_gelu, activation_smooth, memory
from nnlite.kernels.elementwise import over_elements

# What an element of these takes on one thread, roughly.
NANOSECONDS = 5.0
# Activations of which value and derivative together take far less than one after the other.
_WITH_SLOPE = ((activations.gelu, activation_gelu.gelu_slope), (activations.silu, activation_smooth.silu_slope))


class Slope(NamedTuple):
    """What backward needs: the derivative itself."""

    slope: Any


def fusible(activation: Any, elementwise: bool = False) -> Any:
    """Return the activation if a kernel can apply it in place, chunk by chunk, with y alone for backward; else None."""
    if getattr(activation, "keeps", None) != "y" or (elementwise and not activation.elementwise):
        return None
    return activation


def with_slope(activation: Any) -> Any:
    """Return the function of (z, slope, out) that computes an activation and its derivative at once; None for none."""
    for function, kernel in _WITH_SLOPE:
        if function is activation:
            return kernel
    return None


def in_chunks(activation: Any) -> Any:
    """Return the activation if a kernel can apply it chunk by chunk, for backward maybe out of place; else None."""
    if isinstance(activation, Layer) or activation is activations.linear:
        return None
    return activation if getattr(activation, "elementwise", False) else fusible(activation)


def apply(activation: Any, z: Any, training: bool = False) -> tuple[Any, Any]:
    """Return y = activation(z) and what :func:`unapply` needs."""
    if activation is None or activation is activations.linear:
        return z, None
    kernel = with_slope(activation) if training else None
    if kernel is not None:
        y, slope = memory.empty(z.shape, z.dtype), memory.empty(z.shape, z.dtype)
        over_elements(kernel, (z, slope), y, NANOSECONDS)
        return y, Slope(slope)
    if isinstance(activation, Layer):
        y, cache = activation.forward(z, training=training)
        return y, cache
    if hasattr(activation, "forward"):
        y = activation.forward(z)
        return y, y if activation.keeps == "y" else z
    return activation(z), None


def unapply(activation: Any, dy: Any, kept: Any, owner: Layer) -> Any:
    """Return dz for y = activation(z).

    Raises ``TypeError`` if the activation is a plain function, which has no derivative.
    """
    if activation is None or activation is activations.linear:
        return dy
    if type(kept) is Slope:
        dz = memory.empty(dy.shape, dy.dtype)
        return over_elements(np.multiply, (dy, kept.slope), dz, 0.5)
    if isinstance(activation, Layer):
        return activation.backward(dy, kept)
    if hasattr(activation, "backward"):
        return activation.backward(dy, kept)
    raise TypeError(
        f"{owner.label}: its activation {getattr(activation, '__name__', activation)!r} is a plain function without a "
        f"derivative, so it works for inference only. Give it one with nnlite.activations.differentiable."
    )


def shape(activation: Any, given: Any) -> tuple[int | None, ...]:
    """Return the shape of activation(z), for the shape of z: another one where the activation says so, such as GLU.

    Raises ``ValueError`` if the activation does not take such a z.
    """
    other = getattr(activation, "output_shape", None)
    return tuple(given) if other is None or isinstance(activation, Layer) else tuple(other(tuple(given)))
