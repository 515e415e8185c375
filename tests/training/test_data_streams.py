"""Batches that come from iterables, generators and data sets."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.training.data import PyDataset, batches


def batch(i):
    return np.full((2, 1), float(i)), np.full(2, i)


def numbers(cut):
    return [int(x[0, 0]) for x, _, _ in cut.epoch()]


class Again:
    """An iterable that can be started again, like a data loader."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return (batch(i) for i in range(self.n))


class Numbers(PyDataset):
    def __init__(self, n=5, **kwargs):
        super().__init__(**kwargs)
        self.n = n
        self.calls = []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.calls.append(i)
        return batch(i)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


# ---- iterables ----


def test_a_generator_is_used_up_once():
    cut = batches(batch(i) for i in range(5))
    assert cut.steps is None and not cut.exhausted
    assert numbers(cut) == [0, 1, 2, 3, 4]
    assert cut.exhausted
    with pytest.warns(UserWarning, match=r"The data ran out"):
        assert cut.peek() is None
    assert numbers(cut) == []


def test_a_generator_goes_on_over_the_epochs_when_steps_are_given():
    cut = batches((batch(i) for i in range(5)), steps=2)
    assert cut.steps == 2
    assert numbers(cut) == [0, 1] and not cut.exhausted
    assert numbers(cut) == [2, 3] and not cut.exhausted
    with pytest.warns(UserWarning, match=r"an epoch of 2 steps got 1"):
        assert numbers(cut) == [4]
    assert cut.exhausted


def test_a_generator_is_not_asked_for_more_than_is_used():
    asked = []

    def generate():
        for i in range(100):
            asked.append(i)
            yield batch(i)

    cut = batches(generate(), steps=3)
    cut.peek()
    assert asked == [0]
    numbers(cut)
    assert asked == [0, 1, 2]
    cut.reset()  # an iterator cannot be started again: nothing is lost, nothing comes twice
    assert numbers(cut) == [3, 4, 5]


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 8), steps=st.none() | st.integers(1, 10), epochs=st.integers(1, 4))
@pytest.mark.filterwarnings("ignore:The data ran out")
def test_an_iterable_is_started_again(n, steps, epochs):
    cut = batches(Again(n), steps=steps)
    at = 0
    for _ in range(epochs):
        expected = list(range(n))[at : at + (steps or n)]
        assert numbers(cut) == expected
        at = 0 if at + (steps or n) >= n else at + steps
    assert not cut.exhausted
    assert cut.steps == (steps or n)


def test_errors_of_a_generator_are_its_own():
    def generate():
        yield batch(0)
        raise KeyError("lost file")

    with pytest.raises(KeyError, match="lost file"):
        numbers(batches(generate()))


@pytest.mark.parametrize(
    ("item", "shapes"),
    [
        (np.ones((2, 3)), [(2, 3), None, None]),
        ((np.ones((2, 3)),), [(2, 3), None, None]),
        ([np.ones((2, 3)), np.ones(2)], [(2, 3), (2,), None]),
        (([[1, 2, 3], [4, 5, 6]], [0, 1], [1.0, 1.0]), [(2, 3), (2,), (2,)]),
        ((np.ones((2, 3)), None), [(2, 3), None, None]),
    ],
)
def test_forms_of_a_batch(item, shapes):
    (parts,) = batches(iter([item])).epoch()
    assert [None if part is None else part.shape for part in parts] == shapes


def test_several_inputs_in_a_batch():
    x, y, _ = batches(iter([({"a": np.ones(2), "b": np.ones((2, 3))}, [np.ones(2), np.ones(2)])])).peek()
    assert x["b"].shape == (2, 3) and len(y) == 2


def test_class_weights_are_folded_in_batch_by_batch():
    (_, _, w), _ = batches(iter([(np.ones(2), np.array([0, 1])), batch(1)]), class_weight={1: 5.0}).epoch()
    assert w.tolist() == [1, 5]


@pytest.mark.parametrize(
    ("item", "kind", "message"),
    [
        ((), ValueError, r"Batch 1 of the data is a tuple of 0 parts"),
        ((1, 2, 3, 4), ValueError, r"a tuple of 4 parts, expected \(x,\), \(x, y\)"),
        (None, ValueError, r"Batch 1 of the data"),
        ((np.ones(3), np.ones(2)), ValueError, r"Batch 1 of the data: .*x: 3, y: 2"),
        ((np.ones(0), np.ones(0)), ValueError, r"Batch 1 of the data: .*0 rows"),
        ((np.ones(2), ["a", "b"]), TypeError, r"Batch 1 of the data: y: .*Text"),
    ],
)
def test_a_wrong_batch_is_named(item, kind, message):
    stream = batches(iter([batch(0), item])).epoch()
    next(stream)
    with pytest.raises(kind, match=message):
        next(stream)


