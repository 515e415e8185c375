"""Cases of noise and of penalties on what passes."""

from layers.case import Case

from nnlite import layers

CASES = [
    Case("gaussian_noise", lambda: layers.GaussianNoise(0.3, seed=1), (4, 3), random=True),
    Case("gaussian_dropout", lambda: layers.GaussianDropout(0.3, seed=1), (4, 3), random=True),
    Case("alpha_dropout", lambda: layers.AlphaDropout(0.3, seed=1), (5, 3), random=True),
    Case(
        "alpha_dropout_shape",
        lambda: layers.AlphaDropout(0.3, noise_shape=(None, 1, None), seed=1),
        (4, 3),
        random=True,
    ),
    Case("alpha_dropout_all", lambda: layers.AlphaDropout(1.0), (4, 3)),
    Case("spatial_dropout3d", lambda: layers.SpatialDropout3D(0.4, seed=3), (2, 3, 2, 4), random=True),
    Case(
        "spatial_dropout3d_first",
        lambda: layers.SpatialDropout3D(0.4, data_format="channels_first", seed=3),
        (4, 3, 2, 2),
        random=True,
    ),
    Case("activity_regularization", lambda: layers.ActivityRegularization(l1=0.1, l2=0.2), (4,)),
]
