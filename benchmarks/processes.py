"""Processes: one that stays for each contender, and new ones to measure memory and the first prediction in."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Any

ROOT = pathlib.Path(__file__).parents[1]


class Worker:
    """A contender's process. What it is made of is in ``hello``: its version, or why it is missing."""

    def __init__(self, name: str, threads: int, folder: str, module: str = "benchmarks.worker") -> None:
        self.name = name
        command = [sys.executable, "-m", module, name, str(threads), folder]
        self._errors = pathlib.Path(folder) / f"{name}.stderr"  # no pipe, which fills up while nobody reads
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=ROOT
            )
        self.hello = self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the benchmark's process for {self.name} died:\n{self._errors.read_text()}")
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, job: str, **arguments: Any) -> dict[str, Any]:
        """Run one job and return its results; {"cannot": reason} if the contender has no such thing."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"job": job, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def has(self, net: str) -> bool:
        """Whether the contender has a net."""
        return self.hello["nets"] is None or net in self.hello["nets"]

    def times(self, what: str, net: str) -> bool:
        """Whether the contender does this with the net: "train", "call" or "predict"."""
        return self.has(net) and (self.hello["trains"] if what == "train" else what in self.hello["ways"])

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def memory_of(name: str, threads: int, net: str) -> dict[str, float]:
    """Peak memory in MB of a process that trains a net some steps: the whole, and what came after the import."""
    return json.loads(_run("benchmarks.memory", name, str(threads), net))


def first_prediction(name: str, threads: int, net: str, folder: str) -> float:
    """Milliseconds from the start of an interpreter to the end of it, when it has loaded a net and predicted once."""
    start = time.perf_counter()
    _run("benchmarks.first", name, str(threads), net, folder)
    return (time.perf_counter() - start) * 1e3


def _run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    # Installed packages are compiled: nobody waits for that at each start.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
