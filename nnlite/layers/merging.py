"""Layers that make one array of several, and their functions in lower case."""

from __future__ import annotations

import functools
import itertools
from typing import Any, NamedTuple

import numpy as np

from nnlite import activations
from nnlite.core import registry, wrapping
from nnlite.core.layer import Layer
from nnlite.core.structure import is_shape
from nnlite.kernels.merging import add_up, extremum_backward, extremum_forward, multiply_backward, raised, sum_to, times
from nnlite.layers.activation import is_relu


class Merge(Layer):
    """What the merging layers share: a list of inputs; what the element-wise ones share: shapes that broadcast."""

    supports_masking = True
    least, most = 1, 10**9

    def check_inputs(self, shapes: Any) -> None:
        """Raise ``ValueError`` unless ``shapes`` are those of as many inputs as the layer takes."""
        if is_shape(shapes):
            got = f"one of shape {tuple(shapes)}" if shapes else "none"
            raise ValueError(f"{self.label} takes a list of inputs, got {got}.")
        if not self.least <= len(shapes) <= self.most:
            wanted = f"{self.least}" if self.least == self.most else f"at least {self.least}"
            given = ", ".join(str(tuple(shape)) for shape in shapes)
            raise ValueError(f"{self.label} takes a list of {wanted} inputs, got {len(shapes)}: {given}.")

    def checked_masks(self, shapes: Any, mask: Any) -> list[Any]:
        """Return the masks, one for each input, as booleans or None; raise ``ValueError`` for any that do not fit."""
        if not isinstance(mask, (list, tuple)) or len(mask) != len(shapes):
            got = f"a list of {len(mask)}" if isinstance(mask, (list, tuple)) else f"a {type(mask).__name__}"
            raise ValueError(f"{self.label}: mask must be a list of {len(shapes)}, None for no mask; got {got}.")
        masks = [None if m is None else np.asarray(m, bool) for m in mask]
        for index, (shape, m) in enumerate(zip(shapes, masks, strict=True)):
            if m is not None and m.shape != tuple(shape[: m.ndim]):
                raise ValueError(
                    f"{self.label}: the mask of input {index}, of shape {tuple(shape)}, must have that shape or the "
                    f"beginning of it, got {m.shape}."
                )
        return masks

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        self.check_inputs(input_shape)
        rank = max(map(len, input_shape))
        found, owner = list(raised(tuple(input_shape[0]), rank)), [0] * rank
        for index, shape in enumerate(input_shape[1:], 1):
            for axis, (a, b) in enumerate(zip(found, raised(tuple(shape), rank), strict=True)):
                if a is not None and b is not None and a != b and (axis == 0 or 1 not in (a, b)):
                    other = owner[axis]
                    raise ValueError(
                        f"{self.label}: inputs {other} and {index}, of shapes {tuple(input_shape[other])} and "
                        f"{tuple(shape)}, do not go together: their sizes along axis {axis} are {a} and {b}."
                        + _if_raised(input_shape)
                    )
                if a == 1 or (a is None and b not in (1, None)):
                    found[axis], owner[axis] = b, index
        return tuple(found)

    def _raised(self, x: Any) -> tuple[list[Any], list[Any]]:
        """The inputs with equally many axes, and their shapes as given."""
        if not isinstance(x, list):
            raise ValueError(f"{self.label} takes a list of inputs, got one array of shape {np.shape(x)}.")
        shapes = [a.shape for a in x]
        self.compute_output_shape(shapes)
        rank = max(map(len, shapes))
        return [a if a.ndim == rank else a.reshape(raised(a.shape, rank)) for a in x], shapes

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        x, shapes = self._raised(x)
        return self._merge(x), shapes

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        alike = isinstance(shape, list) and all(one == shape[0] for one in shape)
        return (self._merge, 0) if alike else None

    def backward(self, dy: Any, shapes: Any) -> Any:
        return [sum_to(g, shape) for g, shape in zip(self._gradients(dy, len(shapes)), shapes, strict=True)]

    def _merge(self, x: list[Any]) -> Any:
        raise NotImplementedError

    def _gradients(self, dy: Any, number: int) -> list[Any]:
        """The gradients of linear layers by inputs that were not repeated."""
        raise NotImplementedError

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        if mask is None:
            return None
        masks = self.checked_masks([np.shape(a) for a in x], mask)
        return None if any(m is None for m in masks) else functools.reduce(np.logical_or, masks)


