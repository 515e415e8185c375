"""TensorFlow's functions in models of Keras 2, as what does the same in ``nnlite.ops``, by the table of
:mod:`nnlite.saving.eras_functions`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from nnlite.core import registry
from nnlite.core.errors import nearest
from nnlite.saving import eras_graphdef
from nnlite.saving.eras_functions import ALIASES, FUNCTIONS, Row

if TYPE_CHECKING:
    from typing import TypeGuard

CLASSES = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer")

# Keywords that change nothing.
_HARMLESS = ("name", "output_type", "validate_indices", "parallel_iterations")


Calls = list[tuple[Any, dict[str, Any]]]  # the first argument and the keywords of each call


class Step(NamedTuple):
    """One operation of today, among those that a function is; all but the first take what the one before makes."""

    op: str
    args: list[Any]
    settings: dict[str, Any]


def is_operation(entry: dict[str, Any]) -> bool:
    """Whether a layer's config is that of a function of TensorFlow."""
    return entry.get("class_name") in CLASSES


def uses(entry: dict[str, Any]) -> set[str]:
    """The names of the layers whose outputs a layer's calls take."""
    found: set[str] = set()
    pending = [entry.get("inbound_nodes")]
    while pending:
        value = pending.pop()
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            found.add(str(value["config"]["keras_history"][0]))
        elif isinstance(value, (dict, list)):
            pending += value.values() if isinstance(value, dict) else value
    return found


def is_nameless(entry: dict[str, Any]) -> bool:
    """Whether a layer's config is that of a node of ``nnlite.ops`` in an ``.h5`` file of Keras 3: without the module.

    Some have the names of layers, but those say whether they learn.
    """
    config, nodes = entry.get("config"), entry.get("inbound_nodes")
    return (
        isinstance(config, dict)
        and "trainable" not in config
        and isinstance(nodes, list)
        and len(nodes) > 0
        and all(isinstance(node, dict) for node in nodes)
        and registry.find("ops", str(entry.get("class_name"))) is not None
    )


def module_of(op: str) -> str:
    """The module that files name for a class of ``nnlite.ops``."""
    found = registry.find("ops", op)
    return f"{registry.MODULES['ops']}.{getattr(found, 'module', 'numpy')}"


def batch_sizes(entries: dict[str, dict[str, Any]], calls: dict[str, Calls]) -> dict[str, Any]:
    """Return, by the names of the layers that make the sizes of batches, the symbols whose batches these are.

    Such a size is the first of those that TensorFlow's ``shape`` gives: ``tf.shape(x)[0]``.
    """
    found = {}
    for name, entry in entries.items():
        if _function(entry) != "__operators__.getitem" or len(calls[name]) != 1:
            continue
        sizes, options = calls[name][0]
        source = str(sizes["config"]["keras_history"][0]) if _is_symbol(sizes) else ""
        if options.get("slice_spec") in (0, [0]) and _function(entries.get(source)) == "shape":
            found[name] = calls[source][0][0]
    return found


def _function(entry: Any) -> str | None:
    """TensorFlow's function that a layer's config is that of, by its name in the table."""
    if not isinstance(entry, dict) or entry["class_name"] not in CLASSES[:2]:
        return None
    if entry["class_name"] == "SlicingOpLambda":
        return "__operators__.getitem"
    config = entry.get("config")
    function = config.get("function") if isinstance(config, dict) else None
    return str(function).removeprefix("tf.").removeprefix("compat.v1.")


