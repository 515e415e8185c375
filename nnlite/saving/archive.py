"""The members of a ``.keras`` file: a zip archive, or a folder of the same files."""

from __future__ import annotations

import io
import json
import os
import zlib
from collections.abc import Iterable
from types import TracebackType
from typing import IO, Any

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
# Bytes of a config, and parts of it: what Python makes of one takes about a hundred bytes.
_LARGEST_CONFIG = 16 * 2**20
_MOST_PARTS = 1_000_000
_LARGEST_METADATA = 2**16
_LARGEST_ASSET = 64 * 2**20
# What the list of an archive's members may take, and how many times a member may grow.
_LARGEST_LIST = 2 * 2**20
_LARGEST_RATIO = 1000
_PIECE = 2**18
# Ways to compress that unpack no further than asked: as it is, and deflated.
_COMPRESSIONS = (0, 8)
_END = b"PK\x05\x06"
_LINK = 0xA  # what a member is, in the upper half of its attributes


class Archive:
    """What a ``.keras`` file holds, found by exact names; nothing is unpacked to disk.

    Args:
        path: the archive, or the folder.
        label: its name, for messages.

    Raises ``ValueError`` for a file that is damaged, has a name twice or one that leads out of it.
    """

    def __init__(self, path: str, label: str) -> None:
        import zipfile

        self.label, self._path, self._zip = label, path, None
        self._is_folder = os.path.isdir(path)
        if self._is_folder:
            return
        try:
            check_list(path)
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, UnicodeError) as error:
            raise ValueError(
                f"{label} is no .keras file (a zip archive), or only a part of one: {error}. Weights alone "
                f"(.weights.h5) are read by model.load_weights."
            ) from None
        try:
            self._check_names(self._zip.infolist())
        except BaseException:
            self._zip.close()
            raise

    def _check_names(self, infos: list[Any]) -> None:
        names = [info.filename for info in infos]
        for info in infos:
            name = info.filename
            parts = name.replace("\\", "/").split("/")
            if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
                raise ValueError(f"{self.label}: the member {name!r} leads out of the archive.")
            if info.external_attr >> 28 == _LINK:
                raise ValueError(f"{self.label}: {name} is a link, which leads to another place; only files are read.")
        seen: set[str] = set()
        for name in names:
            if name.casefold() in seen:
                raise ValueError(f"{self.label}: there are several members named {name!r}, or so in other cases.")
            seen.add(name.casefold())

    def others(self, known: Iterable[str]) -> list[str]:
        """Return the members, other than folders, that are none of a model's, given further ones that are."""
        names = [] if self._zip is None else self._zip.namelist()
        # TextVectorization of Keras 2 and 3 writes its words twice.
        known = {*MEMBERS, *known, *(name.replace("/vocabulary", "/_lookup_layer/vocabulary") for name in known)}
        return [name for name in names if name not in known and not name.endswith("/")]

    def holds(self, name: str) -> bool:
        """Return whether there is a member of exactly this name."""
        if self._zip is not None:
            return name in self._zip.NameToInfo
        return os.path.lexists(os.path.join(self._path, name))

    def size(self) -> int:
        """Return how many bytes the file takes, or the members in the folder."""
        if not self._is_folder:
            return os.path.getsize(self._path)
        paths = [os.path.join(self._path, name) for name in MEMBERS]
        return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))

    def read(self, name: str, most: int = _LARGEST_ASSET) -> bytes:
        """Return the content of a member.

        Raises ``ValueError`` if there is none, or it is damaged or has more than ``most`` bytes.
        """
        if self._zip is None:
            with open(self._file(name, most), "rb") as file:
                return file.read()
        info = self._info(name)
        self._check_size(name, info.file_size, most)
        return self._content(name, info)

    def open(self, name: str, most: int) -> IO[bytes]:
        """Return a member as a file that can be read anywhere.

        One that is not compressed is read where it is, when its checksum has been found right.

        Raises ``ValueError`` if there is none, or it is damaged or unpacks to more than ``most`` bytes.
        """
        if self._zip is None:
            return open(self._file(name, None), "rb")
        info = self._info(name)
        if info.compress_type != 0 or info.flag_bits & 1:
            self._check_size(name, info.file_size, most)
            return io.BytesIO(self._content(name, info))
        start = self._checked(name, _content_start, self._path, info.header_offset)
        part = Part(self._path, start, info.file_size)
        if info.compress_size != info.file_size or part.checksum() != info.CRC:
            part.close()
            raise ValueError(f"{self.label}: {name} is damaged: its checksum is another.")
        return io.BufferedReader(part, 2**12)

    def _info(self, name: str) -> Any:
        assert self._zip is not None
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            there = ", ".join(self._zip.namelist()[:10])
            raise ValueError(f"{self.label}: there is no member {name!r}; the archive holds: {there}.") from None
        check_member(info, self.label)
        return info

    def _content(self, name: str, info: Any) -> bytes:
        assert self._zip is not None
        with self._checked(name, self._zip.open, info) as member:
            # Asked for no number, zipfile unpacks all there is, whatever size the archive's list says.
            return self._checked(name, member.read, info.file_size)  # type: ignore[no-any-return]

    def _checked(self, name: str, function: Any, *args: Any) -> Any:
        """What a function of zipfile returns; its many errors as one."""
        import zipfile

        try:
            return function(*args)
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, OverflowError, zlib.error) as error:
            raise ValueError(f"{self.label}: {name} is damaged: {error}") from None

    def _file(self, name: str, most: int | None) -> str:
        path = self._path
        for part in name.split("/"):
            path = os.path.join(path, part)
            if os.path.islink(path):
                raise ValueError(f"{self.label}: {name} is a link, which leads to another place; only files are read.")
        if os.path.exists(path) and not os.path.isfile(path):  # to open one may never end
            raise ValueError(f"{self.label}: {name} is a folder, a pipe or a device; only files are read.")
        if not os.path.isfile(path):
            there = ", ".join(sorted(os.listdir(self._path))[:10])
            raise ValueError(f"{self.label}: there is no {name!r}; the folder holds: {there}.")
        if most is not None:
            self._check_size(name, os.path.getsize(path), most)
        return path

    def _check_size(self, name: str, size: int, most: int) -> None:
        if size > most:
            raise ValueError(f"{self.label}: {name} has {size} bytes, more than the {most} that it may have.")

    def json(self, name: str, parts: int = _MOST_PARTS) -> Any:
        """Return a member as what its JSON says; raises as :meth:`read`, and for what is no JSON."""
        return parsed(self.read(name, _LARGEST_CONFIG), f"{self.label}: {name}", parts)

    def version(self) -> str | None:
        """Return the version of Keras that wrote the file, or None if it does not say."""
        try:
            found = parsed(self.read("metadata.json", _LARGEST_METADATA), f"{self.label}: metadata.json")
        except ValueError:
            return None
        version = found.get("keras_version") if isinstance(found, dict) else None
        return version if isinstance(version, str) else None

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()


