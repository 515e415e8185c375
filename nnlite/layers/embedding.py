"""Whole numbers to vectors, and masks for sequences."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from nnlite.core import registry, serialization
from nnlite.core.layer import Layer
from nnlite.layers import checks, settings


@registry.register("layers")
class Embedding(Layer):
    """Every whole number as a vector of its own: ``y[...] = embeddings[x[...]]``.

    Backward: ``d_embeddings[i] = sum of dy over the places where x is i``; the input, whole numbers, has none. The work
    grows with the numbers in x, not with ``input_dim``: only rows that were touched are written, and set back to zero
    before the next step. An optimizer still goes through every row at every step, as in Keras: Adam's averages,
    momentum and weight decay move rows whose gradient is 0, too. (After a look at ``embeddings.grad``, which may be
    written to, the next step clears all of it.)

    Args:
        input_dim: how many numbers there are; x holds 0 to ``input_dim`` - 1.
        output_dim: length of the vectors.
        embeddings_initializer: how the vectors start.
        embeddings_regularizer: penalty added to the loss.
        embeddings_constraint: projection after each update.
        mask_zero: whether the number 0 is padding: the layers behind then get the mask ``x != 0``.
        weights: the vectors to start with, an array or a list of one; the layer is then built at once.
        lora_rank, lora_alpha, quantization_config: as in Keras's configs; must be None.

    Shapes: x (N, ...), whole numbers of any width (floats are cut off after the point, as in Keras);
    y (N, ..., output_dim); embeddings (input_dim, output_dim).

    Raises:
        ValueError: for a number outside 0 to ``input_dim`` - 1 (where Keras on JAX goes on in silence), before anything
            is computed.

    >>> layer = Embedding(10, 4)
    >>> layer(np.array([[1, 2, 3], [7, 7, 0]])).shape
    (2, 3, 4)
    """

    keeps_integers = True

    samples_alone = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Embedding: input_length is deprecated and means nothing any more.", stacklevel=3)
        super().__init__(**kwargs)
        self.input_dim = checks.positive(self, "input_dim", input_dim)
        self.output_dim = checks.positive(self, "output_dim", output_dim)
        checks.none_of(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        settings.keep(
            self,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
        )
        self.mask_zero = self.supports_masking = self.makes_mask = bool(mask_zero)
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = settings.add(self, "embeddings", (self.input_dim, self.output_dim))

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        ids = np.trunc(x) if x.dtype.kind == "f" else x
        if ids.size and not (ids.min() >= 0 and ids.max() < self.input_dim):  # nor is NaN
            inside = (ids >= 0) & (ids < self.input_dim)
            place = tuple(int(i) for i in np.argwhere(~inside)[0])
            raise ValueError(
                f"{self.label}: the input holds {x[place]} at {list(place)}, expected whole numbers from 0 to "
                f"{self.input_dim - 1} (input_dim is {self.input_dim})."
            )
        ids = ids.astype(np.int64)
        return np.take(self.embeddings.value, ids, axis=0), (ids, x.dtype)

    def backward(self, dy: Any, cache: Any) -> Any:
        ids, dtype = cache
        self.embeddings.accumulate_rows(ids.reshape(-1), dy.reshape(-1, self.output_dim))
        return None if dtype.kind in "iub" else np.zeros(ids.shape, dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return np.not_equal(x, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        policy = serialization.policy_of(self)
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": policy}
        kept = ("input_dim", "output_dim", "mask_zero", "activity_regularizer")
        for name in self.argument_names():
            if name in kept or name.startswith("embeddings_"):  # not the weights, which are in the file
                config[name] = serialization.serialize(getattr(self, name))
        return config


@registry.register("layers")
class Masking(Layer):
    """Leave out the steps of a sequence whose every value is ``mask_value``: the layers behind get a mask.

    ``mask[n, t] = any(x[n, t] != mask_value)``, ``y = x * mask`` (the steps left out become 0) and ``dx = dy * mask``.

    Args:
        mask_value: the value that marks padding.

    Shapes: x and y (N, T, ...), the mask (N, T).

    >>> Masking()(np.array([[[1.0, 0.0], [0.0, 0.0]]])).tolist()
    [[[1.0, 0.0], [0.0, 0.0]]]
    """

    supports_masking = True
    makes_mask = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = checks.number(self, "mask_value", mask_value)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        mask = self.compute_mask(x)[..., None]
        # Infinity times 0 is not 0.
        return x * mask if np.isfinite(self.mask_value) else np.where(mask, x, x.dtype.type(0)), mask

    def backward(self, dy: Any, mask: Any) -> Any:
        return dy * mask

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        x = np.asarray(x)
        value = x.dtype.type(self.mask_value) if x.dtype.kind == "f" else self.mask_value
        return np.any(np.not_equal(x, value), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)
