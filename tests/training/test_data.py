"""Batches of arrays: every row once, in order, from memory, memory maps, files and frames."""

from __future__ import annotations

import math
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.training.data import Rows, batches, split

KINDS = ["plain", "read-only", "fortran", "strided", "big-endian", "stored"]


class Stored:
    """Rows in a file, as far as nnlite can tell; counts what is read and allows what HDF5 allows."""

    def __init__(self, array):
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.reads = []

    def __getitem__(self, rows):
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            assert (np.diff(rows) > 0).all(), "HDF5 reads rows in increasing order only"
            assert (rows >= 0).all()
        else:
            assert rows.start is not None and rows.stop is not None and rows.step in (None, 1)
        part = self.array[rows]
        self.reads.append(len(part))
        return part.copy()


def as_kind(array, kind):
    if kind == "read-only":
        array = array.copy()
        array.flags.writeable = False
    elif kind == "fortran":
        array = np.asfortranarray(array)
    elif kind == "strided":
        array = np.repeat(array, 2, axis=0)[::2]
    elif kind == "big-endian":
        array = array.astype(array.dtype.newbyteorder(">"))
    elif kind == "stored":
        array = Stored(array)
    return array


def numbered(n, width=3):
    """Rows that say which row they are."""
    return np.arange(n * width, dtype=np.float32).reshape(n, width)


def all_rows(parts):
    return np.concatenate(list(parts)) if parts else np.empty(0)


@settings(max_examples=150, deadline=None)
@given(
    n=st.integers(1, 40),
    batch_size=st.integers(1, 50),
    shuffle=st.sampled_from([None, False, True, "batch"]),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
)
def test_every_row_comes_once_an_epoch_with_its_target_and_weight(n, batch_size, shuffle, kind, seed):
    x = numbered(n)
    cut = batches(
        {"a": as_kind(x, kind), "b": [as_kind(np.arange(n), kind)]},
        as_kind(np.arange(n), kind),
        as_kind(np.arange(n) / 2, kind),
        batch_size=batch_size,
        shuffle=shuffle,
        rng=np.random.default_rng(seed),
    )
    assert (cut.rows, cut.batch_size, cut.steps) == (n, batch_size, math.ceil(n / batch_size))
    for _ in range(2):
        got = list(cut.epoch())
        sizes = [len(y) for _, y, _ in got]
        assert sizes == [batch_size] * (n // batch_size) + ([n % batch_size] if n % batch_size else [])
        order = all_rows([y for _, y, _ in got])
        assert sorted(order) == list(range(n))
        np.testing.assert_array_equal(all_rows([part["a"] for part, _, _ in got]), x[order])
        np.testing.assert_array_equal(all_rows([part["b"][0] for part, _, _ in got]), order)
        np.testing.assert_array_equal(all_rows([w for _, _, w in got]), order / 2)
        if not shuffle:
            assert order.tolist() == list(range(n))
        elif shuffle == "batch":
            starts = np.repeat(np.arange(len(sizes)), sizes)
            np.testing.assert_array_equal(order // batch_size, starts)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 40),
    batch_size=st.integers(1, 12),
    shuffle=st.sampled_from([False, True, "batch"]),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
)
def test_order_and_values_do_not_depend_on_where_the_rows_are(n, batch_size, shuffle, kind, seed):
    x = numbered(n)

    def read(source):
        cut = batches(source, batch_size=batch_size, shuffle=shuffle, rng=np.random.default_rng(seed))
        return [part for _ in range(2) for part, _, _ in cut.epoch()]

    for expected, got in zip(read(x), read(as_kind(x, kind)), strict=True):
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, expected)


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 30), batch_size=st.integers(1, 8), steps=st.integers(1, 12), epochs=st.integers(1, 5))
@pytest.mark.filterwarnings("ignore:The data ran out")
def test_with_steps_an_epoch_goes_on_where_the_last_one_stopped(n, batch_size, steps, epochs):
    cut = batches(np.arange(n), batch_size=batch_size, steps=steps)
    whole = [list(range(i, min(i + batch_size, n))) for i in range(0, n, batch_size)]
    at = 0
    for _ in range(epochs):
        got = [x.tolist() for x, _, _ in cut.epoch()]
        assert got == whole[at : at + steps]
        at += steps
        if at >= len(whole):  # the pass ended in this epoch, or with it
            at = 0
    cut.reset()
    assert [x.tolist() for x, _, _ in cut.epoch()] == whole[:steps]


