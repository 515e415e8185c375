"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sys
from datetime import date


def describe() -> dict[str, str]:
    """Return the processor, its cores, the system and the interpreter."""
    processor = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            processor = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # no Linux, or a processor that is not listed so
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": f"{processor}, {platform.machine()}",
        "cores": str(cores),
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "date": date.today().isoformat(),
    }
