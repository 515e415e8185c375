"""One contender in a process of its own: reads jobs as JSON lines, answers with timings.

python -m benchmarks.worker nnlite 2
"""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import numpy as np

from benchmarks.contenders import CONTENDERS


def timed(step: Any, seconds: float) -> list[float]:
    """Milliseconds of each call, for about ``seconds``, at least three."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def sgemm_peak(seconds: float) -> list[float]:
    """GFLOP/s of 2048-cubed float32 products in NumPy, BLAS's own threads, each."""
    a = np.random.default_rng(0).random((2048, 2048), dtype=np.float32)
    out = np.empty_like(a)
    np.matmul(a, a, out=out)
    return [2 * 2048**3 / ms / 1e6 for ms in timed(lambda: np.matmul(a, a, out=out), seconds)]


def main() -> None:
    """Answer jobs until the input ends."""
    name, threads = sys.argv[1], int(sys.argv[2])
    try:
        contender = CONTENDERS[name](threads)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({"version": contender.version}), flush=True)
    steps: dict[tuple, Any] = {}
    for line in sys.stdin:
        job = json.loads(line)
        if job["what"] == "peak":
            print(json.dumps({"rate": max(sgemm_peak(job["seconds"]))}), flush=True)
            continue
        key = (job["what"], job["net"], job["batch"])
        if key not in steps:
            steps[key] = getattr(contender, job["what"])(job["net"], job["batch"])
            timed(steps[key], 0.2)
        times = timed(steps[key], job["seconds"])
        answer = {"ms": float(np.median(times)), "min": min(times), "n": len(times)}
        answer["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
