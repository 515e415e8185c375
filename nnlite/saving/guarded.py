"""Reading HDF5 with care: a file is data from a stranger, and nothing in it may lead anywhere else.

Everything is reached through :func:`child`, which follows plain links only. An array is described before a byte of it
is read, so that whoever expects a shape can refuse another one first.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# The filters of HDF5 that an array may have been written with: gzip, shuffle, Fletcher's checksum, lzf.
_FILTERS = {1, 2, 3, 32000}
# Characters of one attribute, and parts that a long list of names may be cut into.
_LARGEST_TEXT = 64 * 2**20
_MOST_PARTS = 10000


def child(node: Any, name: str, label: str) -> Any:
    """Return the group or array called ``name`` in a group; None if there is none.

    Args:
        node: an open group.
        name: one name, not a path.
        label: the file's name, for messages.

    Raises ``ValueError`` for a link to another place, and if ``node`` is an array.
    """
    import h5py

    place = f"{label}: {node.name.strip('/')}/{name}"
    if not isinstance(node, h5py.Group):
        raise ValueError(f"{label}: {node.name!r} is not a group.")
    if name in (".", "..", "") or not node.id.links.exists(name.encode()):
        return None
    link = node.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise ValueError(
            f"{place} is a {type(link).__name__}, which leads to another place; only plain arrays are read."
        )
    return node[name]


def at(node: Any, path: str, label: str) -> Any:
    """Return what stands at a path, or None; raises as :func:`child`, for each part of the path."""
    for part in path.split("/"):
        if part and node is not None:
            node = child(node, part, label)
    return node


def array_at(node: Any, path: str, label: str) -> Any:
    """Return the array at a path, described and not read yet; None if there is nothing.

    Raises ``ValueError`` for what is no plain array of numbers: a group, data in another file, other types and filters.
    """
    import h5py

    found = at(node, path, label)
    if found is None:
        return None
    place = f"{label}: {found.name}"
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{place} is no array.")
    if found.is_virtual or found.external:
        raise ValueError(f"{place} keeps its data in another file; only plain arrays are read.")
    if found.dtype.kind not in "fiub" and not _is_bfloat16(found):
        raise ValueError(f"{place} has dtype {found.dtype}; only numbers are read.")
    settings = found.id.get_create_plist()
    codes = {settings.get_filter(index)[0] for index in range(settings.get_nfilters())}
    if not codes <= _FILTERS:
        raise ValueError(
            f"{place} was written with filter {max(codes - _FILTERS)}; only gzip, lzf and shuffle are read."
        )
    if found.shape is None:
        raise ValueError(f"{place} has no shape.")
    return found


def size_of(dataset: Any) -> int:
    """Return how many bytes an array takes in memory."""
    return math.prod(dataset.shape) * max(4, int(dataset.dtype.itemsize))


def values(dataset: Any) -> Any:
    """Return the content of an array that has been looked at."""
    if _is_bfloat16(dataset):  # the upper halves of float32
        return (np.asarray(dataset[()]).view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return dataset[()]


def _is_bfloat16(dataset: Any) -> bool:
    """Whether an array holds numbers that HDF5 has no type for, as Keras marks them."""
    if dataset.dtype.str != "|V2" or "dtype" not in dataset.attrs:
        return False
    return _decoded(dataset.attrs["dtype"]) == "bfloat16"


def text(node: Any, name: str, label: str) -> str | None:
    """Return an attribute that is a text, or None if there is none.

    Raises ``ValueError`` for one that is no text, or an unreasonably long one.
    """
    if name not in node.attrs:
        return None
    found = node.attrs[name]
    if not isinstance(found, (str, bytes, np.bytes_, np.str_)):
        raise ValueError(f"{label}: the attribute {name!r} of {node.name!r} is no text.")
    if len(found) > _LARGEST_TEXT:
        raise ValueError(f"{label}: the attribute {name!r} has {len(found)} characters, more than {_LARGEST_TEXT}.")
    return _decoded(found)


def texts(node: Any, name: str, label: str) -> list[str]:
    """Return an attribute that is a list of texts, also one that was cut into ``name0``, ``name1``, ...; none if there
    is no such attribute."""
    parts = [name] if name in node.attrs else []
    while not parts or parts[-1] != name:
        following = f"{name}{len(parts)}"
        if following not in node.attrs or len(parts) >= _MOST_PARTS:
            break
        parts.append(following)
    found: list[str] = []
    for part in parts:
        array = np.asarray(node.attrs[part])
        if array.size and array.dtype.kind not in "SUO":
            raise ValueError(f"{label}: the attribute {part!r} of {node.name!r} is no list of names.")
        found += [_decoded(value) for value in array.ravel().tolist()] if array.size else []
    return found


def _decoded(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
