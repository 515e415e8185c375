"""Bidirectional: a recurrent layer in both directions of time."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry, serialization
from nnlite.core.layer import Layer
from nnlite.core.structure import flatten
from nnlite.kernels import memory
from nnlite.kernels.merging import plus
from nnlite.layers import checks

_MODES = ("concat", "sum", "mul", "ave", None)


@registry.register("layers")
class Bidirectional(Layer):
    """A recurrent layer run from the first step to the last, and another from the last to the first (Schuster, 1997).

    With a and b what the two return (b turned back to the order of time)::

        concat: y = [a, b] along the last axis      sum: y = a + b      ave: y = (a + b) / 2      mul: y = a * b
        None: both are returned

    Args:
        layer: a recurrent layer; two layers are made from its config, and one of them turned.
        merge_mode: "concat", "sum", "ave", "mul" or None.
        weights: arrays to begin with, those of the forward layer first.
        backward_layer: the layer for the other direction, with ``go_backwards`` the opposite of ``layer``'s.

    With ``return_state`` the states of the forward layer are returned after y, then those of the backward layer;
    ``initial_state`` takes them in that order. A step that a mask leaves out gives 0 where sequences are returned.

    Shapes: x (N, T, ...); y as of ``layer``, the last axis twice as long with "concat".

    Raises:
        ValueError: for an unknown merge_mode, and for two layers that do not go together.

    >>> from nnlite.layers import LSTM
    >>> Bidirectional(LSTM(4))(np.ones((2, 5, 3), "float32")).shape
    (2, 8)
    """

    supports_masking = True
    named_inputs = ("sequences", "initial_state")

    def __init__(
        self, layer: Any, merge_mode: Any = "concat", weights: Any = None, backward_layer: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        for name, one in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(one, Layer) and not (name == "backward_layer" and one is None):
                raise ValueError(f"{self.label}: {name} must be a layer, got {one!r}.")
            if one is not None and not hasattr(one, "go_backwards"):
                raise ValueError(f"{self.label}: {name} must be a recurrent layer, got {one.label}.")
        self.merge_mode = (
            merge_mode if merge_mode is None else checks.choice(self, "merge_mode", merge_mode, _MODES[:4])
        )
        self.forward_layer = _like(layer, "forward_", bool(layer.go_backwards))
        if backward_layer is None:
            self.backward_layer = _like(layer, "backward_", True)
        else:
            self.backward_layer = backward_layer
        first, second = self.forward_layer, self.backward_layer
        if first.go_backwards == second.go_backwards:
            raise ValueError(
                f"{self.label}: layer and backward_layer must go in opposite directions; both have "
                f"go_backwards={first.go_backwards}."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(first, name) != getattr(second, name):
                raise ValueError(
                    f"{self.label}: layer has {name}={getattr(first, name)}, backward_layer {getattr(second, name)}."
                )
            setattr(self, name, getattr(first, name))
        for one in (first, second):
            if hasattr(one, "zero_output_for_mask"):
                one.zero_output_for_mask = one.return_sequences
        self.input_spec = first.input_spec
        self._weights = None if weights is None else list(weights)

    return_sequences: bool
    return_state: bool
    stateful: bool

    @property
    def rows_alone(self) -> bool:
        """Whether both layers say, each for its own class, that no sequence depends on another."""
        both = (self.forward_layer, self.backward_layer)
        return all("rows_alone" in vars(type(one)) and one.rows_alone for one in both)

    def build(self, input_shape: Any) -> None:
        shape = input_shape[0] if isinstance(input_shape[0], (tuple, list)) else input_shape
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(shape)
        if self._weights is not None:
            half = len(self._weights) // 2
            self.forward_layer.set_weights(self._weights[:half])
            self.backward_layer.set_weights(self._weights[half:])
            self._weights = None

    def reset_state(self) -> None:
        """Begin the next batch with states of zeros."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def _inputs(self, x: Any) -> tuple[Any, Any, int]:
        x, *states = x if isinstance(x, list) else [x]
        half = len(states) // 2
        if not states:
            return x, x, 0
        return [x, *states[:half]], [x, *states[half:]], half

    def _merged(self, a: Any, b: Any) -> tuple[Any, Any]:
        """The output, and what the product's gradient needs."""
        first, *states = a if self.return_state else [a]
        second, *others = b if self.return_state else [b]
        if self.return_sequences:
            second = second[:, ::-1]
        kept = (first, second) if self.merge_mode == "mul" else None
        if self.merge_mode is None:
            output = [first, np.ascontiguousarray(second)]
        elif self.merge_mode == "concat":
            shape = (*first.shape[:-1], first.shape[-1] + second.shape[-1])
            output = [np.concatenate([first, second], axis=-1, out=memory.empty(shape, np.result_type(first, second)))]
        else:
            y = first * second if self.merge_mode == "mul" else first + second
            output = [y * y.dtype.type(0.5) if self.merge_mode == "ave" else y]
        result = [*output, *states, *others]
        return result[0] if len(result) == 1 else result, kept

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        forwards, backwards, given = self._inputs(x)
        a, a_cache = self.forward_layer.forward(forwards, training, mask=mask)
        b, b_cache = self.backward_layer.forward(backwards, training, mask=mask)
        y, kept = self._merged(a, b)
        size = (a[0] if self.return_state else a).shape[-1]
        return y, (a_cache, b_cache, kept, given, size)

    def infer(self, x: Any, mask: Any = None) -> Any:
        forwards, backwards, _ = self._inputs(x)
        return self._merged(
            self.forward_layer.infer(forwards, mask=mask), self.backward_layer.infer(backwards, mask=mask)
        )[0]

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        both = [self.forward_layer, self.backward_layer]
        if isinstance(shape, list) or any(
            layer.activity_regularizer is not None or not layer.__dict__.keys().isdisjoint(("forward", "infer"))
            for layer in both
        ):
            return None
        first, second = (layer.inference(shape, []) for layer in both)
        if first is None or second is None:
            return None
        forwards, backwards = first[0], second[0]
        return lambda x: self._merged(forwards(x), backwards(x))[0], 0

    def backward(self, dy: Any, cache: Any) -> Any:
        a_cache, b_cache, kept, given, size = cache
        flat = flatten(dy)
        outputs = 2 if self.merge_mode is None else 1
        d, dstates = flat[:outputs], flat[outputs:]
        if self.merge_mode is None:
            da, db = d
        elif d[0] is None:
            da = db = None
        elif self.merge_mode == "concat":
            da, db = d[0][..., :size], d[0][..., size:]
        elif self.merge_mode == "mul":
            da, db = d[0] * kept[1], d[0] * kept[0]
        else:
            da = db = d[0] * d[0].dtype.type(0.5) if self.merge_mode == "ave" else d[0]
        if self.return_sequences and db is not None:
            db = db[:, ::-1]
        half = len(dstates) // 2
        first = self.forward_layer.backward([da, *dstates[:half]] if self.return_state else da, a_cache)
        second = self.backward_layer.backward([db, *dstates[half:]] if self.return_state else db, b_cache)
        if not given:
            return plus(first, second)
        return [plus(first[0], second[0]), *first[1:], *second[1:]]

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = self.forward_layer.compute_output_shape(input_shape)
        output, *states = shape if self.return_state else [shape]
        if self.merge_mode == "concat":
            output = (*output[:-1], 2 * output[-1])
        outputs = [output, output] if self.merge_mode is None else [output]
        result = [*outputs, *states, *states]
        return result[0] if len(result) == 1 else result

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        own = mask if self.return_sequences else None
        count = 2 if self.merge_mode is None else 1
        states = 2 * len(self.forward_layer.state_size) if self.return_state else 0
        return own if count + states == 1 else [own] * count + [None] * states

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialization.policy_of(self),
            "merge_mode": self.merge_mode,
            "layer": serialization.serialize(self.forward_layer),
            "backward_layer": serialization.serialize(self.backward_layer),
        }


def _like(layer: Any, prefix: str, backwards: bool) -> Any:
    """A new layer of the same config, in a direction, with the direction in its name."""
    config = serialization.serialize(layer)
    config.pop("build_config", None)
    name = str(config["config"]["name"]).removeprefix(prefix)
    config["config"] = {**config["config"], "go_backwards": backwards, "name": f"{prefix}{name}"}
    return serialization.deserialize(config, "layers")
