"""Folders and paths in which a pipe, a device or another folder stands for a file: reading one may never end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from .archive_files import write_folder, write_map
from .files import attack, layer, members, small_model, with_layers

# What may stand in the place of a file. Devices of one's own need rights that tests do not have.
KINDS: dict[str, Callable[[Path], None]] = {"pipe": os.mkfifo, "folder": os.mkdir}


def put(path: Path, kind: str) -> None:
    """Put something else in the place of a file."""
    path.unlink()
    KINDS[kind](path)


def write_words(path: Path) -> Path:
    """Write the folder of a model that has words beside its config; return where these are."""
    first = layer("InputLayer", batch_shape=[None, 1], name="i")
    write_folder(path, with_layers(first, layer("StringLookup", name="s")))
    words = path / "assets" / "layers" / "string_lookup" / "vocabulary.txt"
    words.parent.mkdir(parents=True)
    words.write_text("a\nb")
    return words


@attack("config.json is a folder, a pipe or a device", ending="")
def a_folder_whose_config_never_ends(path: Path, harmless: bool) -> None:
    write_folder(path, members())
    if not harmless:
        put(path / "config.json", "pipe")


@attack("config.json is a folder, a pipe or a device", ending="")
def a_folder_whose_config_is_a_folder(path: Path, harmless: bool) -> None:
    write_folder(path, members())
    if not harmless:
        put(path / "config.json", "folder")


@attack("model.weights.h5 is a folder, a pipe or a device", ending="")
def a_folder_whose_weights_are_a_folder(path: Path, harmless: bool) -> None:
    write_folder(path, members())
    if not harmless:
        put(path / "model.weights.h5", "folder")


@attack("vocabulary.txt cannot be used: .* is a folder, a pipe or a device", ending="")
def words_that_never_end(path: Path, harmless: bool) -> None:
    words = write_words(path)
    if not harmless:
        put(words, "pipe")


@attack("vocabulary.txt is a link", ending="")
def words_that_are_a_device(path: Path, harmless: bool) -> None:
    words = write_words(path)
    if not harmless:
        words.unlink()
        words.symlink_to("/dev/zero")


@attack("vocabulary.txt is a link", ending="")
def words_in_a_folder_that_is_elsewhere(path: Path, harmless: bool) -> None:
    words = write_words(path)
    if not harmless:
        words.parent.rename(path.with_name(f"{path.name}-elsewhere"))
        words.parent.symlink_to(path.with_name(f"{path.name}-elsewhere"))


@attack(r"which is not there \(or is a link\)", ending=".weights.json")
def a_map_to_a_pipe(path: Path, harmless: bool) -> None:
    write_map(path, "one.weights.h5" if harmless else "pipe.weights.h5")
    if not harmless:
        os.mkfifo(path.with_name("pipe.weights.h5"))


@attack("is a pipe or a device, not a file", ending=".weights.json")
def a_map_that_is_a_pipe(path: Path, harmless: bool) -> None:
    write_map(path, "one.weights.h5")
    if not harmless:
        put(path, "pipe")


@attack("is a pipe or a device, not a file")
def a_model_that_is_a_pipe(path: Path, harmless: bool) -> None:
    small_model().save(path)
    if not harmless:
        put(path, "pipe")


@attack("is a pipe or a device, not a file", ending=".weights.h5")
def weights_that_are_a_device(path: Path, harmless: bool) -> None:
    small_model().save_weights(path)
    if not harmless:
        path.unlink()
        path.symlink_to("/dev/zero")


@attack("config.json describes no model", ending="")
def a_folder_whose_version_is_a_pipe(path: Path, harmless: bool) -> None:
    """Nobody needs the version that wrote a file, so the config is refused and not the pipe."""
    write_folder(path, members())
    if not harmless:
        put(path / "metadata.json", "pipe")
        (path / "config.json").write_text(json.dumps({}))
