"""MNIST: 70,000 handwritten digits of 28x28 pixels."""

from __future__ import annotations

import os

from nnlite.datasets.files import Data, check_labels, locate, read_npz

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> Data:
    """Return MNIST: 60,000 images of handwritten digits to train on and 10,000 to test with.

    The file is looked for in this order:

    1. ``path`` itself, if there is such a file (your own file: its hash is not checked, its arrays are);
    2. the name ``path`` in Keras's folder, ``~/.keras/datasets`` (or ``$KERAS_HOME/datasets``), SHA-256 checked;
    3. a download to that folder, 11 MB, SHA-256 checked; offline, the error says where to put the file by hand.

    Args:
        path: A file, or a name in Keras's folder.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, all uint8: ``x`` of shape (N, 28, 28) with values 0 to 255, ``y`` of
        shape (N,) with values 0 to 9. A file of your own may have any number of images.

    Raises:
        ValueError: The file is damaged or is not MNIST.
        OSError: The file is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import mnist
    >>> (x_train, y_train), (x_test, y_test) = mnist.load_data()  # doctest: +SKIP

    Source: Y. LeCun and C. Cortes, http://yann.lecun.com/exdb/mnist, a derivative of NIST's data, CC BY-SA 3.0;
    file and hash as in Keras 3.
    """
    file = locate("mnist.load_data", path, _ORIGIN, _SHA256)
    x_train, y_train, x_test, y_test = read_npz(
        file, {"x_train": (28, 28), "y_train": (), "x_test": (28, 28), "y_test": ()}
    )
    check_labels(x_train, y_train, file)
    check_labels(x_test, y_test, file)
    return (x_train, y_train), (x_test, y_test)
