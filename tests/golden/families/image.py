"""Calls of the layers of images that draw nothing; tests/golden/test_images.py replays those in training."""

from golden.family import Case

LAYERS = [
    Case("UpSampling1D()", (2, 3, 2)),
    Case("UpSampling1D(size=3)", (2, 1, 2)),
    Case("UpSampling2D()", (2, 3, 4, 2)),
    Case("UpSampling2D(size=(1, 3), data_format='channels_first')", (2, 2, 3, 4)),
    *[
        Case(f"UpSampling2D(size=(2, 3), interpolation='{name}')", (2, 4, 3, 2))
        for name in ("bilinear", "bicubic", "lanczos3", "lanczos5")
    ],
    Case("UpSampling2D(size=2, data_format='channels_first', interpolation='bicubic')", (2, 2, 3, 1)),
    Case("UpSampling3D()", (1, 2, 3, 1, 2)),
    Case("UpSampling3D(size=(1, 2, 3), data_format='channels_first')", (1, 2, 2, 3, 2)),
    *[
        Case(f"Resizing({size}, interpolation='{name}', antialias={antialias})", (2, 7, 6, 2), facts=not antialias)
        for name in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")
        for size, antialias in (("4, 9", False), ("3, 4", True))
    ],
    Case("Resizing(13, 41, interpolation='nearest')", (1, 26, 2, 1), facts=False),
    Case("Resizing(5, 6)", (1, 5, 6, 2)),
    Case("Resizing(4, 3, data_format='channels_first')", (2, 3, 7, 6)),
    Case("Resizing(4, 3)", (7, 6, 2), facts=False),
    Case("Resizing(4, 3, data_format='channels_first')", (2, 7, 6), facts=False),
    Case("Resizing(4, 3, crop_to_aspect_ratio=True)", (2, 9, 5, 2)),
    Case("Resizing(4, 3, crop_to_aspect_ratio=True, interpolation='bicubic')", (5, 10, 2), facts=False),
    Case("Resizing(2, 7, crop_to_aspect_ratio=True, data_format='channels_first')", (2, 1, 6, 9)),
    Case("Resizing(4, 3, pad_to_aspect_ratio=True, fill_value=0.5)", (2, 9, 4, 2)),
    Case("Resizing(4, 7, pad_to_aspect_ratio=True)", (2, 9, 4, 2)),
    Case("Resizing(4, 3, pad_to_aspect_ratio=True, fill_value=-1, data_format='channels_first')", (2, 2, 3, 8)),
    Case("Resizing(5, 4, pad_to_aspect_ratio=True)", (6, 5, 2), facts=False),
    Case("CenterCrop(3, 4)", (2, 6, 7, 2)),
    Case("CenterCrop(4, 3)", (7, 6, 2), facts=False),
    Case("CenterCrop(3, 2, data_format='channels_first')", (2, 2, 6, 5)),
    Case("CenterCrop(6, 4)", (2, 5, 7, 2)),
    Case("CenterCrop(6, 9, data_format='channels_first')", (2, 5, 7), facts=False),
    *[
        Case(expression, (2, 5, 6, 2), call="layer(x, training=False)")
        for expression in (
            "RandomFlip('vertical', seed=3)",
            "RandomFlip(bounding_box_format='xyxy')",
            "RandomRotation(0.2)",
            "RandomRotation((-0.1, 0.3), fill_mode='constant', interpolation='nearest', fill_value=2., seed=4)",
            "RandomZoom(0.2)",
            "RandomZoom((0.3, -0.2), 0.4, fill_mode='wrap', data_format='channels_first')",
            "RandomTranslation(0.2, (-0.1, 1.0), fill_mode='nearest')",
            "RandomCrop(3, 4, seed=5)",
            "RandomContrast(0.2)",
            "RandomContrast((0.3, 0.2), value_range=(0, 1), data_format='channels_first')",
            "RandomBrightness(0.2)",
            "RandomBrightness((0.3, -0.2), value_range=(1, 0), seed=6)",
        )
    ],
]
