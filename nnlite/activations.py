"""Activation functions, each with its derivative.

``relu(x)`` is Keras's call. ``relu.forward(x) -> y`` and ``relu.backward(dy, y) -> dx`` are the pair that layers use;
``relu.keeps`` says whether ``backward`` takes "y", "x" or "nothing" beside dy. :func:`differentiable` gives a function
of your own the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlite import config
from nnlite.core import registry, serialization
from nnlite.kernels import activation as kernels
from nnlite.kernels import activation_smooth as smooth
from nnlite.kernels import memory
from nnlite.kernels.elementwise import over_elements, over_rows

Array = np.ndarray[Any, Any]


def differentiable(
    forward: Callable[..., Any] | None = None,
    backward: Callable[..., Any] | None = None,
    keeps: str = "x",
    elementwise: bool = True,
    nanoseconds: float = 2.0,
) -> Callable[[Any], Any]:
    """Return a decorator that gives an activation function its derivative, so that layers can train through it.

    The function gets the attributes ``forward(x, out=None, **options) -> y``,
    ``backward(dy, kept, out=None, **options) -> dx``, ``keeps`` and ``elementwise``.

    Args:
        forward: function of (x, **options) that returns y; the decorated function itself where None.
        backward: function of (dy, kept, **options) that returns dx = dy * derivative, and changes neither argument.
        keeps: what ``kept`` is: "x", "y", or "nothing" (None). With "y" layers may compute y in the place of x.
        elementwise: whether each element of y depends on that element of x alone.
        nanoseconds: what an element takes, roughly; tells from which size on threads are worth while.

    Where ``forward`` and ``backward`` have a parameter ``out`` they are run in blocks and on several threads.

    Raises:
        ValueError: if ``keeps`` is none of the three.
        TypeError: if ``backward`` is missing, or something is no function.

    >>> @differentiable(backward=lambda dy, x: dy * 2 * x)
    ... def square(x):
    ...     return x**2
    >>> square.backward(np.ones(2), square.forward(np.array([1.0, 3.0]))).tolist()
    [2.0, 18.0]
    """
    if keeps not in ("x", "y", "nothing"):
        raise ValueError(f"differentiable: keeps must be 'x', 'y' or 'nothing', got {keeps!r}.")
    if not callable(backward) or not (forward is None or callable(forward)):
        raise TypeError(
            "differentiable: expected backward=, a function of (dy, kept), and maybe forward=, a function of x. "
            "Write @differentiable(backward=...) above def."
        )

    def add(function: Any) -> Any:
        name = getattr(function, "__name__", repr(function))
        run_forward = _runner(function if forward is None else forward, name, elementwise, nanoseconds)
        run_backward = _runner(backward, f"the backward of {name}", elementwise, nanoseconds)

        def run(x: Array, out: Array | None = None, **options: Any) -> Array:
            return run_forward((x,), out, options)

        def run_back(dy: Array, kept: Array | None = None, out: Array | None = None, **options: Any) -> Array:
            return run_backward((dy,) if keeps == "nothing" else (dy, kept), out, options)

        function.forward, function.backward = run, run_back
        function.keeps, function.elementwise = keeps, elementwise
        return function

    return add


def _runner(kernel: Callable[..., Any], name: str, elementwise: bool, nanoseconds: float) -> Callable[..., Array]:
    """Return a function of (arrays, out, options) that runs ``kernel`` over arrays of any size and strides."""
    try:
        in_blocks = "out" in inspect.signature(kernel).parameters
    except ValueError:  # some built-in functions have no signature
        in_blocks = False

    def run(arrays: tuple[Array, ...], out: Array | None, options: dict[str, Any]) -> Array:
        arrays = tuple(a if a.dtype.isnative else a.astype(a.dtype.newbyteorder("=")) for a in arrays)
        first = arrays[0]
        if in_blocks:
            if out is None:
                out = memory.empty(first.shape, first.dtype)
            if not elementwise:
                return over_rows(kernel, arrays, out, nanoseconds, **options)
            # a NumPy scalar among the options would turn float32 into float64
            plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in options.items()}
            return over_elements(kernel, arrays, out, nanoseconds, **plain)
        result = np.asarray(kernel(*arrays, **options))
        if result.shape != first.shape:
            raise ValueError(f"{name} returned shape {result.shape} for an array of shape {first.shape}.")
        if out is None:
            return result.astype(first.dtype, copy=False)
        np.copyto(out, result, casting="same_kind")
        return out

    return run


def _call(function: Any, x: ArrayLike, **options: Any) -> Array:
    """Return function(x) for any array-like: float arrays keep their type, all else becomes floatx."""
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{function.__name__}: x must hold real numbers, got dtype {array.dtype}.")
    if array.dtype.kind != "f" or not hasattr(x, "dtype"):
        array = array.astype(config.floatx() if config.floatx() != "bfloat16" else "float32")
    if array.dtype == np.float16:
        return function.forward(array.astype(np.float32), **options).astype(np.float16)
    return function.forward(array, **options)


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
    return _call(relu, x, negative_slope=negative_slope, max_value=max_value, threshold=threshold)


@registry.register("activations")
@differentiable(forward=kernels.leaky_relu_forward, backward=kernels.leaky_relu_backward, keeps="y", nanoseconds=0.7)
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> Array:
    """ReLU that leaks: y = x where x >= 0, negative_slope * x elsewhere; the derivative is 1 at 0.

    >>> leaky_relu(np.array([-1.0, 2.0])).tolist()
    [-0.2, 2.0]
    """
    return _call(leaky_relu, x, negative_slope=negative_slope)


@registry.register("activations")
@differentiable(forward=kernels.relu6_forward, backward=kernels.relu6_backward, keeps="y", nanoseconds=0.5)
def relu6(x: ArrayLike) -> Array:
    """ReLU cut at 6: y = min(max(x, 0), 6); the derivative is 0 at 0 and 6.

    >>> relu6(np.array([-1.0, 2.0, 9.0])).tolist()
    [0.0, 2.0, 6.0]
    """
    return _call(relu6, x)


@registry.register("activations")
@differentiable(forward=kernels.sigmoid_forward, backward=kernels.sigmoid_backward, keeps="y")
def sigmoid(x: ArrayLike) -> Array:
    """Logistic function: y = 1 / (1 + exp(-x)), dy/dx = y (1 - y).

    >>> sigmoid(np.array([0.0])).tolist()
    [0.5]
    """
    return _call(sigmoid, x)


@registry.register("activations")
@differentiable(forward=kernels.tanh_forward, backward=kernels.tanh_backward, keeps="y")
def tanh(x: ArrayLike) -> Array:
    """Hyperbolic tangent: y = tanh(x), dy/dx = 1 - y^2.

    >>> tanh(np.array([0.0])).tolist()
    [0.0]
    """
    return _call(tanh, x)


@registry.register("activations")
@differentiable(forward=kernels.softmax_forward, backward=kernels.softmax_backward, keeps="y", elementwise=False)
def softmax(x: ArrayLike, axis: Any = -1) -> Array:
    """Probabilities: y = exp(x) / sum of exp(x) along the axis; dx = y (dy - sum of dy y).

    Args:
        x: array of at least one axis.
        axis: the axis along which y sums to 1, or several.

    Raises:
        ValueError: if there is no such axis.

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    return _call(softmax, x, axis=axis)


