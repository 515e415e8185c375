from __future__ import annotations

import numpy as np
import pytest

from nnlite.kernels import memory


@pytest.fixture(autouse=True)
def unwritten_memory_holds_nan(request, monkeypatch):
    """Recycled memory holds anything: here what nobody writes is NaN, and shows in results."""
    if request.path.name == "test_memory.py":
        return
    empty, scratch = memory.empty, memory.scratch

    def spoilt(arrays):
        for array in arrays:
            if array.dtype.kind == "f":
                array.fill(np.nan)
        return arrays

    monkeypatch.setattr(memory, "empty", lambda shape, dtype: spoilt([empty(shape, dtype)])[0])
    monkeypatch.setattr(memory, "scratch", lambda *asked: spoilt(scratch(*asked)))
