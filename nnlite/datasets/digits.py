"""The UCI handwritten digits: 1,797 real images of 8x8 pixels, shipped inside the package."""

from __future__ import annotations

import os

import numpy as np

from nnlite.datasets.files import Data, read_npz

_FILE = os.path.join(os.path.dirname(__file__), "digits.npz")


def load_data() -> Data:
    """Return the handwritten digits 0 to 9, split into 1,438 images to train on and 359 to test with.

    The split is fixed and stratified, without any random number: of the images of one class, counted from 0 in the
    order of the file, those at 2, 7, 12, ... (position modulo 5 equal to 2) are test images, the others are training
    images, and both parts keep the order of the file. That makes a fifth of every class, rounded to the nearest:

    ===== === === === === === === === === === === =====
    digit   0   1   2   3   4   5   6   7   8   9   all
    train 142 146 142 146 145 146 145 143 139 144 1,438
    test   36  36  35  37  36  36  36  36  35  36   359
    ===== === === === === === === === === === === =====

    The file goes writer by writer, so both parts hold digits of the same 13 people.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: ``x`` uint8 of shape (N, 8, 8) with values 0 (paper) to 16 (ink),
        the number of inked pixels in each 4x4 cell of the 32x32 scan; ``y`` int64 of shape (N,).

    Raises:
        ValueError: The file inside the package is damaged.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape, int(x_train.max())
    ((1438, 8, 8), (359, 8, 8), 16)

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49, CC BY 4.0; its test part, in the copy that scikit-learn has. See digits.md.
    """
    x, y = read_npz(_FILE, {"x": (8, 8), "y": ()})
    test = _every_fifth(y)
    labels = y.astype(np.int64)
    return (x[~test], labels[~test]), (x[test], labels[test])


def _every_fifth(y: np.ndarray) -> np.ndarray:
    """Mark, in each class, the positions 2, 7, 12, ..."""
    test = np.zeros(len(y), bool)
    for digit in range(10):
        test[np.flatnonzero(y == digit)[2::5]] = True
    return test
