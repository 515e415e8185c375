"""Check, then time training steps and predictions; print a table, and write it as JSON if asked.

python -m benchmarks [--nets mlp cnn vgg mobile lstm transformer] [--rounds 5] [--seconds 1.0] [--threads 2]
    [--json results.json]

Every contender runs in a process of its own; in each round they take turns, job by job, so that all meet the same
moods of the machine. A ratio is the median over rounds of a peer's time divided by nnlite's: above 1, nnlite is faster.
Images suit torch best in one of its two memory formats, channels first (its default) or last, and a transformer's block
is its own module or written around its attention function: "torch" and "torch-other".
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from typing import Any

import numpy as np

from benchmarks.check import check_losses
from benchmarks.contenders import CONTENDERS
from benchmarks.nets import BATCH, NETS, flops


class Worker:
    """A contender's process."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        command = [sys.executable, "-m", "benchmarks.worker", name, str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.hello = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the benchmark's process for {self.name} died")
        return json.loads(line)

    def ask(self, **job: Any) -> dict[str, Any]:
        """Run one job and return its timings."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure(workers: list[Worker], jobs: list[tuple[str, str, int]], rounds: int, seconds: float) -> dict[str, Any]:
    """Median milliseconds of every job, contender and round."""
    results: dict[str, Any] = {}
    for _ in range(rounds):
        for what, net, batch in jobs:
            for worker in workers:
                answer = worker.ask(what=what, net=net, batch=batch, seconds=seconds)
                row = results.setdefault(f"{what} {net} {batch}", {}).setdefault(worker.name, {"ms": [], "peak_mb": 0})
                row["ms"].append(answer["ms"])
                row["peak_mb"] = round(answer["peak_mb"])
    return results


def print_table(results: dict[str, Any], jobs: list[tuple[str, str, int]], peers: list[str], peak: float) -> None:
    """Print a line a job: time, rate, and each peer's time with its ratio, as median and round by round."""
    print(f"{'job':18} {'nnlite ms':>10} {'GFLOP/s':>8} {'of peak':>8}   then each peer: ms, ratio (of each round)")
    for what, net, batch in jobs:
        row = results[f"{what} {net} {batch}"]
        ours = np.array(row["nnlite"]["ms"])
        forward, step = flops(net, batch)
        rate = (step if what == "train" else forward) / np.median(ours) / 1e6
        text = f"{what} {net} {batch}".ljust(18) + f" {np.median(ours):10.3f} {rate:8.1f} {rate / peak:8.0%}"
        for peer in peers:
            times = np.array(row[peer]["ms"])
            each = " ".join(f"{ratio:.2f}" for ratio in times / ours)
            text += f"   {peer} {np.median(times):.3f}, {np.median(times / ours):.2f} ({each})"
        print(text)


def main() -> None:
    """Parse the arguments, check, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="per job, contender and round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", default=None, help="write the results to this file too")
    arguments = parser.parse_args()

    print(
        f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}, {arguments.threads} threads"
    )
    print("checking results")
    for line in check_losses(arguments.threads):
        print("  " + line)

    workers = []
    for name in CONTENDERS:
        worker = Worker(name, arguments.threads)
        if "missing" in worker.hello:
            print(f"{name} is missing, so there is nothing to compare with: {worker.hello['missing']}")
        else:
            print(f"{name} {worker.hello['version']}")
            workers.append(worker)
    peak = workers[0].ask(what="peak", seconds=arguments.seconds)["rate"]
    print(f"matrix product (2048 cubed, float32): {peak:.0f} GFLOP/s at best\n")

    jobs = [
        (what, net, batch)
        for net in arguments.nets
        for what, batch in (("train", BATCH), ("predict", BATCH), ("predict", 1))
    ]
    results = measure(workers, jobs, arguments.rounds, arguments.seconds)
    for worker in workers:
        worker.close()

    print_table(results, jobs, [worker.name for worker in workers[1:]], peak)
    memory = {worker.name: max(row[worker.name]["peak_mb"] for row in results.values()) for worker in workers}
    print("peak memory, MB: " + ", ".join(f"{name} {size}" for name, size in memory.items()))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump({"peak_gflops": peak, "threads": arguments.threads, "results": results}, file, indent=1)


if __name__ == "__main__":
    main()
