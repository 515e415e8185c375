"""Cases of the layers that resample and change images."""

from layers.case import Case

from nnlite.layers import (
    CenterCrop,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Resizing,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
)

FIRST = {"data_format": "channels_first"}
WIDE = (-3, 3)  # of which some random normal values lie outside

CASES = [
    Case("up_sampling1d", lambda: UpSampling1D(3), (5, 2)),
    Case("up_sampling2d", lambda: UpSampling2D((3, 2)), (5, 3, 2)),
    Case("up_sampling2d_first", lambda: UpSampling2D((1, 2), **FIRST), (2, 5, 3)),
    Case("up_sampling2d_bilinear", lambda: UpSampling2D(2, interpolation="bilinear"), (5, 3, 2)),
    Case("up_sampling2d_bicubic_first", lambda: UpSampling2D((2, 3), "channels_first", "bicubic"), (2, 4, 5)),
    Case("up_sampling2d_lanczos", lambda: UpSampling2D((1, 2), interpolation="lanczos3"), (7, 5, 1)),
    Case("up_sampling3d", lambda: UpSampling3D((1, 3, 2)), (3, 2, 3, 2)),
    Case("up_sampling3d_first", lambda: UpSampling3D(2, **FIRST), (2, 3, 1, 3)),
    Case("resizing", lambda: Resizing(4, 9), (7, 5, 3)),
    Case("resizing_nearest", lambda: Resizing(9, 3, "nearest"), (7, 5, 2)),
    Case("resizing_antialias", lambda: Resizing(3, 2, "bicubic", antialias=True), (7, 11, 1)),
    Case("resizing_crop_first", lambda: Resizing(3, 5, "lanczos5", crop_to_aspect_ratio=True, **FIRST), (2, 9, 7)),
    Case("resizing_pad", lambda: Resizing(6, 5, pad_to_aspect_ratio=True, fill_value=0.5), (3, 9, 2)),
    Case("resizing_same", lambda: Resizing(5, 7), (5, 7, 2)),
    Case("center_crop", lambda: CenterCrop(3, 4), (6, 5, 2)),
    Case("center_crop_enlarged_first", lambda: CenterCrop(8, 4, **FIRST), (2, 5, 7)),
    Case("random_flip", lambda: RandomFlip(seed=1), (3, 5, 2), random=True),
    Case("random_flip_first", lambda: RandomFlip("vertical", 1, **FIRST), (2, 3, 5), random=True),
    Case("random_rotation", lambda: RandomRotation(0.3, "reflect", seed=1), (5, 7, 2), random=True),
    Case("random_rotation_nearest", lambda: RandomRotation((0, 1), "nearest", "nearest", 1), (5, 4, 3), random=True),
    Case("random_zoom", lambda: RandomZoom((-0.5, 0.9), fill_mode="wrap", seed=1), (5, 4, 1), random=True),
    Case("random_zoom_first", lambda: RandomZoom(0.5, 0.9, "constant", seed=1, **FIRST), (2, 5, 3), random=True),
    Case("random_translation", lambda: RandomTranslation(0.6, 0.9, seed=1), (5, 7, 2), random=True),
    Case(
        "random_translation_fill",
        lambda: RandomTranslation(0.5, (0.1, 0.9), "constant", seed=1, fill_value=0.5),
        (5, 1, 2),
        random=True,
    ),
    Case("random_crop", lambda: RandomCrop(5, 4, seed=1), (5, 4, 2), random=True),
    Case("random_contrast", lambda: RandomContrast((0.9, 0.8), WIDE, seed=1), (5, 3, 2), random=True),
    Case("random_contrast_first", lambda: RandomContrast(0.5, WIDE, 1, **FIRST), (2, 5, 3), random=True),
    Case("random_brightness", lambda: RandomBrightness(0.4, WIDE, seed=1), (5, 3, 3), random=True),
]
