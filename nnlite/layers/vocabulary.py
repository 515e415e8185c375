"""The words of a lookup layer, and how they are read."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from nnlite.core.layer import Layer
from nnlite.layers.hashing import fingerprint64, siphash24


class Vocabulary:
    """Words, their numbers and weights; one object, which those who look through a layer's attributes do not enter.

    Args:
        words: the words.
        first: the number of the first one.
        weights: inverse document frequencies, those of the special tokens before the words among them, or None.
    """

    __slots__ = ("numbers", "weights", "words")

    def __init__(self, words: list[Any], first: int, weights: list[float] | None) -> None:
        self.words, self.weights = words, weights
        self.numbers = dict(zip(words, range(first, first + len(words)), strict=True))


def lines(content: bytes) -> list[str]:
    """Return the lines of a text, without an array or a second text of all of them.

    Raises ``UnicodeDecodeError``, a ``ValueError``, for what is not UTF-8.

    >>> lines(b"a\\nb\\n")
    ['a', 'b', '']
    """
    found = [line.removesuffix("\n") for line in io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="\n")]
    return [*found, ""] if content.endswith(b"\n") or not content else found


def texts(layer: Layer, x: Any, encoding: str = "utf-8") -> np.ndarray:
    """Return an array of str objects, given texts or bytes.

    Raises ``TypeError`` for anything else, and ``ValueError`` for bytes that are not of this encoding.
    """
    if isinstance(x, list) and set(map(type, x)) == {str}:
        # As they are: an array of texts gives each the room of the longest.
        return np.fromiter(x, object, len(x))
    x = np.asarray(x)
    if x.dtype.kind == "S":
        return _decoded(layer, x.ravel().tolist(), encoding).reshape(x.shape)
    if x.dtype.kind == "O":
        flat = _decoded(layer, x.ravel().tolist(), encoding).tolist()
        wrong = [one for one in flat if not isinstance(one, str)]
        if wrong:
            raise TypeError(f"{layer.label} takes texts, got {wrong[0]!r}.")
        found = np.empty(len(flat), object)
        found[:] = flat
        return found.reshape(x.shape)
    if x.dtype.kind not in "UT" and x.size:
        raise TypeError(f"{layer.label} takes texts, got an array of {x.dtype}.")
    return x.astype(object)


def _decoded(layer: Layer, given: list[Any], encoding: str) -> np.ndarray:
    found = np.empty(len(given), object)
    for index, one in enumerate(given):
        try:
            found[index] = one.decode(encoding) if isinstance(one, bytes) else one
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{layer.label}: got bytes that are not {encoding}, {one[:50]!r}: {error.reason} at place "
                f"{error.start}. Give encoding= the one they are in, or decode them before."
            ) from error
    return found


def bucket(content: bytes, buckets: int, salt: Any) -> int:
    """Return the number from 0 to below ``buckets`` that a text gets."""
    if salt is None:
        return fingerprint64(content) % buckets
    return siphash24(content, (int(salt[0]), int(salt[1]))) % buckets
