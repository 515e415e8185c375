"""Concatenate and Dot, and their functions in lower case."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.layers import checks
from nnlite.layers.merging import Merge


@registry.register("layers")
class Concatenate(Merge):
    """The inputs behind each other along an axis; backward: dy in as many pieces.

    Args:
        axis: the axis; all others must have equal sizes.

    The mask of the output is true where all inputs' masks are joined to something true.

    Raises:
        ValueError: for inputs whose other sizes differ.

    >>> import numpy as np
    >>> Concatenate()([np.ones((2, 3)), np.ones((2, 4))]).shape
    (2, 7)
    """

    least = 1

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
            raise TypeError(f"{self.label}: axis must be a whole number, got {axis!r}.")
        self.axis = int(axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        self.check_inputs(input_shape)
        first = input_shape[0]
        checks.axes_exist(self, "axis", [self.axis], first)
        axis = self.axis % len(first)
        found = list(first)
        for index, shape in enumerate(input_shape[1:], 1):
            if len(shape) != len(first):
                raise ValueError(
                    f"{self.label}: input {index} has shape {tuple(shape)}, the first {tuple(first)}: as many axes are "
                    f"expected."
                )
            for other, (a, b) in enumerate(zip(first, shape, strict=True)):
                if other != axis and a is not None and b is not None and a != b:
                    raise ValueError(
                        f"{self.label}: input {index} of shape {tuple(shape)} differs from the first, {tuple(first)}, "
                        f"along axis {other}; only axis {axis} may differ."
                    )
            total, size = found[axis], shape[axis]
            found[axis] = None if total is None or size is None else total + size
        return tuple(found)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not isinstance(x, list):
            raise ValueError(f"{self.label} takes a list of inputs, got one array of shape {np.shape(x)}.")
        self.compute_output_shape([a.shape for a in x])
        return np.concatenate(x, axis=self.axis), [a.shape[self.axis] for a in x]

    def backward(self, dy: Any, sizes: Any) -> Any:
        return [np.array(part) for part in np.split(dy, np.cumsum(sizes)[:-1], axis=self.axis)]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        if mask is None or all(m is None for m in mask):
            return None
        full = []
        for one, m in zip(x, mask, strict=True):
            if m is None:
                full.append(np.ones(np.shape(one), bool))
            else:
                full.append(np.logical_or(m[..., None], np.zeros(np.shape(one), bool)) if m.ndim < np.ndim(one) else m)
        return np.concatenate(full, axis=self.axis).any(axis=-1)


@registry.register("layers")
class Dot(Merge):
    """The products of two inputs, summed along an axis of each, sample by sample.

    With axes (i, j): ``y[n, rest of a, rest of b] = sum over k of a[n, ..k at i..] * b[n, ..k at j..]``; inputs that
    keep no axis give (N, 1). Backward: ``da`` is the same product of dy and b over b's other axes, db likewise.

    Args:
        axes: the axis of each input, or one for both.
        normalize: whether both inputs are first brought to length 1 along that axis, so that y is the cosine.

    Raises:
        ValueError: for another number of inputs than two, and axes of different sizes.

    >>> import numpy as np
    >>> Dot(1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
    [[11.0]]
    """

    most = 2

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
        given = self.axes if isinstance(self.axes, (tuple, list)) else (self.axes, self.axes)
        for axis, shape in zip(given, shapes, strict=True):
            checks.axes_exist(self, "axes", [axis], shape)
        i, j = (axis % len(shape) for axis, shape in zip(given, shapes, strict=True))
        if 0 in (i, j):
            raise ValueError(f"{self.label}: axes must not be that of the batch, got {self.axes!r}.")
        return i, j

    def compute_output_shape(self, input_shape: Any) -> Any:
        self.check_inputs(input_shape)
        a, b = input_shape
        i, j = self._pair(input_shape)
        if a[i] is not None and b[j] is not None and a[i] != b[j]:
            raise ValueError(
                f"{self.label}: axis {i} of the first input, {tuple(a)}, and axis {j} of the second, {tuple(b)}, have "
                f"different sizes, {a[i]} and {b[j]}."
            )
        rest = [n for k, n in enumerate(a) if k not in (0, i)] + [n for k, n in enumerate(b) if k not in (0, j)]
        return (a[0], *(rest or [1]))

    def _letters(self, shapes: Any) -> tuple[str, str, str]:
        i, j = self._pair(shapes)
        letters = iter("abcdefghijklm")
        first = "".join("n" if k == 0 else "z" if k == i else next(letters) for k in range(len(shapes[0])))
        second = "".join("n" if k == 0 else "z" if k == j else next(letters) for k in range(len(shapes[1])))
        return first, second, "".join(c for c in first + second[1:] if c != "z")

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not isinstance(x, list):
            raise ValueError(f"{self.label} takes a list of inputs, got one array of shape {np.shape(x)}.")
        shapes = [a.shape for a in x]
        out = self.compute_output_shape(shapes)
        given = list(x)
        if self.normalize:
            x = [a / _length(a, axis) for a, axis in zip(x, self._pair(shapes), strict=True)]
        first, second, result = self._letters(shapes)
        y = np.einsum(f"{first},{second}->{result}", *x, optimize=True)
        return y.reshape(out), (x, given, shapes)

    def backward(self, dy: Any, cache: Any) -> Any:
        x, given, shapes = cache
        first, second, result = self._letters(shapes)
        dy = dy.reshape([n for n, c in zip(dy.shape, result, strict=False)][: len(result)])
        gradients = [
            np.einsum(f"{result},{second}->{first}", dy, x[1], optimize=True),
            np.einsum(f"{result},{first}->{second}", dy, x[0], optimize=True),
        ]
        if self.normalize:  # y = x / l, l = |x|: dx = (dy - y * sum(dy * y)) / l
            pairs = zip(gradients, x, given, self._pair(shapes), strict=True)
            gradients = [(g - u * (g * u).sum(axis=axis, keepdims=True)) / _length(a, axis) for g, u, a, axis in pairs]
        return gradients

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None


def _length(a: Any, axis: int) -> Any:
    length = np.sqrt(np.square(a).sum(axis=axis, keepdims=True))
    return np.maximum(length, length.dtype.type(1e-12))


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
