"""Cases of normalization."""

from layers.case import Case

from nnlite import layers


def some(rng, batch, steps=5):
    """A mask of which at least one step of each sample counts."""
    mask = rng.random((batch, steps)) < 0.6
    mask[:, 1] = True
    return {"mask": mask}


CASES = [
    Case("group_normalization", lambda: layers.GroupNormalization(2), (5, 4)),
    Case("group_normalization_axis", lambda: layers.GroupNormalization(3, axis=1), (6, 4)),
    Case("group_normalization_each", lambda: layers.GroupNormalization(-1, scale=False), (5, 3)),
    Case("group_normalization_image", lambda: layers.GroupNormalization(3, axis=-2, center=False), (3, 6, 2)),
    Case("group_normalization_flat", lambda: layers.GroupNormalization(2), (6,)),
    Case("unit_normalization", lambda: layers.UnitNormalization(), (4, 3)),
    Case("unit_normalization_axes", lambda: layers.UnitNormalization(axis=[1, 2]), (4, 3)),
    Case("unit_normalization_first", lambda: layers.UnitNormalization(axis=1), (4, 3)),
    Case("rms_normalization", lambda: layers.RMSNormalization(epsilon=0.1), (4, 3)),
    Case("rms_normalization_axes", lambda: layers.RMSNormalization(axis=(1, -1)), (4, 3, 2)),
    Case("rms_normalization_middle", lambda: layers.RMSNormalization(axis=2), (2, 4, 3)),
    Case(
        "spectral_normalization",
        lambda: layers.SpectralNormalization(layers.Dense(3, activation="tanh"), power_iterations=400),
        (4,),
    ),
    Case("spectral_normalization_conv", lambda: layers.SpectralNormalization(layers.Conv1D(2, 3), 400), (5, 2)),
    Case("batch_normalization_masked", lambda: layers.BatchNormalization(), (5, 3), options=some),
    Case("batch_normalization_masked_axis", lambda: layers.BatchNormalization(axis=1), (5, 3), options=some),
    Case(
        "batch_renormalization",
        lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"rmax": 2.0, "dmax": 1.0}),
        (5, 3),
        smooth=False,  # r and d depend on x, and are held fixed
    ),
]
