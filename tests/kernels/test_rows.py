import sys

import numpy as np
import pytest

from nnlite.kernels import rows as kernels
from nnlite.kernels.rows import sum_rows, sums_of_all


def naive(indices, rows):
    sums = {}
    for index, row in zip(indices.tolist(), rows, strict=True):
        sums[index] = sums.get(index, 0) + row
    return sorted(sums), [sums[index] for index in sorted(sums)]


@pytest.mark.parametrize(("count", "high"), [(1, 5), (40, 1), (40, 3), (1000, 7), (300, 10**9), (50, 2**40), (17, 16)])
@pytest.mark.parametrize("shape", [(3,), (2, 2), ()])
def test_rows_of_equal_indices_are_summed(count, high, shape):
    rng = np.random.default_rng(count + high)
    indices, rows = rng.integers(0, high, count), rng.normal(size=(count, *shape))
    touched, sums = sum_rows(indices, rows)
    expected, values = naive(indices, rows)
    assert touched.tolist() == expected
    np.testing.assert_allclose(sums, values, rtol=1e-10, atol=1e-12)


def test_the_rows_given_stay_as_they_are_and_their_dtype():
    rows = np.ones((4, 2), "float32")
    rows.flags.writeable = False
    touched, sums = sum_rows(np.array([2, 2, 2, 0]), rows)
    assert sums.dtype == np.float32 and touched.tolist() == [0, 2] and sums.tolist() == [[1, 1], [3, 3]]


def test_many_equal_indices_are_summed_accurately():
    rows = np.full((100_000, 1), 0.1, "float32")
    _, sums = sum_rows(np.zeros(100_000, np.int64), rows)
    assert abs(sums[0, 0] / 10_000 - 1) < 1e-6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3,), (2, 2), ()])
def test_sums_of_all_rows_of_a_table(shape, dtype, monkeypatch):
    monkeypatch.setattr(kernels, "WORTH_TABLE", 0)
    rng = np.random.default_rng(0)
    indices, rows = rng.integers(0, 7, 50), rng.normal(size=(50, *shape)).astype(dtype)
    indices[indices == 5] = 0
    rows[3] = np.inf
    rows.flags.writeable = False
    sums = sums_of_all(indices, rows, 9)
    expected = np.zeros((9, *shape), dtype)
    np.add.at(expected, indices, rows)
    assert sums.dtype == dtype and sums.shape == (9, *shape) and not sums[[5, 7, 8]].any()
    np.testing.assert_allclose(sums, expected, rtol=1e-5)


def test_sums_of_few_rows_are_left_to_the_other_way(monkeypatch):
    indices, rows = np.zeros(50, int), np.ones((50, 400), "float32")
    assert sums_of_all(indices, rows, 201) is None and sums_of_all(indices, rows, 200) is not None
    assert sums_of_all(indices, rows[:, :10], 9) is None
    assert sums_of_all(indices, rows.astype("float16"), 9) is None
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    assert sums_of_all(indices, rows, 200) is None
