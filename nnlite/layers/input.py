"""Where data enters a model."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from nnlite import config
from nnlite.core import dtypes, registry, structure
from nnlite.core.errors import known_arguments, unknown_arguments
from nnlite.core.layer import Layer
from nnlite.core.symbol import Symbol


@registry.register("layers")
class InputLayer(Layer):
    """The declared input of a model: hands on what it gets, with the declared number of axes.

    As in Keras, a last axis of size 1 may be missing or too many: images (N, 28, 28) fit a declared (28, 28, 1). In a
    ``Sequential`` model data may have other sizes than declared, as far as the layers take them: images larger than
    those that a net of convolutions was trained with, longer sequences. A model of symbols takes the declared sizes.

    Args:
        shape: shape of one sample, None for open sizes.
        batch_size: size of the batch, usually None.
        dtype: name of the dtype.
        sparse: only False: nnlite has no sparse arrays.
        batch_shape: shape with the batch, in the place of ``shape`` and ``batch_size``.
        optional, input_tensor, ragged: only their defaults are supported.
        kwargs: ``input_shape`` and ``batch_input_shape``, older names of ``shape`` and ``batch_shape``.

    >>> InputLayer((28, 28, 1)).batch_shape
    (None, 28, 28, 1)
    """

    samples_alone = True
    supports_masking = True
    keeps_integers = True

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        shape = kwargs.pop("input_shape", shape)
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        if kwargs:
            known = [name for name in self.argument_names() if name not in ("kwargs", "trainable")]
            raise TypeError(unknown_arguments("InputLayer", kwargs, known))
        super().__init__(name=name, dtype=config.floatx() if dtype is None else dtype)
        self.keeps_dtype = self._policy == dtypes.TEXT  # texts come as any array that holds them
        if input_tensor is not None:
            raise ValueError(f"{self.label}: input_tensor is not supported; give the shape of one sample.")
        if sparse or ragged or optional:
            raise ValueError(
                f"{self.label}: sparse, ragged and optional inputs are not supported; pad to a full array."
            )
        if (shape is None) == (batch_shape is None):
            raise ValueError(f"{self.label}: give either shape (of one sample) or batch_shape.")
        if batch_shape is None:
            batch_shape = (batch_size, *(shape if np.iterable(shape) else (shape,)))
        if not structure.is_shape(batch_shape) or any(d is not None and d < 0 for d in batch_shape):
            raise ValueError(
                f"{self.label}: a shape is made of whole numbers and None, such as (28, 28, 1); got "
                f"{shape if shape is not None else batch_shape!r}."
            )
        self.batch_shape = tuple(None if d is None else int(d) for d in batch_shape)
        self.sparse, self.open_sizes = False, False  # a Sequential model opens them
        self.build(self.batch_shape)
        dtype = dtypes.TEXT if self.keeps_dtype else self.dtype
        self.add_node(None, {}, Symbol(self.batch_shape, dtype, self.name))

    @property
    def takes_texts(self) -> bool:
        return self.keeps_dtype

    @property
    def dtype_of_data(self) -> str:
        """The dtype as it was declared: "string" for texts, whose arrays have another."""
        return str(self._policy) if self.keeps_dtype else self.dtype

    def _cast(self, x: Any) -> Any:
        array = np.asarray(x)  # whole numbers become the declared type, too: what follows counts on it
        numbers = array.dtype.kind in "fiub" and not self.keeps_dtype
        return array.astype(self._compute, copy=False) if numbers else super()._cast(array)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if type(x) is not np.ndarray:
            self._refuse(x)
        if x.shape[1:] == self.batch_shape[1:]:
            return x, None
        shape = self.compute_output_shape(x.shape)
        return (x, None) if x.ndim == len(shape) else (x.reshape(shape), x.shape)

    def backward(self, dy: Any, cache: Any) -> Any:
        return dy if cache is None else dy.reshape(cache)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if input_shape is None or not structure.is_shape(input_shape):
            self._refuse(input_shape)
        declared, given = self.batch_shape, tuple(input_shape)
        shape = given
        if len(given) == len(declared) + 1 and given[-1] == 1:
            shape = given[:-1]
        elif len(given) == len(declared) - 1 and declared[-1] == 1:
            shape = (*given, 1)
        why = None
        if len(shape) != len(declared):
            why = f"which has {len(given)} axes"
        elif not self.open_sizes:
            for axis, (size, wanted) in enumerate(zip(shape[1:], declared[1:], strict=True), 1):
                if size != wanted and None not in (size, wanted):
                    why = f"which has size {size} along axis {axis}, not size {wanted}"
                    break
        if why is not None:
            raise ValueError(
                f"{self.label} was declared with shape {declared}, the batch first; got data of shape {given}, {why}."
            )
        return shape

    def _refuse(self, other: Any) -> NoReturn:
        what = "None" if other is None else f"a {type(other).__name__} of {len(other)} arrays"
        raise ValueError(f"{self.label} takes one array, got {what}.")

    def get_config(self) -> dict[str, Any]:
        return {"batch_shape": list(self.batch_shape), "dtype": self._policy, "sparse": False, "name": self.name}

    def get_build_config(self) -> None:
        return None


@known_arguments
def Input(  # noqa: N802 (Keras's name)
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> Symbol:
    """Return a symbol that stands for the data given to a model.

    Args:
        shape: shape of one sample, None for open sizes.
        batch_size: size of the batch, usually None.
        dtype: name of the dtype.
        batch_shape: shape with the batch, in the place of ``shape`` and ``batch_size``.
        name: name of the input layer.
        sparse, ragged, tensor, optional: only their defaults are supported.

    >>> Input((28, 28, 1), name="image").shape
    (None, 28, 28, 1)
    """
    if tensor is not None:
        raise ValueError("Input: tensor is not supported; give the shape of one sample.")
    return InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, None, optional, name).output
