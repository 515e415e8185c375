"""What all metrics share: variables that gather batches, and a result."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from nnlite.core import dtypes, loading, naming, registry, serialization, tracking
from nnlite.core.variable import Variable
from nnlite.kernels.activation import silent
from nnlite.kernels.losses import same_rank
from nnlite.losses.base import run_forward

# The functions by name; strings given to compile or get mean the classes of these names, as in Keras.
_functions: dict[str, Any] = {}


def metric_function(direction: str) -> Any:
    """Return a decorator that makes a function of (y_true, y_pred) known, and says whether "up" or "down" is better."""

    def add(function: Any) -> Any:
        function._direction = direction
        _functions[function.__name__] = function
        return registry.register("metrics")(function)

    return add


def metric_class(*names: str) -> Any:
    """Return a decorator that makes a metric known by its name, the same in snake case, and further ``names``."""

    def add(cls: Any) -> Any:
        return registry.register("metrics", naming.to_snake_case(cls.__name__), *names)(cls)

    return add


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
        loading.spend(shape, np.float64, f"{self.name} asks for a variable {label!r}")
        kind = np.dtype(dtype or np.float64)
        return Variable(make(shape, "float64"), trainable=False, name=label, path=f"{self.name}/{label}", dtype=kind)

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, aggregation: str = "sum", name: str | None = None
    ) -> Variable:
        """Create a variable, as :meth:`add_weight`; ``aggregation`` is for several devices and has no effect."""
        return self.add_weight(shape, initializer, dtype, name)

    @property
    def variables(self) -> list[Variable]:
        """The variables that gather batches."""
        return tracking.find(self, Variable)

    @property
    def dtype(self) -> str:
        """The name of the dtype given to the constructor."""
        return dtypes.policy_name(self._dtype)

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
    """Return targets and predictions as arrays, the latter floating point, their ranks made equal where they differ
    by a last axis of size 1."""
    return same_rank(np.asarray(y_true), dtypes.floating(y_pred))


class _Total(Metric):
    """A sum of values times weights."""

    _reduce: Any = np.mean  # how the values of one weight become one

    def __init__(self, name: str | None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_weight(name="total")

    def _weighed(self, values: Any, sample_weight: Any) -> tuple[Any, Any]:
        """The values, reduced to the weights' rank, and the weights in their shape, both in float64."""
        values = np.asarray(values, np.float64)
        weight = np.asarray(sample_weight, np.float64)
        values, weight = same_rank(values, weight)
        if values.ndim > weight.ndim:
            values = type(self)._reduce(values, axis=tuple(range(weight.ndim, values.ndim)))
        if weight.shape != np.shape(values):
            try:
                weight = np.broadcast_to(weight, np.shape(values))
            except ValueError:
                raise ValueError(
                    f"{self.name}: sample_weight of shape {np.shape(sample_weight)} does not fit values of shape "
                    f"{np.shape(values)}."
                ) from None
        return values, weight


@metric_class()
class Sum(_Total):
    """The sum of all values times their weights.

    >>> metric = Sum()
    >>> metric.update_state([1, 3]); metric.result()
    4.0
    """

    _reduce = np.sum

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    @silent
    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        if sample_weight is not None:
            values, weight = self._weighed(values, sample_weight)
            values = values * weight
        self.total.value += np.sum(values, dtype=np.float64)

    def result(self) -> float:
        return float(self.total.value)


