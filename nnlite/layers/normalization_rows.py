"""Normalization of each sample by itself: by mean and variance, to length 1, by the mean square."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from nnlite.core import registry, wrapping
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import few_steps, scaled
from nnlite.kernels import normalization_rows as kernels
from nnlite.layers import checks, settings
from nnlite.layers.normalization import Normalized


def _axes_of(layer: Layer, axis: Any) -> list[int]:
    """Return the axes of an argument that is one or several; raises unless they are whole numbers."""
    axes = list(axis) if isinstance(axis, (tuple, list)) else [axis]
    if not axes or any(isinstance(a, bool) or not isinstance(a, (int, np.integer)) for a in axes):
        raise TypeError(f"{layer.label}: axis must be a whole number or several, got {axis!r}.")
    return [int(a) for a in axes]


def _places(layer: Layer, axes: list[int], rank: int) -> list[int]:
    """Return the axes counted from 0, in ascending order; raises if one is missing or there twice."""
    if axes == [-1] and rank:  # as nearly everywhere
        return [rank - 1]
    for axis in axes:
        if not -rank <= axis < rank:
            raise ValueError(f"{layer.label}: axis {axis} does not exist in an input of {rank} axes.")
    places = sorted(axis % rank for axis in axes)
    if len(set(places)) < len(places):
        raise ValueError(f"{layer.label}: axis {axes} names an axis of an input of {rank} axes twice.")
    return places


def _to_rows(x: Any, places: list[int]) -> tuple[Any, tuple[int, ...]]:
    """Return x with the axes ``places`` as the columns of a matrix, and the shape before it was made one."""
    last = x if places[0] == x.ndim - len(places) else np.moveaxis(x, places, range(-len(places), 0))
    rows, columns = (math.prod(part) for part in (last.shape[: -len(places)], last.shape[-len(places) :]))
    return np.ascontiguousarray(last).reshape(rows, columns), last.shape


def _from_rows(rows: Any, shape: tuple[int, ...], places: list[int]) -> Any:
    last = rows.reshape(shape)
    return last if places[0] == len(shape) - len(places) else np.moveaxis(last, range(-len(places), 0), places)


class Along(NamedTuple):
    """The cache of a normalization and the layer after it: of the normalized rows, and of the layer that scaled them.

    Where ``rows`` is None, each layer did its own part, and the caches are theirs.
    """

    rows: Any
    own: Any
    layer: Layer
    its: Any


@registry.register("layers")
class LayerNormalization(Normalized):
    """Each sample brought to mean 0 and variance 1 along an axis, then scaled and shifted (Ba et al., 2016).

    ``y = gamma * xhat + beta`` with ``xhat = (x - mean) / sqrt(variance + epsilon)``, mean and (biased) variance over
    ``axis``, in training and inference alike.

    Backward, with g = gamma * dy: ``dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(variance + epsilon)``;
    ``d_gamma = sum(dy * xhat)``, ``d_beta = sum(dy)`` over all other axes.

    Args:
        axis: the axis or axes to normalize over.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: how they start.
        beta_regularizer, gamma_regularizer: penalties added to the loss.
        beta_constraint, gamma_constraint: projections after each update.
        rms_scaling: Keras's former option, deprecated there too: ``y = gamma * x / sqrt(variance + epsilon)`` without
            a beta, which is not the root mean square; see :class:`RMSNormalization` for that.

    Shapes: x and y (N, ...); gamma and beta have the sizes of ``axis``.

    >>> import numpy as np
    >>> np.round(LayerNormalization()(np.array([[1.0, 3.0]])), 2).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rms_scaling = bool(rms_scaling)
        if self.rms_scaling:
            warnings.warn(
                f"{self.label}: rms_scaling=True divides by the deviation, not by the root mean square; "
                f"RMSNormalization does that.",
                stacklevel=3,
            )
        self.axis = sorted(_axes_of(self, axis))
        self.epsilon = checks.number(self, "epsilon", epsilon, least=0)
        self.center, self.scale = bool(center), bool(scale)
        settings.keep(
            self,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )

    @property
    def samples_alone(self) -> bool:
        """Whether it normalizes over the last axis only, so never over samples."""
        return self.axis == [-1]

    def build(self, input_shape: Any) -> None:
        _places(self, self.axis, len(input_shape))
        shape = tuple(checks.known(self, input_shape, axis) for axis in self.axis)
        self.gamma = settings.add(self, "gamma", shape) if self.scale or self.rms_scaling else None
        self.beta = settings.add(self, "beta", shape) if self.center and not self.rms_scaling else None
        self.input_spec = InputSpec(axes=dict(zip(self.axis, shape, strict=True)))

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        places = _places(self, self.axis, x.ndim)
        rows, shape = _to_rows(x, places)
        gamma, beta = self._values()
        if self.rms_scaling:
            y, inv = kernels.variance_norm_forward(rows, gamma, self.epsilon)
            return _from_rows(y, shape, places), ((rows, inv), shape)
        y, cache = kernels.layer_norm_forward(rows, gamma, beta, self.epsilon)
        return _from_rows(y, shape, places), (cache, shape)

    def takes_along(self, layer: Any) -> bool:
        """Whether training does that layer, which follows, too, with gamma and beta in its weights; see
        :mod:`nnlite.models.along`."""
        learns = any(v is not None and v.trainable for v in (self.gamma, self.beta))
        return learns and self._scales(layer) is not None

    def _scales(self, layer: Any) -> int | None:
        """How many columns the weights of a layer have that can take gamma and beta; None if it cannot."""
        if self.axis != [-1] or self.rms_scaling or "takes_scaled" not in type(layer).__dict__:
            return None
        same = self._compute == layer._compute and self._compute.itemsize >= 4
        units: int | None = layer.scaled_units() if same else None
        return units

    def forward_along(self, x: Any, layer: Any) -> tuple[Any, Any]:
        """Return what a layer makes of the output in training, and the cache with which backward undoes both."""
        x = wrapping.prepare(self, x)
        rows, units = x.reshape(-1, x.shape[-1]), self._scales(layer)
        assert units is not None  # as takes_along said
        if len(rows) < scaled.WORTH * units:
            y, own = self.forward(x, True)
            z, its = layer.forward_scaled(y, None, None, True) if layer.named_inputs else layer.forward(y, True)
            return z, Along(None, own, layer, its)
        xhat, own = kernels.layer_norm_forward(rows, None, None, self.epsilon)
        z, its = layer.forward_scaled(xhat.reshape(x.shape), *self._values(), True)
        return z, Along(rows, own, layer, its)

    def _backward_along(self, dy: Any, cache: Along, input_grad: bool) -> Any:
        if cache.rows is None:
            if cache.layer.named_inputs:  # which were all one array
                dy, _, _ = cache.layer.backward_scaled(dy, cache.its, True)  # type: ignore[attr-defined]
            else:
                dy = cache.layer.backward(dy, cache.its)
            return self.backward(dy, cache.own, input_grad)
        dxhat, dgamma, dbeta = cache.layer.backward_scaled(dy, cache.its, input_grad)  # type: ignore[attr-defined]
        self._accumulate(dgamma, dbeta)
        if not input_grad:
            return None
        flat = dxhat.reshape(-1, dxhat.shape[-1])
        dx, *_ = kernels.layer_norm_backward(flat, cache.own, None, weight_grads=False)
        assert dx is not None
        return dx.reshape(dxhat.shape)

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        places = _places(self, self.axis, len(shape))
        if self.rms_scaling or places[0] != len(shape) - len(places):
            return None
        rows, columns = math.prod(shape[: places[0]]), math.prod(shape[places[0] :])
        units = self._scales(following[0]) if following else None
        if units is not None and rows >= scaled.WORTH * units and rows * columns > few_steps.MOST:

            def infer(x: Any) -> Any:
                xhat, _ = kernels.layer_norm_forward(x.reshape(rows, columns), None, None, self.epsilon)
                return following[0].forward_scaled(xhat.reshape(shape), *self._values(), False)[0]

            return infer, 1
        normalize = few_steps.layer_norm_plan(rows, columns, self._compute, self.epsilon)
        if normalize is None:
            return None
        return lambda x: normalize(x.reshape(rows, columns), *self._values()).reshape(shape), 0

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        if type(cache) is Along:
            return self._backward_along(dy, cache, input_grad)
        inner, shape = cache
        places = _places(self, self.axis, dy.ndim)
        rows, _ = _to_rows(dy, places)
        gamma, _ = self._values()
        if self.rms_scaling:
            x, inv = inner
            by_x, dgamma = kernels.variance_norm_backward(rows, x, inv, gamma)
            self._accumulate(dgamma, None)
            return _from_rows(by_x, shape, places) if input_grad else None
        dx, dgamma, dbeta = kernels.layer_norm_backward(rows, inner, gamma, input_grad)
        self._accumulate(dgamma, dbeta)
        return None if dx is None else _from_rows(dx, shape, places)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data; rms_scaling, which not every Keras knows, where True."""
        return {k: v for k, v in super().get_config().items() if k != "rms_scaling" or v}


@registry.register("layers")
class UnitNormalization(Layer):
    """Each sample brought to length 1: ``y = x / l`` with ``l = sqrt(sum of x**2 over axis)``, at least 1e-12.

    Backward: ``dx = (dy - y * sum(dy * y)) / l``; where l is 1e-12, ``dx = dy / l``.

    Args:
        axis: the axis or axes over which lengths are taken.

    Shapes: x and y (N, ...).

    >>> UnitNormalization(dtype="float64")(np.array([[3.0, 4.0]])).round(4).tolist()
    [[0.6, 0.8]]
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = _axes_of(self, axis)
        self.axis = axes if isinstance(axis, (tuple, list)) else axes[0]

    def _along(self, rank: int) -> list[int]:
        return _places(self, self.axis if isinstance(self.axis, list) else [self.axis], rank)

    def build(self, input_shape: Any) -> None:
        self._along(len(input_shape))

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        places = self._along(x.ndim)
        rows, shape = _to_rows(x, places)
        y, inv = kernels.unit_norm_forward(rows)
        return _from_rows(y, shape, places), (rows, inv, shape)

    def backward(self, dy: Any, cache: Any) -> Any:
        x, inv, shape = cache
        places = self._along(dy.ndim)
        return _from_rows(kernels.unit_norm_backward(_to_rows(dy, places)[0], x, inv), shape, places)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


