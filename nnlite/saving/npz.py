"""Weights in a ``.npz`` file, for those who read them with NumPy alone: an array for each variable, under its path."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

import numpy as np

from nnlite.core.variable import Variable

_MOST_HEADER = 10_000


def named(model: Any) -> dict[str, Variable]:
    """Return the variables of a model by their paths, each with a name of its own."""
    found: dict[str, Variable] = {}
    for variable in model.weights:
        path, number = variable.path, 1
        while path in found:
            path, number = f"{variable.path}_{number}", number + 1
        found[path] = variable
    return found


def write(model: Any, file: Any) -> None:
    """Write the variables of a model into an open file."""
    with zipfile.ZipFile(file, "w") as archive:
        for path, variable in named(model).items():
            content = io.BytesIO()
            np.lib.format.write_array(content, variable.value, allow_pickle=False)
            archive.writestr(f"{path}.npy", content.getbuffer())


def read(model: Any, path: str, label: str, skip_mismatch: bool) -> None:
    """Read the variables of a model: by their paths, or where layers are named differently in their order.

    All arrays are measured before one is read, and read before a variable changes. Objects in Python's own format are
    never read.

    Raises ``ValueError`` if the file is damaged, or arrays are missing, too many, or of other shapes.
    """
    from nnlite.saving.archive import check_list, check_member
    from nnlite.saving.hdf5 import report

    variables = named(model)
    try:
        check_list(path)
    except ValueError as error:
        raise ValueError(f"{label}: {error}.") from None
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if set(infos) != set(variables) and len(infos) == len(variables) == len(archive.infolist()):
                infos = dict(zip(variables, infos.values(), strict=True))
            plan, problems = [], []
            for name, variable in variables.items():
                if name not in infos:
                    problems.append(f"expected {name} {variable.shape}; the file has none")
                    continue
                check_member(infos[name], label)
                with archive.open(infos[name]) as member:
                    shape, fortran, dtype = _header(member, f"{label}: {infos[name].filename}")
                if shape != variable.shape or (dtype.kind == "f") != (variable.value.dtype.kind == "f"):
                    problems.append(f"expected {name} {variable.shape}; the file has {shape} of {dtype}")
                else:
                    plan.append((variable, infos[name], fortran, dtype))
            extra = set(infos) - set(variables)
            problems += [f"the file also has {name!r}" for name in sorted(extra)]
            report(problems, model, label, skip_mismatch)
            values = [
                _values(archive, info, label, fortran, dtype, variable.shape) for variable, info, fortran, dtype in plan
            ]
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{label}: no .npz file, or a damaged one: {error}") from None
    for (variable, *_), value in zip(plan, values, strict=True):
        variable.assign(value)


def _header(member: Any, place: str) -> tuple[tuple[int, ...], bool, Any]:
    try:
        version = np.lib.format.read_magic(member)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"it has version {version} of NumPy's format")
        length = member.read(2 * version[0])
        size = int.from_bytes(length, "little")
        if size > _MOST_HEADER:  # NumPy would read it before it looks
            raise ValueError(f"its header has {size} bytes, more than {_MOST_HEADER}")
        header = io.BytesIO(length + member.read(size))
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read_header(header, max_header_size=_MOST_HEADER)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError):
        raise
    except Exception as error:  # Python's own parser has many kinds
        raise ValueError(f"{place} is no array: {error}") from None
    if dtype.kind not in "fiub" or dtype.hasobject:
        raise ValueError(f"{place} has dtype {dtype}; only numbers are read.")
    return tuple(int(n) for n in shape), fortran, dtype


def _values(archive: Any, info: Any, label: str, fortran: bool, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape, dtype=np.int64))
    with archive.open(info) as member:
        _header(member, label)
        content = member.read(count * dtype.itemsize + 1)
    if len(content) != count * dtype.itemsize:
        raise ValueError(
            f"{label}: {info.filename} is damaged: it has {len(content)} bytes for an array of shape {shape}."
        )
    flat = np.frombuffer(content, dtype)
    return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
