"""Opening model and weight files, whatever their names: the content tells what they are."""

from __future__ import annotations

import os
import warnings
from typing import Any

from nnlite.core import loading
from nnlite.core.loading import Opening, model_from_config, model_from_file
from nnlite.saving import guarded, hdf5, headers, legacy_h5, legacy_optimizer, npz, shards, tree
from nnlite.saving.archive import Archive, parsed

# What a model's variables may take in memory, by the size of its file, unless the caller says otherwise.
_SMALL, _LARGEST_GROWTH = 64 * 2**20, 100
# What a weights file may take for each byte of the variables, and for each object, with an optimizer's state in it.
_COPIES, _EACH = 8, 2**14
# What the words of lookup layers may take, unless the caller says otherwise: they take much more than their file.
_WORDS = 112 * 2**20
_EACH_WORD = 100  # bytes in memory, besides its letters


def kind(path: str) -> str:
    """Return what a file's content is: "hdf5", "npz", "json" or, for all else, "archive"."""
    if os.path.isdir(path):
        return "archive"
    with open(path, "rb") as file:
        start = file.read(64)
        if start.startswith(b"PK"):
            name = start[30 : 30 + int.from_bytes(start[26:28], "little")]
            return "npz" if path.endswith(".npz") or name.endswith(b".npy") else "archive"
        if start.lstrip().startswith(b"{"):
            return "json"
        # Also behind a block of bytes that are the user's.
        return "archive" if headers.begin(headers.reader(file)) is None else "hdf5"


def read_model(path: str, label: str, compile: bool, max_bytes: int | None) -> Any:
    """Return the model in a file; see :func:`nnlite.saving.api.load_model`."""
    if kind(path) == "hdf5":
        with hdf5.open_h5(path, label) as file:
            return _from_legacy(file, label, compile, _limit(os.path.getsize(path), max_bytes))
    with Archive(path, label) as archive:
        model = _from_archive(archive, label, compile, max_bytes)
        _warn_of_others(archive, model, 5)
    return model


def _warn_of_others(archive: Archive, model: Any, stacklevel: int) -> None:
    others = archive.others(_words_beside(model))
    if others:
        warnings.warn(
            f"{archive.label}: ignored {len(others)} member(s) that are none of the model's, such as {others[0]!r}.",
            stacklevel=stacklevel,
        )


def _limit(size: int, max_bytes: int | None) -> int:
    return _SMALL + _LARGEST_GROWTH * size if max_bytes is None else int(max_bytes)


def _from_archive(archive: Archive, label: str, compile: bool, max_bytes: int | None) -> Any:
    limit = _limit(archive.size(), max_bytes)
    config = archive.json("config.json")
    version = archive.version()
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError(f"{label}: config.json describes no model.")
    compile_config = config.pop("compile_config", None)
    model, opening = _made(config, version, label, limit)
    if compile and compile_config:
        _compile(model, compile_config, version, label, limit)
    with archive.open("model.weights.h5", size_in_file(model)) as member, hdf5.open_h5(member, label) as file:
        hdf5.read_weights(model, hdf5.InFile(file, label), label, opening=opening)
    _read_words(model, archive, _WORDS if max_bytes is None else opening.left)
    _finish(model, opening)
    return model


def _words_beside(model: Any) -> dict[str, Any]:
    """Return the members that may hold the words that layers learned, each with its layer."""
    walked = [(f"assets{path}/vocabulary.txt", obj) for path, obj in tree.walk(model)]
    return {member: obj for member, obj in walked if hasattr(obj, "load_words")}


def _read_words(model: Any, archive: Archive, limit: int) -> None:
    """Give layers that learned words those that stand beside the config, of at most so many bytes in memory."""
    for member, layer in _words_beside(model).items():
        if archive.holds(member):
            try:
                content = archive.read(member)
                count = content.count(b"\n") + 1
                size = _EACH_WORD * count + len(content) * (1 if content.isascii() else 4)
                limit -= size
                if limit < 0:
                    loading.refuse(archive.label, f"the layer {layer.name!r} has {count} words", size)
                layer.load_words(content)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{archive.label}: {member} cannot be used: {error}") from error


