"""Save with nnlite and open with real Keras, and the other way round, for many architectures; print a table.

    python -m tests.interop                       # Keras 3.15.1 with JAX, in an environment that is made for it
    python -m tests.interop --keras 3.10.0 --nets 80
    python -m tests.interop --python PATH         # an interpreter that has Keras already

It takes a quarter of an hour or more, nearly all of it in JAX's compiler; ``--nets 10`` tries the first ones. Those are
one for each family of layers and each optimizer, the others random graphs. Each file must open, compute the same, and
train on with the same losses: the optimizer's state is in it. (Of an ``.h5`` file Keras does not read that state, nor
of its own; it must then train as with a fresh optimizer.) What a version of Keras has not is left out, and what it
cannot do with its own file either is shown, and does not count; nor does what a file of Keras lacks, such that Keras
itself reads it as nnlite does. The exit code is 0 if all that counts is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import venv

from tests.interop import nets
from tests.interop.worker import FORMATS

HERE = pathlib.Path(__file__).parent


def environment(version: str, folder: pathlib.Path) -> str:
    """Return the interpreter of an environment with Keras and JAX, made where there is none."""
    place = folder / f"keras-{version}"
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        print(f"Making an environment with Keras {version} in {place} ...", flush=True)
        venv.create(place, with_pip=True)
        # Early versions need a JAX of their time, and a package that they do not name.
        needs = ["jax==0.4.30", "packaging"] if version.startswith(("3.3.", "3.4.")) else ["jax"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"keras=={version}", *needs], check=True)
    return str(python)


def version_of(python: str, package: str) -> tuple[int, ...]:
    """Return the version of a package, of two numbers."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    found = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
    return tuple(int(part) for part in found.split(".")[:2])


def run(python: str, library: str, action: str, folder: str, count: int) -> None:
    """Run the worker; raise ``CalledProcessError`` if it fails."""
    paths = [str(HERE.parents[1])] if library == "nnlite" else []
    settings = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join(paths)}
    # What JAX has compiled is kept: nearly all of the time goes there, and each net is compiled for every file.
    settings |= {"JAX_COMPILATION_CACHE_DIR": os.path.join(folder, "compiled"), "PYTHONHASHSEED": "0"}
    settings |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0", "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1"}
    if library == "keras" and version_of(python, "jax") < (0, 5):
        settings["JAX_ENABLE_COMPILATION_CACHE"] = "false"  # it crashes with what it kept
    settings |= {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    settings |= {"ABSL_MIN_LOG_LEVEL": "3", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([python, str(HERE / "worker.py"), library, action, folder, str(count)], check=True, env=settings)


def cell(index: int, result: dict[str, object] | None, own: dict[str, object] | None) -> tuple[bool, str]:
    """Return whether a file was good, or not there, and the words for the table."""
    if result is None:
        return True, "-"
    if "error" in result:
        return (False, "fails") if result["own"] else (True, "own fails too")
    if nets.good(index, result):
        return True, "same"
    if own is not None and nets.good(index, own):
        return True, "as Keras reads it"
    outputs, losses = float(str(result["outputs"])), float(str(result["losses"]))
    return False, f"outputs {outputs:.0e}" if outputs > nets.OUTPUTS else f"losses {losses:.0e}"


def table(folder: pathlib.Path, count: int) -> int:
    """Print what became of every file; return how many were not good."""
    columns = [(by, ending) for by in ("keras", "nnlite") for ending in FORMATS]
    results = {by: json.loads((folder / f"opened_by_{by}.json").read_text()) for by in ("keras", "nnlite")}
    own = json.loads((folder / "own.json").read_text())
    titles = [f"{'nnlite' if by == 'keras' else 'Keras'} {ending or 'folder'}" for by, ending in columns]
    print(f"{'net':<12}" + "".join(f"{title:>21}" for title in titles))
    bad, same = [], 0
    for index in range(count):
        found = [(results[by].get(f"{index}{ending}"), own.get(f"{index}{ending}")) for by, ending in columns]
        cells = [
            cell(index, one, again if by == "nnlite" else None)
            for (by, _), (one, again) in zip(columns, found, strict=True)
        ]
        print(f"{nets.name_of(index):<12}" + "".join(f"{words:>21}" for _, words in cells))
        bad += [(index, *column) for column, (good, _) in zip(columns, cells, strict=True) if not good]
        same += sum(words == "same" for _, words in cells)
    for index, by, ending in bad:
        result = results[by][f"{index}{ending}"]
        print(f"{nets.name_of(index)}{ending} opened by {by}: {result.get('error', result)}")
    print(f"{same} of {same + len(bad)} files are the same on both sides")
    return len(bad)


def main() -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keras", default="3.15.1", help="version to install")
    parser.add_argument("--python", default=None, help="an interpreter that has Keras, in the place of installing it")
    parser.add_argument("--nets", type=int, default=len(nets.CHOSEN) + 10, help="how many architectures")
    parser.add_argument(
        "--environments", type=pathlib.Path, default=pathlib.Path.home() / ".cache" / "nnlite-interop", help="where"
    )
    arguments = parser.parse_args()
    python = arguments.python or environment(arguments.keras, arguments.environments)
    with tempfile.TemporaryDirectory() as folder:
        for library, interpreter in (("keras", python), ("nnlite", sys.executable)):
            run(interpreter, library, "save", folder, arguments.nets)
        for library, interpreter in (("keras", python), ("nnlite", sys.executable)):
            run(interpreter, library, "open", folder, arguments.nets)
        run(python, "keras", "own", folder, arguments.nets)
        return 1 if table(pathlib.Path(folder), arguments.nets) else 0


if __name__ == "__main__":
    sys.exit(main())
