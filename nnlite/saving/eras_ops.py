"""The table of TensorFlow's functions in models of Keras 2, and what does the same in ``nnlite.ops``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from nnlite.core import registry
from nnlite.core.errors import nearest
from nnlite.saving import eras_graphdef

if TYPE_CHECKING:
    from typing import TypeGuard

CLASSES = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer")

# Keywords that change nothing.
_HARMLESS = ("name", "output_type", "validate_indices", "parallel_iterations")


class Row(NamedTuple):
    """What a function of TensorFlow is today."""

    op: str  # name of the class in nnlite.ops, or "layers." and that of a layer
    operands: str = "x"  # TensorFlow's names of the arrays, in order
    settings: dict[str, str] = {}  # noqa: RUF012  TensorFlow's names of other arguments -> ours
    usual: dict[str, Any] = {}  # noqa: RUF012  our arguments where TensorFlow's are not given
    only: dict[str, tuple[Any, ...]] = {}  # noqa: RUF012  arguments that must be one of these, and are dropped


_AXIS = {"axis": "axis"}
_REDUCED = {"axis": "axis", "keepdims": "keepdims"}


def _one(op: str, operand: str = "x") -> Row:
    return Row(op, operand)


def _two(op: str) -> Row:
    return Row(op, "x y")


def _reduced(op: str) -> Row:
    return Row(op, "input_tensor", _REDUCED)


FUNCTIONS: dict[str, Row] = {
    # operators
    "__operators__.add": _two("Add"),
    "__operators__.getitem": Row("GetItem", "tensor slice_spec"),
    # two arrays
    "math.add": _two("Add"),
    "math.subtract": _two("Subtract"),
    "math.multiply": _two("Multiply"),
    "math.divide": _two("Divide"),
    "math.divide_no_nan": _two("DivideNoNan"),
    "math.floordiv": _two("FloorDivide"),
    "math.floormod": _two("Mod"),
    "math.pow": _two("Power"),
    "math.maximum": _two("Maximum"),
    "math.minimum": _two("Minimum"),
    "math.atan2": Row("Arctan2", "y x"),
    "math.equal": _two("Equal"),
    "math.not_equal": _two("NotEqual"),
    "math.greater": _two("Greater"),
    "math.greater_equal": _two("GreaterEqual"),
    "math.less": _two("Less"),
    "math.less_equal": _two("LessEqual"),
    "math.logical_and": _two("LogicalAnd"),
    "math.logical_or": _two("LogicalOr"),
    "math.logical_xor": _two("LogicalXor"),
    "where": Row("Where", "condition x y"),
    "nn.bias_add": Row("Add", "value bias", {}, {}, {"data_format": (None, "NHWC", "N...C")}),
    # one array
    "math.logical_not": _one("LogicalNot"),
    "math.negative": _one("Negative"),
    "math.abs": _one("Absolute"),
    "math.sign": _one("Sign"),
    "math.reciprocal": _one("Reciprocal"),
    "math.square": _one("Square"),
    "math.sqrt": _one("Sqrt"),
    "math.rsqrt": _one("Rsqrt"),
    "math.exp": _one("Exp"),
    "math.expm1": _one("Expm1"),
    "math.log": _one("Log"),
    "math.log1p": _one("Log1p"),
    "math.sin": _one("Sin"),
    "math.cos": _one("Cos"),
    "math.tan": _one("Tan"),
    "math.asin": _one("Arcsin"),
    "math.acos": _one("Arccos"),
    "math.atan": _one("Arctan"),
    "math.sinh": _one("Sinh"),
    "math.cosh": _one("Cosh"),
    "math.erf": _one("Erf"),
    "math.floor": _one("Floor"),
    "math.ceil": _one("Ceil"),
    "math.round": _one("Round"),
    "math.is_nan": _one("Isnan"),
    "math.is_inf": _one("Isinf"),
    "math.is_finite": _one("Isfinite"),
    "identity": _one("Copy", "input"),
    "stop_gradient": _one("StopGradient", "input"),
    "zeros_like": Row("ZerosLike", "input", {"dtype": "dtype"}),
    "ones_like": Row("OnesLike", "input", {"dtype": "dtype"}),
    "cast": Row("Cast", "x", {"dtype": "dtype"}),
    "clip_by_value": Row("Clip", "t", {"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    # activations
    "nn.relu": _one("Relu", "features"),
    "nn.relu6": _one("Relu6", "features"),
    "nn.elu": _one("Elu", "features"),
    "nn.selu": _one("Selu", "features"),
    "nn.gelu": Row("Gelu", "features", {"approximate": "approximate"}, {"approximate": False}),
    "nn.leaky_relu": Row("LeakyRelu", "features", {"alpha": "negative_slope"}, {"negative_slope": 0.2}),
    "nn.silu": Row("Silu", "features", {}, {}, {"beta": (1.0,)}),
    "math.softplus": _one("Softplus", "features"),
    "nn.softsign": _one("Softsign", "features"),
    "math.sigmoid": _one("Sigmoid"),
    "math.log_sigmoid": _one("LogSigmoid"),
    "math.tanh": _one("Tanh"),
    "nn.softmax": Row("Softmax", "logits", _AXIS, {"axis": -1}),
    "nn.log_softmax": Row("LogSoftmax", "logits", _AXIS, {"axis": -1}),
    # reductions
    "math.reduce_sum": _reduced("Sum"),
    "math.reduce_mean": _reduced("Mean"),
    "math.reduce_max": _reduced("Max"),
    "math.reduce_min": _reduced("Min"),
    "math.reduce_prod": _reduced("Prod"),
    "math.reduce_std": _reduced("Std"),
    "math.reduce_variance": _reduced("Var"),
    "math.reduce_any": _reduced("Any"),
    "math.reduce_all": _reduced("All"),
    "math.reduce_logsumexp": _reduced("Logsumexp"),
    "math.argmax": Row("Argmax", "input", _AXIS, {"axis": 0}),
    "math.argmin": Row("Argmin", "input", _AXIS, {"axis": 0}),
    "math.cumsum": Row("Cumsum", "x", _AXIS, {"axis": 0}, {"exclusive": (False,), "reverse": (False,)}),
    "math.cumprod": Row("Cumprod", "x", _AXIS, {"axis": 0}, {"exclusive": (False,), "reverse": (False,)}),
    "math.l2_normalize": Row("Normalize", "x", {"axis": "axis", "epsilon": "epsilon"}, {"epsilon": 1e-12}),
    "norm": Row("Norm", "tensor", {"ord": "ord", **_REDUCED}),
    "math.top_k": Row("TopK", "input", {"k": "k", "sorted": "sorted"}),
    "math.add_n": Row("layers.Add", "inputs"),
    # shapes
    "keras.backend.batch_flatten": Row("layers.Flatten", "x"),
    "slice": Row("GetItem", "input_", {"begin": "begin", "size": "size"}),
    "image.resize": Row(
        "layers.Resizing",
        "images",
        {"size": "size", "method": "interpolation"},
        {},
        {"antialias": (False,), "preserve_aspect_ratio": (False,)},
    ),
    "reshape": Row("Reshape", "tensor", {"shape": "newshape"}),
    "expand_dims": Row("ExpandDims", "input", _AXIS),
    "squeeze": Row("Squeeze", "input", _AXIS),
    "transpose": Row("Transpose", "a", {"perm": "axes"}, {}, {"conjugate": (False,)}),
    "concat": Row("Concatenate", "values", _AXIS),
    "stack": Row("Stack", "values", _AXIS),
    "unstack": Row("Unstack", "value", {"num": "num", "axis": "axis"}),
    "split": Row("Split", "value", {"num_or_size_splits": "indices_or_sections", "axis": "axis"}, {}, {"num": (None,)}),
    "tile": Row("Tile", "input", {"multiples": "repeats"}),
    "repeat": Row("Repeat", "input", {"repeats": "repeats", "axis": "axis"}),
    "reverse": Row("Flip", "tensor", _AXIS),
    "roll": Row("Roll", "input", {"shift": "shift", "axis": "axis"}),
    "pad": Row("Pad", "tensor", {"paddings": "pad_width", "mode": "mode"}, {}, {"constant_values": (0,)}),
    "broadcast_to": Row("BroadcastTo", "input", {"shape": "shape"}),
    "gather": Row("Take", "params indices", _AXIS, {"axis": 0}, {"batch_dims": (0,)}),
    "one_hot": Row(
        "OneHot",
        "indices",
        {"depth": "num_classes", "axis": "axis", "dtype": "dtype"},
        {},
        {"on_value": (1, None), "off_value": (0, None)},
    ),
    # products
    "linalg.matmul": Row("Matmul", "a b", {"transpose_a": "transpose_a", "transpose_b": "transpose_b"}),
    "tensordot": Row("Tensordot", "a b", {"axes": "axes"}),
}

# The same functions under their other names.
ALIASES = {
    "math.truediv": "math.divide",
    "nn.sigmoid": "math.sigmoid",
    "nn.tanh": "math.tanh",
    "nn.softplus": "math.softplus",
    "nn.swish": "nn.silu",
    "linalg.l2_normalize": "math.l2_normalize",
    "nn.l2_normalize": "math.l2_normalize",
    "math.softmax": "nn.softmax",
    "math.log_softmax": "nn.log_softmax",
    "math.mod": "math.floormod",
    "linalg.transpose": "transpose",
    "linalg.tensordot": "tensordot",
    "floor_div": "math.floordiv",
}


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


def operation(entry: dict[str, Any], calls: list[tuple[Any, dict[str, Any]]]) -> dict[str, Any]:
    """Return the config of a node of ``nnlite.ops`` for that of a function of TensorFlow.

    Args:
        entry: the layer's config, with its name.
        calls: the first argument and the keywords of each call.

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
    if row is None or (not row.op.startswith("layers.") and registry.find("ops", row.op) is None):
        raise ValueError(
            f"{label}: TensorFlow's function {function!r} is not supported by nnlite.{nearest(known, FUNCTIONS)}"
        )
    op, nodes, settings = row.op, [], None
    for inputs, options in calls:
        try:
            op, args, given = _called(row, inputs, options)
        except ValueError as error:
            raise ValueError(f"{label}, {function}: {error}") from None
        if settings not in (None, given):
            raise ValueError(f"{label}: its calls have different settings, {settings} and {given}.")
        settings = given
        nodes.append({"args": args, "kwargs": {}})
    layer = op.removeprefix("layers.")
    return {
        "module": module_of(op) if layer == op else registry.MODULES["layers"],
        "class_name": layer,
        "config": {"name": name, **(settings or {})},
        "registered_name": op if layer == op else None,
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


def _called(row: Row, inputs: Any, options: dict[str, Any]) -> tuple[str, list[Any], dict[str, Any]]:
    """The class, the operands and the settings of a call."""
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
        if row.op == "Reshape" and isinstance(value, list) and -1 not in value:
            unknown = [one for one in value if _has_symbol(one)]
            if len(unknown) == 1:  # most often the batch's size: what is left over
                value = [-1 if _has_symbol(one) else one for one in value]
        if _has_symbol(value):
            raise ValueError(f"{key} is computed by the model, which nnlite does not support.")
        if value is not None:
            settings[row.settings[key]] = value
    return _finished(row.op, args, settings)


def _has_symbol(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("class_name") == "__keras_tensor__" or any(map(_has_symbol, value.values()))
    return isinstance(value, list) and any(map(_has_symbol, value))


def _finished(op: str, args: list[Any], settings: dict[str, Any]) -> tuple[str, list[Any], dict[str, Any]]:
    """What does not fit in the table."""
    if op == "GetItem" and "begin" in settings:
        begin, size = settings["begin"], settings.get("size")
        if not _are_whole(begin) or not _are_whole(size) or len(begin) != len(size):
            raise ValueError(f"a slice from {begin!r} of size {size!r} is not supported by nnlite.")
        parts = [
            {"start": a, "stop": None if n == -1 else a + n, "step": None} for a, n in zip(begin, size, strict=True)
        ]
        return op, [args[0], [_index(part) for part in parts]], {}
    if op == "layers.Resizing":
        size = settings.pop("size", None)
        if not _are_whole(size) or len(size) != 2:
            raise ValueError(f"size={size!r} is not supported by nnlite.")
        return op, args, {"height": size[0], "width": size[1], **settings}
    if op == "Norm":
        usual = settings.get("ord") in ("euclidean", None)
        return op, args, {**settings, "ord": None if usual else settings["ord"]}
    if op == "GetItem":
        return op, [args[0], _index(args[1])], settings
    if op == "Matmul":
        a, b = bool(settings.get("transpose_a")), bool(settings.get("transpose_b"))
        if not a and not b:
            return op, args, {}
        subscripts = f"{'...ji' if a else '...ij'},{'...kj' if b else '...jk'}->...ik"
        return "Einsum", args, {"subscripts": subscripts}
    if op == "Normalize":  # TensorFlow's bounds the sum of squares, ours its root
        axis = settings.get("axis")
        if not isinstance(axis, (int, list)):
            raise ValueError("an l2_normalize over all axes is not supported by nnlite.")
        return op, args, {**settings, "epsilon": math.sqrt(settings["epsilon"])}
    if op == "Split" and isinstance(settings.get("indices_or_sections"), list):  # sizes there, places here
        sizes = settings["indices_or_sections"]
        places: list[int] = []
        if not _are_whole(sizes) or min(sizes, default=0) < 0:
            raise ValueError(f"num_or_size_splits={sizes!r} is not supported by nnlite.")
        for size in sizes[:-1]:
            places.append((places[-1] if places else 0) + size)
        return op, args, {**settings, "indices_or_sections": places}
    if op == "Pad":
        return op, args, {**settings, "mode": str(settings.get("mode", "constant")).lower()}
    return op, args, settings


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