class Part(io.RawIOBase):
    """A run of bytes in a file, as a file of its own."""

    def __init__(self, path: str, start: int, length: int) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 (closed with the part)
        self._start, self._length, self._at = start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._length)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")[: max(0, self._length - self._at)]
        self._file.seek(self._start + self._at)
        count = self._file.readinto(view) or 0
        self._at += count
        return count

    def checksum(self) -> int:
        """Return the CRC of all bytes."""
        found, left, piece = 0, self._length, bytearray(_PIECE)
        self._file.seek(self._start)
        while left > 0:
            count = self._file.readinto(memoryview(piece)[:left]) or 0
            if not count:
                return -1
            found = zlib.crc32(memoryview(piece)[:count], found)
            left -= count
        return found

    def close(self) -> None:
        self._file.close()
        super().close()


def _content_start(path: str, header: int) -> int:
    """Return where a member's content begins: behind its own header, which repeats its name."""
    with open(path, "rb") as file:
        file.seek(header)
        found = file.read(30)
    if len(found) < 30 or found[:4] != b"PK\x03\x04":
        raise ValueError("it has no header.")
    return header + 30 + int.from_bytes(found[26:28], "little") + int.from_bytes(found[28:30], "little")


def check_member(info: Any, label: str) -> None:
    """Raise ``ValueError`` if a member of a zip archive cannot be unpacked safely."""
    if info.compress_type not in _COMPRESSIONS or info.flag_bits & 1:
        how = "is encrypted" if info.flag_bits & 1 else f"is compressed in zip's way {info.compress_type}"
        raise ValueError(f"{label}: {info.filename} {how}; only plain and deflated members are read.")
    if info.file_size > max(_LARGEST_RATIO * info.compress_size, 2**20):
        raise ValueError(
            f"{label}: {info.filename} claims to unpack to {info.file_size} bytes from {info.compress_size}."
        )


def check_list(path: str) -> None:
    """Raise ``ValueError`` if an archive's list of members is too large to be read."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 2**16 - 64))
        tail = file.read()
        # Where zipfile looks for the archive's end: without a comment, or wherever it stands last.
        ends = {place for place in (max(0, len(tail) - 22), tail.rfind(_END)) if tail[place:][:4] == _END}
        sizes = [int.from_bytes(tail[place + 12 : place + 16], "little") for place in ends]
        for place in ends:  # of large archives more is said before it, or wherever that says
            locator = tail[max(0, place - 20) : place]
            if locator[:4] == b"PK\x06\x07":
                file.seek(min(int.from_bytes(locator[8:16], "little"), end))
                for found in (tail[max(0, place - 76) : place - 20], file.read(56)):
                    sizes += [int.from_bytes(found[40:48], "little")] if found[:4] == b"PK\x06\x06" else []
    for size in sizes:
        if size > _LARGEST_LIST and size != 2**32 - 1:
            raise ValueError(f"its list of members has {size} bytes, more than {_LARGEST_LIST}")


def parsed(content: str | bytes, what: str, parts: int = _MOST_PARTS) -> Any:
    """Return what JSON says; raise ``ValueError`` for what is none, or has too many parts."""
    if len(content) > _LARGEST_CONFIG:
        raise ValueError(f"{what} has {len(content)} bytes, more than the {_LARGEST_CONFIG} allowed.")
    signs: Any = ",[{" if isinstance(content, str) else (b",", b"[", b"{")
    count = sum(content.count(sign) for sign in signs)
    if count > parts:
        raise ValueError(f"{what} has {count} parts, more than the {parts} allowed.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} cannot be read: {error}") from None
