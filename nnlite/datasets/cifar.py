"""What CIFAR-10 and CIFAR-100 share: batches pickled by Python 2, in a tar archive or unpacked by Keras."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlite import config
from nnlite.datasets import pickled
from nnlite.datasets.files import naming
from nnlite.utils.get_file import get_file, keras_home

_MOST_BYTES = 400_000_000
_PIXELS = 3 * 32 * 32


def read(
    archive: str, folder: str, names: Sequence[str], key: str, classes: int, origin: str, file_hash: str
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return images and labels of the batches ``names``.

    They are looked for unpacked in Keras's folder, then in the archive there, which is downloaded where it is missing;
    the archive is read in place. The batches are pickles, read as data and never run.

    Raises ``ValueError`` that names the file if one is damaged or holds something else, ``OSError`` if there is none.
    """
    home = os.path.join(keras_home(), "datasets")
    for unpacked in (os.path.join(home, f"{folder}-target", folder), os.path.join(home, folder)):
        if all(os.path.isfile(os.path.join(unpacked, name)) for name in names):
            return [_batch(_content(os.path.join(unpacked, name)), key, classes) for name in names]
    path = get_file(archive, origin=origin, file_hash=file_hash)
    with naming(path):
        try:
            with tarfile.open(path, "r:*") as opened:
                return [_batch((path, _member(opened, f"{folder}/{name}")), key, classes) for name in names]
        except tarfile.TarError as error:
            raise ValueError(f"it is no tar archive, or a damaged one: {error}") from None


def _content(path: str) -> tuple[str, bytes]:
    with naming(path), open(path, "rb") as file:
        if os.path.getsize(path) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
        return path, file.read()


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    try:
        info = archive.getmember(name)
    except KeyError:
        raise ValueError(f"it has no member {name!r}") from None
    if not info.isreg() or info.size > _MOST_BYTES:
        raise ValueError(f"its member {name!r} is no file of at most {_MOST_BYTES:,} bytes")
    file = archive.extractfile(info)
    assert file is not None
    return file.read()


def _batch(source: tuple[str, bytes], key: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    path, content = source
    with naming(path):
        found: Any = pickled.loads(content)
        if not isinstance(found, dict):
            raise ValueError("it is no table of images and labels")
        table = {k.decode("latin1") if isinstance(k, bytes) else k: v for k, v in found.items()}
        x, labels = table.get("data"), table.get(key)
        if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.ndim != 2 or x.shape[1] != _PIXELS:
            raise ValueError(f"its 'data' is no array of bytes of shape (n, {_PIXELS})")
        if not isinstance(labels, list) or len(labels) != len(x) or not set(map(type, labels)) <= {int}:
            raise ValueError(f"its {key!r} is no list of {len(x)} whole numbers")
        y = np.array(labels, np.int64)
        if len(y) and not 0 <= y.min() <= y.max() < classes:
            raise ValueError(f"its labels go from {y.min()} to {y.max()}, expected 0 to {classes - 1}")
    return in_format(x.reshape(-1, 3, 32, 32)), y.reshape(-1, 1)


def in_format(x: np.ndarray) -> np.ndarray:
    """Return images, channels first, in the configured data format."""
    return x if config.image_data_format() == "channels_first" else x.transpose(0, 2, 3, 1)
