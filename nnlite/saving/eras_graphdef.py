"""The table of TensorFlow's graph operations in models of Keras 2.0 to 2.3 (``TensorFlowOpLayer``)."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple


class Raw(NamedTuple):
    """What an operation of a graph is among the functions of :mod:`nnlite.saving.eras_functions`."""

    function: str
    arguments: str = "x"  # the function's names of the operation's inputs, in order; "*" for all in a list
    attributes: dict[str, str] = {}  # noqa: RUF012  attribute of the operation -> the function's argument


_TWO = "x y"
_REDUCED = {"keep_dims": "keepdims"}
_LAST = {"data_format": "data_format"}
_POOLED = {"ksize": "ksize", "strides": "strides", "padding": "padding", **_LAST}

OPERATIONS: dict[str, Raw] = {
    "Add": Raw("math.add", _TWO),
    "AddV2": Raw("math.add", _TWO),
    "BiasAdd": Raw("nn.bias_add", "value bias"),
    "Sub": Raw("math.subtract", _TWO),
    "Mul": Raw("math.multiply", _TWO),
    "SquaredDifference": Raw("math.squared_difference", _TWO),
    "RealDiv": Raw("math.divide", _TWO),
    "DivNoNan": Raw("math.divide_no_nan", _TWO),
    "FloorDiv": Raw("math.floordiv", _TWO),
    "FloorMod": Raw("math.floormod", _TWO),
    "Pow": Raw("math.pow", _TWO),
    "Maximum": Raw("math.maximum", _TWO),
    "Minimum": Raw("math.minimum", _TWO),
    "Equal": Raw("math.equal", _TWO),
    "NotEqual": Raw("math.not_equal", _TWO),
    "Greater": Raw("math.greater", _TWO),
    "GreaterEqual": Raw("math.greater_equal", _TWO),
    "Less": Raw("math.less", _TWO),
    "LessEqual": Raw("math.less_equal", _TWO),
    "LogicalAnd": Raw("math.logical_and", _TWO),
    "LogicalOr": Raw("math.logical_or", _TWO),
    "LogicalNot": Raw("math.logical_not"),
    "SelectV2": Raw("where", "condition x y"),
    "Neg": Raw("math.negative"),
    "Abs": Raw("math.abs"),
    "Sign": Raw("math.sign"),
    "Square": Raw("math.square"),
    "Sqrt": Raw("math.sqrt"),
    "Rsqrt": Raw("math.rsqrt"),
    "Exp": Raw("math.exp"),
    "Log": Raw("math.log"),
    "Log1p": Raw("math.log1p"),
    "Sin": Raw("math.sin"),
    "Cos": Raw("math.cos"),
    "Erf": Raw("math.erf"),
    "Floor": Raw("math.floor"),
    "Ceil": Raw("math.ceil"),
    "Round": Raw("math.round"),
    "Identity": Raw("identity", "input"),
    "StopGradient": Raw("stop_gradient", "input"),
    "Cast": Raw("cast", "x", {"DstT": "dtype"}),
    "ClipByValue": Raw("clip_by_value", "t clip_value_min clip_value_max"),
    "Relu": Raw("nn.relu", "features"),
    "Relu6": Raw("nn.relu6", "features"),
    "Elu": Raw("nn.elu", "features"),
    "Selu": Raw("nn.selu", "features"),
    "LeakyRelu": Raw("nn.leaky_relu", "features", {"alpha": "alpha"}),
    "Softplus": Raw("math.softplus", "features"),
    "Softsign": Raw("nn.softsign", "features"),
    "Sigmoid": Raw("math.sigmoid"),
    "Tanh": Raw("math.tanh"),
    "Softmax": Raw("nn.softmax", "logits"),
    "LogSoftmax": Raw("nn.log_softmax", "logits"),
    "Sum": Raw("math.reduce_sum", "input_tensor axis", _REDUCED),
    "Mean": Raw("math.reduce_mean", "input_tensor axis", _REDUCED),
    "Max": Raw("math.reduce_max", "input_tensor axis", _REDUCED),
    "Min": Raw("math.reduce_min", "input_tensor axis", _REDUCED),
    "Prod": Raw("math.reduce_prod", "input_tensor axis", _REDUCED),
    "ArgMax": Raw("math.argmax", "input axis"),
    "AvgPool": Raw("nn.avg_pool2d", "input", _POOLED),
    "MaxPool": Raw("nn.max_pool2d", "input", _POOLED),
    "DepthToSpace": Raw("nn.depth_to_space", "input", {"block_size": "block_size", **_LAST}),
    "SpaceToDepth": Raw("nn.space_to_depth", "input", {"block_size": "block_size", **_LAST}),
    "Reshape": Raw("reshape", "tensor shape"),
    "ExpandDims": Raw("expand_dims", "input axis"),
    "Squeeze": Raw("squeeze", "input", {"squeeze_dims": "axis"}),
    "Transpose": Raw("transpose", "a perm"),
    "Tile": Raw("tile", "input multiples"),
    "Pad": Raw("pad", "tensor paddings"),
    "ConcatV2": Raw("concat", "* axis"),
    "Pack": Raw("stack", "*", {"axis": "axis"}),
    "Slice": Raw("slice", "input_ begin size"),
    "StridedSlice": Raw("__operators__.getitem", "tensor slice_spec"),
    "GatherV2": Raw("gather", "params indices axis"),
    "MatMul": Raw("linalg.matmul", "a b", {"transpose_a": "transpose_a", "transpose_b": "transpose_b"}),
    "BatchMatMul": Raw("linalg.matmul", "a b", {"adj_x": "transpose_a", "adj_y": "transpose_b"}),
    "BatchMatMulV2": Raw("linalg.matmul", "a b", {"adj_x": "transpose_a", "adj_y": "transpose_b"}),
}

# The bits of a strided slice.
MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
_TYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_INT32": "int32", "DT_INT64": "int64", "DT_BOOL": "bool"}


def call(config: dict[str, Any], inputs: Any) -> tuple[str, Any, dict[str, Any]]:
    """Return the function, the first argument and the others of a call of a graph's operation.

    Args:
        config: what describes the operation: ``node_def`` and ``constants``.
        inputs: what the call gets from other layers.

    Raises ``ValueError`` for operations that nnlite does not have.
    """
    node, constants = config.get("node_def"), config.get("constants") or {}
    if not isinstance(node, dict) or not isinstance(constants, dict):
        raise ValueError("its node_def is not supported by nnlite: it is no dict.")
    raw = OPERATIONS.get(str(node.get("op")))
    if raw is None:
        raise ValueError(f"TensorFlow's operation {node.get('op')!r} is not supported by nnlite.")
    values = list(inputs) if isinstance(inputs, list) else [inputs]
    for index, value in sorted((int(index), value) for index, value in constants.items()):
        values.insert(index, value)
    names = raw.arguments.split()
    given = node.get("attr")
    attributes: dict[str, Any] = given if isinstance(given, dict) else {}
    if node["op"] == "StridedSlice":
        values = [values[0], key(values[1:], attributes)]
    if names[0] == "*":
        rest = len(names) - 1
        values = [values[: len(values) - rest], *values[len(values) - rest :]]
    if len(values) != len(names):
        raise ValueError(f"it has {len(values)} inputs, expected {len(names)}.")
    options = dict(zip(names[1:], values[1:], strict=True))
    options.update({key: _value(attributes[name]) for name, key in raw.attributes.items() if name in attributes})
    if options.get("axis") == [] and node["op"] == "Squeeze":
        options["axis"] = None
    return raw.function, values[0], options


def _value(attribute: Any) -> Any:
    """The value of an attribute, which says what it is: {"b": True}, {"i": "1"}, {"list": {"i": ["1"]}}.

    Texts are in base 64: {"s": "U0FNRQ=="}.
    """
    if not isinstance(attribute, dict):
        return attribute
    if isinstance(attribute.get("list"), dict):
        return [int(one) for one in attribute["list"].get("i", [])]
    if "i" in attribute:
        return int(attribute["i"])
    if "s" in attribute:
        return base64.b64decode(str(attribute["s"])).decode(errors="replace")
    if "type" in attribute:
        return _TYPES.get(attribute["type"], attribute["type"])
    return attribute.get("b", attribute.get("f"))


def key(values: list[Any], attributes: dict[str, Any]) -> list[Any]:
    """Return the index that a strided slice is.

    Args:
        values: begin, end and step of each axis.
        attributes: the bits that say which of begin and end count, and which axes are new or go.

    Raises ``ValueError`` for places that are computed by the model.
    """
    masks = {name: _value(attributes.get(name)) or 0 for name in MASKS}
    if len(values) != 3 or not all(isinstance(one, list) and len(one) == len(values[0]) for one in values):
        raise ValueError("a slice between computed places is not supported by nnlite.")
    found: list[Any] = []
    for bit, (begin, end, step) in enumerate(zip(*values, strict=True)):
        if masks["ellipsis_mask"] >> bit & 1:
            found.append({"class_name": "__ellipsis__"})
        elif masks["new_axis_mask"] >> bit & 1:
            found.append(None)
        elif masks["shrink_axis_mask"] >> bit & 1:
            found.append(begin)
        else:
            start, stop = (
                None if masks[f"{name}_mask"] >> bit & 1 else one for name, one in (("begin", begin), ("end", end))
            )
            found.append({"start": start, "stop": stop, "step": step})
    return found
