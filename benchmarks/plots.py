"""A page of plots, where matplotlib is installed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.measure import Results
from benchmarks.nets import BATCH, training_batch


def draw(found: dict[str, Any], nets: Sequence[str], path: str) -> None:
    """Write the page; raises ``ImportError`` without matplotlib.

    Args:
        found: what the benchmark found, as in results.json.
        nets: the nets, in order.
        path: an .svg file, or another that matplotlib writes.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "nnlite"  # the same figures give the same file
    from matplotlib import pyplot

    names, results = list(found["versions"]), found["results"]
    colours = {name: f"C{i}" for i, name in enumerate(names)}
    panels: list[tuple[str, Any]] = [
        ("training step, ms", {net: _medians(results, f"train {net} {training_batch(net)}") for net in nets}),
        (f"prediction of {BATCH} samples, ms", {net: _medians(results, f"call {net} {BATCH}") for net in nets}),
        ("prediction of one sample, ms", {net: _medians(results, f"call {net} 1") for net in nets}),
        ("peak memory of training, MB", _column(found["memory"], "total_mb")),
        ("first prediction of a new process, ms", _column(found["first"], "ms")),
    ]
    panels = [(title, by_net) for title, by_net in panels if any(by_net.values())]
    kinds = [(kind, what) for kind in ("batch", "width") for what in ("train", "call")]
    lines = [(kind, what, net) for kind, what in kinds for net in nets if _lines(found, kind, what, net)]
    count = len(panels) + len(lines)
    rows = -(-count // 2)
    height = 3.2 * rows + 0.5  # in inches, with the title
    figure, axes = pyplot.subplots(rows, 2, figsize=(13, height), squeeze=False)
    for axis in axes.flat[count:]:
        axis.axis("off")
    for axis, (title, by_net) in zip(axes.flat, panels, strict=False):
        _bars(axis, title, by_net, names, colours)
    for axis, (kind, what, net) in zip(axes.flat[len(panels) :], lines, strict=False):
        for name, points in _lines(found, kind, what, net).items():
            axis.plot(*zip(*points, strict=True), "o-", color=colours[name], label=name)
        timed = "training step" if what == "train" else "prediction"
        axis.set(title=f"{net}: {timed} by {kind}, ms", xscale="log", yscale="log", xlabel=kind)
        axis.legend(fontsize=7)
    title = f"{found['machine']['processor']}, {found['threads']} threads, {found['machine']['date']}"
    figure.suptitle(title, y=1 - 0.2 / height, va="top")
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.5 / height))
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)
    pyplot.close(figure)


def _medians(results: Results, job: str) -> dict[str, float]:
    return {name: float(np.median(row["ms"])) for name, row in results.get(job, {}).items()}


def _column(results: Results, field: str) -> dict[str, dict[str, float]]:
    return {net: {n: float(np.median(row[field])) for n, row in of.items()} for net, of in results.items()}


def _bars(
    axis: Any, title: str, by_net: dict[str, dict[str, float]], names: list[str], colours: dict[str, str]
) -> None:
    shown = [name for name in names if any(name in values for values in by_net.values())]
    width = 0.8 / max(len(shown), 1)
    for i, name in enumerate(shown):
        at = [j + (i - (len(shown) - 1) / 2) * width for j, values in enumerate(by_net.values()) if name in values]
        heights = [values[name] for values in by_net.values() if name in values]
        axis.bar(at, heights, width, color=colours[name], label=name)
    axis.set_xticks(range(len(by_net)), list(by_net), fontsize=8)
    axis.set(title=title, yscale="log")
    axis.set_ylim(top=axis.get_ylim()[1] * 10)  # room for the legend
    axis.legend(fontsize=7, ncols=3, loc="upper center")


def _lines(found: dict[str, Any], kind: str, what: str, net: str) -> dict[str, list[tuple[float, float]]]:
    """The points of each contender's line: batch or width, and milliseconds."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for job, row in found.get("growth", {}).get(kind, {}).items():
        timed, wide, batch = job.split()
        name, _, times = wide.partition("*")
        if (timed, name) == (what, net):
            for contender, ms in row.items():
                x = float(batch) if kind == "batch" else float(times or 1)
                lines.setdefault(contender, []).append((x, float(np.median(ms["ms"]))))
    return lines
