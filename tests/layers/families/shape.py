"""Cases of merging, pooling, borders and functions."""

from layers.case import Case

from nnlite import layers
from nnlite.activations import tanh as keras_tanh

TWO = [(4, 3), (4, 3)]

CASES = [
    Case("add", lambda: layers.Add(), [(4, 3), (1, 3), (3,)]),
    Case("subtract", lambda: layers.Subtract(), [(4, 3), (1, 3)]),
    Case("multiply", lambda: layers.Multiply(), [(4, 3), (4, 1), (3,)]),
    Case("average", lambda: layers.Average(), [(4, 3), (4, 3), (4, 3)]),
    Case("maximum", lambda: layers.Maximum(), [(4, 3), (1, 3), (4, 3)]),
    Case("minimum", lambda: layers.Minimum(), TWO),
    Case("concatenate", lambda: layers.Concatenate(), [(4, 3), (4, 1)]),
    Case("concatenate_axis", lambda: layers.Concatenate(axis=1), [(4, 3), (1, 3), (2, 3)]),
    Case("dot", lambda: layers.Dot(1), [(3,), (3,)]),
    Case("dot_matrices", lambda: layers.Dot((2, 1)), [(4, 3), (3, 5)]),
    Case("dot_normalized", lambda: layers.Dot(-1, normalize=True), [(4, 3), (2, 3)]),
    Case("max_pooling3d", lambda: layers.MaxPooling3D(), (5, 4, 3, 2)),
    Case("average_pooling3d", lambda: layers.AveragePooling3D(2, strides=1, padding="same"), (3, 4, 3, 2)),
    Case("global_average3d", lambda: layers.GlobalAveragePooling3D(), (3, 4, 2, 2)),
    Case("global_max3d", lambda: layers.GlobalMaxPooling3D(), (3, 4, 2, 2)),
    *(
        Case(
            f"adaptive_{kind}{n}d",
            lambda kind=kind, n=n: getattr(layers, f"Adaptive{kind}Pooling{n}D")(2),
            (*(5, 3, 4)[:n], 2),
        )
        for kind in ("Average", "Max")
        for n in (1, 2, 3)
    ),
    Case("adaptive_first", lambda: layers.AdaptiveMaxPooling2D((2, 3), data_format="channels_first"), (2, 5, 4)),
    Case("repeat_vector", lambda: layers.RepeatVector(3), (4,)),
    Case("zero_padding1d", lambda: layers.ZeroPadding1D((1, 2)), (4, 3)),
    Case("zero_padding3d", lambda: layers.ZeroPadding3D(((1, 0), (0, 2), (1, 1))), (2, 3, 2, 2)),
    Case("cropping1d", lambda: layers.Cropping1D((1, 2)), (5, 3)),
    Case("cropping2d", lambda: layers.Cropping2D(((1, 0), (0, 2)), data_format="channels_first"), (2, 4, 5)),
    Case("cropping3d", lambda: layers.Cropping3D(1), (3, 4, 5, 2)),
    Case("identity", lambda: layers.Identity(), (4, 3)),
    Case("lambda", lambda: layers.Lambda(keras_tanh), (4, 3)),
]
