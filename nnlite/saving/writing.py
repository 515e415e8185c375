"""Writing model and weight files, in the forms that Keras opens; each replaces the old one only when it is complete."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import time
from typing import Any

from nnlite.core import serialization
from nnlite.saving import versions
from nnlite.saving.atomic import atomic_write

# The version whose form of configs and weights is written; every Keras from 3.3 on reads it.
KERAS_VERSION = "3.10.0"


def members(model: Any) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return what an archive of a model holds, by name, in Keras's order, and what of it not every Keras knows."""
    from nnlite.saving import hdf5

    metadata = {"keras_version": KERAS_VERSION, "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S")}
    config, lacking = versions.widely_read(serialization.serialize(model))
    content = {
        "metadata.json": json.dumps(metadata).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": _h5_bytes(lambda file: hdf5.write_weights(model, file)),
    }
    return content, lacking


def archive(model: Any, path: str) -> dict[str, str]:
    """Write a ``.keras`` archive; return what of it not every Keras knows, as those below do."""
    import zipfile

    content, lacking = members(model)
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as target:
        for name, value in content.items():
            target.writestr(name, value)
    return lacking


def folder(model: Any, path: str) -> dict[str, str]:
    """Write the members of an archive as the files of a folder.

    Raises ``FileExistsError`` if something else than such a folder is there.
    """
    place = os.path.realpath(path)
    if os.path.lexists(place) and not os.path.isfile(os.path.join(place, "config.json")):
        raise FileExistsError(f"save_model: {path!r} is there, and no folder of a model that might be replaced.")
    content, lacking = members(model)
    parts = os.path.split(place)
    made, old = (os.path.join(parts[0], f".{parts[1]}.{os.urandom(6).hex()}.{kind}") for kind in ("tmp", "old"))
    os.mkdir(made)
    try:
        for name, value in content.items():
            with open(os.path.join(made, name), "wb") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
        if os.path.lexists(place):
            os.rename(place, old)
        os.rename(made, place)
    except BaseException:
        if os.path.lexists(old) and not os.path.lexists(place):
            os.rename(old, place)
        shutil.rmtree(made, ignore_errors=True)
        raise
    with contextlib.suppress(OSError):
        shutil.rmtree(old)
    return lacking


def legacy_model(model: Any, path: str) -> dict[str, str]:
    """Write a whole model in the HDF5 form of Keras 1 and 2."""
    from nnlite.saving import legacy_h5

    lacking: dict[str, str] = {}
    content = _h5_bytes(lambda file: lacking.update(legacy_h5.write_model(model, file, KERAS_VERSION)))
    with atomic_write(path) as file:
        file.write(content)
    return lacking


def weights(model: Any, path: str, max_shard_size: float | None) -> dict[str, str]:
    """Write weights in the form that the path's ending asks for; return what of that not every Keras knows."""
    from nnlite.saving import hdf5, legacy_h5, npz, shards

    if path.endswith(shards.ENDING):
        return shards.write(model, path, 5.0 if max_shard_size is None else float(max_shard_size))
    if path.endswith(".npz"):
        with atomic_write(path) as file:
            npz.write(model, file)
        return {}
    if path.endswith(".weights.h5"):
        content = _h5_bytes(lambda file: hdf5.write_weights(model, file))
    else:
        content = _h5_bytes(lambda file: legacy_h5.write_weights(model, file, KERAS_VERSION))
    with atomic_write(path) as file:
        file.write(content)
    return {}


def _h5_bytes(write: Any) -> Any:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getvalue()