@registry.register("activations")
@differentiable(
    forward=kernels.log_softmax_forward, backward=kernels.log_softmax_backward, keeps="y", elementwise=False
)
def log_softmax(x: ArrayLike, axis: Any = -1) -> Array:
    """Logarithm of softmax: y = x - log(sum of exp(x) along the axis); dx = dy - exp(y) * sum of dy.

    >>> np.round(log_softmax(np.array([[0.0, 0.0]])), 4).tolist()
    [[-0.6931, -0.6931]]
    """
    return _call(log_softmax, x, axis=axis)


@registry.register("activations")
@differentiable(forward=kernels.elu_forward, backward=kernels.elu_backward, keeps="y")
def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Exponential linear unit: y = x where x > 0, alpha (exp(x) - 1) elsewhere; the derivative at 0 is alpha.

    Source: Clevert et al., 2015, "Fast and accurate deep network learning by exponential linear units".

    >>> np.round(elu(np.array([-1.0, 2.0])), 4).tolist()
    [-0.6321, 2.0]
    """
    return _call(elu, x, alpha=alpha)


@registry.register("activations")
@differentiable(forward=kernels.selu_forward, backward=kernels.selu_backward, keeps="y")
def selu(x: ArrayLike) -> Array:
    """Scaled ELU: y = 1.0507 elu(x, 1.6733), for which deep nets keep mean 0 and variance 1.

    Source: Klambauer et al., 2017, "Self-normalizing neural networks".

    >>> np.round(selu(np.array([-1.0, 2.0])), 4).tolist()
    [-1.1113, 2.1014]
    """
    return _call(selu, x)


@registry.register("activations")
@differentiable(forward=kernels.exponential_forward, backward=kernels.exponential_backward, keeps="y")
def exponential(x: ArrayLike) -> Array:
    """y = exp(x), dy/dx = y.

    >>> exponential(np.array([0.0])).tolist()
    [1.0]
    """
    return _call(exponential, x)


@registry.register("activations")
@differentiable(forward=kernels.softsign_forward, backward=kernels.softsign_backward, keeps="y")
def softsign(x: ArrayLike) -> Array:
    """y = x / (1 + |x|), dy/dx = (1 - |y|)^2.

    >>> softsign(np.array([-1.0, 3.0])).tolist()
    [-0.5, 0.75]
    """
    return _call(softsign, x)


@registry.register("activations")
@differentiable(forward=smooth.softplus_forward, backward=smooth.softplus_backward, keeps="y", nanoseconds=3.0)
def softplus(x: ArrayLike) -> Array:
    """y = log(1 + exp(x)), dy/dx = sigmoid(x).

    >>> np.round(softplus(np.array([0.0, 50.0])), 4).tolist()
    [0.6931, 50.0]
    """
    return _call(softplus, x)


@registry.register("activations")
@differentiable(forward=kernels.hard_sigmoid_forward, backward=kernels.hard_sigmoid_backward, keeps="y")
def hard_sigmoid(x: ArrayLike) -> Array:
    """y = min(max(x / 6 + 1 / 2, 0), 1); the derivative is 0 at -3 and 3.

    >>> hard_sigmoid(np.array([-3.0, 0.0, 9.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return _call(hard_sigmoid, x)


@registry.register("activations", "hard_swish")
@differentiable(forward=kernels.hard_silu_forward, backward=kernels.hard_silu_backward, keeps="x")
def hard_silu(x: ArrayLike) -> Array:
    """y = x hard_sigmoid(x), also called hard swish.

    >>> hard_silu(np.array([-3.0, 0.0, 9.0])).tolist()
    [-0.0, 0.0, 9.0]
    """
    return _call(hard_silu, x)


@registry.register("activations", "swish")
@differentiable(forward=smooth.silu_forward, backward=smooth.silu_backward, keeps="x")
def silu(x: ArrayLike) -> Array:
    """y = x sigmoid(x), also called swish.

    >>> np.round(silu(np.array([-1.0, 2.0])), 4).tolist()
    [-0.2689, 1.7616]
    """
    return _call(silu, x)


@registry.register("activations")
@differentiable(forward=smooth.mish_forward, backward=smooth.mish_backward, keeps="x", nanoseconds=3.0)
def mish(x: ArrayLike) -> Array:
    """y = x tanh(log(1 + exp(x))).

    Source: Misra, 2019, "Mish: a self regularized non-monotonic activation function".

    >>> np.round(mish(np.array([-1.0, 2.0])), 4).tolist()
    [-0.3034, 1.944]
    """
    return _call(mish, x)


@registry.register("activations")
@differentiable(forward=smooth.gelu_forward, backward=smooth.gelu_backward, keeps="x", nanoseconds=5.0)
def gelu(x: ArrayLike, approximate: bool = False) -> Array:
    """Gaussian error linear unit: y = x Phi(x), Phi the standard normal distribution function.

    Args:
        x: array of any shape.
        approximate: whether to compute x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 in its place.

    Source: Hendrycks and Gimpel, 2016, "Gaussian error linear units".

    >>> np.round(gelu(np.array([-1.0, 2.0])), 4).tolist()
    [-0.1587, 1.9545]
    """
    return _call(gelu, x, approximate=approximate)


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
