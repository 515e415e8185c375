from __future__ import annotations

import copy
import gc
import pickle
import threading

import numpy as np
import pytest

from nnlite.kernels import memory


@pytest.fixture(autouse=True)
def nothing_kept():
    gc.collect()
    memory._returned.clear()
    memory._free.clear()
    memory._kept = memory._used = memory._most = 0


def address(a):
    return a.__array_interface__["data"][0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bool"])
@pytest.mark.parametrize("shape", [(), (0, 4), (3, 5), (70000,), (8, 100, 333)])
def test_shape_dtype_order_and_alignment(shape, dtype):
    a = memory.empty(shape, dtype)
    assert a.shape == shape and a.dtype == dtype and a.flags.c_contiguous and a.flags.writeable
    if a.nbytes >= memory.SMALLEST:
        assert address(a) % memory.ALIGNED == 0


def test_memory_is_used_again_only_when_the_last_view_is_gone():
    a = memory.empty((300, 300), "float32")
    place = address(a)
    view = a[10:20].T
    del a
    view[...] = 7
    other = memory.empty((300, 300), "float32")
    assert not np.shares_memory(other, view)
    other[...] = 1
    assert (view == 7).all()
    del view
    assert address(memory.empty((90000,), "int32")) == place


def test_another_size_gets_other_memory():
    a = memory.empty((300, 300), "float32")
    place = address(a)
    del a
    assert address(memory.empty((300, 301), "float32")) != place


def kept():
    found = sum(one.nbytes for same in memory._free.values() for one in same)
    assert found == memory._kept
    return found // memory.SMALLEST


def blocks(*sizes):
    return [memory.empty((size * memory.SMALLEST,), "uint8") for size in sizes]


def test_a_step_finds_all_the_memory_of_the_one_before(monkeypatch):
    monkeypatch.setattr(memory, "KEPT", 3 * memory.SMALLEST)
    places = []
    for _ in range(3):
        with memory.step():
            arrays = blocks(*[1] * 8)
            places.append(sorted(map(address, arrays)))
            del arrays
    assert places[0] == places[1] == places[2]
    blocks(1)  # outside of training
    assert kept() <= 3


def test_kept_memory_is_limited(monkeypatch):
    monkeypatch.setattr(memory, "KEPT", 3 * memory.SMALLEST)
    for size in range(2, 40):  # never the same again: two of each in use at once
        with memory.step():
            arrays = blocks(size, size)
            assert kept() <= 3 + memory._most // memory.SMALLEST - 2 * size
            del arrays
    assert memory._most == 2 * 39 * memory.SMALLEST
    for size in range(2, 40):
        arrays = blocks(size, size)
        assert kept() <= 3
        del arrays


def test_memory_goes_back_after_a_training(monkeypatch):
    monkeypatch.setattr(memory, "KEPT", 3 * memory.SMALLEST)
    still = blocks(2)
    with memory.training():
        arrays = blocks(*[1] * 8)
        del arrays
        blocks(1)
        assert kept() == 7
    assert kept() == 3 and memory._used == memory._most == 2 * memory.SMALLEST
    with pytest.raises(ZeroDivisionError), memory.training():
        arrays = blocks(4, 4)
        del arrays
        1 / 0  # noqa: B018
    assert kept() <= 3
    del still


def test_copies_do_not_depend_on_recycled_memory():
    a = memory.empty((300, 300), "float32")
    a[...] = 3
    copies = [copy.deepcopy(a), pickle.loads(pickle.dumps(a)), a.copy(), np.array(a)]
    del a
    memory.empty((300, 300), "float32")[...] = 5
    assert all((one == 3).all() for one in copies)


def test_many_threads():
    wrong = []

    def work(number):
        held = []
        for i in range(200):
            a = memory.empty((memory.SMALLEST + i % 3,), "uint8")
            a[...] = number
            held.append(a)
            if len(held) > 4:
                first = held.pop(0)
                if not (first == number).all():
                    wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_scratch_is_used_again_and_no_more_of_it_kept_than_said():
    a, b = memory.scratch((3, 5), "float32", 2)
    assert a.shape == b.shape == (3, 5) and not np.shares_memory(a, b)
    again, _ = memory.scratch((3, 5), "float32", 2)
    assert address(again) == address(a)
    large = memory.scratch((memory.LARGEST_SCRATCH,), "uint8", 1)[0]
    assert not np.shares_memory(large, memory.scratch((memory.LARGEST_SCRATCH,), "uint8", 1)[0])
    assert memory._scratch.memory.nbytes <= memory.LARGEST_SCRATCH
    assert memory.scratch((0, 4), "float64", 1)[0].shape == (0, 4) and memory.scratch((), "float64", 1)[0].shape == ()