def operations(entry: dict[str, Any], calls: Calls, batches: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the configs of the nodes of ``nnlite.ops`` that a function of TensorFlow is; the last has its name.

    Args:
        entry: the layer's config, with its name.
        calls: the first argument and the keywords of each call.
        batches: those that :func:`batch_sizes` finds.

    Raises ``ValueError`` for functions and arguments that nnlite does not have.
    """
    name = entry["name"]
    given = entry.get("config")
    config: dict[str, Any] = given if isinstance(given, dict) else {}
    label = f"{entry['class_name']} {name!r}"
    function = "__operators__.getitem" if entry["class_name"] == "SlicingOpLambda" else config.get("function")
    if entry["class_name"] == "TensorFlowOpLayer":
        function, calls = _of_graph(label, config, calls)
    elif entry["class_name"] not in CLASSES[:2] or not isinstance(function, str):
        raise ValueError(f"{label} is not supported by nnlite: it is a method of TensorFlow's arrays.")
    known = str(function).removeprefix("tf.").removeprefix("compat.v1.")
    row = FUNCTIONS.get(known) or FUNCTIONS.get(ALIASES.get(known, ""))
    ops = [] if row is None else row.op.split()
    if row is None or any(not op.startswith("layers.") and registry.find("ops", op) is None for op in ops):
        raise ValueError(
            f"{label}: TensorFlow's function {function!r} is not supported by nnlite.{nearest(known, FUNCTIONS)}"
        )
    made: list[list[Step]] = []
    for inputs, options in calls:
        try:
            made.append(_called(row, inputs, options, batches))
        except ValueError as error:
            raise ValueError(f"{label}, {function}: {error}") from None
        first, last = ([(one.op, one.settings) for one in steps] for steps in (made[0], made[-1]))
        if first != last:
            raise ValueError(f"{label}: its calls have different settings, {first} and {last}.")
    count = len(made[0]) if made else 0
    names = [f"{name}_step_{number}" for number in range(1, count)] + [name]
    entries = []
    for number, its in enumerate(names):
        nodes: list[dict[str, Any]] = []
        for call, steps in enumerate(made):
            history = {"keras_history": [names[number - 1], call, 0]}
            args = [{"class_name": "__keras_tensor__", "config": history}] if number else steps[0].args
            nodes.append({"args": args, "kwargs": {}})
        if made:
            entries.append(_entry(its, made[0][number], nodes))
    return entries


def _entry(name: str, step: Step, nodes: list[Any]) -> dict[str, Any]:
    layer = step.op.removeprefix("layers.")
    return {
        "module": module_of(step.op) if layer == step.op else registry.MODULES["layers"],
        "class_name": layer,
        "config": {"name": name, **step.settings},
        "registered_name": step.op if layer == step.op else None,
        "name": name,
        "inbound_nodes": nodes,
    }


def _of_graph(label: str, config: dict[str, Any], calls: list[Any]) -> tuple[str, list[Any]]:
    """The function that an operation of a graph is, with its calls."""
    made = []
    for inputs, _ in calls:
        try:
            made.append(eras_graphdef.call(config, inputs))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{label}: {error}") from None
    if not made:
        raise ValueError(f"{label} is never called.")
    return made[0][0], [(inputs, options) for _, inputs, options in made]


def _called(row: Row, inputs: Any, options: dict[str, Any], batches: dict[str, Any]) -> list[Step]:
    """The classes, the operands and the settings of a call."""
    names = row.operands.split()
    options = {key: value for key, value in options.items() if key not in _HARMLESS}
    args = [inputs, *(options.pop(name) for name in names[1:] if name in options)]
    if len(args) != len(names):
        raise ValueError(f"a call has {len(args)} operands, expected {len(names)} ({', '.join(names)}).")
    for key, allowed in row.only.items():
        if key in options and options.pop(key) not in allowed:
            raise ValueError(f"{key} is not supported by nnlite.")
    settings = dict(row.usual)
    for key, value in options.items():
        if key not in row.settings:
            if value is None:
                continue
            raise ValueError(f"{key}={value!r} is not supported by nnlite.")
        if row.op == "Reshape" and isinstance(value, list) and any(map(_has_symbol, value)):
            sizes = [-1 if _has_symbol(one) else one for one in value]
            if sizes.count(-1) == 2 and _is_symbol(value[0]):
                source = value[0]["config"]["keras_history"][0]
                if source in batches and batches[source] == inputs:  # the batch stays, one size is what is left over
                    return [Step("layers.Reshape", args, {"target_shape": sizes[1:]})]
            if sizes.count(-1) == 1:
                value = sizes
        if _has_symbol(value):
            raise ValueError(f"{key} is computed by the model, which nnlite does not support.")
        if value is not None:
            settings[row.settings[key]] = value
    op, *others = row.op.split()
    return _finished(op, args, settings) + [Step(other, [], {}) for other in others]


def _is_symbol(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _has_symbol(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_symbol(value) or any(map(_has_symbol, value.values()))
    return isinstance(value, list) and any(map(_has_symbol, value))


def _finished(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    """What does not fit in the table."""
    finish = _FINISHED.get(op)
    return [Step(op, args, settings)] if finish is None else finish(op, args, dict(settings))


def _item(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    if "strides" in settings or "end" in settings:
        parts = [settings.get(name) for name in ("begin", "end", "strides")]
        if parts[2] is None and isinstance(parts[0], list):
            parts[2] = [1] * len(parts[0])
        return [Step(op, [args[0], [_index(part) for part in eras_graphdef.key(parts, settings)]], {})]
    if "begin" in settings:
        begin, size = settings["begin"], settings.get("size")
        if not _are_whole(begin) or not _are_whole(size) or len(begin) != len(size):
            raise ValueError(f"a slice from {begin!r} of size {size!r} is not supported by nnlite.")
        slices = [
            {"start": a, "stop": None if n == -1 else a + n, "step": None} for a, n in zip(begin, size, strict=True)
        ]
        return [Step(op, [args[0], [_index(one) for one in slices]], {})]
    return [Step(op, [args[0], _index(args[1])], settings)]


def _resizing(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    size = settings.pop("size", None)
    if not _are_whole(size) or len(size) != 2:
        raise ValueError(f"size={size!r} is not supported by nnlite.")
    return [Step(op, args, {"height": size[0], "width": size[1], **settings})]


def _norm(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    usual = settings.get("ord") in ("euclidean", None)
    return [Step(op, args, {**settings, "ord": None if usual else settings["ord"]})]


def _matmul(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    a, b = bool(settings.get("transpose_a")), bool(settings.get("transpose_b"))
    if not a and not b:
        return [Step(op, args, {})]
    subscripts = f"{'...ji' if a else '...ij'},{'...kj' if b else '...jk'}->...ik"
    return [Step("Einsum", args, {"subscripts": subscripts})]


def _normalize(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    """TensorFlow's bounds the sum of squares, ours its root."""
    if not isinstance(settings.get("axis"), (int, list)):
        raise ValueError("an l2_normalize over all axes is not supported by nnlite.")
    return [Step(op, args, {**settings, "epsilon": math.sqrt(settings["epsilon"])})]


def _split(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    """Sizes there, places here."""
    sizes = settings.get("indices_or_sections")
    if not isinstance(sizes, list):
        return [Step(op, args, settings)]
    places: list[int] = []
    if not _are_whole(sizes) or min(sizes, default=0) < 0:
        raise ValueError(f"num_or_size_splits={sizes!r} is not supported by nnlite.")
    for size in sizes[:-1]:
        places.append((places[-1] if places else 0) + size)
    return [Step(op, args, {**settings, "indices_or_sections": places})]


def _pad(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    mode, value = str(settings.pop("mode", "constant")).lower(), settings.pop("constant_values", 0)
    if not isinstance(value, (int, float)):
        raise ValueError(f"constant_values={value!r} is not supported by nnlite, only a number.")
    return [Step(op, [*args, value] if value else args, {**settings, "mode": mode})]


def _pool(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    """A window was a number, or one an axis of the images, or one an axis of the batch."""
    for name in ("pool_size", "strides"):
        sizes = settings.get(name)
        if isinstance(sizes, list) and len(sizes) == 4 and sizes[0] == sizes[3] == 1:
            settings[name] = sizes[1:3]
        elif isinstance(sizes, list) and len(sizes) == 1:
            settings[name] = sizes[0]
    if not isinstance(settings.get("padding"), str):
        raise ValueError(f"padding={settings.get('padding')!r} is not supported by nnlite, only 'SAME' and 'VALID'.")
    return [Step(op, args, {**settings, "padding": settings["padding"].lower(), "data_format": "channels_last"})]


def _ordered(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    if str(settings.pop("direction", "ASCENDING")) == "ASCENDING":
        return [Step(op, args, settings)]
    negative = Step("Negative", [], {})
    return [Step("Negative", args, {}), Step(op, [], settings), *([negative] if op == "Sort" else [])]


def _running(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    if not settings.pop("reverse", False):
        return [Step(op, args, settings)]
    turn = {"axis": settings["axis"]}
    return [Step("Flip", args, turn), Step(op, [], settings), Step("Flip", [], turn)]


def _band(op: str, args: list[Any], settings: dict[str, Any]) -> list[Step]:
    lower, upper = settings.get("num_lower"), settings.get("num_upper")
    if not isinstance(lower, int) or not isinstance(upper, int):
        raise ValueError("a band of computed width is not supported by nnlite.")
    steps = [Step("Tril", [], {"k": upper})] if upper >= 0 else []
    steps += [Step("Triu", [], {"k": -lower})] if lower >= 0 else []
    first, *others = steps or [Step("Copy", [], {})]
    return [first._replace(args=args), *others]


_FINISHED: dict[str, Callable[[str, list[Any], dict[str, Any]], list[Step]]] = {
    "GetItem": _item,
    "layers.Resizing": _resizing,
    "Norm": _norm,
    "Matmul": _matmul,
    "Normalize": _normalize,
    "Split": _split,
    "Pad": _pad,
    "AveragePool": _pool,
    "MaxPool": _pool,
    "Sort": _ordered,
    "Argsort": _ordered,
    "Cumsum": _running,
    "Cumprod": _running,
    "Tril": _band,
}


def _are_whole(values: Any) -> TypeGuard[list[int]]:
    return isinstance(values, list) and all(isinstance(one, int) for one in values)


def _index(value: Any) -> Any:
    """An index as it stood in files, as it stands today."""
    if isinstance(value, list):
        return [_index(one) for one in value]
    if isinstance(value, dict) and set(value) == {"start", "stop", "step"}:
        return {"class_name": "__slice__", "config": value}
    if isinstance(value, dict) and value.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    return value
