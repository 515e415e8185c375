"""Layers that move values without changing them: flatten, reshape, permute, repeat."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.layers import checks


def _product(sizes: Any) -> int | None:
    return None if None in tuple(sizes) else math.prod(sizes)


@registry.register("layers")
class Flatten(Layer):
    """Each sample as one row: (N, a, b, ...) becomes (N, a * b * ...). Backward: the gradient in the input's shape.

    Args:
        data_format: with "channels_first" the channels are moved last before flattening, so that the order is the
            same in both layouts.

    >>> import numpy as np
    >>> Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    passes_integers = True
    samples_alone = True
    fuses_batches = True

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        moved = np.moveaxis(x, 1, -1) if self._moves(x.ndim) else x
        return moved.reshape(len(x), math.prod(x.shape[1:])), moved.shape

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        size = _product(shape[1:])
        if self._moves(len(shape)) or size is None:
            return None
        return lambda x: x.reshape(len(x), size), 0

    def backward(self, dy: Any, shape: Any) -> Any:
        dx = dy.reshape(shape)
        return np.moveaxis(dx, -1, 1) if self._moves(len(shape)) else dx

    def _moves(self, rank: int) -> bool:
        return self.data_format == "channels_first" and rank > 2

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], _product(input_shape[1:]))


@registry.register("layers")
class Reshape(Layer):
    """The same values in another shape; backward: the gradient in the input's shape.

    Args:
        target_shape: shape of one sample; one entry may be -1, which then takes what is left.

    >>> import numpy as np
    >>> Reshape((-1, 2))(np.ones((5, 6))).shape
    (5, 3, 2)
    """

    passes_integers = True
    samples_alone = True
    fuses_batches = True

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        shape = tuple(target_shape) if isinstance(target_shape, (list, tuple)) else (target_shape,)
        if (
            any(isinstance(d, bool) or not isinstance(d, (int, np.integer)) or d < -1 for d in shape)
            or shape.count(-1) > 1
        ):
            raise ValueError(
                f"{self.label}: target_shape must be whole numbers, at most one of them -1; got {target_shape!r}."
            )
        self.target_shape = tuple(int(d) for d in shape)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return x.reshape(len(x), *self.compute_output_shape(x.shape)[1:]), x.shape

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        result = self.compute_output_shape(shape)[1:]
        return None if None in result else (lambda x: x.reshape(len(x), *result), 0)

    def backward(self, dy: Any, shape: Any) -> Any:
        return dy.reshape(shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        size, known = _product(input_shape[1:]), math.prod(d for d in self.target_shape if d != -1)
        if size is None:
            return (input_shape[0], *(None if d == -1 else d for d in self.target_shape))
        fits = size % known == 0 if -1 in self.target_shape and known else size == known
        if not fits:
            raise ValueError(
                f"{self.label}: a sample of shape {tuple(input_shape[1:])} has {size} values and cannot take "
                f"shape {self.target_shape}."
            )
        return (input_shape[0], *(size // max(known, 1) if d == -1 else d for d in self.target_shape))


@registry.register("layers")
class Permute(Layer):
    """The axes of each sample in another order; backward: the gradient with the axes back in place.

    Args:
        dims: the new order, counted from 1: (2, 1) swaps the first two axes after the batch.

    >>> import numpy as np
    >>> Permute((2, 1))(np.ones((5, 3, 4))).shape
    (5, 4, 3)
    """

    passes_integers = True

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"{self.label}: dims must be the numbers 1 to {len(self.dims)} in some order, got {dims!r}."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return np.transpose(x, (0, *self.dims)), None

    def backward(self, dy: Any, cache: Any) -> Any:
        return np.transpose(dy, np.argsort((0, *self.dims)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *(input_shape[d] for d in self.dims))


@registry.register("layers")
class RepeatVector(Layer):
    """A vector as a sequence of n equal ones: ``y[:, t] = x``; backward: ``dx = sum over t of dy[:, t]``.

    Args:
        n: how many.

    Shapes: x (N, C), y (N, n, C).

    >>> import numpy as np
    >>> RepeatVector(3)(np.ones((2, 4))).shape
    (2, 3, 4)
    """

    passes_integers = True

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = checks.positive(self, "n", n)
        self.input_spec = InputSpec(ndim=2)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return np.repeat(x[:, None], self.n, axis=1), None

    def backward(self, dy: Any, cache: Any) -> Any:
        return dy.sum(axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.n, input_shape[1])
