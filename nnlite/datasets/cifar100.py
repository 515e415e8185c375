"""CIFAR-100: 60,000 photographs of 32x32 pixels in 100 classes."""

from __future__ import annotations

from nnlite.datasets.cifar import read
from nnlite.datasets.files import Data

_ARCHIVE, _FOLDER = "cifar-100-python.tar.gz", "cifar-100-python"
_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Data:
    """Return CIFAR-100: 50,000 photographs to train on and 10,000 to test with.

    The archive is looked for, unpacked or not, in Keras's folder (``~/.keras/datasets``, or
    ``$KERAS_HOME/datasets``), and downloaded to it where it is missing (169 MB, SHA-256 checked). Its batches are
    pickles: they are read as data, and nothing in them is run.

    Args:
        label_mode: "fine" for the 100 classes, "coarse" for the 20 groups of five that they form.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: ``x`` uint8 of shape (N, 32, 32, 3), or (N, 3, 32, 32) where
        ``nnlite.config.image_data_format()`` is "channels_first", with values 0 to 255; ``y`` int64 of shape (N, 1).

    Raises:
        ValueError: The file is damaged or holds something else, or label_mode is another.
        OSError: The file is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import cifar100
    >>> (x_train, y_train), (x_test, y_test) = cifar100.load_data()  # doctest: +SKIP

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; file and hash as in Keras 3.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"cifar100.load_data: label_mode got {label_mode!r}, expected 'fine' or 'coarse'.")
    classes = 100 if label_mode == "fine" else 20
    train, test = read(_ARCHIVE, _FOLDER, ["train", "test"], f"{label_mode}_labels", classes, _ORIGIN, _SHA256)
    return train, test
