"""CIFAR-10 and CIFAR-100, on small archives of the real ones' form."""

import hashlib
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

import nnlite
from nnlite.datasets import cifar10, cifar100

RNG = np.random.default_rng(2)
BATCHES = {
    name: {b"data": RNG.integers(0, 256, (3, 3072), dtype="uint8"), b"labels": [0, 9, i], b"batch_label": b"small"}
    for i, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"])
}
HUNDRED = {
    name: {
        b"data": RNG.integers(0, 256, (4, 3072), dtype="uint8"),
        b"fine_labels": [99, 0, 5, 7],
        b"coarse_labels": [19, 0, 1, 2],
    }
    for name in ("train", "test")
}


def archive(folder, members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            if isinstance(content, tarfile.TarInfo):
                content.name = info.name
                tar.addfile(content)
                continue
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def pickles(batches):
    return {name: pickle.dumps(batch, 2) for name, batch in batches.items()}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "datasets"
    folder.mkdir()

    def put(module, content):
        (folder / module._ARCHIVE).write_bytes(content)
        monkeypatch.setattr(module, "_SHA256", hashlib.sha256(content).hexdigest())

    for module in (cifar10, cifar100):
        monkeypatch.setattr(module, "_ORIGIN", f"http://127.0.0.1:1/{module._ARCHIVE}")
    put.folder = folder
    return put


def test_ten_classes_out_of_the_archive(home):
    home(cifar10, archive(cifar10._FOLDER, pickles(BATCHES)))
    (x, y), (x_test, y_test) = cifar10.load_data()
    assert x.shape == (15, 32, 32, 3) and x_test.shape == (3, 32, 32, 3) and x.dtype == x_test.dtype == np.uint8
    assert y.shape == (15, 1) and y.dtype == y_test.dtype == np.uint8
    assert y[:, 0].tolist() == [0, 9, 0, 0, 9, 1, 0, 9, 2, 0, 9, 3, 0, 9, 4] and y_test[:, 0].tolist() == [0, 9, 5]
    expected = BATCHES["data_batch_2"][b"data"].reshape(3, 3, 32, 32)
    np.testing.assert_array_equal(x[3:6], expected.transpose(0, 2, 3, 1))
    nnlite.config.set_image_data_format("channels_first")
    try:
        np.testing.assert_array_equal(cifar10.load_data()[0][0][3:6], expected)
    finally:
        nnlite.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("inside", ["{0}-target/{0}", "{0}"])
def test_unpacked_by_keras(home, inside):
    folder = home.folder / inside.format(cifar100._FOLDER)
    folder.mkdir(parents=True)
    for name, content in pickles(HUNDRED).items():
        (folder / name).write_bytes(content)
    (x, y), _ = cifar100.load_data()
    assert x.shape == (4, 32, 32, 3) and y[:, 0].tolist() == [99, 0, 5, 7] and y.dtype == np.int64
    assert cifar100.load_data("coarse")[1][1][:, 0].tolist() == [19, 0, 1, 2]


class Evil:
    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


def changed(**changes):
    batch = {**HUNDRED["train"], **{key.encode(): value for key, value in changes.items()}}
    return pickles({**HUNDRED, "train": batch})


def link():
    info = tarfile.TarInfo()
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return {**pickles(HUNDRED), "train": info}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (lambda: changed(data=Evil()), "expected data alone"),
        (lambda: changed(data=np.zeros((4, 3071), "uint8")), "'data' is no array of bytes"),
        (lambda: changed(data=np.zeros((4, 3072))), "'data' is no array of bytes"),
        (lambda: changed(fine_labels=[1, 2, 3]), "no list of 4"),
        (lambda: changed(fine_labels=[1, 2, 3, 100]), "labels go from 1 to 100"),
        (lambda: changed(fine_labels=[-1, 2, 3, 10]), "labels go from -1"),
        (lambda: {"test": pickle.dumps(HUNDRED["test"], 2)}, "no member"),
        (lambda: {**pickles(HUNDRED), "train": b"no pickle"}, "instruction|cut off"),
        (lambda: {**pickles(HUNDRED), "train": pickle.dumps([1], 2)}, "Cannot read"),
        (link, "is no file"),
    ],
)
def test_what_is_damaged_or_hostile_is_refused(home, members, message):
    home(cifar100, archive(cifar100._FOLDER, members()))
    with pytest.raises(ValueError, match=message):
        cifar100.load_data()
    assert not os.path.exists("made-by-a-pickle")


def test_no_archive_and_a_wrong_mode(home):
    home(cifar100, b"no archive")
    with pytest.raises(ValueError, match="no tar archive"):
        cifar100.load_data()
    with pytest.raises(ValueError, match="label_mode got 'rough'"):
        cifar100.load_data("rough")
    with pytest.raises(OSError, match=r"cifar-10-python\.tar\.gz"):
        cifar10.load_data()
