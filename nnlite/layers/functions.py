"""Identity, and functions as layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from nnlite.core import registry, serialization
from nnlite.core.layer import Layer
from nnlite.core.structure import is_shape, map_shapes


@registry.register("layers")
class Identity(Layer):
    """Passes on what it gets: ``y = x``, ``dx = dy``.

    >>> import numpy as np
    >>> Identity()(np.array([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    supports_masking = True

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        return x, None

    def backward(self, dy: Any, cache: Any) -> Any:
        return dy

    def compute_output_shape(self, input_shape: Any) -> Any:
        return map_shapes(input_shape, tuple)


@registry.register("layers")
class Lambda(Layer):
    """A function of arrays as a layer: ``y = function(x, **arguments)``.

    nnlite does not differentiate functions by itself. A function with a derivative of its own, made by
    ``nnlite.activations.differentiable``, trains; any other one works for inference, and for what comes before all
    layers that learn.

    Args:
        function: takes an array (or a list of them) and returns one; may also take ``training`` and ``mask``.
        output_shape: shape of one sample of the output, or a function of the input's shape; found by trying where None.
        mask: the output's mask, or a function of the input and its mask.
        arguments: further arguments of the function.

    A file does not hold the function, only its name: register it with
    ``nnlite.utils.register_keras_serializable``, or pass it in ``custom_objects`` when the file is loaded.

    >>> import numpy as np
    >>> Lambda(lambda x: x**2)(np.array([1.0, 3.0])).tolist()
    [1.0, 9.0]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(
                f"{self.label}: function must be a function, got {function!r}. A file names it only: pass the "
                f"function in custom_objects when loading."
            )
        self.function, self.arguments = function, dict(arguments or {})
        self._output_shape, self.mask = output_shape, mask
        self.supports_masking = mask is not None
        try:
            self._accepts = frozenset(inspect.signature(function).parameters)
        except (TypeError, ValueError):  # some functions written in C
            self._accepts = frozenset()

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        options = dict(self.arguments)
        if "training" in self._accepts:
            options["training"] = training
        if "mask" in self._accepts:
            options["mask"] = mask
        y = self.function(x, **options)
        return y, (x, y if getattr(self.function, "keeps", None) == "y" else x)

    def backward(self, dy: Any, cache: Any) -> Any:
        backward = getattr(self.function, "backward", None)
        if backward is None:
            raise TypeError(
                f"{self.label}: its function {getattr(self.function, '__name__', self.function)!r} has no derivative, "
                f"so nothing before it can learn. Make it with nnlite.activations.differentiable(forward=..., "
                f"backward=...), or write a layer with forward and backward (docs/writing-a-layer.md)."
            )
        _, kept = cache
        return backward(dy, kept, **self.arguments)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        batch = input_shape[0] if is_shape(input_shape) else input_shape[0][0]
        return (batch, *self._output_shape)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return self.mask(x, mask) if callable(self.mask) else self.mask

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from what ``get_config`` returned; the function is one of nnlite's, or found by its name."""
        function = config.get("function")
        if isinstance(function, dict) and function.get("class_name") == "__lambda__":
            raise ValueError(
                f"Lambda {config.get('name')!r}: the file holds the function as code, which is never run. Make the "
                f"model in code, or save it with a function that has a name and pass that in custom_objects."
            )
        if isinstance(function, (str, dict)):
            config = {**config, "function": serialization.get("activations", function)}
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        config["function"] = serialization.serialize(self.function)
        if self._output_shape is not None:
            config["output_shape"] = serialization.serialize(self._output_shape)
        if self.mask is not None:
            config["mask"] = serialization.serialize(self.mask)
        return config | {"arguments": serialization.serialize(self.arguments)}