def _if_raised(shapes: Any) -> str:
    ranks = set(map(len, shapes))
    return " One of fewer axes gets axes of size 1 after the batch." if len(ranks) > 1 else ""


class Rectified(NamedTuple):
    """The cache of a sum and a ReLU after it: what came out, and the shapes that went in."""

    y: Any
    shapes: list[tuple[int, ...]]


@registry.register("layers")
class Add(Merge):
    """The sum of the inputs.

    ``y = x_0 + x_1 + ...``; backward ``dx_i = dy``, summed over the axes along which x_i was repeated.

    Inputs broadcast as NumPy's do, but not along the batch; one of fewer axes gets axes of size 1 after the batch. The
    mask of the output is true where any input's is; unless every input has one there is none.

    Raises ``ValueError`` for inputs whose shapes do not go together.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Add()([a, b]).tolist()
    [[4.0, 9.0]]
    """

    samples_alone = True

    def takes_along(self, layer: Layer) -> bool:
        """Whether training does that layer, which follows, too; see :mod:`nnlite.models.along`."""
        return is_relu(layer)

    def forward_along(self, x: Any, layer: Layer) -> tuple[Any, Any]:
        """Return what a ReLU makes of the sum, and the cache with which backward undoes both."""
        arrays, shapes = self._raised(wrapping.prepare(self, x))
        y = add_up(arrays, relu=True)
        return y, Rectified(y, shapes)

    fuses_batches = True

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        made = super().inference(shape, following)
        if made is None or not following or not is_relu(following[0]):
            return made if made is None or shape[0][0] is not None else None

        def infer(x: list[Any]) -> Any:
            if any(len(a) != len(x[0]) for a in x):
                self._raised(x)  # says so
            return add_up(x, relu=True)

        return infer, 1

    def backward(self, dy: Any, cache: Any) -> Any:
        if type(cache) is Rectified:
            dy, cache = activations.relu.backward(dy, cache.y), cache.shapes
        return super().backward(dy, cache)

    def _merge(self, x: list[Any]) -> Any:
        return add_up(x)

    def _gradients(self, dy: Any, number: int) -> list[Any]:
        return [dy] * number


@registry.register("layers")
class Subtract(Merge):
    """The difference of two inputs.

    ``y = x_0 - x_1``; backward ``dx_0 = dy``, ``dx_1 = -dy``, summed over the axes along which an input was repeated.

    Inputs broadcast as NumPy's do, but not along the batch; one of fewer axes gets axes of size 1 after the batch. The
    mask of the output is true where any input's is; unless every input has one there is none.

    Raises ``ValueError`` for inputs whose shapes do not go together.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Subtract()([a, b]).tolist()
    [[-2.0, 1.0]]
    """

    least = most = 2

    def _merge(self, x: list[Any]) -> Any:
        return x[0] - x[1]

    def _gradients(self, dy: Any, number: int) -> list[Any]:
        return [dy, -dy]


@registry.register("layers")
class Average(Merge):
    """The mean of the inputs.

    ``y = (x_0 + x_1 + ...) / k``; backward ``dx_i = dy / k``, summed over the axes along which x_i was repeated.

    Inputs broadcast as NumPy's do, but not along the batch; one of fewer axes gets axes of size 1 after the batch. The
    mask of the output is true where any input's is; unless every input has one there is none.

    Raises ``ValueError`` for inputs whose shapes do not go together.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Average()([a, b]).tolist()
    [[2.0, 4.5]]
    """

    def _merge(self, x: list[Any]) -> Any:
        y = add_up(x)
        return np.divide(y, y.dtype.type(len(x)), out=y)

    def _gradients(self, dy: Any, number: int) -> list[Any]:
        return [dy / dy.dtype.type(number)] * number


