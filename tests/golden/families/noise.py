"""Noise and dropout outside of training and with nothing to drop: what they draw is their own."""

from golden.family import Case

LAYERS = [
    Case("GaussianNoise(0.3)", (2, 3)),
    Case("GaussianNoise(stddev=0.0, seed=3)", (2, 3), True),
    Case("GaussianDropout(0.3)", (2, 3)),
    Case("GaussianDropout(rate=0.0, seed=3)", (2, 3), True),
    Case("AlphaDropout(0.3)", (2, 3)),
    Case("AlphaDropout(0.3, noise_shape=(None, 1), seed=3)", (2, 3)),
    Case("AlphaDropout(0.0)", (2, 3), True),
    Case("SpatialDropout1D(0.3, seed=3)", (2, 3, 4)),
    Case("SpatialDropout2D(0.3, data_format='channels_first')", (2, 3, 2, 2)),
    Case("SpatialDropout3D(0.3)", (2, 3, 2, 2, 3)),
    Case("SpatialDropout3D(0.0, data_format='channels_first', seed=3)", (2, 3, 2, 2, 3), True),
    Case("ActivityRegularization(l1=0.1, l2=0.2)", (2, 3), gradient=False),
    Case("ActivityRegularization()", (2, 3)),
]
