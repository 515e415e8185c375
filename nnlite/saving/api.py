"""Saving and loading models and weights."""

from __future__ import annotations

import os
from typing import Any

from nnlite.core import registry
from nnlite.core.errors import known_arguments


@known_arguments
def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None) -> None:
    """Save architecture, weights and optimizer state in one file, which Keras 3 opens too.

    The file is written beside its place and moved there when complete: a crash leaves the old file whole. What not
    every Keras since 3.3 knows is written all the same, and a warning says which of them open the file.

    Args:
        model: a built model.
        filepath: where to: ends in ``.keras``, or in ``.h5`` or ``.hdf5`` for the form of Keras 2, out of which
            Keras 3 trains on with a fresh optimizer.
        overwrite: whether an existing file may be replaced.
        zipped: False for a folder of the files that a ``.keras`` archive would hold.

    Raises:
        ValueError: for another ending, or a model that is not built.
        FileExistsError: if the file exists and ``overwrite`` is False, or a folder that holds no model.
    """
    endings = (".keras", ".h5", ".hdf5") if zipped is None else (".keras",) if zipped else ("",)
    path = _writable(filepath, endings, "save_model", overwrite)
    if not model.built:
        raise ValueError(f"save_model: {model.label} is not built: add an Input first, call build, or call it on data.")
    from nnlite.saving import versions, writing

    if zipped is False:
        lacking = writing.folder(model, path)
    elif path.endswith(".keras"):
        lacking = writing.archive(model, path)
    else:
        lacking = writing.legacy_model(model, path)
    versions.warn(lacking, os.path.basename(os.path.normpath(path)), 4)


@known_arguments
def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    max_bytes: int | None = None,
) -> Any:
    """Return the model in a file that nnlite or any Keras since 1.0 wrote, ready to predict and to train on.

    The file's content tells what it is, whatever its name: a ``.keras`` archive (or the folder of its members), or a
    whole model in HDF5.

    Args:
        filepath: the file.
        custom_objects: classes and functions of the user's, by name. A file can name nothing else but what nnlite has.
        compile: whether to compile the model as it was, with the optimizer's state.
        safe_mode: accepted as in Keras; loading never runs code from a file, whatever this says.
        max_bytes: what the model's variables may take in memory, 64 MB and a hundred times the file where None; also
            what the words of lookup layers may, 112 MB where None, and an array between its layers for one sample, if
            that is more than 1 GB.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is truncated, of another kind, does not fit together, or describes a model of more than
            ``max_bytes``.
    """
    path = _readable(filepath, "load_model", folders=True)
    label = os.path.basename(os.path.normpath(path))
    from nnlite.saving import reading

    with registry.custom_object_scope(custom_objects):
        return reading.read_model(path, label, compile, max_bytes)


@known_arguments
def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
    """Save the weights, in the form that the file's ending asks for.

    ``.weights.h5`` is Keras 3's, with the optimizer's state if there is one; ``.weights.json`` the same in several
    files; ``.h5`` that of Keras 2; ``.npz`` an array for each variable, by its path, to be read with ``numpy.load``.

    Args:
        model: a built model.
        filepath: where to.
        overwrite: whether an existing file may be replaced.
        max_shard_size: gigabytes of each of several files, named after a ``.weights.json``; 5 where None.

    Raises:
        ValueError: for another ending, a model that is not built, and a variable that is too large for one file.
        FileExistsError: if the file exists and ``overwrite`` is False.
    """
    endings = (".weights.h5", ".weights.json", ".h5", ".hdf5", ".npz") if max_shard_size is None else (".weights.json",)
    path = _writable(filepath, endings, "save_weights", overwrite)
    if not model.built:
        raise ValueError(f"save_weights: {model.label} is not built: it has no weights yet.")
    from nnlite.saving import versions, writing

    versions.warn(writing.weights(model, path, max_shard_size), os.path.basename(path), 4)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Load weights, and the optimizer's state if both sides have one, from a file of any Keras.

    The file's content tells what it is: ``.weights.h5``, ``.keras``, ``.weights.json``, the HDF5 files of Keras 1
    and 2, or ``.npz``.

    Args:
        model: a built model of the architecture that was saved.
        filepath: the file, written by nnlite or Keras.
        skip_mismatch: whether layers that do not fit keep their weights, with a warning.
        by_name: for HDF5 files of Keras 1 and 2: whether layers are found by their names rather than in order.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or of another kind, or variables are missing or of other shapes: then
            nothing has been changed.
    """
    path = _readable(filepath, "load_weights", folders=True)
    label = os.path.basename(os.path.normpath(path))
    if not model.built:
        raise ValueError(
            f"load_weights: {model.label} is not built: add an Input first, call build, or call it on data."
        )
    from nnlite.saving import reading

    reading.read_weights(model, path, label, skip_mismatch, by_name)


def _path(filepath: Any, caller: str) -> str:
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(f"{caller}: filepath got {filepath!r}, expected the path of a file.")
    return os.fspath(filepath)


def _readable(filepath: Any, caller: str, folders: bool = False) -> str:
    path = _path(filepath, caller)
    if folders and os.path.lexists(os.path.join(path, "config.json")):
        return path
    if not os.path.isfile(path):
        if os.path.exists(path) and not os.path.isdir(path):  # to open one may never end
            raise ValueError(f"{caller}: {path!r} is a pipe or a device, not a file.")
        kind = "is a folder, not a file" if os.path.isdir(path) else "does not exist"
        raise FileNotFoundError(f"{caller}: {path!r} {kind}.")
    return path


def _writable(filepath: Any, endings: tuple[str, ...], caller: str, overwrite: bool) -> str:
    path = _path(filepath, caller)
    if not path.endswith(endings):
        raise ValueError(f"{caller}: the file's name must end in {' or '.join(map(repr, endings))}, got {path!r}.")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{caller}: {path!r} exists; pass overwrite=True to replace it.")
    return path
