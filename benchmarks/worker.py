"""One contender in a process of its own: reads jobs as JSON lines, answers with timings and results.

python -m benchmarks.worker nnlite 2 FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import numpy as np

from benchmarks.contenders import contender
from benchmarks.keras_nets import load_weights, save_weights
from benchmarks.nets import make_data

WARM_UP = 0.2  # seconds
PAUSE = 0.05  # seconds, in which the threads of the contender before stop to wait for more work at full speed


def timed(step: Any, seconds: float, least: int = 3) -> list[float]:
    """Milliseconds of each call, for about ``seconds``; at least ``least`` unless these take ten times as long."""
    times: list[float] = []
    begin = now = time.perf_counter()
    while not times or now < begin + (seconds if len(times) >= least else 10 * seconds):
        start = time.perf_counter()
        step()
        now = time.perf_counter()
        times.append((now - start) * 1e3)
    return times


def sgemm_peak(threads: int, seconds: float) -> float:
    """Best GFLOP/s of 2048-cubed float32 products in NumPy on all threads, BLAS's own."""
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).random((2048, 2048), dtype=np.float32)
    out = np.empty_like(a)
    with threadpool_limits(threads):
        np.matmul(a, a, out=out)
        return max(2 * 2048**3 / ms / 1e6 for ms in timed(lambda: np.matmul(a, a, out=out), seconds, 1))


def use_cores(threads: int) -> None:
    """Keep to as many cores as there are threads, also in libraries that ask for the number of cores alone."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


class Jobs:
    """What a worker can be asked for: each method a job, with the job's entries as its arguments."""

    def __init__(self, competitor: Any, threads: int, folder: str) -> None:
        self.contender, self.threads, self.folder = competitor, threads, folder
        self._steps: dict[tuple[Any, ...], Any] = {}

    def peak(self, seconds: float) -> dict[str, Any]:
        return {"rate": sgemm_peak(self.threads, seconds)}

    def time(self, what: str, net: str, batch: int, seconds: float) -> dict[str, Any]:
        key = (what, net, batch)
        if key not in self._steps:
            if what == "train":
                self._steps[key] = self.contender.train(net, batch)
            else:
                self._steps[key] = self.contender.predict(net, batch, what, self.folder)
            timed(self._steps[key], min(WARM_UP, seconds), 1)
        time.sleep(PAUSE)
        times = timed(self._steps[key], seconds)
        return {"ms": float(np.median(times)), "min": min(times), "n": len(times)}

    def forget(self) -> dict[str, Any]:
        """Free the models of earlier jobs."""
        self._steps.clear()
        return {}

    def weights(self, net: str) -> dict[str, Any]:
        save_weights(f"{self.folder}/{net}.npz", self.contender.weights(net))
        return {}

    def losses(self, net: str, batch: int, steps: int) -> dict[str, Any]:
        return {"losses": self.contender.losses(net, self._weights(net), *make_data(net, batch), steps)}

    def outputs(self, net: str, batch: int) -> dict[str, Any]:
        outputs = self.contender.outputs(net, self._weights(net), make_data(net, batch)[0], self.folder)
        return {"outputs": np.asarray(outputs, np.float64).tolist()}

    def save(self, net: str) -> dict[str, Any]:
        self.contender.save(net, self._weights(net), self.folder)
        return {}

    def export(self, net: str) -> dict[str, Any]:
        self.contender.export(net, self._weights(net), self.folder)
        return {}

    def profile(self, net: str, batch: int) -> dict[str, Any]:
        return {"text": self.contender.profile(net, batch)}

    def _weights(self, net: str) -> Any:
        return load_weights(f"{self.folder}/{net}.npz")


def main() -> None:
    """Answer jobs until the input ends."""
    name, threads, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever libraries print
    use_cores(threads)

    def answer(content: dict[str, Any]) -> None:
        print(json.dumps(content), file=answers, flush=True)

    try:
        competitor = contender(name)(threads)
    except ImportError as error:
        answer({"missing": str(error)})
        return
    answer(
        {
            "version": competitor.version,
            "nets": competitor.nets,
            "trains": competitor.trains,
            "ways": competitor.ways,
        }
    )
    jobs = Jobs(competitor, threads, folder)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            answer(getattr(jobs, job.pop("job"))(**job))
        except (NotImplementedError, ImportError) as error:
            answer({"cannot": str(error) or "not implemented"})


if __name__ == "__main__":
    main()
