"""Fashion-MNIST: 70,000 photographs of clothes of 28x28 pixels, in ten classes."""

from __future__ import annotations

import os

import numpy as np

from nnlite.datasets.files import Data, check_labels, read_idx
from nnlite.utils.get_file import get_file, keras_home

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_DEBIAN = "/usr/share/datasets/fashion-mnist"
_SUBDIR = os.path.join("datasets", "fashion-mnist")

# Of Zalando's files. They publish MD5 only. Debian's package has the same compressed data without the name and the
# date in the gzip header; with those put back its files have Zalando's MD5 and these SHA-256.
_SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def load_data() -> Data:
    """Return Fashion-MNIST: 60,000 images of clothes to train on and 10,000 to test with.

    Each of the four files is looked for in this order:

    1. Keras's folder, ``~/.keras/datasets/fashion-mnist`` (or ``$KERAS_HOME/datasets/fashion-mnist``);
    2. Debian's package: ``apt-get install dataset-fashion-mnist`` (``/usr/share/datasets/fashion-mnist``);
    3. a download to Keras's folder, 31 MB in all, SHA-256 checked; offline, the error says where to put it by hand.

    The classes: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag,
    9 ankle boot.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, all uint8: ``x`` of shape (N, 28, 28) with values 0 to 255, ``y`` of
        shape (N,) with values 0 to 9.

    Raises:
        ValueError: A file is damaged.
        OSError: A file is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import fashion_mnist
    >>> (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()  # doctest: +SKIP

    Source: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, 2017, https://arxiv.org/abs/1708.07747,
    https://github.com/zalandoresearch/fashion-mnist, MIT licence.
    """
    return _part("train"), _part("t10k")


def _part(name: str) -> tuple[np.ndarray, np.ndarray]:
    labels = _find(f"{name}-labels-idx1-ubyte.gz")
    y = read_idx(labels, ())
    x = read_idx(_find(f"{name}-images-idx3-ubyte.gz"), (28, 28))
    check_labels(x, y, labels)
    return x, y


def _find(name: str) -> str:
    for folder in (os.path.join(keras_home(), _SUBDIR), _DEBIAN):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    return get_file(name, origin=_ORIGIN + name, file_hash=_SHA256[name], cache_subdir=_SUBDIR)
