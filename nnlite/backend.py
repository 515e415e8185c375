"""Names under which scripts written for Keras ask for settings and start anew; see :mod:`nnlite.config`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnlite.config import backend, epsilon, floatx, image_data_format, set_epsilon, set_floatx, set_image_data_format
from nnlite.core.dtypes import policy_name
from nnlite.utils.graphs import is_keras_tensor
from nnlite.utils.numerical import clear_session

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]


def standardize_dtype(dtype: Any) -> str:
    """Return the name of a dtype given as a name, a type, or None for :func:`floatx`.

    >>> standardize_dtype("int32"), standardize_dtype(float), standardize_dtype(None)
    ('int32', 'float32', 'float32')
    """
    if dtype is float:
        return floatx()
    if dtype in (int, bool):
        return "int32" if dtype is int else "bool"
    return policy_name(dtype)


def is_float_dtype(dtype: Any) -> bool:
    """Return whether a dtype holds real numbers.

    >>> is_float_dtype("float64"), is_float_dtype("int32")
    (True, False)
    """
    return "float" in standardize_dtype(dtype)


def is_int_dtype(dtype: Any) -> bool:
    """Return whether a dtype holds whole numbers.

    >>> is_int_dtype("uint8"), is_int_dtype("float32")
    (True, False)
    """
    return "int" in standardize_dtype(dtype)


def _find(name: str) -> Any:
    from nnlite import ops
    from nnlite.core import absent

    hint = f" Instead: nnlite.ops.{name}." if name in ops.__all__ else ""
    raise absent.error(__name__, name, hint)


if not TYPE_CHECKING:
    __getattr__ = _find
