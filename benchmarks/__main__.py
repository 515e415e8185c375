"""Check, then time training steps and predictions; print tables, and write them with a page of plots.

python -m benchmarks [--nets mlp cnn ...] [--contenders nnlite torch ...] [--rounds 5] [--seconds 0.3] [--threads 2]
    [--growth] [--profile] [--results FOLDER] [--json FILE]
python -m benchmarks kernels [--only conv ...] [--rounds 5] [--seconds 0.2] [--threads 2] [--json FILE]

Every contender runs in a process of its own; in each round they take turns, job by job, so that all meet the same
moods of the machine. A ratio is the median over rounds of a peer's time divided by nnlite's: above 1, nnlite is faster.
Images suit torch best in one of its two memory formats, channels first (its default) or last, and a transformer's block
is its own module or written around its attention function: "torch" and "torch-other". Peak memory and the first
prediction are those of new processes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks import measure, tables
from benchmarks.check import check
from benchmarks.contenders import CONTENDERS, OPTIONAL
from benchmarks.machine import describe
from benchmarks.nets import BATCH, NETS, training_batch
from benchmarks.processes import Worker
from benchmarks.size import installed_size

RESULTS = "benchmarks/results"


def start(names: list[str], threads: int, folder: str) -> tuple[list[Worker], dict[str, str]]:
    """Start the contenders' processes; return those that run, and why the others do not."""
    workers, missing = [], {name: why for name, why in OPTIONAL.items() if name not in names}
    for name in names:
        worker = Worker(name, threads, folder)
        if "missing" in worker.hello:
            missing[name] = worker.hello["missing"]
            worker.close()
        else:
            workers.append(worker)
    return workers, missing


def grow(workers: list[Worker], arguments: argparse.Namespace, folder: str, found: dict[str, Any]) -> Iterator[Any]:
    """Time training steps and predictions with growing batches, widths and numbers of threads, and training steps
    beside a busy process: write results into ``found``, and yield tables."""
    trainers = [worker for worker in workers if worker.hello["trains"]]
    names = [worker.name for worker in workers]
    for kind, lines in measure.growing_lines(arguments.nets).items():
        found[kind] = {}
        for line in lines:
            found[kind] |= measure.times_of(workers, line, 1, arguments.seconds, measure.LONGEST)
        jobs = [job for line in lines for job in line]
        yield tables.growth_table(found[kind], jobs, names, f"Growth with {kind}, ms, and ratios to nnlite's")
    training = [("train", net, training_batch(net)) for net in arguments.nets]
    jobs = training + [("call", net, BATCH) for net in arguments.nets]
    found["threads"] = {}
    for threads in (1, arguments.threads):
        fewer = [Worker(name, threads, folder) for name in names]
        found["threads"][f"{threads} threads"] = measure.times_of(fewer, jobs, arguments.rounds, arguments.seconds)
        for worker in fewer:
            worker.close()
    if len(found["threads"]) == 2:
        title = "How many times as fast with more threads"
        yield tables.pair_table(found["threads"], names, title, faster=True)
    found["neighbour"] = measure.beside_a_busy_process(trainers, training, arguments.rounds, arguments.seconds)
    title = "Training step, and how many times as slow while another process keeps one core busy"
    yield tables.pair_table(found["neighbour"], [worker.name for worker in trainers], title, faster=False)


