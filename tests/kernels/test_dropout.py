"""Random masks, and dropout with one."""

import numpy as np
import pytest

from nnlite.kernels.dropout import dropout, random_mask


@pytest.mark.parametrize("rate", [1e-4, 0.1, 0.5, 0.93, 0.9999])
def test_fraction_and_independence(rate):
    mask = random_mask(np.random.default_rng(0), (500, 401), rate)
    assert mask.dtype == bool and mask.shape == (500, 401)
    spread = (rate * (1 - rate) / mask.size) ** 0.5
    assert abs(1 - mask.mean() - rate) < 4 * spread
    for lag in (1, 2, 4, 401):  # words of 64 random bits hold 2 or 4 numbers
        both = (~mask.ravel()[lag:] & ~mask.ravel()[:-lag]).mean()
        assert abs(both - rate**2) < 5 * (rate**2 * (1 - rate**2) / mask.size) ** 0.5 + 4 * spread * rate


def test_ends_and_sizes():
    generator = np.random.default_rng(0)
    assert random_mask(generator, (7,), 0.0).all()
    assert not random_mask(generator, (7,), 1.0).any()
    assert random_mask(generator, (3, 0), 0.5).shape == (3, 0)
    assert random_mask(generator, (), 0.5).shape == ()
    again = [random_mask(np.random.default_rng(1), (9, 5), 0.5) for _ in range(2)]
    np.testing.assert_array_equal(*again)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout(dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 401)).astype(dtype)
    for kept in (rng.random((300, 401)) < 0.5, rng.random((300, 1)) < 0.5):
        y = dropout(x, kept, 0.2)
        np.testing.assert_allclose(y, x * kept / 0.8, 1e-6)
        assert y.dtype == dtype
    assert not dropout(x, kept, 1.0).any()
    np.testing.assert_allclose(dropout(x.T, kept.T, 0.2), y.T)