def test_too_many_steps_warn_once():
    cut = batches(np.arange(10), batch_size=4, steps=5)
    with pytest.warns(UserWarning, match=r"ran out: an epoch of 5 steps got 3"):
        assert len(list(cut.epoch())) == 3
    assert len(list(cut.epoch())) == 3


@pytest.mark.parametrize(("n", "steps", "size"), [(10, 3, 4), (10, 10, 1), (10, 1, 10)])
def test_steps_alone_set_the_batch_size(n, steps, size):
    cut = batches(np.arange(n), steps=steps)
    assert (cut.batch_size, cut.steps) == (size, steps)


def test_default_batch_size_is_32():
    assert batches(np.arange(65)).batch_size == 32


def test_peek_uses_nothing_up():
    cut = batches(np.arange(10), batch_size=4, shuffle=True, rng=np.random.default_rng(0))
    first = cut.peek()[0]
    assert cut.peek()[0] is first
    order = all_rows([x for x, _, _ in cut.epoch()])
    assert sorted(order) == list(range(10))
    np.testing.assert_array_equal(order[:4], first)


def test_each_epoch_is_shuffled_anew_and_by_the_seed_alone():
    def orders(seed):
        cut = batches(np.arange(50), batch_size=7, shuffle=True, rng=np.random.default_rng(seed))
        return [all_rows([x for x, _, _ in cut.epoch()]).tolist() for _ in range(2)]

    first, second = orders(3)
    assert first != second
    assert orders(3) == [first, second]
    assert orders(4) != [first, second]


def test_an_epoch_left_early_begins_anew():
    cut = batches(np.arange(10), batch_size=4)
    for _ in cut.epoch():
        break
    assert all_rows([x for x, _, _ in cut.epoch()]).tolist() == list(range(10))


def test_ranges_of_arrays_in_memory_are_views():
    x = numbered(10)
    assert all(np.shares_memory(part, x) for part, _, _ in batches(x, batch_size=3).epoch())
    (head, _, _), (tail, _, _) = split(x, validation_split=0.3)
    assert np.shares_memory(head, x) and np.shares_memory(tail, x)


def test_stored_rows_are_read_once_and_a_batch_at_a_time():
    for shuffle in (False, True, "batch"):
        stored = Stored(numbered(100))
        cut = batches(stored, batch_size=8, shuffle=shuffle)
        list(cut.epoch())
        assert max(stored.reads) <= 8 and sum(stored.reads) == 100


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("store", ["memmap", "memmap-fortran", "memmap-big-endian", "hdf5", "hdf5-chunked"])
def test_files_are_never_loaded_whole(tmp_path, store, shuffle):
    import h5py

    n, width = 4000, 500  # 8 MB
    x = np.random.default_rng(0).random((n, width), dtype=np.float32)
    if store.startswith("memmap"):
        dtype = ">f4" if store.endswith("endian") else "<f4"
        order = "F" if store.endswith("fortran") else "C"
        written = np.memmap(tmp_path / "x", dtype, "w+", shape=x.shape, order=order)
        written[:] = x
        written.flush()
        source = np.memmap(tmp_path / "x", dtype, "r", shape=x.shape, order=order)
        file = None
    else:
        with h5py.File(tmp_path / "x.h5", "w") as writer:
            writer.create_dataset("x", data=x, chunks=(50, width) if store.endswith("chunked") else None)
        file = h5py.File(tmp_path / "x.h5", "r")
        source = file["x"]
    try:
        (head, _, _), (tail, _, _) = split(source, validation_split=0.25)
        assert len(head) == 3000 and len(tail) == 1000
        assert all(isinstance(part, Rows) == (file is not None) for part in (head, tail))
        expected = batches(x[:3000], batch_size=32, shuffle=shuffle, rng=np.random.default_rng(1))
        tracemalloc.start()
        cut = batches(head, batch_size=32, shuffle=shuffle, rng=np.random.default_rng(1))
        for (got, _, _), (wanted, _, _) in zip(cut.epoch(), expected.epoch(), strict=True):
            np.testing.assert_array_equal(got, wanted)
        for i, (got, _, _) in enumerate(batches(tail, batch_size=100).epoch()):
            np.testing.assert_array_equal(got, x[3000 + 100 * i : 3100 + 100 * i])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < x.nbytes / 4
    finally:
        if file is not None:
            file.close()


def test_a_closed_file_is_an_error(tmp_path):
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        x = file.create_dataset("x", data=numbered(3))
        with pytest.raises(TypeError, match=r"x: got a File.*one of the arrays in it"):
            batches(file)
    with pytest.raises(ValueError, match="Is its file closed"):
        batches(x)


