"""Cases of reductions, orders and products."""

import numpy as np
from ops.case import Case

DEEP = [(3, 2, 4)]
MATRIX = np.random.default_rng(5).normal(size=(4, 2)).astype("float32")


def reductions(names, options, inputs=None, prefix=""):
    return [
        Case(
            f"{prefix}{name}_{number}",
            lambda ops, x, name=name, more=more: getattr(ops, name)(x, **more),
            inputs or DEEP,
            empty=0 not in np.atleast_1d(more.get("axis", 0)),
            **how,
        )
        for name, how in names.items()
        for number, more in enumerate(options)
    ]


AXES = [{"axis": 1}, {"axis": (1, 2), "keepdims": True}, {}, {"axis": -1, "keepdims": True}, {"axis": [0, 2]}]
SMOOTH = {name: {} for name in ["sum", "mean", "max", "min", "amax", "amin", "prod", "var", "std", "logsumexp"]}
ROUGH, WHOLE = {"smooth": False}, [(5, (3, 4))]
LOGIC = {"any": ROUGH, "all": ROUGH}

CASES = [
    *reductions(SMOOTH, AXES),
    *reductions(LOGIC, AXES[:3], [("bool", (3, 2, 4))]),
    *reductions(dict.fromkeys(["sum", "mean", "max", "prod", "var", "std"], ROUGH), AXES[:1], WHOLE, "whole_"),
    *[
        Case(
            f"{name}_of_bool", lambda ops, x, name=name: getattr(ops, name)(x, axis=1), [("bool", (3, 4))], smooth=False
        )
        for name in ["sum", "mean", "prod"]
    ],
    Case("max_of_equals", lambda ops, x: ops.max(ops.round(x), axis=1) + 0 * ops.sum(x, axis=1), smooth=False),
    Case("max_of_ties", lambda ops, x: ops.max(ops.concatenate([x, x], axis=1), axis=1), smooth=False),
    Case("max_initial", lambda ops, x: ops.max(x, axis=1, initial=0.3)),
    Case("min_initial", lambda ops, x: ops.min(x, axis=1, initial=-0.3)),
    Case("prod_with_zeros", lambda ops, x: ops.prod(ops.relu(x), axis=1), smooth=False),
    Case("count_nonzero", lambda ops, x: ops.count_nonzero(x, axis=1), [(2, (3, 4))], smooth=False),
    Case("average", lambda ops, x: ops.average(x, axis=1), DEEP),
    Case("average_all", lambda ops, x: ops.average(x), DEEP),
    Case("average_weighted", lambda ops, x, w: ops.average(x, axis=1, weights=w), [(3, 4), ("positive", (3, 4))]),
    Case("average_by_row", lambda ops, x: ops.average(x, axis=1, weights=np.array([1.0, 2, 3, 4], "float32"))),
    Case("median", lambda ops, x: ops.median(x, axis=1)),
    Case("median_odd", lambda ops, x: ops.median(x, axis=(1, 2), keepdims=True), [(3, 5, 3)], empty=False),
    Case("quantile", lambda ops, x: ops.quantile(x, 0.3, axis=1)),
    Case("quantiles", lambda ops, x: ops.quantile(x, [0.3, 0.5], axis=-1), DEEP),
    Case("argmax", lambda ops, x: ops.argmax(x, axis=1), smooth=False),
    Case("argmax_flat", lambda ops, x: ops.argmax(x), smooth=False, empty=False),
    Case("argmax_kept", lambda ops, x: ops.argmax(x, axis=-1, keepdims=True), DEEP, smooth=False),
    Case("argmin", lambda ops, x: ops.argmin(x, axis=1), smooth=False),
    Case("argsort", lambda ops, x: ops.argsort(x), [(3, (3, 7))], smooth=False),
    Case("argsort_first", lambda ops, x: ops.argsort(x, axis=1), DEEP, smooth=False),
    Case("sort", lambda ops, x: ops.sort(x)),
    Case("sort_first", lambda ops, x: ops.sort(x, axis=1), DEEP),
    Case("top_k", lambda ops, x: ops.top_k(x, 2)[0], DEEP),
    Case("top_k_places", lambda ops, x: ops.top_k(x, 3), [(3, (3, 7))], smooth=False),
    Case("in_top_k", lambda ops, y, x: ops.in_top_k(y, x, 2), [(4, (3,)), (3, 4)], smooth=False),
    Case("cumsum", lambda ops, x: ops.cumsum(x, axis=1)),
    Case("cumsum_flat", lambda ops, x: ops.cumsum(x)),
    Case("cumsum_of_bool", lambda ops, x: ops.cumsum(x, axis=1), [("bool", (3, 4))], smooth=False),
    Case("cumprod", lambda ops, x: ops.cumprod(x, axis=1), DEEP),
    Case("cumprod_flat", lambda ops, x: ops.cumprod(x)),
    Case("cumprod_with_zeros", lambda ops, x: ops.cumprod(ops.relu(x), axis=1), smooth=False),
    Case("matmul", lambda ops, x, z: ops.matmul(x, z), [(3, 2, 4), (3, 4, 5)]),
    Case("matmul_one_matrix", lambda ops, x: ops.matmul(x, MATRIX), DEEP),
    Case("matmul_matrix_first", lambda ops, x: ops.matmul(MATRIX, x), DEEP),
    Case("matmul_vector", lambda ops, x: ops.matmul(x, MATRIX[:, 0])),
    Case("matmul_heads", lambda ops, x, z: x @ z, [(3, 2, 3, 4), (3, 1, 4, 2)]),
    Case("matmul_vector_first", lambda ops, x: ops.matmul(MATRIX[:, 0], ops.transpose(x, (0, 2, 1))), DEEP),
    Case("matmul_whole", lambda ops, x: ops.matmul(x, x), [(4, (3, 2, 2))], smooth=False),
    Case("dot", lambda ops, x: ops.dot(x, MATRIX), DEEP),
    Case("dot_number", lambda ops, x: ops.dot(x, 2.0), DEEP),
    Case("dot_deep", lambda ops, x, z: ops.dot(x, z), [(3, 4), (3, 4, 2)]),
    Case("inner", lambda ops, x: ops.inner(x, MATRIX.T), DEEP),
    Case("tensordot", lambda ops, x: ops.tensordot(x, MATRIX, axes=1), DEEP),
    Case("tensordot_axes", lambda ops, x, z: ops.tensordot(x, z, axes=[[2, 1], [1, 2]]), [(3, 2, 4), (3, 4, 2)]),
    Case("outer", lambda ops, x, z: ops.outer(x, z), [(3, 2), (3, 4)]),
    Case("trace", lambda ops, x: ops.trace(x, axis1=1, axis2=2), [(3, 4, 5)]),
    Case("trace_offset", lambda ops, x: ops.trace(x, 1, 1, 2), [(3, 4, 5)]),
    Case("diagonal", lambda ops, x: ops.diagonal(x, -1, 1, 2), [(3, 4, 5)]),
    Case("einsum", lambda ops, x, z: ops.einsum("bij,bkj->bik", x, z), [(3, 2, 4), (3, 5, 4)]),
    Case("einsum_summed", lambda ops, x, z: ops.einsum("bij,bj->b", x, z), [(3, 2, 4), (3, 4)]),
    Case("einsum_alone", lambda ops, x: ops.einsum("bij->bji", x), DEEP),
    Case("einsum_lost", lambda ops, x, z: ops.einsum("bij,bk->bk", x, z), [(3, 2, 4), (3, 4)]),
    Case("einsum_diagonal", lambda ops, x: ops.einsum("bii->bi", x), [(3, 4, 4)]),
    Case("einsum_dots", lambda ops, x: ops.einsum("...ij,jk->...ik", x, MATRIX), [(3, 2, 2, 4)]),
    Case("einsum_implicit", lambda ops, x: ops.einsum("bij,jk", x, MATRIX), DEEP),
    Case("einsum_three", lambda ops, x, z: ops.einsum("bi,bj,jk->bik", x, z, MATRIX), [(3, 2), (3, 4)]),
]
