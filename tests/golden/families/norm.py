"""Normalization: of batches with corrections and masks, of groups, of rows, of kernels."""

from golden.family import Case, Mask

OPTIONS = "gamma_initializer='uniform', beta_regularizer='l2', gamma_constraint='non_neg', gamma_regularizer='l2'"

LAYERS = [
    Case("GroupNormalization(2)", (2, 5, 4)),
    Case("GroupNormalization(3)", (3, 6)),
    Case("GroupNormalization(groups=3, axis=1, epsilon=1e-2, center=False)", (2, 6, 4)),
    Case("GroupNormalization(2, axis=-2)", (2, 3, 4, 5), facts=False),
    Case("GroupNormalization(4, axis=2)", (2, 3, 4, 2, 2), facts=False),
    Case("GroupNormalization(-1)", (2, 3, 4, 5)),
    Case("GroupNormalization(1, scale=False)", (2, 3, 4)),
    Case(f"GroupNormalization(2, {OPTIONS})", (2, 3, 4)),
    Case("UnitNormalization()", (3, 4)),
    Case("UnitNormalization(axis=1)", (3, 4, 2)),
    Case("UnitNormalization(axis=[1, 2])", (3, 4, 2)),
    Case("UnitNormalization(axis=(-1, 1))", (3, 4, 2, 2)),
    Case("RMSNormalization()", (3, 4)),
    Case("RMSNormalization(epsilon=0.1)", (2, 3, 4)),
    Case("RMSNormalization(axis=[1, 2])", (2, 3, 4)),
    Case("RMSNormalization(axis=[-1, -2])", (2, 3, 4, 2)),
    Case("LayerNormalization(axis=[1, 2])", (2, 3, 4)),
    Case("LayerNormalization(axis=1, scale=False)", (2, 3, 4)),
    Case("LayerNormalization(axis=[-1, 1])", (2, 3, 4, 2), facts=False),
    Case(f"LayerNormalization({OPTIONS})", (2, 3, 4)),
    Case("BatchNormalization(axis=1, momentum=0.7)", (3, 5, 2), True, {"mask": Mask((3, 5))}),
    Case("BatchNormalization(center=False)", (2, 3, 4, 2), True, {"mask": Mask((2, 3, 4), anywhere=True)}),
    Case(f"BatchNormalization({OPTIONS}, moving_mean_initializer='ones')", (4, 3)),
    Case("BatchNormalization(renorm=True)", (4, 3), True, weights=0.2),
    Case("BatchNormalization(renorm=True)", (4, 3)),
    Case("BatchNormalization(renorm=True, scale=False, axis=1, renorm_momentum=0.5)", (4, 3, 2), True, weights=0.2),
    Case(
        "BatchNormalization(center=False, renorm=True, renorm_clipping={'rmax': 1.2, 'rmin': 0.9, 'dmax': 0.5})",
        (4, 3),
        True,
        weights=0.2,
    ),
    Case("BatchNormalization(renorm=True)", (4, 3, 2), True, {"mask": Mask((4, 3))}, weights=0.2),
    Case("SpectralNormalization(Dense(3))", (2, 4), True),
    Case("SpectralNormalization(Dense(3, activation='tanh'), power_iterations=3)", (2, 4), True),
    Case("SpectralNormalization(Dense(3))", (2, 4)),
    Case("SpectralNormalization(Conv2D(3, 2, use_bias=False))", (2, 4, 4, 2), True),
]
