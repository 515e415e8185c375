"""pad_sequences, windows on time series, split_dataset, normalize, clear_session."""

import numpy as np
import pytest

import nnlite as keras
from nnlite.utils import (
    PyDataset,
    clear_session,
    normalize,
    pad_sequences,
    split_dataset,
    timeseries_dataset_from_array,
)

# ---- pad_sequences: the expected rows are those of Keras ----


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6], [0, 0, 0]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6], [0, 0]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5], [0, 0]]),
        ({"maxlen": 4, "padding": "post", "value": 9}, [[1, 9, 9, 9], [2, 3, 9, 9], [4, 5, 6, 9], [9, 9, 9, 9]]),
        ({"maxlen": 0}, [[], [], [], []]),
    ],
)
def test_padding(options, expected):
    found = pad_sequences([[1], [2, 3], np.array([4, 5, 6]), []], **options)
    assert found.dtype == np.int32 and found.tolist() == expected


def test_padding_of_vectors_fractions_and_texts():
    rows = pad_sequences([np.ones((2, 3)), np.ones((1, 3)), []], dtype="float64", value=-0.5)
    assert rows.shape == (3, 2, 3) and rows[1, 0].tolist() == [-0.5] * 3 and rows[2, 1].tolist() == [-0.5] * 3
    assert pad_sequences([[1.7]]).tolist() == [[1]]
    assert pad_sequences([["a"], ["b", "c"]], dtype=object, value="-").tolist() == [["-", "a"], ["b", "c"]]
    assert pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pad_sequences([[1]], padding="left"), "padding must be 'pre' or 'post', got 'left'"),
        (lambda: pad_sequences([[1]], truncating="past"), r"truncating .* got 'past'\. Did you mean 'post'"),
        (lambda: pad_sequences([[1]], maxlen=-1), "maxlen must be"),
        (lambda: pad_sequences([1, 2]), r"sequences\[0\] must be a sequence, got 1"),
        (lambda: pad_sequences(3), "must be a list of sequences"),
        (lambda: pad_sequences([[1]], value="x"), "dtype=object"),
        (lambda: pad_sequences([np.ones((1, 2)), np.ones((1, 3))]), r"sequences\[1\] have shape \(3,\)"),
    ],
)
def test_what_cannot_be_padded(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- windows ----


def test_windows_and_targets():
    data = np.arange(20).reshape(10, 2)
    windows = timeseries_dataset_from_array(
        data, np.arange(10), 3, sequence_stride=2, sampling_rate=2, batch_size=2, start_index=1, end_index=9
    )
    batches = list(windows)
    assert len(windows) == len(batches) == 1
    x, y = batches[0]  # starts 1 and 3: the last window must end before 9
    assert x[:, :, 0].tolist() == [[2, 6, 10], [6, 10, 14]] and y.tolist() == [1, 3]


def test_windows_alone_one_by_one_and_with_few_targets():
    assert [x.tolist() for x in timeseries_dataset_from_array(np.arange(4), None, 3, batch_size=None)] == [
        [0, 1, 2],
        [1, 2, 3],
    ]
    windows = timeseries_dataset_from_array(np.arange(9), np.arange(2), 3)
    assert [(x.tolist(), y.tolist()) for x, y in windows] == [([[0, 1, 2], [1, 2, 3]], [0, 1])]


def test_shuffled_windows_keep_their_targets_and_repeat_by_seed():
    def epoch(dataset):
        return np.concatenate([y for _, y in dataset])

    a, b = (
        timeseries_dataset_from_array(np.arange(50), np.arange(50), 4, batch_size=8, shuffle=True, seed=3) for _ in "ab"
    )
    first = epoch(a)
    np.testing.assert_array_equal(first, epoch(b))
    assert sorted(first) == list(range(47)) and first.tolist() != sorted(first)
    for x, y in a:
        np.testing.assert_array_equal(x[:, 0], y)
    a.on_epoch_end()
    assert sorted(epoch(a)) == sorted(first) and epoch(a).tolist() != first.tolist()


def test_fit_takes_windows_in_their_order():
    seen = []

    class Look(keras.layers.Layer):
        def forward(self, x, training=False):
            seen.append(x[0, 0])
            return x, None

        def backward(self, dy, cache):
            return dy

    model = keras.Sequential([Look(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    windows = timeseries_dataset_from_array(np.arange(12.0), np.arange(12.0) / 12, 2, batch_size=4)
    model.build((None, 2))
    seen.clear()
    model.fit(windows, verbose=0)
    assert seen[-3:] == [0.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sequence_length": 0}, "sequence_length must be"),
        ({"sequence_length": 2, "sequence_stride": 1.5}, "sequence_stride must be"),
        ({"sequence_length": 2, "batch_size": 0}, "batch_size must be"),
        ({"sequence_length": 11}, "no window of 11 steps .* fits into 10 steps"),
        ({"sequence_length": 4, "sampling_rate": 4}, "no window"),
        ({"sequence_length": 2, "start_index": 5, "end_index": 5}, "must mark a part of the 10 steps"),
        ({"sequence_length": 2, "end_index": 11}, "must mark a part of the 10 steps"),
    ],
)
def test_windows_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        timeseries_dataset_from_array(np.arange(10), None, **options)


# ---- split_dataset ----


@pytest.mark.parametrize(
    ("left", "right", "sizes"),
    [(0.8, None, (8, 2)), (None, 3, (7, 3)), (2, 0.5, (2, 5)), (0.25, 0.75, (2, 8)), (9, 1, (9, 1))],
)
def test_sizes_of_parts(left, right, sizes):
    a, b = split_dataset(np.arange(10), left, right)
    assert (a.num_samples, b.num_samples) == sizes
    assert a[0].tolist() == list(range(sizes[0])) and b[0].tolist() == list(range(sizes[0], sum(sizes)))


def test_parts_of_arrays_and_data_sets():
    x, y = np.arange(10), np.arange(10) * 2
    left, right = split_dataset({"x": x, "y": y}, left_size=7, shuffle=True, seed=1)
    rows = np.concatenate([left[0]["x"], right[0]["x"]])
    assert sorted(rows) == list(range(10)) and rows.tolist() != sorted(rows)
    np.testing.assert_array_equal(left[0]["y"], 2 * left[0]["x"])
    assert [len(batch[0]) for batch in split_dataset((x, y), 7)[0].batch(3)] == [3, 3, 1]

    class Batches(PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return np.full((2, 1), index), np.full((2, 1), index)

    left, right = split_dataset(Batches(), right_size=0.4)
    assert [batch[0][0, 0] for batch in left] == [0, 1, 2] and [batch[0][0, 0] for batch in right] == [3, 4]
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(left, validation_data=right, verbose=0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: split_dataset(np.arange(10)), ValueError, "give left_size or right_size"),
        (lambda: split_dataset(np.arange(10), 10), ValueError, "left_size got 10, expected a whole number from 1 to 9"),
        (lambda: split_dataset(np.arange(10), 1.0), ValueError, "left_size got 1.0"),
        (lambda: split_dataset(np.arange(10), 6, 6), ValueError, "10 cannot be cut into 6 and 6"),
        (lambda: split_dataset(np.arange(10), 0.01), ValueError, "cannot be cut into 0 and 10"),
        (lambda: split_dataset((np.arange(3), np.arange(4)), 1), ValueError, r"as many rows, got \[3, 4\]"),
        (lambda: split_dataset("abc", 1), TypeError, "got a str"),
    ],
)
def test_what_cannot_be_split(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- the rest ----


def test_normalize():
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(normalize(x), [[0.6, 0.8], [0, 0]])
    np.testing.assert_allclose(normalize(x, axis=0), [[1, 1], [0, 0]])
    np.testing.assert_allclose(normalize(x, order=1), [[3 / 7, 4 / 7], [0, 0]])
    np.testing.assert_allclose(normalize([3, 4]), [0.6, 0.8])
    assert normalize(np.ones((2, 3, 4)), axis=1).shape == (2, 3, 4)
    with pytest.raises(ValueError, match="axis 2 does not exist"):
        normalize(x, axis=2)


def test_clear_session_counts_names_anew():
    keras.layers.Dense(1)
    clear_session()
    assert keras.layers.Dense(1).name == "dense"


def test_packing():
    assert keras.utils.pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    assert keras.utils.unpack_x_y_sample_weight(keras.utils.pack_x_y_sample_weight([1, 2])) == ([1, 2], None, None)
