from __future__ import annotations

import hashlib

import numpy as np

from nnlite.datasets import digits


def test_shapes_types_and_values():
    for (x, y), count in zip(digits.load_data(), (1438, 359), strict=True):
        assert x.shape == (count, 8, 8) and x.dtype == np.uint8
        assert y.shape == (count,) and y.dtype == np.int64
        assert x.min() == 0 and x.max() == 16
        assert x.flags.writeable and y.flags.writeable


def test_the_split_is_the_documented_one():
    (_, y_train), (_, y_test) = digits.load_data()
    assert np.bincount(y_train).tolist() == [142, 146, 142, 146, 145, 146, 145, 143, 139, 144]
    assert np.bincount(y_test).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]


def test_both_parts_together_are_the_published_images():
    # Undo the split: within each class, every fifth image from the third on comes from the test part.
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    per_class = []
    for digit in range(10):
        train, test = x_train[y_train == digit], x_test[y_test == digit]
        whole = np.empty((len(train) + len(test), 8, 8), np.uint8)
        mask = np.arange(len(whole)) % 5 == 2
        whole[mask], whole[~mask] = test, train
        per_class.append(whole)
    # Recorded from scikit-learn's load_digits, images grouped by class in its order.
    digest = hashlib.sha256(np.concatenate(per_class).tobytes()).hexdigest()
    assert digest == "3c5ac39e561738e0c959930a99bd11e4fc9f7944ff26898fa795b4e4644f34b4"


def test_each_call_gives_arrays_of_its_own():
    (first, _), _ = digits.load_data()
    first[:] = 0
    (second, _), _ = digits.load_data()
    assert second.any()
