"""What IMDB and Reuters share: texts as lists of the ranks of their words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from nnlite.datasets.files import locate, naming


def shuffled(texts: np.ndarray, labels: np.ndarray, rng: Any, path: str) -> tuple[list[list[int]], np.ndarray]:
    """Return texts and labels in a new order, checked."""
    with naming(path):
        if texts.ndim != 1 or labels.shape != texts.shape or labels.dtype.kind not in "iu":
            raise ValueError(f"it holds texts of shape {texts.shape} and labels of shape {labels.shape}")
        for text in texts:
            if not isinstance(text, list) or not set(map(type, text)) <= {int}:
                raise ValueError("its texts are not all lists of whole numbers")
    order = np.arange(len(texts))
    rng.shuffle(order)
    return [texts[i] for i in order], labels[order]


def marked(texts: list[list[int]], start_char: int | None, index_from: int) -> list[list[int]]:
    """Return the texts with ``index_from`` added to every word and ``start_char`` before the first."""
    begin = [] if start_char is None else [start_char]
    return [begin + [word + index_from for word in text] for text in texts]


def shorter(texts: list[list[int]], labels: np.ndarray, maxlen: int | None) -> tuple[list[list[int]], np.ndarray]:
    """Return the texts shorter than ``maxlen`` and their labels.

    Raises ``ValueError`` if none is left.
    """
    if not maxlen:
        return texts, labels
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    if not kept:
        raise ValueError(f"maxlen: no text is shorter than {maxlen} words; give a larger number.")
    return [texts[i] for i in kept], labels[kept]


def limited(texts: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None) -> np.ndarray:
    """Return the texts with words outside ``skip_top <= word < num_words`` replaced, or dropped where None."""
    if not num_words:
        num_words = max(max(text, default=0) for text in texts)
    if oov_char is None:
        texts = [[word for word in text if skip_top <= word < num_words] for text in texts]
    else:
        texts = [[word if skip_top <= word < num_words else oov_char for word in text] for text in texts]
    found = np.empty(len(texts), object)
    for index, text in enumerate(texts):
        found[index] = text
    return found


def word_index(loader: str, path: Any, origin: str, file_hash: str) -> dict[str, int]:
    """Return the rank of every word, from a JSON file."""
    file = locate(loader, path, origin, file_hash)
    with naming(file):
        with open(file, encoding="utf-8") as opened:
            ranks = json.load(opened)
        if not isinstance(ranks, dict) or not set(map(type, ranks.values())) <= {int}:
            raise ValueError("it is no table of words and their ranks")
    return ranks
