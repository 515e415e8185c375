"""Borders: zeros around, and pieces cut off."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels.reshaping import zero_padding_backward, zero_padding_forward
from nnlite.layers import checks


class _Border(Layer):
    """What padding and cropping share: a number for each side of each spatial axis."""

    passes_integers = True
    rank: int

    def _pairs(self, name: str, value: Any) -> Any:
        """One pair (before, after) for each axis, given one number, one for each axis, or the pairs."""
        if self.rank == 1:
            return checks.sizes(self, name, value, 2, least=0)
        pairs = (value,) * self.rank if isinstance(value, (int, np.integer)) else value
        if not isinstance(pairs, (tuple, list)) or len(pairs) != self.rank:
            words = {2: "two", 3: "three"}[self.rank]
            raise ValueError(
                f"{self.label}: {name} must be a number, {words} numbers or {words} pairs of numbers, got {value!r}."
            )
        return tuple(checks.sizes(self, name, pair, 2, least=0) for pair in pairs)

    def _sides(self, pairs: Any, data_format: str) -> Any:
        """One pair for every axis of the input."""
        none, inner = (0, 0), (pairs,) if self.rank == 1 else pairs
        return (none, none, *inner) if data_format == "channels_first" else (none, *inner, none)


class _ZeroPadding(_Border):
    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = self._pairs("padding", padding)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return zero_padding_forward(x, self._sides(self.padding, self.data_format)), None

    def backward(self, dy: Any, cache: Any) -> Any:
        return zero_padding_backward(dy, self._sides(self.padding, self.data_format))

    def compute_output_shape(self, input_shape: Any) -> Any:
        sides = self._sides(self.padding, self.data_format)
        return tuple(n if n is None else n + sum(pad) for n, pad in zip(input_shape, sides, strict=True))


class _Cropping(_Border):
    cropping: Any
    data_format = "channels_last"

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        self.compute_output_shape(x.shape)
        return zero_padding_backward(x, self._sides(self.cropping, self.data_format)), None

    def backward(self, dy: Any, cache: Any) -> Any:
        return zero_padding_forward(dy, self._sides(self.cropping, self.data_format))

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        sides = self._sides(self.cropping, self.data_format)
        sizes = [n if n is None else n - sum(cut) for n, cut in zip(input_shape, sides, strict=True)]
        for axis, (n, cut) in enumerate(zip(sizes, sides, strict=True)):
            if n is not None and n < 1 and sum(cut):
                raise ValueError(
                    f"{self.label}: cropping {cut} leaves nothing of axis {axis} of an input of shape "
                    f"{tuple(input_shape)}."
                )
        return tuple(sizes)


@registry.register("layers")
class ZeroPadding1D(_ZeroPadding):
    """Zeros around a sequence; backward: the gradient without the border.

    Args:
        padding: one number for all sides, (before, after).
        data_format: "channels_last" (N, T, C) or "channels_first"; the configured default where None.

    >>> import numpy as np
    >>> ZeroPadding1D((1, 2))(np.ones((5, 4, 2))).shape
    (5, 7, 2)
    """

    samples_alone = True
    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


@registry.register("layers")
class ZeroPadding2D(_ZeroPadding):
    """Zeros around images; backward: the gradient without the border.

    Args:
        padding: one number for all sides, (rows, columns), or ((top, bottom), (left, right)).
        data_format: "channels_last" (N, H, W, C) or "channels_first"; the configured default where None.

    >>> import numpy as np
    >>> ZeroPadding2D(((1, 0), (2, 3)))(np.ones((5, 4, 4, 2))).shape
    (5, 5, 9, 2)
    """

    samples_alone = True
    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


@registry.register("layers")
class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes; backward: the gradient without the border.

    Args:
        padding: one number for all sides, one for each axis, or three pairs (before, after).
        data_format: "channels_last" (N, D, H, W, C) or "channels_first"; the configured default where None.

    >>> import numpy as np
    >>> ZeroPadding3D(1)(np.ones((5, 2, 3, 4, 2))).shape
    (5, 4, 5, 6, 2)
    """

    samples_alone = True
    rank = 3

    def __init__(self, padding: Any = (1, 1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


@registry.register("layers")
class Cropping1D(_Cropping):
    """A sequence without a border; backward: the gradient with zeros around it.

    Args:
        cropping: what is cut off: one number for all sides, (before, after).

    Raises ``ValueError`` where nothing would be left.

    >>> import numpy as np
    >>> Cropping1D((1, 2))(np.ones((5, 7, 2))).shape
    (5, 4, 2)
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = self._pairs("cropping", cropping)
        self.input_spec = InputSpec(ndim=3)


@registry.register("layers")
class Cropping2D(_Cropping):
    """Images without a border; backward: the gradient with zeros around it.

    Args:
        cropping: what is cut off: one number for all sides, (rows, columns), or ((top, bottom), (left, right)).
        data_format: "channels_last" (N, H, W, C) or "channels_first"; the configured default where None.

    Raises ``ValueError`` where nothing would be left.

    >>> import numpy as np
    >>> Cropping2D(((1, 0), (2, 3)))(np.ones((5, 5, 9, 2))).shape
    (5, 4, 4, 2)
    """

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = self._pairs("cropping", cropping)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=4)


@registry.register("layers")
class Cropping3D(_Cropping):
    """Volumes without a border; backward: the gradient with zeros around it.

    Args:
        cropping: what is cut off: one number for all sides, one for each axis, or three pairs (before, after).
        data_format: "channels_last" (N, D, H, W, C) or "channels_first"; the configured default where None.

    Raises ``ValueError`` where nothing would be left.

    >>> import numpy as np
    >>> Cropping3D(1)(np.ones((5, 4, 5, 6, 2))).shape
    (5, 2, 3, 4, 2)
    """

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = self._pairs("cropping", cropping)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=5)
