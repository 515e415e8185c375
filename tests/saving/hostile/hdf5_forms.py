"""HDF5 files whose parts lead to themselves, to nowhere or to what is not theirs: HDF5 would crash, or never end."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from .files import KERNEL, attack, small_model, write_legacy

NOWHERE = 2**64 - 1
ARRAY = "model_weights/d/d/kernel:0"


class Bytes:
    """A file of a whole model as bytes, in which single numbers can be changed."""

    def __init__(self, path: Path, change: Callable[[h5py.File], None] = lambda file: None) -> None:
        write_legacy(path, change)
        self.path, self.content = path, bytearray(path.read_bytes())
        with h5py.File(path) as file:
            places = ["/"]
            file.visit(places.append)
            self.headers = {name: int(h5py.h5o.get_info(file[name].id).addr) for name in places}

    def __getitem__(self, at: int) -> int:
        return int.from_bytes(self.content[at : at + 8], "little")

    def put(self, at: int, *numbers: int) -> None:
        """Write numbers of 8 bytes."""
        for place, number in enumerate(numbers):
            self.content[at + 8 * place : at + 8 * place + 8] = number.to_bytes(8, "little")

    def save(self, size: int | None = None) -> None:
        """Write the file, with a hole of so many bytes at its end."""
        self.put(40, size or len(self.content))
        self.path.write_bytes(self.content)
        if size:
            os.truncate(self.path, size)

    def group(self, name: str) -> tuple[int, int]:
        """Where the addresses of a group's tree and heap stand."""
        at = self.message(name, 0x11)
        return at, at + 8

    def message(self, name: str, kind: int) -> int:
        """Where the first message of a kind stands in an object's header."""
        at, length = self.headers[name] + 16, self[self.headers[name] + 8] & 0xFFFFFFFF
        blocks = [(at, at + length)]
        for at, end in blocks:
            while at < end:
                found, size = struct.unpack_from("<HH", self.content, at)
                if found == kind:
                    return at + 8
                if found == 0x10:
                    blocks.append((self[at + 8], self[at + 8] + self[at + 16]))
                at += 8 + size
        raise LookupError(name)

    def layout(self) -> int:
        """Where the address of the tree of the array's parts stands."""
        return self.message(ARRAY, 0x08) + 3


def array(**settings: object) -> Callable[[h5py.File], None]:
    """Make the array another one."""

    def change(file: h5py.File) -> None:
        del file[ARRAY]
        if settings.get("dtype"):
            file["type"] = np.dtype("f4")
            settings["dtype"] = file["type"]
        file.create_dataset(ARRAY, data=KERNEL, **settings)

    return change


def with_groups(path: Path) -> Bytes:
    """A file whose groups are so many that a tree has levels."""

    def change(file: h5py.File) -> None:
        for number in range(600):
            file["model_weights"].create_group(f"g{number}")

    return Bytes(path, change)


# ---- trees ----


@attack("model_weights: a tree leads to itself", ending=".h5")
def a_tree_below_itself(path: Path, harmless: bool) -> None:
    file = Bytes(path)
    if not harmless:
        tree = file[file.group("model_weights")[0]]
        file.content[tree + 5] = 1  # levels below
        file.put(tree + 32, tree)
        file.save()


@attack("the root: a tree leads to itself", ending=".h5")
def a_tree_of_the_root_below_itself(path: Path, harmless: bool) -> None:
    file = Bytes(path)
    if not harmless:
        tree = file[80]
        file.content[tree + 5] = 1
        file.put(tree + 32, tree)
        file.save()


@attack("the parts of a tree do not lead to each other in order", ending=".h5")
def a_tree_beside_itself(path: Path, harmless: bool) -> None:
    file = Bytes(path)
    if not harmless:
        tree = file[file.group("model_weights")[0]]
        file.put(tree + 8, tree, tree)
        file.save()


@attack("a tree leads to the same place more than once", ending=".h5")
def a_tree_of_one_part_many_times(path: Path, harmless: bool) -> None:
    """With a few levels of such, there is no end to the names in it."""
    file = with_groups(path)
    if not harmless:
        tree = file[file.group("model_weights")[0]]
        for entry in range(int.from_bytes(file.content[tree + 6 : tree + 8], "little")):
            file.put(tree + 32 + 16 * entry, file[tree + 32])
        file.save()


@attack("d/kernel:0: a tree leads to itself", ending=".h5")
def a_tree_of_parts_below_itself(path: Path, harmless: bool) -> None:
    file = Bytes(path, array(chunks=(2, 3)))
    if not harmless:
        tree = file[file.layout()]
        file.content[tree + 5] = 1
        file.put(tree + 24 + 32, tree)
        file.save()


