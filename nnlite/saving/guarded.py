"""Reading HDF5 with care: a file is data from a stranger, and nothing in it may lead anywhere else.

All reading goes through here. Groups and arrays are reached by :func:`child`, which follows plain links only. An array
is described before a byte of it is read (:class:`Stored`), so that whoever expects a shape can refuse another one
first; attributes are measured before they are read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.saving import texts as texts_of
from nnlite.saving.stored import Stored

# Bytes of one attribute, names in a list, and parts that a long list of names may be cut into.
_LARGEST_TEXT = 16 * 2**20
_MOST_NAMES = 2**16
_MOST_PARTS = 1000
# Links in a file, and levels of its groups.
_MOST_LINKS, _MOST_LEVELS = 2**16, 200
# What h5py raises for damaged files.
_DAMAGE = (OSError, LookupError, RuntimeError, TypeError, ValueError, OverflowError)


def check_links(file: Any, label: str) -> None:
    """Raise ``ValueError`` if a file has links to other places, anywhere, or too many links or levels to be a model's.

    Nothing is followed to find them; where groups hold each other, each is looked at once.
    """
    import h5py

    count = 0

    def look(name: bytes, info: Any) -> ValueError | None:
        nonlocal count
        count += 1
        if count > _MOST_LINKS:
            return ValueError(f"{label}: its groups hold more than {_MOST_LINKS} names.")
        if name.count(b"/") > _MOST_LEVELS:
            return ValueError(f"{label}: its groups are nested deeper than {_MOST_LEVELS} levels.")
        return None if info.type == h5py.h5l.TYPE_HARD else _leads_elsewhere(label, decoded(name), info.type)

    try:
        found = file.id.links.visit(look, info=True)  # ends with the first that is not None
    except _DAMAGE as error:
        raise ValueError(f"{label}: what it holds cannot be listed: {error}") from None
    if found is not None:
        raise found


def _leads_elsewhere(label: str, place: str, kind: int) -> ValueError:
    import h5py

    links = {h5py.h5l.TYPE_SOFT: "a SoftLink", h5py.h5l.TYPE_EXTERNAL: "an ExternalLink"}
    which = links.get(kind, "a link of its own kind")
    return ValueError(f"{label}: {place} is {which}, which leads to another place; only plain arrays are read.")


def child(node: Any, name: str, label: str) -> Any:
    """Return the group or array called ``name`` in a group; None if there is none.

    Args:
        node: an open group.
        name: one name, not a path.
        label: the file's name, for messages.

    Raises ``ValueError`` for a link to another place, and if ``node`` is an array.
    """
    import h5py

    if not isinstance(node, h5py.Group):
        raise ValueError(f"{label}: {_name(node)!r} is not a group.")
    if name in (".", ""):  # ".." is a name like others in HDF5
        return None
    try:
        key = name.encode()
        if not node.id.links.exists(key):
            return None
        kind = node.id.links.get_info(key).type
        if kind == h5py.h5l.TYPE_HARD:
            found = h5py.h5o.open(node.id, key)
            if isinstance(found, h5py.h5g.GroupID):
                return h5py.Group(found)
            if isinstance(found, h5py.h5d.DatasetID):
                return h5py.Dataset(found)
    except _DAMAGE as error:
        raise ValueError(f"{label}: {_place(node, name)} cannot be opened: {error}") from None
    if kind == h5py.h5l.TYPE_HARD:
        raise ValueError(f"{label}: {_place(node, name)} is neither a group nor an array.")
    raise _leads_elsewhere(label, _place(node, name), kind)


def _place(node: Any, name: str) -> str:
    return "/".join((_name(node), name)).strip("/")


def _name(node: Any) -> str:
    return str(node.name or "")


def at(node: Any, path: str, label: str) -> Any:
    """Return what stands at a path, or None; raises as :func:`child`, for each part of the path."""
    for part in path.split("/"):
        if part not in ("", ".") and node is not None:  # which HDF5 passes over, too
            node = child(node, part, label)
    return node


def group_at(node: Any, path: str, label: str) -> Any:
    """Return the group at a path, or None; raises as :func:`child`, and if it is no group."""
    import h5py

    found = at(node, path, label)
    if found is not None and not isinstance(found, h5py.Group):
        raise ValueError(f"{label}: {path.strip('/')!r} is not a group.")
    return found


def array_at(node: Any, path: str, label: str) -> Stored | None:
    """Return the array at a path, described and not read yet; None if there is nothing.

    Raises ``ValueError`` for what is no plain array of numbers: a group, data in another file, other types and filters.
    """
    import h5py

    found = at(node, path, label)
    if found is None:
        return None
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{label}: {_name(found).strip('/')} is no array.")
    return Stored(found, label)


def names(group: Any, label: str, most: int = _MOST_NAMES) -> list[str]:
    """Return the names in a group; raise ``ValueError`` if the file is damaged there, or has more than ``most``."""
    found: list[str] = []
    try:
        for name in group:
            if not isinstance(name, str):
                raise ValueError(f"{name!r} is no text")
            found.append(name)
            if len(found) > most:
                break
    except _DAMAGE as error:
        raise ValueError(f"{label}: what {_name(group) or '/'!r} holds cannot be listed: {error}") from None
    if len(found) > most:
        raise ValueError(f"{label}: {_name(group) or '/'!r} holds more than {most} names.")
    return found


def has(node: Any, name: str, label: str) -> bool:
    """Return whether there is an attribute; raise ``ValueError`` if the file is damaged there."""
    import h5py

    try:
        return bool(h5py.h5a.exists(node.id, name.encode()))
    except _DAMAGE as error:
        raise ValueError(f"{_attribute_place(node, name, label)} cannot be read: {error}") from None


def text(node: Any, name: str, label: str) -> str | None:
    """Return an attribute that is a text, or None if there is none.

    Raises ``ValueError`` for one that is no text, or an unreasonably long one.
    """
    found = _attribute(node, name, label)
    if found is None:
        return None
    if np.size(found) != 1:
        raise ValueError(f"{_attribute_place(node, name, label)} is a list of {np.size(found)}, expected one text.")
    value = np.asarray(found, object).ravel()[0]
    if len(value) > _LARGEST_TEXT:
        raise ValueError(
            f"{_attribute_place(node, name, label)} has {len(value)} characters, more than {_LARGEST_TEXT}."
        )
    return decoded(value)


def texts(node: Any, name: str, label: str) -> list[str]:
    """Return an attribute that is a list of texts, also one that was cut into ``name0``, ``name1``, ...; none if there
    is no such attribute."""
    whole = _attribute(node, name, label)
    if whole is not None:
        return [decoded(value) for value in np.asarray(whole, object).ravel().tolist()]
    found: list[str] = []
    for number in range(_MOST_PARTS):
        part = _attribute(node, f"{name}{number}", label)
        if part is None:
            break
        found += [decoded(value) for value in np.asarray(part, object).ravel().tolist()]
    return found


def _attribute(node: Any, name: str, label: str) -> Any:
    """The texts in an attribute, measured before they are read; an empty list of anything holds none."""
    import h5py

    key = name.encode()
    place = _attribute_place(node, name, label)
    try:
        if not h5py.h5a.exists(node.id, key):
            return None
        attribute = h5py.h5a.open(node.id, key)
        kind, count = attribute.get_type(), int(attribute.get_space().get_simple_extent_npoints())
        if count == 0:
            return []
        if kind.get_class() == h5py.h5t.STRING:
            size = int(attribute.get_storage_size())
            if size > _LARGEST_TEXT or count > _MOST_NAMES:
                raise ValueError(f"it has {count} texts in {size} bytes, more than {_LARGEST_TEXT} bytes are not read")
            return texts_of.read(node, key, _LARGEST_TEXT) if kind.is_variable_str() else node.attrs[name]
    except _DAMAGE as error:
        raise ValueError(f"{place} cannot be read: {error}") from None
    raise ValueError(f"{place} is no text, or list of texts.")


def _attribute_place(node: Any, name: str, label: str) -> str:
    return f"{label}: the attribute {name!r} of {_name(node) or '/'!r}"


def decoded(value: Any) -> str:
    """Return a text that may be bytes as a string."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
