"""Peak memory of a training step, in a process of its own.

python -m benchmarks.memory nnlite 2 vgg
"""

from __future__ import annotations

import json
import resource
import sys

from benchmarks.contenders import contender
from benchmarks.nets import training_batch
from benchmarks.worker import use_cores

STEPS = 5


def peak_mb() -> float:
    """The most memory that this process has had, in MB.

    Linux counts in ``ru_maxrss`` also what the parent had when it made the process, so its own count is read there.
    """
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except OSError:
        unit = 1024 if sys.platform == "darwin" else 1
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit / 1024


def main() -> None:
    """Train some steps; print the peak, and how far it is above that of the imports."""
    name, threads, net = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    use_cores(threads)
    competitor = contender(name)(threads)
    imported = peak_mb()
    step = competitor.train(net, training_batch(net))
    for _ in range(STEPS):
        step()
    peak = peak_mb()
    print(json.dumps({"total_mb": peak, "step_mb": peak - imported}))


if __name__ == "__main__":
    main()
