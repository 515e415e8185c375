"""CIFAR-10: 60,000 photographs of 32x32 pixels in ten classes."""

from __future__ import annotations

import numpy as np

from nnlite.datasets.cifar import read
from nnlite.datasets.files import Data

_ARCHIVE, _FOLDER = "cifar-10-python.tar.gz", "cifar-10-batches-py"
_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> Data:
    """Return CIFAR-10: 50,000 photographs to train on and 10,000 to test with.

    The classes: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    The archive is looked for, unpacked or not, in Keras's folder (``~/.keras/datasets``, or
    ``$KERAS_HOME/datasets``), and downloaded to it where it is missing (170 MB, SHA-256 checked). Its batches are
    pickles: they are read as data, and nothing in them is run.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: ``x`` uint8 of shape (N, 32, 32, 3), or (N, 3, 32, 32) where
        ``nnlite.config.image_data_format()`` is "channels_first", with values 0 to 255; ``y`` uint8 of shape (N, 1).

    Raises:
        ValueError: The file is damaged or holds something else.
        OSError: The file is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import cifar10
    >>> (x_train, y_train), (x_test, y_test) = cifar10.load_data()  # doctest: +SKIP

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; file and hash as in Keras 3.
    """
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    batches = read(_ARCHIVE, _FOLDER, names, "labels", 10, _ORIGIN, _SHA256)
    x_train = np.concatenate([x for x, _ in batches[:-1]])
    y_train = np.concatenate([y for _, y in batches[:-1]]).astype("uint8")
    x_test, y_test = batches[-1]
    return (x_train, y_train), (x_test, y_test.astype("uint8"))
