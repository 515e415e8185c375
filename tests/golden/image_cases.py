"""Calls of the layers that change images at random, for transformations that Keras drew.

A case is an expression, the shape of the images, and the ends of their values (None for normal random numbers).
"""

import pathlib

FILE = pathlib.Path(__file__).with_name("images.npz")
UNIT = (0.0, 1.0)

CASES = [
    ("RandomFlip(seed=1)", (5, 3, 4, 2), None),
    ("RandomFlip('horizontal', seed=2)", (5, 3, 4, 1), None),
    ("RandomFlip('vertical', data_format='channels_first', seed=3)", (5, 2, 3, 4), None),
    ("RandomFlip('vertical', seed=4)", (3, 4, 2), None),
    ("RandomRotation(0.5, seed=1)", (3, 6, 7, 2), None),
    ("RandomRotation((0.1, 0.2), 'wrap', seed=2)", (2, 6, 5, 1), None),
    ("RandomRotation((-0.3, -0.1), 'nearest', data_format='channels_first', seed=3)", (2, 2, 5, 6), None),
    ("RandomRotation(0.4, 'constant', fill_value=0.5, seed=4)", (3, 5, 6, 2), None),
    ("RandomRotation(0.4, 'constant', 'nearest', fill_value=0.5, seed=5)", (3, 5, 6, 2), None),
    ("RandomRotation(0.4, interpolation='nearest', seed=6)", (5, 6, 2), None),
    ("RandomZoom(0.5, seed=1)", (3, 6, 7, 2), None),
    ("RandomZoom((0.5, 1.0), (-0.9, -0.5), 'wrap', seed=2)", (3, 6, 5, 2), None),
    ("RandomZoom((0.3, 0.9), fill_mode='constant', fill_value=-1.0, seed=3)", (2, 7, 5, 1), None),
    ("RandomZoom(0.9, 0.3, 'nearest', 'nearest', data_format='channels_first', seed=4)", (3, 2, 6, 5), None),
    ("RandomZoom(0.5, 0.3, seed=5)", (5, 7, 2), None),
    ("RandomTranslation(0.5, 0.5, seed=1)", (3, 6, 7, 2), None),
    ("RandomTranslation(1.0, (0.3, 0.8), 'wrap', 'nearest', seed=2)", (3, 6, 5, 1), None),
    ("RandomTranslation((-0.9, -0.2), 0.2, 'constant', fill_value=2.0, seed=3)", (3, 5, 7, 2), None),
    ("RandomTranslation(0.5, 1.0, 'nearest', data_format='channels_first', seed=4)", (3, 2, 5, 7), None),
    ("RandomTranslation(0.0, 0.7, seed=5)", (1, 7, 2), None),
    ("RandomCrop(3, 4, seed=1)", (3, 7, 6, 2), None),
    ("RandomCrop(3, 4, data_format='channels_first', seed=2)", (3, 2, 7, 9), None),
    ("RandomCrop(7, 4, seed=3)", (2, 7, 6, 2), None),
    ("RandomCrop(5, 6, seed=4)", (2, 10, 4, 2), None),
    ("RandomCrop(8, 9, seed=5)", (6, 5, 2), None),
    ("RandomContrast(0.9, value_range=(0, 1), seed=1)", (4, 5, 6, 3), UNIT),
    ("RandomContrast((0.9, 0.5), (0, 1), data_format='channels_first', seed=2)", (4, 2, 5, 6), UNIT),
    ("RandomContrast((-0.9, 0.9), (0, 1), seed=3)", (5, 6, 2), UNIT),
    ("RandomBrightness(0.5, (0, 1), seed=1)", (4, 5, 6, 3), UNIT),
    ("RandomBrightness((0.2, -0.4), (1, 0), seed=2)", (5, 6, 2), UNIT),
    ("RandomBrightness((0.0, 0.0), (0, 1), seed=3)", (1, 1, 2, 1), "ends"),
]


def images(stream, shape, values):
    """Draw the images of a case."""
    if values == "ends":
        return stream.integers(0, 2, shape).astype("float32")
    if values is None:
        return stream.normal(size=shape).astype("float32")
    return stream.uniform(*values, shape).astype("float32")
