"""The activations of :mod:`nnlite.activations` as functions of arrays and symbols."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import activations
from nnlite.ops.base import function
from nnlite.ops.inference import along_axis, same_shape


@function("Relu", module="nn", unify="same")
def relu(x: Any) -> Any:
    """Return max(x, 0); see :func:`nnlite.activations.relu`.

    >>> np.round(relu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.0, 2.0]
    """
    if x.dtype.kind in "iub":
        return np.maximum(x, x.dtype.type(0))
    return activations.relu.forward(x)


@function("Relu6", module="nn", unify="float")
def relu6(x: Any) -> Any:
    """Return min(max(x, 0), 6); see :func:`nnlite.activations.relu6`.

    >>> np.round(relu6(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.0, 2.0]
    """
    return activations.relu6.forward(x)


@function("Sigmoid", module="nn", unify="float")
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x)); see :func:`nnlite.activations.sigmoid`.

    >>> np.round(sigmoid(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.2689, 0.8808]
    """
    return activations.sigmoid.forward(x)


@function("Silu", module="nn", unify="float")
def silu(x: Any) -> Any:
    """Return x sigmoid(x), also called swish; see :func:`nnlite.activations.silu`.

    >>> np.round(silu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.2689, 1.7616]
    """
    return activations.silu.forward(x)


@function("Softplus", module="nn", unify="float")
def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)); see :func:`nnlite.activations.softplus`.

    >>> np.round(softplus(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.3133, 2.1269]
    """
    return activations.softplus.forward(x)


@function("Softsign", module="nn", unify="float")
def softsign(x: Any) -> Any:
    """Return x / (1 + |x|); see :func:`nnlite.activations.softsign`.

    >>> np.round(softsign(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.5, 0.6667]
    """
    return activations.softsign.forward(x)


@function("Elu", module="nn", unify="float")
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where x > 0, alpha (exp(x) - 1) elsewhere; see :func:`nnlite.activations.elu`.

    >>> np.round(elu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.6321, 2.0]
    """
    return activations.elu.forward(x, alpha=alpha)


@function("Selu", module="nn", unify="float")
def selu(x: Any) -> Any:
    """Return 1.0507 elu(x, 1.6733); see :func:`nnlite.activations.selu`.

    >>> np.round(selu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-1.1113, 2.1014]
    """
    return activations.selu.forward(x)


@function("Celu", module="nn", unify="float")
def celu(x: Any, alpha: float = 1.0) -> Any:
    """Return x where x > 0, alpha (exp(x / alpha) - 1) elsewhere; see :func:`nnlite.activations.celu`.

    >>> np.round(celu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.6321, 2.0]
    """
    return activations.celu.forward(x, alpha=alpha)


@function("Gelu", module="nn", unify="float")
def gelu(x: Any, approximate: bool = True) -> Any:
    """Return x Phi(x), or its form with tanh; see :func:`nnlite.activations.gelu`.

    >>> np.round(gelu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.1588, 1.9546]
    """
    return activations.gelu.forward(x, approximate=approximate)


@function("LeakyRelu", module="nn", unify="float")
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return x where x >= 0, negative_slope * x elsewhere; see :func:`nnlite.activations.leaky_relu`.

    >>> np.round(leaky_relu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.2, 2.0]
    """
    return activations.leaky_relu.forward(x, negative_slope=negative_slope)


@function("HardSigmoid", module="nn", unify="float")
def hard_sigmoid(x: Any) -> Any:
    """Return min(max(x / 6 + 1 / 2, 0), 1); see :func:`nnlite.activations.hard_sigmoid`.

    >>> np.round(hard_sigmoid(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.3333, 0.8333]
    """
    return activations.hard_sigmoid.forward(x)


@function("HardSilu", module="nn", unify="float")
def hard_silu(x: Any) -> Any:
    """Return x hard_sigmoid(x), also called hard swish; see :func:`nnlite.activations.hard_silu`.

    >>> np.round(hard_silu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.3333, 1.6667]
    """
    return activations.hard_silu.forward(x)


@function("HardTanh", module="nn", unify="float")
def hard_tanh(x: Any) -> Any:
    """Return min(max(x, -1), 1); see :func:`nnlite.activations.hard_tanh`.

    >>> np.round(hard_tanh(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-1.0, 1.0]
    """
    return activations.hard_tanh.forward(x)


@function("HardShrink", module="nn", unify="float")
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x where |x| > threshold, 0 elsewhere; see :func:`nnlite.activations.hard_shrink`.

    >>> np.round(hard_shrink(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-1.0, 2.0]
    """
    return activations.hard_shrink.forward(x, threshold=threshold)


@function("SoftShrink", module="nn", unify="float")
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x moved towards 0 by threshold, 0 where it would pass it; see :func:`nnlite.activations.soft_shrink`.

    >>> np.round(soft_shrink(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.5, 1.5]
    """
    return activations.soft_shrink.forward(x, threshold=threshold)


@function("TanhShrink", module="nn", unify="float")
def tanh_shrink(x: Any) -> Any:
    """Return x - tanh(x); see :func:`nnlite.activations.tanh_shrink`.

    >>> np.round(tanh_shrink(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.2384, 1.036]
    """
    return activations.tanh_shrink.forward(x)


@function("LogSigmoid", module="nn", unify="float")
def log_sigmoid(x: Any) -> Any:
    """Return -log(1 + exp(-x)); see :func:`nnlite.activations.log_sigmoid`.

    >>> np.round(log_sigmoid(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-1.3133, -0.1269]
    """
    return activations.log_sigmoid.forward(x)


@function("Squareplus", module="nn", unify="float")
def squareplus(x: Any, b: float = 4) -> Any:
    """Return (x + sqrt(x^2 + b)) / 2; see :func:`nnlite.activations.squareplus`.

    >>> np.round(squareplus(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.618, 2.4142]
    """
    return activations.squareplus.forward(x, b=b)


@function("SparsePlus", module="nn", unify="float")
def sparse_plus(x: Any) -> Any:
    """Return 0 where x <= -1, x where x >= 1, (x + 1)^2 / 4 between; see :func:`nnlite.activations.sparse_plus`.

    >>> np.round(sparse_plus(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.0, 2.0]
    """
    return activations.sparse_plus.forward(x)


@function("SparseSigmoid", module="nn", unify="float")
def sparse_sigmoid(x: Any) -> Any:
    """Return 0 where x <= -1, 1 where x >= 1, (x + 1) / 2 between; see :func:`nnlite.activations.sparse_sigmoid`.

    >>> np.round(sparse_sigmoid(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.0, 1.0]
    """
    return activations.sparse_sigmoid.forward(x)


@function("Threshold", module="nn", unify="float")
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """Return x where x > threshold, default_value elsewhere; see :func:`nnlite.activations.threshold`.

    >>> np.round(threshold(np.array([-1.0, 2.0]), 0.5, 7.0) + 0.0, 4).tolist()
    [7.0, 2.0]
    """
    return activations.threshold.forward(x, threshold=threshold, default_value=default_value)


@function("Softmax", module="nn", unify="float")
def softmax(x: Any, axis: Any = -1) -> Any:
    """Return exp(x) / sum of exp(x) along an axis or several; see :func:`nnlite.activations.softmax`.

    >>> np.round(softmax(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.0474, 0.9526]
    """
    return activations.softmax.forward(x, axis=axis)


@function("LogSoftmax", module="nn", unify="float")
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Return x - log(sum of exp(x)) along an axis; see :func:`nnlite.activations.log_softmax`.

    >>> np.round(log_softmax(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-3.0486, -0.0486]
    """
    return activations.log_softmax.forward(x, axis=axis)


@function("Sparsemax", module="nn", unify="float")
def sparsemax(x: Any, axis: int = -1) -> Any:
    """Return the nearest probabilities along an axis; see :func:`nnlite.activations.sparsemax`.

    >>> np.round(sparsemax(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [0.0, 1.0]
    """
    return activations.sparsemax.forward(x, axis=axis)


@function("Glu", module="nn", unify="float")
def glu(x: Any, axis: int = -1) -> Any:
    """Return a sigmoid(b), where a and b are the halves of x along an axis; see :func:`nnlite.activations.glu`.

    >>> np.round(glu(np.array([-1.0, 2.0])) + 0.0, 4).tolist()
    [-0.8808]
    """
    return activations.glu.forward(x, axis=axis)


def _derivative(name: str) -> Any:
    """The derivative of an activation, from what that keeps."""
    activation = getattr(activations, name)

    def backward(dy: Any, y: Any, x: Any, **options: Any) -> Any:
        kept = {"x": x, "y": y}.get(activation.keeps)
        return activation.backward(dy, kept, **options)

    return backward


_ALL = (
    relu, relu6, sigmoid, silu, softplus, softsign, elu, selu, celu, gelu, leaky_relu, hard_sigmoid, hard_silu,
    hard_tanh, hard_shrink, soft_shrink, tanh_shrink, log_sigmoid, squareplus, sparse_plus, sparse_sigmoid, threshold,
    softmax, log_softmax, sparsemax, glu,
)  # fmt: skip
for _one in _ALL:
    _one.gradient(_derivative(_one.compute.__name__))
    _one.output_shape(same_shape)
for _one in (softmax, log_softmax, sparsemax):
    _one.output_shape(along_axis)


@glu.output_shape
def _(shape: Any, axis: int) -> Any:
    return activations.glu.output_shape(shape, axis=axis)


swish, hard_swish = silu, hard_silu
