"""Damaged files and strange configs are refused with a ValueError that names the file, or load."""

import io
import json
import pathlib
import random
import warnings
import zipfile

import h5py
import pytest

import nnlite as keras

FOLDER = pathlib.Path(__file__).parents[1] / "keras_files"
FILES = ["cnn-3.10.0.keras", "masked-3.3.3.keras", "nested-2.13.keras", "nested-2.15.h5", "shared-3.15.1.h5"]
VALUES = [
    None,
    -1,
    0,
    10**9,
    10**30,
    1.5,
    "x",
    "",
    [],
    {},
    True,
    [1, 2],
    {"a": 1},
    "../x",
    [[]],
    "float16",
    float("nan"),
]


def damage(content, rng):
    """Change some bytes."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 10, 50])):
        at = rng.randrange(len(content))
        content[at : at + rng.choice([1, 4, 8])] = rng.choice([0, 255, rng.randrange(2**32)]).to_bytes(4, "little")
    return bytes(content[: rng.randrange(len(content))] if rng.random() < 0.1 else content)


def change(config, rng):
    """Put something strange in one place of a config."""
    while True:
        keys = list(config) if isinstance(config, dict) else range(len(config))
        key = rng.choice(list(keys))
        if not isinstance(config[key], (dict, list)) or not config[key] or rng.random() < 0.15:
            config[key] = rng.choice(VALUES)
            return
        config = config[key]


def with_strange_config(content, rng):
    """Change the config in a file."""
    buffer = io.BytesIO(content)
    if content[:2] == b"PK":
        with zipfile.ZipFile(buffer) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        config = json.loads(members["config.json"])
        change(config, rng)
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name, member in {**members, "config.json": json.dumps(config).encode()}.items():
                archive.writestr(name, member)
        return made.getvalue()
    with h5py.File(buffer, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config, rng)
        file.attrs["model_config"] = json.dumps(config)
    return buffer.getvalue()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("spoil", [damage, with_strange_config])
def test_damaged_files(tmp_path, name, spoil):
    rng, content = random.Random(f"{name}{spoil.__name__}"), (FOLDER / name).read_bytes()
    path, refused = tmp_path / f"spoiled{name[-6:]}", 0
    for _ in range(25):
        path.write_bytes(spoil(content, rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an optimizer's state that is lost
            try:
                keras.models.load_model(path)
            except ValueError as error:
                assert path.name in str(error)
                refused += 1
    assert refused
