"""Layers around a layer: Wrapper and TimeDistributed."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import penalties, registry
from nnlite.core.layer import Layer
from nnlite.core.structure import is_shape


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
        self.keeps_dtype, self.keeps_integers = layer.keeps_dtype, layer.keeps_integers
        self.passes_integers = layer.passes_integers

    def build(self, input_shape: Any) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        result: tuple[Any, Any] = self.layer.forward(x, training, **self._mask_option(mask))
        return result

    def infer(self, x: Any, mask: Any = None) -> Any:
        return self.layer.infer(x, **self._mask_option(mask))

    def _mask_option(self, mask: Any) -> dict[str, Any]:
        return {"mask": mask} if mask is not None and self.layer._takes_mask else {}

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        skips = not input_grad and self.layer._takes_input_grad
        dx = self.layer.backward(dy, cache, **({"input_grad": False} if skips else {}))
        return dx if input_grad else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)


@registry.register("layers")
class TimeDistributed(Wrapper):
    """A layer applied to every step of a sequence: ``y[:, t] = layer(x[:, t])``, with the same variables at all steps.

    All steps are one batch to the inner layer; where it looks at the batch as a whole (BatchNormalization in training,
    activity regularizers of the layers inside it), each step is a batch of its own, as in Keras. Backward goes the same
    way back. A mask (N, T) or (N, T, ...) goes to an inner layer that takes one, step by step, and is passed on.

    Args:
        layer: the layer to apply, of one input and one output. Its own ``activity_regularizer`` does not act, as in
            Keras.

    Shapes: x (N, T, ...), y (N, T, ...).

    Raises:
        ValueError: for an input of fewer than three axes or without steps, and for a mask that does not begin with
            (N, T).

    >>> from nnlite.layers import Dense
    >>> TimeDistributed(Dense(3))(np.ones((2, 7, 5), "float32")).shape
    (2, 7, 3)
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        super().build(self._step_shape(input_shape))

    def _step_shape(self, input_shape: Any) -> tuple[Any, ...]:
        if not is_shape(input_shape) or len(input_shape) < 3:
            raise ValueError(
                f"{self.label}: the input must have at least three axes, batch, steps and features, got shape "
                f"{tuple(input_shape)}."
            )
        return (input_shape[0], *input_shape[2:])

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        mask = self._checked(x, mask)
        if not self._by_steps(training):
            y, cache = self._inner(self._flat(x), self._flat(mask), training)
            return y.reshape(*x.shape[:2], *y.shape[1:]), (cache, x.shape)
        pairs = [self._inner(x[:, t], None if mask is None else mask[:, t], training) for t in range(x.shape[1])]
        return np.stack([y for y, _ in pairs], axis=1), ([cache for _, cache in pairs], None)

    def infer(self, x: Any, mask: Any = None) -> Any:
        if self.layer.activity_regularizer is not None or self._by_steps(False):
            return self.forward(x, mask=mask)[0]
        y = self._single(self.layer.infer(self._flat(x), **self._mask_option(self._flat(self._checked(x, mask)))))
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def _by_steps(self, training: bool) -> bool:
        """Whether the inner layer makes something of the batch as a whole."""
        return (training and _takes_statistics(self.layer)) or _penalizes(self.layer.layers_inside)

    def _inner(self, x: Any, mask: Any, training: bool) -> tuple[Any, Any]:
        options = self._mask_option(mask)
        if self.layer.activity_regularizer is None:
            y, cache = self.layer.forward(x, training, **options)
            return self._single(y), cache
        with penalties.collected() as terms:
            y, cache = self.layer.forward(x, training, **options)
        for term in terms[:-1]:  # the last one is its own
            penalties.add(term)
        return self._single(y), cache.cache

    def _single(self, y: Any) -> Any:
        if not isinstance(y, np.ndarray):
            raise ValueError(f"{self.label}: {self.layer.label} has {len(y)} outputs, expected a layer with one.")
        return y

    @staticmethod
    def _flat(x: Any) -> Any:
        return None if x is None else x.reshape(x.shape[0] * x.shape[1], *x.shape[2:])

    def _checked(self, x: Any, mask: Any) -> Any:
        self._step_shape(x.shape)
        if x.shape[1] == 0:
            raise ValueError(f"{self.label}: got a sequence without steps, shape {x.shape}.")
        if mask is None:
            return None
        mask = np.asarray(mask)
        if mask.shape[:2] != x.shape[:2]:
            raise ValueError(
                f"{self.label}: the mask must have one entry for each step, its shape must begin with "
                f"{x.shape[:2]}, got {mask.shape}."
            )
        return mask

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        inner, shape = cache
        if shape is None:  # step by step
            dxs = [super(TimeDistributed, self).backward(dy[:, t], own, input_grad) for t, own in enumerate(inner)]
            return None if dxs[0] is None else np.stack(dxs, axis=1)
        dx = super().backward(self._flat(dy), inner, input_grad)
        return None if dx is None else dx.reshape(shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, *rest = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (batch, input_shape[1], *rest)


def _takes_statistics(layer: Layer) -> bool:
    return layer.takes_statistics or any(_takes_statistics(inner) for inner in layer.layers_inside)


def _penalizes(layers: list[Any]) -> bool:
    return any(layer.activity_regularizer is not None or _penalizes(layer.layers_inside) for layer in layers)
