"""What a layer's ``dtype`` may be, and the NumPy type it computes in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import registry
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
TEXT = "string"  # what inputs for lookup layers may be


def floating(values: Any) -> np.ndarray[Any, Any]:
    """Return predictions as floats: float32 and float64 arrays as they are, others in float32, lists in ``floatx``.

    >>> floating([1, 2]).dtype, floating(np.ones(2)).dtype
    (dtype('float32'), dtype('float64'))
    """
    if not hasattr(values, "dtype"):
        return np.asarray(values, config.floatx())
    array = np.asarray(values)
    return array if array.dtype.kind == "f" and array.itemsize >= 4 else array.astype(np.float32)


def of_whole_numbers(dtypes: Iterable[Any]) -> str | None:
    """Return the dtype that whole numbers (or booleans) of these dtypes have together; None where any are others.

    >>> of_whole_numbers(["int32", "int64"]), of_whole_numbers(["int32", "float32"])
    ('int64', None)
    """
    names = {str(dtype) for dtype in dtypes}
    return np.result_type(*names).name if names and names <= {*_OTHER} else None


def policy_name(dtype: Any) -> str:
    """Return the name of a dtype given as None (``floatx``), a name, a NumPy type, or the dict or object of a policy.

    Raises ``ValueError`` for anything else.
    """
    if dtype is None:
        return config.floatx()
    if isinstance(dtype, dict):
        inner = dtype.get("config") or {}
        if "source_name" in inner:
            raise ValueError(f"dtype: quantized policies such as {dtype.get('class_name')} are not supported.")
        dtype = inner.get("name", dtype.get("class_name"))
    elif not isinstance(dtype, (str, type, np.dtype)):
        dtype = getattr(dtype, "name", dtype)
    if isinstance(dtype, str) and (dtype in _COMPUTE or dtype in _OTHER or dtype == TEXT):
        return str(dtype)
    try:
        name = str(np.dtype(dtype).name)
    except TypeError:
        name = ""
    if name not in _COMPUTE and name not in _OTHER:
        raise ValueError(f"dtype: got {dtype!r}.{nearest(dtype, _COMPUTE)} Expected one of {', '.join(_COMPUTE)}.")
    return name


def policies_by_path(dtype: Any) -> Any:
    """Return the map of policies that a layer's ``dtype`` is or describes, or the global one for None; else None."""
    if dtype is None:
        dtype = config.dtype_policy()
    if isinstance(dtype, dict) and dtype.get("class_name") == "DTypePolicyMap":
        cls: Any = registry.resolve("policy_maps", "DTypePolicyMap")
        dtype = cls.from_config(dtype.get("config") or {})
    return dtype if isinstance(dtype, Mapping) and isinstance(dtype, config.DTypePolicy) else None


def layer_policy(dtype: Any) -> str:
    """Return the name of a layer's policy; that of ``nnlite.config.dtype_policy()`` for None."""
    return policy_name(config.dtype_policy() if dtype is None else dtype)


def compute_dtype(name: str) -> np.dtype[Any]:
    """Return the NumPy type to compute in; half precision computes in float32 and says so once."""
    if name not in _COMPUTE:
        return np.dtype(object if name == TEXT else name)
    config.tell_of_half(name)
    return _COMPUTE[name]


registry.register("policies")(config.DTypePolicy)
registry.register("policies")(config.FloatDTypePolicy)
