from __future__ import annotations

import functools
import hashlib
import http.server
import inspect
import io
import threading
import zipfile

import numpy as np
import pytest

from nnlite.datasets import mnist

RNG = np.random.default_rng(5)
ARRAYS = {
    "x_train": RNG.integers(0, 256, (30, 28, 28), dtype=np.uint8),
    "y_train": RNG.integers(0, 10, 30, dtype=np.uint8),
    "x_test": RNG.integers(0, 256, (7, 28, 28), dtype=np.uint8),
    "y_test": RNG.integers(0, 10, 7, dtype=np.uint8),
}


def npz(**changes):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{**ARRAYS, **changes})
    return buffer.getvalue()


def equals(data):
    (x_train, y_train), (x_test, y_test) = data
    found = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return all(np.array_equal(found[name], ARRAYS[name]) and found[name].dtype == np.uint8 for name in ARRAYS)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(mnist, "_ORIGIN", "http://127.0.0.1:1/mnist.npz")  # nobody listens there
    monkeypatch.setattr(mnist, "_SHA256", hashlib.sha256(npz()).hexdigest())
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True)
    return folder


def test_signature_is_keras():
    assert str(inspect.signature(mnist.load_data).parameters["path"].default) == "mnist.npz"
    assert list(inspect.signature(mnist.load_data).parameters) == ["path"]


def test_a_local_path_comes_first(home, tmp_path):
    (home / "mnist.npz").write_bytes(npz(x_train=ARRAYS["x_train"] ^ 1))
    (tmp_path / "mnist.npz").write_bytes(npz())
    for path in ("mnist.npz", tmp_path / "mnist.npz", str(tmp_path / "mnist.npz")):
        assert equals(mnist.load_data(path))


def test_keras_folder_comes_second(home):
    (home / "mnist.npz").write_bytes(npz())
    assert equals(mnist.load_data())


def test_a_download_comes_last(home, tmp_path, monkeypatch):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "mnist.npz").write_bytes(npz())
    (home / "mnist.npz").write_bytes(b"damaged")  # the hash tells
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "served")
    ) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(mnist, "_ORIGIN", f"http://127.0.0.1:{server.server_port}/mnist.npz")
        try:
            assert equals(mnist.load_data())
        finally:
            server.shutdown()
            thread.join()
    assert (home / "mnist.npz").read_bytes() == npz()


def test_offline(home):
    with pytest.raises(OSError, match="put the file at") as caught:
        mnist.load_data()
    assert str(home / "mnist.npz") in str(caught.value)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a file"):
        mnist.load_data(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_train": ARRAYS["x_train"].astype(np.float32)}, "'x_train' is float32, expected uint8"),
        ({"x_train": ARRAYS["x_train"].reshape(30, 784)}, r"shape \(30, 784\), expected \(n, 28, 28\)"),
        ({"y_test": ARRAYS["y_test"][:, None]}, r"expected \(n,\)"),
        ({"y_train": ARRAYS["y_train"][:-1]}, "29 labels for 30 images"),
        ({"y_test": ARRAYS["y_test"] + 10}, "label"),
        ({"y_test": np.array([object()] * 7)}, "object"),
    ],
)
def test_other_arrays(tmp_path, changes, words):
    (tmp_path / "other.npz").write_bytes(npz(**changes))
    with pytest.raises(ValueError, match=words) as caught:
        mnist.load_data("other.npz")
    assert "other.npz" in str(caught.value)


def test_a_missing_array(tmp_path):
    np.savez(tmp_path / "other.npz", x_train=ARRAYS["x_train"], images=ARRAYS["x_test"])
    with pytest.raises(ValueError, match="no array 'y_train', only x_train, images"):
        mnist.load_data("other.npz")


def test_objects_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    (tmp_path / "other.npz").write_bytes(npz(y_train=np.array([Bomb()] * 30)))
    with pytest.raises(ValueError):
        mnist.load_data("other.npz")
    assert not (tmp_path / "exploded").exists()


def test_a_bomb_is_not_unpacked(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**12, 28, 28)})
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        for name in ARRAYS:
            archive.writestr(f"{name}.npy", header.getvalue())
    with pytest.raises(ValueError, match="n at most"):
        mnist.load_data("other.npz")


@pytest.mark.parametrize("rows", [29, 31])
def test_a_header_that_lies(tmp_path, rows):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (rows, 28, 28)})
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        for name in ARRAYS:
            archive.writestr(f"{name}.npy", header.getvalue() + ARRAYS["x_train"].tobytes())
    with pytest.raises(ValueError, match=f"has 23,520 bytes, expected {rows * 784:,}"):
        mnist.load_data("other.npz")


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04K\x01.", b"\x93NUMPY", npz()[:-30], npz()[:5000]])
def test_truncated_and_foreign_files(tmp_path, content):
    (tmp_path / "other.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"Cannot read .*other\.npz"):
        mnist.load_data("other.npz")


def test_any_changed_byte_of_the_images_is_noticed(tmp_path):
    content = npz()
    for place in range(200, 20_000, 1987):
        changed = bytearray(content)
        changed[place] ^= 0x40
        (tmp_path / "other.npz").write_bytes(changed)
        with pytest.raises(ValueError, match=r"Cannot read .*other\.npz"):
            mnist.load_data("other.npz")
