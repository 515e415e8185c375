"""The data sets of words and of houses, on small files of the real ones' form; expected.json is Keras's answer."""

import inspect
import io
import json
import os
import pathlib
import pickle
import zipfile

import numpy as np
import pytest

from nnlite import datasets

EXPECTED = json.loads((pathlib.Path(__file__).parent / "expected.json").read_text())


def objects(lists):
    array = np.empty(len(lists), object)
    for index, one in enumerate(lists):
        array[index] = one
    return array


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(4)

    def texts(n):
        return objects([rng.integers(1, 50, rng.integers(1, 9)).tolist() for _ in range(n)])

    x_train, y_train, x_test, y_test = texts(12), rng.integers(0, 2, 12), texts(7), rng.integers(0, 2, 7)
    np.savez(folder / "imdb.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    np.savez(folder / "reuters.npz", x=texts(20), y=rng.integers(0, 46, 20))
    np.savez(folder / "boston_housing.npz", x=rng.normal(size=(11, 13)), y=rng.normal(size=11))
    x, y = rng.normal(size=(11, 8)).astype("float32"), rng.normal(size=11).astype("float32")
    np.savez(folder / "california_housing.npz", x=x, y=y)
    return folder


@pytest.mark.parametrize("call", EXPECTED)
def test_the_same_as_keras(call, folder):
    name, _, arguments = call.partition(" ")
    found = getattr(datasets, name).load_data(path=folder / f"{name}.npz", **json.loads(arguments))
    for (x, y), (expected_x, expected_y) in zip(found, EXPECTED[call], strict=True):
        assert [list(row) for row in x] == expected_x and y.tolist() == expected_y


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("imdb", "path num_words skip_top maxlen seed start_char oov_char index_from"),
        ("reuters", "path num_words skip_top maxlen test_split seed start_char oov_char index_from"),
        ("boston_housing", "path test_split seed"),
        ("california_housing", "version path test_split seed"),
        ("cifar10", ""),
        ("cifar100", "label_mode"),
    ],
)
def test_signatures_are_those_of_keras(name, parameters):
    assert " ".join(inspect.signature(getattr(datasets, name).load_data).parameters) == parameters


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_indices(name, tmp_path):
    path = tmp_path / "words.json"
    path.write_text('{"the": 1, "film": 19}')
    module = getattr(datasets, name)
    assert module.get_word_index(path) == {"the": 1, "film": 19}
    for damaged in ("[1]", '{"the": "x"}', '{"the', "\ud800".encode("utf-8", "surrogatepass")):
        path.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
        with pytest.raises(ValueError, match=r"Cannot read .*words\.json"):
            module.get_word_index(path)


def test_offline_the_error_says_where_to_put_the_file(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(datasets.imdb, "_ORIGIN", "http://127.0.0.1:1/imdb.npz")
    with pytest.raises(OSError, match=r"imdb\.npz"):
        datasets.imdb.load_data()
    with pytest.raises(FileNotFoundError, match=r"imdb\.load_data: path='no/such\.npz' is not a file"):
        datasets.imdb.load_data("no/such.npz")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("imdb", {"maxlen": 1}, "maxlen: no text is shorter than 1"),
        ("reuters", {"test_split": 1.0}, "test_split got 1.0"),
        ("reuters", {"maxlen": 1}, "maxlen"),
        ("boston_housing", {"test_split": -0.1}, "test_split got -0.1"),
        ("california_housing", {"version": "huge"}, "version got 'huge'"),
    ],
)
def test_wrong_arguments(name, arguments, message, folder):
    with pytest.raises(ValueError, match=message):
        getattr(datasets, name).load_data(path=folder / f"{name}.npz", **arguments)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


def member(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


def bomb(levels=60):
    inner = ["x"]
    for _ in range(levels):
        inner = [inner, inner]
    return inner


BAD = {
    "runs code": lambda: member(objects([Evil()])),
    "no lists": lambda: member(objects([{"a": 1}])),
    "texts": lambda: member(objects([["a"]])),
    "floats": lambda: member(np.ones(1)),
    "two axes": lambda: member(np.ones((1, 2), "int64")),
    "grows without end": lambda: member(objects([bomb()])),
    "cut off": lambda: member(objects([[1, 2, 3]]))[:-20],
    "another shape": lambda: member(objects([[1]])).replace(b"(1,)", b"(2,)"),
    "structured": lambda: member(np.zeros(1, [("a", "i4")])),
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("kind", BAD)
def test_files_of_strangers_are_refused_and_nothing_is_run(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("reuters.npz", "w") as archive:
        archive.writestr("x.npy", BAD[kind]())
        archive.writestr("y.npy", member(np.zeros(1, "int64")))
    with pytest.raises(ValueError, match=r"Cannot read .*reuters\.npz"):
        datasets.reuters.load_data()
    assert not os.path.exists("made-by-a-pickle")


def test_tables_of_another_shape_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones((3, 12)), y=np.ones(3))
    with pytest.raises(ValueError, match=r"x of shape \(3, 12\)"):
        datasets.boston_housing.load_data(tmp_path / "a.npz")
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match="not an npz file"):
        datasets.california_housing.load_data(path=tmp_path / "b.npz")
