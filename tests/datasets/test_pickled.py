"""The reader of pickles that runs nothing."""

import collections
import contextlib
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnlite.datasets.pickled import loads

scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text() | st.binary()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(value=values, protocol=st.integers(2, 5))
def test_plain_data_comes_back(value, protocol):
    found = loads(pickle.dumps(value, protocol))
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", ">i4", "int64", "float32", "bool", ">f8"])
def test_arrays_come_back(protocol, dtype):
    for array in (np.arange(6).reshape(2, 3), np.arange(0), np.asfortranarray(np.arange(6).reshape(3, 2))):
        array = array.astype(dtype)
        found = loads(pickle.dumps({"a": [array, array]}, protocol))["a"][1]
        assert found.dtype == array.dtype and found.shape == array.shape
        np.testing.assert_array_equal(found, array)


def test_the_form_of_python_2():
    """A dict with an array of bytes and a list, as CIFAR's batches are."""
    old = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b"
        b"\x87Rq\x05(K\x01K\x03K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U\x06abcdeftbU\x06labelsq\x08]q\x09(K\x06K\x09eu."
    )
    found = loads(old)
    assert found[b"labels"] == [6, 9] and found[b"data"].dtype == np.uint8
    np.testing.assert_array_equal(found[b"data"], np.frombuffer(b"abcdef", "uint8").reshape(3, 2))


class Any:
    pass


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(print), "asks for builtins.print"),
        (pickle.dumps(Any()), "asks for"),
        (pickle.dumps(collections.OrderedDict(a=1)), "asks for collections.OrderedDict"),
        (pickle.dumps({1, 2}), "instruction"),
        (pickle.dumps([1, 2])[:-1], "cut off"),
        (pickle.dumps("text")[:-4], "cut off"),
        (b"", "cut off"),
        (b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00echotR.", "asks for os.system"),
        (b"\x80\x02cnumpy\ndtype\n(X\x02\x00\x00\x00V9tR.", "dtype 'V9'"),
        (b"\x80\x02cnumpy\ndtype\n.", "no data"),
        (b"\x80\x02cnumpy\nndarray\n(K\x01tR.", "makes a call"),
        (b"\x80\x02K\x01K\x02.", "contradicts"),
        (b"\x80\x02h\x05.", "not kept"),
        (b"\x80\x02K\x01K\x01a.", "treats a int as a list"),
        (b"\x80\x02T\xff\xff\xff\xff.", "negative"),
        (b"\x80\x02}(]K\x01u.", "list as a key"),
        (b"\x80\x02\x82\x01.", "instruction"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "instruction"),
    ],
)
def test_everything_else_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        loads(content)


def test_a_list_in_itself_and_one_that_unfolds_without_end():
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="unfolds|contradicts"):
        loads(pickle.dumps(circle))
    inner = ["x"]
    for _ in range(60):
        inner = [inner, inner]
    with pytest.raises(ValueError, match="unfolds"):
        loads(pickle.dumps(inner))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_never_does_worse_than_a_value_error(data):
    content = bytearray(pickle.dumps({"a": np.arange(3), "b": [[1, 2, 300], "t"]}, 2))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        loads(bytes(content))
