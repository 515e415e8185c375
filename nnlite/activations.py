"""Activation functions: each with its derivative beside it.

``relu(x)`` computes on arrays. Layers use the three attributes that :func:`differentiable` adds:

- ``relu.forward(x, out=None, **options)`` is the same, into ``out`` where given;
- ``relu.backward(dy, kept, out=None, **options)`` is the gradient of x;
- ``relu.keeps`` tells what ``kept`` is: the output ``"y"`` or the input ``"x"``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite.core import registry, serialization
from nnlite.core.errors import nearest
from nnlite.kernels import activation as kernels
from nnlite.kernels import activation_smooth as smooth
from nnlite.kernels import parallel

# Elements that one thread handles in a microsecond, for the choice of threads.
_RATE = 500.0


def differentiable(
    forward: Callable[..., Any], backward: Callable[..., Any], keeps: str = "x", elementwise: bool = True
) -> Callable[[Any], Any]:
    """Return a decorator that gives a function its derivative, so that layers can train through it.

    Args:
        forward: ``forward(x, out=None, **options) -> y``; may write over x where ``out`` is x.
        backward: ``backward(dy, kept, out=None, **options) -> dx``.
        keeps: whether ``kept`` is the input, ``"x"``, or the output, ``"y"``.
        elementwise: whether each output depends on one input only; otherwise the function works along the last axis.

    >>> @differentiable(lambda x, out=None: np.square(x, out=out), lambda dy, x, out=None: np.multiply(dy, 2 * x, out=out))
    ... def square(x):
    ...     return x**2
    >>> square.backward(np.ones(2), np.array([1.0, 3.0])).tolist()
    [2.0, 6.0]
    """
    if keeps not in ("x", "y"):
        raise ValueError(f"differentiable: keeps must be 'x' or 'y', got {keeps!r}.")

    def add(function: Any) -> Any:
        function.forward = _threaded(forward)
        function.backward = _threaded(backward)
        function.keeps, function.elementwise = keeps, elementwise
        return function

    return add


def _threaded(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """Run an element- or row-wise kernel on parts of the first axis where that is worth threads."""

    @functools.wraps(kernel)
    def run(a: Any, *others: Any, out: Any = None, **options: Any) -> Any:
        microseconds = a.size / _RATE
        along_first = a.ndim < 2 or options.get("axis", -1) not in (-1, a.ndim - 1)
        if microseconds <= parallel.WORTH_THREADS or along_first:
            return kernel(a, *others, out=out, **options)
        result = np.empty(a.shape, a.dtype) if out is None else out

        def task(start: int, stop: int) -> None:
            kernel(a[start:stop], *(b[start:stop] for b in others), out=result[start:stop], **options)

        parallel.run(task, len(a), microseconds)
        return result

    return run


def _array(x: Any) -> Any:
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def _builtin(forward: Any, backward: Any, keeps: str, elementwise: bool = True, names: tuple[str, ...] = ()) -> Any:
    def add(function: Any) -> Any:
        return registry.register("activations", *names)(differentiable(forward, backward, keeps, elementwise)(function))

    return add


@_builtin(lambda x, out=None: x, lambda dy, x, out=None: dy, "x")
def linear(x: Any) -> Any:
    """Return x; derivative 1.

    >>> linear(np.array([-1.0, 2.0])).tolist()
    [-1.0, 2.0]
    """
    return _array(x)


@_builtin(kernels.relu_forward, kernels.relu_backward, "y")
def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Return max(x, 0); derivative 1 for x > 0, else 0.

    In general ``min(x, max_value)`` above the threshold and ``negative_slope * (x - threshold)`` below it.

    >>> relu(np.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return relu.forward(_array(x), negative_slope=negative_slope, max_value=max_value, threshold=threshold)


@_builtin(kernels.leaky_relu_forward, kernels.leaky_relu_backward, "x")
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Return x for x >= 0 and negative_slope * x below; derivative 1 and negative_slope.

    >>> leaky_relu(np.array([-1.0, 2.0])).tolist()
    [-0.2, 2.0]
    """
    return leaky_relu.forward(_array(x), negative_slope=negative_slope)


