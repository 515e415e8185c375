"""One side in a process of its own: reads the numbers of cases as JSON lines, answers with timings.

python -m benchmarks.kernels.worker nnlite 2 FOLDER
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

from benchmarks.kernels.cases import CASES
from benchmarks.worker import PAUSE, sgemm_peak, use_cores


def timed(passes: Any, seconds: float) -> tuple[float, float]:
    """Median milliseconds of the forward and of the backward pass, for about ``seconds``, at least three of each."""
    forward, backward = passes
    backward(forward())
    time.sleep(PAUSE)
    times: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        result = forward()
        between = time.perf_counter()
        backward(result)
        times.append((between - start, time.perf_counter() - between))
    ahead, back = np.median(times, axis=0) * 1e3
    return float(ahead), float(back)


class Nnlite:
    """nnlite's side, which also checks."""

    def __init__(self, threads: int) -> None:
        import nnlite
        from benchmarks.kernels import nnlite_side
        from nnlite.kernels import parallel

        nnlite.config.set_num_threads(threads)
        self.version, self.side, self.pinned = f"{nnlite.__version__}, NumPy {np.__version__}", nnlite_side, parallel

    def times(self, number: int, seconds: float) -> tuple[float, float]:
        with self.pinned.blas_pinned():  # as in a training step
            return timed(self.side.passes(CASES[number]), seconds)

    def check(self, number: int) -> float:
        return self.side.check(CASES[number])


class Torch:
    """PyTorch's side."""

    def __init__(self, threads: int, channels_last: bool) -> None:
        import torch

        from benchmarks.kernels import torch_side

        torch.set_num_threads(threads)
        self.version, self.side, self.channels_last = torch.__version__, torch_side, channels_last

    def times(self, number: int, seconds: float) -> tuple[float, float]:
        return timed(self.side.passes(CASES[number], self.channels_last), seconds)


def main() -> None:
    """Answer until the input ends."""
    name, threads = sys.argv[1], int(sys.argv[2])
    answers, sys.stdout = sys.stdout, sys.stderr
    use_cores(threads)

    def answer(content: dict[str, Any]) -> None:
        print(json.dumps(content), file=answers, flush=True)

    try:
        side: Any = Nnlite(threads) if name == "nnlite" else Torch(threads, name == "torch-other")
    except ImportError as error:
        answer({"missing": str(error)})
        return
    answer({"version": side.version})
    for line in sys.stdin:
        job = json.loads(line)
        if job["job"] == "peak":
            answer({"rate": sgemm_peak(threads, job["seconds"])})
        elif job["job"] == "check":
            try:
                answer({"error": side.check(job["number"])})
            except AssertionError as error:
                answer({"wrong": str(error)})
        else:
            answer({"ms": side.times(job["number"], job["seconds"])})


if __name__ == "__main__":
    main()
