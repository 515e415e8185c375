"""Normalization of groups of channels within each sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.kernels import normalization_group as kernels
from nnlite.layers import checks, settings
from nnlite.layers.normalization import Normalized


@registry.register("layers")
class GroupNormalization(Normalized):
    """Each sample's channels, in groups, brought to mean 0 and variance 1, then scaled and shifted (Wu and He, 2018).

    ``y = gamma * xhat + beta`` with ``xhat = (x - mean) / sqrt(variance + epsilon)``, mean and (biased) variance over
    all positions and the channels of a group.

    Backward, with g = gamma * dy: ``dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(variance + epsilon)``, the means
    over a group; ``d_gamma = sum(dy * xhat)``, ``d_beta = sum(dy)`` over all but the channels.

    Args:
        groups: number of groups; -1 for one a channel (instance normalization).
        axis: the axis of the channels, not that of the batch.
        epsilon: added to the variance.
        center, scale: whether there is a beta, a gamma.
        beta_initializer, gamma_initializer: how they start.
        beta_regularizer, gamma_regularizer: penalties added to the loss.
        beta_constraint, gamma_constraint: projections after each update.

    Shapes: x and y (N, ..., C); gamma and beta (C,). A mask is passed on; all positions count for the means, as in
    Keras.

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
        (self.axis,) = checks.axes(self, "axis", [axis])
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
        rank = len(input_shape)
        if self.axis % max(rank, 1) == 0:
            raise ValueError(
                f"{self.label}: axis {self.axis} of an input of shape {tuple(input_shape)} is that of the batch, "
                f"expected that of the channels."
            )
        channels = checks.known(self, input_shape, self.axis)
        groups = channels if self.groups == -1 else self.groups
        if channels < groups or channels % groups:
            raise ValueError(f"{self.label}: the input's {channels} channels must be a multiple of groups ({groups}).")
        self.groups = groups
        self._add_gamma_beta((channels,))
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: channels})

    def _samples(self, x: Any) -> Any:
        """x as (N, positions, channels)."""
        last = np.moveaxis(x, self.axis, -1)
        return np.ascontiguousarray(last).reshape(len(x), int(np.prod(last.shape[1:-1])), last.shape[-1])

    def _back(self, samples: Any, shape: Any) -> Any:
        last = [n for axis, n in enumerate(shape) if axis != self.axis % len(shape)]
        return np.moveaxis(samples.reshape(*last, shape[self.axis]), -1, self.axis)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        samples = self._samples(x)
        y, cache = kernels.group_norm_forward(samples, self.groups, *self._values(), self.epsilon)
        return self._back(y, x.shape), (samples, cache, x.shape)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        samples, inner, shape = cache
        dx, dgamma, dbeta = kernels.group_norm_backward(
            self._samples(dy), samples, inner, self._values()[0], input_grad
        )
        self._accumulate(dgamma, dbeta)
        return None if dx is None else self._back(dx, shape)
