"""What a layer's ``dtype`` may be, and the NumPy type it computes in."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core.errors import nearest

_COMPUTE: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "float16": np.dtype(np.float32),
    "bfloat16": np.dtype(np.float32),
    "mixed_float16": np.dtype(np.float32),
    "mixed_bfloat16": np.dtype(np.float32),
}
_OTHER = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")
_warned: set[str] = set()


def floating(values: Any) -> np.ndarray[Any, Any]:
    """Return predictions as floats: float32 and float64 arrays as they are, others in float32, lists in ``floatx``.

    >>> floating([1, 2]).dtype, floating(np.ones(2)).dtype
    (dtype('float32'), dtype('float64'))
    """
    if not hasattr(values, "dtype"):
        return np.asarray(values, config.floatx())
    array = np.asarray(values)
    return array if array.dtype.kind == "f" and array.itemsize >= 4 else array.astype(np.float32)


def policy_name(dtype: Any) -> str:
    """Return the name of a dtype given as None, a name, a NumPy type, or the dict or object of a dtype policy.

    Raises ``ValueError`` for anything else.
    """
    if dtype is None:
        return config.floatx()
    if isinstance(dtype, dict):
        dtype = (dtype.get("config") or {}).get("name", dtype.get("class_name"))
    elif not isinstance(dtype, (str, type, np.dtype)):
        dtype = getattr(dtype, "name", dtype)
    if isinstance(dtype, str) and (dtype in _COMPUTE or dtype in _OTHER):
        return str(dtype)
    try:
        name = str(np.dtype(dtype).name)
    except TypeError:
        name = ""
    if name not in _COMPUTE and name not in _OTHER:
        raise ValueError(f"dtype: got {dtype!r}.{nearest(dtype, _COMPUTE)} Expected one of {', '.join(_COMPUTE)}.")
    return name


def compute_dtype(name: str) -> np.dtype[Any]:
    """Return the NumPy type to compute in; half precision computes in float32 and says so once."""
    if name not in _COMPUTE:
        return np.dtype(name)
    if "16" in name and name not in _warned:
        _warned.add(name)
        warnings.warn(f"dtype {name!r} is kept in configs and files; nnlite computes it in float32.", stacklevel=3)
    return _COMPUTE[name]
