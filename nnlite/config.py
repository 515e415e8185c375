"""Process-wide settings: default float type, epsilon, image layout, number of threads."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_MIXED = ("mixed_float16", "mixed_bfloat16")
_WHOLE = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "string")
_FORMATS = ("channels_last", "channels_first")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"
_winograd = True
_interactive_logging = True
_num_threads: int | None = None
_dtype_policy: DTypePolicy | None = None
_half_told = False


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


class DTypePolicy:
    """What a layer computes in and what its variables are, under one name.

    Args:
        name: name of a dtype, "mixed_float16" or "mixed_bfloat16" (variables in float32, the rest in half precision);
            the global policy's where None.

    Half precision is accepted in scripts and files and kept in configs, as this object says it; layers compute it in
    float32, and say that in their own ``compute_dtype``.

    Raises:
        TypeError: if ``name`` is no string.
        ValueError: for another name.

    >>> policy = DTypePolicy("mixed_float16")
    >>> policy.compute_dtype, policy.variable_dtype
    ('float16', 'float32')
    """

    quantization_mode = None

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = dtype_policy().name
        if not isinstance(name, str):
            raise TypeError(f"DTypePolicy: name must be a string such as 'mixed_float16', got {name!r}.")
        if name not in (*_FLOATS, *_MIXED, *_WHOLE):
            raise ValueError(f"DTypePolicy: got {name!r}, expected one of {', '.join((*_FLOATS, *_MIXED, *_WHOLE))}.")
        self._name = name

    @property
    def name(self) -> str:
        """Name of the policy."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """Name of the dtype that is asked for in computing."""
        return self._name.removeprefix("mixed_")

    @property
    def variable_dtype(self) -> str:
        """Name of the dtype that is asked for in variables."""
        return "float32" if self._name in _MIXED else self._name

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's argument."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """Make a policy from what :meth:`get_config` returned."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(other) in (DTypePolicy, FloatDTypePolicy) and self._name == getattr(other, "_name", None)

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


class FloatDTypePolicy(DTypePolicy):
    """Keras's other name for :class:`DTypePolicy`."""


def dtype_policy() -> Any:
    """Return the policy of new layers: that of :func:`floatx` until another one is set.

    >>> dtype_policy()
    <DTypePolicy "float32">
    """
    return DTypePolicy(_floatx) if _dtype_policy is None else _dtype_policy


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of new layers.

    Half precision is kept in configs and files, and computed in float32: a warning says so, once in a process.

    Args:
        policy: name of a policy, such as "mixed_float16", or a :class:`DTypePolicy`.

    Raises:
        ValueError: for anything else.

    >>> set_dtype_policy("float32")
    """
    global _dtype_policy
    if not isinstance(policy, (str, DTypePolicy)):
        raise ValueError(f"set_dtype_policy: got {policy!r}, expected a name such as 'mixed_float16' or a DTypePolicy.")
    made = DTypePolicy(policy) if isinstance(policy, str) else policy
    tell_of_half(made.name)
    _dtype_policy = made


def tell_of_half(name: str) -> None:
    """Warn, once in a process, if a policy of this name asks for half precision."""
    global _half_told
    if name in (*_MIXED, "float16", "bfloat16") and not _half_told:
        _half_told = True
        warnings.warn(
            f"dtype policy {name!r} is kept in configs and files; nnlite computes half precision in float32.",
            stacklevel=3,
        )


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


def backend() -> str:
    """Return what computes: always "numpy".

    >>> backend()
    'numpy'
    """
    return "numpy"


def is_interactive_logging_enabled() -> bool:
    """Return whether training, evaluation and prediction may show their progress (they do unless told otherwise)."""
    return _interactive_logging


def enable_interactive_logging() -> None:
    """Let ``verbose`` decide what training, evaluation and prediction show."""
    global _interactive_logging
    _interactive_logging = True


def disable_interactive_logging() -> None:
    """Show no progress, whatever ``verbose`` says.

    >>> disable_interactive_logging(); is_interactive_logging_enabled()
    False
    >>> enable_interactive_logging()
    """
    global _interactive_logging
    _interactive_logging = False


def enable_unsafe_deserialization() -> None:
    """Do nothing: no file runs code here, whatever ``safe_mode`` says."""


def enable_traceback_filtering() -> None:
    """Do nothing: tracebacks are Python's own."""


def disable_traceback_filtering() -> None:
    """Do nothing: tracebacks are Python's own."""


def is_traceback_filtering_enabled() -> bool:
    """Return False: tracebacks are Python's own."""
    return False


@contextlib.contextmanager
def device(device_name: str) -> Iterator[None]:
    """Do nothing: everything runs on this machine's processor.

    >>> with device("cpu:0"):
    ...     pass
    """
    yield


def winograd() -> bool:
    """Return whether convolutions may use Winograd's algorithm (True unless set)."""
    return _winograd


def set_winograd(enabled: bool) -> None:
    """Set whether float32 convolutions with kernels of 3 x 3 may use Winograd's algorithm where it is faster.

    It takes up to half the time of the direct sum, and its rounding error is 1.5 to 2.4 times as large: at most some
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
