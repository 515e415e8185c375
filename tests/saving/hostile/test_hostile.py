"""Every hostile file is refused, soon and cheaply, and its harmless twin opens."""

import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from . import (  # noqa: F401 (they add to the attacks)
    archive_files,
    code_files,
    config_files,
    folder_files,
    hdf5_files,
    hdf5_forms,
    hdf5_many,
)
from .files import ATTACKS, open_file, place

TESTS = Path(__file__).parents[2]
KNOWN = {
    *("CVE-2024-3660", "CVE-2025-1550", "CVE-2025-8747", "CVE-2025-9905", "CVE-2025-9906", "CVE-2025-12058"),
    *("CVE-2025-12060", "CVE-2026-0897", "CVE-2026-1462", "CVE-2026-1669", "CVE-2026-12479", "CVE-2026-12481"),
    *("CVE-2025-49655",),
    "GHSA-27f4-p4xq-cxg8",
}

_MEASURED = """
import resource, sys, time
import pathlib
sys.path.insert(0, sys.argv[1])
from saving.hostile.files import open_file
paths = [pathlib.Path(path) for path in sys.argv[2:]]
while paths and "-twin" in paths[0].name:
    open_file(paths.pop(0))
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
for path in paths:
    try:
        open_file(path)
    except ValueError:
        pass
    after, end = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    print(path.name, after - before, round(end - start, 3))
    start = time.process_time()
"""


@pytest.mark.parametrize("name", ATTACKS)
def test_refused(tmp_path, name):
    path = place(tmp_path, name)
    options = {"safe_mode": False} if ATTACKS[name].ending in (".keras", ".h5") else {}
    start = time.process_time()
    with pytest.raises(ValueError, match=ATTACKS[name].says) as refusal:
        open_file(path, **options)
    assert (path.name if path.suffix != ".json" else "") in str(refusal.value)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("name", ATTACKS)
def test_the_harmless_twin_opens(tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_file(place(tmp_path, name, harmless=True))


def test_all_that_is_known_is_tried():
    assert {number for one in ATTACKS.values() for number in one.known.split(", ") if number} == KNOWN


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_none_takes_much_memory(tmp_path):
    kinds = {one.ending: name for name, one in ATTACKS.items()}
    first = [place(tmp_path, name, harmless=True) for name in kinds.values()]
    paths = [place(tmp_path, name) for name in ATTACKS]
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _MEASURED, TESTS, *first, *paths], stdout=-1, check=True, text=True
    )
    for line in found.stdout.splitlines():
        _, kilobytes, seconds = line.split()
        assert int(kilobytes) < 200_000 and float(seconds) < 1, line
