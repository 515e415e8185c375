"""What all metrics share: variables that gather batches, and a result."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import naming, serialization, tracking
from nnlite.core.registry import register
from nnlite.core.variable import Variable
from nnlite.kernels.losses import same_rank


class Metric(serialization.Configurable):
    """Base class of metrics.

    A metric of your own makes its variables in the constructor with :meth:`add_weight` and defines ``update_state`` and
    ``result``.

    Args:
        dtype: accepted as in Keras; sums are kept in float64.
        name: name in logs; made from the class's where None.

    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.value = self.add_weight(name="value", initializer="zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.value.assign(max(float(self.value), float(np.max(y_pred))))
    ...     def result(self):
    ...         return float(self.value)
    >>> metric = Largest()
    >>> metric.update_state([0], [3.0]); metric.update_state([0], [2.0]); metric.result()
    3.0
    """

    # Whether larger or smaller is better: "up", "down", or None where neither is.
    _direction: str | None = None

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or naming.auto_name(type(self).__name__)
        self._dtype = dtype

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """Create a variable, which :meth:`reset_state` sets to zeros; assign it to an attribute."""
        make = serialization.get("initializers", "zeros" if initializer is None else initializer)
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        label = name or "variable"
        kind = np.dtype(dtype or np.float64)
        return Variable(make(shape, "float64"), trainable=False, name=label, path=f"{self.name}/{label}", dtype=kind)

    add_variable = add_weight

    @property
    def variables(self) -> list[Variable]:
        """The variables that gather batches."""
        return tracking.find(self, Variable)

    @property
    def dtype(self) -> str:
        """The dtype given to the constructor."""
        return str(self._dtype or "float32")

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Add a batch."""
        raise NotImplementedError(
            f"{type(self).__name__} must define update_state(self, y_true, y_pred, sample_weight=None)."
        )

    def result(self) -> Any:
        """Return the value over all batches since the last reset."""
        raise NotImplementedError(f"{type(self).__name__} must define result(self).")

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self.variables:
            variable.value.fill(0)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch and return the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Return name, dtype and the constructor's other arguments."""
        return {"name": self.name, "dtype": self.dtype} | super().get_config()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def prepared(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and predictions as arrays, the latter floating point, their ranks made equal."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_pred.dtype.kind != "f":
        y_pred = y_pred.astype(np.float32)
    return same_rank(y_true, y_pred)


class _Total(Metric):
    """A sum of values times weights."""

    _reduce: Any = np.mean  # how the values of one weight become one

    def __init__(self, name: str, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_weight(name="total")

    def _weighted(self, values: Any, sample_weight: Any) -> tuple[float, float]:
        """Sum of weighted values, and of the weights; values are reduced to the weights' rank first."""
        values = np.asarray(values, np.float64)
        if sample_weight is None:
            return float(values.sum()), float(values.size)
        weight = np.asarray(sample_weight, np.float64)
        values, weight = same_rank(values, weight)
        if values.ndim > weight.ndim:
            values = type(self)._reduce(values, axis=tuple(range(weight.ndim, values.ndim)))
        try:
            weight = np.broadcast_to(weight, values.shape)
        except ValueError:
            raise ValueError(
                f"{self.name}: sample_weight of shape {weight.shape} does not fit values of shape {values.shape}."
            ) from None
        return float((values * weight).sum()), float(weight.sum())


@register("metrics")
class Sum(_Total):
    """The sum of all values times their weights.

    >>> metric = Sum()
    >>> metric.update_state([1, 3]); metric.result()
    4.0
    """

    _reduce = np.sum

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        self.total.value += self._weighted(values, sample_weight)[0]

    def result(self) -> float:
        return float(self.total.value)


@register("metrics")
class Mean(_Total):
    """The weighted mean of all values: sum of values * weights / sum of weights; 0 before the first.

    >>> metric = Mean()
    >>> metric.update_state([1, 3]); metric.result()
    2.0
    """

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.count = self.add_weight(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        if type(values) is float and type(sample_weight) is int:  # the running loss of every step
            self.total.value += values * sample_weight
            self.count.value += sample_weight
            return
        total, count = self._weighted(values, sample_weight)
        self.total.value += total
        self.count.value += count

    def result(self) -> float:
        count = float(self.count.value)
        return float(self.total.value) / count if count else 0.0

    def reset_state(self) -> None:
        self.total.value.fill(0)
        self.count.value.fill(0)


@register("metrics")
class MeanMetricWrapper(Mean):
    """The mean of a function of (y_true, y_pred).

    Args:
        fn: gives one value a sample.
        name, dtype: as for :class:`Metric`.
        kwargs: options of the function.

    >>> metric = MeanMetricWrapper(lambda y_true, y_pred: abs(y_pred - y_true)[..., 0], name="gap")
    >>> metric([[1.0], [2.0]], [[1.0], [4.0]])
    1.0
    """

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(str(name or getattr(fn, "__name__", "metric")), dtype)
        self._fn, self._options = fn, kwargs
        self._direction = getattr(fn, "_direction", None)

    def update_state(  # type: ignore[override]  # it takes what is averaged as two arguments
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        values = self._fn(*prepared(y_true, y_pred), **self._options)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
        if type(self) is MeanMetricWrapper:
            config["fn"] = serialization.serialize(self._fn)
            return config | serialization.serialize(self._options)
        return config | {n: serialization.serialize(v) for n, v in self._options.items() if n in self.argument_names()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        if cls is MeanMetricWrapper:
            config = dict(config)
            config["fn"] = serialization.get("metrics", config["fn"])
        return super().from_config(config)


def get(identifier: Any) -> Any:
    """Return the metric meant by a name (a function for function names, an object for class names), config or object.

    Raises ``ValueError`` for an unknown name.

    >>> get("mse").__name__
    'mean_squared_error'
    """
    return serialization.get("metrics", identifier)


def serialize(metric: Any) -> Any:
    """Return the config of a metric, the name of a built-in function.

    >>> serialize(get("mae"))
    'mean_absolute_error'
    """
    return serialization.serialize(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the metric that a name or config describes.

    >>> deserialize(serialize(Sum())).name
    'sum'
    """
    return serialization.deserialize(config, "metrics", custom_objects)
