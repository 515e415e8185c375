"""Archives, folders, maps of several files and .npz files that try to do harm."""

from __future__ import annotations

import io
import json
import os
import tarfile
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np

from .files import KERNEL, attack, layer, members, small_model, with_layers, write_archive


def change_list(path: Path, name: str, offset: int, value: bytes) -> None:
    """Change what an archive's list of members says of one."""
    content = path.read_bytes()
    at = content.index(name.encode(), content.index(b"PK\1\2")) - 46 + offset
    path.write_bytes(content[:at] + value + content[at + len(value) :])


def write_folder(path: Path, content: dict[str, bytes]) -> None:
    """Write the members of an archive as files."""
    path.mkdir()
    for name, value in content.items():
        (path / name).write_bytes(value)


def write_map(path: Path, name: str) -> None:
    """Write weights beside a map that says that they are in the file of a name."""
    small_model().save_weights(path.parent / "one.weights.h5")
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"/layers/dense/vars": name}}))


def npy(array: np.ndarray) -> bytes:
    """An array in NumPy's format."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def write_npz(path: Path, kernel: bytes, compression: int = zipfile.ZIP_DEFLATED) -> None:
    """Write the weights of the small model with a kernel that may be anything."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("m/d/kernel.npy", kernel)
        archive.writestr("m/d/bias.npy", npy(np.zeros(3, "f4")))


# ---- zip archives ----


@attack("leads out of the archive", "CVE-2025-12060, CVE-2026-12479")
def member_that_leads_out(path: Path, harmless: bool) -> None:
    write_archive(path, {**members(), "assets/words/" if harmless else "../../../tmp/keras_was_here": b""})


@attack("leads out of the archive", "CVE-2025-12060, CVE-2026-12479")
def member_at_the_root(path: Path, harmless: bool) -> None:
    write_archive(path, {**members(), "assets/a/" if harmless else "/tmp/keras_was_here": b""})


@attack("assets/words.txt is a link", "CVE-2025-12060, CVE-2026-12479")
def member_that_is_a_link(path: Path, harmless: bool) -> None:
    write_archive(path, members())
    info = zipfile.ZipInfo("assets/words/" if harmless else "assets/words.txt")
    info.external_attr = (0o100644 if harmless else 0o120777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "" if harmless else "/etc/hostname")


@attack("several members named 'Config.JSON'")
def two_configs_where_cases_are_one(path: Path, harmless: bool) -> None:
    write_archive(path, {**members(), "assets/words/" if harmless else "Config.JSON": b""})


@attack("list of members has 2")
def a_list_of_members_beside_its_size(path: Path, harmless: bool) -> None:
    """Where the archive ends is told by a mark, which stands a second time inside of that end."""
    extra = {f"assets/{'x' * 2000}{number}/": b"" for number in range(5 if harmless else 1100)}
    write_archive(path, {**members(), **extra})
    if not harmless:
        content = path.read_bytes()
        path.write_bytes(content[:-14] + b"PK\5\6" + content[-10:])  # for how many members there are


@attack("model.weights.h5 is damaged")
def weights_beyond_the_end(path: Path, harmless: bool) -> None:
    write_archive(path, members())
    if not harmless:
        content = path.read_bytes()
        at = content.rindex(b"model.weights.h5")
        more = b"\1\0\x08\0" + (2**63).to_bytes(8, "little")
        entry = (
            content[at - 46 : at - 16]
            + b"\x0c\0"
            + content[at - 14 : at - 4]
            + b"\xff" * 4
            + b"model.weights.h5"
            + more
        )
        end = content[at + 16 :]
        size = int.from_bytes(end[12:16], "little") + 12
        path.write_bytes(content[: at - 46] + entry + end[:12] + size.to_bytes(4, "little") + end[16:])


@attack("several members named 'config.json'")
def two_configs(path: Path, harmless: bool) -> None:
    write_archive(path, members())
    if not harmless:
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
            warnings.simplefilter("ignore")
            archive.writestr("config.json", b"{}")


@attack("claims to unpack|more than the")
def config_that_unpacks_to_much(path: Path, harmless: bool) -> None:
    content = members()
    content["config.json"] += b" " * (1000 if harmless else 2**25)
    write_archive(path, content, deflated=True)


@attack("claims to unpack|more than the")
def weights_that_unpack_to_much(path: Path, harmless: bool) -> None:
    content = members()
    content["model.weights.h5"] += bytes(1000) if harmless else b"\0" * 2**26
    write_archive(path, content, deflated=True)