def test_no_batch_at_all_is_an_error():
    for empty in (iter([]), Again(0)):
        with pytest.raises(ValueError, match=r"gave no batch at all"):
            numbers(batches(empty))


@pytest.mark.parametrize("x", [iter([]), Again(3), Numbers()])
def test_targets_belong_into_the_stream(x):
    with pytest.raises(ValueError, match=r"y: must be None where x is a"):
        batches(x, np.ones(3))
    with pytest.raises(ValueError, match=r"sample_weight: must be None where x is a"):
        batches(x, sample_weight=np.ones(3))


# ---- PyDataset ----


def test_a_data_set_is_asked_for_each_batch_once():
    data = Numbers()
    cut = batches(data)
    assert cut.steps == 5
    assert numbers(cut) == [0, 1, 2, 3, 4]
    assert data.calls == ["begin", 0, 1, 2, 3, 4, "end"]


def test_a_look_at_a_data_set_is_an_epoch_of_its_own_as_in_keras():
    data = Numbers()
    cut = batches(data, shuffle=True, rng=np.random.default_rng(0))
    assert cut.peek()[0].ravel()[0] == 0
    assert data.calls == ["begin", 0, "end"]
    assert sorted(numbers(cut)) == [0, 1, 2, 3, 4]


def test_a_data_set_is_shuffled_by_batches():
    cut = batches(Numbers(20), shuffle=True, rng=np.random.default_rng(0))
    first, second = numbers(cut), numbers(cut)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second != list(range(20))


def test_a_data_set_with_steps_goes_on_as_in_keras():
    cut = batches(Numbers(), steps=2)
    assert [numbers(cut), numbers(cut)] == [[0, 1], [2, 3]]
    with pytest.warns(UserWarning, match="ran out"):
        assert numbers(cut) == [4]
    assert numbers(cut) == [0, 1]


def test_a_data_set_may_change_its_length_between_epochs():
    data = Numbers(3)
    cut = batches(data)
    assert numbers(cut) == [0, 1, 2]
    data.n = 4
    assert numbers(cut) == [0, 1, 2, 3]
    assert cut.steps == 4


def test_a_data_set_without_end_needs_steps():
    class Endless(PyDataset):  # does not call super().__init__() either
        def __getitem__(self, i):
            return batch(i)

    assert Endless().num_batches is None
    cut = batches(Endless(), steps=3)
    assert [numbers(cut), numbers(cut)] == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match=r"Endless has no end.*give the steps"):
        batches(Endless())


def test_an_empty_data_set_is_an_error():
    with pytest.raises(ValueError, match=r"Numbers has 0 batches"):
        batches(Numbers(0))


def test_a_data_set_says_what_it_lacks():
    class Nothing(PyDataset):
        pass

    with pytest.raises(NotImplementedError, match=r"Nothing must define __getitem__"):
        Nothing()[0]
    with pytest.raises(NotImplementedError, match=r"Nothing must define __len__"):
        len(Nothing())
    with pytest.raises(ValueError, match=r"max_queue_size=0"):
        PyDataset(max_queue_size=0)


def test_workers_make_batches_ahead_in_order():
    together = threading.Barrier(2, timeout=30)

    class Paired(Numbers):
        def __getitem__(self, i):
            together.wait()  # two batches must be in the making at a time
            return batch(i)

    assert numbers(batches(Paired(20, workers=2, max_queue_size=6))) == list(range(20))


def test_workers_make_no_more_than_the_queue_holds():
    data = Numbers(100, workers=2, max_queue_size=3)
    cut = batches(data)
    for _ in cut.epoch():
        break
    time.sleep(0.02)
    cut.close()
    assert 1 <= len([call for call in data.calls if call != "begin"]) <= 1 + 3  # one is taken


def test_errors_of_workers_are_raised():
    class Broken(Numbers):
        def __getitem__(self, i):
            if i == 3:
                raise OSError("disk full")
            return batch(i)

    with pytest.raises(OSError, match="disk full"):
        numbers(batches(Broken(workers=2)))
