"""Files that try to do harm, each made beside a twin that is as strange but harmless.

An attack is a function that writes a file, given whether it shall be harmless. ``ATTACKS`` lists them with what the
refusal must say; the names of known attacks on Keras are in ``known``.
"""

from __future__ import annotations

import base64
import io
import json
import marshal
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

import nnlite as keras


class Attack(NamedTuple):
    """A way of attacking, what the refusal must say, and under which numbers it is known."""

    write: Callable[[Path, bool], None]
    says: str
    known: str = ""


ATTACKS: dict[str, Attack] = {}


def attack(says: str, known: str = "") -> Any:
    """Register a function that writes an attack, or its harmless twin."""

    def add(write: Any) -> Any:
        ATTACKS[write.__name__] = Attack(write, says, known)
        return write

    return add


# ---- parts ----


def members(layers: list[Any] | None = None) -> dict[str, bytes]:
    """The members of a small, harmless archive, with further layers in its config."""
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, name="d")], name="m")
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


def code() -> str:
    """Python's code of a function that would leave a mark."""
    compiled = compile("keras_was_here = True", "attack", "exec")
    return base64.b64encode(marshal.dumps(compiled)).decode()


KERNEL = np.ones((4, 3), "f4")

# ---- code in configs ----


@attack("Lambda", "CVE-2024-3660")
def marshalled_lambda(path: Path, harmless: bool) -> None:
    lambda_ = {"class_name": "__lambda__", "config": {"code": code(), "defaults": None, "closure": None}}
    write_layers(path, layer("Activation", activation="relu") if harmless else layer("Lambda", function=lambda_))