@attack("model.weights.h5 has 40000000 bytes, more than the")
def weights_of_more_than_the_model(path: Path, harmless: bool) -> None:
    content = members()
    if not harmless:
        content["model.weights.h5"] = os.urandom(1000) * 40_000
    write_archive(path, content, deflated=True)


@attack("vocabulary.txt claims to unpack to 50000000 bytes")
def words_that_unpack_to_much(path: Path, harmless: bool) -> None:
    content = with_layers(layer("InputLayer", batch_shape=[None, 1], name="i"), layer("StringLookup", name="s"))
    words = b"a\nb" if harmless else b"a" * 50_000_000
    write_archive(path, {**content, "assets/layers/string_lookup/vocabulary.txt": words}, deflated=True)


@attack("vocabulary.txt cannot be used: .* has 1200000 words, 1.. MB, which is more than such a file may need")
def words_without_end(path: Path, harmless: bool) -> None:
    content = with_layers(layer("InputLayer", batch_shape=[None, 1], name="i"), layer("StringLookup", name="s"))
    words = "\n".join(map(str, range(5 if harmless else 1_200_000))).encode()
    write_archive(path, {**content, "assets/layers/string_lookup/vocabulary.txt": words})


@attack("list of members")
def members_without_end(path: Path, harmless: bool) -> None:
    content = {f"assets/{'x' * 2000}{number}/": b"" for number in range(5 if harmless else 1100)}
    write_archive(path, {**members(), **content})


@attack("model.weights.h5 is damaged: its checksum is another")
def weights_with_another_checksum(path: Path, harmless: bool) -> None:
    write_archive(path, members())
    if not harmless:
        content = bytearray(path.read_bytes())
        content[content.find(np.float32(0).tobytes() * 3, content.find(b"\x89HDF"))] ^= 1
        path.write_bytes(content)


@attack("config.json is damaged")
def config_longer_than_the_list_says(path: Path, harmless: bool) -> None:
    content = members()
    size = len(content["config.json"])
    content["config.json"] += b"" if harmless else b" " * 2**27
    write_archive(path, content, deflated=True)
    change_list(path, "config.json", 24, size.to_bytes(4, "little"))


@attack("model.weights.h5 is damaged")
def weights_longer_than_the_list_says(path: Path, harmless: bool) -> None:
    content = members()
    size = len(content["model.weights.h5"])
    content["model.weights.h5"] += b"" if harmless else bytes(2**27)
    write_archive(path, content, deflated=True)
    change_list(path, "model.weights.h5", 24, size.to_bytes(4, "little"))


@attack("config.json is compressed in zip's way 12")
def another_compression_of_a_small_size(path: Path, harmless: bool) -> None:
    content = members()
    size = len(content["config.json"])
    content["config.json"] += b"" if harmless else b" " * 2**24
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in content.items():
            bzip2 = name == "config.json" and not harmless
            archive.writestr(name, value, zipfile.ZIP_BZIP2 if bzip2 else zipfile.ZIP_DEFLATED)
    change_list(path, "config.json", 24, size.to_bytes(4, "little"))


@attack("config.json is encrypted")
def an_encrypted_config(path: Path, harmless: bool) -> None:
    write_archive(path, members())
    if not harmless:
        change_list(path, "config.json", 8, b"\1\0")


@attack("config.json is damaged")
def a_member_of_another_name(path: Path, harmless: bool) -> None:
    """The name in the archive's list is not the one before the content."""
    write_archive(path, members())
    if not harmless:
        content = path.read_bytes()
        at = content.index(b"config.json")
        path.write_bytes(content[:at] + b"../../../xx" + content[at + 11 :])


@attack("is no .keras file", "CVE-2025-12060")
def a_tar_that_leads_out(path: Path, harmless: bool) -> None:
    if harmless:
        write_archive(path, members())
        return
    with tarfile.open(path, "w") as archive:
        for name, value in {**members(), "../../../tmp/keras_was_here": b"x"}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(value)
            archive.addfile(entry, io.BytesIO(value))


@attack("leads out of the archive", "CVE-2026-12479")
def words_of_a_layer_whose_name_leads_out(path: Path, harmless: bool) -> None:
    name = "../../../tmp/keras_was_here"
    words = ["a", "b"]
    content = with_layers(
        layer("InputLayer", batch_shape=[None, 1], name="i"),
        layer("StringLookup", vocabulary=words, name=name),
    )
    where = "assets/layers/string_lookup" if harmless else f"assets/layers/{name}"
    write_archive(path, {**content, f"{where}/vocabulary.txt": b"a\nb"})


