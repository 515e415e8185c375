"""What HDF5 writes before its arrays, read as bytes: a file's superblock, and the messages in the header of an object.

The layout is that of HDF5's "File Format Specification", with addresses and lengths of 8 bytes, as all files of Keras
have them.
"""

from __future__ import annotations

import io
import os
import struct
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1
CONTINUATION, _NOTHING = 0x10, 0
# How a message begins in the two versions of headers: its kind, its size and its flags.
_FIRST, _SECOND = struct.Struct("<HHB"), struct.Struct("<BHB")
_SHARED = 0x02
# Bytes of one object's header; parts of all that leads from one place of a file to another, and their bytes.
_LARGEST_HEADER, _MOST_PARTS, _MOST_BYTES = 16 * 2**20, 2**20, 2**27
_MOST_USERBLOCK = 2**24  # where a file may begin at most
_USERBLOCK = 512

Read = Callable[[int, int], bytes]


class Raw:
    """An HDF5 file as bytes, and how much of its structure has been looked through.

    Args:
        read: what reads a number of bytes at an address.
    """

    def __init__(self, read: Read) -> None:
        self.read = read
        self._parts, self._bytes = _MOST_PARTS, _MOST_BYTES
        # Heaps of texts by their addresses, and the attributes of the object last looked at: many are asked for each.
        self.heaps: dict[int, dict[int, tuple[int, int]]] = {}
        self.attributes: tuple[int, dict[bytes, Message]] = -1, {}

    def spend(self, parts: int, size: int = 0) -> None:
        """Count parts of the structure and their bytes; raise ``ValueError`` if no model has so many: in a file, any
        number of lists may be the same bytes."""
        self._parts, self._bytes = self._parts - parts, self._bytes - size
        if self._parts < 0 or self._bytes < 0:
            raise ValueError("the file's headers, trees and heaps are more than any model's")


# By HDF5's numbers of open files. h5py does not hand out the files that it reads through Python.
_open: weakref.WeakValueDictionary[int, Raw] = weakref.WeakValueDictionary()


class Message(NamedTuple):
    """A part of an object's header: what it is, whether it only says where it stands, and its content."""

    kind: int
    is_shared: bool
    body: bytes


class Superblock(NamedTuple):
    """What a file says of itself: where it begins, and where the header of its root is.

    ``extension`` and ``driver`` are the addresses of what only unusual files have, ``cached`` what is noted beside the
    root's address: those of its tree and its heap, in older files.
    """

    start: int
    root: int
    extension: int
    driver: int
    cached: tuple[int, int] | None


def number(content: bytes, at: int, width: int = 8) -> int:
    """Return a whole number out of a part of a file; raise ``ValueError`` if that ends before it."""
    if at + width > len(content):
        raise ValueError("a part of the file is too short")
    return int.from_bytes(content[at : at + width], "little")


def exactly(read: Read, place: int, count: int) -> bytes:
    """Return bytes of a file; raise ``ValueError`` if it ends before them."""
    content = read(place, count)
    if len(content) != count:
        raise ValueError("the file ends too early")
    return content


def remember(file: Any, raw: Raw) -> None:
    """Note the bytes of a file that h5py has opened, for as long as it is open, so that :func:`raw_of` finds them."""
    if file.driver == "sec2":
        handle, start = file.id.get_vfd_handle(), int(file.userblock_size)
        raw.read = lambda place, count: os.pread(handle, count, start + place)
    file.raw = raw  # as no one else holds it
    _open[int(file.id.id)] = raw


def raw_of(file: Any) -> Raw:
    """Return the bytes of a file that is open."""
    found = _open.get(int(file.id.id))
    return Raw(reader(io.BytesIO(file.id.get_file_image()))) if found is None else found


def reader(source: Any, start: int = 0) -> Read:
    """Return what reads a number of bytes at an address, given a file that Python reads and where addresses begin."""

    def read(place: int, count: int) -> bytes:
        source.seek(start + place)
        return bytes(source.read(count))

    return read


def begin(read: Read) -> int | None:
    """Return where HDF5 begins in a file: at once, or behind a block of the user's; None if it does not."""
    start = 0
    while start <= _MOST_USERBLOCK:
        found = read(start, len(SIGNATURE))
        if found == SIGNATURE:
            return start
        if len(found) < len(SIGNATURE):
            return None
        start = max(_USERBLOCK, 2 * start)
    return None


def superblock(read: Read) -> Superblock:
    """Return what a file says of itself.

    Raises ``ValueError`` for what is no HDF5, and for forms that Keras does not write.
    """
    start = begin(read)
    if start is None:
        raise ValueError("HDF5's signature is not where it should be")
    head = exactly(read, start, 13)
    version = head[8]
    if version > 3:
        raise ValueError(f"it has version {version} of HDF5's form")
    sizes = head[9:11] if version > 1 else exactly(read, start + 13, 2)
    if tuple(sizes) != (8, 8):
        raise ValueError(f"its addresses and lengths have {sizes[0]} and {sizes[1]} bytes; those of 8 are read")
    if version > 1:
        head = exactly(read, start, 48)
        extension, root, driver, cached = number(head, 20), number(head, 36), UNDEFINED, None
    else:
        at = 24 + 4 * version
        head = exactly(read, start, at + 72)
        extension, driver, root = UNDEFINED, number(head, at + 24), number(head, at + 40)
        cached = (number(head, at + 56), number(head, at + 64)) if number(head, at + 48, 4) == 1 else None
    return Superblock(start, root, extension, driver, cached)


def messages(raw: Raw, address: int) -> Iterator[Message]:
    """Return the messages in the header of an object, in all its blocks.

    Raises ``ValueError`` if they have no end, or are more than any object's.
    """
    read = raw.read
    head = exactly(read, address, 16)
    is_second, tracked, left = head[:4] == b"OHDR", False, _LARGEST_HEADER
    if is_second:
        flags = head[5]
        tracked = bool(flags & 0x04)
        at, width = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0), 1 << (flags & 3)
        pending = [(at + width, number(exactly(read, at, width), 0, width))]
    else:
        pending = [(address + 16, number(head, 8, 4))]
    form = _SECOND if is_second else _FIRST
    prefix, seen, count = 4 + 2 * tracked if is_second else 8, set(), 0
    while pending:
        start, length = pending.pop()
        left -= length
        if left < 0 or start in seen:
            raise ValueError(f"its header leads to itself, or has more than {_LARGEST_HEADER} bytes")
        seen.add(start)
        raw.spend(1, length)
        block, at = exactly(read, start, length), 0
        while at + prefix <= length:
            kind, size, flags = form.unpack_from(block, at)
            at += prefix + size
            count += 1
            if kind == _NOTHING:
                continue
            raw.spend(1)
            body = block[at - size : at]
            if kind == CONTINUATION:
                place, more = number(body, 0), number(body, 8)
                if more < 8:
                    raise ValueError(f"its header goes on in {more} bytes")
                pending.append((place + 4, more - 8) if is_second else (place, more))
            yield Message(kind, bool(flags & _SHARED), body)
    raw.spend(count)
