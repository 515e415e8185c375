"""Layers that turn words and codes into the numbers of a vocabulary, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.layers.index_lookup import IndexLookup
from nnlite.layers.vocabulary import bucket, texts


@registry.register("layers")
class StringLookup(IndexLookup):
    """Texts to the numbers of a vocabulary, or with ``invert`` numbers to texts.

    A word of the vocabulary gets its number; any other one gets one of ``num_oov_indices`` numbers, by FarmHash's
    fingerprint of its UTF-8 bytes (SipHash with ``salt``), as TensorFlow has it.

    Args:
        max_tokens: most numbers to give out, special tokens included; no limit where None.
        num_oov_indices: how many numbers words outside the vocabulary share; 0 makes them an error.
        mask_token: a text that gets the number 0; none where None.
        oov_token: what numbers of words outside the vocabulary become with ``invert``.
        vocabulary: list or array of texts, or a file with one a line; learned by :meth:`adapt` where None.
        idf_weights: inverse document frequencies, with ``output_mode="tf_idf"``.
        invert: whether numbers are turned into texts.
        output_mode: "int" for numbers, "one_hot", "multi_hot", "count" or "tf_idf" for rows, as CategoryEncoding.
        pad_to_max_tokens: whether rows have max_tokens columns whatever the vocabulary.
        sparse: must be False.
        encoding: of texts that come as bytes.
        salt: a whole number or two, the key of the hash.

    Raises:
        ValueError: for a word outside the vocabulary if ``num_oov_indices`` is 0.
        TypeError: for an input that is no text.

    >>> layer = StringLookup(vocabulary=["a", "b"])
    >>> layer(["b", "x", "a"]).tolist()
    [2, 0, 1]
    """

    _texts = True

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        self.encoding = encoding
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            sparse,
            salt,
            name=name,
            **kwargs,
        )

    def _words_of(self, x: Any) -> np.ndarray:
        return texts(self, x, self.encoding)

    def _hashed(self, word: str) -> int:
        return bucket(word.encode("utf-8"), self.num_oov_indices, self.salt)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"encoding": self.encoding}


@registry.register("layers")
class IntegerLookup(IndexLookup):
    """Whole numbers of any size to the numbers of a vocabulary, or with ``invert`` back.

    A number outside the vocabulary gets one of ``num_oov_indices`` numbers: its remainder ("floormod"), or by
    FarmHash's fingerprint of its decimal digits ("farmhash").

    Args:
        max_tokens: most numbers to give out, special tokens included; no limit where None.
        num_oov_indices: how many numbers those outside the vocabulary share; 0 makes them an error.
        mask_token: a number that gets the number 0; none where None.
        oov_token: what numbers outside the vocabulary become with ``invert``.
        vocabulary: list or array of numbers, or a file with one a line; learned by ``adapt`` where None.
        vocabulary_dtype: must be "int64".
        idf_weights: inverse document frequencies, with ``output_mode="tf_idf"``.
        invert: whether the vocabulary's numbers are turned into what they stand for.
        output_mode: "int", or "one_hot", "multi_hot", "count" or "tf_idf" for rows, as CategoryEncoding.
        sparse: must be False.
        pad_to_max_tokens: whether rows have max_tokens columns whatever the vocabulary.
        oov_method: "floormod" or "farmhash".
        salt: a whole number or two, the key of the hash.

    Raises:
        ValueError: for a number outside the vocabulary if ``num_oov_indices`` is 0.
        TypeError: for an input that is no whole numbers.

    >>> layer = IntegerLookup(vocabulary=[12, 36])
    >>> layer([[36, 12], [7, 12]]).tolist()
    [[2, 1], [0, 1]]
    """

    _texts = False

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(f"IntegerLookup: vocabulary_dtype must be 'int64', got {vocabulary_dtype!r}.")
        self.vocabulary_dtype = vocabulary_dtype
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            sparse,
            salt,
            name=name,
            oov_method=oov_method,
            **kwargs,
        )

    def _words_of(self, x: Any) -> np.ndarray:
        x = np.asarray(x)
        if x.dtype.kind in "US":  # from a file
            x = x.astype(np.int64)
        if x.dtype.kind not in "iub" and x.size:
            raise TypeError(f"{self.label} takes whole numbers, got an array of {x.dtype}.")
        return x.astype(np.int64)

    def _hashed(self, word: int) -> int:
        if self.oov_method == "floormod":
            return word % self.num_oov_indices
        return bucket(str(word).encode(), self.num_oov_indices, self.salt)
