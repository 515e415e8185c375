"""The HDF5 files of Keras 1 and 2, which Keras 3 still writes: a group for each layer, with the names of its arrays.

A whole model has its config in the attribute ``model_config`` and its weights in the group ``model_weights``; a file
of weights alone is that group. ``layer_names`` lists the layers in the model's order, and each one's ``weight_names``
its arrays: first those that learn, then the others.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from nnlite.core.variable import Variable
from nnlite.saving import guarded


class Stored(NamedTuple):
    """The arrays of one layer, described and not read yet."""

    name: str
    arrays: list[Any]


def is_legacy(file: Any) -> bool:
    """Return whether an open HDF5 file has this layout."""
    return any(name in file.attrs for name in ("model_config", "layer_names", "layer_names0"))


def stored_layers(file: Any, label: str) -> list[Stored]:
    """Return what the file holds for each layer that has weights, in its order."""
    group = guarded.child(file, "model_weights", label) if "layer_names" not in file.attrs else file
    group = file if group is None else group
    found = []
    for name in guarded.texts(group, "layer_names", label):
        layer = _named(group, name, label)
        if layer is None:
            raise ValueError(f"{label}: the file lists the layer {name!r}, and holds nothing for it.")
        names = guarded.texts(layer, "weight_names", label)
        if names:
            found.append(Stored(name, [_array(layer, weight, label) for weight in names]))
    return found


def _named(group: Any, name: str, label: str) -> Any:
    """A group by a name that may hold slashes, which then were taken for a path when it was written."""
    return guarded.at(group, name, label) if "/" in name else guarded.child(group, name, label)


def _array(group: Any, name: str, label: str) -> Any:
    found = guarded.array_at(group, name, label)
    if found is None:
        raise ValueError(f"{label}: the file lists the array {name!r} of {group.name!r}, and does not hold it.")
    return found


def read_weights(
    model: Any, file: Any, label: str, by_name: bool = False, skip_mismatch: bool = False, whole: bool = False
) -> None:
    """Read the weights of a model: layer by layer in order, or by the layers' names.

    Everything is checked before the first array is read, and read before the first variable changes.

    Args:
        model: built, so that its variables exist.
        file: the open file.
        label: the file's name, for messages.
        by_name: whether layers are found by their names; what the file does not name keeps its weights.
        skip_mismatch: whether layers that do not fit keep their weights, with a warning, rather than being an error.
        whole: whether the model was made from this file, so that names are sure to be those of its layers.

    Raises:
        ValueError: if the numbers of layers, or the numbers or shapes of arrays differ; the message lists them.
    """
    stored = stored_layers(file, label)
    layers = [layer for layer in model.layers if layer.weights]
    if by_name or (whole and {one.name for one in stored} == {layer.name for layer in layers}):
        known = {one.name: one for one in stored}
        pairs = [(layer, known[layer.name]) for layer in layers if layer.name in known]
    elif len(stored) == len(layers):
        pairs = list(zip(layers, stored, strict=True))
    else:
        raise ValueError(
            f"{label}: the file holds weights of {len(stored)} layers ({_listed(one.name for one in stored)}), the "
            f"model {model.name!r} has {len(layers)} with weights ({_listed(layer.name for layer in layers)}). With "
            f"by_name=True those of the same names are read."
        )
    plan, problems = [], []
    for layer, one in pairs:
        variables = _in_order(layer)
        problem = _misfit(layer, variables, one)
        if problem:
            problems.append(problem)
        else:
            plan.append((variables, one.arrays))
    if problems and not skip_mismatch:
        raise ValueError(
            f"{label}: the weights do not fit the model {model.name!r}, {len(problems)} of its layers differ:\n  "
            + "\n  ".join(problems[:20])
            + "\nNothing was loaded. Was the file saved from another architecture?"
        )
    if problems:
        warnings.warn(f"{label}: skipped what does not fit: {'; '.join(problems)}", stacklevel=5)
    values = [(variables, _converted(variables, list(map(guarded.values, arrays)))) for variables, arrays in plan]
    for variables, found in values:
        for variable, value in zip(variables, found, strict=True):
            variable.assign(value)


def _listed(names: Any) -> str:
    names = list(names)
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "") or "none"


def _in_order(layer: Any) -> list[Variable]:
    """The variables in the order of these files: those that learn, then the others."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _misfit(layer: Any, variables: list[Variable], one: Stored) -> str | None:
    shapes = [tuple(array.shape) for array in one.arrays]
    fits = len(shapes) == len(variables) and all(
        v.shape == shape or shape in _other_shapes(v) for v, shape in zip(variables, shapes, strict=True)
    )
    if fits:
        return None
    expected = ", ".join(f"{v.name} {v.shape}" for v in variables)
    return f"{layer.label}: expected {expected}; the file has for {one.name!r}: {', '.join(map(str, shapes)) or 'none'}"


