"""Boston housing: 506 districts, 13 properties each, and the median price of a house there."""

from __future__ import annotations

import os

from nnlite.datasets.files import Data
from nnlite.datasets.housing import load

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz"
_SHA256 = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(
    path: str | os.PathLike[str] = "boston_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Data:
    """Return Boston housing, 404 districts to train on and 102 to test with.

    One of the properties, "B", was made from the share of Black inhabitants; use the data to talk about such choices,
    and ``california_housing`` for anything else.

    Args:
        path: A file, or a name in Keras's folder (``~/.keras/datasets``, or ``$KERAS_HOME/datasets``), to which it is
            downloaded where it is missing, SHA-256 checked.
        test_split: Fraction of the rows to test with.
        seed: Of the order of the rows.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: ``x`` of shape (N, 13), ``y`` of shape (N,) in thousands of dollars,
        float64.

    Raises:
        ValueError: The file is damaged or holds something else, or an argument is out of range.
        OSError: The file is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import boston_housing
    >>> (x_train, y_train), (x_test, y_test) = boston_housing.load_data()  # doctest: +SKIP

    Source: D. Harrison and D. Rubinfeld, Hedonic housing prices and the demand for clean air, 1978; file and hash
    as in Keras 3.
    """
    return load("boston_housing.load_data", path, _ORIGIN, _SHA256, 13, test_split, seed)
