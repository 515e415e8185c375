"""The table of TensorFlow's functions in models of Keras 2, and what does the same in ``nnlite.ops``."""

from __future__ import annotations

from typing import Any, NamedTuple

from nnlite.saving.eras_graphdef import MASKS


class _Any:
    """Whatever there is."""

    def __contains__(self, value: Any) -> bool:
        return True


ANY = _Any()


class Row(NamedTuple):
    """What a function of TensorFlow is today."""

    op: str  # name of the class in nnlite.ops, or "layers." and that of a layer; several are done one after another
    operands: str = "x"  # TensorFlow's names of the arrays, in order
    settings: dict[str, str] = {}  # noqa: RUF012  TensorFlow's names of other arguments -> ours
    usual: dict[str, Any] = {}  # noqa: RUF012  our arguments where TensorFlow's are not given
    only: dict[str, Any] = {}  # noqa: RUF012  arguments that must be one of these, and are dropped


_AXIS = {"axis": "axis"}
_REDUCED = {"axis": "axis", "keepdims": "keepdims"}
_POOLED = {"ksize": "pool_size", "strides": "strides", "padding": "padding"}
_LAST = {"data_format": ("NHWC", None)}


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
    "math.scalar_mul": Row("Multiply", "scalar x"),
    "math.squared_difference": _two("Subtract Square"),
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
    "math.cumsum": Row("Cumsum", "x", {"axis": "axis", "reverse": "reverse"}, {"axis": 0}, {"exclusive": (False,)}),
    "math.cumprod": Row("Cumprod", "x", {"axis": "axis", "reverse": "reverse"}, {"axis": 0}, {"exclusive": (False,)}),
    "math.count_nonzero": Row("CountNonzero", "input", _AXIS, {}, {"keepdims": (None, False), "dtype": (None,)}),
    "math.reduce_euclidean_norm": _reduced("Norm"),
    "sort": Row("Sort", "values", {"axis": "axis", "direction": "direction"}),
    "argsort": Row("Argsort", "values", {"axis": "axis", "direction": "direction"}, {}, {"stable": (False, True)}),
    "math.l2_normalize": Row("Normalize", "x", {"axis": "axis", "epsilon": "epsilon"}, {"epsilon": 1e-12}),
    "norm": Row("Norm", "tensor", {"ord": "ord", **_REDUCED}),
    "math.top_k": Row("TopK", "input", {"k": "k", "sorted": "sorted"}),
    "math.add_n": Row("layers.Add", "inputs"),
    # shapes
    "keras.backend.batch_flatten": Row("layers.Flatten", "x"),
    "ensure_shape": Row("Copy", "x", {}, {}, {"shape": ANY}),
    "image.flip_left_right": Row("Flip", "image", {}, {"axis": -2}),
    "image.flip_up_down": Row("Flip", "image", {}, {"axis": -3}),
    "nn.depth_to_space": Row("DepthToSpace", "input", {"block_size": "block_size"}, {}, _LAST),
    "nn.space_to_depth": Row("SpaceToDepth", "input", {"block_size": "block_size"}, {}, _LAST),
    "nn.avg_pool2d": Row("AveragePool", "input", _POOLED, {}, _LAST),
    "nn.max_pool2d": Row("MaxPool", "input", _POOLED, {}, _LAST),
    "strided_slice": Row("GetItem", "input_", {name: name for name in ("begin", "end", "strides", *MASKS)}),
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
    "pad": Row("Pad", "tensor", {"paddings": "pad_width", "mode": "mode", "constant_values": "constant_values"}),
    "broadcast_to": Row("BroadcastTo", "input", {"shape": "shape"}),
    "gather": Row("Take", "params indices", _AXIS, {"axis": 0}, {"batch_dims": (0,)}),
    "nn.embedding_lookup": Row("Take", "params ids", {}, {"axis": 0}, {"partition_strategy": ANY, "max_norm": (None,)}),
    "linalg.diag_part": Row("Diagonal", "input", {}, {"axis1": -2, "axis2": -1}, {"k": (0,)}),
    "linalg.band_part": Row("Tril", "input", {"num_lower": "num_lower", "num_upper": "num_upper"}),
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
    "nn.max_pool": "nn.max_pool2d",
    "nn.avg_pool": "nn.avg_pool2d",
}
