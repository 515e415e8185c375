"""What comes after a layer's product in inference: bias, normalization, activation and pooling, done along with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlite import activations
from nnlite.kernels.elementwise import not_below_zero
from nnlite.layers import applied
from nnlite.layers.activation import Activation, ReLU, is_relu
from nnlite.layers.normalization import BatchNormalization

# In the place of an activation that a product cannot do.
_UNKNOWN = object()


class Finish(NamedTuple):
    """What comes after a layer's product of one shape of few rows.

    Attributes:
        affine: returns a scale, or None, and a shift of each channel; None where there is neither.
        activate: works in place on the C-contiguous array it is given, if it can; None for none.
        taken: how many of the layers that follow are done then.
        rises: whether the activation is one that never falls, so that maxima may be taken before it.
    """

    affine: Callable[[], tuple[Any, Any]] | None
    activate: Callable[[Any], Any] | None
    taken: int
    rises: bool

    def along(self, product: Callable[[Any, Any, Any, Any], Any], kernel: Any) -> Callable[[Any], Any]:
        """Return the function from the layer's input to its output; ``product`` takes x, w, scale and shift."""
        affine, activate = self.affine, self.activate

        def infer(x: Any) -> Any:
            scale, shift = (None, None) if affine is None else affine()
            y = product(x, kernel.value, scale, shift)
            return y if activate is None else activate(y)

        return infer


def parts(layer: Any, shape: Any, following: list[Any]) -> Finish:
    """Return what turns a layer's bare product, of one shape of few rows, into its output.

    Taken along are a BatchNormalization of the last axis, whose scale and shift take the bias with them, and an
    activation; each only if the layer before it has none of its own.
    """
    bias, (norm, activation, taken) = layer.bias, _taken(layer, len(shape), following)

    def normalization() -> tuple[Any, Any]:
        scale, shift = norm.affine()
        if bias is not None:
            shift += bias.value * scale
        return scale, shift

    def bias_alone() -> tuple[Any, Any]:
        return None, bias.value

    affine = normalization if norm is not None else None if bias is None else bias_alone
    activate: Callable[[Any], Any] | None
    if activation is None:
        activate = None
    elif activation is activations.relu:
        activate = _relu(layer, shape)
    elif applied.fusible(activation) is not None:
        activate = lambda y: activation.forward(y, out=y)  # noqa: E731
    else:
        activate = lambda y: applied.apply(activation, y)[0]  # noqa: E731
    return Finish(affine, activate, taken, activation in (None, activations.relu))


def finishing(layer: Any, shape: Any, following: list[Any]) -> tuple[Callable[[Any], Any], int]:
    """Return a function that does, with a layer's product, all that :func:`parts` describes, and how many layers."""
    affine, activate, taken, _ = parts(layer, shape, following)
    bias = layer.bias

    def finish(y: Any) -> Any:
        if affine is not None:
            scale, shift = affine()
            if scale is not None:
                y *= scale
            y += shift
        return y if activate is None else activate(y)

    def finish_alone(y: Any) -> Any:  # without a normalization, in fewer calls
        y += bias.value
        return y if activate is None else activate(y)

    return finish_alone if bias is not None and not _taken(layer, len(shape), following)[0] else finish, taken


def _relu(layer: Any, shape: Any) -> Callable[[Any], Any]:
    """Return ``max(y, 0)`` in place, for y of a shape; for that of one row, y may have more, but few and short ones."""
    if math.prod(shape) != shape[-1]:
        return lambda y: not_below_zero(y, y)
    zeros, maximum = np.zeros(shape[-1], layer._compute), np.maximum
    return lambda y: maximum(y, zeros, out=y)