@_builtin(kernels.relu6_forward, kernels.relu6_backward, "y")
def relu6(x: Any) -> Any:
    """Return min(max(x, 0), 6); derivative 1 between 0 and 6, else 0.

    >>> relu6(np.array([-1.0, 2.0, 9.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    return relu6.forward(_array(x))


@_builtin(kernels.sigmoid_forward, kernels.sigmoid_backward, "y")
def sigmoid(x: Any) -> Any:
    """Return y = 1 / (1 + exp(-x)); derivative y * (1 - y).

    >>> sigmoid(np.array([0.0])).tolist()
    [0.5]
    """
    return sigmoid.forward(_array(x))


@_builtin(kernels.tanh_forward, kernels.tanh_backward, "y")
def tanh(x: Any) -> Any:
    """Return y = tanh(x); derivative 1 - y^2.

    >>> tanh(np.array([0.0])).tolist()
    [0.0]
    """
    return tanh.forward(_array(x))


@_builtin(kernels.softmax_forward, kernels.softmax_backward, "y", elementwise=False)
def softmax(x: Any, axis: Any = -1) -> Any:
    """Return y = exp(x) / sum of exp(x) along axis; gradient y * (dy - sum of dy * y).

    >>> softmax(np.zeros((1, 4))).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """
    return softmax.forward(_array(x), axis=axis)


@_builtin(kernels.log_softmax_forward, kernels.log_softmax_backward, "y", elementwise=False)
def log_softmax(x: Any, axis: int = -1) -> Any:
    """Return y = x - log(sum of exp(x)) along axis; gradient dy - exp(y) * sum of dy.

    >>> log_softmax(np.zeros((1, 1))).tolist()
    [[0.0]]
    """
    return log_softmax.forward(_array(x), axis=axis)


@_builtin(kernels.exponential_forward, kernels.exponential_backward, "y")
def exponential(x: Any) -> Any:
    """Return y = exp(x); derivative y.

    >>> exponential(np.array([0.0])).tolist()
    [1.0]
    """
    return exponential.forward(_array(x))


@_builtin(kernels.elu_forward, kernels.elu_backward, "x")
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return x above 0, alpha * (exp(x) - 1) below; derivative 1 and alpha * exp(x).

    >>> elu(np.array([0.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return elu.forward(_array(x), alpha=alpha)


@_builtin(kernels.selu_forward, kernels.selu_backward, "x")
def selu(x: Any) -> Any:
    """Return 1.0507 * elu(x, 1.6733), which keeps activations near mean 0 and variance 1 (Klambauer et al., 2017).

    >>> selu(np.array([1.0])).round(4).tolist()
    [1.0507]
    """
    return selu.forward(_array(x))


@_builtin(smooth.softplus_forward, smooth.softplus_backward, "x")
def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)); derivative sigmoid(x).

    >>> softplus(np.array([0.0])).round(4).tolist()
    [0.6931]
    """
    return softplus.forward(_array(x))


@_builtin(smooth.softsign_forward, smooth.softsign_backward, "x")
def softsign(x: Any) -> Any:
    """Return x / (1 + |x|); derivative 1 / (1 + |x|)^2.

    >>> softsign(np.array([1.0])).tolist()
    [0.5]
    """
    return softsign.forward(_array(x))


@_builtin(smooth.silu_forward, smooth.silu_backward, "x", names=("swish",))
def silu(x: Any) -> Any:
    """Return x * s with s = sigmoid(x), also called swish; derivative s * (1 + x * (1 - s)).

    >>> silu(np.array([0.0])).tolist()
    [0.0]
    """
    return silu.forward(_array(x))


@_builtin(smooth.mish_forward, smooth.mish_backward, "x")
def mish(x: Any) -> Any:
    """Return x * t with t = tanh(softplus(x)); derivative t + x * (1 - t^2) * sigmoid(x) (Misra, 2019).

    >>> mish(np.array([0.0])).tolist()
    [0.0]
    """
    return mish.forward(_array(x))


@_builtin(smooth.hard_sigmoid_forward, smooth.hard_sigmoid_backward, "x")
def hard_sigmoid(x: Any) -> Any:
    """Return x / 6 + 1/2 cut to 0..1; derivative 1/6 for -3 < x < 3, else 0.

    >>> hard_sigmoid(np.array([-9.0, 0.0, 9.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return hard_sigmoid.forward(_array(x))


@_builtin(smooth.hard_silu_forward, smooth.hard_silu_backward, "x", names=("hard_swish",))
def hard_silu(x: Any) -> Any:
    """Return x * hard_sigmoid(x), also called hard swish.

    >>> hard_silu(np.array([-9.0, 9.0])).tolist()
    [-0.0, 9.0]
    """
    return hard_silu.forward(_array(x))


@_builtin(smooth.gelu_forward, smooth.gelu_backward, "x")
def gelu(x: Any, approximate: bool = False) -> Any:
    """Return x * Phi(x), Phi the normal distribution function; derivative Phi(x) + x * Phi'(x).

    Args:
        x: array.
        approximate: whether Phi is approximated by tanh.

    >>> gelu(np.array([1.0])).round(4).tolist()
    [0.8413]
    """
    return gelu.forward(_array(x), approximate=approximate)


swish, hard_swish = silu, hard_silu


def get(identifier: Any) -> Any:
    """Return the activation meant by a name, a config or a callable; ``linear`` for None.

    Raises ``ValueError`` for an unknown name, ``TypeError`` for anything else.

    >>> get("relu") is relu
    True
    """
    found = linear if identifier is None else serialization.get("activations", identifier)
    if not callable(found):
        raise TypeError(f"activation: got {identifier!r}, expected a name or a function.{nearest(identifier, ())}")
    return found


def serialize(activation: Any) -> Any:
    """Return the name of a built-in activation, the config of another.

    >>> serialize(relu)
    'relu'
    """
    return serialization.serialize(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the activation that a name or config describes.

    >>> deserialize("tanh") is tanh
    True
    """
    return serialization.deserialize(config, "activations", custom_objects)