@registry.register("layers")
class RMSNormalization(Layer):
    """Each sample divided by its root mean square, then scaled (Zhang and Sennrich, 2019).

    ``y = scale * xhat`` with ``xhat = x / sqrt(mean of x**2 over axis + epsilon)``. Backward, with g = scale * dy:
    ``dx = (g - xhat * mean(g * xhat)) / sqrt(...)``, ``d_scale = sum(dy * xhat)`` over all other axes.

    Args:
        axis: the axis or axes over which the mean is taken. The scale lies along them, wherever they are (Keras has
            it right where they are the last ones only).
        epsilon: added to the mean square.

    Shapes: x and y (N, ...); scale has the sizes of ``axis``.

    >>> RMSNormalization(dtype="float64")(np.array([[3.0, 4.0]])).round(1).tolist()
    [[0.8, 1.1]]
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        axes = sorted(_axes_of(self, axis))
        self.axis: Any = axes if isinstance(axis, (tuple, list)) else axes[0]
        self.epsilon = checks.number(self, "epsilon", epsilon, least=0)

    def build(self, input_shape: Any) -> None:
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        _places(self, axes, len(input_shape))
        shape = tuple(checks.known(self, input_shape, axis) for axis in axes)
        self.scale = self.add_weight(shape, "ones", name="scale")
        self.axis = axes
        self.input_spec = InputSpec(axes=dict(zip(axes, shape, strict=True)))

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        places = _places(self, self.axis, x.ndim)
        rows, shape = _to_rows(x, places)
        y, inv = kernels.rms_norm_forward(rows, self.scale.value.reshape(-1), self.epsilon)
        return _from_rows(y, shape, places), (rows, inv, shape)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        x, inv, shape = cache
        places = _places(self, self.axis, dy.ndim)
        rows, _ = _to_rows(dy, places)
        dx, dscale = kernels.rms_norm_backward(rows, x, inv, self.scale.value.reshape(-1), input_grad)
        self.scale.accumulate(dscale.reshape(self.scale.shape))
        return None if dx is None else _from_rows(dx, shape, places)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)
