"""Smooth activations."""

from __future__ import annotations

from numpy.typing import ArrayLike

from nnlite.activations.base import Array, call, differentiable
from nnlite.core import registry
from nnlite.kernels import activation as kernels
from nnlite.kernels import activation_gelu as gaussian
from nnlite.kernels import activation_smooth as smooth


@registry.register("activations")
@differentiable(forward=kernels.sigmoid_forward, backward=kernels.sigmoid_backward, keeps="y")
def sigmoid(x: ArrayLike) -> Array:
    """Logistic function: y = 1 / (1 + exp(-x)), dy/dx = y (1 - y).

    >>> import numpy as np
    >>> sigmoid(np.array([0.0])).tolist()
    [0.5]
    """
    return call(sigmoid, x)


@registry.register("activations")
@differentiable(forward=kernels.tanh_forward, backward=kernels.tanh_backward, keeps="y")
def tanh(x: ArrayLike) -> Array:
    """Hyperbolic tangent: y = tanh(x), dy/dx = 1 - y^2.

    >>> import numpy as np
    >>> tanh(np.array([0.0])).tolist()
    [0.0]
    """
    return call(tanh, x)


@registry.register("activations")
@differentiable(forward=kernels.elu_forward, backward=kernels.elu_backward, keeps="y")
def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """Exponential linear unit: y = x where x > 0, alpha (exp(x) - 1) elsewhere; the derivative at 0 is alpha.

    Source: Clevert et al., 2015, "Fast and accurate deep network learning by exponential linear units".

    >>> import numpy as np
    >>> np.round(elu(np.array([-1.0, 2.0])), 4).tolist()
    [-0.6321, 2.0]
    """
    return call(elu, x, alpha=alpha)


@registry.register("activations")
@differentiable(forward=kernels.selu_forward, backward=kernels.selu_backward, keeps="y")
def selu(x: ArrayLike) -> Array:
    """Scaled ELU: y = 1.0507 elu(x, 1.6733), for which deep nets keep mean 0 and variance 1.

    Source: Klambauer et al., 2017, "Self-normalizing neural networks".

    >>> import numpy as np
    >>> np.round(selu(np.array([-1.0, 2.0])), 4).tolist()
    [-1.1113, 2.1014]
    """
    return call(selu, x)


@registry.register("activations")
@differentiable(forward=kernels.exponential_forward, backward=kernels.exponential_backward, keeps="y")
def exponential(x: ArrayLike) -> Array:
    """y = exp(x), dy/dx = y.

    >>> import numpy as np
    >>> exponential(np.array([0.0])).tolist()
    [1.0]
    """
    return call(exponential, x)


@registry.register("activations")
@differentiable(forward=kernels.softsign_forward, backward=kernels.softsign_backward, keeps="y")
def softsign(x: ArrayLike) -> Array:
    """y = x / (1 + |x|), dy/dx = (1 - |y|)^2.

    >>> import numpy as np
    >>> softsign(np.array([-1.0, 3.0])).tolist()
    [-0.5, 0.75]
    """
    return call(softsign, x)


@registry.register("activations")
@differentiable(forward=smooth.softplus_forward, backward=smooth.softplus_backward, keeps="y", nanoseconds=3.0)
def softplus(x: ArrayLike) -> Array:
    """y = log(1 + exp(x)), dy/dx = sigmoid(x).

    >>> import numpy as np
    >>> np.round(softplus(np.array([0.0, 50.0])), 4).tolist()
    [0.6931, 50.0]
    """
    return call(softplus, x)


@registry.register("activations", "swish")
@differentiable(forward=smooth.silu_forward, backward=smooth.silu_backward, keeps="x")
def silu(x: ArrayLike) -> Array:
    """y = x sigmoid(x), also called swish.

    >>> import numpy as np
    >>> np.round(silu(np.array([-1.0, 2.0])), 4).tolist()
    [-0.2689, 1.7616]
    """
    return call(silu, x)


@registry.register("activations")
@differentiable(forward=smooth.mish_forward, backward=smooth.mish_backward, keeps="x", nanoseconds=3.0)
def mish(x: ArrayLike) -> Array:
    """y = x tanh(log(1 + exp(x))).

    Source: Misra, 2019, "Mish: a self regularized non-monotonic activation function".

    >>> import numpy as np
    >>> np.round(mish(np.array([-1.0, 2.0])), 4).tolist()
    [-0.3034, 1.944]
    """
    return call(mish, x)


@registry.register("activations")
@differentiable(forward=gaussian.gelu_forward, backward=gaussian.gelu_backward, keeps="x", nanoseconds=5.0)
def gelu(x: ArrayLike, approximate: bool = False) -> Array:
    """Gaussian error linear unit: y = x Phi(x), Phi the standard normal distribution function.

    Args:
        x: array of any shape.
        approximate: whether to compute x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 in its place.

    Source: Hendrycks and Gimpel, 2016, "Gaussian error linear units".

    >>> import numpy as np
    >>> np.round(gelu(np.array([-1.0, 2.0])), 4).tolist()
    [-0.1587, 1.9545]
    """
    return call(gelu, x, approximate=approximate)


@registry.register("activations")
@differentiable(forward=smooth.log_sigmoid_forward, backward=smooth.log_sigmoid_backward, keeps="y", nanoseconds=3.0)
def log_sigmoid(x: ArrayLike) -> Array:
    """Logarithm of the logistic function: y = -log(1 + exp(-x)), dy/dx = sigmoid(-x).

    >>> import numpy as np
    >>> np.round(log_sigmoid(np.array([0.0, -50.0])), 4).tolist()
    [-0.6931, -50.0]
    """
    return call(log_sigmoid, x)


@registry.register("activations")
@differentiable(forward=smooth.celu_forward, backward=smooth.celu_backward, keeps="y", nanoseconds=4.0)
def celu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """ELU with a derivative that does not jump: y = x where x > 0, alpha (exp(x / alpha) - 1) elsewhere.

    Source: Barron, 2017, "Continuously differentiable exponential linear units".

    >>> import numpy as np
    >>> np.round(celu(np.array([-1.0, 2.0]), alpha=2.0), 4).tolist()
    [-0.7869, 2.0]
    """
    return call(celu, x, alpha=alpha)


@registry.register("activations")
@differentiable(forward=smooth.squareplus_forward, backward=smooth.squareplus_backward)
def squareplus(x: ArrayLike, b: float = 4) -> Array:
    """y = (x + sqrt(x^2 + b)) / 2, a softplus without exponentials; dy/dx = (1 + x / sqrt(x^2 + b)) / 2.

    Source: Barron, 2021, "Squareplus: a softplus-like algebraic rectifier".

    >>> import numpy as np
    >>> np.round(squareplus(np.array([-1.0, 0.0, 2.0])), 4).tolist()
    [0.618, 1.0, 2.4142]
    """
    return call(squareplus, x, b=b)


@registry.register("activations")
@differentiable(forward=smooth.tanh_shrink_forward, backward=smooth.tanh_shrink_backward)
def tanh_shrink(x: ArrayLike) -> Array:
    """y = x - tanh(x), dy/dx = tanh(x)^2.

    >>> import numpy as np
    >>> np.round(tanh_shrink(np.array([-1.0, 2.0])), 4).tolist()
    [-0.2384, 1.036]
    """
    return call(tanh_shrink, x)
