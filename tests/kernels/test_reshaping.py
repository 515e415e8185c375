from __future__ import annotations

import numpy as np
import pytest

from nnlite.kernels.reshaping import zero_padding_backward, zero_padding_forward


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4"])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (0, 3, 4, 1), (1, 1, 1, 1)])
def test_zeros_around_and_their_removal(shape, dtype):
    x = (np.arange(np.prod(shape)).reshape(shape) + 1).astype(dtype)
    pads = [(0, 0), (1, 2), (0, 3), (0, 0)]
    y = zero_padding_forward(x, pads)
    np.testing.assert_array_equal(y, np.pad(x, pads))
    assert y.dtype.isnative and y.dtype == np.dtype(dtype).newbyteorder("=")
    back = zero_padding_backward(y.astype(dtype), pads)
    np.testing.assert_array_equal(back, x)
    assert not np.shares_memory(back, y) and back.flags.c_contiguous


def test_no_padding_is_still_a_copy():
    x = np.ones((2, 3))
    y = zero_padding_forward(x, [(0, 0), (0, 0)])
    assert not np.shares_memory(x, y) and not np.shares_memory(zero_padding_backward(y, [(0, 0), (0, 0)]), y)
