"""Layers around a layer: Wrapper and TimeDistributed."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.core.layer import Layer


@registry.register("layers")
class Wrapper(Layer):
    """A layer that holds another one, to be subclassed; by itself it passes everything on to it.

    Args:
        layer: the inner layer.

    >>> from nnlite.layers import Dense
    >>> Wrapper(Dense(3))(np.ones((2, 5), "float32")).shape
    (2, 3)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"{self.label}: layer must be a layer, got {layer!r}.")
        self.layer = layer

    def build(self, input_shape: Any) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        options = {"mask": mask} if mask is not None and self.layer._takes_mask else {}
        result: tuple[Any, Any] = self.layer.forward(x, training, **options)
        return result

    def infer(self, x: Any, mask: Any = None) -> Any:
        options = {"mask": mask} if mask is not None and self.layer._takes_mask else {}
        return self.layer.infer(x, **options)

    def backward(self, dy: Any, cache: Any) -> Any:
        return self.layer.backward(dy, cache)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)


@registry.register("layers")
class TimeDistributed(Wrapper):
    """A layer applied to every step of a sequence: ``y[:, t] = layer(x[:, t])``, with the same variables at all steps.

    All steps are one batch to the inner layer; where it takes statistics of a batch (BatchNormalization in training),
    each step is a batch of its own, as in Keras. A mask (N, T) goes to an inner layer that takes one, step by step.

    Args:
        layer: the layer to apply.

    Shapes: x (N, T, ...), y (N, T, ...).

    Raises:
        ValueError: for an input of fewer than three axes, or a mask of another shape than (N, T).

    >>> from nnlite.layers import Dense
    >>> TimeDistributed(Dense(3))(np.ones((2, 7, 5), "float32")).shape
    (2, 7, 3)
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 3:
            raise ValueError(
                f"{self.label}: the input must have at least three axes, batch, steps and features, got shape "
                f"{tuple(input_shape)}."
            )
        super().build((input_shape[0], *input_shape[2:]))

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        options = self._inner_mask(x, mask)
        if not training or not _takes_statistics(self.layer):
            y, cache = self.layer.forward(self._flat(x), training, **options)
            return y.reshape(*x.shape[:2], *y.shape[1:]), (cache, x.shape)
        masks = options["mask"].reshape(x.shape[:2]).T if options else None
        pairs = [
            self.layer.forward(x[:, t], True, **({} if masks is None else {"mask": masks[t]}))
            for t in range(x.shape[1])
        ]
        return np.stack([y for y, _ in pairs], axis=1), ([cache for _, cache in pairs], None)

    def infer(self, x: Any, mask: Any = None) -> Any:
        y = self.layer.infer(self._flat(x), **self._inner_mask(x, mask))
        return y.reshape(*x.shape[:2], *y.shape[1:])

    @staticmethod
    def _flat(x: Any) -> Any:
        return x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])

    def _inner_mask(self, x: Any, mask: Any) -> dict[str, Any]:
        if mask is None:
            return {}
        mask = np.asarray(mask)
        if mask.shape != x.shape[:2]:
            raise ValueError(
                f"{self.label}: the mask must have one entry for each step, shape {x.shape[:2]}, got {mask.shape}."
            )
        return {"mask": mask.reshape(-1)} if self.layer._takes_mask else {}

    def backward(self, dy: Any, cache: Any) -> Any:
        inner, shape = cache
        if shape is None:  # step by step
            return np.stack([self.layer.backward(dy[:, t], own) for t, own in enumerate(inner)], axis=1)
        dx = self.layer.backward(dy.reshape(shape[0] * shape[1], *dy.shape[2:]), inner)
        return None if dx is None else dx.reshape(shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, steps, *rest = input_shape
        return (batch, steps, *self.layer.compute_output_shape((batch, *rest))[1:])


def _takes_statistics(layer: Layer) -> bool:
    return layer.takes_statistics or any(_takes_statistics(inner) for inner in layer.layers_inside)
