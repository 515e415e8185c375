from __future__ import annotations

import numpy as np
import pytest

from nnlite.kernels import gemm, parallel

SHAPES = [
    (1, 1, 1),
    (0, 5, 3),
    (5, 0, 3),
    (1000, 100, 32),
    (1001, 257, 64),
    (700, 513, 130),
    (997, 300, 100),
    (50, 4000, 7),
]


@pytest.fixture(params=[False, True])
def small(request, monkeypatch):
    monkeypatch.setattr(gemm, "reads_small_factors_in_place", lambda: request.param)
    gemm.blocks.cache_clear()
    yield request.param
    gemm.blocks.cache_clear()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
def test_products_whole_or_in_blocks(shape, dtype, small):
    rows, inner, columns = shape
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(rows, inner)).astype(dtype), rng.normal(size=(inner, columns)).astype(dtype)
    wanted = a.astype(float) @ b.astype(float)
    tolerance = (1e-5 if dtype == "float32" else 1e-13) * (1 + inner)
    for left in (a, np.ascontiguousarray(a.T).T, np.repeat(a, 2, axis=0)[::2]):
        for right in (b, gemm.arranged(b), np.ascontiguousarray(b.T).T):
            for out in (np.empty((rows, columns), dtype), np.empty((rows, 2 * columns), dtype)[:, columns:]):
                out.fill(np.nan)
                with parallel.blas_pinned():
                    gemm.matmul(left, right, out)
                np.testing.assert_allclose(out, wanted, rtol=0, atol=tolerance)


def test_blocks_are_small_enough_and_cover_all_columns(small):
    for rows, inner, columns in SHAPES:
        for transposed in (False, True):
            cut = gemm.blocks(rows, inner, columns, transposed)
            if cut is not None:
                assert small and cut[0] * inner * cut[1] <= gemm.SMALL and columns % cut[1] == 0 and 0 < cut[0] <= rows
                assert cut[0] * cut[1] <= gemm.TRANSPOSED or not transposed
    assert (gemm.blocks(1001, 257, 64) is not None) == small