# ---- heaps of names ----


@attack("the free places in the heap of its names have no end", ending=".h5")
def free_places_without_end(path: Path, harmless: bool) -> None:
    file = Bytes(path)
    if not harmless:
        heap = file[file.group("model_weights")[1]]
        file.put(file[heap + 24] + file[heap + 16], file[heap + 16])
        file.save()


@attack("the root: the free places in the heap of its names have no end", ending=".h5")
def free_places_without_end_beside_the_root(path: Path, harmless: bool) -> None:
    """The start of a file names a heap, too, which need not be the root's."""
    file = Bytes(path)
    if not harmless:
        heap = file[file.group("model_weights")[1]]
        file.put(file[heap + 24] + file[heap + 16], file[heap + 16])
        file.put(80, file[file.group("model_weights")[0]], heap)
        file.put(file.group("model_weights")[0], file[file.group("/")[0]], file[file.group("/")[1]])
        file.save()


@attack("it has no heap of names, or one of more than 16777216 bytes", ending=".h5")
def names_of_absurd_size(path: Path, harmless: bool) -> None:
    file = Bytes(path)
    if not harmless:
        file.put(file[file.group("model_weights")[1]] + 8, 2**34)
        file.save(2**40)


@attack("it has a name without an end", ending=".h5")
def a_name_without_an_end(path: Path, harmless: bool) -> None:
    file = Bytes(path)
    if not harmless:
        leaf = file[file[file.group("model_weights")[0]] + 32]
        file.put(leaf + 8, 2**62)
        file.save()


@attack("holds the name '../d', which is none", ending=".h5")
def a_name_that_is_a_path(path: Path, harmless: bool) -> None:
    file = Bytes(path, lambda file: file["model_weights"].create_group("..-d"))
    if not harmless:
        file.content = bytearray(file.content.replace(b"..-d\0", b"../d\0"))
        file.save()


# ---- headers ----


@attack("model_weights: its header leads to itself", ending=".h5")
def a_header_of_absurd_size(path: Path, harmless: bool) -> None:
    file = Bytes(path)
    if not harmless:
        at = file.headers["model_weights"] + 8
        file.content[at : at + 4] = b"\xff" * 4
        file.save(2**40)


@attack("the root: its header leads to itself", ending=".h5")
def a_header_that_leads_to_itself(path: Path, harmless: bool) -> None:
    file = Bytes(path)
    if not harmless:
        at = file.message("/", 0x10)
        file.put(file[at], 0x100010, file[at], file[at + 8])
        file.save()


@attack("it shares a part of its header with another object", ending=".h5")
def a_type_that_is_where_it_says_it_is(path: Path, harmless: bool) -> None:
    file = Bytes(path, array() if harmless else array(dtype=True))
    if not harmless:
        at = file.content.index(file.headers["type"].to_bytes(8, "little"), file.headers[ARRAY])
        file.put(at, file.headers[ARRAY])
        file.save()


