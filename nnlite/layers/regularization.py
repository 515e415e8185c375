"""Layers that act in training only: dropout."""

from __future__ import annotations

from typing import Any

from nnlite import config, random
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.kernels.dropout import dropout, random_mask
from nnlite.layers import checks


class _Dropout(Layer):
    """What the dropout layers share: everything but the shape of the noise."""

    fuses_batches = True
    supports_masking = True

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = checks.fraction(self, "rate", rate)
        self.seed = seed
        self.generator = random.generator(seed)

    def _shape_of_noise(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        raise NotImplementedError

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if not training or self.rate == 0:
            return x, None
        kept = random_mask(self.generator, self._shape_of_noise(x.shape), self.rate)
        return dropout(x, kept, self.rate), kept

    def backward(self, dy: Any, kept: Any) -> Any:
        if kept is None:
            return dy
        return dropout(dy, kept, self.rate)

    def infer(self, x: Any) -> Any:
        return x

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        return lambda x: x, 0

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


@registry.register("layers")
class Dropout(_Dropout):
    """In training, set a random fraction of the inputs to 0 and scale the others by ``1 / (1 - rate)``.

    ``y = x * kept / (1 - rate)`` and ``dx = dy * kept / (1 - rate)`` with the same random ``kept``; outside of training
    y = x (Srivastava et al., 2014).

    Args:
        rate: fraction to drop, from 0 to 1.
        noise_shape: shape of ``kept``, 1 along axes that are dropped together; None entries take the input's size.
        seed: for a random stream of the layer's own.

    >>> import numpy as np
    >>> layer = Dropout(0.5, seed=1)
    >>> sorted(set(layer(np.ones((4, 8)), training=True).ravel().tolist()))
    [0.0, 2.0]
    """

    samples_alone = True

    def __init__(self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(rate, seed, **kwargs)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def _shape_of_noise(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return checks.shape_of_noise(self, self.noise_shape, shape)


class _SpatialDropout(_Dropout):
    rank: int

    def __init__(self, rate: float, seed: Any = None, name: Any = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(rate, seed, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _shape_of_noise(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], *(1,) * self.rank, shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; without ``trainable``, which Keras's own class does not take."""
        return {key: value for key, value in super().get_config().items() if key != "trainable"}


@registry.register("layers")
class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of a sequence: the same channels at all steps (Tompson et al., 2014).

    Args:
        rate: fraction of channels to drop, from 0 to 1.
        seed: for a random stream of the layer's own.

    Shapes: x and y (N, T, C).

    >>> import numpy as np
    >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((4, 3, 8)), training=True)
    >>> bool((y == y[:, :1]).all())
    True
    """

    samples_alone = True
    rank = 1


@registry.register("layers")
class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of an image (Tompson et al., 2014).

    Args:
        rate: fraction of channels to drop, from 0 to 1.
        data_format: "channels_last" (N, H, W, C) or "channels_first" (N, C, H, W); the configured default where None.
        seed: for a random stream of the layer's own.

    >>> import numpy as np
    >>> y = SpatialDropout2D(0.5, seed=1)(np.ones((4, 3, 3, 8)), training=True)
    >>> bool((y == y[:, :1, :1]).all())
    True
    """

    samples_alone = True
    rank = 2

    def __init__(
        self, rate: float, data_format: str | None = None, seed: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(rate, seed, *args, **kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def _shape_of_noise(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.data_format == "channels_first":
            return (*shape[:2], 1, 1)
        return super()._shape_of_noise(shape)


@registry.register("layers")
class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of a volume (Tompson et al., 2014).

    Args:
        rate: fraction of channels to drop, from 0 to 1.
        data_format: "channels_last" (N, D, H, W, C) or "channels_first"; the configured default where None.
        seed: for a random stream of the layer's own.

    >>> import numpy as np
    >>> y = SpatialDropout3D(0.5, seed=1)(np.ones((4, 3, 3, 3, 8)), training=True)
    >>> bool((y == y[:, :1, :1, :1]).all())
    True
    """

    samples_alone = True
    rank = 3

    def __init__(
        self, rate: float, data_format: str | None = None, seed: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(rate, seed, *args, **kwargs)
        self.data_format = config.standardize_data_format(data_format)

    def _shape_of_noise(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.data_format == "channels_first":
            return (*shape[:2], 1, 1, 1)
        return super()._shape_of_noise(shape)