# ---- rows of a stored array ----


@settings(max_examples=100, deadline=None)
@given(data=st.data(), n=st.integers(1, 30))
def test_rows_read_like_the_array_they_are_a_range_of(data, n):
    start = data.draw(st.integers(0, n))
    stop = data.draw(st.integers(start, n))
    x = numbered(n)
    rows, wanted = Rows(Stored(x), start, stop), x[start:stop]
    assert (len(rows), rows.shape, rows.ndim, rows.dtype) == (len(wanted), wanted.shape, 2, wanted.dtype)
    a, b = data.draw(st.integers(-n, n)), data.draw(st.integers(-n, n + 2))
    np.testing.assert_array_equal(rows[a:b], wanted[a:b])
    order = data.draw(st.permutations(range(len(wanted))))
    order = np.array(order[: data.draw(st.integers(0, len(wanted)))], dtype=int)
    np.testing.assert_array_equal(rows[order], wanted[order])
    np.testing.assert_array_equal(np.asarray(rows), wanted)
    with pytest.raises(IndexError, match="step of 2"):
        rows[::2]


# ---- split ----


@settings(max_examples=100, deadline=None)
@given(n=st.integers(2, 60), fraction=st.floats(0.01, 0.99))
def test_split_takes_the_last_rows(n, fraction):
    at = math.floor(n * (1 - fraction))
    x = np.arange(n)
    if not 0 < at < n:
        with pytest.raises(ValueError, match=r"expected at least one each"):
            split(x, validation_split=fraction)
        return
    (head, y, w), (tail, y_val, w_val) = split(x, [x, {"b": x}], x / 2, fraction)
    assert head.tolist() == list(range(at)) and tail.tolist() == list(range(at, n))
    assert y[1]["b"].tolist() == y[0].tolist() == (w * 2).tolist() == head.tolist()
    assert y_val[1]["b"].tolist() == y_val[0].tolist() == (w_val * 2).tolist() == tail.tolist()


@pytest.mark.parametrize(
    ("fraction", "at"), [(np.float32(0.3), 7), (0.3, 7), (np.float64(0.7), 3), (np.float32(0.7), 3)]
)
def test_split_rounds_in_the_precision_of_the_fraction(fraction, at):
    assert len(split(np.arange(10), validation_split=fraction)[0][0]) == at


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 1.5, float("nan"), "half", None])
def test_split_refuses_what_is_no_fraction(fraction):
    with pytest.raises(ValueError, match=r"validation_split: got .*between 0 and 1"):
        split(np.arange(4), validation_split=fraction)


def test_split_refuses_streams():
    with pytest.raises(ValueError, match=r"validation_split: works for arrays.*generator.*validation_data"):
        split((x for x in [1]), validation_split=0.5)


def labels(form, numbers):
    numbers = np.asarray(numbers)
    return {
        "integer": numbers,
        "column": numbers[:, None],
        "one-hot": np.eye(5, dtype="float32")[numbers],
        "stored": Stored(numbers),
    }[form]


@pytest.mark.parametrize("form", ["integer", "column", "one-hot", "stored"])
def test_split_of_sorted_labels_warns(form):
    with pytest.warns(UserWarning) as seen:
        split(np.arange(10), labels(form, [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]), validation_split=0.2)
    assert [str(w.message).split(" of the 4 ")[0].rpartition("and ")[2] for w in seen] == [
        "class(es) 0, 1, 2",
        "class(es) 3",
    ]


def test_split_of_sorted_binary_floats_warns():
    with pytest.warns(UserWarning, match=r"class\(es\) 0 of the 2 in y do not occur in the validation part"):
        split(np.arange(4), np.array([0.0, 1, 1, 1]), validation_split=0.5)


@pytest.mark.parametrize(
    "y",
    [
        np.arange(10) % 2,
        np.arange(10) / 10,  # regression
        np.linspace(0, 1, 30).reshape(10, 3),
        np.eye(10)[:, :1] * 0.5,
        np.ones((10, 4)),  # several labels a row
        np.arange(40).reshape(10, 2, 2),
        None,
    ],
)
def test_split_of_other_targets_does_not_warn(y):
    split(np.arange(10), y, validation_split=0.2)


def test_split_can_be_told_that_whole_numbers_are_no_labels():
    split(np.arange(10), np.arange(10), validation_split=0.2, classes=False)


# ---- what counts as an array ----


