"""Activations made of straight lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nnlite.activations.base import Array, call, differentiable
from nnlite.core import registry
from nnlite.kernels import activation as kernels
from nnlite.kernels import activation_sparse as sparse


@registry.register("activations")
@differentiable(forward=lambda x: x, backward=lambda dy: dy, keeps="nothing")
def linear(x: ArrayLike) -> Array:
    """Return x itself: y = x, dy/dx = 1.

    >>> linear(np.array([-1.0, 2.0])).tolist()
    [-1.0, 2.0]
    """
    return np.asarray(x)


@registry.register("activations")
@differentiable(forward=kernels.relu_forward, backward=kernels.relu_backward, keeps="y", nanoseconds=0.5)
def relu(x: ArrayLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """Rectified linear unit: y = max(x, 0).

    With options: y = min(x, max_value) where x > threshold, and negative_slope * (x - threshold) elsewhere. The
    derivative is 0 at 0 and at ``max_value`` (1 at 0 if there is a slope, but neither threshold nor maximum).

    Args:
        x: array of any shape.
        negative_slope: slope below the threshold.
        max_value: upper bound of y; None for none.
        threshold: where the function bends.

    >>> relu(np.array([-2.0, 0.0, 3.0])).tolist()
    [0.0, 0.0, 3.0]
    """
    return call(relu, x, negative_slope=negative_slope, max_value=max_value, threshold=threshold)


@registry.register("activations")
@differentiable(forward=kernels.leaky_relu_forward, backward=kernels.leaky_relu_backward, keeps="y", nanoseconds=0.7)
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> Array:
    """ReLU that leaks: y = x where x >= 0, negative_slope * x elsewhere; the derivative is 1 at 0.

    >>> leaky_relu(np.array([-1.0, 2.0])).tolist()
    [-0.2, 2.0]
    """
    return call(leaky_relu, x, negative_slope=negative_slope)


@registry.register("activations")
@differentiable(forward=kernels.relu6_forward, backward=kernels.relu6_backward, keeps="y", nanoseconds=0.5)
def relu6(x: ArrayLike) -> Array:
    """ReLU cut at 6: y = min(max(x, 0), 6); the derivative is 0 at 0 and 6.

    >>> relu6(np.array([-1.0, 2.0, 9.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    return call(relu6, x)


@registry.register("activations")
@differentiable(forward=kernels.hard_sigmoid_forward, backward=kernels.hard_sigmoid_backward, keeps="y")
def hard_sigmoid(x: ArrayLike) -> Array:
    """y = min(max(x / 6 + 1 / 2, 0), 1); the derivative is 0 at -3 and 3.

    >>> hard_sigmoid(np.array([-3.0, 0.0, 9.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return call(hard_sigmoid, x)


@registry.register("activations")
@differentiable(forward=kernels.hard_sigmoid_keras2_forward, backward=kernels.hard_sigmoid_keras2_backward, keeps="y")
def hard_sigmoid_keras2(x: ArrayLike) -> Array:
    """y = min(max(0.2 x + 0.5, 0), 1), the ``hard_sigmoid`` of Keras before 3; the derivative is 0 at -2.5 and 2.5.

    Models of those versions are read with it. Keras 3 has no such function, so it does not open files that name it.

    >>> hard_sigmoid_keras2(np.array([-2.5, 0.0, 1.0, 9.0])).tolist()
    [0.0, 0.5, 0.7, 1.0]
    """
    return call(hard_sigmoid_keras2, x)


@registry.register("activations", "hard_swish")
@differentiable(forward=kernels.hard_silu_forward, backward=kernels.hard_silu_backward, keeps="x")
def hard_silu(x: ArrayLike) -> Array:
    """y = x hard_sigmoid(x), also called hard swish.

    >>> hard_silu(np.array([-3.0, 0.0, 9.0])).tolist()
    [-0.0, 0.0, 9.0]
    """
    return call(hard_silu, x)


@registry.register("activations")
@differentiable(forward=sparse.hard_tanh_forward, backward=sparse.hard_tanh_backward, nanoseconds=0.7)
def hard_tanh(x: ArrayLike) -> Array:
    """y = min(max(x, -1), 1); the derivative is 1 at -1 and 1.

    >>> hard_tanh(np.array([-2.0, 0.5, 2.0])).tolist()
    [-1.0, 0.5, 1.0]
    """
    return call(hard_tanh, x)


@registry.register("activations")
@differentiable(forward=sparse.hard_shrink_forward, backward=sparse.hard_shrink_backward)
def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
    r"""y = x where \|x\| > threshold, 0 elsewhere; the derivative is 0 at -threshold and threshold.

    >>> hard_shrink(np.array([-2.0, 0.5, 2.0])).tolist()
    [-2.0, 0.0, 2.0]
    """
    return call(hard_shrink, x, threshold=threshold)


@registry.register("activations")
@differentiable(forward=sparse.soft_shrink_forward, backward=sparse.soft_shrink_backward, nanoseconds=4.0)
def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
    """y = x - threshold where x > threshold, x + threshold where x < -threshold, 0 elsewhere.

    The derivative is 0 at -threshold and threshold.

    >>> soft_shrink(np.array([-2.0, 0.5, 2.0])).tolist()
    [-1.5, 0.0, 1.5]
    """
    return call(soft_shrink, x, threshold=threshold)


@registry.register("activations")
@differentiable(forward=sparse.threshold_forward, backward=sparse.threshold_backward)
def threshold(x: ArrayLike, threshold: float, default_value: float) -> Array:
    """y = x where x > threshold, default_value elsewhere; the derivative is 0 at the threshold.

    It has no values for its two arguments by itself, so as the activation of a layer it needs a function of one's own.

    >>> threshold(np.array([-2.0, 0.5, 2.0]), 1.0, 7.0).tolist()
    [7.0, 7.0, 2.0]
    """
    return call(_threshold, x, threshold=threshold, default_value=default_value)


_threshold = threshold  # the function, where its argument has the same name


@registry.register("activations")
@differentiable(forward=sparse.sparse_plus_forward, backward=sparse.sparse_plus_backward)
def sparse_plus(x: ArrayLike) -> Array:
    """y = 0 where x <= -1, x where x >= 1, (x + 1)^2 / 4 between; a softplus with ends.

    >>> sparse_plus(np.array([-2.0, 0.0, 2.0])).tolist()
    [0.0, 0.25, 2.0]
    """
    return call(sparse_plus, x)


@registry.register("activations")
@differentiable(forward=sparse.sparse_sigmoid_forward, backward=sparse.sparse_sigmoid_backward)
def sparse_sigmoid(x: ArrayLike) -> Array:
    """y = min(max((x + 1) / 2, 0), 1), the derivative of :func:`sparse_plus`; its own is 1/4 at -1 and 1.

    >>> sparse_sigmoid(np.array([-2.0, 0.0, 2.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return call(sparse_sigmoid, x)
