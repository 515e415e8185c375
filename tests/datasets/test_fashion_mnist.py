from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import inspect
import os
import pathlib
import struct
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.datasets import fashion_mnist
from nnlite.datasets.files import read_idx

SHA256 = dict(fashion_mnist._SHA256)
MD5 = {  # published at github.com/zalandoresearch/fashion-mnist
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
DEBIAN = pathlib.Path("/usr/share/datasets/fashion-mnist")
needs_debian = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="the Debian package dataset-fashion-mnist is not installed"
)

RNG = np.random.default_rng(6)
TRAIN, TEST = (
    (RNG.integers(0, 256, (n, 28, 28), dtype=np.uint8), RNG.integers(0, 10, n, dtype=np.uint8)) for n in (20, 5)
)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


FILES = {
    f"{part}-{kind}.gz": gzip.compress(idx(array), mtime=0)
    for part, arrays in (("train", TRAIN), ("t10k", TEST))
    for kind, array in zip(("images-idx3-ubyte", "labels-idx1-ubyte"), arrays, strict=True)
}


def put(folder, files=FILES):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def equals(data):
    return all(
        np.array_equal(found, wanted) and found.dtype == np.uint8 and found.flags.writeable
        for pair, wanteds in zip(data, (TRAIN, TEST), strict=True)
        for found, wanted in zip(pair, wanteds, strict=True)
    )


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(fashion_mnist, "_DEBIAN", str(tmp_path / "debian"))
    monkeypatch.setattr(fashion_mnist, "_ORIGIN", "http://127.0.0.1:1/")  # nobody listens there
    monkeypatch.setattr(fashion_mnist, "_SHA256", {k: hashlib.sha256(v).hexdigest() for k, v in FILES.items()})
    return tmp_path / "keras" / "datasets" / "fashion-mnist"


def test_signature_is_keras():
    assert not inspect.signature(fashion_mnist.load_data).parameters


def test_keras_folder_comes_before_debian(home, tmp_path):
    put(home)
    put(tmp_path / "debian", dict.fromkeys(FILES, b"other"))
    assert equals(fashion_mnist.load_data())


def test_debians_package(tmp_path):
    put(tmp_path / "debian")
    assert equals(fashion_mnist.load_data())


def test_only_what_is_missing_is_downloaded(home, tmp_path, monkeypatch):
    asked = []

    class Recording(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    put(tmp_path / "served")
    labels = {name: content for name, content in FILES.items() if "labels" in name}
    put(home, labels)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Recording, directory=tmp_path / "served")
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(fashion_mnist, "_ORIGIN", f"http://127.0.0.1:{server.server_port}/")
        try:
            assert equals(fashion_mnist.load_data())
        finally:
            server.shutdown()
            thread.join()
    assert sorted(asked) == ["/t10k-images-idx3-ubyte.gz", "/train-images-idx3-ubyte.gz"]
    assert sorted(os.listdir(home)) == sorted(FILES)


def test_offline(home):
    with pytest.raises(OSError, match="put the file at") as caught:
        fashion_mnist.load_data()
    assert str(home / "train-labels-idx1-ubyte.gz") in str(caught.value)


IMAGES = "train-images-idx3-ubyte.gz"
LABELS = "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (IMAGES, b"", "begins with nothing"),
        (IMAGES, b"<html>not found</html>", "gzip"),
        (IMAGES, FILES[IMAGES][:-9], "."),
        (IMAGES, FILES[IMAGES][:4000], "."),
        (IMAGES, FILES[LABELS], "begins with 00 00 08 01, expected 00 00 08 03"),
        (IMAGES, gzip.compress(idx(TRAIN[0])[:-1], mtime=0), "ends after 15,679 of 15,680 bytes"),
        (IMAGES, gzip.compress(idx(TRAIN[0])[:9], mtime=0), "unpack"),
        (IMAGES, gzip.compress(idx(TRAIN[0]) + b"x", mtime=0), "goes on"),
        (IMAGES, gzip.compress(idx(TRAIN[0][:, :27]), mtime=0), r"expected \(n, 28, 28\)"),
        (IMAGES, gzip.compress(idx(TRAIN[0][:-1]), mtime=0), "20 labels for 19 images"),
        (IMAGES, gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**32 - 1, 28, 28), mtime=0), "n at most"),
        (LABELS, gzip.compress(idx(TRAIN[1] + 1 + 9), mtime=0), "label"),
    ],
)
def test_damaged_files(home, name, content, words):
    put(home, {**FILES, name: content})
    with pytest.raises(ValueError, match=rf"Cannot read .*{name[:5]}.*{words}"):
        fashion_mnist.load_data()


def test_a_changed_checksum_is_noticed(home):
    changed = bytearray(FILES[IMAGES])
    changed[-8] ^= 1
    put(home, {**FILES, IMAGES: bytes(changed)})
    with pytest.raises(ValueError, match="CRC"):
        fashion_mnist.load_data()


def test_a_bomb_is_not_unpacked(tmp_path):
    import tracemalloc

    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(idx(TRAIN[1]))
        for _ in range(64):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="goes on"):
            read_idx(str(path), ())
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_no_images(tmp_path):
    (tmp_path / "none.gz").write_bytes(gzip.compress(idx(TRAIN[0][:0])))
    assert read_idx(str(tmp_path / "none.gz"), (28, 28)).shape == (0, 28, 28)


@given(n=st.integers(0, 5), row=st.lists(st.integers(1, 4), max_size=2), cut=st.integers(0, 100), data=st.data())
def test_whole_files_are_read_and_any_cut_one_is_refused(tmp_path_factory, n, row, cut, data):
    array = np.frombuffer(
        data.draw(st.binary(min_size=n * int(np.prod(row)), max_size=n * int(np.prod(row)))), np.uint8
    )
    array = array.reshape(n, *row)
    content = idx(array)
    path = tmp_path_factory.mktemp("idx") / "a.gz"
    path.write_bytes(gzip.compress(content))
    np.testing.assert_array_equal(read_idx(str(path), tuple(row)), array)
    path.write_bytes(gzip.compress(content[: cut % len(content)]))
    with pytest.raises(ValueError, match="Cannot read"):
        read_idx(str(path), tuple(row))


@needs_debian
def test_the_real_files(monkeypatch):
    monkeypatch.setattr(fashion_mnist, "_DEBIAN", str(DEBIAN))
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert (np.bincount(y_train) == 6000).all() and (np.bincount(y_test) == 1000).all()


@needs_debian
@pytest.mark.parametrize("name", MD5)
def test_where_the_hashes_come_from(name):
    # Debian drops name and date from the gzip header; put back, the file has the published MD5, so it is Zalando's.
    date = 1504176606 if name.startswith("train") else 1504176627
    header = b"\x1f\x8b\x08\x08" + struct.pack("<I", date) + b"\x00\x03" + name.removesuffix(".gz").encode() + b"\0"
    content = header + (DEBIAN / name).read_bytes()[10:]
    assert hashlib.md5(content).hexdigest() == MD5[name]
    assert hashlib.sha256(content).hexdigest() == SHA256[name]
