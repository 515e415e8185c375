"""Vocabularies: what StringLookup, IntegerLookup and TextVectorization share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from nnlite.core.layer import Layer
from nnlite.layers import checks
from nnlite.layers.categories import encode, encoded_shape
from nnlite.layers.vocabulary import Vocabulary, lines

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class IndexLookup(Layer):
    """A vocabulary, learned or given, as a layer.

    Numbers are given out in this order: the mask token (where there is one, and the output is "int"), the places for
    what is not in the vocabulary, the vocabulary.
    """

    keeps_dtype = True
    # What the words are: texts, or whole numbers.
    _texts: bool

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary: Any,
        idf_weights: Any,
        invert: bool,
        output_mode: str,
        pad_to_max_tokens: bool,
        sparse: bool,
        salt: Any,
        vocabulary_size: int | None = None,
        has_input_vocabulary: bool | None = None,
        oov_method: str = "floormod",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        self.output_mode = checks.choice(self, "output_mode", output_mode, _MODES)
        self.max_tokens = None if max_tokens is None else checks.positive(self, "max_tokens", max_tokens)
        if self.max_tokens is not None and self.max_tokens <= 1:
            raise ValueError(f"{self.label}: max_tokens must be above 1, got {max_tokens}.")
        self.num_oov_indices = checks.sizes(self, "num_oov_indices", num_oov_indices, 1, least=0)[0]
        if sparse:
            raise ValueError(f"{self.label}: sparse=True is not available: results are NumPy arrays.")
        if invert and self.output_mode != "int":
            raise ValueError(f"{self.label}: invert=True goes with output_mode='int', not {output_mode!r}.")
        if pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(f"{self.label}: pad_to_max_tokens=True needs max_tokens.")
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(f"{self.label}: idf_weights go with output_mode='tf_idf', not {output_mode!r}.")
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.pad_to_max_tokens, self.sparse = bool(invert), bool(pad_to_max_tokens), False
        self.oov_method = checks.choice(self, "oov_method", oov_method, ("floormod", "farmhash"))
        self.salt = (salt, salt) if isinstance(salt, int) else None if salt is None else list(salt)
        self._given = vocabulary is not None
        self._vocabulary = Vocabulary([], self._first, None)
        self._counts: Counter[Any] = Counter()
        self._documents: Counter[Any] = Counter()
        self._seen = 0
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    @property
    def takes_texts(self) -> bool:
        return self._texts and not self.invert

    # ---- the vocabulary ----

    @property
    def _masks(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _first(self) -> int:
        """Number of the first word."""
        return self._masks + self.num_oov_indices

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Use these words, in this order.

        Args:
            vocabulary: list or array of words, with or without the mask and the out-of-vocabulary tokens before them;
                or the path of a text file with one word a line.
            idf_weights: inverse document frequencies of the words, with ``output_mode="tf_idf"``.

        Raises ``ValueError`` for words that occur twice, reserved tokens among them, too many of them or none, and for
        weights of another number; the vocabulary then is as it was.
        """
        if (idf_weights is None) == (self.output_mode == "tf_idf"):
            needed = "must be given with" if idf_weights is None else "go only with"
            raise ValueError(f"{self.label}: idf_weights {needed} output_mode='tf_idf'.")
        if isinstance(vocabulary, str):
            with open(vocabulary, encoding="utf-8") as file:
                vocabulary = file.read().splitlines()
        words = self._words_of(vocabulary).tolist()
        special = [self.mask_token] * self._masks + [self.oov_token] * min(self.num_oov_indices, len(words))
        with_special = 0 < self._first == len(special) and words[: len(special)] == special
        weights = None if idf_weights is None else [float(w) for w in np.asarray(idf_weights).ravel()]
        if weights is not None and len(weights) != len(words):
            raise ValueError(f"{self.label}: got {len(weights)} idf_weights for {len(words)} words.")
        if with_special:
            words = words[len(special) :]
        if not words and not with_special:
            raise ValueError(f"{self.label}: the vocabulary is empty.")
        if weights is not None and not with_special:
            weights = [float(np.mean(weights))] * self._first + weights
        vocabulary = Vocabulary(words, self._first, weights)
        self._check(vocabulary, special)
        self._vocabulary, self._given = vocabulary, True

    def _check(self, vocabulary: Vocabulary, special: list[Any]) -> None:
        words, numbers = vocabulary.words, vocabulary.numbers
        if len(numbers) < len(words):
            twice = [word for word, count in Counter(words).items() if count > 1]
            raise ValueError(f"{self.label}: the vocabulary holds more than once: {', '.join(map(repr, twice[:10]))}.")
        for token, reserved in ((self.mask_token, True), (self.oov_token, self.invert)):
            if token is not None and reserved and token in numbers:
                raise ValueError(
                    f"{self.label}: the vocabulary holds the reserved token {token!r} at place {words.index(token)}; "
                    f"leave reserved tokens out, or begin with all of them: {special[:10]}."
                )
        if self.max_tokens is not None and self._first + len(words) > self.max_tokens:
            raise ValueError(
                f"{self.label}: {len(words)} words and {self._first} reserved tokens are more than "
                f"max_tokens={self.max_tokens}."
            )

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the words by their numbers; without ``include_special_tokens`` the vocabulary alone."""
        special = [self.mask_token] * self._masks + [self.oov_token] * self.num_oov_indices
        return [*special, *self._vocabulary.words] if include_special_tokens else list(self._vocabulary.words)

    def vocabulary_size(self) -> int:
        """Return how many numbers are given out, those of the special tokens included."""
        return self._first + len(self._vocabulary.words)

    # ---- learning it ----

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary: the most frequent words first; among equally frequent ones those later in order.

        Args:
            data: a list or array of words or of rows of words, or an iterable of batches of them, such as a
                ``PyDataset``; of a batch ``(x, y)`` x counts.
            steps: batches to take of an iterable; all where None.

        Raises ``ValueError`` if the vocabulary was given.
        """
        self.reset_state()
        if isinstance(data, (list, tuple, np.ndarray)):
            self.update_state(np.asarray(data)[:, None] if np.ndim(data) == 1 else data)
        elif isinstance(data, Iterable) and not isinstance(data, (str, bytes)):
            for step, batch in enumerate(data):
                if steps is not None and step >= steps:
                    break
                self.update_state(batch[0] if isinstance(batch, tuple) else batch)
        else:
            raise TypeError(f"{self.label}: adapt takes an array, a list or an iterable of batches, got {data!r}.")
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the words of a batch; each row is a document."""
        words = self._words_of(data)
        self._count_rows(words.reshape(-1, words.shape[-1]).tolist() if words.ndim > 1 else [words.ravel().tolist()])

    def _count_rows(self, rows: list[list[Any]]) -> None:
        if self._given:
            raise ValueError(f"{self.label}: the vocabulary was given, so it cannot be learned.")
        for row in rows:
            self._counts.update(row)
            if self.output_mode == "tf_idf":
                self._documents.update(set(row))
        self._seen += len(rows)

    def finalize_state(self) -> None:
        """Make the vocabulary out of what was counted."""
        if self._given or not self._counts:
            return
        for token in (self.mask_token, self.oov_token):
            self._counts.pop(token, None)
        ranked = sorted(self._counts, key=lambda word: (self._counts[word], word), reverse=True)
        if self.max_tokens is not None:
            ranked = ranked[: self.max_tokens - self._first]
        weights = None
        if self.output_mode == "tf_idf":
            # log(1 + documents / (1 + documents that hold the word))
            own = [math.log(1 + self._seen / (1 + self._documents[word])) for word in ranked]
            weights = [float(np.mean(own)) if own else 0.0] * self._first + own
        self._vocabulary = Vocabulary(ranked, self._first, weights)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget what was counted."""
        if not self._given:
            self._counts, self._documents, self._seen = Counter(), Counter(), 0

    # ---- looking up ----

    def _words_of(self, x: np.ndarray) -> np.ndarray:
        """The words as objects that a dict can hold."""
        raise NotImplementedError

    def _hashed(self, word: Any) -> int:
        raise NotImplementedError

    def lookup(self, words: np.ndarray) -> np.ndarray:
        """Return the number of each word; int64 of the same shape."""
        flat = words.ravel().tolist()
        numbers = {word: self._number(word) for word in dict.fromkeys(flat)}
        return np.fromiter(map(numbers.__getitem__, flat), np.int64, len(flat)).reshape(words.shape)

    def _number(self, word: Any) -> int:
        if self.mask_token is not None and word == self.mask_token:
            return 0 if self.output_mode == "int" else -1  # which counts for nothing
        number = self._vocabulary.numbers.get(word)
        if number is not None:
            return number
        if self.num_oov_indices == 0:
            raise ValueError(
                f"{self.label}: {word!r} is not in the vocabulary, and num_oov_indices=0 leaves no number for it."
            )
        return self._masks + (self._hashed(word) if self.num_oov_indices > 1 else 0)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        if self.invert:
            return self._inverted(x), None
        return self.encoded(self.lookup(self._words_of(x))), None

    def encoded(self, numbers: np.ndarray) -> np.ndarray:
        """Return numbers of words in the form of ``output_mode``."""
        if self.output_mode == "int":
            return numbers
        if self.output_mode != "tf_idf":
            return encode(numbers, self.output_mode, self._depth(), np.int64)
        if self._vocabulary.weights is None:
            raise ValueError(f"{self.label}: call adapt, or give a vocabulary with idf_weights, before it is used.")
        weights = np.zeros(self._depth(), self._compute)
        weights[: len(self._vocabulary.weights)] = self._vocabulary.weights
        return encode(numbers, "count", self._depth(), self._compute) * weights

    def _depth(self) -> int:
        if self.pad_to_max_tokens and self.max_tokens is not None:
            return self.max_tokens
        if not self._vocabulary.words and not self._given:
            raise ValueError(f"{self.label}: call adapt, or give a vocabulary, before it is used.")
        return self.vocabulary_size()

    def _inverted(self, x: Any) -> np.ndarray:
        if x.dtype.kind not in "iu":
            raise TypeError(f"{self.label}: with invert=True it takes whole numbers, got an array of {x.dtype}.")
        known = np.array(self.get_vocabulary(), object)
        safe = np.where((x >= 0) & (x < len(known)), x, len(known))
        found: np.ndarray = np.append(known, [self.oov_token])[safe]
        return found.astype(str) if self._texts else found.astype(np.int64)

    def backward(self, dy: Any, cache: Any) -> Any:
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (
            tuple(input_shape) if self.output_mode == "int" else encoded_shape(input_shape, self._form, self._depth())
        )

    @property
    def _form(self) -> str:
        return "count" if self.output_mode == "tf_idf" else self.output_mode

    # ---- files ----

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; the vocabulary among them, also where it was learned."""
        config = {k: v for k, v in super().get_config().items() if k not in ("vocabulary", "idf_weights", "encoding")}
        known = self._given or bool(self._vocabulary.words)
        # Weights belong to the special tokens too, so those stand before the words where there are weights.
        config["vocabulary"] = self.get_vocabulary(self._vocabulary.weights is not None) if known else None
        config |= {
            "idf_weights": self._vocabulary.weights,
            "vocabulary_size": self.vocabulary_size() if known else None,
        }
        return config | {"oov_method": self.oov_method, "salt": self.salt}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from what ``get_config`` returned.

        Raises ``ValueError`` for a vocabulary that is the path of a file: a config is data, and opens none.
        """
        given = config.get("vocabulary")
        if isinstance(given, (str, bytes)):
            raise ValueError(
                f"{cls.__name__} {config.get('name', '')!r}: its config names the file {given!r} as the vocabulary; a "
                f"config opens no files. Make the layer in code, with vocabulary={given!r}."
            )
        return super().from_config(config)

    def load_words(self, content: bytes) -> None:
        """Read the words that Keras keeps beside a model's config where they were learned: one a line.

        Raises ``ValueError`` if they do not fit.
        """
        if self._given:
            return
        words = lines(content)
        self.set_vocabulary(words if self._texts else [int(word) for word in words], self._vocabulary.weights)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Write the inverse document frequencies, where there are any, under the name that Keras reads."""
        if self._vocabulary.weights is not None:
            store["idf_weights"] = np.array(self._vocabulary.weights, np.float32)

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Read the inverse document frequencies, where there are any."""
        if "idf_weights" in store:
            self._vocabulary.weights = [float(w) for w in np.asarray(store["idf_weights"])]
