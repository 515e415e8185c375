"""The members of a ``.keras`` file: a zip archive, or a folder of the same files."""

from __future__ import annotations

import json
import os
import warnings
from types import TracebackType
from typing import Any

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
_LARGEST_CONFIG = 64 * 2**20
_LARGEST_RATIO = 1000


class Archive:
    """What a ``.keras`` file holds, found by exact names; nothing is unpacked to disk.

    Args:
        path: the archive, or the folder.
        label: its name, for messages.

    Raises ``ValueError`` for a file that is damaged, has a name twice or one that leads out of it. Members with other
    names are ignored, with one warning.
    """

    def __init__(self, path: str, label: str) -> None:
        import zipfile

        self.label, self._folder, self._zip = label, None, None
        if os.path.isdir(path):
            self._folder = path
            return
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
            raise ValueError(
                f"{label} is no .keras file (a zip archive), or only a part of one: {error}. Weights alone "
                f"(.weights.h5) are read by model.load_weights."
            ) from None
        try:
            self._check_names(self._zip.namelist())
        except ValueError:
            self._zip.close()
            raise

    def _check_names(self, names: list[str]) -> None:
        for name in names:
            parts = name.replace("\\", "/").split("/")
            if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
                raise ValueError(f"{self.label}: the member {name!r} leads out of the archive.")
        twice = next((name for name in MEMBERS if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{self.label}: there are {names.count(twice)} members named {twice!r}, expected one.")
        others = [name for name in names if name not in MEMBERS and not name.startswith("assets")]
        if others:
            warnings.warn(
                f"{self.label}: ignored {len(others)} member(s) that are none of a model's, such as {others[0]!r}.",
                stacklevel=6,
            )

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        Raises ``ValueError`` if there is none, or it is damaged or unreasonably large.
        """
        if self._folder is not None:
            return self._read_file(self._folder, name)
        import zipfile

        assert self._zip is not None
        try:
            info = self._zip.getinfo(name)
        except KeyError:
            there = ", ".join(self._zip.namelist()[:10])
            raise ValueError(f"{self.label}: there is no member {name!r}; the archive holds: {there}.") from None
        if info.file_size > max(_LARGEST_RATIO * info.compress_size, 2**20):
            raise ValueError(
                f"{self.label}: {name} claims to unpack to {info.file_size} bytes from {info.compress_size}."
            )
        self._check_size(name, info.file_size)
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
            raise ValueError(f"{self.label}: {name} is damaged: {error}") from None
        except Exception as error:  # zlib's own
            raise ValueError(f"{self.label}: {name} is damaged: {error}") from None

    def _read_file(self, folder: str, name: str) -> bytes:
        path = os.path.join(folder, name)
        if os.path.islink(path):
            raise ValueError(f"{self.label}: {name} is a link, which leads to another place; only files are read.")
        if not os.path.isfile(path):
            raise ValueError(
                f"{self.label}: there is no {name!r}; the folder holds: {', '.join(os.listdir(folder)[:10])}."
            )
        self._check_size(name, os.path.getsize(path))
        with open(path, "rb") as file:
            return file.read()

    def _check_size(self, name: str, size: int) -> None:
        if name.endswith(".json") and size > _LARGEST_CONFIG:
            raise ValueError(f"{self.label}: {name} has {size} bytes, more than the {_LARGEST_CONFIG} allowed.")

    def json(self, name: str) -> Any:
        """Return a member as what its JSON says; raises as :meth:`read`, and for what is no JSON."""
        return parsed(self.read(name), f"{self.label}: {name}")

    def version(self) -> str | None:
        """Return the version of Keras that wrote the file, or None if it does not say."""
        try:
            found = self.json("metadata.json")
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


def parsed(content: str | bytes, what: str) -> Any:
    """Return what JSON says; raise ``ValueError`` for what is none."""
    if len(content) > _LARGEST_CONFIG:
        raise ValueError(f"{what} has {len(content)} bytes, more than the {_LARGEST_CONFIG} allowed.")
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} cannot be read: {error}") from None
