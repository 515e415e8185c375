"""SpectralNormalization: a layer whose kernel is divided by its largest singular value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.initializers import TruncatedNormal
from nnlite.layers import checks
from nnlite.layers.wrappers import Wrapper


class _Division(NamedTuple):
    """One division of a kernel: by sigma = v @ W @ u.T, and what came of it."""

    u: Any
    v: Any
    sigma: Any
    divided: Any


@registry.register("layers")
class SpectralNormalization(Wrapper):
    """A layer that stretches nothing by more than 1: its kernel divided by its spectral norm (Miyato et al., 2018).

    In training, W being the kernel as a matrix (..., outputs) and u a vector kept between passes::

        v = u @ W.T / |u @ W.T|;    u = v @ W / |v @ W|      (power_iterations times)
        sigma = v @ W @ u.T;        the layer computes with kernel / sigma

    Backward, with u and v held fixed and dK the gradient by the divided kernel:
    ``d_kernel = (dK - sum(dK * kernel / sigma) * v.T @ u) / sigma``. The kernel itself stays undivided, and is used so
    outside of training: as in ``fit`` of Keras on JAX. (Keras on TensorFlow writes the divided kernel back; for that,
    divide ``layer.kernel`` by its norm once training is over.) Penalties on the kernel see it undivided.

    Args:
        layer: a layer with a ``kernel`` or ``embeddings``.
        power_iterations: how often u and v are renewed in each training pass.

    Shapes: those of the layer; the variable vector_u is (1, outputs).

    Raises:
        ValueError: for a layer without either.

    >>> from nnlite.layers import Dense
    >>> layer = SpectralNormalization(Dense(3, kernel_initializer="ones"))
    >>> layer(np.ones((1, 4), "float32"), training=True).round(3)
    array([[1.155, 1.155, 1.155]], dtype=float32)
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
        self.kernel = found
        self.vector_u = self.add_weight(
            (1, found.shape[-1]), TruncatedNormal(stddev=0.02), trainable=False, name="vector_u"
        )
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})

    def _divide(self) -> _Division | None:
        """Divide the kernel; None if it is 0 everywhere."""
        w, u = self.kernel.value.reshape(-1, self.kernel.shape[-1]), self.vector_u.value
        if not w.any():
            return None
        for _ in range(self.power_iterations):
            v = _unit(u @ w.T)
            u = _unit(v @ w)
        sigma = (v @ w @ u.T).reshape(())
        return _Division(u, v, sigma, self.kernel.value / sigma)

    @contextmanager
    def _divided(self, division: _Division | None) -> Iterator[None]:
        """Have the layer compute with the divided kernel."""
        kept = self.kernel.value
        try:
            if division is not None:
                self.kernel.value = division.divided
            yield
        finally:
            self.kernel.value = kept

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        division = self._divide() if training else None
        with self._divided(division):
            y, cache = super().forward(x, training, mask)
        if division is not None and self.trainable:
            self.vector_u.assign(division.u)
        return y, (cache, division)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        inner, division = cache
        kernel = self.kernel
        if division is None:
            return super().backward(dy, inner, input_grad)
        aside = kernel.put_aside_grad()
        try:
            with self._divided(division):
                dx = super().backward(dy, inner, input_grad)
            by_divided = kernel.grad
        finally:
            kernel.put_back_grad(aside)
        if by_divided is not None:
            u, v, sigma, divided = division
            along = (by_divided * divided).sum() * (v.T @ u).reshape(divided.shape)
            kernel.accumulate((by_divided - along) / sigma)
        return dx


def _unit(a: Any) -> Any:
    return a / np.maximum(np.sqrt(np.square(a).sum()), a.dtype.type(1e-7))
