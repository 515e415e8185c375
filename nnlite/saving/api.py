"""Saving and loading models and weights."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

from nnlite.core import registry, serialization
from nnlite.core.errors import known_arguments
from nnlite.saving import hdf5
from nnlite.saving.atomic import atomic_write

if TYPE_CHECKING:
    from zipfile import ZipFile

# The version whose form of configs and weights is written; every Keras from 3.3 on reads it.
KERAS_VERSION = "3.10.0"
_LARGEST_CONFIG = 64 * 2**20
_LARGEST_RATIO = 1000


@known_arguments
def save_model(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Save architecture, weights and optimizer state in one ``.keras`` file, which Keras 3 opens too.

    The file is written beside its place and moved there when complete: a crash leaves the old file whole.

    Args:
        model: a built model.
        filepath: where to; must end in ``.keras``.
        overwrite: whether an existing file may be replaced.

    Raises:
        ValueError: for another ending, or a model that is not built.
        FileExistsError: if the file exists and ``overwrite`` is False.
    """
    import json
    import time
    import zipfile

    path = _writable(filepath, ".keras", "save_model", overwrite)
    if not model.built:
        raise ValueError(f"save_model: {model.label} is not built: add an Input first, call build, or call it on data.")
    config = json.dumps(serialization.serialize(model))
    metadata = json.dumps({"keras_version": KERAS_VERSION, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")})
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("metadata.json", metadata)
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", _weights_bytes(model))


@known_arguments
def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Return the model in a ``.keras`` file, written by nnlite or Keras 3, ready to predict and to train on.

    Args:
        filepath: the file.
        custom_objects: classes and functions of the user's, by name. A file can name nothing else but what nnlite has.
        compile: whether to compile the model as it was, with the optimizer's state.
        safe_mode: accepted as in Keras; loading never runs code from a file, whatever this says.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is truncated, of another kind, or does not fit together.
    """
    import zipfile

    from nnlite.saving.eras import normalize

    path = _readable(filepath, "load_model")
    label = os.path.basename(path)
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"load_model: {path!r} is no .keras file (a zip archive), or only a part of one: {error}. "
            f"Weights alone (.weights.h5) are read by model.load_weights."
        ) from None
    with archive, registry.custom_object_scope(custom_objects):
        config = _json(_member(archive, "config.json", label), label)
        if not isinstance(config, dict) or "class_name" not in config:
            raise ValueError(f"{label}: config.json describes no model.")
        config = normalize(config)
        compile_config = config.pop("compile_config", None)
        model = serialization.deserialize(config, "models")
        if compile and compile_config:
            model.compile_from_config(compile_config)
        with _h5(io.BytesIO(_member(archive, "model.weights.h5", label)), label) as file:
            hdf5.read_weights(model, file, label)
        return model


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Save the weights, and the optimizer's state if there is one, in a ``.weights.h5`` file of Keras 3's layout.

    Raises:
        ValueError: for another ending, or a model that is not built.
        FileExistsError: if the file exists and ``overwrite`` is False.
    """
    path = _writable(filepath, ".weights.h5", "save_weights", overwrite)
    if not model.built:
        raise ValueError(f"save_weights: {model.label} is not built: it has no weights yet.")
    content = _weights_bytes(model)
    with atomic_write(path) as file:
        file.write(content)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Load weights, and the optimizer's state if both sides have one, from a ``.weights.h5`` or ``.keras`` file.

    Args:
        model: a built model of the architecture that was saved.
        filepath: the file, written by nnlite or Keras.
        skip_mismatch: whether layers that do not fit keep their weights, with a warning.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or of another kind, or variables are missing or of other shapes: then
            nothing has been changed.
    """
    import zipfile

    path = _readable(filepath, "load_weights")
    label = os.path.basename(path)
    if not model.built:
        raise ValueError(
            f"load_weights: {model.label} is not built: add an Input first, call build, or call it on data."
        )
    if zipfile.is_zipfile(path):
        with (
            zipfile.ZipFile(path) as archive,
            _h5(io.BytesIO(_member(archive, "model.weights.h5", label)), label) as file,
        ):
            hdf5.read_weights(model, file, label, skip_mismatch)
        return
    with _h5(path, label) as file:
        hdf5.read_weights(model, file, label, skip_mismatch)


def _weights_bytes(model: Any) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        hdf5.write_weights(model, file)
    return buffer.getvalue()


def _h5(source: Any, label: str) -> Any:
    import h5py

    try:
        return h5py.File(source, "r")
    except OSError as error:
        raise ValueError(f"{label}: no HDF5 file, or a damaged one: {error}") from None


def _member(archive: ZipFile, name: str, label: str) -> bytes:
    """The content of one member, found by its exact name; refused where it unpacks to far more than it should."""
    import zipfile

    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        there = ", ".join(archive.namelist()[:10])
        raise ValueError(f"{label}: expected one member {name!r}, found {len(found)}; the archive holds: {there}.")
    info = found[0]
    if info.file_size > max(_LARGEST_RATIO * info.compress_size, 2**20):
        raise ValueError(f"{label}: {name} claims to unpack to {info.file_size} bytes from {info.compress_size}.")
    if name.endswith(".json") and info.file_size > _LARGEST_CONFIG:
        raise ValueError(f"{label}: {name} has {info.file_size} bytes, more than the {_LARGEST_CONFIG} allowed.")
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{label}: {name} is damaged: {error}") from None


def _json(content: bytes, label: str) -> Any:
    import json

    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{label}: config.json cannot be read: {error}") from None


def _path(filepath: Any, caller: str) -> str:
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(f"{caller}: filepath got {filepath!r}, expected the path of a file.")
    return os.fspath(filepath)


def _readable(filepath: Any, caller: str) -> str:
    path = _path(filepath, caller)
    if not os.path.isfile(path):
        kind = "is a folder, not a file" if os.path.isdir(path) else "does not exist"
        raise FileNotFoundError(f"{caller}: {path!r} {kind}.")
    return path


def _writable(filepath: Any, ending: str, caller: str, overwrite: bool) -> str:
    path = _path(filepath, caller)
    if not path.endswith(ending):
        raise ValueError(f"{caller}: the file's name must end in {ending!r}, got {path!r}.")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{caller}: {path!r} exists; pass overwrite=True to replace it.")
    return path
