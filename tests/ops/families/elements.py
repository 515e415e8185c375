"""Cases of functions of each element, of two operands, and comparisons."""

import numpy as np
from ops.case import Case

POSITIVE, UNIT, FAR = [("positive", (3, 4))], [("unit", (3, 4))], [("far", (3, 4))]
ROW = np.linspace(0.5, 2, 4).astype("float32")


def plain(names, inputs, smooth=True):
    return [Case(name, lambda ops, x, name=name: getattr(ops, name)(x), inputs, smooth) for name in names.split()]


def pairs(names, inputs, smooth=True, suffix=""):
    return [
        Case(name + suffix, lambda ops, x, z, name=name: getattr(ops, name)(x, z), inputs, smooth)
        for name in names.split()
    ]


def whole(names):
    return [
        Case(f"{name}_of_whole", lambda ops, x, name=name: getattr(ops, name)(x), [(5, (3, 4))], smooth=False)
        for name in names.split()
    ]


CASES = [
    *plain("absolute abs negative square exp exp2 expm1 erf sin cos sinh cosh tanh arctan arcsinh", [(3, 4)]),
    *plain("deg2rad rad2deg", [(3, 2, 2)]),
    *plain("sqrt rsqrt log log2 log10 log1p reciprocal cbrt", POSITIVE),
    *plain("tan arcsin arccos arctanh", UNIT),
    *plain("sign floor ceil trunc round", FAR, smooth=False),
    *whole("absolute negative square exp sqrt log1p floor ceil sign round sin tanh trunc isfinite"),
    Case("arccosh", lambda ops, x: ops.arccosh(x + 1), POSITIVE),
    Case("round_decimals", lambda ops, x: ops.round(x, 1), FAR, smooth=False),
    Case("clip", lambda ops, x: ops.clip(x, -0.5, 0.7), UNIT),
    Case("clip_whole", lambda ops, x: ops.clip(x, 1, 3), [(5, (3, 4))], smooth=False),
    Case("clip_whole_to_a_float", lambda ops, x: ops.clip(x, -1, 1.5), [(5, (3, 4))], smooth=False),
    Case("relu_of_whole", lambda ops, x: ops.relu(x - 2), [(5, (3, 4))], smooth=False),
    Case("square_of_bool", lambda ops, x: ops.square(x), [("bool", (3, 4))], smooth=False),
    Case("divide_no_nan_number", lambda ops, x: ops.divide_no_nan(x, 2)),
    Case("divide_no_nan_zero", lambda ops, x: ops.divide_no_nan(x, ops.relu(x)), smooth=False),
    Case("clip_on_its_bounds", lambda ops, x: ops.clip(ops.round(x) * 1.0, -1.0, 1.0) + 0 * x, FAR, smooth=False),
    Case("nan_to_num", lambda ops, x: ops.nan_to_num(x, nan=2.0)),
    *pairs("add subtract multiply maximum minimum arctan2 logaddexp hypot", [(3, 4), (3, 4)]),
    *pairs("add subtract multiply maximum minimum logaddexp", [(3, 2, 4), (3, 1, 4)], suffix="_spread"),
    *pairs("divide true_divide power divide_no_nan mod", [("positive", (3, 2, 4)), ("positive", (3, 1, 4))]),
    *pairs("floor_divide", [("far", (3, 4)), ("positive", (3, 4))], smooth=False),
    *pairs("equal not_equal less less_equal greater greater_equal", [(2, (3, 4)), (2, (3, 4))], smooth=False),
    *pairs("logical_and logical_or logical_xor", [("bool", (3, 4)), ("bool", (3, 4))], smooth=False),
    Case("logical_not", lambda ops, x: ops.logical_not(x), [("bool", (3, 4))], smooth=False),
    Case("logical_of_numbers", lambda ops, x: ops.logical_and(x, x > 0), smooth=False),
    *plain("isnan isinf isfinite", [(3, 4)], smooth=False),
    Case("isclose", lambda ops, x: ops.isclose(x, 0.5, atol=0.4), smooth=False),
    Case("maximum_of_equals", lambda ops, x: ops.maximum(x, x * 1.0), smooth=False),
    Case("minimum_and_a_number", lambda ops, x: ops.minimum(x, 0)),
    Case("relu_by_maximum", lambda ops, x: ops.maximum(ops.maximum(x, 0), 0)),
    Case("number_first", lambda ops, x: 2 - x / 3),
    Case("number_over", lambda ops, x: 2 / x, POSITIVE),
    Case("number_to_the_power", lambda ops, x: 2**x),
    Case("to_the_power", lambda ops, x: x**3 + x**2 + x**-1, POSITIVE),
    Case("to_the_power_of_zero", lambda ops, x: x**0),
    Case("operators", lambda ops, x: abs(-x) * x + x % 3 - (x // 2) * 0, POSITIVE),
    Case("operators_of_whole", lambda ops, x: (x + 1) * 2 - 3 * x, [(9, (3, 4))], smooth=False),
    Case("operators_of_logic", lambda ops, x: ((x > 0) & (x < 1)) | ~(x <= 2) ^ (x >= -1), smooth=False),
    Case("whole_and_a_float", lambda ops, x: ops.multiply(x, 0.5), [(9, (3, 4))], smooth=False),
    Case("whole_and_floats", lambda ops, x, z: ops.multiply(x, z), [(9, (3, 4)), (3, 4)]),
    Case("whole_over_whole", lambda ops, x: ops.divide(x, 2), [(9, (3, 4))], smooth=False),
    Case("bool_times_float", lambda ops, x, z: x * z, [("bool", (3, 4)), (3, 4)]),
    Case("bool_plus_one", lambda ops, x: ops.add(x, 1), [("bool", (3, 4))], smooth=False),
    Case("arrays_beside", lambda ops, x: ops.add(ops.multiply(x, ROW), ROW)),
    Case("where", lambda ops, x, z: ops.where(x > 0, x, z), [(3, 4), (3, 4)]),
    Case("where_broadcast", lambda ops, x, z: ops.where(x, z, 0.0), [("bool", (3, 4, 1)), (3, 4, 2)]),
    Case("where_whole", lambda ops, x: ops.where(x > 2, x, 0), [(5, (3, 4))], smooth=False),
]