def test_lists_of_numbers_are_one_array():
    x, y, w = batches([[1, 2], [3, 4]], (0, 1), [1.0, 2.0]).peek()
    assert x.tolist() == [[1, 2], [3, 4]] and y.tolist() == [0, 1] and w.tolist() == [1, 2]


def test_lists_of_numpy_scalars_are_one_array():
    assert batches([np.float32(1), np.float32(2)]).peek()[0].tolist() == [1, 2]


def test_lists_and_tuples_of_arrays_are_several_inputs():
    x, y, _ = batches((numbered(4), np.arange(4)), [None, np.arange(4)]).peek()
    assert isinstance(x, list) and x[0].shape == (4, 3) and x[1].shape == (4,)
    assert y[0] is None and y[1].tolist() == [0, 1, 2, 3]


def test_dtypes_are_left_alone():
    for dtype in ("uint8", "float16", "float64", "bool", ">f4", "int32"):
        assert batches(np.zeros(3, dtype)).peek()[0].dtype == np.dtype(dtype)


def test_pandas_frames_and_series():
    import pandas as pd

    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": [1, 2, 3], "c": [True, False, True]}, index=[7, 3, 5])
    cut = batches(frame, frame["b"], frame["a"], batch_size=2)
    (x, y, w), (x_last, _, _) = cut.epoch()
    assert x.tolist() == [[1.5, 1, 1], [2.5, 2, 0]] and x_last.tolist() == [[3.5, 3, 1]]
    assert y.tolist() == [[1], [2]] and y.dtype.kind == "i"  # a column by itself, as Keras takes it
    assert w.tolist() == [1.5, 2.5]
    (x, _, _), (x_val, _, _) = split(frame, validation_split=0.3)
    assert x.shape == (2, 3) and x_val.shape == (1, 3)


def test_pandas_nullable_numbers():
    import pandas as pd

    x = batches(pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [0.5, 1.5]})).peek()[0]
    np.testing.assert_array_equal(x, [[1, 0.5], [np.nan, 1.5]])
    y = batches([[1], [2]], pd.Series([3, 4], dtype="Int64")).peek()[1]
    assert y.dtype.kind == "i" and y.tolist() == [[3], [4]]


def test_pandas_text_is_an_error_that_names_the_column():
    import pandas as pd

    frame = pd.DataFrame({"age": [1, 2], "city": ["Rome", "Oslo"], "kind": pd.Categorical(["a", "b"])})
    with pytest.raises(TypeError, match=r"x: column\(s\) 'city'.*'kind'.*get_dummies") as error:
        batches(frame)
    assert "'age'" not in str(error.value)
    with pytest.raises(TypeError, match=r"y: got a Series of (object|str).*cat\.codes"):
        batches(frame[["age"]], frame["city"])


def test_other_libraries_arrays_are_taken_as_they_convert():
    class Tensor:
        shape = (2, 2)
        dtype = "some.float32"  # as of a library that is not NumPy

        def __getitem__(self, rows):
            raise AssertionError("in memory: to be converted once")

        def __array__(self, dtype=None, copy=None):
            return np.ones((2, 2), "float32")

    assert batches(Tensor()).peek()[0].tolist() == [[1, 1], [1, 1]]


