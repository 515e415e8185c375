"""Functions of arrays and of symbols, each with its gradient: what models are made of between layers.

On arrays they compute; on symbols they become part of a model, as Python's operators on symbols do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnlite.core import lazy

if TYPE_CHECKING:
    from nnlite.ops.activation import (
        celu,
        elu,
        gelu,
        glu,
        hard_shrink,
        hard_sigmoid,
        hard_silu,
        hard_swish,
        hard_tanh,
        leaky_relu,
        log_sigmoid,
        log_softmax,
        relu,
        relu6,
        selu,
        sigmoid,
        silu,
        soft_shrink,
        softmax,
        softplus,
        softsign,
        sparse_plus,
        sparse_sigmoid,
        sparsemax,
        squareplus,
        swish,
        tanh_shrink,
        threshold,
    )
    from nnlite.ops.arithmetic import (
        add,
        arctan2,
        divide,
        divide_no_nan,
        floor_divide,
        hypot,
        logaddexp,
        maximum,
        minimum,
        mod,
        multiply,
        power,
        subtract,
        true_divide,
    )
    from nnlite.ops.comparison import (
        equal,
        greater,
        greater_equal,
        isclose,
        isfinite,
        isinf,
        isnan,
        less,
        less_equal,
        logical_and,
        logical_not,
        logical_or,
        logical_xor,
        not_equal,
        where,
    )
    from nnlite.ops.conversion import (
        cast,
        convert_to_numpy,
        convert_to_tensor,
        copy,
        dtype,
        is_tensor,
        ndim,
        saturate_cast,
        shape,
        size,
        stop_gradient,
    )
    from nnlite.ops.creation import (
        arange,
        array,
        empty,
        eye,
        full,
        full_like,
        identity,
        linspace,
        ones,
        ones_like,
        tri,
        zeros,
        zeros_like,
    )
    from nnlite.ops.elementwise import (
        absolute,
        cbrt,
        ceil,
        clip,
        erf,
        exp,
        exp2,
        expm1,
        floor,
        log,
        log1p,
        log2,
        log10,
        nan_to_num,
        negative,
        reciprocal,
        round,
        rsqrt,
        sign,
        sqrt,
        square,
        trunc,
    )
    from nnlite.ops.elementwise import absolute as abs
    from nnlite.ops.encoding import multi_hot, one_hot
    from nnlite.ops.image import image
    from nnlite.ops.indexing import diag, get_item, segment_sum, take, take_along_axis, tril, triu
    from nnlite.ops.indexing import slice_ as slice
    from nnlite.ops.joining import concatenate, hstack, meshgrid, pad, repeat, split, stack, tile, unstack, vstack
    from nnlite.ops.linear import diagonal, dot, inner, matmul, outer, tensordot, trace
    from nnlite.ops.namespaces import linalg, nn, numpy
    from nnlite.ops.network import average_pool, dot_product_attention, max_pool
    from nnlite.ops.normalization import (
        batch_normalization,
        layer_normalization,
        moments,
        norm,
        normalize,
        rms_normalization,
    )
    from nnlite.ops.ordering import argmax, argmin, argsort, cumprod, cumsum, in_top_k, median, quantile, sort, top_k
    from nnlite.ops.reduction import (
        all,
        amax,
        amin,
        any,
        average,
        count_nonzero,
        logsumexp,
        max,
        mean,
        min,
        prod,
        std,
        sum,
        var,
    )
    from nnlite.ops.shaping import (
        broadcast_to,
        depth_to_space,
        expand_dims,
        flip,
        moveaxis,
        ravel,
        reshape,
        roll,
        rot90,
        space_to_depth,
        squeeze,
        swapaxes,
        transpose,
    )
    from nnlite.ops.summation import einsum
    from nnlite.ops.trigonometry import (
        arccos,
        arccosh,
        arcsin,
        arcsinh,
        arctan,
        arctanh,
        cos,
        cosh,
        deg2rad,
        rad2deg,
        sin,
        sinh,
        tan,
        tanh,
    )

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    {
        "activation": (
            "celu elu gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu log_sigmoid "
            "log_softmax relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus "
            "sparse_sigmoid sparsemax squareplus swish tanh_shrink threshold"
        ),
        "arithmetic": (
            "add arctan2 divide divide_no_nan floor_divide hypot logaddexp maximum minimum mod multiply power "
            "subtract true_divide"
        ),
        "comparison": (
            "equal greater greater_equal isclose isfinite isinf isnan less less_equal logical_and logical_not "
            "logical_or logical_xor not_equal where"
        ),
        "conversion": (
            "cast convert_to_numpy convert_to_tensor copy dtype is_tensor ndim saturate_cast shape size stop_gradient"
        ),
        "creation": "arange array empty eye full full_like identity linspace ones ones_like tri zeros zeros_like",
        "summation": "einsum",
        "elementwise": (
            "abs=absolute absolute cbrt ceil clip erf exp exp2 expm1 floor log log10 log1p log2 nan_to_num "
            "negative reciprocal round rsqrt sign sqrt square trunc"
        ),
        "encoding": "multi_hot one_hot",
        "image": "image",
        "indexing": "diag get_item segment_sum slice=slice_ take take_along_axis tril triu",
        "joining": "concatenate hstack meshgrid pad repeat split stack tile unstack vstack",
        "linear": "diagonal dot inner matmul outer tensordot trace",
        "namespaces": "linalg nn numpy",
        "network": "average_pool dot_product_attention max_pool",
        "normalization": "batch_normalization layer_normalization moments norm normalize rms_normalization",
        "ordering": "argmax argmin argsort cumprod cumsum in_top_k median quantile sort top_k",
        "reduction": "all amax amin any average count_nonzero logsumexp max mean min prod std sum var",
        "shaping": (
            "broadcast_to depth_to_space expand_dims flip moveaxis ravel reshape roll rot90 space_to_depth "
            "squeeze swapaxes transpose"
        ),
        "trigonometry": "arccos arccosh arcsin arcsinh arctan arctanh cos cosh deg2rad rad2deg sin sinh tan tanh",
    },
    kind="ops",
)