def fused(
    layer: Any,
    shape: Any,
    following: list[Any],
    product: Callable[..., Any],
    pooled: Callable[..., Any] | None = None,
    pointwise: Callable[..., Any] | None = None,
    by_rows: bool = False,
) -> tuple[Callable[[Any], Any], int] | None:
    """Return a function from a layer's input, of any number of rows, to the output of the layers that it takes along,
    and how many these are; None if nothing is gained.

    Taken along are the same as in :func:`parts`, the normalization's scale as a part of the kernel (in a copy: the
    variables stay as they are), and maxima of 2 x 2 after a function that never falls, or a convolution of each pixel
    and what is taken along with that.

    Args:
        layer: has a kernel, whose last axis, or last two, are the output's channels.
        shape: of its output.
        following: the layers after it.
        product: from (x, kernel, bias or None, activation or None) to the layer's output.
        pooled: the same to the maxima of the output.
        pointwise: the same, and the kernel, bias and activation of a convolution of each pixel, to that one's output.
        by_rows: whether ``product`` takes activations that work on rows or need their input for backward, too, and
            is worth calling for the layer alone.
    """
    norm, activation, taken = _taken_whole(layer, len(shape), following, by_rows)
    if activation is _UNKNOWN:
        return None
    following = following[taken:]
    if pooled is not None and activation in (None, activations.relu) and following and _pools(following[0]):
        product, taken = pooled, taken + 1
    elif pointwise is not None and following and _is_pointwise(following[0], len(shape)):
        second, both = following[0], pointwise
        second_norm, second_activation, more = _taken_whole(second, len(shape), following[1:])
        if second_activation is not _UNKNOWN:

            def infer_both(x: Any) -> Any:
                of_second = (*_folded(second, second_norm), second_activation)
                return both(x, *_folded(layer, norm), activation, *of_second)

            return infer_both, taken + 1 + more
    if not taken and not by_rows:
        return None

    def infer(x: Any) -> Any:
        return product(x, *_folded(layer, norm), activation)

    return infer, taken


def _folded(layer: Any, norm: Any) -> tuple[Any, Any]:
    """A layer's kernel and bias, or None, with the scale and shift of a normalization, or None, in copies of them."""
    w, b = layer.kernel.value, None if layer.bias is None else layer.bias.value
    if norm is not None:
        scale, shift = norm.affine()
        w = w * (scale if w.shape[-1] == len(scale) else scale.reshape(w.shape[-2:]))
        b = shift if b is None else shift + b * scale
    return w, b


def _taken_whole(layer: Any, rank: int, following: list[Any], by_rows: bool = False) -> tuple[Any, Any, int]:
    """:func:`_taken`, but of activations those only that a product can do while its result is in cache; ``_UNKNOWN``
    for another one of the layer's own."""
    norm, activation, taken = _taken(layer, rank, following)
    fits = applied.in_chunks(activation) if by_rows else applied.fusible(activation, elementwise=True)
    if activation is None or fits is not None:
        return norm, activation, taken
    return (norm, None, taken - 1) if _is_linear(layer.activation) else (norm, _UNKNOWN, taken)


def _taken(layer: Any, rank: int, following: list[Any]) -> tuple[Any, Any, int]:
    """The normalization, or None, and the activation, or None, of a layer and of those that follow it, and how many of
    the latter have them."""
    norm, taken, last = None, 0, layer
    if _is_linear(layer.activation) and following and _normalizes(following[0], rank):
        norm, taken = following[0], 1
    if _is_linear(layer.activation) and len(following) > taken and _activates(following[taken]):
        last = following[taken]
        taken += 1
    activation = activations.relu if type(last) is ReLU else last.activation
    return norm, None if _is_linear(activation) else activation, taken


def _is_linear(activation: Any) -> bool:
    return activation is None or activation is activations.linear


def _normalizes(layer: Any, rank: int) -> bool:
    return type(layer) is BatchNormalization and layer.axis % rank == rank - 1


def _activates(layer: Any) -> bool:
    return type(layer) is Activation or is_relu(layer)


def _is_pointwise(layer: Any, rank: int) -> bool:
    from nnlite.layers.conv import Conv1D, Conv2D, Conv3D  # which imports this

    return (
        type(layer) in (Conv1D, Conv2D, Conv3D)
        and layer.rank + 2 == rank
        and (layer.groups, layer.data_format) == (1, "channels_last")
        and set(layer.kernel_size) == set(layer.strides) == {1}
    )


def _pools(layer: Any) -> bool:
    return pool_sizes(layer, 4) == (2, 2)


def pool_sizes(layer: Any, rank: int) -> tuple[int, ...] | None:
    """Return the sizes of a layer's windows if it takes maxima of arrays of that many axes, of windows side by side."""
    if not hasattr(layer, "pool_size"):
        return None
    from nnlite.layers.pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D  # not for models that have none

    if type(layer) not in (MaxPooling1D, MaxPooling2D, MaxPooling3D) or layer.rank + 2 != rank:
        return None
    apart = layer.pool_size == layer.strides and (layer.padding, layer.data_format) == ("valid", "channels_last")
    return tuple(layer.pool_size) if apart else None
