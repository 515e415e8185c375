"""TextVectorization: from sentences to numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.layers import checks
from nnlite.layers.index_lookup import IndexLookup
from nnlite.layers.vocabulary import texts

_STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
_PUNCTUATION = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


@registry.register("layers")
class TextVectorization(IndexLookup):
    """Sentences to rows of the numbers of their words, or to counts of words.

    Each text is standardized (ASCII letters to lower case, ASCII punctuation dropped), split, its words put together to
    n-grams where asked, and looked up in a vocabulary that :meth:`adapt` learns. Number 0 pads shorter rows, 1 stands
    for what is not in the vocabulary.

    Args:
        max_tokens: most numbers to give out, special tokens included; no limit where None.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function of an array of
            texts that returns one.
        split: "whitespace", "character", None (each text is one word), or a function of an array of texts that returns
            a list of words for each.
        ngrams: None, or the longest number of words to put together, or a tuple of such numbers.
        output_mode: "int" for rows of numbers, or "one_hot", "multi_hot", "count", "tf_idf" for one row a text.
        output_sequence_length: length of the rows in "int" mode, padded or cut; that of the longest where None.
        pad_to_max_tokens: whether the other modes have max_tokens columns whatever the vocabulary.
        vocabulary: list or array of words, or a file with one a line; learned by :meth:`adapt` where None.
        idf_weights: inverse document frequencies, with ``output_mode="tf_idf"``.
        sparse, ragged: must be False.
        encoding: of texts that come as bytes.

    Shapes: x (N,) or (N, 1); y (N, T) or (N, size of the vocabulary).

    Raises:
        ValueError: for texts in another shape.
        TypeError: for an input that is no text.

    >>> layer = TextVectorization()
    >>> layer.adapt(["Hello, world!", "hello again"])
    >>> layer.get_vocabulary()
    ['', '[UNK]', 'hello', 'world', 'again']
    >>> layer(["Hello there", "again"]).tolist()
    [[2, 1], [4, 0]]
    """

    _texts = True

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        mask = "" if output_mode == "int" else None
        super().__init__(
            max_tokens,
            1,
            mask,
            "[UNK]",
            vocabulary,
            idf_weights,
            False,
            output_mode,
            pad_to_max_tokens,
            sparse,
            None,
            name=name,
            **kwargs,
        )
        if standardize is not None and not callable(standardize):
            standardize = checks.choice(self, "standardize", standardize, _STANDARDS)
        if split is not None and not callable(split):
            split = checks.choice(self, "split", split, ("whitespace", "character"))
        self.standardize, self.split = standardize, split
        several = isinstance(ngrams, (tuple, list))
        for width in ngrams if several else [] if ngrams is None else [ngrams]:
            checks.positive(self, "ngrams", width)
        self.ngrams = tuple(ngrams) if several else ngrams
        if output_sequence_length is not None:
            checks.positive(self, "output_sequence_length", output_sequence_length)
            if self.output_mode != "int":
                raise ValueError(
                    f"{self.label}: output_sequence_length goes with output_mode='int', not {output_mode!r}."
                )
        self.output_sequence_length = output_sequence_length
        if ragged:
            raise ValueError(f"{self.label}: ragged=True is not available: results are NumPy arrays.")
        self.ragged = False

    def _words_of(self, x: Any) -> np.ndarray:
        return texts(self, x, self.encoding)

    def _hashed(self, word: Any) -> int:
        return 0

    def tokens(self, x: Any) -> list[list[str]]:
        """Return the words, or n-grams, of each text."""
        x = texts(self, x, self.encoding)
        if x.ndim == 2 and x.shape[1] == 1 and self.split is not None:
            x = x[:, 0]
        if x.ndim > (1 if self.split is not None else 2):
            raise ValueError(f"{self.label} takes texts of shape (N,) or (N, 1), got {x.shape}.")
        if callable(self.standardize):
            x = texts(self, self.standardize(x.astype(str)), self.encoding)
        elif self.standardize is not None:
            x = self._standardized(x)
        if self.split is None:
            rows = [list(row) for row in x.reshape(len(x), -1)]
        elif callable(self.split):
            rows = [list(row) for row in self.split(x.astype(str))]
        elif self.split == "character":
            rows = [list(text) for text in x.ravel()]
        else:  # ASCII's white space alone, as TensorFlow has it
            rows = [[word.decode() for word in text.encode().split()] for text in x.ravel()]
        if self.ngrams is None:
            return rows
        widths = self.ngrams if isinstance(self.ngrams, tuple) else range(1, self.ngrams + 1)
        return [[" ".join(row[i : i + n]) for n in widths for i in range(len(row) - n + 1)] for row in rows]

    def _standardized(self, x: np.ndarray) -> np.ndarray:
        dropped = _PUNCTUATION if "strip" in self.standardize else b""
        found = np.empty(x.size, object)
        for index, text in enumerate(x.ravel()):
            raw = text.encode().translate(None, dropped)
            found[index] = (raw.lower() if "lower" in self.standardize else raw).decode()
        return found.reshape(x.shape)

    def update_state(self, data: Any) -> None:
        """Count the words of a batch of texts; each text is a document."""
        x = np.asarray(data)
        self._count_rows(self.tokens(x[None] if x.ndim == 0 else x))

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        single = np.ndim(x) == 0
        rows = self.tokens(x[None] if single else x)
        length = max(map(len, rows), default=0)
        if self.output_mode == "int" and self.output_sequence_length is not None:
            length = self.output_sequence_length
        numbers = np.zeros((len(rows), length), np.int64)
        if self.output_mode != "int":
            numbers -= 1  # which counts for nothing
        flat = [word for row in rows for word in row[:length]]
        found = self.lookup(np.array(flat, object)) if flat else np.zeros(0, np.int64)
        at = 0
        for row, words in zip(numbers, rows, strict=True):
            count = min(len(words), length)
            row[:count] = found[at : at + count]
            at += count
        if self.output_mode != "int":
            numbers = self.encoded(numbers) if length else np.zeros((len(rows), self._depth()), np.int64)
        return (numbers[0] if single else numbers), None

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_mode == "int":
            return (input_shape[0], self.output_sequence_length)
        if self.output_mode == "one_hot":
            return (input_shape[0], None, self._depth())
        return (input_shape[0], self._depth())

    def get_config(self) -> dict[str, Any]:
        own = ("num_oov_indices", "mask_token", "oov_token", "invert", "oov_method", "salt")
        return {k: v for k, v in super().get_config().items() if k not in own} | {"encoding": self.encoding}