def test_nothing_heavy_is_imported():
    code = (
        "import sys, nnlite.training.data, nnlite.training.callbacks\n"
        "print([m for m in ('pandas', 'h5py', 'scipy', 'tqdm') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


# ---- errors ----


def sparse():
    class csr_matrix:  # noqa: N801
        shape = (3, 3)
        dtype = np.dtype(float)

        def tocsr(self):
            return self

    return csr_matrix()


X = np.zeros((4, 2))

ERRORS = {
    "lengths": (lambda: batches(X, X[:3], X[:, 0]), ValueError, r"x: 4, y: 3, sample_weight: 4.*one row of y"),
    "lengths in a dict": (lambda: batches({"a": X, "b": X[:1]}), ValueError, r"x\['a'\]: 4, x\['b'\]: 1"),
    "weights": (lambda: batches(X, X, np.ones(5)), ValueError, r"x: 4, y: 4, sample_weight: 5"),
    "a list of samples": (lambda: batches([np.ones(2)] * 4, np.ones(4)), ValueError, r"4 inputs;.*np\.stack\(x\)"),
    "empty": (lambda: batches(X[:0], X[:0]), ValueError, r"empty data set \(0 rows\)"),
    "empty list": (lambda: batches([]), ValueError, r"empty data set"),
    "empty dict": (lambda: batches({}), ValueError, r"x: got \{\}, expected at least one array"),
    "nothing": (lambda: batches(None), TypeError, r"x: got None"),
    "a number": (lambda: batches(3.0), ValueError, r"x: got 3\.0.*at least one axis"),
    "a scalar array": (lambda: batches(np.array(3.0)), ValueError, r"at least one axis"),
    "an object": (lambda: batches(object()), TypeError, r"x: got a object.*iterable of batches"),
    "text": (lambda: batches("data.csv"), TypeError, r"x: got 'data\.csv'"),
    "text labels": (lambda: batches(X, ["a", "b", "c", "d"]), TypeError, r"y: .*<U1.*label numbers"),
    "objects": (lambda: batches(np.array([[1], [1, 2]], dtype=object)), TypeError, r"object.*np\.stack"),
    "ragged": (lambda: batches([[1], [1, 2]]), ValueError, r"x: cannot make one array.*padded"),
    "complex": (lambda: batches(X * 1j), TypeError, r"x: got an array of dtype complex128"),
    "times": (lambda: batches(np.zeros(3, "M8[s]")), TypeError, r"datetime64.*seconds"),
    "records": (lambda: batches(np.zeros(3, [("a", "f4")])), TypeError, r"expected numbers"),
    "masked": (lambda: batches(np.ma.masked_less(X, 1)), TypeError, r"x: got a masked array.*filled"),
    "sparse": (lambda: batches(sparse()), TypeError, r"x: got a sparse matrix.*toarray"),
    "stored text": (lambda: batches(Stored(np.array(["a", "b"]))), TypeError, r"x: got an array of dtype <U1"),
    "batch size 0": (lambda: batches(X, batch_size=0), ValueError, r"batch_size: got 0.*at least 1"),
    "batch size -1": (lambda: batches(X, batch_size=-1), ValueError, r"batch_size: got -1"),
    "batch size 2.5": (lambda: batches(X, batch_size=2.5), ValueError, r"batch_size: got 2\.5"),
    "batch size True": (lambda: batches(X, batch_size=True), ValueError, r"batch_size: got True"),
    "steps": (lambda: batches(X, steps=0), ValueError, r"steps: got 0"),
    "shuffle": (lambda: batches(X, shuffle="rows"), ValueError, r"shuffle: got 'rows'"),
    "NaN weights": (lambda: batches(X, X, np.array([1, 2, np.nan, 4])), ValueError, r"sample_weight: got nan in row 2"),
    "class weight list": (lambda: batches(X, X, class_weight=[1, 2]), ValueError, r"dict\(enumerate\(class_weight\)\)"),
    "balanced": (lambda: batches(X, X, class_weight="balanced"), ValueError, r"n_rows / \(n_classes \* count\)"),
    "class weight names": (lambda: batches(X, X, class_weight={"cat": 1.0}), ValueError, r"key 'cat'.*class numbers"),
    "class weight NaN": (lambda: batches(X, X, class_weight={0: np.nan}), ValueError, r"nan for class 0"),
    "class weight text": (lambda: batches(X, X, class_weight={0: "2x"}), ValueError, r"'2x' for class 0"),
    "class weight twice": (lambda: batches(X, X, X, class_weight={0: 1}), ValueError, r"cannot both be given"),
    "class weight, no y": (lambda: batches(X, class_weight={0: 1}), ValueError, r"needs targets"),
    "class weight, two y": (
        lambda: batches(X, [X, X], class_weight={0: 1}),
        ValueError,
        r"one array of targets, got 2",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_name_the_argument_and_what_came(case):
    call, kind, message = ERRORS[case]
    with pytest.raises(kind, match=message):
        call()


# ---- class weights ----


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([0, 1, 2, 7], [0.5, 1, 3, 1]),
        ([[0], [1], [2], [7]], [0.5, 1, 3, 1]),
        ([0.0, 1.0, 2.0, 7.0], [0.5, 1, 3, 1]),
        (np.eye(3)[[2, 0, 1]], [3, 0.5, 1]),
        (np.array([True, False]), [1, 0.5]),
    ],
)
def test_class_weights_become_row_weights(y, expected):
    y = np.asarray(y)
    _, _, w = batches(np.arange(len(y)), y, class_weight={2: 3, np.int64(0): 0.5}).peek()
    assert w.dtype == np.float32 and w.tolist() == expected
    assert batches(np.arange(len(y)), y, class_weight={}).peek()[2].tolist() == [1] * len(y)
