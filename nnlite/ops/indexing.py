"""Parts of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function


@function("GetItem", operands=2, as_given=("key",))
def get_item(x: Any, key: Any) -> Any:
    """Return ``x[key]``, for numbers, slices, ``...``, None and tuples of them; backward puts dy there, zero elsewhere.

    >>> get_item(np.arange(6).reshape(2, 3), (slice(None), 1)).tolist()
    [1, 4]
    """
    return x[_key(key)]


def _key(key: Any) -> Any:
    return tuple(key) if isinstance(key, list) and any(isinstance(one, (slice, type(...))) for one in key) else key


@get_item.gradient
def _(dy: Any, y: Any, x: Any, key: Any) -> Any:
    dx = np.zeros(x.shape, dy.dtype)
    np.add.at(dx, key, dy) if _is_index(key) else dx.__setitem__(_key(key), dy)
    return dx, None


def _is_index(key: Any) -> bool:
    """Whether a key holds arrays of indices, which may repeat."""
    return any(isinstance(one, np.ndarray) for one in (key if isinstance(key, (tuple, list)) else [key]))


@get_item.output_shape
def _(shape: Any, key: Any) -> Any:
    # An open size stays open where the whole axis is taken: the shape is that of two sizes, where it differs.
    found = [np.broadcast_to(0, [n if d is None else d for d in shape])[_key(key)].shape for n in (1009, 1013)]
    return tuple(m if m == n else None for m, n in zip(*found, strict=True))
