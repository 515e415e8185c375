"""How much disk an installed library takes, with all that it needs."""

from __future__ import annotations

import re
from importlib import metadata

from benchmarks.processes import ROOT

# What brings the contenders; of nnlite, which runs from its sources, what it needs.
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "nnlite": ("numpy", "scipy", "h5py", "tqdm", "threadpoolctl"),
    "torch": ("torch",),
    "keras-jax": ("keras", "jax"),
    "keras-tensorflow": ("keras", "tensorflow"),
    "onnxruntime": ("onnxruntime",),
    "scikit-learn": ("scikit-learn",),
}


def installed_size(contender: str) -> float | None:
    """Return the MB of a contender's files and of what they require, without compiled bytecode; None if not known."""
    waiting, found = list(DISTRIBUTIONS.get(contender, ())), dict[str, float]()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name in DISTRIBUTIONS[contender]:
                return None
            continue  # for another system, by its marker
        found[name] = _size(distribution)
        for requirement in distribution.requires or ():
            needed, _, marker = requirement.partition(";")
            if "extra" not in marker:
                waiting.append(re.match(r"[\w.-]+", needed).group())  # type: ignore[union-attr]
    if not found:  # no contender that is installed by itself
        return None
    own = [path for path in (ROOT / "nnlite").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return sum(found.values()) + (sum(path.stat().st_size for path in own) / 1e6 if contender == "nnlite" else 0.0)


def _size(distribution: metadata.Distribution) -> float:
    paths = [distribution.locate_file(one) for one in distribution.files or () if one.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6  # type: ignore[attr-defined]
