"""Process-wide settings: default float type, epsilon, image layout, number of threads."""

from __future__ import annotations

import os

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_FORMATS = ("channels_last", "channels_first")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"
_winograd = True
_num_threads: int | None = None


def floatx() -> str:
    """Return the default float type of new layers, as a string (``"float32"`` unless set)."""
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type of new layers.

    Raises ``ValueError`` if ``value`` is not one of float16, bfloat16, float32, float64.

    >>> set_floatx("float32")
    """
    global _floatx
    if value not in _FLOATS:
        raise ValueError(f"set_floatx: got {value!r}, expected one of {', '.join(_FLOATS)}.")
    _floatx = value


def epsilon() -> float:
    """Return the small number (``1e-7`` unless set) that keeps divisions and logarithms finite."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the number that :func:`epsilon` returns.

    >>> set_epsilon(1e-7)
    """
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """Return the default axis order of images: ``"channels_last"`` (N, H, W, C) unless set."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the default axis order of images, ``"channels_last"`` or ``"channels_first"``.

    >>> set_image_data_format("channels_last")
    """
    global _image_data_format
    _image_data_format = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """Return ``data_format`` checked, or the default where it is None."""
    if data_format is None:
        return _image_data_format
    value = str(data_format).lower()
    if value not in _FORMATS:
        raise ValueError(f"data_format: got {data_format!r}, expected 'channels_last' or 'channels_first'.")
    return value


def winograd() -> bool:
    """Return whether convolutions may use Winograd's algorithm (True unless set)."""
    return _winograd


def set_winograd(enabled: bool) -> None:
    """Set whether float32 convolutions with kernels of 3 x 3 may use Winograd's algorithm where it is faster.

    It takes up to half the time of the direct sum, and its rounding error is about 2.4 times as large: at most some
    1e-6 of the largest output. An inf or NaN in an image reaches outputs up to five pixels away, rather than one.

    >>> set_winograd(False)
    >>> winograd()
    False
    >>> set_winograd(True)
    """
    global _winograd
    _winograd = bool(enabled)


def get_num_threads() -> int:
    """Return how many threads nnlite computes with.

    Until :func:`set_num_threads` is called this is the environment variable ``NNLITE_NUM_THREADS`` or, where that is
    not set, the number of CPUs this process may use: its affinity, cut by the CPU quota of its container (cgroup).
    """
    global _num_threads
    if _num_threads is None:
        text = os.environ.get("NNLITE_NUM_THREADS", "").strip()
        _num_threads = _checked_threads(text, "NNLITE_NUM_THREADS") if text else _usable_cpus()
    return _num_threads


def set_num_threads(num_threads: int | None) -> None:
    """Set how many threads nnlite computes with; None goes back to the default.

    Results from different numbers of threads agree to rounding; with the same number they are equal bit for bit.

    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(None)
    """
    global _num_threads
    _num_threads = None if num_threads is None else _checked_threads(num_threads, "set_num_threads")


def _checked_threads(value: object, place: str) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError(f"{place}: got {value!r}, expected a whole number of threads, at least 1.")
    return number


def _usable_cpus() -> int:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _container_quota()
    return max(1, min(cpus, quota)) if quota else max(1, cpus)


def _container_quota() -> int | None:
    """CPUs that the Linux control group grants (version 2, then 1), rounded up; None without a limit."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()[:2]
    except (OSError, ValueError):
        try:
            with open("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") as file:
                quota = file.read().strip()
            with open("/sys/fs/cgroup/cpu/cpu.cfs_period_us") as file:
                period = file.read().strip()
        except OSError:
            return None
    try:
        limit, length = int(quota), int(period)
    except ValueError:  # "max": no limit
        return None
    return -(-limit // length) if limit > 0 and length > 0 else None
