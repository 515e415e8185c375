"""Layers that make one array of several, and their functions in lower case."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.core.structure import is_shape


class Merge(Layer):
    """What the element-wise merging layers share: several inputs of shapes that broadcast."""

    supports_masking = True
    least, most = 2, 10**9

    def check_inputs(self, shapes: Any) -> None:
        if is_shape(shapes):
            raise ValueError(f"{self.label} takes a list of inputs, got one of shape {tuple(shapes)}.")
        if not self.least <= len(shapes) <= self.most:
            wanted = str(self.least) if self.least == self.most else f"at least {self.least}"
            raise ValueError(f"{self.label} takes {wanted} inputs, got {len(shapes)}.")

    def build(self, input_shape: Any) -> None:
        self.check_inputs(input_shape)
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        self.check_inputs(input_shape)
        shapes = [_raised(shape, max(map(len, input_shape))) for shape in input_shape]
        found = list(shapes[0])
        for index, shape in enumerate(shapes[1:], 1):
            for axis, (a, b) in enumerate(zip(found, shape, strict=True)):
                if a is not None and b is not None and a != b and 1 not in (a, b):
                    raise ValueError(
                        f"{self.label}: input {index} of shape {tuple(input_shape[index])} does not go with those "
                        f"before it along axis {axis}: sizes {b} and {a}."
                    )
                found[axis] = b if a == 1 or (a is None and b not in (1, None)) else a
        return tuple(found)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not isinstance(x, list):
            raise ValueError(f"{self.label} takes a list of inputs, got one array of shape {np.shape(x)}.")
        shapes = [a.shape for a in x]
        self.compute_output_shape(shapes)
        rank = max(map(len, shapes))
        raised = [a.reshape(_raised(a.shape, rank)) for a in x]
        return self._merge(raised), (raised, shapes)

    def backward(self, dy: Any, cache: Any) -> Any:
        x, shapes = cache
        gradients = self._gradients(dy, x)
        return [_summed(g, a.shape).reshape(s) for g, a, s in zip(gradients, x, shapes, strict=True)]

    def _merge(self, x: list[Any]) -> Any:
        raise NotImplementedError

    def _gradients(self, dy: Any, x: list[Any]) -> list[Any]:
        raise NotImplementedError

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        if mask is None or any(m is None for m in mask):
            return None
        found = mask[0]
        for m in mask[1:]:
            found = np.logical_or(found, m)
        return found


def _raised(shape: Any, rank: int) -> tuple[Any, ...]:
    """A shape with axes of size 1 after the batch."""
    return (*shape[:1], *(1,) * (rank - len(shape)), *shape[1:])


def _summed(gradient: Any, shape: tuple[int, ...]) -> Any:
    """A gradient summed over the axes along which an input was repeated."""
    axes = tuple(axis for axis, (n, m) in enumerate(zip(gradient.shape, shape, strict=True)) if m == 1 and n != 1)
    return gradient.sum(axis=axes, keepdims=True) if axes else np.array(gradient)


@registry.register("layers")
class Add(Merge):
    """The sum of the inputs.

    ``y = x_0 + x_1 + ...``; backward ``dx_i = dy``.

    Inputs broadcast as NumPy's do; one of fewer axes gets axes of size 1 after the batch. The mask of the output is
    true where any input's is.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Add()([a, b]).tolist()
    [[4.0, 9.0]]
    """

    def _merge(self, x: list[Any]) -> Any:
        return sum(x[1:], x[0])

    def _gradients(self, dy: Any, x: list[Any]) -> list[Any]:
        return [dy] * len(x)


@registry.register("layers")
class Subtract(Merge):
    """The difference of two inputs.

    ``y = x_0 - x_1``; backward ``dx_0 = dy``, ``dx_1 = -dy``.

    Inputs broadcast as NumPy's do; one of fewer axes gets axes of size 1 after the batch. The mask of the output is
    true where any input's is.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Subtract()([a, b]).tolist()
    [[-2.0, 1.0]]
    """

    most = 2

    def _merge(self, x: list[Any]) -> Any:
        return x[0] - x[1]

    def _gradients(self, dy: Any, x: list[Any]) -> list[Any]:
        return [dy, -dy]


@registry.register("layers")
class Multiply(Merge):
    """The product of the inputs.

    ``y = x_0 * x_1 * ...``; backward ``dx_i = dy`` times all others.

    Inputs broadcast as NumPy's do; one of fewer axes gets axes of size 1 after the batch. The mask of the output is
    true where any input's is.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Multiply()([a, b]).tolist()
    [[3.0, 20.0]]
    """

    def _merge(self, x: list[Any]) -> Any:
        y = x[0]
        for a in x[1:]:
            y = y * a
        return y

    def _gradients(self, dy: Any, x: list[Any]) -> list[Any]:
        return [self._merge([dy, *x[:i], *x[i + 1 :]]) for i in range(len(x))]


@registry.register("layers")
class Average(Merge):
    """The mean of the inputs.

    ``y = (x_0 + x_1 + ...) / k``; backward ``dx_i = dy / k``.

    Inputs broadcast as NumPy's do; one of fewer axes gets axes of size 1 after the batch. The mask of the output is
    true where any input's is.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Average()([a, b]).tolist()
    [[2.0, 4.5]]
    """

    def _merge(self, x: list[Any]) -> Any:
        y = sum(x[1:], x[0])
        return y / y.dtype.type(len(x))

    def _gradients(self, dy: Any, x: list[Any]) -> list[Any]:
        return [dy / dy.dtype.type(len(x))] * len(x)


class _Extremum(Merge):
    """Maximum and Minimum: two by two, so that equal values share the gradient as in JAX."""

    ufunc: Any

    def _merge(self, x: list[Any]) -> Any:
        y = x[0]
        for a in x[1:]:
            y = type(self).ufunc(y, a)
        return y

    def _gradients(self, dy: Any, x: list[Any]) -> list[Any]:
        found: list[Any] = []
        for i in range(len(x) - 1, 0, -1):
            before, own = self._merge(x[:i]), x[i]
            chosen = type(self).ufunc(before, own)
            first, second = (chosen == before).astype(dy.dtype), (chosen == own).astype(dy.dtype)
            share = dy / np.maximum(first + second, 1)
            found.append(share * second)
            dy = _summed(share * first, before.shape)
        return [dy, *reversed(found)]


@registry.register("layers")
class Maximum(_Extremum):
    """The largest of the inputs, element by element.

    ``y = maximum(x_0, x_1, ...)``; backward dy goes to the largest; two that are equal share it.

    Inputs broadcast as NumPy's do; one of fewer axes gets axes of size 1 after the batch. The mask of the output is
    true where any input's is.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Maximum()([a, b]).tolist()
    [[3.0, 5.0]]
    """

    ufunc = np.maximum


@registry.register("layers")
class Minimum(_Extremum):
    """The smallest of the inputs, element by element.

    ``y = minimum(x_0, x_1, ...)``; backward dy goes to the smallest; two that are equal share it.

    Inputs broadcast as NumPy's do; one of fewer axes gets axes of size 1 after the batch. The mask of the output is
    true where any input's is.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Minimum()([a, b]).tolist()
    [[1.0, 4.0]]
    """

    ufunc = np.minimum


def add(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Add(**kwargs)(inputs)``.

    >>> import numpy as np
    >>> add([np.ones((1, 2)), np.ones((1, 2))]).shape
    (1, 2)
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Subtract(**kwargs)(inputs)``.

    >>> import numpy as np
    >>> subtract([np.ones((1, 2)), np.ones((1, 2))]).shape
    (1, 2)
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Multiply(**kwargs)(inputs)``.

    >>> import numpy as np
    >>> multiply([np.ones((1, 2)), np.ones((1, 2))]).shape
    (1, 2)
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Average(**kwargs)(inputs)``.

    >>> import numpy as np
    >>> average([np.ones((1, 2)), np.ones((1, 2))]).shape
    (1, 2)
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Maximum(**kwargs)(inputs)``.

    >>> import numpy as np
    >>> maximum([np.ones((1, 2)), np.ones((1, 2))]).shape
    (1, 2)
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Return ``Minimum(**kwargs)(inputs)``.

    >>> import numpy as np
    >>> minimum([np.ones((1, 2)), np.ones((1, 2))]).shape
    (1, 2)
    """
    return Minimum(**kwargs)(inputs)