@attack("the type of one of its attributes has a name", ending=".h5")
def an_attribute_of_a_named_type(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        file["type"] = np.dtype("f4")
        file["model_weights"].attrs.create("x", 1, dtype=np.dtype("f4") if harmless else file["type"])

    write_legacy(path, change)


@attack("it has a type of types, in .* bytes, more than 1024", ending=".h5")
def types_in_types(path: Path, harmless: bool) -> None:
    """HDF5 takes a minute for some thousands."""

    def change(file: h5py.File) -> None:
        kind = h5py.h5t.py_create(np.dtype("f4"))
        for _ in range(1 if harmless else 200):
            kind = h5py.h5t.vlen_create(kind)
        h5py.h5d.create(file["model_weights"].id, b"x", kind, h5py.h5s.create_simple((1,)))

    write_legacy(path, change)


@attack("it has a type of types, in .* bytes, more than 1024", ending=".h5")
def types_in_the_type_of_an_attribute(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        kind = h5py.h5t.py_create(np.dtype("f4"))
        for _ in range(1 if harmless else 200):
            kind = h5py.h5t.vlen_create(kind)
        h5py.h5a.create(file["model_weights"].id, b"x", kind, h5py.h5s.create_simple((1,)))

    write_legacy(path, change)


@attack("in another file; only plain arrays are read", ending=".h5")
def data_of_another_file_that_nobody_reads(path: Path, harmless: bool) -> None:
    """The names of the files are in a heap that HDF5 follows when it opens the array."""

    def change(file: h5py.File) -> None:
        file.create_dataset("x", (3,), "f4", external=None if harmless else [("/etc/hostname", 0, 12)])

    write_legacy(path, change)


# ---- newer forms ----


def write_newer(path: Path, count: int) -> None:
    """Write weights as HDF5's newest version does, with so many groups beside the model's."""
    small_model().save_weights(path)
    with h5py.File(path) as old, h5py.File(path.with_suffix(".new"), "w", libver="latest") as file:
        old.copy("layers", file)
        for number in range(count):
            file.create_group(f"g{number}")
    path.with_suffix(".new").rename(path)


@attack("the root: it keeps its many links in a newer form of HDF5", ending=".weights.h5")
def links_in_a_heap(path: Path, harmless: bool) -> None:
    """A few changed bytes of this and the next damage memory."""
    write_newer(path, 3 if harmless else 40)


@attack("x: it keeps the list of its parts in a newer form of HDF5", ending=".weights.h5")
def parts_in_a_newer_list(path: Path, harmless: bool) -> None:
    write_newer(path, 1)
    with h5py.File(path, "r+", libver="latest") as file:
        file.create_dataset("x", data=KERNEL, chunks=(4, 3) if harmless else (2, 3))


@attack("its header goes on in 0 bytes", ending=".weights.h5")
def a_header_that_goes_on_in_nothing(path: Path, harmless: bool) -> None:
    write_newer(path, 3)
    with h5py.File(path, "r+", libver="latest") as file:
        file["g0"].attrs["x"] = file["g0"].attrs["y"] = "x" * 300
    if not harmless:
        content = bytearray(path.read_bytes())
        at = content.index(b"\x10\x10\0\0") + 12
        content[at : at + 8] = bytes(8)
        path.write_bytes(content)


@attack("its superblock has an extension", ending=".weights.h5")
def a_file_with_an_extension(path: Path, harmless: bool) -> None:
    """It may hold HDF5's own cache, tables of shared messages, and drivers."""
    write_newer(path, 1)
    if not harmless:
        with h5py.File(path, "w", libver="latest", fs_strategy="page", fs_persist=True) as file:
            file["x"] = KERNEL


# ---- other files ----


@attack("one of several files that make one", ending=".weights.h5")
def one_of_a_family_of_files(path: Path, harmless: bool) -> None:
    small_model().save_weights(path)
    if not harmless:
        with h5py.File(f"{path}-%d", "w", driver="family", memb_size=2**20) as file:
            file["x"] = KERNEL
        Path(f"{path}-0").rename(path)


@attack("one of several files that make one", ending=".weights.h5")
def one_of_a_split_file(path: Path, harmless: bool) -> None:
    small_model().save_weights(path)
    if not harmless:
        with h5py.File(path, "w", driver="split") as file:
            file["x"] = KERNEL
        next(path.parent.glob(f"{path.name}?m*")).rename(path)


@attack("out is a link of its own kind, which leads to another place", ending=".h5")
def a_link_of_its_own_kind(path: Path, harmless: bool) -> None:
    """What such a link does, a plugin of HDF5 says."""

    def change(file: h5py.File) -> None:
        file["out"] = KERNEL if harmless else h5py.ExternalLink("/etc/hostname", "/x")

    write_legacy(path, change)
    if not harmless:
        path.write_bytes(path.read_bytes().replace(b"\x40\3out", b"\x41\3out"))


@attack("layers/x is an ExternalLink", ending=".weights.h5")
def a_link_behind_a_block_of_the_user(path: Path, harmless: bool) -> None:
    small_model().save_weights(path)
    with h5py.File(path) as old, h5py.File(path.with_suffix(".new"), "w", userblock_size=1024) as file:
        old.copy("layers", file)
        if not harmless:
            file["layers/x"] = h5py.ExternalLink("/etc/hostname", "/x")
    with path.with_suffix(".new").open("r+b") as content:
        content.write(b"#!/bin/sh\n")
    path.with_suffix(".new").rename(path)


@attack("model_config.*a text of 4294967295 bytes, where", ending=".h5")
def a_text_behind_bytes_that_are_no_hdf5(path: Path, harmless: bool) -> None:
    """The file counts its addresses from where it began before."""
    write_legacy(path)
    content = path.read_bytes()
    with h5py.File(path) as file:
        length = len(file.attrs["model_config"]).to_bytes(4, "little")
    path.write_bytes(b"#!/bin/sh\n".ljust(512) + content.replace(length, length if harmless else b"\xff" * 4))
