"""CategoryEncoding, and the forms in which categories are handed on."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.layers import checks

MODES = ("one_hot", "multi_hot", "count")


def encode(ids: np.ndarray, mode: str, depth: int, dtype: Any, weights: Any = None) -> np.ndarray:
    """Return whole numbers as rows of ``depth``: one row a number, or one for all numbers along the last axis.

    Numbers outside 0 to ``depth`` - 1 count for nothing.
    """
    if ids.ndim == 0:
        ids = ids[None]
    if mode == "one_hot":
        if ids.ndim > 1 and ids.shape[-1] == 1:
            ids = ids[..., 0]
        found = np.zeros((ids.size, depth), dtype)
        flat = ids.ravel()
        valid = np.flatnonzero((flat >= 0) & (flat < depth))
        found[valid, flat[valid]] = 1
        return found.reshape(*ids.shape, depth)
    rows = ids.reshape(-1, ids.shape[-1])
    places = np.arange(len(rows))[:, None] * depth + rows
    known = (rows >= 0) & (rows < depth)
    amounts = None if weights is None else np.broadcast_to(weights, ids.shape).reshape(rows.shape)[known]
    counts: np.ndarray = np.bincount(places[known], amounts, minlength=len(rows) * depth)
    counts = counts.reshape(*ids.shape[:-1], depth)
    return (counts > 0 if mode == "multi_hot" else counts).astype(dtype)


def encoded_shape(shape: Any, mode: str, depth: int | None) -> tuple[Any, ...]:
    """Return the shape that :func:`encode` gives numbers of a shape."""
    shape = tuple(shape)
    if mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (*shape[:-1], depth)


@registry.register("layers")
class CategoryEncoding(Layer):
    """Whole numbers as rows that are 1 where the number points.

    With x of shape (..., n) and C = ``num_tokens``::

        one_hot     y[..., i, c] = 1 if x[..., i] = c else 0      (..., n, C); a last axis of 1 is dropped
        multi_hot   y[..., c] = 1 if some x[..., i] = c else 0    (..., C)
        count       y[..., c] = sum over i of weight[i] where x[..., i] = c

    (With "multi_hot" and "count" Keras's result for x of more than two axes is not of the shape that it declares.)

    The input is whole numbers, so there is no gradient by it: ``backward`` returns None.

    Args:
        num_tokens: number of categories C; the input's numbers are 0 to C - 1.
        output_mode: "one_hot", "multi_hot" or "count".
        sparse: must be False: results are NumPy arrays.

    A call takes ``count_weights``, of the input's shape, with "count".

    Raises:
        ValueError: for a number outside 0 to C - 1 (where Keras on JAX gives a row of zeros), and for count_weights in
            another mode.

    >>> import numpy as np
    >>> CategoryEncoding(4, output_mode="multi_hot")(np.array([[0, 2], [1, 1]])).tolist()
    [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]]
    """

    keeps_integers = True

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if num_tokens is None:
            raise ValueError(
                f"{self.label}: num_tokens must be given. If it is not known beforehand, IntegerLookup learns it."
            )
        self.num_tokens = checks.positive(self, "num_tokens", num_tokens)
        self.output_mode = checks.choice(
            self, "output_mode", "multi_hot" if output_mode == "binary" else output_mode, MODES
        )
        if sparse:
            raise ValueError(f"{self.label}: sparse=True is not available: results are NumPy arrays.")

    def forward(self, x: Any, training: bool = False, count_weights: Any = None) -> tuple[Any, Any]:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(f"{self.label}: count_weights go with output_mode='count', not {self.output_mode!r}.")
        ids = x.astype(np.int64)
        wrong = (ids < 0) | (ids >= self.num_tokens)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(
                f"{self.label}: the input holds {ids[place]} at {list(place)}, expected whole numbers from 0 to "
                f"{self.num_tokens - 1}."
            )
        return encode(ids, self.output_mode, self.num_tokens, self._compute, count_weights), x

    def backward(self, dy: Any, x: Any) -> Any:
        return None if x.dtype.kind in "iub" else np.zeros_like(x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, without ``sparse``, as Keras has it."""
        return {key: value for key, value in super().get_config().items() if key != "sparse"}
