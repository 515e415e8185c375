"""HDF5 files in which one thing stands under many names, so that a small file is a large one."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import h5py
import numpy as np

from .files import KERNEL, attack, layer, with_layers, write_archive, write_legacy


@attack("the file lists more than 65536 arrays for its layers", ending=".h5")
def one_layer_under_many_names(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        group, count = file["model_weights"], 1 if harmless else 100
        if not harmless:
            group["d"].attrs["weight_names"] = [f"d/{number}".encode() for number in range(1000)]
            for number in range(1, count):
                h5py.h5o.link(group["d"].id, group.id, b"%d" % number)
        group.attrs["layer_names"] = [b"d", *(b"%d" % number for number in range(1, count))]

    write_legacy(path, change)


@attack("more than any model's", ending=".h5")
def one_heap_of_texts_many_times(path: Path, harmless: bool) -> None:
    """Each layer's names are in a heap that begins inside that of the layer before, and has 8000 places."""
    count, places = 3 if harmless else 100, 10 if harmless else 8000

    def change(file: h5py.File) -> None:
        group = file["model_weights"]
        names = [b"d", *(b"%d" % number for number in range(1, count))]
        group.attrs["layer_names"] = names
        for name in names[1:]:
            group.create_group(name).attrs["weight_names"] = np.array([], "S1") if harmless else ["x" * 33]

    write_legacy(path, change)
    if harmless:
        return
    content = bytearray(path.read_bytes())
    start, at, number = -(-len(content) // 8) * 8, content.find(struct.pack("<I", 33)), 0
    heads = b"".join(
        b"GCOL\1\0\0\0" + struct.pack("<QHHIQ", 2**20, 1, 1, 0, 32 * (count - 1 - index)) for index in range(count)
    )
    while at >= 0 and number < count:
        heap = int.from_bytes(content[at + 4 : at + 12], "little")
        if content[heap : heap + 4] == b"GCOL":
            content[at + 4 : at + 16] = struct.pack("<QI", start + 32 * number, 1)
            number += 1
        at = content.find(struct.pack("<I", 33), at + 4)
    place = b"".join(struct.pack("<HHIQ", 7 + entry, 1, 0, 0) for entry in range(places))
    content += bytes(start - len(content)) + heads + place + bytes(2**20)
    content[40:48] = struct.pack("<Q", len(content))
    path.write_bytes(content)


@attack("the file has 3001 arrays for 'm', which has 2", ending=".h5")
def one_array_under_many_names_of_a_layer(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        group, names = file["model_weights/d"], [b"d/kernel:0", b"d/bias:0"]
        if not harmless:
            names += [b"%d" % number for number in range(2999)]
            for name in names[2:]:
                h5py.h5o.link(group["d/kernel:0"].id, group.id, name)
        group.attrs["weight_names"] = names

    write_legacy(path, change)


@attack("'/layers/rescaling(_1)?/vars' holds more than 100 names")
def one_group_for_many_layers(path: Path, harmless: bool) -> None:
    count = 2 if harmless else 10
    layers = [layer("Rescaling", scale=1.0, name=f"r{number}") for number in range(count)]
    content = with_layers(layer("InputLayer", batch_shape=[None, 4], name="i"), *layers)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = file.create_group("layers/rescaling/vars")
        if not harmless:
            group["0"] = KERNEL
            for number in range(1, 900):
                h5py.h5o.link(group["0"].id, group.id, b"%d" % number)
        for number in range(1, count):
            h5py.h5o.link(file["layers/rescaling"].id, file["layers"].id, b"rescaling_%d" % number)
    write_archive(path, {**content, "model.weights.h5": buffer.getvalue()})