@metric_class()
class Mean(_Total):
    """The weighted mean of all samples: sum of values * weights / sum of weights; 0 before the first.

    Samples count alike, however many values each has: those along all axes but the first are averaged.

    >>> metric = Mean()
    >>> metric.update_state([1, 3]); metric.result()
    2.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.count = self.add_weight(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        if type(values) is float and type(sample_weight) is int:  # the running loss of every step
            self.total.value += values * sample_weight
            self.count.value += sample_weight
            return
        self._update(values, sample_weight)

    @silent
    def _update(self, values: Any, sample_weight: Any) -> None:
        if sample_weight is None:
            values = np.asarray(values)
            total, count = np.sum(values, dtype=np.float64), values.size
        else:
            values, weight = self._weighed(values, sample_weight)
            total, count = (values * weight).sum(), weight.sum()
        self._add(total, count, np.shape(values))

    def _add(self, total: Any, count: Any, shape: tuple[int, ...]) -> None:
        """Add a sum over values of ``shape``, and of their weights."""
        if len(shape) > 1:
            each = max(math.prod(shape[1:]), 1)
            total, count = total / each, count / each
        self.total.value += total
        self.count.value += count

    def result(self) -> float:
        count = float(self.count.value)
        return float(self.total.value) / count if count else 0.0

    def reset_state(self) -> None:
        self.total.value.fill(0)
        self.count.value.fill(0)


@metric_class()
class MeanMetricWrapper(Mean):
    """The mean of a function of (y_true, y_pred).

    Args:
        fn: takes both as arrays, as they come, and gives one value a sample.
        name, dtype: as for :class:`Metric`.
        kwargs: options of the function.

    >>> metric = MeanMetricWrapper(lambda y_true, y_pred: abs(y_pred - y_true)[..., 0], name="gap")
    >>> metric([[1.0], [2.0]], [[1.0], [4.0]])
    1.0
    """

    # Arguments that files hold only where they differ from this: older versions of Keras do not know them.
    _recent: ClassVar[dict[str, Any]] = {"from_sorted_ids": False, "ignore_class": None}

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        if not callable(fn):
            raise TypeError(f"{type(self).__name__}: fn must be a function of (y_true, y_pred), got {fn!r}.")
        super().__init__(name, dtype)
        self._fn, self._options = fn, kwargs
        is_loss = "losses" in (registry.kind_of(fn), registry.kind_of(type(fn)))
        self._direction = "down" if is_loss else getattr(fn, "_direction", None)

    def update_state(  # type: ignore[override]  # it takes what is averaged as two arguments
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        y_true, y_pred = np.asarray(y_true), dtypes.floating(y_pred)
        if hasattr(self._fn, "forward_kernel"):  # a loss: training has looked through the targets
            values = run_forward(self._fn, y_true, y_pred, self._options)[0]
        else:
            values = self._fn(y_true, y_pred, **self._options)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"name": self.name, "dtype": self.dtype}
        options = {n: serialization.serialize(v) for n, v in self._options.items()}
        if type(self) is MeanMetricWrapper:
            return {**config, "fn": serialization.serialize(self._fn), **options}
        known = self.argument_names()
        unset = {n for n, usual in self._recent.items() if options.get(n) == usual}
        return config | {n: v for n, v in options.items() if n in known and n not in unset}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        if "fn" not in config:
            return super().from_config(config)
        options = {**config, "fn": _function(config["fn"])}
        if cls is not MeanMetricWrapper:  # files of Keras 2 name the function of every metric
            del options["fn"]
        return cls(**options)


def _function(config: Any) -> Any:
    """The function, or other callable, that a config names."""
    if callable(config):
        return config
    if isinstance(config, dict) and config.get("class_name") != "function":
        return serialization.deserialize(config)
    name = str(config["config"] if isinstance(config, dict) else config)
    registry.load("metrics", name)
    found = registry.get_registered_object(name) or _functions.get(name) or registry.find("losses", name)
    return registry.resolve("metrics", name) if found is None else found


def get(identifier: Any) -> Any:
    """Return the metric meant by a name, config, class or object; a function of the user's stays a function.

    Names are those of the classes, also in snake case, and "mse", "mae", "bce".

    Raises ``ValueError`` for an unknown name.

    >>> get("mse")
    <MeanSquaredError name=mean_squared_error>
    """
    return _made(serialization.get("metrics", identifier))


def serialize(metric: Any) -> Any:
    """Return the config of a metric, the name of a built-in function.

    >>> serialize(get("mae"))["class_name"]
    'MeanAbsoluteError'
    """
    return serialization.serialize(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the metric that a name or config describes.

    >>> deserialize(serialize(Sum())).name
    'sum'
    """
    return _made(serialization.deserialize(config, "metrics", custom_objects))


def _made(found: Any) -> Any:
    return found() if isinstance(found, type) else found
