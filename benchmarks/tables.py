"""Results as tables, for the terminal and in Markdown."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.measure import Job, Results, key
from benchmarks.nets import flops, is_epochs, training_batch

Table = tuple[str, list[str], list[list[str]]]  # title, header, rows


def times(results: Results, job: Job, name: str) -> np.ndarray | None:
    """Return a contender's milliseconds of each round; one that has a single way of predicting has it for both."""
    row = results[key(job)].get(name)
    if row is None and job[0] == "predict":
        row = results.get(key(("call", *job[1:])), {}).get(name)
    return None if row is None else np.array(row["ms"])


def rates(results: Results, jobs: list[Job], peers: list[str], peak: float, title: str) -> Table:
    """A line a job: nnlite's time, rate and share of the peak; each peer's time and ratio; the best peer's ratio."""
    header = ["job", "nnlite ms", "GFLOP/s", "of peak", *peers, "to the fastest peer (rounds)"]
    rows = []
    for job in jobs:
        what, net, batch = job
        if "nnlite" not in results.get(key(job), {}):
            continue
        ours = times(results, job, "nnlite")
        assert ours is not None
        forward, step = flops(net, batch)
        rate = (step if what == "train" else forward) / np.median(ours) / 1e6
        row = [_words(job), f"{np.median(ours):.3f}", f"{rate:.1f}", f"{rate / peak:.0%}"]
        best = None
        for peer in peers:
            theirs = times(results, job, peer)
            if theirs is None:
                row.append("")
                continue
            row.append(f"{np.median(theirs):.3f} ({np.median(theirs / ours):.2f}x)")
            best = theirs if best is None else np.minimum(best, theirs)
        each = [] if best is None else best / ours
        row.append(f"{np.median(each):.2f}x ({' '.join(f'{r:.2f}' for r in each)})" if len(each) else "")
        rows.append(row)
    return title, header, rows


def _words(job: Job) -> str:
    what, net, batch = job
    if what == "train":
        return f"{net}: training {'epoch' if is_epochs(net) else 'step'}, batch {batch}"
    return f"{net}: {'model(x)' if what == 'call' else 'model.predict(x)'}, batch {batch}"


def memory_table(results: Results, names: list[str]) -> Table:
    """MB of a process that trains each net: above its imports, and in all."""
    title = "Peak memory of training, MB: above what the imports took, and in all"
    rows = []
    for net, row in results.items():
        cells = [f"{row[n]['step_mb']:.0f} / {row[n]['total_mb']:.0f}" if n in row else "" for n in names]
        rows.append([f"{net}, batch {training_batch(net)}", *cells])
    return title, ["net", *names], rows


def first_table(results: Results, names: list[str]) -> Table:
    """Milliseconds to the first prediction."""
    title = "First prediction of a new process (start Python, import, load the saved net, predict one sample), ms"
    rows = []
    for net, row in results.items():
        ours = np.array(row["nnlite"]["ms"])
        cells = []
        for name in names:
            theirs = np.array(row[name]["ms"]) if name in row else None
            ratio = "" if theirs is None or name == "nnlite" else f" ({np.median(theirs / ours):.2f}x)"
            cells.append("" if theirs is None else f"{np.median(theirs):.0f}{ratio}")
        rows.append([net, *cells])
    return title, ["net", *names], rows


def size_table(sizes: dict[str, float]) -> Table:
    """MB on disk."""
    cells = [
        f"{size:.0f} ({size / sizes['nnlite']:.1f}x)" if name != "nnlite" else f"{size:.0f}"
        for name, size in sizes.items()
    ]
    return "Installed, with all that it needs, without compiled bytecode, MB", list(sizes), [cells]


def growth_table(results: Results, jobs: list[Job], names: list[str], title: str) -> Table:
    """A line a job: each contender's milliseconds, and the peers' ratios."""
    rows = []
    for job in jobs:
        row = {name: float(np.median(of["ms"])) for name, of in results.get(key(job), {}).items()}
        ours = row.get("nnlite")
        cells = [
            "" if name not in row else f"{row[name]:.3f}" + (f" ({row[name] / ours:.2f}x)" if ours and i else "")
            for i, name in enumerate(names)
        ]
        if any(cells):
            rows.append([_words(job), *cells])
    return title, ["job", *names], rows


def pair_table(results: dict[str, Results], names: list[str], title: str, faster: bool) -> Table:
    """A line a job: each contender's milliseconds under two conditions, and how many times as fast, or slow, the
    second is."""
    first, second = results.values()
    rows = []
    for name_of_job, row in first.items():
        what, net, batch = name_of_job.split()
        cells = []
        for name in names:
            a, b = (float(np.median(r[name_of_job][name]["ms"])) if name in row else 0.0 for r in (first, second))
            cells.append(f"{a:.3f} / {b:.3f} ({a / b if faster else b / a:.2f}x)" if name in row else "")
        rows.append([_words((what, net, int(batch))), *cells])
    return f"{title}: {' / '.join(results)}, ms", ["job", *names], rows


def text(table: Table) -> str:
    """The table for a terminal."""
    title, header, rows = table
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [title]
    for row in [header, *rows]:
        lines.append(
            "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        )
    return "\n".join(line.rstrip() for line in lines)


def markdown(table: Table) -> str:
    """The table in Markdown."""
    title, header, rows = table
    lines = [f"## {title}", "", _line(header), _line(["---", *["---:"] * (len(header) - 1)]), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def facts(found: dict[str, Any]) -> list[str]:
    """Lines about the machine, the versions, and what is missing."""
    machine = found["machine"]
    lines = [
        f"{machine['processor']}, {machine['cores']} cores; {machine['system']}; Python {machine['python']}; "
        f"{machine['date']}; {found['threads']} threads.",
        f"Matrix product (2048 cubed, float32, NumPy's own threads): {found['peak_gflops']:.0f} GFLOP/s at best.",
    ]
    lines += [f"{name} {version}" for name, version in found["versions"].items()]
    return lines + [f"Missing: {name}: {why}" for name, why in found["missing"].items()]
