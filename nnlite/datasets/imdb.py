"""IMDB: 50,000 film reviews, half of them favourable, as lists of words' ranks."""

from __future__ import annotations

import os

import numpy as np

from nnlite.datasets.files import Data, locate, read_tables
from nnlite.datasets.words import limited, marked, shorter, shuffled, word_index

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz"
_SHA256 = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
_INDEX_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb_word_index.json"
_INDEX_MD5 = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Data:
    """Return IMDB: 25,000 reviews to train on and 25,000 to test with.

    A word is the number of its rank by frequency, plus ``index_from``: 0 is left for padding, 1 begins a text, 2 is a
    word that was left out. The lists inside the file are read as data: nothing in it is run.

    Args:
        path: A file, or a name in Keras's folder (``~/.keras/datasets``, or ``$KERAS_HOME/datasets``), to which it is
            downloaded where it is missing, SHA-256 checked.
        num_words: Only the words below this rank are kept; all where None.
        skip_top: The words below this rank are left out (they say little).
        maxlen: Texts of this length and longer are left out.
        seed: Of the order of the texts.
        start_char: Number put before every text; none where None.
        oov_char: Number in the place of words left out; where None they are dropped.
        index_from: Added to the rank of every word.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: ``x`` object arrays of lists of whole numbers, ``y`` 1 for favourable
        and 0 for unfavourable reviews.

    Raises:
        ValueError: The file is damaged or holds something else, or ``maxlen`` leaves no text.
        OSError: The file is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import imdb
    >>> (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=10000)  # doctest: +SKIP

    Source: A. Maas et al., Learning Word Vectors for Sentiment Analysis, 2011; file and hash as in Keras 3.
    """
    file = locate("imdb.load_data", path, _ORIGIN, _SHA256)
    x_train, y_train, x_test, y_test = read_tables(file, ("x_train", "y_train", "x_test", "y_test"))
    rng = np.random.RandomState(seed)
    train, train_labels = shuffled(x_train, y_train, rng, file)
    test, test_labels = shuffled(x_test, y_test, rng, file)
    train, train_labels = shorter(marked(train, start_char, index_from), train_labels, maxlen)
    test, test_labels = shorter(marked(test, start_char, index_from), test_labels, maxlen)
    texts = limited(train + test, num_words, skip_top, oov_char)
    return (texts[: len(train)], train_labels), (texts[len(train) :], test_labels)


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """Return the rank of every word of the reviews, from 1; ``load_data`` adds ``index_from`` to it.

    Args:
        path: A file, or a name in Keras's folder, to which it is downloaded where it is missing, MD5 checked.

    Raises:
        ValueError: The file is damaged.
        OSError: It is nowhere and cannot be downloaded.

    >>> from nnlite.datasets import imdb
    >>> imdb.get_word_index()["film"]  # doctest: +SKIP
    19
    """
    return word_index("imdb.get_word_index", path, _INDEX_ORIGIN, _INDEX_MD5)
