"""Normalization of each sample by itself: in groups of channels, to length 1, by the mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.layers import checks, settings
from nnlite.layers.normalization import _Normalization


@registry.register("layers")
class GroupNormalization(_Normalization):
    """Each sample's channels, in groups, brought to mean 0 and variance 1, then scaled and shifted (Wu and He, 2018).

    ``y = gamma * xhat + beta`` with ``xhat = (x - mean) / sqrt(variance + epsilon)``, mean and (biased) variance over
    all positions and the channels of a group.

    Backward, with g = gamma * dy: ``dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(variance + epsilon)``, the means
    over a group; ``d_gamma = sum(dy * xhat)``, ``d_beta = sum(dy)`` over all but the channels.

    Args:
        groups: number of groups; -1 for one a channel (instance normalization).
        axis: the axis of the channels.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: how they start.
        beta_regularizer, gamma_regularizer: penalties added to the loss.
        beta_constraint, gamma_constraint: projections after each update.

    Shapes: x and y (N, ..., C); gamma and beta (C,).

    Raises:
        ValueError: if the groups do not divide the channels.

    >>> GroupNormalization(1, dtype="float64")(np.array([[1.0, 3.0]])).round(2).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.groups = -1 if groups == -1 else checks.positive(self, "groups", groups)
        self.axis = int(axis)
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

    def build(self, input_shape: Any) -> None:
        channels = checks.known(self, input_shape, self.axis)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"{self.label}: the input's {channels} channels must be a multiple of groups ({self.groups})."
            )
        self._add_gamma_beta((channels,))

    def _grouped(self, x: Any) -> Any:
        """(N, positions, groups, channels of a group), channels last."""
        last = np.moveaxis(x, self.axis, -1)
        positions = int(np.prod(last.shape[1:-1]))
        return np.ascontiguousarray(last).reshape(len(x), positions, self.groups, last.shape[-1] // self.groups)

    def _apart(self, grouped: Any, shape: Any) -> Any:
        last = [n for axis, n in enumerate(shape) if axis != self.axis % len(shape)]
        return np.moveaxis(grouped.reshape(*last, shape[self.axis]), -1, self.axis)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        gamma, beta = self._values()
        grouped = self._grouped(x)
        mean = grouped.mean(axis=(1, 3), keepdims=True)
        xhat = grouped - mean
        inv = 1 / np.sqrt(np.square(xhat).mean(axis=(1, 3), keepdims=True) + x.dtype.type(self.epsilon))
        xhat *= inv
        y = xhat if gamma is None else xhat * gamma.reshape(grouped.shape[2:])
        y = y if beta is None else y + beta.reshape(grouped.shape[2:])
        return self._apart(y, x.shape), (xhat, inv, x.shape)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        xhat, inv, shape = cache
        gamma, _ = self._values()
        dy = self._grouped(dy)
        self._accumulate((dy * xhat).sum(axis=(0, 1)), dy.sum(axis=(0, 1)))
        if not input_grad:
            return None
        g = dy if gamma is None else dy * gamma.reshape(dy.shape[2:])
        dx = g - g.mean(axis=(1, 3), keepdims=True) - xhat * (g * xhat).mean(axis=(1, 3), keepdims=True)
        return self._apart(dx * inv, shape)


def _axes_of(layer: Layer, axis: Any) -> Any:
    several = isinstance(axis, (tuple, list))
    for one in axis if several else [axis]:
        if isinstance(one, bool) or not isinstance(one, (int, np.integer)):
            raise TypeError(f"{layer.label}: axis must be a whole number or several, got {axis!r}.")
    return list(axis) if several else int(axis)


@registry.register("layers")
class UnitNormalization(Layer):
    """Each sample brought to length 1: ``y = x / l`` with ``l = sqrt(sum of x**2 over axis)``, at least 1e-12.

    Backward: ``dx = (dy - y * sum(dy * y)) / l``.

    Args:
        axis: the axis or axes over which lengths are taken.

    >>> UnitNormalization(dtype="float64")(np.array([[3.0, 4.0]])).round(4).tolist()
    [[0.6, 0.8]]
    """

    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axes_of(self, axis)

    def build(self, input_shape: Any) -> None:
        checks.axes_exist(self, "axis", self.axis if isinstance(self.axis, list) else [self.axis], input_shape)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        square = np.square(x).sum(axis=self._over, keepdims=True)
        with np.errstate(divide="ignore"):
            inv = np.minimum(1 / np.sqrt(square), x.dtype.type(1e12))
        y = x * inv
        return y, (y, inv)

    @property
    def _over(self) -> Any:
        return tuple(self.axis) if isinstance(self.axis, list) else self.axis

    def backward(self, dy: Any, cache: Any) -> Any:
        y, inv = cache
        along = (dy * y).sum(axis=self._over, keepdims=True) * (inv < inv.dtype.type(1e12))
        return (dy - y * along) * inv

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


@registry.register("layers")
class RMSNormalization(Layer):
    """Each sample divided by its root mean square, then scaled (Zhang and Sennrich, 2019).

    ``y = scale * xhat`` with ``xhat = x / sqrt(mean of x**2 over axis + epsilon)``. Backward, with g = scale * dy:
    ``dx = (g - xhat * mean(g * xhat)) / sqrt(...)``, ``d_scale = sum(dy * xhat)``.

    Args:
        axis: the axis or axes over which the mean is taken.
        epsilon: added to the mean square.

    Shapes: x and y (N, ...), scale of the sizes of ``axis``.

    >>> RMSNormalization(dtype="float64")(np.array([[3.0, 4.0]])).round(1).tolist()
    [[0.8, 1.1]]
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = _axes_of(self, axis)
        self.epsilon = checks.number(self, "epsilon", epsilon, least=0)

    def build(self, input_shape: Any) -> None:
        self.axis = axes = self.axis if isinstance(self.axis, list) else [self.axis]
        shape = tuple(checks.known(self, input_shape, axis) for axis in axes)
        self.scale = self.add_weight(shape, "ones", name="scale")

    def _spread(self, rank: int) -> tuple[Any, tuple[int, ...]]:
        """The scale in the input's rank, and the axes."""
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        places = [axis % rank for axis in axes]
        form = [1] * rank
        for place, n in zip(places, self.scale.shape, strict=True):
            form[place] = n
        order = np.argsort(places)
        return np.transpose(self.scale.value, order).reshape(form), tuple(places)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        scale, axes = self._spread(x.ndim)
        inv = 1 / np.sqrt(np.square(x).mean(axis=axes, keepdims=True) + x.dtype.type(self.epsilon))
        xhat = x * inv
        return xhat * scale, (xhat, inv)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        xhat, inv = cache
        scale, axes = self._spread(dy.ndim)
        others = tuple(axis for axis in range(dy.ndim) if axis not in axes)
        d_scale = (dy * xhat).sum(axis=others)
        self.scale.accumulate(np.transpose(d_scale, np.argsort(np.argsort(axes))))
        if not input_grad:
            return None
        g = dy * scale
        return (g - xhat * (g * xhat).mean(axis=axes, keepdims=True)) * inv

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)
