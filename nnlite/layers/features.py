"""Normalization of features by statistics of the data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.layers import checks

# Rows looked at at once, so that adapting to a memory map takes little memory.
_ROWS = 65536


@registry.register("layers")
class Normalization(Layer):
    """Features brought to mean 0 and variance 1 by statistics of the data, which :meth:`adapt` takes.

    ``y = (x - mean) / max(sqrt(variance), 1e-7)`` and ``dx = dy / max(sqrt(variance), 1e-7)``; with ``invert``
    ``y = mean + x * max(sqrt(variance), 1e-7)``. Mean and (biased) variance are taken over all axes but ``axis``.

    Args:
        axis: the axis or axes that have statistics of their own; None for one mean and variance in all.
        mean, variance: the statistics, in the place of adapting: numbers, or arrays of the sizes of ``axis``.
        invert: whether to turn normalized features back.

    Variables: mean and variance of the sizes of ``axis``, and a count that Keras has in its files; none where
    statistics are given.

    Raises:
        ValueError: if one of mean and variance is given alone, their shapes differ or do not fit, an axis does not
            exist or its size is open.

    >>> import numpy as np
    >>> layer = Normalization()
    >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 10.0]]))
    >>> layer(np.array([[3.0, 10.0]])).tolist()
    [[1.0, 0.0]]
    """

    supports_masking = True

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        axes = () if axis is None else tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
        if any(isinstance(a, bool) or not isinstance(a, (int, np.integer)) for a in axes):
            raise TypeError(f"{self.label}: axis must be a whole number, several, or None, got {axis!r}.")
        self.axis = tuple(int(a) for a in axes)
        self.invert = bool(invert)
        if (mean is None) != (variance is None):
            raise ValueError(f"{self.label}: mean and variance must be given together, got mean={mean} and {variance}.")
        if np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(self.axis):
            raise ValueError(
                f"{self.label}: mean and variance must have one shape, of at most {len(self.axis)} axes, got shapes "
                f"{np.shape(mean)} and {np.shape(variance)}."
            )
        if mean is not None and not np.all(np.asarray(variance, float) >= 0):
            raise ValueError(f"{self.label}: variance must not be negative, got {variance!r}.")
        self.input_mean = None if mean is None else np.asarray(mean).tolist()
        self.input_variance = None if variance is None else np.asarray(variance).tolist()

    def build(self, input_shape: Any) -> None:
        checks.axes_exist(self, "axis", self.axis, input_shape)
        rank = len(input_shape)
        self._kept = sorted(a % rank for a in self.axis)
        sizes = tuple(checks.known(self, input_shape, a) for a in self._kept)
        self._form = tuple(input_shape[a] if a in self._kept else 1 for a in range(rank))
        if self.input_mean is None:
            self.adapt_mean = self.add_weight(sizes, "zeros", trainable=False, name="mean")
            self.adapt_variance = self.add_weight(sizes, "ones", trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")
        else:
            self._given()  # raises where the shapes do not fit

    def _given(self) -> tuple[np.ndarray, np.ndarray]:
        """The statistics given, in the input's rank: their last axes are those of ``axis``."""
        found = []
        for value in (self.input_mean, self.input_variance):
            array = np.asarray(value, self._compute)
            form = [1] * len(self._form)
            for size, axis in zip(reversed(array.shape), reversed(self._kept), strict=False):
                form[axis] = size
            try:
                found.append(np.broadcast_to(array.reshape(form), self._form))
            except ValueError:
                raise ValueError(
                    f"{self.label}: mean and variance of shape {array.shape} do not fit the axes {self.axis} of its "
                    f"input, of sizes {tuple(self._form[a] for a in self._kept)}."
                ) from None
        return found[0], found[1]

    @property
    def mean(self) -> Any:
        """The mean in the input's rank; None while not built."""
        return self._statistics()[0] if self.built else None

    @property
    def variance(self) -> Any:
        """The variance in the input's rank; None while not built."""
        return self._statistics()[1] if self.built else None

    def _statistics(self) -> tuple[np.ndarray, np.ndarray]:
        if self.input_mean is not None:
            return self._given()
        return self.adapt_mean.value.reshape(self._form), self.adapt_variance.value.reshape(self._form)

    def adapt(self, data: Any) -> None:
        """Take mean and variance of the data, in float64 and a part at a time.

        Args:
            data: an array, or batches: a list of arrays, a ``PyDataset``, a generator; of a batch ``(x, y)`` x counts.

        Raises ``ValueError`` if statistics were given, there is no data, or shapes do not fit.
        """
        if self.input_mean is not None:
            raise ValueError(f"{self.label}: mean and variance were given, so there is nothing to adapt.")
        count, mean, squares = 0, np.zeros(()), np.zeros(())
        for batch in _batches(self, data):
            if not self.built:
                self.build((None, *batch.shape[1:]) if 0 not in [a % batch.ndim for a in self.axis] else batch.shape)
            if batch.ndim != len(self._form) or any(batch.shape[a] != self._form[a] for a in self._kept):
                raise ValueError(
                    f"{self.label}: was built for {self._form}, cannot adapt to data of shape {batch.shape}."
                )
            others = tuple(a for a in range(batch.ndim) if a not in self._kept)
            part = batch.astype(np.float64)
            size = int(np.prod([batch.shape[a] for a in others]))
            if not size:
                continue
            average = part.mean(axis=others)
            deviation = part - average.reshape(self._form)
            # two parts of n and m numbers: squares add up, and n m / (n + m) times the square of the means' distance
            count += size
            distance = average - mean
            squares = squares + (deviation * deviation).sum(axis=others) + distance**2 * (count - size) * size / count
            mean = mean + distance * size / count
        if not count:
            raise ValueError(f"{self.label}: adapt got no data.")
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(squares / count)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        mean, deviation = self._scale()
        return (mean + x * deviation if self.invert else (x - mean) / deviation), None

    def backward(self, dy: Any, cache: Any) -> Any:
        _, deviation = self._scale()
        return dy * deviation if self.invert else dy / deviation

    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = self._statistics()
        return mean, np.maximum(np.sqrt(variance), variance.dtype.type(config.epsilon()))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"mean": self.input_mean, "variance": self.input_variance}


def _batches(layer: Layer, data: Any) -> Iterator[np.ndarray]:
    """The data a part at a time."""
    if isinstance(data, (list, tuple)) and len(data) and not hasattr(data[0], "shape"):
        data = np.asarray(data)
    if hasattr(data, "shape"):
        if not len(data.shape):
            raise ValueError(f"{layer.label}: adapt takes data with at least one axis, got a single number.")
        if 0 in [a % len(data.shape) for a in getattr(layer, "axis", ())] or len(data) <= _ROWS:
            yield _numbers(layer, np.asarray(data))
            return
        for start in range(0, len(data), _ROWS):
            yield _numbers(layer, np.asarray(data[start : start + _ROWS]))
        return
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        batches: Any = map(data.__getitem__, range(len(data)))
    elif isinstance(data, Iterable):
        batches = data
    else:
        raise TypeError(f"{layer.label}: adapt takes an array or batches of arrays, got {data!r}.")
    for batch in batches:
        yield _numbers(layer, np.asarray(batch[0] if isinstance(batch, (tuple, list)) else batch))


def _numbers(layer: Layer, batch: np.ndarray) -> np.ndarray:
    if batch.dtype.kind not in "fiub":
        raise TypeError(f"{layer.label}: adapt takes numbers, got an array of {batch.dtype}.")
    return batch
