"""What all losses share: reduction, sample weights, masks, names and configs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlite.core import dtypes, naming, registry, serialization
from nnlite.core.errors import nearest, unknown_arguments
from nnlite.kernels.losses import reduced, same_rank

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)


class _Cache(NamedTuple):
    inner: Any  # what the gradient of the samples' values needs
    dvalues: Any  # the gradient by them
    shape: tuple[int, ...]  # that of the predictions


class Loss(serialization.Configurable):
    """Base class of losses.

    A loss of your own defines two methods, and this class does weights, masks and reduction::

        def call(self, y_true, y_pred):      # one value a sample, without the last axis
        def gradient(self, y_true, y_pred):  # the derivative of their sum by y_pred, of y_pred's shape

    Args:
        name: name in logs; made from the class's where None.
        reduction: "sum_over_batch_size" (the sum of the weighted values over their number, not over the sum of the
            weights), "mean_with_sample_weight" (over the sum of the weights), "sum", or "none".
        dtype: accepted as in Keras; a loss computes in the dtype of the prediction.

    >>> class Cubic(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return (abs(y_pred - y_true) ** 3).mean(-1)
    ...     def gradient(self, y_true, y_pred):
    ...         e = y_pred - y_true
    ...         return 3 * e * abs(e) / e.shape[-1]
    >>> Cubic()(np.zeros((1, 2)), np.array([[1.0, 2.0]])).item()
    4.5
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        if reduction not in REDUCTIONS:
            known = [r for r in REDUCTIONS if r]
            raise ValueError(
                f"{type(self).__name__}: reduction must be one of {', '.join(map(repr, known))}, got {reduction!r}."
                f"{nearest(reduction, known)}"
            )
        self.name = name or naming.to_snake_case(type(self).__name__)
        self.reduction = reduction
        self._dtype = dtype

    # ---- what a subclass defines ----

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses of the samples."""
        raise NotImplementedError(f"{type(self).__name__} must define call(self, y_true, y_pred).")

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        """Return the derivative of the sum of the samples' losses by y_pred."""
        raise NotImplementedError(
            f"{type(self).__name__} has no gradient, so nothing can be trained with it: define "
            f"gradient(self, y_true, y_pred) -> the derivative of call(...).sum() by y_pred, of y_pred's shape."
        )

    def validate(self, y_true: Any, y_pred_shape: Any) -> None:
        """Raise ``ValueError`` for targets that cannot be right for an output of that shape."""

    # ---- the pair ----

    def _pair_forward(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """Values, cache and mask of the samples."""
        if y_true.dtype.kind == "f" and y_true.dtype != y_pred.dtype:
            y_true = y_true.astype(y_pred.dtype)
        y_true, y_pred = same_rank(y_true, y_pred)
        return np.asarray(self.call(y_true, y_pred), y_pred.dtype), (y_true, y_pred), None

    def _pair_backward(self, dvalues: Any, inner: Any) -> Any:
        y_true, y_pred = inner
        gradient = np.asarray(self.gradient(y_true, y_pred))
        if gradient.shape != y_pred.shape:
            raise ValueError(
                f"{type(self).__name__}.gradient returned shape {gradient.shape} for predictions of shape "
                f"{y_pred.shape}: it is the derivative by them, of their shape."
            )
        dvalues = dvalues.reshape(dvalues.shape + (1,) * (y_pred.ndim - dvalues.ndim))
        return (gradient * dvalues).astype(y_pred.dtype, copy=False)

    def forward(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None) -> tuple[Any, Any]:
        """Return the reduced loss and the cache for :meth:`backward`.

        Targets are not looked through: that is :meth:`validate`, which training calls before a step begins.

        Args:
            y_true: targets.
            y_pred: predictions; where they are no float32 or float64, float32 is computed with.
            sample_weight: weights of the samples, or None.
            mask: which samples count, or None.
        """
        y_pred, y_true = dtypes.floating(y_pred), np.asarray(y_true)
        values, inner, own_mask = self._pair_forward(y_true, y_pred)
        if own_mask is not None:
            mask = own_mask if mask is None else np.logical_and(*same_rank(own_mask, np.asarray(mask)))
        weight = None if sample_weight is None else np.asarray(sample_weight)
        value, dvalues = reduced(values, weight, None if mask is None else np.asarray(mask), self.reduction)
        return value, _Cache(inner, dvalues, y_pred.shape)

    def backward(self, cache: Any) -> Any:
        """Return the gradient of the reduced loss by ``y_pred``."""
        return self._pair_backward(cache.dvalues, cache.inner).reshape(cache.shape)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss of arrays (or array-likes)."""
        y_true, y_pred = np.asarray(y_true), dtypes.floating(y_pred)
        self.validate(y_true, y_pred.shape)
        return self.forward(y_true, y_pred, sample_weight)[0]

    @property
    def dtype(self) -> Any:
        """The dtype given to the constructor."""
        return self._dtype

    def get_config(self) -> dict[str, Any]:
        """Return name, reduction and the constructor's other arguments."""
        return {"name": self.name, "reduction": self.reduction} | {
            key: value for key, value in super().get_config().items() if key != "dtype"
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class FunctionLoss(Loss):
    """A loss that is one of nnlite's loss functions with options; the built-in losses."""

    fn: Any

    def options(self) -> dict[str, Any]:
        """The keyword arguments of the function."""
        return {}

    def validate(self, y_true: Any, y_pred_shape: Any) -> None:
        self.fn.check(self.name, y_true, y_pred_shape, **self.options())

    def values_shape(self, y_pred_shape: Any) -> tuple[Any, ...]:
        """Return the shape of the samples' losses for an output of a shape."""
        shape: tuple[Any, ...] = self.fn.values_shape(y_pred_shape, **self.options())
        return shape

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self._pair_forward(np.asarray(y_true), dtypes.floating(y_pred))[0]

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = dtypes.floating(y_pred)
        values, inner, _ = self._pair_forward(np.asarray(y_true), y_pred)
        return self._pair_backward(np.ones_like(values), inner).reshape(y_pred.shape)

    def _pair_forward(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        return run_forward(self.fn, y_true, y_pred, self.options())

    def _pair_backward(self, dvalues: Any, inner: Any) -> Any:
        return self.fn.backward_kernel(dvalues, inner)


def run_forward(function: Any, y_true: Any, y_pred: Any, options: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return values, cache and mask of a loss function, with targets in the prediction's dtype and rank."""
    if function.takes_labels:  # they stay whole numbers
        values, inner = function.forward_kernel(y_true, y_pred, **options)
        mask = None if function.mask is None else function.mask(y_true, values, **options)
        return values, inner, mask
    if y_true.dtype != y_pred.dtype:
        y_true = y_true.astype(y_pred.dtype)
    values, inner = function.forward_kernel(*same_rank(y_true, y_pred), **options)
    return values, inner, None


def values_of(function: Any, y_true: Any, y_pred: Any, **options: Any) -> Any:
    """Return the samples' values, once the targets are checked: what each of the loss functions does."""
    y_true, y_pred = np.asarray(y_true), dtypes.floating(y_pred)
    function.check(function.__name__, y_true, y_pred.shape, **options)
    return run_forward(function, y_true, y_pred, options)[0]


def without_axis(y_pred_shape: Any, axis: Any = -1, **options: Any) -> tuple[Any, ...]:
    """Return the shape without the axis, or axes; without any where that is None."""
    dims = tuple(y_pred_shape)
    if axis is None:
        return ()
    axes = {a % len(dims) for a in ((axis,) if isinstance(axis, (int, np.integer)) else axis)}
    return tuple(size for index, size in enumerate(dims) if index not in axes)


def loss_function(
    forward: Any,
    backward: Any,
    check: Any,
    *names: str,
    takes_labels: bool = False,
    mask: Any = None,
    values_shape: Any = without_axis,
) -> Callable[[Any], Any]:
    """Return a decorator that makes a function known as a loss.

    Args:
        forward, backward: its kernels.
        check: called with the loss's name, targets, shape of the output and options; raises for wrong targets.
        names: further names.
        takes_labels: whether targets are whole numbers of another shape than the output's.
        mask: called with targets, values and options; which values count.
        values_shape: called with the shape of the output and options; the shape of the values.
    """

    def add(function: Any) -> Any:
        function.forward_kernel, function.backward_kernel, function.check = forward, backward, check
        function.takes_labels, function.mask, function.values_shape = takes_labels, mask, values_shape
        return registry.register("losses", *names)(function)

    return add


class LossFunctionWrapper(FunctionLoss):
    """One of nnlite's loss functions as a loss, with options.

    Args:
        fn: a loss function, such as ``nnlite.losses.huber``.
        reduction, name, dtype: as for :class:`Loss`.
        kwargs: options of the function.

    Raises ``TypeError`` for a function without a known gradient.

    >>> from nnlite.losses import huber
    >>> LossFunctionWrapper(huber, delta=2.0)(np.zeros((1, 1)), np.array([[3.0]])).item()
    4.0
    """

    def __init__(
        self,
        fn: Any,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        if not hasattr(fn, "backward_kernel"):
            raise TypeError(
                f"loss: {getattr(fn, '__name__', fn)!r} is a plain function, whose gradient is not known. "
                f"Write a class with both:\n"
                f"    class MyLoss(nnlite.losses.Loss):\n"
                f"        def call(self, y_true, y_pred):\n"
                f"            return ...  # one value a sample\n"
                f"        def gradient(self, y_true, y_pred):\n"
                f"            return ...  # derivative of their sum by y_pred, of y_pred's shape"
            )
        unknown = set(kwargs) - set(inspect.signature(fn).parameters)
        if unknown:
            raise TypeError(unknown_arguments(fn.__name__, unknown, list(inspect.signature(fn).parameters)[2:]))
        super().__init__(name=name or fn.__name__, reduction=reduction, dtype=dtype)
        self.fn, self._options = fn, kwargs

    def options(self) -> dict[str, Any]:
        return self._options

    def get_config(self) -> dict[str, Any]:
        config = {"name": self.name, "reduction": self.reduction, "fn": serialization.serialize(self.fn)}
        return config | serialization.serialize(self._options)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**{**config, "fn": get(config["fn"])})


def get(identifier: Any) -> Any:
    """Return the loss meant by a name (a function for function names, an object for class names), config or object.

    Raises ``ValueError`` for an unknown name.

    >>> get("mse").__name__
    'mean_squared_error'
    """
    return serialization.get("losses", identifier)


def serialize(loss: Any) -> Any:
    """Return the config of a loss, the name of a built-in function.

    >>> serialize(get("mse"))
    'mean_squared_error'
    """
    return serialization.serialize(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the loss that a name or config describes.

    >>> deserialize("mae").__name__
    'mean_absolute_error'
    """
    return serialization.deserialize(name, "losses", custom_objects)
