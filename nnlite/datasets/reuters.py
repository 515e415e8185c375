"""Reuters: 11,228 newswires in 46 topics, as lists of words' ranks."""

from __future__ import annotations

import os

import numpy as np

from nnlite.datasets.files import Data, locate, read_tables
from nnlite.datasets.housing import check_fraction
from nnlite.datasets.words import limited, marked, shorter, shuffled, word_index

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters.npz"
_SHA256 = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_INDEX_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters_word_index.json"
_INDEX_MD5 = "4d44cc38712099c9e383dc6e5f11a921"

# fmt: off
_LABELS = (
    "cocoa", "grain", "veg-oil", "earn", "acq", "wheat", "copper", "housing", "money-supply", "coffee",
    "sugar", "trade", "reserves", "ship", "cotton", "carcass", "crude", "nat-gas", "cpi", "money-fx",
    "interest", "gnp", "meal-feed", "alum", "oilseed", "gold", "tin", "strategic-metal", "livestock",
    "retail", "ipi", "iron-steel", "rubber", "heat", "jobs", "lei", "bop", "zinc", "orange", "pet-chem",
    "dlr", "gas", "silver", "wpi", "hog", "lead",
)
# fmt: on


def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Data:
    """Return Reuters: 8,982 newswires to train on and 2,246 to test with.

    A word is the number of its rank by frequency, plus ``index_from``: 0 is left for padding, 1 begins a text, 2 is a
    word that was left out. The lists inside the file are read as data: nothing in it is run.

    Args:
        path: A file, or a name in Keras's folder (``~/.keras/datasets``, or ``$KERAS_HOME/datasets``), to which it is
            downloaded where it is missing, SHA-256 checked.
        num_words: Only the words below this rank are kept; all where None.
        skip_top: The words below this rank are left out (they say little).
        maxlen: Texts of this length and longer are left out.
        test_split: Fraction of the texts to test with.
        seed: Of the order of the texts.
        start_char: Number put before every text; none where None.
        oov_char: Number in the place of words left out; where None they are dropped.
        index_from: Added to the rank of every word.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: ``x`` object arrays of lists of whole numbers, ``y`` the topics, 0 to
        45 (see :func:`get_label_names`).

    Raises:
        ValueError: The file is damaged or holds something else, ``maxlen`` leaves no text, or ``test_split`` is not
            from 0 to below 1.
        OSError: The file is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import reuters
    >>> (x_train, y_train), (x_test, y_test) = reuters.load_data(num_words=10000)  # doctest: +SKIP

    Source: D. Lewis, Reuters-21578, 1997; file and hash as in Keras 3.
    """
    check_fraction("reuters.load_data", test_split)
    file = locate("reuters.load_data", path, _ORIGIN, _SHA256)
    x, y = read_tables(file, ("x", "y"))
    texts, labels = shuffled(x, y, np.random.RandomState(seed), file)
    texts, labels = shorter(marked(texts, start_char, index_from), labels, maxlen)
    found = limited(texts, num_words, skip_top, oov_char)
    at = int(len(found) * (1 - test_split))
    return (found[:at], labels[:at]), (found[at:], labels[at:])


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """Return the rank of every word of the newswires, from 1; ``load_data`` adds ``index_from`` to it.

    Args:
        path: A file, or a name in Keras's folder, to which it is downloaded where it is missing, MD5 checked.

    Raises:
        ValueError: The file is damaged.
        OSError: It is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import reuters
    >>> ranks = reuters.get_word_index()  # doctest: +SKIP
    """
    return word_index("reuters.get_word_index", path, _INDEX_ORIGIN, _INDEX_MD5)


def get_label_names() -> tuple[str, ...]:
    """Return the names of the 46 topics, in the order of their numbers.

    >>> len(get_label_names()), get_label_names()[3]
    (46, 'earn')
    """
    return _LABELS
