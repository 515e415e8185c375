"""The longer names that Keras has for functions: ``ops.nn.relu``, ``ops.numpy.sum`` and ``ops.linalg.norm``."""

from __future__ import annotations

import importlib
from typing import Any

_NN = (
    "average_pool batch_normalization celu depth_to_space dot_product_attention elu gelu glu hard_shrink hard_sigmoid "
    "hard_silu hard_swish hard_tanh layer_normalization leaky_relu log_sigmoid log_softmax max_pool moments multi_hot "
    "normalize one_hot relu relu6 rms_normalization selu sigmoid silu soft_shrink softmax softplus softsign "
    "space_to_depth sparse_plus sparse_sigmoid sparsemax squareplus swish tanh_shrink threshold"
)
_LINALG = "norm"
# Those that have a short name alone.
_CORE = (
    "cast convert_to_numpy convert_to_tensor dtype erf image in_top_k is_tensor linalg logsumexp nn numpy rsqrt "
    "saturate_cast segment_sum shape slice stop_gradient top_k unstack"
)


class Namespace:
    """Some of the functions of ``nnlite.ops``, as attributes.

    Args:
        name: its name in ``nnlite.ops``.
        names: those of the functions, between blanks; where None, all but those of ``without``.
    """

    def __init__(self, name: str, names: str | None = None, without: str = "") -> None:
        self.__name__, self._names, self._without = f"nnlite.ops.{name}", names, without

    def __dir__(self) -> list[str]:
        names = importlib.import_module("nnlite.ops").__all__ if self._names is None else self._names.split()
        return sorted(set(names) - set(self._without.split()))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in dir(self):
            from nnlite.core import absent

            own, hint = self.__dict__.get("__name__"), absent.instead("nnlite.ops", name)
            raise AttributeError(f"{own} has no function {name!r}" + (f".{hint}" if hint else ""), name=name, obj=self)
        return getattr(importlib.import_module("nnlite.ops"), name)

    def __repr__(self) -> str:
        return f"<{self.__name__}>"


nn = Namespace("nn", _NN)
linalg = Namespace("linalg", _LINALG)
numpy = Namespace("numpy", without=f"{_NN} {_LINALG} {_CORE}")
