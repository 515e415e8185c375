"""Normalization layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels import normalization as kernels
from nnlite.layers import checks, settings


class _Normalization(Layer):
    """What the normalization layers share: gamma and beta."""

    supports_masking = True
    center: bool
    scale: bool

    def _add_gamma_beta(self, shape: tuple[int, ...]) -> None:
        self.gamma = settings.add(self, "gamma", shape) if self.scale else None
        self.beta = settings.add(self, "beta", shape) if self.center else None

    def _values(self) -> tuple[Any, Any]:
        gamma = None if self.gamma is None else self.gamma.value.reshape(-1)
        beta = None if self.beta is None else self.beta.value.reshape(-1)
        return gamma, beta

    def _accumulate(self, dgamma: Any, dbeta: Any) -> None:
        if self.gamma is not None:
            self.gamma.accumulate(dgamma.reshape(self.gamma.shape))
        if self.beta is not None:
            self.beta.accumulate(dbeta.reshape(self.beta.shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


@registry.register("layers")
class BatchNormalization(_Normalization):
    """Each channel brought to mean 0 and variance 1, then scaled and shifted (Ioffe and Szegedy, 2015).

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``. In training, mean and (biased) variance are those of
    the batch, over all axes but ``axis``, and the moving averages take a step towards them:
    ``moving = momentum * moving + (1 - momentum) * batch``. Otherwise, and always when ``trainable`` is False, the
    moving averages are used.

    Backward, with xhat the normalized input and m rows: ``d_beta = sum(dy)``, ``d_gamma = sum(dy * xhat)``,
    ``dx = gamma / sqrt(variance + epsilon) * (dy - d_beta / m - xhat * d_gamma / m)``, the last two only in training.

    Args:
        axis: the axis that keeps its own statistics, usually the channels.
        momentum: how slowly the moving averages move.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: how they start.
        beta_regularizer, gamma_regularizer: penalties added to the loss.
        beta_constraint, gamma_constraint: projections after each update.
        synchronized: accepted, as in Keras, where it matters only for training on several devices; changes nothing.

    Shapes: x and y (N, ..., C); the four variables (C,). ``mask`` (N, ...) leaves positions out of the statistics.

    >>> import numpy as np
    >>> layer = BatchNormalization()
    >>> y = layer(np.array([[1.0], [3.0]]), training=True)
    >>> np.round(y, 2).tolist(), round(float(layer.moving_mean.value[0]), 4)
    ([[-1.0], [1.0]], 0.02)
    """

    takes_statistics = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.synchronized = bool(synchronized)
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
            raise TypeError(f"{self.label}: axis must be one whole number, got {axis!r}.")
        self.axis, self.momentum = int(axis), checks.number(self, "momentum", momentum)
        self.epsilon = checks.number(self, "epsilon", epsilon, least=0)
        self.center, self.scale = bool(center), bool(scale)
        settings.keep(
            self,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer,
            moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )

    def build(self, input_shape: Any) -> None:
        channels = checks.known(self, input_shape, self.axis)
        self._add_gamma_beta((channels,))
        self.moving_mean = settings.add(self, "moving_mean", (channels,), trainable=False)
        self.moving_variance = settings.add(self, "moving_variance", (channels,), trainable=False)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        gamma, beta = self._values()
        batch_statistics = bool(training and self.trainable)
        last = np.moveaxis(x, self.axis, -1)
        rows = None
        if not batch_statistics:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        else:
            flat = last.reshape(-1, last.shape[-1])
            if mask is None:
                mean, variance = kernels.moments(np.ascontiguousarray(flat))
            else:
                rows = np.broadcast_to(
                    mask.reshape(*mask.shape, *(1,) * (last.ndim - 1 - mask.ndim)), last.shape[:-1]
                ).reshape(-1)
                mean, variance = kernels.masked_moments(flat, rows)
            if len(flat):
                self._move(self.moving_mean, mean)
                self._move(self.moving_variance, variance)
        y, inv = kernels.batch_norm_forward(last, gamma, beta, mean, variance, self.epsilon)
        if not batch_statistics:
            mean = mean.copy()  # the moving average may have moved on by the time of backward
        return np.moveaxis(y, -1, self.axis), (last, mean, inv, batch_statistics, rows)

    def _move(self, moving: Any, batch: Any) -> None:
        value = moving.value
        value *= self.momentum
        value += batch * value.dtype.type(1 - self.momentum)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        x, mean, inv, batch_statistics, rows = cache
        gamma, _ = self._values()
        dx, dgamma, dbeta = kernels.batch_norm_backward(
            np.moveaxis(dy, self.axis, -1), x, gamma, mean, inv, batch_statistics, rows, input_grad
        )
        self._accumulate(dgamma, dbeta)
        return None if dx is None else np.moveaxis(dx, -1, self.axis)


@registry.register("layers")
class LayerNormalization(_Normalization):
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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        axes = (axis,) if isinstance(axis, (int, np.integer)) else axis
        if not isinstance(axes, (tuple, list)) or not axes or any(not isinstance(a, (int, np.integer)) for a in axes):
            raise TypeError(f"{self.label}: axis must be a whole number or several, got {axis!r}.")
        self.axis = sorted(int(a) for a in axes)
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

    def _axes(self, rank: int) -> list[int]:
        return sorted(axis % rank for axis in self.axis)

    def build(self, input_shape: Any) -> None:
        self._add_gamma_beta(tuple(checks.known(self, input_shape, axis) for axis in self.axis))
        axes = {axis: input_shape[axis] for axis in self._axes(len(input_shape))}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        axes = self._axes(x.ndim)
        last = np.moveaxis(x, axes, range(-len(axes), 0))
        rows = np.ascontiguousarray(last).reshape(-1, int(np.prod([x.shape[axis] for axis in axes])))
        y, cache = kernels.layer_norm_forward(rows, *self._values(), self.epsilon)
        return np.moveaxis(y.reshape(last.shape), range(-len(axes), 0), axes), (cache, last.shape)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        inner, shape = cache
        axes = self._axes(dy.ndim)
        rows = np.ascontiguousarray(np.moveaxis(dy, axes, range(-len(axes), 0))).reshape(inner[0].shape)
        dx, dgamma, dbeta = kernels.layer_norm_backward(rows, inner, self._values()[0], input_grad)
        self._accumulate(dgamma, dbeta)
        return None if dx is None else np.moveaxis(dx.reshape(shape), range(-len(axes), 0), axes)
