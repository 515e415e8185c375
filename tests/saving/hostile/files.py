"""Files that try to do harm, each made beside a twin that is as strange but harmless.

An attack is a function that writes a file, given whether it shall be harmless. ``ATTACKS`` lists them with what the
refusal must say; the names of known attacks on Keras are in ``known``.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

import nnlite as keras


class Attack(NamedTuple):
    """A way of attacking, what the refusal must say, under which numbers it is known, and what such files end in."""

    write: Callable[[Path, bool], None]
    says: str
    known: str
    ending: str


ATTACKS: dict[str, Attack] = {}


def attack(says: str, known: str = "", ending: str = ".keras") -> Any:
    """Register a function that writes an attack, or its harmless twin."""

    def add(write: Any) -> Any:
        ATTACKS[write.__name__] = Attack(write, says, known, ending)
        return write

    return add


def place(folder: Path, name: str, harmless: bool = False) -> Path:
    """Write an attack, or its twin, into a folder; return where."""
    path = folder / f"{name}{'-twin' if harmless else ''}{ATTACKS[name].ending}"
    ATTACKS[name].write(path, harmless)
    return path


def open_file(path: Path, **options: Any) -> None:
    """Open a file in the way that its ending asks for."""
    if path.name.endswith((".weights.h5", ".weights.json", ".npz")):
        small_model().load_weights(path)
    elif path.suffix == ".json":
        keras.models.model_from_json(path.read_text())
    else:
        keras.models.load_model(path, **options)


# ---- parts ----


def small_model() -> Any:
    """The model that most files are of."""
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, name="d")], name="m")


def members(layers: list[Any] | None = None) -> dict[str, bytes]:
    """The members of a small, harmless archive, with further layers in its config."""
    model = small_model()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        from nnlite.saving import hdf5

        hdf5.write_weights(model, file)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    config["config"]["layers"] += layers or []
    return {
        "metadata.json": json.dumps({"keras_version": "3.10.0", "date_saved": "2026-01-01@00:00:00"}).encode(),
        "config.json": json.dumps(config).encode(),
        "model.weights.h5": buffer.getvalue(),
    }


def with_layers(*layers: Any) -> dict[str, bytes]:
    """The members of an archive whose model has these layers alone, which have no weights."""
    content = members()
    config = json.loads(content["config.json"])
    config["config"]["layers"] = list(layers)
    config["config"].pop("build_input_shape", None)
    config.pop("build_config", None)
    weights = io.BytesIO()
    h5py.File(weights, "w").close()
    return {**content, "config.json": json.dumps(config).encode(), "model.weights.h5": weights.getvalue()}


def write_archive(path: Path, content: dict[str, bytes], deflated: bool = False) -> None:
    """Write an archive of members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
        for name, value in content.items():
            archive.writestr(name, value)


def write_layers(path: Path, *layers: Any) -> None:
    """Write an archive whose model has further layers."""
    write_archive(path, members(list(layers)))


def layer(class_name: str, module: str = "keras.layers", registered: str | None = None, **config: Any) -> Any:
    """The config of a layer."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": registered}


def function(module: str, name: str) -> Any:
    """The config of a function."""
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def write_weights(path: Path, change: Callable[[h5py.File, h5py.Group], None]) -> None:
    """Write an archive in whose weights the kernel of the Dense is what ``change`` makes."""
    content = members()
    buffer = io.BytesIO(content["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        del file["layers/dense/vars/0"]
        change(file, file["layers/dense/vars"])
    write_archive(path, {**content, "model.weights.h5": buffer.getvalue()})


def write_legacy(path: Path, change: Callable[[h5py.File], None] = lambda file: None, **config: Any) -> None:
    """Write a whole model in HDF5, with further settings in its Dense's config."""
    described = {"name": "d", "units": 3, "batch_input_shape": [None, 4], "dtype": "float32", **config}
    layers = [{"class_name": "Dense", "config": described}]
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": layers}})
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = ["d"]
        group.create_group("d").attrs["weight_names"] = ["d/kernel:0", "d/bias:0"]
        group.create_dataset("d/d/kernel:0", data=np.ones((4, 3), "f4"))
        group.create_dataset("d/d/bias:0", data=np.ones(3, "f4"))
        change(file)


KERNEL = np.ones((4, 3), "f4")
