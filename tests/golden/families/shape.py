"""Merging, pooling, borders."""

from golden.family import Case, Values

A, B = (3, 4, 2), (3, 4, 2)
T = [Values([[1, 2, 2]]), Values([[1, 3, 2]]), Values([[1, 3, 0]])]

LAYERS = [
    *(Case(f"{kind}()", [A, B]) for kind in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")),
    *(
        Case(f"{kind}()", [(3, 4, 2), (3, 1, 2), (3, 2)], facts=False)
        for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum")
    ),
    Case("Maximum()", T, facts=False),
    Case("Minimum()", T, facts=False),
    Case("Concatenate()", [(3, 4, 2), (3, 4, 5)]),
    Case("Concatenate(axis=1)", [(3, 4, 2), (3, 1, 2), (3, 2, 2)]),
    Case("Dot(axes=1)", [(3, 4), (3, 4)]),
    Case("Dot(axes=(2, 1))", [(3, 4, 5), (3, 5, 2)]),
    Case("Dot(axes=-1, normalize=True)", [(3, 4, 5), (3, 2, 5)]),
    Case("Dot(axes=(1, 2))", [(3, 4), (3, 2, 4)]),
    Case("MaxPooling3D()", (2, 5, 4, 6, 3)),
    Case("MaxPooling3D((2, 3, 1), strides=(1, 2, 2), padding='same')", (2, 4, 5, 3, 2)),
    Case("AveragePooling3D(2)", (2, 5, 4, 6, 3)),
    Case("AveragePooling3D((3, 2, 2), strides=2, padding='same', data_format='channels_first')", (2, 3, 5, 4, 3)),
    Case("GlobalAveragePooling3D()", (2, 3, 4, 2, 3)),
    Case("GlobalMaxPooling3D(keepdims=True)", (2, 3, 4, 2, 3)),
    *(
        Case(f"Adaptive{kind}Pooling{n}D({size})", (2, *(7, 5, 4)[:n], 3))
        for kind in ("Average", "Max")
        for n, size in ((1, 3), (2, (3, 2)), (3, 2))
    ),
    Case("AdaptiveAveragePooling2D(2, data_format='channels_first')", (2, 3, 5, 7)),
    Case("RepeatVector(3)", (2, 4)),
    Case("ZeroPadding1D()", (2, 4, 3)),
    Case("ZeroPadding1D((1, 2))", (2, 4, 3)),
    Case("ZeroPadding3D((1, 0, 2))", (2, 2, 3, 2, 2)),
    Case("ZeroPadding3D(((1, 0), (0, 2), (1, 1)), data_format='channels_first')", (2, 2, 2, 3, 2)),
    Case("Cropping1D()", (2, 5, 3)),
    Case("Cropping1D((0, 2))", (2, 5, 3)),
    Case("Cropping2D(1)", (2, 5, 4, 3)),
    Case("Cropping2D(((1, 0), (0, 2)), data_format='channels_first')", (2, 2, 5, 4)),
    Case("Cropping3D(((1, 0), (0, 2), (1, 1)))", (2, 3, 4, 5, 2)),
    Case("Identity()", (2, 3)),
]
