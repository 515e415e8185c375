"""Reading of data files that may be damaged or hostile: what they announce is checked before memory is taken."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from nnlite.datasets import pickled
from nnlite.utils.get_file import get_file

Data = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

_MOST_ROWS = 1_000_000
_MOST_BYTES = 500_000_000
_BLOCK = 1 << 20
_UINT8 = 8  # the code of unsigned bytes in idx files


def read_npz(path: str, rows: Mapping[str, tuple[int, ...]]) -> list[np.ndarray]:
    """Return the uint8 arrays of an npz file that ``rows`` names, of shape ``(n, *rows[name])``, in that order.

    Raises ``ValueError`` that names the file if it is no npz file, is damaged, or holds other arrays; nothing in it
    is ever unpickled, and nothing larger than announced is unpacked.
    """
    with naming(path):
        if not zipfile.is_zipfile(path):
            raise ValueError("it is not an npz file, or its end is missing")
        with np.load(path, allow_pickle=False) as archive:
            missing = [name for name in rows if name not in archive.files]
            if missing:
                raise ValueError(f"it has no array {missing[0]!r}, only {', '.join(archive.files) or 'none'}")
            for name, row in rows.items():
                _check_member(archive.zip, name, row)
            return [archive[name] for name in rows]


def _check_member(archive: zipfile.ZipFile, name: str, row: tuple[int, ...]) -> None:
    with archive.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        if version > (2, 0):  # only structured types need it
            raise ValueError(f"array {name!r} has npy version {version}, expected (1, 0) or (2, 0)")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
        start = member.tell()
    if dtype != np.uint8:
        raise ValueError(f"array {name!r} is {dtype}, expected uint8")
    _check_shape(f"array {name!r}", shape, row)
    size = archive.getinfo(f"{name}.npy").file_size
    if size != start + prod(shape):
        raise ValueError(f"array {name!r} of shape {shape} has {size - start:,} bytes, expected {prod(shape):,}")


def read_tables(path: str, names: Sequence[str]) -> list[np.ndarray]:
    """Return arrays of numbers, or of lists of numbers, of an npz file, in the order of ``names``.

    Arrays of lists are pickles inside: they are read as data and never run. Raises ``ValueError`` that names the file
    if it is no npz file, is damaged, or holds something else.
    """
    with naming(path):
        if not zipfile.is_zipfile(path):
            raise ValueError("it is not an npz file, or its end is missing")
        with zipfile.ZipFile(path) as archive:
            there = archive.namelist()
            for name in names:
                if there.count(f"{name}.npy") != 1:
                    raise ValueError(f"it has no array {name!r}, only {', '.join(there) or 'none'}")
            return [_table(archive, name) for name in names]


def _table(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    info = archive.getinfo(f"{name}.npy")
    if info.file_size > _MOST_BYTES:
        raise ValueError(f"array {name!r} has {info.file_size:,} bytes, more than {_MOST_BYTES:,}")
    content = io.BytesIO(archive.read(info))
    version = np.lib.format.read_magic(content)
    if version > (2, 0):
        raise ValueError(f"array {name!r} has npy version {version}, expected (1, 0) or (2, 0)")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(content)
    if dtype.kind == "O":
        array = pickled.loads(content.read())
        if not isinstance(array, np.ndarray) or array.shape != shape:
            raise ValueError(f"array {name!r} is announced with shape {shape} and is none of that shape")
        return array
    if dtype.kind not in "biuf":
        raise ValueError(f"array {name!r} is {dtype}, expected numbers")
    content.seek(0)
    return np.lib.format.read_array(content, allow_pickle=False)


def locate(loader: str, path: Any, origin: str, file_hash: str) -> str:
    """Return the file meant by ``path``: itself, or that name in Keras's folder, downloaded where it is missing.

    Raises ``FileNotFoundError`` for a path with folders that is no file.
    """
    path = os.path.expanduser(path)
    if os.path.isfile(path):
        return path
    if os.path.basename(path) != path:
        raise FileNotFoundError(
            f"{loader}: path={path!r} is not a file. Without a path the data is taken from Keras's folder or "
            f"downloaded."
        )
    return get_file(path, origin=origin, file_hash=file_hash)


def read_idx(path: str, row: tuple[int, ...]) -> np.ndarray:
    """Return the uint8 array of shape ``(n, *row)`` in a gzipped idx file (MNIST's format).

    An idx file is four bytes (0, 0, type, number of axes), the axes' sizes as big-endian uint32, and the data. Raises
    ``ValueError`` that names the file if it is anything else or damaged; no more is unpacked than its head announces.
    """
    with naming(path), gzip.open(path, "rb") as file:
        magic = bytes([0, 0, _UINT8, 1 + len(row)])
        found = file.read(4)
        if found != magic:
            raise ValueError(f"it begins with {found.hex(' ') or 'nothing'}, expected {magic.hex(' ')}")
        shape = struct.unpack(f">{1 + len(row)}I", file.read(4 * (1 + len(row))))
        _check_shape("its data", shape, row)
        array = np.empty(shape, np.uint8)
        filled = _fill(array.reshape(-1), file)
        if filled < array.size:
            raise ValueError(f"its data of shape {shape} ends after {filled:,} of {array.size:,} bytes")
        if file.read(1):
            raise ValueError(f"it goes on after its data of shape {shape}")
        return array


def _fill(flat: np.ndarray, file: Any) -> int:
    filled = 0
    while filled < flat.size:
        count = file.readinto(flat[filled : filled + _BLOCK].data)
        if not count:
            break
        filled += count
    return filled


def _check_shape(what: str, shape: tuple[int, ...], row: tuple[int, ...]) -> None:
    if len(shape) != 1 + len(row) or shape[1:] != row or not 0 <= shape[0] <= _MOST_ROWS:
        wanted = ", ".join(["n", *map(str, row)]) + ("" if row else ",")
        raise ValueError(f"{what} has shape {shape}, expected ({wanted}) with n at most {_MOST_ROWS:,}")


def check_labels(x: np.ndarray, y: np.ndarray, path: str) -> None:
    """Raise ``ValueError`` unless there is one label from 0 to 9 for each image."""
    with naming(path):
        if len(x) != len(y):
            raise ValueError(f"there are {len(y):,} labels for {len(x):,} images")
        if y.max(initial=0) > 9:
            raise ValueError(f"it has the label {y.max()}, expected 0 to 9")


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Turn whatever a damaged file makes a reader raise into a ValueError that names the file."""
    try:
        yield
    except (ValueError, EOFError, struct.error, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        problem = str(error)
    except (NotImplementedError, RuntimeError) as error:  # zipfile: a compression or an encryption it cannot read
        problem = str(error)
    else:
        return
    raise ValueError(
        f"Cannot read {os.fspath(path)}: {problem.rstrip('.')}. Delete or replace the file and load the data again."
    )