def _from_legacy(file: Any, label: str, compile: bool, limit: int) -> Any:
    text = guarded.text(file, "model_config", label)
    if text is None:
        raise ValueError(
            f"{label} holds weights and no model_config: make the model in code, and read them with "
            f"model.load_weights({label!r})."
        )
    weights = guarded.group_at(file, "model_weights", label)
    version = guarded.text(file, "keras_version", label)
    if version is None and weights is not None:
        version = guarded.text(weights, "keras_version", label)
    model, opening = _made(parsed(text, f"{label}: model_config"), version, label, limit)
    names = legacy_h5.read_weights(model, file, label, opening=opening)
    training = guarded.text(file, "training_config", label)
    if compile and training is not None:
        described = parsed(training, f"{label}: training_config")
        if _compile(model, described, version, label, limit):
            legacy_optimizer.read_optimizer(model, file, label, names, opening)
    _finish(model, opening)
    return model


def _made(config: Any, version: str | None, label: str, limit: int) -> tuple[Any, Opening]:
    from nnlite.saving.building import build_model

    _unpack_ends(config)
    try:
        with model_from_file(limit, label) as opening:
            return build_model(config, version, compile=False, label=label), opening
    except (ValueError, TypeError) as error:
        said = str(error)
        raise ValueError(said if said.startswith(label) else f"{label}: the config cannot be used: {said}") from error


def _unpack_ends(config: Any) -> None:
    """Make one input or output of a list of one: older versions of Keras wrote all of them as lists."""
    inner = config.get("config") if isinstance(config, dict) else None
    if isinstance(inner, dict):
        for key in ("input_layers", "output_layers"):
            place = inner.get(key)
            if isinstance(place, list) and len(place) == 1 and isinstance(place[0], list):
                inner[key] = place[0]


def _finish(model: Any, opening: Opening) -> None:
    """Give what the file did not hold its initial values, and say so."""
    drawn = opening.draw(model.weights)
    if drawn:
        names = ", ".join(variable.path for variable in drawn[:10])
        warnings.warn(
            f"{opening.label}: the file holds no values for {len(drawn)} variables, which begin anew: {names}.",
            stacklevel=5,
        )


def size_in_file(model: Any) -> int:
    """Return what the weights of a model, with an optimizer's state, may take in a file at most."""
    objects = sum(1 for _ in tree.walk(model))
    return 2**25 + _EACH * objects + _COPIES * sum(variable.value.nbytes for variable in model.weights)


def _compile(model: Any, config: Any, version: str | None, label: str, limit: int) -> bool:
    """Compile as the file says; what is not known is no reason not to predict, so it is a warning.

    Raises ``ValueError`` for what no honest file says.
    """
    from nnlite.saving.building import compile_model

    try:
        with model_from_config(limit, label):
            compile_model(model, config, version, label)
    except loading.RefusedError:
        raise
    except (ValueError, TypeError) as error:
        warnings.warn(f"{label}: the model is not compiled: {error} Call compile before training.", stacklevel=6)
        return False
    return True


def read_weights(model: Any, path: str, label: str, skip_mismatch: bool, by_name: bool) -> None:
    """Read weights into a model; see :func:`nnlite.saving.api.load_weights`."""
    found = kind(path)
    if found == "hdf5":
        with hdf5.open_h5(path, label) as file:
            _read_weights(model, file, label, skip_mismatch, by_name)
        return
    if found == "json":
        with shards.Shards(path, label) as source:
            _must_order(by_name, label)
            hdf5.read_weights(model, source, label, skip_mismatch)
        return
    if found == "npz":
        _must_order(by_name, label)
        npz.read(model, path, label, skip_mismatch)
        return
    with (
        Archive(path, label) as archive,
        archive.open("model.weights.h5", size_in_file(model)) as member,
        hdf5.open_h5(member, label) as file,
    ):
        _read_weights(model, file, label, skip_mismatch, by_name)
        _warn_of_others(archive, model, 6)


def _read_weights(model: Any, file: Any, label: str, skip_mismatch: bool, by_name: bool) -> None:
    if legacy_h5.is_legacy(file, label):
        legacy_h5.read_weights(model, file, label, by_name, skip_mismatch)
        return
    _must_order(by_name, label)
    hdf5.read_weights(model, hdf5.InFile(file, label), label, skip_mismatch)


def _must_order(by_name: bool, label: str) -> None:
    if by_name:
        raise ValueError(f"{label}: by_name works for HDF5 files of Keras 1 and 2; this one names no layers.")
