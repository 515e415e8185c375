"""Weights in HDF5 files of Keras 3's layout, which late versions of Keras 2 wrote nearly: reading with care, writing
plainly."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

import numpy as np

from nnlite.core.layer import Layer
from nnlite.core.loading import Opening
from nnlite.core.variable import Variable
from nnlite.saving import forms, guarded, headers, tree
from nnlite.saving.stored import Stored

# What an object may read that keeps something else than its variables.
_LARGEST_OWN = 64 * 2**20
# How many arrays there may be for an object, however few it has itself.
_FEW_ARRAYS = 1000
# Where Keras 2.12 and 2.13 wrote a model's layers.
_OLD_LAYERS = "_layer_checkpoint_dependencies"

_MOST_NAMED, _MOST_LOOKED = 20, 1000  # of layers that were not read

Pairs = list[tuple[Variable, Stored]]


def write_weights(model: Any, file: Any) -> None:
    """Write the variables of a model, and of its optimizer if that has any, into an open HDF5 file."""
    for path, obj in tree.walk(model):
        group = file.create_group(f"{path}/vars")
        group.attrs["name"] = str(getattr(obj, "name", ""))
        store: dict[str, Any] = {}
        obj.save_own_variables(store)
        for key, value in store.items():
            group.create_dataset(key, data=np.asarray(value))


def read_weights(
    model: Any, source: Arrays, label: str, skip_mismatch: bool = False, opening: Opening | None = None
) -> None:
    """Read the variables of a model, and of its optimizer, from one file or several.

    Everything is checked before the first array is read, and all of it read before the first variable changes; a model
    that is just being made takes the arrays one by one, with no copy of them on the way.

    Args:
        model: built, so that its variables exist.
        source: where the arrays are.
        label: the file's name, for messages.
        skip_mismatch: whether layers that do not fit keep their weights, with a warning, rather than being an error.
        opening: the model that is being made from the file, if it is one.

    Raises:
        ValueError: if arrays are missing, too many, of other shapes or damaged; the message lists them.
    """
    pairs: Pairs = []
    others, optimizers, problems, paths, variables = [], [], [], set(), len(model.weights)
    left = _most_in_all(variables)
    for path, obj in tree.walk(model, source.counts_twice()):
        paths.add(path.strip("/"))
        where = f"{path}/vars".lstrip("/")
        store = source.at(where, min(left, _most_arrays(obj, variables)))
        left -= len(store)
        if _is_optimizer(obj):
            if not hasattr(obj, "inner_optimizer"):
                wrapped = source.at(f"{path}/inner_optimizer/vars".lstrip("/"), min(left, _most_arrays(obj, variables)))
                left -= len(wrapped)
                store = wrapped or store  # saved under a scaled loss, which this model does not have
            optimizers += [(obj, store)] if store else []
        elif not _keeps_default_form(obj):
            size = sum(array.nbytes for array in store.values())
            most = _LARGEST_OWN + 8 * sum(v.value.nbytes for v in getattr(obj, "weights", []))
            if size > most:
                raise ValueError(f"{label}: the arrays at {where!r} have {size} bytes, more than {most} expected.")
            others.append((obj, store))
        else:
            problem = _mismatch(obj, obj._own_in_order(), store, where)
            if problem:
                problems.append(problem)
            else:
                pairs += [(v, store[str(i)]) for i, v in enumerate(obj._own_in_order())]
    report(problems, model, label, skip_mismatch)
    unread = [] if skip_mismatch else source.layers_beside(paths)
    if unread:
        warnings.warn(
            f"{label}: the file also holds weights of layers that the model {model.name!r} does not have, which were "
            f"not read: {', '.join(unread)}",
            stacklevel=4,
        )
    ready = [(obj, {key: array.read() for key, array in store.items()}) for obj, store in others]
    fill(pairs, opening)
    for obj, values in ready:
        if opening is not None:
            opening.draw(getattr(obj, "weights", []))  # it says itself which of them it reads
        if values:
            obj.load_own_variables(values)
    for obj, store in optimizers:
        load_optimizer(obj, list(store.values()), model, label, opening)


def report(problems: list[str], model: Any, label: str, skip_mismatch: bool) -> None:
    """Raise ``ValueError`` for what does not fit a model, or warn of it."""
    if not problems:
        return
    if skip_mismatch:
        more = f" and {len(problems) - 20} more" if len(problems) > 20 else ""
        warnings.warn(f"{label}: skipped what does not fit: {'; '.join(problems[:20])}{more}", stacklevel=5)
        return
    listed = "\n  ".join(problems[:20])
    more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""
    raise ValueError(
        f"{label}: the weights do not fit the model {model.name!r}, {len(problems)} of its layers differ:\n"
        f"  {listed}{more}\nNothing was loaded. Was the file saved from another architecture?"
    )


def fill(pairs: Pairs, opening: Opening | None = None) -> None:
    """Write arrays into variables whose shapes they have.

    A model in hand changes when all arrays have been read, and so not at all if one is damaged; one that is being made
    from the file is not to be had in that case, so it takes them without a copy of them all.
    """
    if opening is not None:
        for variable, array in pairs:
            array.read_into(variable)
        opening.filled(variable for variable, _ in pairs)
        return
    values = [array.read() for _, array in pairs]
    for (variable, _), value in zip(pairs, values, strict=True):
        variable.assign(value)


def _most_arrays(obj: Any, variables: int) -> int:
    """How many arrays a file may hold for an object, also if it is not of this model, which has so many variables."""
    return _FEW_ARRAYS + 8 * (variables if _is_optimizer(obj) else len(getattr(obj, "weights", [])))


def _most_in_all(variables: int) -> int:
    """How many arrays a file may have for a model of so many variables: to look at each takes a while, and in a small
    file any number of groups may be the same one."""
    return _FEW_ARRAYS + 8 * variables


def check_count(count: int, model: Any, label: str) -> None:
    """Raise ``ValueError`` if a file lists far more arrays than a model has variables."""
    variables = len(model.weights)
    if count > _most_in_all(variables):
        raise ValueError(f"{label}: the file has {count} arrays for {model.name!r}, which has {variables}.")


def _is_optimizer(obj: Any) -> bool:
    return hasattr(obj, "iterations")


def _keeps_default_form(obj: Any) -> bool:
    """Whether what the object stores is known to be its own variables in order, so that it can be checked ahead."""
    return type(obj).load_own_variables is Layer.load_own_variables


def load_optimizer(
    optimizer: Any, arrays: list[Stored], model: Any, label: str, opening: Opening | None = None
) -> None:
    """Read an optimizer's state. It is worth having, but a model without it still predicts: a misfit is a warning, as
    in Keras."""
    try:
        if not optimizer.built and len(arrays) > len(optimizer.variables):
            optimizer.build(model.trainable_weights)
        if not type(optimizer).load_own_variables.__module__.startswith("nnlite."):
            optimizer.load_own_variables({str(index): array for index, array in enumerate(arrays)})
            return
        if len(arrays) == 1 + len(model.trainable_weights) and optimizer.fits_unbuilt(len(optimizer.variables)):
            arrays = arrays[:1]  # Keras 2 kept momentums of zero for SGD without momentum
        variables, unbuilt = _expected(optimizer, len(arrays))
        if len(variables) != len(arrays):
            raise ValueError(
                f"{type(optimizer).__name__} {optimizer.name!r} has {len(variables)} variables "
                f"({', '.join(v.name for v in variables[:8])}, ...), the file holds {len(arrays)} for it."
            )
        for variable, array in zip(variables, arrays, strict=True):
            if array.shape != variable.shape:
                raise ValueError(f"{variable.path!r} has shape {variable.shape}, the file's array {array.shape}.")
        fill(list(zip(variables, arrays, strict=True)), opening)
        if unbuilt:
            optimizer.reset_slots()
        elif len(variables) < len(optimizer.variables):
            optimizer.complete()
    except ValueError as error:
        warnings.warn(f"{label}: the optimizer's state was not loaded: {error}", stacklevel=5)


def _expected(optimizer: Any, count: int) -> tuple[list[Variable], bool]:
    """The variables whose values ``count`` arrays are, and whether the optimizer that was saved had made no step."""
    variables = list(optimizer.variables)
    kept = optimizer.kept_by_keras_2()
    if count == len(kept) < len(variables):
        return kept, False
    if count != len(variables) and optimizer.fits_unbuilt(count):
        return optimizer._heads()[:count], True
    return variables, False


def _mismatch(obj: Any, own: list[Variable], store: dict[str, Stored], where: str) -> str | None:
    label = getattr(obj, "label", type(obj).__name__)
    if len(store) != len(own):
        names = ", ".join(f"{v.path} {v.shape}" for v in own) or "no variables"
        shapes = ", ".join(str(array.shape) for array in store.values()) or "none"
        return f"{label}: expected {names}; the file has {len(store)} arrays at {where!r}: {shapes}"
    for index, variable in enumerate(own):
        if str(index) not in store:
            return f"{label}: the file has no array {where}/{index} for {variable.path}"
        problem = store[str(index)].misfit(variable)
        if problem:
            return f"{label}: {problem}"
    return None


def open_h5(source: Any, label: str) -> Any:
    """Open HDF5 for reading: a path, or a file that is open.

    Raises ``ValueError`` for what is none, if any of its links leads to another place, and for what HDF5 could not read
    safely.
    """
    import h5py

    with open(source, "rb") if isinstance(source, str) else contextlib.nullcontext(source) as content:
        raw = _checked(content, label)
        try:
            file = h5py.File(source, "r")
        except (OSError, RuntimeError, ValueError, OverflowError) as error:
            raise ValueError(f"{label}: no HDF5 file, or a damaged one: {error}") from None
        try:
            headers.remember(file, raw)
            guarded.check_links(file, label)
        except BaseException:
            file.close()
            raise
    return file


def _checked(content: Any, label: str) -> headers.Raw:
    """The bytes of a file that HDF5 can read safely."""
    try:
        block = headers.superblock(headers.reader(content))
    except (ValueError, OSError) as error:
        raise ValueError(f"{label}: no HDF5 file, or a damaged one: {error}.") from None
    raw = headers.Raw(headers.reader(content, block.start))
    forms.Forms(raw, label).check(block)
    return raw


class Arrays:
    """Where arrays of weights are found by their paths: one file, or several."""

    def at(self, path: str, most: int) -> dict[str, Stored]:
        """Return the arrays in the group at a path, by name, in numeric order; none if there is no group.

        Raises ``ValueError`` if there are more than ``most``.
        """
        raise NotImplementedError

    def layers_beside(self, paths: set[str]) -> list[str]:
        """Return the paths of layers that hold arrays and are not among ``paths``, the first of them."""
        raise NotImplementedError

    def counts_twice(self) -> bool:
        """Return whether siblings with variables count twice in the numbers that paths have."""
        return False


class InFile(Arrays):
    """The arrays of one open HDF5 file."""

    def __init__(self, file: Any, label: str) -> None:
        self.file, self.label = file, label

    def at(self, path: str, most: int) -> dict[str, Stored]:
        for way in _ways(path):
            group = guarded.group_at(self.file, way, self.label)
            if group is not None:
                keys = sorted(
                    guarded.names(group, self.label, most), key=lambda k: (0, int(k), k) if k.isdecimal() else (1, 0, k)
                )
                found = {key: guarded.array_at(group, key, self.label) for key in keys}
                return {key: array for key, array in found.items() if array is not None}
        return {}

    def counts_twice(self) -> bool:
        return guarded.child(self.file, _OLD_LAYERS, self.label) is not None

    def layers_beside(self, paths: set[str]) -> list[str]:
        layers = guarded.group_at(self.file, "layers", self.label)
        found: list[str] = []
        looked = 0
        for name in guarded.names(layers, self.label) if layers is not None else ():
            path = f"layers/{name}"
            stored = guarded.group_at(layers, f"{name}/vars", self.label) if path not in paths else None
            if stored is not None and len(stored):
                found.append(path)
            looked += path not in paths
            if len(found) == _MOST_NAMED or looked == _MOST_LOOKED:
                break
        return found


def _ways(path: str) -> list[str]:
    """The paths under which versions of Keras wrote what stands at ``path`` now."""
    *parents, _ = path.split("/")
    hidden = [*parents[:-1], f"_{parents[-1]}"] if parents else []  # attributes were private
    found = [parents, hidden]
    if "layers" in parents:
        found += [[_OLD_LAYERS if p == "layers" else p for p in way] for way in (parents, hidden)]
    # On Windows, Keras 2 joined the parts with its separator.
    joined = ["\\".join(way) for way in (parents, hidden)] if parents else []
    return [*("/".join([*way, "vars"]) for way in found if way or not parents), *(f"{way}/vars" for way in joined)]
