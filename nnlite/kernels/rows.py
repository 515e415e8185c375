"""Sums of rows that belong together: the gradient of looking rows up in a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Elements of rows, and indices for each row of the table, from which on SciPy's loop over all of the table takes less
# than sorting: a gradient, of 8,192 rows of 16 numbers and a table of 10,000, takes 0.24 ms and 0.55; of 16,000
# of 128 and a table of 20,000 2.6 and 5.9; of 640 of 64 and a table of 50,000 1.6 and 0.2.
WORTH_TABLE, INDICES = 16384, 0.25


def sum_rows(indices: Array, rows: Array) -> tuple[Array, Array]:
    """Return the different ``indices`` in ascending order, and for each of them the sum of its ``rows``.

    ``sums[j] = sum of rows[i] over all i with indices[i] == touched[j]``. Equal indices are brought together by
    sorting, and their rows added in pairs, pairs of pairs and so on: as many steps as the binary digits of the largest
    number of equal ones, each of them one operation on all, and rounding errors grow with their logarithm only.

    Args:
        indices: whole numbers from 0, (K,).
        rows: (K, ...).

    >>> touched, sums = sum_rows(np.array([4, 1, 4]), np.array([[1.0], [2.0], [3.0]]))
    >>> touched.tolist(), sums.tolist()
    ([1, 4], [[2.0], [4.0]])
    """
    count = len(indices)
    order = _sorting(indices)
    ordered = np.take(indices, order)
    begins = np.ones(count, bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    starts = np.flatnonzero(begins)
    touched = ordered[starts]
    sums = np.take(rows, order, axis=0)
    if len(starts) == count:
        return touched, sums
    # Its number among its equals: a row whose number is an odd multiple of 2**n is added, in step n, to the one 2**n
    # before it.
    number = np.arange(count) - np.repeat(starts, np.diff(starts, append=count))
    left, distance = np.flatnonzero(number), 1
    while len(left):
        odd = number[left] & distance != 0
        later = left[odd]
        sums[later - distance] = np.take(sums, later - distance, axis=0) + np.take(sums, later, axis=0)
        left, distance = left[~odd], 2 * distance
    return touched, np.take(sums, starts, axis=0)


def sums_of_all(indices: Array, rows: Array, count: int) -> Array | None:
    """Return for each index below ``count`` the sum of its ``rows``, zeros where it has none, (count, ...); None where
    :func:`sum_rows` is the better choice, or the only one.

    That is the product with a sparse matrix of a 1 in each column, in the row of its index. Rows of equal indices are
    added one after the other.

    >>> sums_of_all(np.zeros(20_000, int), np.ones((20_000, 1)), 2).tolist()
    [[20000.0], [0.0]]
    >>> sums_of_all(np.zeros(1, int), np.ones((1, 1)), 2)
    """
    few = rows.size < WORTH_TABLE or len(indices) < INDICES * count
    if few or max(len(indices), count) > 2**30 or rows.dtype not in (np.float32, np.float64):
        return None
    try:
        from scipy.sparse import csc_matrix
    except ImportError:
        return None
    columns = np.arange(len(indices) + 1, dtype=np.int32)
    ones = np.ones(len(indices), rows.dtype)
    matrix = csc_matrix((ones, indices.astype(np.int32), columns), shape=(count, len(indices)))
    sums: Array = matrix @ rows.reshape(len(indices), -1)
    return sums.reshape(count, *rows.shape[1:])


def _sorting(indices: Array) -> Array:
    """Return the places of whole numbers from 0 in ascending order, those of equal ones in their own.

    Sixteen binary digits at a time, the lowest first: NumPy counts such numbers out, which of 6,400 numbers takes 0.06
    ms and otherwise 0.4.
    """
    order = np.argsort(indices.astype(np.uint16), kind="stable")
    left = int(indices.max(initial=0)) >> 16
    shift = 16
    while left:
        order = order[np.argsort((indices[order] >> shift).astype(np.uint16), kind="stable")]
        left, shift = left >> 16, shift + 16
    return order
