"""Texts of variable length in HDF5's attributes, read without HDF5.

HDF5 takes the memory that a text claims to need before it looks whether there is so much of it, and one long text may
stand for thousands. Here each is measured against what the file holds first. An attribute is a message in the header of
its group; it holds, for each text, its length and where in which heap it stands.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from nnlite.saving.headers import Message, Raw, exactly, messages, number, raw_of

_ATTRIBUTE = 0x0C
# What begins an object of a heap: its number and its length, behind which stand others where it is short. It counts for
# several parts of a header, as much as it takes.
_OBJECT, _PIECE, _ENTRY = struct.Struct("<H6xQ"), 2**12, 16
_REFERENCE = struct.Struct("<IQI")  # length, address of the heap, number in it


def read(node: Any, name: bytes, most: int) -> list[bytes]:
    """Return the texts in an attribute of a group or array.

    Args:
        node: the open group or array.
        name: the attribute's.
        most: how many bytes all texts may have together.

    Raises ``ValueError`` if they have more, or the file is damaged.
    """
    import h5py

    raw = raw_of(node.file)
    references = _references(raw, int(h5py.h5o.get_info(node.id).addr), name)
    found: list[bytes] = []
    left = most
    for length, heap, index in _REFERENCE.iter_unpack(references):
        if length == 0:
            found.append(b"")
            continue
        if heap not in raw.heaps:
            raw.heaps[heap] = _heap(raw, heap)
        place, size = raw.heaps[heap].get(index, (0, -1))
        left -= length
        if length > size or left < 0:
            raise ValueError(f"a text of {length} bytes, where {max(size, 0)} are, or more than {most} in all")
        raw.spend(1, length)  # many attributes may have the same text
        found.append(exactly(raw.read, place, length).rstrip(b"\0"))
    return found


def _heap(raw: Raw, place: int) -> dict[int, tuple[int, int]]:
    """Where each object of a heap stands, and how long it is, by its number."""
    head = exactly(raw.read, place, 16)
    if head[:5] != b"GCOL\x01":
        raise ValueError("there is no heap of texts where one should be")
    found: dict[int, tuple[int, int]] = {}
    at, end = place + 16, place + number(head, 8)
    piece, first = b"", at
    while at + 16 <= end:
        raw.spend(_ENTRY)
        if at + 16 > first + len(piece):
            piece, first = exactly(raw.read, at, 16) + raw.read(at + 16, _PIECE), at
        index, length = _OBJECT.unpack_from(piece, at - first)
        if index == 0:
            break
        found[index] = (at + 16, min(length, end - at - 16))
        at += 16 + -(-length // 8) * 8
    return found


def _references(raw: Raw, header: int, name: bytes) -> bytes:
    """The content of the attribute: where its texts are."""
    if raw.attributes[0] != header:
        found: dict[bytes, Message] = {}
        for message in messages(raw, header):
            if message.kind == _ATTRIBUTE and not message.is_shared:
                found.setdefault(_name(message.body), message)
        raw.attributes = header, found
    if name not in raw.attributes[1]:
        raise ValueError("it is kept in a way that is not read")
    return _content(raw.attributes[1][name].body)


def _name(body: bytes) -> bytes:
    """The name in an attribute's message."""
    at = 9 if body[0] == 3 else 8
    return body[at : at + number(body, 2, 2)].rstrip(b"\0")


def _content(body: bytes) -> bytes:
    """The data in an attribute's message."""
    version, flags = body[0], body[1]
    sizes = [number(body, k, 2) for k in (2, 4, 6)]
    at = 9 if version == 3 else 8
    if version not in (1, 2, 3) or (version > 1 and flags):
        raise ValueError("it is kept in a way that is not read")
    padded = [-(-size // 8) * 8 if version == 1 else size for size in sizes]
    space = body[at + padded[0] + padded[1] : at + sum(padded)]
    rank, first = space[1], 8 if space[0] == 1 else 4
    shape = [number(space, first + 8 * k) for k in range(rank)]
    content = body[at + sum(padded) :][: _REFERENCE.size * math.prod(shape)]
    if len(content) != _REFERENCE.size * math.prod(shape):
        raise ValueError("the file ends too early")
    return content
