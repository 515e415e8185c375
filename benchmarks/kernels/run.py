"""Check every kernel against float64 and the tests' oracles, then time it, next to PyTorch's where that is installed.

python -m benchmarks kernels [--only conv dense ...] [--rounds 5] [--seconds 0.2] [--threads 2]
    [--results benchmarks/results] [--json FILE]

Layers, the loss and the optimizers are run alone, with batches of 128 of real nets' samples. FLOPs are those of the
direct sum, also where Winograd's algorithm is used; bytes are those that have to be read and written at least.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from typing import Any

import numpy as np

from benchmarks import tables
from benchmarks.kernels.cases import CASES, OPTIMIZERS, Case
from benchmarks.machine import describe
from benchmarks.processes import Worker

SIDES = ("nnlite", "torch", "torch-other")


def rate(case: Case, direction: int, ms: float) -> str:
    """The rate of a pass, in words."""
    if case.flops:
        times = 1 if direction == 0 else (1 + case.input_grad)
        return f"{case.flops * case.batch * times / ms / 1e6:.1f} GFLOP/s"
    return f"{case.moves[direction] * float(np.prod(case.shape)) * case.batch * 4 / ms / 1e6:.1f} GB/s"


def table_of(numbers: list[int], found: dict[str, Any], sides: list[str]) -> tables.Table:
    """Two lines a case, forward and backward; for an optimizer its update."""
    peers = sides[1:]
    rows = []
    for number in numbers:
        case = CASES[number]
        result = found[case.name]
        for direction, words in enumerate(("forward", "update" if case.kind in OPTIMIZERS else "backward")):
            if not case.flops and not case.moves[direction]:
                continue
            ours = np.array(result["nnlite"])[:, direction]
            median = float(np.median(ours))
            row = [f"{case.name}, {words}", f"{median:.3f}", rate(case, direction, median), f"{result['error']:.0e}"]
            for peer in peers:
                theirs = np.array(result[peer])[:, direction]
                row.append(f"{np.median(theirs):.3f} ({np.median(theirs / ours):.2f}x)")
            rows.append(row)
    return "Kernels: ms, and ratios to nnlite's", ["kernel", "nnlite ms", "rate", "error", *peers], rows


def run(arguments: argparse.Namespace, folder: str) -> None:
    """Check, measure, print and write."""
    numbers = [i for i, case in enumerate(CASES) if not arguments.only or case.group in arguments.only]
    workers, missing = [], {}
    for name in SIDES:
        worker = Worker(name, arguments.threads, folder, "benchmarks.kernels.worker")
        if "missing" in worker.hello:
            missing[name] = worker.hello["missing"]
            print(f"{name} is missing, so there is nothing to compare with: {missing[name]}")
            worker.close()
        else:
            workers.append(worker)
    found: dict[str, Any] = {CASES[number].name: {} for number in numbers}
    for number in numbers:
        answer = workers[0].ask("check", number=number)
        if "wrong" in answer:
            raise AssertionError(answer["wrong"])
        found[CASES[number].name] = {"error": answer["error"]}
    print(f"checked {len(numbers)} kernels", flush=True)
    peak = workers[0].ask("peak", seconds=arguments.seconds)["rate"]
    for _ in range(arguments.rounds):
        for number in numbers:
            for worker in workers:
                ms = worker.ask("times", number=number, seconds=arguments.seconds)["ms"]
                found[CASES[number].name].setdefault(worker.name, []).append(ms)
    peak = max(peak, workers[0].ask("peak", seconds=arguments.seconds)["rate"])
    for worker in workers:
        worker.close()
    whole = {
        "machine": describe(),
        "threads": arguments.threads,
        "versions": {worker.name: worker.hello["version"] for worker in workers},
        "missing": missing,
        "peak_gflops": peak,
        "kernels": found,
    }
    table = table_of(numbers, found, [worker.name for worker in workers])
    print("\n".join(tables.facts(whole)) + "\n\n" + tables.text(table))
    paths = [arguments.json] if arguments.json else []
    if arguments.results:
        os.makedirs(arguments.results, exist_ok=True)
        paths.append(os.path.join(arguments.results, "kernels.json"))
        with open(os.path.join(arguments.results, "kernels.md"), "w") as file:
            facts = "\n".join(f"- {line}" for line in tables.facts(whole))
            file.write(f"# Kernels\n\n{facts}\n\n{tables.markdown(table)}\n")
    for path in paths:
        with open(path, "w") as file:
            json.dump(whole, file, indent=1)
            file.write("\n")


def main(argv: list[str]) -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks kernels", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    groups = list(dict.fromkeys(case.group for case in CASES))
    parser.add_argument("--only", nargs="+", default=None, choices=groups)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="per kernel, side and round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--results", default="benchmarks/results", help="where kernels.json and kernels.md go; '' for none"
    )
    parser.add_argument("--json", default=None, help="write the results to this file too")
    with tempfile.TemporaryDirectory() as folder:
        run(parser.parse_args(argv), folder)