class _Pairwise(Merge):
    """Two by two: ``y_1 = f(x_0, x_1)``, ``y_2 = f(y_1, x_2)``, ...; masked values do not take part."""

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        x, shapes = self._raised(x)
        masks = [None] * len(x) if mask is None else self.checked_masks(shapes, mask)
        # Keras loses the mask of an input that gets axes.
        valid = [
            None if m is None or len(shape) < a.ndim else m.reshape(*m.shape, *(1,) * (a.ndim - m.ndim))
            for a, m, shape in zip(x, masks, shapes, strict=True)
        ]
        y, cache = self._fold(x, valid)
        return y, (cache, shapes)

    def backward(self, dy: Any, cache: Any) -> Any:
        inner, shapes = cache
        return [g.reshape(shape) for g, shape in zip(self._unfold(dy, inner), shapes, strict=True)]

    def _fold(self, x: list[Any], valid: list[Any]) -> tuple[Any, Any]:
        raise NotImplementedError

    def _unfold(self, dy: Any, cache: Any) -> list[Any]:
        raise NotImplementedError


@registry.register("layers")
class Multiply(_Pairwise):
    """The product of the inputs.

    ``y = x_0 * x_1 * ...``; backward ``dx_i = dy`` times all others.

    Inputs broadcast as NumPy's do, but not along the batch; one of fewer axes gets axes of size 1 after the batch. The
    mask of the output is true where any input's is; unless every input has one there is none.
    A masked value counts as 1; y is 0 where all inputs have masks and none is true.

    Raises ``ValueError`` for inputs whose shapes do not go together.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Multiply()([a, b]).tolist()
    [[3.0, 20.0]]
    """

    samples_alone = True

    def _fold(self, x: list[Any], valid: list[Any]) -> tuple[Any, Any]:
        x = [a if v is None else np.where(v, a, a.dtype.type(1)) for a, v in zip(x, valid, strict=True)]
        products = list(itertools.accumulate(x, times))
        y, anywhere = products.pop(), None
        if all(v is not None for v in valid):
            anywhere = functools.reduce(np.logical_or, valid)
            y = np.where(anywhere, y, y.dtype.type(0))
        return y, (x, products, valid, anywhere)

    def _unfold(self, dy: Any, cache: Any) -> list[Any]:
        x, products, valid, anywhere = cache
        if anywhere is not None:
            dy = np.where(anywhere, dy, dy.dtype.type(0))
        found: list[Any] = []
        for before, own in zip(reversed(products), reversed(x[1:]), strict=True):
            dy, given = multiply_backward(dy, before, own)
            found.insert(0, given)
        return [g if v is None else np.where(v, g, g.dtype.type(0)) for g, v in zip([dy, *found], valid, strict=True)]


class _Extremum(_Pairwise):
    """Maximum and Minimum: two by two, so that equal values share the gradient as in JAX."""

    ufunc: Any

    def _fold(self, x: list[Any], valid: list[Any]) -> tuple[Any, Any]:
        y, now, steps = x[0], valid[0], []
        for a, v in zip(x[1:], valid[1:], strict=True):
            steps.append((y, a, type(self).ufunc, now, v))
            y = extremum_forward(*steps[-1])
            now = None if now is None or v is None else np.logical_or(now, v)
        return y, steps

    def _unfold(self, dy: Any, cache: Any) -> list[Any]:
        found: list[Any] = []
        for step in reversed(cache):
            dy, given = extremum_backward(dy, *step)
            found.insert(0, given)
        return [dy, *found]


@registry.register("layers")
class Maximum(_Extremum):
    """The largest of the inputs, element by element.

    ``y = maximum(x_0, x_1, ...)``; backward dy goes to the largest; two that are equal get half of it each.

    Inputs broadcast as NumPy's do, but not along the batch; one of fewer axes gets axes of size 1 after the batch. The
    mask of the output is true where any input's is; unless every input has one there is none.
    Masked values do not take part; where all are masked, y is that of the first input.

    Raises ``ValueError`` for inputs whose shapes do not go together.

    >>> import numpy as np; a, b = np.array([[1.0, 5.0]]), np.array([[3.0, 4.0]])
    >>> Maximum()([a, b]).tolist()
    [[3.0, 5.0]]
    """

    ufunc = np.maximum


@registry.register("layers")
class Minimum(_Extremum):
    """The smallest of the inputs, element by element.

    ``y = minimum(x_0, x_1, ...)``; backward dy goes to the smallest; two that are equal get half of it each.

    Inputs broadcast as NumPy's do, but not along the batch; one of fewer axes gets axes of size 1 after the batch. The
    mask of the output is true where any input's is; unless every input has one there is none.
    Masked values do not take part; where all are masked, y is that of the first input.

    Raises ``ValueError`` for inputs whose shapes do not go together.

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
