"""Weights in HDF5 files: reading with care, writing plainly."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlite.core.layer import Layer
from nnlite.saving import guarded, tree


def write_weights(model: Any, file: Any) -> None:
    """Write the variables of a model, and of its optimizer if that has any, into an open HDF5 file."""
    for path, obj in tree.walk(model):
        group = file.create_group(f"{path}/vars")
        group.attrs["name"] = str(getattr(obj, "name", ""))
        store: dict[str, Any] = {}
        obj.save_own_variables(store)
        for key, value in store.items():
            group.create_dataset(key, data=np.asarray(value))


def read_weights(model: Any, file: Any, label: str, skip_mismatch: bool = False) -> None:
    """Read the variables of a model, and of its optimizer, from an open HDF5 file.

    Everything is checked and read before the first variable changes.

    Args:
        model: built, so that its variables exist.
        file: the open file.
        label: the file's name, for messages.
        skip_mismatch: whether layers that do not fit keep their weights, with a warning, rather than being an error.

    Raises:
        ValueError: if arrays are missing, too many, or of other shapes; the message lists them.
    """
    plan, problems = [], []
    for path, obj in tree.walk(model):
        store = _Group(file, f"{path}/vars", label)
        if _is_optimizer(obj) and not hasattr(obj, "inner_optimizer"):
            wrapped = _Group(file, f"{path}/inner_optimizer/vars", label)
            store = wrapped if len(wrapped) else store  # saved under a scaled loss, which this model does not have
        if _is_optimizer(obj) or not _keeps_default_form(obj):
            plan += [(obj, store)] if len(store) else []
            continue
        problem = _mismatch(obj, obj._own_in_order(), store)
        if problem:
            problems.append(problem)
        elif len(store):
            plan.append((obj, store))
    if problems and not skip_mismatch:
        listed = "\n  ".join(problems[:20])
        more = f"\n  and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise ValueError(
            f"{label}: the weights do not fit the model {model.name!r}, {len(problems)} of its layers differ:\n"
            f"  {listed}{more}\nNothing was loaded. Was the file saved from another architecture?"
        )
    if problems:
        warnings.warn(f"{label}: skipped what does not fit: {'; '.join(problems)}", stacklevel=4)
    unread = _layers_in(file, label) - {path.strip("/") for path, _ in tree.walk(model)}
    if unread and not skip_mismatch:
        warnings.warn(
            f"{label}: the file also holds weights of layers that the model {model.name!r} does not have, which were "
            f"not read: {', '.join(sorted(unread))}",
            stacklevel=4,
        )
    arrays = [(obj, {key: store[key] for key in store}) for obj, store in plan]
    for obj, values in arrays:
        if _is_optimizer(obj):
            _load_optimizer(obj, values, model, label)
        else:
            obj.load_own_variables(values)


def _layers_in(file: Any, label: str) -> set[str]:
    """Return the paths of the model's own layers that hold arrays in the file."""
    layers = guarded.child(file, "layers", label)
    found = set()
    for name in layers if hasattr(layers, "keys") else ():
        layer = guarded.child(layers, name, label)
        stored = guarded.child(layer, "vars", label) if hasattr(layer, "keys") else None
        if stored is not None and hasattr(stored, "keys") and len(stored):
            found.add(f"layers/{name}")
    return found


def _is_optimizer(obj: Any) -> bool:
    return hasattr(obj, "iterations")


def _keeps_default_form(obj: Any) -> bool:
    """Whether what the object stores is known to be its own variables in order, so that it can be checked ahead."""
    return type(obj).load_own_variables is Layer.load_own_variables


def _load_optimizer(optimizer: Any, values: dict[str, Any], model: Any, label: str) -> None:
    """Optimizer state is worth having, but a model without it still predicts: a misfit is a warning, as in Keras."""
    try:
        if not optimizer.built and len(values) > len(optimizer.variables):
            optimizer.build(model.trainable_weights)
        if optimizer.built and len(values) == len(optimizer.variables) - 1:  # Keras 2 kept no learning rate
            count = len(values)
            values = {"0": values["0"], "1": np.asarray(optimizer.learning_rate)} | {
                str(index + 1): values[str(index)] for index in range(1, count)
            }
        elif optimizer.built and optimizer.fits_unbuilt(len(values)):  # there were no slots yet
            optimizer.load_unbuilt(values)
            return
        optimizer.load_own_variables(values)
    except ValueError as error:
        warnings.warn(f"{label}: the optimizer's state was not loaded: {error}", stacklevel=5)


def _mismatch(obj: Any, own: list[Any], store: _Group) -> str | None:
    label = getattr(obj, "label", type(obj).__name__)
    if len(store) != len(own):
        names = ", ".join(f"{v.path} {v.shape}" for v in own) or "no variables"
        shapes = ", ".join(str(store.shape(key)) for key in store) or "none"
        return f"{label}: expected {names}; the file has {len(store)} arrays at {store.path!r}: {shapes}"
    for index, variable in enumerate(own):
        if str(index) not in store:
            return f"{label}: the file has no array {store.path}/{index} for {variable.path}"
        if store.shape(str(index)) != variable.shape:
            return f"{label}: expected {variable.path} {variable.shape}; the file has {store.shape(str(index))}"
    return None


def _ways(path: str) -> list[str]:
    """The paths under which versions of Keras wrote what stands at ``path`` now."""
    *parents, _ = path.split("/")
    hidden = [*parents[:-1], f"_{parents[-1]}"] if parents else []  # attributes were private
    found = [parents, hidden]
    if parents[:1] == ["layers"]:
        found += [["_layer_checkpoint_dependencies", *way[1:]] for way in (parents, hidden)]
    # On Windows, Keras 2 joined the parts with its separator.
    joined = ["\\".join(way) for way in (parents, hidden)] if parents else []
    return [*("/".join([*way, "vars"]) for way in found if way or not parents), *(f"{way}/vars" for way in joined)]


class _Group(Mapping[str, Any]):
    """The arrays of one HDF5 group by name, in numeric order; a group that is not there is empty."""

    def __init__(self, file: Any, path: str, label: str) -> None:
        self.path, self.label = path.lstrip("/"), label
        group = next(
            (found for found in (guarded.at(file, p, label) for p in _ways(self.path)) if found is not None), None
        )
        self._datasets: dict[str, Any] = {}
        if group is not None:
            if not hasattr(group, "keys"):
                raise ValueError(f"{label}: {self.path!r} is not a group.")
            for key in sorted(group, key=lambda k: (0, int(k), k) if k.isdigit() else (1, 0, k)):
                self._datasets[key] = guarded.array_at(group, key, label)

    def shape(self, key: str) -> tuple[int, ...]:
        return tuple(self._datasets[key].shape)

    def size(self) -> int:
        return sum(map(guarded.size_of, self._datasets.values()))

    def __getitem__(self, key: str) -> Any:
        return guarded.values(self._datasets[key])

    def __contains__(self, key: object) -> bool:
        return key in self._datasets

    def __iter__(self) -> Any:
        return iter(self._datasets)

    def __len__(self) -> int:
        return len(self._datasets)
