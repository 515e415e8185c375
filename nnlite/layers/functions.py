"""Identity, and functions as layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite.core import registry, serialization
from nnlite.core.layer import Layer
from nnlite.core.structure import is_shape, map_arrays, map_shapes, merge_shapes


@registry.register("layers")
class Identity(Layer):
    """Passes on what it gets, an array or a list of them: ``y = x``, ``dx = dy``.

    >>> import numpy as np
    >>> Identity()(np.array([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    supports_masking = True
    passes_integers = True

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return x, None

    def backward(self, dy: Any, cache: Any) -> Any:
        return dy

    def compute_output_shape(self, input_shape: Any) -> Any:
        return map_shapes(input_shape, tuple)


@registry.register("layers")
class Lambda(Layer):
    """A function of arrays as a layer: ``y = function(x, **arguments)``, ``dx = gradient(dy, x, **arguments)``.

    nnlite does not differentiate functions by itself. Training through the layer takes ``gradient``, or a function that
    has its derivative already: one of ``nnlite.activations``, or made by ``nnlite.activations.differentiable``. Without
    one the layer works for inference, and before all layers that learn.

    Args:
        function: takes an array (or a list of them) and returns one; may also take ``training`` and ``mask``.
        output_shape: shape of one sample of the output, or a function of the input's shape, batch included, that
            returns the output's; found by trying where None.
        mask: the output's mask, or a function of the input and its mask.
        arguments: further arguments of the function.
        gradient: takes dy, x and the same arguments, and returns the gradient of x (a list of them for a list). Keras,
            which differentiates by itself, has no such argument, and does not load files with one.

    Whole numbers stay whole.

    A file does not hold functions, only their names. Register them with ``nnlite.saving.register_keras_serializable``,
    or pass them in ``custom_objects`` when the file is loaded. Where a file holds code, which is never run, the
    function is looked for under the name of the layer.

    Raises:
        TypeError: for a function that is none; in saving for one without a name; in training without a derivative.

    >>> import numpy as np
    >>> last = Lambda(lambda x: x[:, -1], gradient=lambda dy, x: np.stack([0 * dy, dy], axis=1))
    >>> y, cache = last.forward(np.array([[[1.0, 2.0], [3.0, 4.0]]]))
    >>> y.tolist(), last.backward(np.ones((1, 2)), cache).tolist()
    ([[3.0, 4.0]], [[[0.0, 0.0], [1.0, 1.0]]])
    """

    keeps_integers = True

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        gradient: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("function", function), ("gradient", gradient)):
            if not callable(value) and (name == "function" or value is not None):
                raise TypeError(f"{self.label}: {name} must be a function, got {value!r}.")
        self.function, self.gradient, self.arguments = function, gradient, dict(arguments or {})
        self._output_shape, self.mask = output_shape, mask
        self.supports_masking = mask is not None

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        state = {"training": training, "mask": mask}
        y = map_arrays(self.function(x, **self._options_of(self.function, state)), self._floats)
        return y, (x, y if getattr(self.function, "keeps", None) == "y" else None, state)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        if not input_grad:
            return None
        x, y, state = cache
        if self.gradient is not None:
            return map_arrays(self.gradient(dy, x, **self._options_of(self.gradient, state)), self._floats)
        backward = getattr(self.function, "backward", None)
        if backward is None:
            raise TypeError(
                f"{self.label}: its function {getattr(self.function, '__name__', self.function)!r} has no derivative, "
                f"so nothing before it can learn. Write it beside the function:\n"
                f"    Lambda(function, gradient=lambda dy, x: ...)  # the gradient of x\n"
                f"or call nnlite.ops on symbols, which have their derivatives, in the place of the Lambda:\n"
                f"    y = nnlite.ops.square(x)\n"
                f"or write a layer with forward and backward (docs/writing-a-layer.md)."
            )
        return backward(dy, x if y is None else y, **self.arguments)

    def _options_of(self, function: Any, state: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a function, with what it wants to know of the call."""
        try:
            known = inspect.signature(function).parameters
        except (TypeError, ValueError):  # some functions written in C
            return self.arguments
        return {**self.arguments, **{name: value for name, value in state.items() if name in known}}

    def _floats(self, a: Any) -> Any:
        """An array in the layer's dtype, whole numbers and booleans as they are."""
        array = np.asarray(a)
        return array.astype(self._compute, copy=False) if array.dtype.kind == "f" else array

    def compute_output_shape(self, input_shape: Any) -> Any:
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        if self._output_shape is not None:
            batch = input_shape[0] if is_shape(input_shape) else input_shape[0][0]
            return map_shapes(self._output_shape, lambda shape: (batch, *shape))
        for dtype in (self._compute, np.dtype("int32")):  # a function may look things up
            try:
                return merge_shapes(*(self._shape_of_zeros(input_shape, size, dtype) for size in (8, 9)))
            except Exception as error:
                problem = error
        raise ValueError(
            f"{self.label}: its output shape for an input of shape {input_shape} is not known: its function failed on "
            f"zeros: {problem!r}. Give it output_shape=, the shape of one sample."
        ) from problem

    def _shape_of_zeros(self, input_shape: Any, batch: int, dtype: Any) -> Any:
        zeros = map_shapes(input_shape, lambda s: np.zeros([batch if d is None else d for d in s], dtype))
        return map_arrays(self.forward(zeros)[0], np.shape)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return self.mask(x, mask) if callable(self.mask) else self.mask

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from what ``get_config`` returned; functions are nnlite's, or found by their names.

        Raises ``ValueError`` for a function that is not known.
        """
        found = {key: _found(value, key, config) for key, value in config.items()}
        return cls(**found)

    def get_config(self) -> dict[str, Any]:
        try:
            config = super().get_config()
            if self._output_shape is not None:
                config["output_shape"] = serialization.serialize(self._output_shape)
        except TypeError as error:
            raise TypeError(f"{self.label}: {error}") from None
        return {key: value for key, value in config.items() if key not in ("mask", "gradient") or value is not None}


def _found(value: Any, key: str, config: dict[str, Any]) -> Any:
    """An argument of Lambda, with the function that its config names."""
    if key == "arguments" and isinstance(value, dict):
        return {name: _found(one, "argument", config) for name, one in value.items()}
    if not isinstance(value, (dict, list, str)):
        return value
    kind = value.get("class_name") if isinstance(value, dict) else None
    label, name = f"Lambda {config.get('name')!r}", str(config.get("name"))
    if kind in serialization.ARRAYS:
        return serialization.deserialize(value)
    if kind == "__lambda__" or (key == "function" and isinstance(value, list)):  # Keras 2 wrote lists
        custom = registry.get_registered_object(name)
        if key == "function" and callable(custom):
            return custom
        raise ValueError(
            f"{label}: the file holds its {key} as code, which is never run. "
            + (
                f"Pass it under the layer's name when loading: custom_objects={{{name!r}: function}}."
                if key == "function"
                else "Make the model in code, or save it with functions that have names."
            )
        )
    if kind == "function" or (key == "function" and isinstance(value, str)):
        named = str(value["config"]) if isinstance(value, dict) else value
        try:
            return serialization.get("activations", value)
        except ValueError:
            raise ValueError(
                f"{label}: the file names its {key}, {named!r}, and does not hold it. Pass it when loading: "
                f"custom_objects={{{named!r}: ...}}."
            ) from None
    return value
