"""The state of optimizers in the HDF5 files of Keras 1 and 2, which have had several orders for it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from nnlite.core.loading import Opening
from nnlite.core.variable import Variable
from nnlite.saving import guarded, hdf5, legacy_h5
from nnlite.saving.stored import Stored

_MOST_NAMES = 2**16
# What names of slots end in, up to Keras 2.10.
_SLOTS = {"m", "v", "vhat", "rms", "momentum", "mg", "accumulator", "accum_grad", "accum_var", "linear"}


def read_optimizer(
    model: Any, file: Any, label: str, names_in_file: Mapping[int, str], opening: Opening | None = None
) -> None:
    """Read the optimizer's state, where the file and the model have one; what does not fit is passed over with a
    warning, as a model without it still predicts.

    Args:
        model: compiled, with the weights of the file.
        file: the open file.
        label: its name, for messages.
        names_in_file: by the ids of variables, the names that the file has for them.
        opening: the model that is being made from the file, if it is one.
    """
    group = guarded.group_at(file, "optimizer_weights", label)
    if group is None:
        group = guarded.group_at(file, legacy_h5.OPTIMIZER, label)
    optimizer = model.optimizer
    if group is None or optimizer is None:
        return
    names = guarded.texts(group, "weight_names", label)
    legacy_h5.listed(names, "arrays of the optimizer", label, _MOST_NAMES)
    hdf5.check_count(len(names), model, label)
    found = [(name, guarded.array_at(group, name, label)) for name in names]
    arrays = [array for _, array in found if array is not None]
    if not arrays:
        return
    if len(arrays) < len(found):
        missing = next(name for name, array in found if array is None)
        warnings.warn(
            f"{label}: the optimizer's state was not loaded: the file does not hold {missing!r}.", stacklevel=5
        )
        return
    slots = [_slot(name) for name in names]
    if all(slot is None for slot in slots):
        hdf5.load_optimizer(optimizer, arrays, model, label, opening)
        return
    if not optimizer.built:
        optimizer.build(model.trainable_weights)
    try:
        pairs = _pairs(slots, arrays, optimizer, _orders(model.trainable_weights, names_in_file))
        hdf5.fill(pairs, opening)
    except ValueError as error:
        warnings.warn(f"{label}: the optimizer's state was not loaded: {error}", stacklevel=5)


def _slot(name: str) -> str | None:
    """The slot that a name ends in, "" for a mere number as before Keras 2.3, None if it tells of none."""
    last = name.split(":")[0].rsplit("/", 1)[-1]
    if last.startswith("Variable"):
        return ""
    return last if last in _SLOTS and "/" in name else None


def _orders(trained: list[Variable], names_in_file: Mapping[int, str]) -> list[list[Variable]]:
    """The orders in which a file may have the variables: the model's, and that of their names, as before Keras 2.1."""
    by_name = sorted(trained, key=lambda v: names_in_file.get(id(v), v.path))
    return [trained, by_name]


def _pairs(
    slots: list[str | None], arrays: list[Stored], optimizer: Any, orders: Iterable[list[Variable]]
) -> hdf5.Pairs:
    """The optimizer's variables, each with its array.

    All first slots come first, then all second ones, whereas today those of one variable stand side by side where
    they are made so. Raises ``ValueError`` if numbers or shapes do not fit.
    """
    heads: hdf5.Pairs = []
    if arrays[0].shape == () and optimizer.iterations.shape == ():  # some had no count
        heads, slots, arrays = [(optimizer.variables[0], arrays[0])], slots[1:], arrays[1:]
    rate = getattr(optimizer, "learning_rate", None)
    targets = [v for v in optimizer.variables[1:] if v is not rate]
    kinds = _by_kind(targets)
    order = list(optimizer._trained)
    count = len(order)
    if any(len(column) != count for column in kinds):
        raise ValueError(f"{type(optimizer).__name__} keeps its state in another form than older files.")
    columns = _columns(slots, arrays, count)
    if len(columns) < len(kinds) or any(array.shape != (1,) for column in columns[len(kinds) :] for array in column):
        raise ValueError(
            f"{type(optimizer).__name__} has {len(kinds)} slots for each variable, the file's {len(columns)}."
        )
    for candidate in orders:
        place = {id(v): index for index, v in enumerate(candidate)}
        rows = [place.get(id(v), -1) for v in order]
        if -1 in rows:
            continue
        pairs = [
            (target, column[row])
            for kind, column in zip(kinds, columns, strict=False)
            for target, row in zip(kind, rows, strict=True)
        ]
        if all(variable.shape == array.shape for variable, array in pairs):
            return heads + pairs
    raise ValueError("the shapes of its arrays are not those of the variables that learn.")


def _by_kind(targets: list[Variable]) -> list[list[Variable]]:
    kinds: dict[str, list[Variable]] = {}
    for target in targets:
        kinds.setdefault(target.name.rsplit("_", 1)[-1], []).append(target)
    return list(kinds.values())


def _columns(slots: list[str | None], arrays: list[Stored], count: int) -> list[list[Stored]]:
    """The arrays slot by slot: by their names where these tell, else by their places."""
    if all(slots):
        named: dict[str | None, list[Stored]] = {}
        for slot, array in zip(slots, arrays, strict=True):
            named.setdefault(slot, []).append(array)
        columns = list(named.values())
    else:
        columns = [arrays[start : start + count] for start in range(0, len(arrays), count)] if count else []
    if any(len(column) != count for column in columns):
        raise ValueError(f"{count} variables learn, the file has slots of {', '.join(str(len(c)) for c in columns)}.")
    return columns