def _other_shapes(variable: Variable) -> list[tuple[int, ...]]:
    """The shapes in which older files have a variable."""
    if variable.name != "bias":
        return []
    if len(variable.shape) == 2 and variable.shape[0] == 2:  # of a GRU, in a row by cuDNN
        return [(variable.size,)]
    return [(2 * variable.size,)] if len(variable.shape) == 1 else []  # of an LSTM, twice by cuDNN


def _converted(variables: list[Variable], values: list[np.ndarray]) -> list[np.ndarray]:
    """The arrays as the variables have them: those that cuDNN layers wrote, told by the bias, are turned round."""
    for index, (variable, value) in enumerate(zip(variables, values, strict=True)):
        if value.shape == variable.shape:
            continue
        gates, plain = (3, value.reshape(2, -1)) if len(variable.shape) == 2 else (4, value.reshape(2, -1).sum(axis=0))
        kernel, recurrent = values[index - 2], values[index - 1]
        # Each gate's part lies transposed in the file.
        turned = [part.T.reshape(part.shape, order="F") for part in np.split(kernel, gates, axis=1)]
        values[index - 2] = np.concatenate(turned, axis=1)
        values[index - 1] = np.concatenate([part.T for part in np.split(recurrent, gates, axis=1)], axis=1)
        values[index] = plain
    return values


# ---- the optimizer ----


def read_optimizer(model: Any, file: Any, label: str) -> None:
    """Read the optimizer's state, where the file and the model have one; what does not fit is passed over with a
    warning, as a model without it still predicts."""
    group = guarded.child(file, "optimizer_weights", label)
    if group is None or model.optimizer is None:
        return
    names = guarded.texts(group, "weight_names", label)
    arrays = [_array(group, name, label) for name in names]
    try:
        ordered = in_todays_order(names, arrays, model)
        model.optimizer.load_own_variables({str(index): value for index, value in enumerate(ordered)})
    except ValueError as error:
        warnings.warn(f"{label}: the optimizer's state was not loaded: {error}", stacklevel=5)


def in_todays_order(names: list[str], arrays: list[Any], model: Any) -> list[Any]:
    """Return the arrays of an optimizer in the order of its variables, with its learning rate where files have none.

    Keras 3 and late versions of 2 write the slots of each variable side by side where they were made so, earlier ones
    all first slots, then all second ones: ``Adam/dense/kernel/m``, ..., ``Adam/dense/kernel/v``.

    Raises ``ValueError`` if numbers or shapes do not fit.
    """
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_weights)
    variables = optimizer.variables
    rate = optimizer.learning_rate
    has_rate = isinstance(rate, Variable) and any(v is rate for v in variables)
    missing = len(variables) - len(arrays)
    if missing not in (0, 1) or (missing == 1 and not has_rate):
        raise ValueError(f"it has {len(variables)} variables, the file {len(arrays)} arrays.")
    first, slots = (arrays[:1], arrays[1:]) if missing else (arrays[:2] if has_rate else arrays[:1], arrays[2:])
    if not missing and not has_rate:
        slots = arrays[1:]
    head = [guarded.values(one) for one in first]
    if missing:
        head.append(rate.value)
    targets = variables[len(head) :]
    if _is_by_slots(names):
        slots = _side_by_side(slots, targets, model.trainable_weights)
    wrong = [(v, a) for v, a in zip(targets, slots, strict=True) if v.shape != tuple(a.shape)]
    if wrong:
        variable, array = wrong[0]
        raise ValueError(f"{variable.path} has shape {variable.shape}, the file's array {tuple(array.shape)}.")
    return [*head, *map(guarded.values, slots)]


def _is_by_slots(names: list[str]) -> bool:
    """Whether names end with the slot, as those of Keras up to 2.10 do, or are mere numbers, as before 2.3."""
    return any(name.split(":")[0].rsplit("/", 1)[-1] in _SLOTS or "/Variable" in name for name in names[1:])


_SLOTS = {"m", "v", "vhat", "rms", "momentum", "mg", "accumulator", "accum_grad", "accum_var", "linear"}


def _side_by_side(slots: list[Any], targets: list[Variable], trained: list[Variable]) -> list[Any]:
    """Sort slots that come kind by kind into the order of ``targets``."""
    count = len(trained)
    kinds: list[str] = []  # of the targets, in the order of their first appearance
    seen: dict[str, int] = {}
    order = []
    for target in targets:
        kind = target.name.rsplit("_", 1)[-1]
        if kind not in kinds:
            kinds.append(kind)
        order.append((kinds.index(kind), seen.get(kind, 0)))
        seen[kind] = seen.get(kind, 0) + 1
    if any(number != count for number in seen.values()):
        raise ValueError("its slots come in another order than older files can hold.")
    return [slots[kind * count + number] for kind, number in order]