@attack("Lambda", "CVE-2024-3660, CVE-2025-9905")
def marshalled_lambda_in_hdf5(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        shown = {"name": "l", "function": [code(), None, None], "function_type": "lambda", "module": "__main__"}
        if not harmless:
            config["config"]["layers"].append({"class_name": "Lambda", "config": shown})
        file.attrs["model_config"] = json.dumps(config)

    write_legacy(path, change)


@attack("[Uu]nknown", "CVE-2024-3660, CVE-2025-9905")
def marshalled_initializer_in_hdf5(path: Path, harmless: bool) -> None:
    lambda_ = {"class_name": "__lambda__", "config": {"code": code(), "defaults": None, "closure": None}}
    write_legacy(path, kernel_initializer={"class_name": "Zeros", "config": {}} if harmless else lambda_)


@attack("system", "CVE-2025-1550")
def function_of_the_system(path: Path, harmless: bool) -> None:
    named = function("keras.activations", "relu") if harmless else function("os", "system")
    write_layers(path, layer("Activation", activation=named))


@attack("[Uu]nknown", "CVE-2025-1550, GHSA-27f4-p4xq-cxg8")
def class_of_another_module(path: Path, harmless: bool) -> None:
    popen = layer("Popen", module="subprocess", registered="Popen", args=["touch", "/tmp/keras_was_here"])
    write_layers(path, layer("Flatten") if harmless else popen)


@attack("[Uu]nknown|run_as_a_string", "CVE-2025-1550")
def function_of_builtins(path: Path, harmless: bool) -> None:
    named = function("builtins", "relu") if harmless else function("builtins", "eval")
    write_layers(path, layer("Activation", activation=named))


@attack("get_file", "CVE-2025-8747")
def download_as_a_function(path: Path, harmless: bool) -> None:
    named = function("keras.activations", "tanh") if harmless else function("keras.utils", "get_file")
    write_layers(path, layer("Activation", activation=named))


@attack("Lambda|get_file", "CVE-2025-8747")
def lambda_of_a_function_of_keras(path: Path, harmless: bool) -> None:
    get_file = layer("Lambda", function=function("keras.utils", "get_file"), arguments={"origin": "http://localhost/"})
    write_layers(path, layer("Dropout", rate=0.5) if harmless else get_file)


@attack("enable_unsafe_deserialization", "CVE-2025-9906")
def switching_the_guards_off(path: Path, harmless: bool) -> None:
    named = "relu" if harmless else function("keras.config", "enable_unsafe_deserialization")
    write_layers(path, layer("Activation", activation=named))


@attack("TFSMLayer", "CVE-2026-1462")
def a_graph_of_another_file(path: Path, harmless: bool) -> None:
    graph = layer("TFSMLayer", name="t", filepath="/tmp/saved_model", call_endpoint="serve", trainable=True)
    write_layers(path, layer("Rescaling", scale=2.0) if harmless else graph)


@attack("TorchModuleWrapper", "CVE-2026-12479")
def a_pickle_in_a_config(path: Path, harmless: bool) -> None:
    value = {"class_name": "__bytes__", "config": {"value": base64.b64encode(pickle.dumps(print)).decode()}}
    wrapper = layer("TorchModuleWrapper", module=value)
    write_layers(path, layer("Flatten") if harmless else {**wrapper, "module": "keras.layers"})


@attack("file '/etc/hostname' as the vocabulary", "CVE-2025-12058")
def vocabulary_of_another_file(path: Path, harmless: bool) -> None:
    words = ["a", "b"] if harmless else "/etc/hostname"
    model = members()
    config = json.loads(model["config.json"])
    config["config"]["layers"] = [
        layer("InputLayer", batch_shape=[None, 1], name="i"),
        layer("StringLookup", vocabulary=words, name="s"),
    ]
    config["config"].pop("build_input_shape", None)
    config.pop("build_config", None)
    weights = io.BytesIO()
    h5py.File(weights, "w").close()
    content = {"config.json": json.dumps(config).encode(), "model.weights.h5": weights.getvalue()}
    write_archive(path, {**model, **content})


@attack("[Uu]nknown", "GHSA-27f4-p4xq-cxg8")
def registered_name_of_another_class(path: Path, harmless: bool) -> None:
    registered = None if harmless else "os>system"
    write_layers(path, layer("Flatten" if harmless else "system", registered=registered))


# ---- archives ----


@attack("leads out of the archive", "CVE-2025-12060")
def member_that_leads_out(path: Path, harmless: bool) -> None:
    write_archive(path, {**members(), "assets/words.txt" if harmless else "../../../tmp/keras_was_here": b"x"})


@attack("leads out of the archive", "CVE-2025-12060")
def member_at_the_root(path: Path, harmless: bool) -> None:
    write_archive(path, {**members(), "assets/a" if harmless else "/tmp/keras_was_here": b"x"})


@attack("2 members named 'config.json'")
def two_configs(path: Path, harmless: bool) -> None:
    write_archive(path, members())
    if not harmless:
        import warnings

        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
            warnings.simplefilter("ignore")
            archive.writestr("config.json", b"{}")


@attack("claims to unpack|more than the", "CVE-2026-12481")
def config_that_unpacks_to_much(path: Path, harmless: bool) -> None:
    content = members()
    content["config.json"] += b" " * (1000 if harmless else 2**25)
    write_archive(path, content, deflated=True)


@attack("claims to unpack|more than the", "CVE-2026-12481")
def weights_that_unpack_to_much(path: Path, harmless: bool) -> None:
    content = members()
    content["model.weights.h5"] += bytes(1000) if harmless else b"\0" * 2**26
    write_archive(path, content, deflated=True)


@attack("list of members")
def members_without_end(path: Path, harmless: bool) -> None:
    content = {f"assets/{'x' * 200}{number}": b"" for number in range(5 if harmless else 9000)}
    write_archive(path, {**members(), **content})


@attack("checksum")
def weights_with_another_checksum(path: Path, harmless: bool) -> None:
    write_archive(path, members())
    if not harmless:
        content = bytearray(path.read_bytes())
        content[content.find(np.float32(0).tobytes() * 3, content.find(b"\x89HDF"))] ^= 1
        path.write_bytes(content)


# ---- configs that ask for too much ----


@attack("more than such a file may need")
def layer_of_absurd_size(path: Path, harmless: bool) -> None:
    write_legacy(path, units=3 if harmless else 2**33)


@attack("more than such a file may need")
def layers_that_are_too_much_together(path: Path, harmless: bool) -> None:
    content = members()
    config = json.loads(content["config.json"])
    if not harmless:
        dense = [layer("Dense", units=2000, name=f"d{number}") for number in range(20)]
        config["config"]["layers"] += dense
    write_archive(path, {**content, "config.json": json.dumps(config).encode()})


@attack("may need|expected")
def embedding_of_absurd_size(path: Path, harmless: bool) -> None:
    content = members()
    config = json.loads(content["config.json"])
    if not harmless:
        config["config"]["layers"][1:] = [layer("Embedding", input_dim=10**12, output_dim=10**6, name="e")]
    write_archive(path, {**content, "config.json": json.dumps(config).encode()})


@attack("more than such a file may need")
def tried_on_a_huge_input(path: Path, harmless: bool) -> None:
    content = members()
    config = json.loads(content["config.json"])
    size = 4 if harmless else 10**11
    layers = config["config"]["layers"]
    layers[0]["config"]["batch_shape"] = [None, size]
    layers.insert(1, layer("Rescaling", scale=1.0, name="r"))
    config["config"].pop("build_input_shape", None)
    config.pop("build_config", None)
    write_archive(path, {**content, "config.json": json.dumps(config).encode()})


@attack("nested deeper|cannot be read")
def config_of_many_levels(path: Path, harmless: bool) -> None:
    content = members()
    depth = 10 if harmless else 100_000
    extra = b'"extra": ' + b"[" * depth + b"]" * depth
    write_archive(
        path, {**content, "metadata.json": b"{}", "config.json": b"{" + extra + b"," + content["config.json"][1:]}
    )


@attack("parts, more than")
def config_of_many_parts(path: Path, harmless: bool) -> None:
    content = members()
    extra = b'"extra": [' + b"[]," * (10 if harmless else 2_000_000) + b"[]]"
    write_archive(path, {**content, "config.json": b"{" + extra + b"," + content["config.json"][1:]})


@attack("call each other more than")
def models_that_call_each_other(path: Path, harmless: bool) -> None:
    """Each calls the one inside it twice, on arrays of other sizes."""

    def place(name: str, node: int = 0) -> Any:
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, 0]}}

    def model(depth: int) -> Any:
        inner = model(depth - 1) if depth else layer("ZeroPadding1D", padding=1, name="pad")
        name, start = inner["config"]["name"], layer("InputLayer", batch_shape=[None, 4, 1], name=f"i{depth}")
        calls = [{"args": [place(f"i{depth}")], "kwargs": {}}, {"args": [place(name)], "kwargs": {}}]
        layers = [{**start, "name": f"i{depth}", "inbound_nodes": []}, {**inner, "name": name, "inbound_nodes": calls}]
        ends = {"input_layers": [f"i{depth}", 0, 0], "output_layers": [name, 2 if depth else 1, 0]}
        config = {"name": f"m{depth}", "trainable": True, "layers": layers, **ends}
        return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config}

    weights = io.BytesIO()
    h5py.File(weights, "w").close()
    config = json.dumps(model(3 if harmless else 26)).encode()
    write_archive(path, {**members(), "config.json": config, "model.weights.h5": weights.getvalue()})
