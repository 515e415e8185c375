"""California housing: 20,640 districts, 8 properties each, and the median price of a house there."""

from __future__ import annotations

import os

from nnlite.datasets.files import Data
from nnlite.datasets.housing import load

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/california_housing.npz"
_SHA256 = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(
    version: str = "large",
    path: str | os.PathLike[str] = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Data:
    """Return California housing, 16,512 districts to train on and 4,128 to test with.

    The properties: longitude, latitude, median age, rooms, bedrooms, population, households, median income.

    Args:
        version: "large", or "small" for the first 600 districts alone.
        path: A file, or a name in Keras's folder (``~/.keras/datasets``, or ``$KERAS_HOME/datasets``), to which it is
            downloaded where it is missing, SHA-256 checked.
        test_split: Fraction of the rows to test with.
        seed: Of the order of the rows.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: ``x`` of shape (N, 8), ``y`` of shape (N,) in dollars.

    Raises:
        ValueError: The file is damaged or holds something else, or an argument is out of range.
        OSError: The file is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import california_housing
    >>> (x_train, y_train), (x_test, y_test) = california_housing.load_data()  # doctest: +SKIP

    Source: R. Pace and R. Barry, Sparse Spatial Autoregressions, 1997; file and hash as in Keras 3.
    """
    if version not in ("small", "large"):
        raise ValueError(f"california_housing.load_data: version got {version!r}, expected 'small' or 'large'.")
    rows = 600 if version == "small" else None
    return load("california_housing.load_data", path, _ORIGIN, _SHA256, 8, test_split, seed, rows)
