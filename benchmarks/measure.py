"""Taking turns: every contender does every job once in each round, so that all meet the same moods of the machine."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from benchmarks.nets import BATCH, is_epochs, training_batch
from benchmarks.processes import Worker, first_prediction, memory_of

# What is timed, net, batch.
Job = tuple[str, str, int]
Results = dict[str, dict[str, Any]]

BATCHES = (8, 32, 128, 512, 2048)
MOST_STARTS = 2  # of new processes for each net and contender, which take seconds in some libraries
ALIKE = ("torch-other", "torch-compile")  # which start as torch does
WIDTHS = ("0.5", "1", "2", "4")
LONGEST = 2000.0  # milliseconds of a step, after which a growing line ends


def key(job: Job) -> str:
    """Return the name of a job in results: "train vgg 128"."""
    return " ".join(map(str, job))


def jobs_of(nets: list[str]) -> list[Job]:
    """Return what is timed of each net: a training step, and predictions of a batch and of one sample."""
    jobs: list[Job] = []
    for net in nets:
        jobs.append(("train", net, training_batch(net)))
        jobs += [(way, net, batch) for batch in (BATCH, 1) for way in ("call", "predict")]
    return jobs


def growing_lines(nets: list[str]) -> dict[str, list[list[Job]]]:
    """Return training steps, and predictions, of growing batches and of growing nets: a line for each net and what it
    does; no training of what is timed by epochs."""
    lines = [(what, net) for what in ("train", "call") for net in nets if what == "call" or not is_epochs(net)]
    return {
        "batch": [[(what, net, batch) for batch in BATCHES] for what, net in lines],
        "width": [[(what, net if w == "1" else f"{net}*{w}", BATCH) for w in WIDTHS] for what, net in lines],
    }


def times_of(
    workers: list[Worker], jobs: list[Job], rounds: int, seconds: float, longest: float | None = None
) -> Results:
    """Return the median milliseconds of every job, contender and round. Afterwards the workers' models are freed.

    With ``longest``, a contender whose job took more milliseconds than that is spared the later jobs, which are larger.
    """
    results: Results = {}
    spared: set[str] = set()
    for _ in range(rounds):
        for what, net, batch in jobs:
            for worker in workers:
                if worker.name in spared or not worker.times(what, net.partition("*")[0]):
                    continue
                answer = worker.ask("time", what=what, net=net, batch=batch, seconds=seconds)
                if "cannot" in answer:
                    continue
                row = results.setdefault(key((what, net, batch)), {}).setdefault(worker.name, {"ms": []})
                row["ms"].append(answer["ms"])
                if longest is not None and answer["ms"] > longest:
                    spared.add(worker.name)
    for worker in workers:
        worker.ask("forget")
    return results


def beside_a_busy_process(workers: list[Worker], jobs: list[Job], rounds: int, seconds: float) -> dict[str, Results]:
    """Return the times of jobs alone, and while another process keeps one core busy."""
    found = {"alone": times_of(workers, jobs, rounds, seconds)}
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        found["beside a busy process"] = times_of(workers, jobs, rounds, seconds)
    finally:
        neighbour.kill()
        neighbour.wait()
    return found


def peak_of(worker: Worker, seconds: float) -> float:
    """Return the rate of the matrix product, in GFLOP/s, that rates are shares of."""
    return float(worker.ask("peak", seconds=seconds)["rate"])


def memory(workers: list[Worker], nets: list[str], threads: int) -> Results:
    """Return the peak memory of a training step for each net and contender."""
    return {net: {w.name: memory_of(w.name, threads, net) for w in workers if w.times("train", net)} for net in nets}


def first_predictions(workers: list[Worker], nets: list[str], threads: int, folder: str, rounds: int) -> Results:
    """Return the milliseconds that new processes took to import, load and predict once, for each net and contender."""
    results: Results = {}
    for net in nets:
        able = [w for w in workers if w.has(net) and w.name not in ALIKE and "cannot" not in w.ask("save", net=net)]
        for number in range(min(rounds, MOST_STARTS) + 1):
            for worker in able:
                ms = first_prediction(worker.name, threads, net, folder)
                if number:  # the round before it brings files into memory
                    results.setdefault(net, {}).setdefault(worker.name, {"ms": []})["ms"].append(ms)
    return results
