"""Texts of variable length in HDF5's attributes, read without HDF5.

HDF5 takes the memory that a text claims to need before it looks whether there is so much of it, and one long text may
stand for thousands. Here each is measured against what the file holds first. The layout is that of HDF5's "File Format
Specification", versions 1 and 2 of object headers: an attribute is a message in the header of its group; it holds, for
each text, its length and where in which heap it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

_ATTRIBUTE, _CONTINUATION = 0x0C, 0x10
_SHARED = 0x02
_REFERENCE = 16  # length, address of the heap, number in it
_MOST_MESSAGES = 100_000

Read = Callable[[int, int], bytes]


def raw_reader(file: Any) -> Read:
    """Return what reads a number of bytes at an address of an open file."""
    import os

    if file.driver == "sec2":
        handle = file.id.get_vfd_handle()
        start = int(file.userblock_size)
        return lambda place, count: os.pread(handle, count, start + place)
    image = file.id.get_file_image()
    return lambda place, count: image[place : place + count]


def read(node: Any, name: bytes, most: int) -> list[bytes]:
    """Return the texts in an attribute of a group or array.

    Args:
        node: the open group or array.
        name: the attribute's.
        most: how many bytes all texts may have together.

    Raises ``ValueError`` if they have more, or the file is damaged.
    """
    import h5py

    data = raw_reader(node.file)
    references = _references(data, int(h5py.h5o.get_info(node.id).addr), name)
    heaps: dict[int, dict[int, tuple[int, int]]] = {}
    found: list[bytes] = []
    left = most
    for start in range(0, len(references), _REFERENCE):
        length, heap, number = (
            int.from_bytes(references[start + a : start + b], "little") for a, b in ((0, 4), (4, 12), (12, 16))
        )
        if length == 0:
            found.append(b"")
            continue
        if heap not in heaps:
            heaps[heap] = _heap(data, heap)
        place, size = heaps[heap].get(number, (0, -1))
        left -= length
        if length > size or left < 0:
            raise ValueError(f"a text of {length} bytes, where {max(size, 0)} are, or more than {most} in all")
        found.append(_exactly(data, place, length).rstrip(b"\0"))
    return found


def _exactly(read: Read, place: int, count: int) -> bytes:
    content = read(place, count)
    if len(content) != count:
        raise ValueError("the file ends too early")
    return content


def _heap(read: Read, place: int) -> dict[int, tuple[int, int]]:
    """Where each object of a heap stands, and how long it is, by its number."""
    head = _exactly(read, place, 16)
    size = int.from_bytes(head[8:16], "little")
    if head[:5] != b"GCOL\x01":
        raise ValueError("there is no heap of texts where one should be")
    found: dict[int, tuple[int, int]] = {}
    at, end = place + 16, place + size
    while at + 16 <= end and len(found) < _MOST_MESSAGES:
        entry = read(at, 16)
        number, length = int.from_bytes(entry[:2], "little"), int.from_bytes(entry[8:16], "little")
        if number == 0 or len(entry) < 16:
            break
        found[number] = (at + 16, min(length, end - at - 16))
        at += 16 + -(-length // 8) * 8
    return found


def _references(read: Read, header: int, name: bytes) -> bytes:
    """The content of the attribute: where its texts are."""
    pending = [_first_block(read, header)]
    is_second = _exactly(read, header, 4) == b"OHDR"
    tracked = is_second and bool(_exactly(read, header, 6)[5] & 0x04)
    count = 0
    while pending:
        at, end = pending.pop()
        while at + (4 if is_second else 8) <= end and count < _MOST_MESSAGES:
            count += 1
            head = _exactly(read, at, 8)
            if is_second:
                kind, size, flags, start = head[0], int.from_bytes(head[1:3], "little"), head[3], at + 4 + 2 * tracked
            else:
                kind, size, flags = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little"), head[4]
                start = at + 8
            at = start + size
            if kind == _CONTINUATION:
                body = _exactly(read, start, 16)
                place, length = int.from_bytes(body[:8], "little"), int.from_bytes(body[8:], "little")
                pending.append((place + 4, place + length - 4) if is_second else (place, place + length))
            elif kind == _ATTRIBUTE and not flags & _SHARED:
                content = _content(_exactly(read, start, size), name)
                if content is not None:
                    return content
    raise ValueError("it is kept in a way that is not read")


def _first_block(read: Read, header: int) -> tuple[int, int]:
    """Where the messages of an object header begin and end."""
    head = _exactly(read, header, 16)
    if head[:4] != b"OHDR":
        return header + 16, header + 16 + int.from_bytes(head[8:12], "little")
    flags = head[5]
    at = header + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    size = int.from_bytes(_exactly(read, at, width), "little")
    return at + width, at + width + size


def _content(body: bytes, name: bytes) -> bytes | None:
    """The data in an attribute's message, if it is the attribute of that name."""
    version, flags = body[0], body[1]
    sizes = [int.from_bytes(body[k : k + 2], "little") for k in (2, 4, 6)]
    at = 9 if version == 3 else 8
    if body[at : at + sizes[0]].rstrip(b"\0") != name:
        return None
    if version not in (1, 2, 3) or (version > 1 and flags):
        raise ValueError("it is kept in a way that is not read")
    padded = [-(-size // 8) * 8 if version == 1 else size for size in sizes]
    space = body[at + padded[0] + padded[1] : at + sum(padded)]
    rank, first = space[1], 8 if space[0] == 1 else 4
    shape = [int.from_bytes(space[first + 8 * k : first + 8 * k + 8], "little") for k in range(rank)]
    content = body[at + sum(padded) :][: _REFERENCE * math.prod(shape)]
    if len(content) != _REFERENCE * math.prod(shape):
        raise ValueError("the file ends too early")
    return content
