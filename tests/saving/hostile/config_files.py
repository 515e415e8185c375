"""Configs that ask for more than a machine has."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py

from .files import attack, layer, members, with_layers, write_archive, write_legacy


@attack("more than such a file may need", ending=".h5")
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


@attack("makes an array of shape .* more than such a file may need")
def array_between_layers_of_absurd_size(path: Path, harmless: bool) -> None:
    start = layer("InputLayer", batch_shape=[None, 4], name="i")
    write_archive(path, with_layers(start, layer("RepeatVector", n=3 if harmless else 10**9, name="r")))


@attack("makes an array of shape .* more than such a file may need")
def array_in_an_inner_model_of_absurd_size(path: Path, harmless: bool) -> None:
    """The inner model says nothing of its input, so it is only known where it is called."""
    grow = layer("UpSampling1D", size=2 if harmless else 10**9, name="u")
    inner = layer("Sequential", "keras", name="s", layers=[grow])
    write_archive(path, with_layers(layer("InputLayer", batch_shape=[None, 4, 1], name="i"), inner))


@attack("makes an array of 101 axes")
def array_of_many_axes(path: Path, harmless: bool) -> None:
    shape = [1] * (3 if harmless else 99) + [4]
    start = layer("InputLayer", batch_shape=[None, 4], name="i")
    write_archive(path, with_layers(start, layer("Reshape", target_shape=shape, name="r")))


@attack("of dtype 'S1000000000'; only numbers are read")
def array_of_absurdly_large_elements(path: Path, harmless: bool) -> None:
    value = {"value": [0.0], "dtype": "float32" if harmless else "S1000000000"}
    array = {"class_name": "__numpy__", "config": value}
    function = layer("Add", "keras.src.ops.numpy", name="a")
    start = {"class_name": "__keras_tensor__", "config": {"keras_history": ["i", 0, 0]}}
    calls = [{"args": [start, array], "kwargs": {}}]
    first = {**layer("InputLayer", batch_shape=[None, 4], name="i"), "name": "i", "inbound_nodes": []}
    ends = {"input_layers": ["i", 0, 0], "output_layers": ["a", 0, 0]}
    layers = [first, {**function, "name": "a", "inbound_nodes": calls}]
    config = layer("Functional", "keras.src.models.functional", name="m", trainable=True, layers=layers, **ends)
    write_archive(path, {**with_layers(), "config.json": json.dumps(config).encode()})


@attack("asks for a variable .* more than such a config may ask for", ending=".json")
def config_alone_of_absurd_size(path: Path, harmless: bool) -> None:
    config = json.loads(members()["config.json"])
    config["config"]["layers"][1]["config"]["units"] = 3 if harmless else 10**8
    path.write_text(json.dumps(config))


@attack("parts, more than", ending=".json")
def config_alone_of_many_parts(path: Path, harmless: bool) -> None:
    extra = '"extra": [' + "[]," * (10 if harmless else 2_000_000) + "[]]"
    path.write_text("{" + extra + "," + members()["config.json"].decode()[1:])


@attack("more than the 16777216 allowed", ending=".json")
def config_alone_of_absurd_length(path: Path, harmless: bool) -> None:
    path.write_text(members()["config.json"].decode() + " " * (10 if harmless else 2**25))


def write_call(path: Path, operation: Any, inputs: int = 1, output: int = 0) -> None:
    """Write the config of a model that calls one operation."""
    places = [{"class_name": "__keras_tensor__", "config": {"keras_history": ["i", 0, 0]}}] * inputs
    first = {**layer("InputLayer", batch_shape=[None, 4], name="i"), "name": "i", "inbound_nodes": []}
    layers = [first, {**operation, "name": "s", "inbound_nodes": [{"args": places, "kwargs": {}}]}]
    ends = {"input_layers": ["i", 0, 0], "output_layers": ["s", 0, output]}
    config = layer("Functional", "keras.src.models.functional", name="m", trainable=True, layers=layers, **ends)
    path.write_text(json.dumps(config))


@attack(r"ops.split\(.{,300} make more than 20000 arrays", ending=".json")
def arrays_without_end(path: Path, harmless: bool) -> None:
    cuts = [0] * (3 if harmless else 60_000)
    write_call(path, layer("Split", "keras.src.ops.numpy", name="s", indices_or_sections=cuts), output=1)


@attack("make more than 20000 arrays", ending=".json")
def parts_of_an_open_axis_without_end(path: Path, harmless: bool) -> None:
    """They would be listed, before one of them is made."""
    write_call(path, layer("Split", "keras.src.ops.numpy", name="s", indices_or_sections=3 if harmless else 10**9))


@attack("make more than 20000 arrays", ending=".json")
def rows_without_end(path: Path, harmless: bool) -> None:
    write_call(path, layer("Unstack", "keras.src.ops.core", name="s", num=3 if harmless else 10**9, axis=0))


@attack("axes=1000000000 of arrays of 2 and 2 axes", ending=".json")
def axes_without_end(path: Path, harmless: bool) -> None:
    axes = 0 if harmless else 10**9
    write_call(path, layer("Tensordot", "keras.src.ops.numpy", name="s", axes=axes), 2)


@attack("nested deeper than 200 levels", ending=".json")
def config_of_some_levels(path: Path, harmless: bool) -> None:
    depth = 10 if harmless else 500
    extra = '"extra": ' + "[" * depth + "]" * depth
    path.write_text("{" + extra + "," + members()["config.json"].decode()[1:])


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
    deepest = 3 if harmless else 26

    def place(name: str, node: int = 0) -> Any:
        return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, 0]}}

    def model(depth: int) -> Any:
        inner = model(depth - 1) if depth else layer("ZeroPadding1D", padding=1, name="pad")
        size = 4 if depth == deepest else None
        name, start = inner["config"]["name"], layer("InputLayer", batch_shape=[None, size, 1], name=f"i{depth}")
        calls = [{"args": [place(f"i{depth}")], "kwargs": {}}, {"args": [place(name)], "kwargs": {}}]
        layers = [{**start, "name": f"i{depth}", "inbound_nodes": []}, {**inner, "name": name, "inbound_nodes": calls}]
        ends = {"input_layers": [f"i{depth}", 0, 0], "output_layers": [name, 2 if depth else 1, 0]}
        config = {"name": f"m{depth}", "trainable": True, "layers": layers, **ends}
        return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config}

    weights = io.BytesIO()
    h5py.File(weights, "w").close()
    config = json.dumps(model(deepest)).encode()
    write_archive(path, {**members(), "config.json": config, "model.weights.h5": weights.getvalue()})
