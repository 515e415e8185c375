"""Activations that mix the elements along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from nnlite.activations.base import Array, call, differentiable
from nnlite.core import registry
from nnlite.kernels import activation as kernels
from nnlite.kernels import activation_smooth as smooth
from nnlite.kernels import activation_sparse as sparse
from nnlite.kernels.elementwise import normalized_axes


@registry.register("activations")
@differentiable(forward=kernels.softmax_forward, backward=kernels.softmax_backward, keeps="y", elementwise=False)
def softmax(x: ArrayLike, axis: Any = -1) -> Array:
    """Probabilities: y = exp(x) / sum of exp(x) along the axis; dx = y (dy - sum of dy y).

    Args:
        x: array of at least one axis.
        axis: the axis along which y sums to 1, or several.

    Raises:
        ValueError: if there is no such axis.

    >>> import numpy as np
    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    return call(softmax, x, axis=axis)


@registry.register("activations")
@differentiable(
    forward=kernels.log_softmax_forward, backward=kernels.log_softmax_backward, keeps="y", elementwise=False
)
def log_softmax(x: ArrayLike, axis: Any = -1) -> Array:
    """Logarithm of softmax: y = x - log(sum of exp(x) along the axis); dx = dy - exp(y) * sum of dy.

    >>> import numpy as np
    >>> np.round(log_softmax(np.array([[0.0, 0.0]])), 4).tolist()
    [[-0.6931, -0.6931]]
    """
    return call(log_softmax, x, axis=axis)


@registry.register("activations")
@differentiable(forward=sparse.sparsemax_forward, backward=sparse.sparsemax_backward, elementwise=False, nanoseconds=50)
def sparsemax(x: ArrayLike, axis: int = -1) -> Array:
    """y = max(x - tau, 0) along the axis, with zeros where x is small.

    With z the numbers from the largest down, c their running sums and k the number of j with z_j > (c_j - 1) / j,
    tau = (c_1 + ... + c_k - 1) / k. That is Keras's form, the same on all of its backends; the paper's has c_k in the
    place of that sum, and only there, or with k = 1, do the numbers add up to 1.

    Source: Martins and Astudillo, 2016, "From softmax to sparsemax".

    Raises:
        ValueError: if there is no such axis.

    >>> import numpy as np
    >>> sparsemax(np.array([1.0, 2.0, 3.5])).tolist()
    [0.0, 0.0, 1.0]
    """
    return call(sparsemax, x, axis=axis)


def _halved(shape: Sequence[int | None], axis: int = -1) -> tuple[int | None, ...]:
    """Return a shape with half the size along the axis."""
    (number,) = normalized_axes(axis, len(shape))
    size = shape[number]
    if size is not None and size % 2:
        raise ValueError(f"glu halves axis {axis}, whose size must be even; got shape {tuple(shape)}.")
    return (*shape[:number], None if size is None else size // 2, *shape[number + 1 :])


@registry.register("activations")
@differentiable(forward=smooth.glu_forward, backward=smooth.glu_backward, elementwise=False, output_shape=_halved)
def glu(x: ArrayLike, axis: int = -1) -> Array:
    """Gated linear unit: y = a sigmoid(b), where a and b are the halves of x along the axis.

    The axis becomes half as long: ``Dense(8, activation="glu")`` has 4 outputs.

    Source: Dauphin et al., 2016, "Language modeling with gated convolutional networks".

    Raises:
        ValueError: if there is no such axis, or its size is odd.

    >>> import numpy as np
    >>> glu(np.array([[1.0, 2.0, 0.0, 0.0]])).tolist()
    [[0.5, 1.0]]
    """
    return call(glu, x, axis=axis)
