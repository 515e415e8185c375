"""Looking through an HDF5 file before HDF5 does, which trusts what a file says of itself.

A tree one of whose nodes is below itself, a list whose end leads to its start, a type that is where it says it is: HDF5
follows them until the stack or the memory ends, or for ever. So all that leads from one place of a file to another is
followed here first, each place once: from the root through groups, their trees and heaps of names, to where arrays have
their parts. What only unusual files have, and Keras never writes, is refused where it leads anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from nnlite.saving import headers
from nnlite.saving.headers import UNDEFINED, Message, Raw, exactly, number

# The messages that lead on, by HDF5's numbers.
_LINK_INFO, _TYPE, _LINK, _EXTERNAL = 0x02, 0x03, 0x06, 0x07
_LAYOUT, _ATTRIBUTE, _GROUP, _ATTRIBUTE_INFO = 0x08, 0x0C, 0x11, 0x15
_GROUPS, _CHUNKS = 0, 1  # what nodes of trees are of
_CHUNKED, _VIRTUAL = 2, 3  # ways of an array
_WITHOUT_LISTS = (1, 2)  # how newer files find parts where there is one, or they follow each other
# HDF5 trusts these most, and damages memory where they lie.
_NEWER = "in a newer form of HDF5, which Keras does not write (h5py does with libver='latest')"
_HARD, _SOFT = 0, 2  # plain links, and links by name in a group's list
# Types that are made of no others, and those that are made of one.
_PLAIN_TYPES, _MADE_OF_ONE = (0, 1, 2, 3, 4, 5, 7), (8, 9)
_HEAP_END = 1  # instead of an address, in the list of a heap's free places
# Names in a file, levels of a tree, bytes of a group's names and of a path, and of a type that may be
# made of others: HDF5 reads types in types with functions that call themselves, which takes ever longer.
_MOST_NAMES, _MOST_DEPTH = 2**16, 16
_LARGEST_HEAP, _LONGEST_PATH, _LARGEST_TYPE = 16 * 2**20, 4096, 1024
Held = list[tuple[str, int]]  # names and addresses


class Place(NamedTuple):
    """Where an object of a file is found. Many paths may be long and begin alike, so they are not written out."""

    parent: Place | None
    name: str
    length: int

    def __str__(self) -> str:
        names: list[str] = []
        place: Place | None = self
        while place is not None:
            names.append(place.name)
            place = place.parent
        return "/".join(reversed(names)).strip("/")


class Forms:
    """The parts of an HDF5 file that lead to others, each looked at once.

    Args:
        raw: the file's bytes.
        label: the file's name, for messages.
    """

    def __init__(self, raw: Raw, label: str) -> None:
        self._raw, self.label = raw, label
        self._seen: set[int] = set()

    def check(self, block: headers.Superblock) -> None:
        """Look at a file's start and all that its root leads to.

        Raises ``ValueError`` for a form that could not be read safely.
        """
        if block.driver != UNDEFINED:
            raise ValueError(f"{self.label}: it is one of several files that make one; only whole ones are read.")
        if block.extension != UNDEFINED:
            raise ValueError(f"{self.label}: its superblock has an extension, which Keras does not write.")
        if block.cached is not None:
            self._look("the root", lambda: self._check_group(*block.cached or (0, 0), list_them=False))
        pending = [(Place(None, "", 0), block.root)]
        names = 0
        while pending:
            place, address = pending.pop()
            if address in self._seen:
                continue
            self._seen.add(address)
            for name, found in self._look(place, lambda: self._object(address)):  # noqa: B023 (called at once)
                names += 1
                if names > _MOST_NAMES:
                    raise ValueError(f"{self.label}: its groups hold more than {_MOST_NAMES} names.")
                pending.append((self._inside(place, name), found))

    def _inside(self, place: Place, name: str) -> Place:
        if name in ("", ".") or "/" in name:  # which HDF5 takes for paths
            raise ValueError(f"{self.label}: {str(place) or 'the root'}: it holds the name {name!r}, which is none.")
        length = place.length + len(name) + 1
        if length > _LONGEST_PATH:
            raise ValueError(f"{self.label}: the names of its groups make a path of more than {_LONGEST_PATH} letters.")
        return Place(place, name, length)

    def _look(self, place: Any, function: Any) -> Any:
        try:
            return function()
        except (ValueError, IndexError, OverflowError, OSError, MemoryError) as error:
            raise ValueError(f"{self.label}: {str(place) or 'the root'}: {error}.") from None

    def _object(self, address: int) -> Held:
        """What an object holds."""
        return [one for message in headers.messages(self._raw, address) for one in self._led(message)]

    def _led(self, message: Message) -> Iterator[tuple[str, int]]:
        kind, shared, body = message
        if shared:
            raise ValueError("it shares a part of its header with another object, or a type that has a name")
        if kind == _GROUP:
            yield from self._check_group(number(body, 0), number(body, 8))
        elif kind == _LINK:
            yield from _hard_link(body)
        elif kind == _LINK_INFO:
            if number(body, 2 + (8 if body[1] & 1 else 0)) != UNDEFINED:
                raise ValueError(f"it keeps its many links {_NEWER}")
        elif kind == _TYPE:
            _check_type(body, 0)
        elif kind == _ATTRIBUTE:
            if body[0] > 1 and body[1]:
                raise ValueError("the type of one of its attributes has a name")
            size = number(body, 2, 2)
            _check_type(body, 8 + -(-size // 8) * 8 if body[0] == 1 else 8 + (body[0] == 3) + size)
        elif kind == _ATTRIBUTE_INFO:
            if number(body, 2 + (2 if body[1] & 1 else 0)) != UNDEFINED:
                raise ValueError(f"it keeps its many or large attributes {_NEWER}")
        elif kind == _EXTERNAL:
            raise ValueError("it keeps its data in another file; only plain arrays are read")
        elif kind == _LAYOUT:
            self._check_layout(body)

    # ---- groups ----

    def _check_group(self, tree: int, heap: int, list_them: bool = True) -> Held:
        """Look at a group's tree and at the heap of its names; return what the group holds."""
        names = self._names(heap)
        found: Held = []
        for leaf in self._check_tree(tree, _GROUPS, 8):
            head = exactly(self._raw.read, leaf, 8)
            if head[:4] != b"SNOD":
                raise ValueError("its tree leads to something else than names")
            count = number(head, 6, 2) if list_them else 0
            self._raw.spend(count, 40 * count)
            entries = exactly(self._raw.read, leaf + 8, 40 * count)
            for start in range(0, len(entries), 40):
                at = number(entries, start)
                end = names.find(b"\0", at, at + _LONGEST_PATH)
                if end < 0:
                    raise ValueError("it has a name without an end")
                if number(entries, start + 16, 4) != _SOFT:
                    found.append((names[at:end].decode("utf-8", "replace"), number(entries, start + 8)))
        return found

    def _names(self, address: int) -> bytes:
        """The names in the heap of a group, when its list of free places has been followed to its end."""
        head = exactly(self._raw.read, address, 32)
        size, free, start = number(head, 8), number(head, 16), number(head, 24)
        if head[:4] != b"HEAP" or size > _LARGEST_HEAP:
            raise ValueError(f"it has no heap of names, or one of more than {_LARGEST_HEAP} bytes")
        self._raw.spend(1, size)
        names, seen = exactly(self._raw.read, start, size), set()
        while free not in (_HEAP_END, UNDEFINED):
            if free in seen or free + 16 > size:
                raise ValueError("the free places in the heap of its names have no end")
            seen.add(free)
            self._raw.spend(1)
            free = number(names, free)
        return names

    # ---- trees ----

    def _check_tree(self, root: int, kind: int, key: int) -> list[int]:
        """Look at the nodes of a tree; return where its leaves lead to."""
        level, depth = [root], -1
        while True:
            below: list[int] = []
            for address, behind in zip(level, [*level[1:], UNDEFINED], strict=True):
                head = exactly(self._raw.read, address, 24)
                depth = head[5] if depth < 0 else depth
                if head[:6] != bytes([*b"TREE", kind, min(depth, _MOST_DEPTH)]):
                    raise ValueError("a tree leads to itself, or to something else than a part of it")
                if number(head, 16) != behind:
                    raise ValueError("the parts of a tree do not lead to each other in order")
                used = number(head, 6, 2)
                self._raw.spend(1 + used, used * (key + 8))
                body = exactly(self._raw.read, address + 24, used * (key + 8))
                below += [number(body, at) for at in range(key, len(body), key + 8)]
            if len(set(below)) < len(below):
                raise ValueError("a tree leads to the same place more than once")
            if depth == 0:
                return below
            level, depth = below, depth - 1

    # ---- arrays ----

    def _check_layout(self, body: bytes) -> None:
        """Look at where an array has its parts."""
        version = body[0]
        kind = body[2] if version < 3 else body[1]
        if kind == _VIRTUAL:
            raise ValueError("it keeps its data in another file; only plain arrays are read")
        if kind != _CHUNKED:
            return
        if version <= 3:
            rank, tree = (body[1], number(body, 8)) if version < 3 else (body[2], number(body, 3))
            if tree != UNDEFINED:
                self._check_tree(tree, _CHUNKS, 8 + 8 * rank)
            return
        if body[5 + body[3] * body[4]] not in _WITHOUT_LISTS:  # behind the sizes of a part
            raise ValueError(f"it keeps the list of its parts {_NEWER}")


def _hard_link(body: bytes) -> Iterator[tuple[str, int]]:
    """The name and the address in a message that is a plain link."""
    flags, at, kind = body[1], 2, _HARD
    if flags & 0x08:
        kind, at = body[at], at + 1
    at += (8 if flags & 0x04 else 0) + (1 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    size, at = number(body, at, width), at + width
    if kind == _HARD:
        yield body[at : at + size].decode("utf-8", "replace"), number(body, at + size)


def _check_type(body: bytes, at: int) -> None:
    """Look at the type of an array or attribute, which begins at a place of a message and may go on to its end."""
    is_plain = body[at] & 15 in _PLAIN_TYPES or (
        body[at] & 15 in _MADE_OF_ONE and number(body, at + 8, 1) & 15 in _PLAIN_TYPES
    )
    if not is_plain and len(body) - at > _LARGEST_TYPE:
        raise ValueError(f"it has a type of types, in {len(body) - at} bytes, more than {_LARGEST_TYPE}")
