"""Activations as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import activations
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import memory
from nnlite.layers import applied, checks, settings


@registry.register("layers")
class Activation(Layer):
    """Apply an activation function: ``y = activation(x)``; backward ``dx = dy * activation'(x)``.

    Args:
        activation: name or function.

    >>> import numpy as np
    >>> Activation("relu")(np.array([[-1.0, 2.0]])).tolist()
    [[0.0, 2.0]]
    """

    samples_alone = True
    fuses_batches = True
    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return applied.apply(self.activation, x, training)

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        return lambda x: applied.apply(self.activation, x)[0], 0

    def backward(self, dy: Any, kept: Any) -> Any:
        return applied.unapply(self.activation, dy, kept, self)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return applied.shape(self.activation, input_shape)


class _Function(Layer):
    """A layer that is one function of :mod:`nnlite.activations` with options of its own."""

    fuses_batches = True
    supports_masking = True
    function: Any

    def options(self) -> dict[str, Any]:
        """The keyword arguments of the function."""
        return {}

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        function = type(self).function
        y = function.forward(x, **self.options())
        return y, y if function.keeps == "y" else x

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        return lambda x: type(self).function.forward(x, **self.options()), 0

    def backward(self, dy: Any, kept: Any) -> Any:
        return type(self).function.backward(dy, kept, **self.options())

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


@registry.register("layers")
class ReLU(_Function):
    """``y = min(x, max_value)`` above the threshold, ``negative_slope * (x - threshold)`` below it.

    Args:
        max_value: upper bound of y; None for none.
        negative_slope: slope below the threshold.
        threshold: where the function bends.

    >>> import numpy as np
    >>> ReLU(max_value=6)(np.array([[-1.0, 2.0, 9.0]])).tolist()
    [[0.0, 2.0, 6.0]]
    """

    samples_alone = True
    function = staticmethod(activations.relu)

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise ValueError(f"{self.label}: {name} must not be negative, got {value!r}.")
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def options(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold}


def is_relu(layer: Layer) -> bool:
    """Return whether a layer computes max(x, 0) and nothing else."""
    if type(layer) is Activation:
        return layer.activation is activations.relu
    return type(layer) is ReLU and not (layer.negative_slope or layer.threshold) and layer.max_value is None


@registry.register("layers")
class LeakyReLU(_Function):
    """``y = x`` for x >= 0, ``negative_slope * x`` below.

    Args:
        negative_slope: slope below zero; old scripts call it ``alpha``.

    >>> import numpy as np
    >>> LeakyReLU(0.5)(np.array([[-1.0, 2.0]])).tolist()
    [[-0.5, 2.0]]
    """

    samples_alone = True
    function = staticmethod(activations.leaky_relu)

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(f"{self.label}: negative_slope must not be negative, got {negative_slope!r}.")
        self.negative_slope = negative_slope

    def options(self) -> dict[str, Any]:
        return {"negative_slope": self.negative_slope}


@registry.register("layers")
class ELU(_Function):
    """Exponential linear unit: ``y = x`` for x > 0, ``alpha * (exp(x) - 1)`` below (Clevert et al., 2015).

    Args:
        alpha: scale below zero.

    >>> import numpy as np
    >>> ELU()(np.array([[0.0, 2.0]])).tolist()
    [[0.0, 2.0]]
    """

    samples_alone = True
    function = staticmethod(activations.elu)

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = checks.number(self, "alpha", alpha)

    def options(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


@registry.register("layers")
class Softmax(_Function):
    """``y = exp(x) / sum of exp(x) along the axis``.

    Backward: ``dx = y * (dy - sum of dy * y along the axis)``.

    Args:
        axis: the axis, or several, that sum to 1.

    A ``mask`` of booleans, of the input's shape or one that broadcasts to it, gives masked positions 0.

    >>> import numpy as np
    >>> Softmax()(np.zeros((1, 4))).tolist()
    [[0.25, 0.25, 0.25, 0.25]]
    """

    function = staticmethod(activations.softmax)

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for one in axis if isinstance(axis, (list, tuple)) else (axis,):
            if isinstance(one, bool) or not isinstance(one, (int, np.integer)):
                raise TypeError(f"{self.label}: axis must be a whole number, or several, got {axis!r}.")
        self.axis = tuple(axis) if isinstance(axis, (list, tuple)) else int(axis)

    def build(self, input_shape: Any) -> None:
        checks.axes_exist(self, "axis", self.axis if isinstance(self.axis, tuple) else (self.axis,), input_shape)

    def options(self) -> dict[str, Any]:
        return {"axis": self.axis}

    @property
    def samples_alone(self) -> bool:
        """Whether no sum is over the samples, counted from the front or, of unknown rank, maybe from the back."""
        return self.axis == -1

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        if mask is None:
            return super().forward(x, training)
        mask = np.broadcast_to(np.asarray(mask, bool), x.shape)
        hidden = np.where(mask, x, x.dtype.type(-1e9))
        y = activations.softmax.forward(hidden, axis=self.axis) * mask
        return y, y


@registry.register("layers")
class PReLU(Layer):
    """ReLU with a learned slope: ``y = max(x, 0) + alpha * min(x, 0)`` (He et al., 2015).

    Backward: ``dx = dy`` where x > 0 and ``alpha * dy`` where x < 0; ``d_alpha`` = sum of ``dy * min(x, 0)`` over the
    batch and the shared axes.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the slopes.
        shared_axes: axes along which one slope is shared, such as [1, 2] for one slope a channel.

    Shapes: x and y (N, ...), alpha x.shape[1:] with 1 for shared axes.

    >>> import numpy as np
    >>> PReLU(alpha_initializer="ones")(np.array([[-1.0, 2.0]])).tolist()
    [[-1.0, 2.0]]
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        settings.keep(
            self,
            alpha_initializer=alpha_initializer,
            alpha_regularizer=alpha_regularizer,
            alpha_constraint=alpha_constraint,
        )
        self.shared_axes = (
            None if shared_axes is None else [shared_axes] if isinstance(shared_axes, int) else list(shared_axes)
        )

    def build(self, input_shape: Any) -> None:
        checks.axes_exist(self, "shared_axes", self.shared_axes or (), input_shape)
        shared = [axis % len(input_shape) for axis in self.shared_axes or ()]
        axes = range(1, len(input_shape))
        shape = tuple(1 if axis in shared else checks.known(self, input_shape, axis) for axis in axes)
        self.alpha = settings.add(self, "alpha", shape)
        sizes = {axis: size for axis, size in zip(axes, shape, strict=True) if axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=sizes)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        from nnlite.kernels import prelu  # not for the many models that have none

        by_column = self._by_column(x)
        if by_column:
            return prelu.prelu_forward(by_column[0], self.alpha.value.reshape(-1)).reshape(x.shape), x
        return np.maximum(x, 0) + self.alpha.value * np.minimum(x, 0), x

    def _by_column(self, *arrays: Any) -> list[Any] | None:
        """Arrays of the input's shape with a column for each slope; None where axes are shared behind others."""
        shape = self.alpha.shape
        shared = next((i for i, size in enumerate(shape) if size != 1), len(shape))
        if shape[shared:] != arrays[0].shape[1 + shared :]:
            return None
        return [memory.contiguous(a).reshape(-1, self.alpha.size) for a in arrays]

    def backward(self, dy: Any, x: Any, input_grad: bool = True) -> Any:
        from nnlite.kernels import prelu

        by_column = self._by_column(dy, x)
        if by_column:
            rows_dy, rows = by_column
            dx, dalpha = prelu.prelu_backward(rows_dy, rows, self.alpha.value.reshape(-1), input_grad)
            self.alpha.accumulate(dalpha.reshape(self.alpha.shape))
            return None if dx is None else dx.reshape(x.shape)
        full = dy * np.minimum(x, 0)
        summed = tuple(axis for axis in range(1, x.ndim) if self.alpha.shape[axis - 1] == 1)
        self.alpha.accumulate(full.sum(axis=(0, *summed)).reshape(self.alpha.shape))
        return dy * ((x > 0) + self.alpha.value * (x < 0)) if input_grad else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)
