"""HDF5 files that try to do harm: links, other files, types, sizes."""

from __future__ import annotations

import io
import json
import zlib
from pathlib import Path

import h5py
import numpy as np

from .files import KERNEL, attack, layer, small_model, with_layers, write_archive, write_legacy, write_weights


@attack("is a SoftLink")
def soft_link(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        file["elsewhere"] = KERNEL
        group["0"] = file["elsewhere"] if harmless else h5py.SoftLink("/elsewhere")

    write_weights(path, change)


@attack("is an ExternalLink", "CVE-2026-1669")
def external_link(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group["0"] = KERNEL if harmless else h5py.ExternalLink("/etc/hostname", "/x")

    write_weights(path, change)


@attack("is an ExternalLink")
def external_link_on_the_way(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group["0"] = KERNEL
        if not harmless:
            del file["layers/dense"]
            file["layers/dense"] = h5py.ExternalLink("other.h5", "/layers/dense")

    write_weights(path, change)


@attack("unread is an ExternalLink", "CVE-2026-1669, GHSA-27f4-p4xq-cxg8", ".weights.h5")
def external_link_that_nobody_reads(path: Path, harmless: bool) -> None:
    small_model().save_weights(path)
    with h5py.File(path, "r+") as file:
        file["unread"] = KERNEL if harmless else h5py.ExternalLink("/etc/hostname", "/x")


@attack("model_weights is an ExternalLink", "GHSA-27f4-p4xq-cxg8", ".h5")
def external_link_at_the_top_of_a_legacy_file(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        if not harmless:
            del file["model_weights"]
            file["model_weights"] = h5py.ExternalLink("other.h5", "/model_weights")

    write_legacy(path, change)


@attack("model_weights/d/d is an ExternalLink", "CVE-2026-1669", ".h5")
def external_link_inside_the_name_of_an_array(path: Path, harmless: bool) -> None:
    """The list of names says d/kernel:0, and d leads out."""

    def change(file: h5py.File) -> None:
        if not harmless:
            del file["model_weights/d/d"]
            file["model_weights/d/d"] = h5py.ExternalLink("other.h5", "/d")

    write_legacy(path, change)


@attack("holds more than 1016 names")
def one_array_under_many_names(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group["0"] = KERNEL
        for number in range(2, 2 if harmless else 2_000):
            h5py.h5o.link(group["0"].id, group.id, str(number).encode())

    write_weights(path, change)


@attack("nested deeper than 200 levels")
def groups_of_many_levels(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group["0"] = KERNEL
        file.create_group("a/" * (20 if harmless else 2000))

    write_weights(path, change)


@attack("make a path of more than 4096 letters")
def groups_of_long_names(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group["0"] = KERNEL
        file.create_group("/".join(["a" * 1000] * (2 if harmless else 5)))

    write_weights(path, change)


@attack("lists 'd' more than once for layers", ending=".h5")
def one_layer_many_times(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        names = np.array([b"d"] * (1 if harmless else 5000))
        file["model_weights"].attrs["layer_names"] = names

    write_legacy(path, change)


@attack("lists 60000 names for arrays of 'd'", ending=".h5")
def one_array_many_times(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        group = file["model_weights/d"]
        if not harmless:
            del group.attrs["weight_names"]
            for number in range(20):
                group.attrs[f"weight_names{number}"] = np.array([b"d/kernel:0"] * 3000)

    write_legacy(path, change)


@attack("is a SoftLink", "GHSA-27f4-p4xq-cxg8", ".h5")
def soft_link_in_a_legacy_file(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        if not harmless:
            file.move("model_weights/d", "hidden")
            file["model_weights/d"] = h5py.SoftLink("/hidden")

    write_legacy(path, change)


@attack("in another file", "CVE-2026-1669")
def data_of_another_file(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        if harmless:
            group["0"] = KERNEL
        else:
            group.create_dataset("0", (4, 3), "f4", external=[("/etc/hostname", 0, 48)])

    write_weights(path, change)


@attack("in another file", "CVE-2026-1669", ending=".h5")
def data_of_another_file_in_a_legacy_file(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        if not harmless:
            del file["model_weights/d/d/bias:0"]
            file["model_weights/d/d"].create_dataset("bias:0", (3,), "f4", external=[("/etc/hostname", 0, 12)])

    write_legacy(path, change)


@attack("in another file")
def virtual_data(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        layout = h5py.VirtualLayout((4, 3), "f4")
        layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4, 3))
        if harmless:
            group["0"] = KERNEL
        else:
            group.create_virtual_dataset("0", layout)

    write_weights(path, change)


@attack("only numbers are read")
def texts_for_numbers(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group.create_dataset("0", (4, 3), "f4" if harmless else h5py.string_dtype())

    write_weights(path, change)


@attack("only numbers are read")
def references_for_numbers(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group.create_dataset("0", (4, 3), "f4" if harmless else h5py.ref_dtype)

    write_weights(path, change)


@attack("only numbers are read")
def records_for_numbers(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group.create_dataset("0", (4, 3), "f4" if harmless else [("a", "f4"), ("b", "i4")])

    write_weights(path, change)


@attack("of dtype float32; the file has int8")
def whole_numbers_for_weights(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group["0"] = KERNEL.astype("f2" if harmless else "i1")

    write_weights(path, change)


@attack(r"expected m/d/kernel \(4, 3\); the file has", "CVE-2026-0897")
def shape_of_absurd_size(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        shape = (4, 3) if harmless else (2**40,)
        group.create_dataset("0", shape, "f4", chunks=(4, 3) if harmless else (1024,), compression="gzip")

    write_weights(path, change)


@attack(r"expected kernel \(4, 3\)", "CVE-2026-0897", ending=".h5")
def shape_of_absurd_size_in_a_legacy_file(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        if not harmless:
            del file["model_weights/d/d/kernel:0"]
            file["model_weights/d/d"].create_dataset("kernel:0", (2**40,), "f4", chunks=(1024,))

    write_legacy(path, change)


@attack("of 1073741824 bytes, though it has but 48")
def part_larger_than_the_whole(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        chunks = (4, 3) if harmless else (2**14, 2**14)
        group.create_dataset("0", (4, 3), "f4", chunks=chunks, maxshape=(None, None), compression="gzip")

    write_weights(path, change)


@attack("unpacks to 53 or more")
def part_that_unpacks_to_much(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        made = group.create_dataset("0", (4, 3), "f4", chunks=(4, 3), compression="gzip")
        content = KERNEL.tobytes() if harmless else bytes(2**19)
        made.id.write_direct_chunk((0, 0), zlib.compress(content))

    write_weights(path, change)


@attack("only gzip, lzf and shuffle are read")
def unknown_filter(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((4, 3))
        if harmless:
            settings.set_deflate(1)
        else:
            settings.set_filter(h5py.h5z.FILTER_SCALEOFFSET, 0, (2, 0))
        space = h5py.h5s.create_simple((4, 3))
        h5py.h5d.create(group.id, b"0", h5py.h5t.NATIVE_INT32 if not harmless else h5py.h5t.IEEE_F32LE, space, settings)

    write_weights(path, change)


@attack("is kept in 65")
def part_that_is_kept_in_much(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        made = group.create_dataset("0", (4, 3), "f4", chunks=(4, 3), compression="gzip")
        behind = bytes(0 if harmless else 65_400)  # of a longer part HDF5 could not note the length
        made.id.write_direct_chunk((0, 0), zlib.compress(KERNEL.tobytes()) + behind)

    write_weights(path, change)


@attack("is written in 1000000 parts, too many for 4000000 bytes")
def parts_without_end(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        shape = (4, 3) if harmless else (1000, 1000)
        group.create_dataset("0", shape, "f4", chunks=(1, 1))

    write_weights(path, change)


@attack("the arrays at 'layers/string_lookup/vars' have 4398046511104 bytes")
def more_than_a_layer_that_reads_itself_needs(path: Path, harmless: bool) -> None:
    content = with_layers(layer("InputLayer", batch_shape=[None, 1], name="i"), layer("StringLookup", name="s"))
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = file.create_group("layers/string_lookup/vars")
        if not harmless:
            group.create_dataset("idf_weights", (2**40,), "f4", chunks=(2**18,))
    write_archive(path, {**content, "model.weights.h5": buffer.getvalue()})


@attack("is no text")
def a_name_that_is_no_text(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group["0"] = KERNEL
        if not harmless:
            h5py.h5o.link(group["0"].id, group.id, b"\xff\xfe")

    write_weights(path, change)


@attack("the root: it keeps its many or large attributes in a newer form", ending=".h5")
def name_of_absurd_size(path: Path, harmless: bool) -> None:
    """Attributes of this size stand beside the others."""
    write_legacy(path)
    if not harmless:
        with h5py.File(path, "w", libver="latest") as file:
            file.attrs.create("model_config", b"{}", dtype="S17000000")


@attack("is not a group|is no array|neither")
def array_for_a_group(path: Path, harmless: bool) -> None:
    def change(file: h5py.File, group: h5py.Group) -> None:
        group["0"] = KERNEL
        if not harmless:
            del file["layers/dense"]
            file["layers/dense"] = KERNEL

    write_weights(path, change)


@attack("model_config.*bytes|model_config.*characters", ending=".h5")
def config_of_absurd_size(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        text = file.attrs["model_config"] + " " * (10 if harmless else 2**25)
        file.attrs["model_config"] = text

    write_legacy(path, change)


@attack("no text", ending=".h5")
def numbers_for_a_config(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        if not harmless:
            file.attrs["model_config"] = np.zeros(1000)

    write_legacy(path, change)


@attack("more than 16777216 in all", ending=".h5")
def one_long_name_many_times(path: Path, harmless: bool) -> None:
    """The names lie in a heap of the file, where all of them may be the same long one."""

    def change(file: h5py.File) -> None:
        group = file["model_weights"]
        names = ["d"] if harmless else ["d" * 70001, *["d"] * 2000]
        del group.attrs["layer_names"]
        group.attrs["layer_names"] = names

    write_legacy(path, change)
    if not harmless:
        content = path.read_bytes()
        at = content.find((70001).to_bytes(4, "little"))  # the first of the references
        first = content[at : at + 16]
        path.write_bytes(content[:at] + first * 2001 + content[at + 16 * 2001 :])


@attack("a text of 4294967295 bytes, where", ending=".h5")
def one_name_that_claims_to_be_long(path: Path, harmless: bool) -> None:
    write_legacy(path)
    if not harmless:
        content = path.read_bytes()
        place = content.find(b'{"class_name"')
        length = content.find(b"}", place + 1)
        config = json.loads(h5py.File(path).attrs["model_config"])
        length = len(json.dumps(config))
        at = content.find(length.to_bytes(4, "little"))
        path.write_bytes(content[:at] + b"\xff" * 4 + content[at + 4 :])


@attack("holds nothing for it", ending=".h5")
def names_that_lead_elsewhere(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        file["model_weights"].attrs["layer_names"] = ["d" if harmless else "../../d"]
        if not harmless:
            file.move("model_weights/d", "d")

    write_legacy(path, change)
