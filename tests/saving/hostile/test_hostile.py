"""Every hostile file is refused, soon and cheaply, and its harmless twin opens."""

import subprocess
import sys
import time
import warnings

import pytest

import nnlite as keras

from . import hdf5_files  # noqa: F401 (it adds to the attacks)
from .files import ATTACKS

KNOWN = {
    *("CVE-2024-3660", "CVE-2025-1550", "CVE-2025-8747", "CVE-2025-9905", "CVE-2025-9906", "CVE-2025-12058"),
    *("CVE-2025-12060", "CVE-2026-0897", "CVE-2026-1462", "CVE-2026-1669", "CVE-2026-12479", "CVE-2026-12481"),
    "GHSA-27f4-p4xq-cxg8",
}

_MEASURED = """
import resource, sys, time
import h5py, nnlite
nnlite.models.load_model(sys.argv[1])
nnlite.models.load_model(sys.argv[2])
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
for path in sys.argv[3:]:
    try:
        nnlite.models.load_model(path)
    except ValueError:
        pass
    after, end = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    print(path.rpartition("/")[2], after - before, round(end - start, 3))
    start = time.process_time()
"""


def place(folder, name, harmless=False):
    legacy = "legacy" in name or "hdf5" in name or name in HDF5
    path = folder / f"{name}{'-twin' if harmless else ''}{'.h5' if legacy else '.keras'}"
    ATTACKS[name].write(path, harmless)
    return path


HDF5 = {
    "layer_of_absurd_size",
    "config_of_absurd_size",
    "numbers_for_a_config",
    "one_long_name_many_times",
    "one_name_that_claims_to_be_long",
    "names_that_lead_elsewhere",
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("safe_mode", [True, False])
def test_refused(tmp_path, name, safe_mode):
    path = place(tmp_path, name)
    start = time.process_time()
    with pytest.raises(ValueError, match=ATTACKS[name].says) as refusal:
        keras.models.load_model(path, safe_mode=safe_mode)
    assert path.name in str(refusal.value)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("name", ATTACKS)
def test_the_harmless_twin_opens(tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        keras.models.load_model(place(tmp_path, name, harmless=True))


def test_all_that_is_known_is_tried():
    assert {number for one in ATTACKS.values() for number in one.known.split(", ") if number} == KNOWN


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_none_takes_much_memory(tmp_path):
    first = [place(tmp_path, name, harmless=True) for name in ("soft_link", "layer_of_absurd_size")]
    paths = [place(tmp_path, name) for name in ATTACKS]
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _MEASURED, *first, *paths], stdout=-1, check=True, text=True
    )
    for line in found.stdout.splitlines():
        _, kilobytes, seconds = line.split()
        assert int(kilobytes) < 200_000 and float(seconds) < 1, line
