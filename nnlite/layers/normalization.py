"""Batch normalization, and what all normalization layers share."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry, wrapping
from nnlite.core.errors import nearest
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.core.variable import Variable
from nnlite.kernels import normalization as kernels
from nnlite.layers import checks, settings
from nnlite.layers.activation import is_relu


class Normalized(Layer):
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
class BatchNormalization(Normalized):
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
        renorm: whether training, too, aims at the moving averages (Ioffe, 2017): its output is ``xhat * r + d`` before
            gamma and beta, with ``r = deviation of the batch / moving deviation`` and ``d = (mean of the batch - moving
            mean) / moving deviation``, which backward holds fixed. Adds the variables moving_stddev, renorm_mean and
            renorm_stddev.
        renorm_clipping: bounds of r and d: a dict with any of "rmin", "rmax" and "dmax" (d is within -dmax and dmax).
        renorm_momentum: how slowly renorm_mean and renorm_stddev, the averages in r and d, move.
        synchronized: accepted, as in Keras, where it matters only for training on several devices; changes nothing.

    Shapes: x and y (N, ..., C); the four variables (C,). ``mask`` (N, ...), without the last axis, leaves positions
    out of the statistics.

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
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.synchronized, self.renorm = bool(synchronized), bool(renorm)
        self.renorm_clipping = self._checked_clipping(renorm_clipping or {}) if self.renorm else renorm_clipping
        self.renorm_momentum = checks.number(self, "renorm_momentum", renorm_momentum)
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

    def _checked_clipping(self, given: Any) -> dict[str, Any]:
        known = ("rmin", "rmax", "dmax")
        unknown = [key for key in given if key not in known] if isinstance(given, dict) else [given]
        if unknown:
            raise ValueError(
                f"{self.label}: renorm_clipping takes a dict with {', '.join(map(repr, known))}, got {given!r}."
                f"{nearest(unknown[0], known)}"
            )
        found = {k: None if v is None else checks.number(self, f"renorm_clipping {k!r}", v) for k, v in given.items()}
        low, high, most = (found.get(key) for key in known)
        if (low is not None and high is not None and high < low) or (most is not None and most < 0):
            raise ValueError(
                f"{self.label}: renorm_clipping must have rmin of at most rmax, and dmax of at least 0, got {given!r}."
            )
        return found

    def build(self, input_shape: Any) -> None:
        channels = checks.known(self, input_shape, self.axis)
        self._add_gamma_beta((channels,))
        self.moving_mean = settings.add(self, "moving_mean", (channels,), trainable=False)
        self.moving_variance = settings.add(self, "moving_variance", (channels,), trainable=False)
        if self.renorm:
            of_mean, of_variance = self.moving_mean_initializer, self.moving_variance_initializer
            for name, start in (
                ("moving_stddev", of_variance),
                ("renorm_mean", of_mean),
                ("renorm_stddev", of_variance),
            ):
                setattr(self, name, self.add_weight((channels,), start, trainable=False, name=name))
            for variable in (self.moving_stddev, self.renorm_stddev):
                variable.assign(np.sqrt(variable.value))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        return self._normalized(x, training, mask)

    def takes_along(self, layer: Layer) -> bool:
        """Whether training does that layer, which follows, too; see :mod:`nnlite.models.along`."""
        return is_relu(layer)

    def forward_along(self, x: Any, layer: Layer) -> tuple[Any, Any]:
        """Return what a ReLU makes of the output in training, and the cache with which backward undoes both."""
        return self._normalized(wrapping.prepare(self, x), True, None, relu=True)

    def _normalized(self, x: Any, training: bool, mask: Any, relu: bool = False) -> tuple[Any, Any]:
        gamma, beta = self._values()
        batch_statistics = bool(training and self.trainable)
        last = _channels_last(x, self.axis)
        rows = correction = None
        if not batch_statistics:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        else:
            flat = last.reshape(-1, last.shape[-1])
            if mask is None:
                mean, variance = kernels.moments(np.ascontiguousarray(flat))
            else:
                rows = self._counted(np.asarray(mask, bool), x.shape)
                mean, variance = kernels.masked_moments(flat, rows)
            if self.renorm:
                correction = r, d = self._correction(mean, variance)
                shift = d if gamma is None else d * gamma
                gamma, beta = r if gamma is None else r * gamma, shift if beta is None else shift + beta
            if len(flat):
                self._update(mean, variance)
        y, inv = kernels.batch_norm_forward(last, gamma, beta, mean, variance, self.epsilon, relu)
        if not batch_statistics:
            mean = mean.copy()  # the moving average may have moved on by the time of backward
        cache = (last, mean, inv, batch_statistics, rows, correction, y if relu else None)
        return _channels_back(y, self.axis), cache

    @property
    def samples_alone(self) -> bool:
        """Whether a sample's output in inference depends on that sample only: the averages are not by sample."""
        return self.axis == -1 or self.axis > 0

    def affine(self) -> tuple[Any, Any]:
        """Return scale and shift, ``y = scale * x + shift``, of inference, of each channel."""
        gamma, beta = self._values()
        scale = 1 / np.sqrt(self.moving_variance.value + self._compute.type(self.epsilon))
        if gamma is not None:
            scale *= gamma
        shift = self.moving_mean.value * -scale
        if beta is not None:
            shift += beta
        return scale, shift

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        if self.axis % len(shape) != len(shape) - 1:
            return None

        def infer(x: Any) -> Any:
            scale, shift = self.affine()
            y = x * scale
            y += shift
            return y

        return infer, 0

    def _counted(self, mask: Any, shape: tuple[int, ...]) -> Any:
        """Which elements the mask counts, as rows of one column, or of a column a channel if channels are masked."""
        if mask.ndim != len(shape) - 1 or any(m not in (1, n) for m, n in zip(mask.shape, shape, strict=False)):
            raise ValueError(
                f"{self.label}: the mask must have one entry for each position of its input of shape {shape}, that is "
                f"shape {shape[:-1]}, got {mask.shape}."
            )
        if self.axis % len(shape) == len(shape) - 1:
            return np.broadcast_to(mask, shape[:-1]).reshape(-1, 1)
        channels = shape[self.axis]
        return np.moveaxis(np.broadcast_to(mask[..., None], shape), self.axis, -1).reshape(-1, channels)

    def _correction(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """r and d of renorm."""
        epsilon = mean.dtype.type(self.epsilon)
        moving = np.maximum(self.renorm_stddev.value, np.sqrt(epsilon))
        r, d = np.sqrt(variance + epsilon) / moving, (mean - self.renorm_mean.value) / moving
        low, high, most = (self.renorm_clipping.get(key) for key in ("rmin", "rmax", "dmax"))
        if low is not None or high is not None:
            r = np.clip(r, low, high)
        return r, d if most is None else np.clip(d, -most, most)

    def _update(self, mean: Any, variance: Any) -> None:
        """Let the moving averages take a step."""
        _move(self.moving_mean, mean, self.momentum)
        if not self.renorm:
            _move(self.moving_variance, variance, self.momentum)
            return
        epsilon = variance.dtype.type(self.epsilon)
        deviation = np.sqrt(variance + epsilon)
        _move(self.renorm_mean, mean, self.renorm_momentum)
        _move(self.renorm_stddev, deviation, self.renorm_momentum)
        _move(self.moving_stddev, deviation, self.momentum)
        self.moving_variance.assign(np.maximum(self.moving_stddev.value**2 - epsilon, 0))

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        x, mean, inv, batch_statistics, rows, correction, y = cache
        gamma, _ = self._values()
        if correction is not None:
            r, d = correction
            gamma = r if gamma is None else r * gamma
        dx, dgamma, dbeta = kernels.batch_norm_backward(
            _channels_last(dy, self.axis), x, gamma, mean, inv, batch_statistics, rows, input_grad, y
        )
        if correction is not None:
            dgamma = r * dgamma + d * dbeta
        self._accumulate(dgamma, dbeta)
        return None if dx is None else _channels_back(dx, self.axis)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data; those of renorm where they differ from the defaults."""
        usual = {"renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99}  # older Kerases know none of them
        return {k: v for k, v in super().get_config().items() if k not in usual or v != usual[k]}


def _channels_last(x: Any, axis: int) -> Any:
    return x if axis in (-1, x.ndim - 1) else np.moveaxis(x, axis, -1)


def _channels_back(x: Any, axis: int) -> Any:
    return x if axis in (-1, x.ndim - 1) else np.moveaxis(x, -1, axis)


def _move(moving: Variable, batch: Any, momentum: float) -> None:
    value = moving.value
    value *= momentum
    value += batch * value.dtype.type(1 - momentum)
