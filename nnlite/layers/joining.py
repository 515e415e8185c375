"""Concatenate and Dot, and their functions in lower case."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import dtypes, registry
from nnlite.kernels.einsum import Plan, einsum_backward, einsum_forward, plan
from nnlite.layers import checks
from nnlite.layers.merging import Merge


@registry.register("layers")
class Concatenate(Merge):
    """The inputs behind each other along an axis; backward: dy in as many pieces.

    Args:
        axis: the axis; all others must have equal sizes.

    The mask of the output is that of the inputs behind each other, true where an input has none; along the features it
    is true where any input's is. Whole numbers stay whole where all inputs are.

    Raises:
        ValueError: for inputs whose other sizes differ.

    >>> import numpy as np
    >>> Concatenate()([np.ones((2, 3)), np.ones((2, 4))]).shape
    (2, 7)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
            raise TypeError(f"{self.label}: axis must be a whole number, got {axis!r}.")
        self.axis = int(axis)

    @property
    def samples_alone(self) -> bool:
        """Whether no samples are put behind others, counted from the front or, of unknown rank, maybe from the back."""
        return self.axis == -1 or self.axis > 0

    def cast_inputs(self, x: Any) -> Any:
        whole = isinstance(x, (list, tuple)) and all(getattr(a, "dtype", np.dtype(float)).kind in "iub" for a in x)
        return list(x) if whole else super().cast_inputs(x)

    def _dtype_of_output(self, x: Any) -> str:
        return dtypes.of_whole_numbers(one.dtype for one in x) or super()._dtype_of_output(x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        self.check_inputs(input_shape)
        first = tuple(input_shape[0])
        checks.axes_exist(self, "axis", [self.axis], first)
        joined = self.axis % len(first)
        found, owner = list(first), [0] * len(first)
        for index, shape in enumerate(input_shape[1:], 1):
            if len(shape) != len(first):
                raise ValueError(
                    f"{self.label}: inputs 0 and {index} must have equally many axes, got shapes {first} and "
                    f"{tuple(shape)}."
                )
            for axis, (a, b) in enumerate(zip(found, shape, strict=True)):
                if axis == joined:
                    found[axis] = None if a is None or b is None else a + b
                elif a is None:
                    found[axis], owner[axis] = b, index
                elif b is not None and a != b:
                    other = owner[axis]
                    raise ValueError(
                        f"{self.label}: inputs {other} and {index}, of shapes {tuple(input_shape[other])} and "
                        f"{tuple(shape)}, differ along axis {axis}, sizes {a} and {b}; only axis {joined} may differ."
                    )
        return tuple(found)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not isinstance(x, list):
            raise ValueError(f"{self.label} takes a list of inputs, got one array of shape {np.shape(x)}.")
        self.compute_output_shape([a.shape for a in x])
        return np.concatenate(x, axis=self.axis), [(a.shape[self.axis], a.dtype.kind == "f") for a in x]

    def backward(self, dy: Any, cache: Any) -> Any:
        pieces = np.split(dy, np.cumsum([size for size, _ in cache])[:-1], axis=self.axis)
        return [np.array(piece) if floating else None for piece, (_, floating) in zip(pieces, cache, strict=True)]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return None
        masks = self.checked_masks([np.shape(a) for a in x], mask)
        if all(m is None for m in masks):
            return None
        full = []
        for one, m in zip(x, masks, strict=True):
            m = np.ones((), bool) if m is None else m.reshape(*m.shape, *(1,) * (np.ndim(one) - m.ndim))
            full.append(np.broadcast_to(m, np.shape(one)))
        return np.concatenate(full, axis=self.axis).any(axis=-1)


@registry.register("layers")
class Dot(Merge):
    """The products of two inputs, summed along an axis of each, sample by sample.

    With axes (i, j): ``y[n, rest of a, rest of b] = sum over k of a[n, ..k at i..] * b[n, ..k at j..]``; inputs that
    keep no axis give (N, 1). Backward: ``da`` is the same product of dy and b over b's other axes, db likewise.

    With ``normalize`` a is ``a / |a|`` before, |a| taken along its axis, with ``da = (du - u * sum(du * u)) / |a|`` for
    ``u = a / |a|``; b likewise. Lengths below ``config.epsilon()`` count as that.

    Args:
        axes: the axis of each input, or one for both; not that of the batch.
        normalize: whether both inputs are first brought to length 1 along that axis, so that y is the cosine.

    The output has no mask.

    Raises:
        TypeError: for axes that are no whole numbers.
        ValueError: for another number of axes or inputs than two, and axes of different sizes.

    >>> import numpy as np
    >>> Dot(1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[11.0]]
    """

    least = most = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        several = isinstance(axes, (tuple, list))
        for axis in axes if several else [axes]:
            if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
                raise TypeError(f"{self.label}: axes must be one whole number or two, got {axes!r}.")
        if several and len(axes) != 2:
            raise ValueError(f"{self.label}: axes must be one whole number or two, got {axes!r}.")
        self.axes, self.normalize = axes, bool(normalize)

    def _pair(self, shapes: Any) -> tuple[int, int]:
        """The axis of each input, counted from 0."""
        given = self.axes if isinstance(self.axes, (tuple, list)) else (self.axes, self.axes)
        for axis, shape in zip(given, shapes, strict=True):
            checks.axes_exist(self, "axes", [axis], shape)
        i, j = (int(axis) % len(shape) for axis, shape in zip(given, shapes, strict=True))
        if 0 in (i, j):
            raise ValueError(f"{self.label}: axes must not be that of the batch, got {self.axes!r}.")
        return i, j

    def compute_output_shape(self, input_shape: Any) -> Any:
        self.check_inputs(input_shape)
        a, b = (tuple(shape) for shape in input_shape)
        i, j = self._pair((a, b))
        for what, m, n in (("batches", a[0], b[0]), (f"axis {i} of input 0 and axis {j} of input 1", a[i], b[j])):
            if m is not None and n is not None and m != n:
                raise ValueError(
                    f"{self.label}: inputs of shapes {a} and {b}: {what} have different sizes, {m} and {n}."
                )
        return (a[0], *(_rest(a, i) + _rest(b, j) or (1,)))

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not isinstance(x, list):
            raise ValueError(f"{self.label} takes a list of inputs, got one array of shape {np.shape(x)}.")
        a, b = x
        shape = self.compute_output_shape([a.shape, b.shape])
        i, j = self._pair([a.shape, b.shape])
        lengths = (_length(a, i), _length(b, j)) if self.normalize else None
        if lengths is not None:
            a, b = a / lengths[0], b / lengths[1]
        y = einsum_forward(a, b, _plan(a.ndim, b.ndim, i, j), (len(a), *_rest(a.shape, i), *_rest(b.shape, j)))
        return y.reshape(shape), (a, b, lengths)

    def backward(self, dy: Any, cache: Any) -> Any:
        a, b, lengths = cache
        i, j = self._pair([a.shape, b.shape])
        dy = dy.reshape(len(a), *_rest(a.shape, i), *_rest(b.shape, j))
        da, db, _ = einsum_backward(dy, a, b, _plan(a.ndim, b.ndim, i, j))
        if lengths is not None:
            da, db = _before_division(da, a, lengths[0], i), _before_division(db, b, lengths[1], j)
        return [da, db]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None


def _rest(shape: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    """The sizes of a sample without those of an axis."""
    return (*shape[1:axis], *shape[axis + 1 :])


@functools.lru_cache(maxsize=256)
def _plan(rank_a: int, rank_b: int, i: int, j: int) -> Plan:
    """The plan of the product: axes are named by input and number, but for the batch and what is summed over."""
    a = tuple("batch" if k == 0 else "sum" if k == i else f"a{k}" for k in range(rank_a))
    b = tuple("batch" if k == 0 else "sum" if k == j else f"b{k}" for k in range(rank_b))
    return plan(a, b, tuple(name for name in a + b[1:] if name != "sum"))


def _length(a: Any, axis: int) -> Any:
    """The lengths along an axis, none below epsilon."""
    length = np.sqrt(np.square(a).sum(axis=axis, keepdims=True))
    return np.maximum(length, length.dtype.type(config.epsilon()))


def _before_division(du: Any, u: Any, length: Any, axis: int) -> Any:
    """The gradient of a, given that of u = a / |a|; where |a| was below epsilon the divisor was a constant."""
    along = (du * u).sum(axis=axis, keepdims=True) * (length > config.epsilon())
    return (du - u * along) / length


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Return ``Concatenate(axis, **kwargs)(inputs)``.

    >>> import numpy as np
    >>> concatenate([np.ones((1, 2)), np.ones((1, 3))]).shape
    (1, 5)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Return ``Dot(axes, **kwargs)(inputs)``.

    >>> import numpy as np
    >>> dot([np.ones((1, 2)), np.ones((1, 2))]).tolist()
    [[2.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
