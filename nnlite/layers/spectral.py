"""SpectralNormalization: a layer whose kernel is divided by its largest singular value."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.layers import checks
from nnlite.layers.wrappers import Wrapper


@registry.register("layers")
class SpectralNormalization(Wrapper):
    """A layer that stretches nothing by more than 1: its kernel divided by its spectral norm (Miyato et al., 2018).

    In each training pass, W being the kernel as a matrix (..., outputs) and u a vector kept between passes::

        v = u @ W.T / |u @ W.T|;    u = v @ W / |v @ W|      (power_iterations times)
        sigma = v @ W @ u.T;        kernel = kernel / sigma

    The divided kernel takes the kernel's place. Backward, with u and v held fixed and dK the gradient by the divided
    kernel: ``d_kernel = (dK - sum(dK * kernel / sigma) * v.T @ u) / sigma``. Outside of training the kernel is
    used as it is.

    Args:
        layer: a layer with a ``kernel`` or ``embeddings``.
        power_iterations: how often u and v are renewed in each training pass.

    Raises:
        ValueError: for a layer without either.

    >>> from nnlite.layers import Dense
    >>> layer = SpectralNormalization(Dense(3))
    >>> y = layer(np.ones((2, 4), "float32"), training=True)
    >>> bool(np.linalg.norm(layer.kernel.value, 2) < 1.5)
    True
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = checks.positive(self, "power_iterations", power_iterations)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        found = getattr(self.layer, "kernel", None)
        found = getattr(self.layer, "embeddings", None) if found is None else found
        if found is None:
            raise ValueError(f"{self.label}: {self.layer.label} has neither a kernel nor embeddings.")
        self.vector_u = self.add_weight((1, found.shape[-1]), "truncated_normal", trainable=False, name="vector_u")

    @property
    def kernel(self) -> Any:
        """The variable that is divided."""
        found = getattr(self.layer, "kernel", None)
        return self.layer.embeddings if found is None else found

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        kept = None
        kernel = self.kernel
        if training and self.trainable and kernel.value.any():
            w = kernel.value.reshape(-1, kernel.shape[-1])
            u = self.vector_u.value
            for _ in range(self.power_iterations):
                v = _unit(u @ w.T)
                u = _unit(v @ w)
            sigma = (v @ w @ u.T).reshape(())
            kernel.assign(kernel.value / sigma)
            self.vector_u.assign(u)
            kept = (u, v, sigma, kernel.numpy())
        y, cache = super().forward(x, training, mask)
        return y, (cache, kept)

    def backward(self, dy: Any, cache: Any) -> Any:
        inner, kept = cache
        kernel = self.kernel
        if kept is None or not kernel.trainable:
            return self.layer.backward(dy, inner)
        aside = kernel.put_aside_grad()
        try:
            dx = self.layer.backward(dy, inner)
            by_divided = np.array(kernel.grad)
        finally:
            kernel.put_back_grad(aside)
        u, v, sigma, divided = kept
        outer = (v.T @ u).reshape(divided.shape)
        kernel.accumulate((by_divided - (by_divided * divided).sum() * outer) / sigma)
        return dx


def _unit(a: Any) -> Any:
    return a / np.maximum(np.sqrt(np.square(a).sum()), a.dtype.type(1e-12))
