"""Weights in several files: ``NAME.weights.json`` says which of ``NAME_00000.weights.h5``, ... hold which groups."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

import numpy as np

from nnlite.saving import tree
from nnlite.saving.archive import parsed
from nnlite.saving.atomic import atomic_write
from nnlite.saving.hdf5 import Arrays, InFile, open_h5

ENDING = ".weights.json"
_LARGEST_MAP = 16 * 2**20
_GIGABYTE = 2**30


class Shards(Arrays):
    """The arrays of weights in several files.

    Only weights files beside the map are read, and no links.

    Raises ``ValueError`` for a map that is none, and for one that names other files.
    """

    def __init__(self, path: str, label: str) -> None:
        self.label = label
        if os.path.getsize(path) > _LARGEST_MAP:
            raise ValueError(f"{label} has more than {_LARGEST_MAP} bytes, which is too large for a map of weights.")
        with open(path, "rb") as file:
            content = parsed(file.read(), label)
        places = content.get("weight_map") if isinstance(content, dict) else None
        if not isinstance(places, dict):
            raise ValueError(f"{label} is no map of weights: it has no 'weight_map'.")
        self._stack = contextlib.ExitStack()
        self._places = {group.strip("/"): self._names(files) for group, files in places.items()}
        self._files: dict[str, InFile] = {}
        self._folder = os.path.dirname(path)
        self._first_names = sorted({name for names in self._places.values() for name in names})

    def _names(self, files: Any) -> list[str]:
        names = [files] if isinstance(files, str) else files
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{self.label}: the map must list names of files, got {files!r}.")
        return list(dict.fromkeys(names))  # each once

    def _file(self, name: str) -> InFile:
        if name not in self._files:
            path = os.path.join(self._folder, name)
            if os.path.basename(name) != name or "\0" in name or "\\" in name or not name.endswith(".weights.h5"):
                raise ValueError(f"{self.label}: the map names {name!r}, which is no weights file beside it.")
            if os.path.islink(path) or not os.path.isfile(path):
                raise ValueError(f"{self.label}: the map names the file {name!r}, which is not there (or is a link).")
            file = self._stack.enter_context(open_h5(path, f"{self.label}: {name}"))
            self._files[name] = InFile(file, f"{self.label}: {name}")
        return self._files[name]

    def at(self, path: str, most: int) -> dict[str, Any]:
        names = self._places.get(path, self._first_names[:1] if path == "vars" else [])
        found: dict[str, Any] = {}
        for name in names:
            found |= self._file(name).at(path, most)
        return found

    def layers_beside(self, paths: set[str]) -> list[str]:
        groups = {group.removesuffix("/vars") for group in self._places} - paths
        return sorted(group for group in groups if group.startswith("layers/") and group.count("/") == 1)[:20]

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.close()


def write(model: Any, path: str, gigabytes: float) -> dict[str, str]:
    """Write the weights of a model in files of at most ``gigabytes`` each, and the map at ``path``.

    The variables of a layer, or the optimizer, stay in one file where they fit in one: Keras 3.10 reads no others, and
    says nothing of it. (Of its own such files it reads the first part.)

    Returns what not every Keras knows, as :func:`nnlite.saving.versions.widely_read` does.

    Raises ``ValueError`` if a variable is larger than a file may be.
    """
    import h5py

    most, base = gigabytes * _GIGABYTE, os.path.basename(path).removesuffix(ENDING)
    shards: list[list[tuple[str, str, str, Any]]] = [[]]
    size = total = 0
    places: dict[str, list[str]] = {}
    for where, obj in tree.walk(model):
        store: dict[str, Any] = {}
        obj.save_own_variables(store)
        together = sum(np.asarray(value).nbytes for value in store.values())
        if size + together > most >= together:  # not cut in two where it need not be
            shards.append([])
            size = 0
        for key, value in store.items():
            array = np.asarray(value)
            if array.nbytes > most:
                raise ValueError(
                    f"save_weights: {where.strip('/') or model.name}/{key} has {array.nbytes} bytes, more than "
                    f"one file of max_shard_size={gigabytes} (GB) may have."
                )
            if size + array.nbytes > most:
                shards.append([])
                size = 0
            size, total = size + array.nbytes, total + array.nbytes
            shards[-1].append((f"{where}/vars", key, str(getattr(obj, "name", "")), array))
            names = places.setdefault(f"{where}/vars", [])
            name = f"{base}_{len(shards) - 1:05d}.weights.h5"
            names += [name] if name not in names else []
    folder = os.path.dirname(os.path.abspath(path))
    for index, shard in enumerate(shards):
        with (
            atomic_write(os.path.join(folder, f"{base}_{index:05d}.weights.h5")) as target,
            h5py.File(target, "w") as file,
        ):
            for group, key, name, array in shard:
                file.require_group(group).attrs["name"] = name
                file[group].create_dataset(key, data=array)
    single = {group: names[0] if len(names) == 1 else names for group, names in places.items()}
    described = {"metadata": {"total_size": float(total)}, "weight_map": single}
    with atomic_write(path) as target:
        target.write(json.dumps(described, indent=4).encode())
    cut = [group.removesuffix("/vars").strip("/") for group, names in places.items() if len(names) > 1]
    return {f"the variables of {group or 'the model'} in several files": "3.15" for group in cut}
