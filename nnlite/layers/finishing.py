"""What comes after a layer's product in inference: bias, normalization, activation and pooling, done along with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from nnlite import activations
from nnlite.kernels.elementwise import not_below_zero
from nnlite.layers import applied
from nnlite.layers.activation import Activation, ReLU, is_relu
from nnlite.layers.normalization import BatchNormalization


class Finish(NamedTuple):
    """What comes after a layer's product of one shape of few rows.

    Attributes:
        affine: returns a scale, or None, and a shift of each channel; None where there is neither.
        activate: works in place on the C-contiguous array it is given, if it can; None for none.
        taken: how many of the layers that follow are done then.
    """

    affine: Callable[[], tuple[Any, Any]] | None
    activate: Callable[[Any], Any] | None
    taken: int

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
        activate = lambda y: not_below_zero(y, y)  # noqa: E731
    elif applied.fusible(activation) is not None:
        activate = lambda y: activation.forward(y, out=y)  # noqa: E731
    else:
        activate = lambda y: applied.apply(activation, y)[0]  # noqa: E731
    return Finish(affine, activate, taken)


def finishing(layer: Any, shape: Any, following: list[Any]) -> tuple[Callable[[Any], Any], int]:
    """Return a function that does, with a layer's product, all that :func:`parts` describes, and how many layers."""
    affine, activate, taken = parts(layer, shape, following)

    def finish(y: Any) -> Any:
        if affine is not None:
            scale, shift = affine()
            if scale is not None:
                y *= scale
            y += shift
        return y if activate is None else activate(y)

    return finish, taken


def fused(
    layer: Any,
    shape: Any,
    following: list[Any],
    product: Callable[..., Any],
    pooled: Callable[..., Any] | None = None,
    by_rows: bool = False,
) -> tuple[Callable[[Any], Any], int] | None:
    """Return a function from a layer's input, of any number of rows, to the output of the layers that it takes along,
    and how many these are; None if nothing is gained.

    Taken along are the same as in :func:`parts`, the normalization's scale as a part of the kernel (in a copy: the
    variables stay as they are), and maxima of 2 x 2 after a function that never falls.

    Args:
        layer: has a kernel, whose last axis, or last two, are the output's channels.
        shape: of its output.
        following: the layers after it.
        product: from (x, kernel, bias or None, activation or None) to the layer's output.
        pooled: the same to the maxima of the output.
        by_rows: whether ``product`` takes activations that work on rows or need their input for backward, too, and
            is worth calling for the layer alone.
    """
    norm, activation, taken = _taken(layer, len(shape), following)
    fits = applied.in_chunks(activation) if by_rows else applied.fusible(activation, elementwise=True)
    if activation is not None and fits is None:
        if not _is_linear(layer.activation):
            return None
        activation, taken = None, taken - 1
    if (
        pooled is not None
        and activation in (None, activations.relu)
        and len(following) > taken
        and _pools(following[taken])
    ):
        product, taken = pooled, taken + 1
    if not taken and not by_rows:
        return None

    def infer(x: Any) -> Any:
        w, b = layer.kernel.value, None if layer.bias is None else layer.bias.value
        if norm is not None:
            scale, shift = norm.affine()
            w = w * (scale if w.shape[-1] == len(scale) else scale.reshape(w.shape[-2:]))
            b = shift if b is None else shift + b * scale
        return product(x, w, b, activation)

    return infer, taken


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


def _pools(layer: Any) -> bool:
    from nnlite.layers.pooling import MaxPooling2D  # not for the many models that have none

    return (
        type(layer) is MaxPooling2D
        and layer.pool_size == layer.strides == (2, 2)
        and (layer.padding, layer.data_format) == ("valid", "channels_last")
    )