def run(arguments: argparse.Namespace, folder: str) -> None:
    """Check, measure, print and write."""
    names = list(dict.fromkeys(["nnlite", *arguments.contenders]))
    workers, missing = start(names, arguments.threads, folder)
    for name, why in missing.items():
        print(f"{name} is missing, so there is nothing to compare with: {why}")
    print("checking results")
    for line in check(workers, arguments.nets):
        print("  " + line, flush=True)
    if arguments.profile:
        for net in arguments.nets:
            print(f"\n{net}: " + workers[0].ask("profile", net=net, batch=training_batch(net))["text"])
    names, peers = [w.name for w in workers], [w.name for w in workers[1:]]
    found: dict[str, Any] = {
        "machine": describe(),
        "threads": arguments.threads,
        "versions": {worker.name: worker.hello["version"] for worker in workers},
        "missing": missing,
        "peak_gflops": measure.peak_of(workers[0], arguments.seconds),
        "results": {},
        "memory": {},
        "first": {},
    }
    for net in arguments.nets:
        found["results"] |= measure.times_of(workers, measure.jobs_of([net]), arguments.rounds, arguments.seconds)
        found["peak_gflops"] = max(found["peak_gflops"], measure.peak_of(workers[0], arguments.seconds))
        print("\n" + "\n\n".join(map(tables.text, rates(found, [net], peers))), flush=True)
    shown = rates(found, arguments.nets, peers)
    write(arguments, found, shown)  # what comes now takes long
    found["memory"] = measure.memory(workers, arguments.nets, arguments.threads)
    shown.append(tables.memory_table(found["memory"], names))
    print("\n" + tables.text(shown[-1]), flush=True)
    found["first"] = measure.first_predictions(workers, arguments.nets, arguments.threads, folder, arguments.rounds)
    shown.append(tables.first_table(found["first"], names))
    print("\n" + tables.text(shown[-1]), flush=True)
    sizes = {name: size for name in names if (size := installed_size(name)) is not None}
    if "nnlite" in sizes:
        found["installed_mb"] = sizes
        shown.append(tables.size_table(sizes))
        print("\n" + tables.text(shown[-1]), flush=True)
    print("\n" + "\n".join(tables.facts(found)), flush=True)
    write(arguments, found, shown)
    if arguments.growth:
        found["growth"] = {}
        for table in grow(workers, arguments, folder, found["growth"]):
            shown.append(table)
            print("\n" + tables.text(table), flush=True)
            write(arguments, found, shown)
    for worker in workers:
        worker.close()


def rates(found: dict[str, Any], nets: list[str], peers: list[str]) -> list[Any]:
    """Return tables of the times of some nets: training, and predicting."""
    jobs, results, peak = measure.jobs_of(nets), found["results"], found["peak_gflops"]
    training = [job for job in jobs if job[0] == "train"]
    others = [job for job in jobs if job[0] != "train"]
    return [
        tables.rates(results, training, peers, peak, "Training: ms, and ratios to nnlite's"),
        tables.rates(results, others, peers, peak, "Prediction: ms, and ratios to nnlite's"),
    ]


def write(arguments: argparse.Namespace, found: dict[str, Any], shown: list[Any]) -> None:
    """Write what was asked for: JSON, and a folder with JSON, a report and plots."""
    paths = [arguments.json] if arguments.json else []
    if arguments.results:
        os.makedirs(arguments.results, exist_ok=True)
        paths.append(os.path.join(arguments.results, "results.json"))
        report = "\n\n".join(["# Benchmarks", "\n".join(f"- {line}" for line in tables.facts(found))])
        report += (
            "\n\nRatios above 1: nnlite is faster. See `python -m benchmarks --help` for what is measured how.\n\n"
        )
        report += "\n\n".join(map(tables.markdown, shown))
        try:
            from benchmarks.plots import draw

            draw(found, arguments.nets, os.path.join(arguments.results, "plots.svg"))
            report += "\n\n![The same as plots](plots.svg)"
        except ImportError as error:
            print(f"\nmatplotlib is missing, so there are no plots: {error}")
        with open(os.path.join(arguments.results, "report.md"), "w") as file:
            file.write(report + "\n")
    for path in paths:
        with open(path, "w") as file:
            json.dump(found, file, indent=1)
            file.write("\n")


def main(argv: list[str] | None = None) -> None:
    """Parse the arguments and run."""
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["kernels"]:
        from benchmarks.kernels.run import main as kernels

        kernels(argv[1:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    default = [name for name in CONTENDERS if name not in OPTIONAL]
    parser.add_argument("--contenders", nargs="+", default=default, choices=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="per job, contender and round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--growth", action="store_true", help="also with other batches, widths and threads, and beside a busy process"
    )
    parser.add_argument("--profile", action="store_true", help="also where the time of nnlite's steps goes, by layer")
    parser.add_argument(
        "--results", help=f"where results.json, report.md and plots.svg go; {RESULTS} if all nets and peers are timed"
    )
    parser.add_argument("--json", default=None, help="write the results to this file too")
    arguments = parser.parse_args(argv)
    if arguments.results is None and (arguments.nets, arguments.contenders) == (list(NETS), default):
        arguments.results = RESULTS
    with tempfile.TemporaryDirectory() as folder:
        run(arguments, folder)


if __name__ == "__main__":
    main()
