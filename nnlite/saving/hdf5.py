"""Weights in HDF5 files: reading with care, writing plainly."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlite.core.layer import Layer
from nnlite.saving import tree

_PLAIN_FILTERS = (None, "gzip", "lzf")


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
    unread = _layers_in(file) - {path.strip("/") for path, _ in tree.walk(model)}
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


def _layers_in(file: Any) -> set[str]:
    """Return the paths of the model's own layers that hold arrays in the file."""
    import h5py

    found = set()
    layers: Any = file.get("layers") if isinstance(file.get("layers", getlink=True), h5py.HardLink) else None
    for name in layers if isinstance(layers, h5py.Group) else ():
        layer = layers.get(name) if isinstance(layers.get(name, getlink=True), h5py.HardLink) else None
        stored = layer.get("vars") if isinstance(layer, h5py.Group) else None
        if isinstance(stored, h5py.Group) and len(stored):
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


def _is_bfloat16(dataset: Any) -> bool:
    """Whether a data set holds numbers that HDF5 has no type for, as Keras marks them."""
    named = dataset.attrs.get("dtype", "")
    return dataset.dtype.str == "|V2" and (named.decode() if isinstance(named, bytes) else str(named)) == "bfloat16"


class _Group(Mapping[str, Any]):
    """The arrays of one HDF5 group by name, in numeric order; a group that is not there is empty.

    A file is data from a stranger: links that leave the file, data kept elsewhere, and types that are not plain numbers
    are refused.
    """

    def __init__(self, file: Any, path: str, label: str) -> None:
        self.path, self.label = path.lstrip("/"), label
        group = self._open(file)
        self._datasets: dict[str, Any] = {}
        if group is not None:
            for key in sorted(group, key=lambda k: (0, int(k), k) if k.isdigit() else (1, 0, k)):
                self._datasets[key] = self._dataset(group, key)

    def _open(self, file: Any) -> Any:
        import h5py

        node = file
        for part in self.path.split("/"):
            link = node.get(part, getlink=True) if part in node else None
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise ValueError(
                    f"{self.label}: {self.path!r} passes a {type(link).__name__}; only plain groups are read."
                )
            node = node[part]
            if not isinstance(node, h5py.Group):
                raise ValueError(f"{self.label}: {part!r} in {self.path!r} is not a group.")
        return node

    def _dataset(self, group: Any, key: str) -> Any:
        import h5py

        place = f"{self.label}: {self.path}/{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{place} is a link to another place; only plain arrays are read.")
        dataset = group[key]
        if not isinstance(dataset, h5py.Dataset):
            raise ValueError(f"{place} is no array.")
        if dataset.is_virtual or dataset.external:
            raise ValueError(f"{place} keeps its data in another file; only plain arrays are read.")
        if dataset.dtype.kind not in "fiub" and not _is_bfloat16(dataset):
            raise ValueError(f"{place} has dtype {dataset.dtype}; only numbers are read.")
        if dataset.compression not in _PLAIN_FILTERS:
            raise ValueError(f"{place} is compressed with {dataset.compression!r}; only gzip and lzf are read.")
        return dataset

    def shape(self, key: str) -> tuple[int, ...]:
        return tuple(self._datasets[key].shape)

    def __getitem__(self, key: str) -> Any:
        dataset = self._datasets[key]
        if _is_bfloat16(dataset):  # the upper halves of float32
            return (np.asarray(dataset[()]).view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        return dataset[()]

    def __contains__(self, key: object) -> bool:
        return key in self._datasets

    def __iter__(self) -> Any:
        return iter(self._datasets)

    def __len__(self) -> int:
        return len(self._datasets)