# ---- folders ----


@attack("config.json is a link", ending="")
def a_folder_whose_config_is_elsewhere(path: Path, harmless: bool) -> None:
    write_folder(path, members())
    if not harmless:
        (path / "config.json").rename(path.with_suffix(".json"))
        (path / "config.json").symlink_to(path.with_suffix(".json"))


@attack("model.weights.h5 is a link", "CVE-2026-1669", "")
def a_folder_whose_weights_are_elsewhere(path: Path, harmless: bool) -> None:
    write_folder(path, members())
    if not harmless:
        (path / "model.weights.h5").unlink()
        (path / "model.weights.h5").symlink_to("/etc/hostname")


@attack("model.weights.h5 is a folder, a pipe or a device", ending="")
def a_folder_whose_weights_never_end(path: Path, harmless: bool) -> None:
    write_folder(path, members())
    if not harmless:
        (path / "model.weights.h5").unlink()
        os.mkfifo(path / "model.weights.h5")


@attack("config.json has .* bytes", ending="")
def a_folder_whose_config_is_vast(path: Path, harmless: bool) -> None:
    write_folder(path, members())
    if not harmless:
        os.truncate(path / "config.json", 2**40)


# ---- weights in several files ----


@attack("which is no weights file beside it", ending=".weights.json")
def a_map_that_leads_out(path: Path, harmless: bool) -> None:
    write_map(path, "one.weights.h5" if harmless else f"../{path.parent.name}/one.weights.h5")


@attack(r"which is not there \(or is a link\)", ending=".weights.json")
def a_map_to_a_link(path: Path, harmless: bool) -> None:
    write_map(path, "one.weights.h5" if harmless else "link.weights.h5")
    if not harmless:
        (path.parent / "link.weights.h5").symlink_to("one.weights.h5")


@attack("is an ExternalLink", "CVE-2026-1669", ".weights.json")
def a_map_to_a_file_with_a_link(path: Path, harmless: bool) -> None:
    write_map(path, "one.weights.h5")
    if not harmless:
        with h5py.File(path.parent / "one.weights.h5", "r+") as file:
            del file["layers/dense"]
            file["layers/dense"] = h5py.ExternalLink("two.h5", "/layers/dense")


@attack("cannot be read", ending=".weights.json")
def a_map_of_many_levels(path: Path, harmless: bool) -> None:
    write_map(path, "one.weights.h5")
    if not harmless:
        path.write_text('{"a": ' * 100_000 + "1" + "}" * 100_000)


@attack("more than 16777216 bytes", ending=".weights.json")
def a_map_of_vast_size(path: Path, harmless: bool) -> None:
    write_map(path, "one.weights.h5")
    if not harmless:
        os.truncate(path, 2**40)


# ---- arrays in .npz files ----


@attack("has dtype object; only numbers", "CVE-2025-49655", ".npz")
def a_pickle_for_numbers(path: Path, harmless: bool) -> None:
    if harmless:
        small_model().save_weights(path)
    else:
        np.savez(path, **{"m/d/kernel": np.array([print], object), "m/d/bias": np.zeros(3, "f4")})


@attack(r"the file has \(1099511627776,\)", "CVE-2026-0897", ".npz")
def an_array_of_absurd_size(path: Path, harmless: bool) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (4, 3) if harmless else (2**40,)}
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    write_npz(path, buffer.getvalue() + KERNEL.tobytes())


@attack("its header has 4294967295 bytes", ending=".npz")
def a_header_of_absurd_size(path: Path, harmless: bool) -> None:
    write_npz(path, npy(KERNEL) if harmless else b"\x93NUMPY\2\0\xff\xff\xff\xff" + os.urandom(2**18) + b" " * 2**27)


@attack("m/d/kernel.npy is no array", ending=".npz")
def a_header_of_many_levels(path: Path, harmless: bool) -> None:
    header = b"(" * 5000
    write_npz(path, npy(KERNEL) if harmless else b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)


@attack("m/d/kernel.npy is compressed in zip's way 14", ending=".npz")
def an_array_that_unpacks_to_much(path: Path, harmless: bool) -> None:
    write_npz(path, npy(KERNEL), zipfile.ZIP_DEFLATED if harmless else zipfile.ZIP_LZMA)
