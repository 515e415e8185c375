"""Texts in folders as a data set for ``fit``."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core.errors import known_arguments
from nnlite.utils.directories import Files
from nnlite.utils.file_batches import FileBatches, check_batch_size, from_directory

_WHAT = "text_dataset_from_directory"


class TextFiles(FileBatches):
    """Batches of texts read from files when they are asked for; made by :func:`text_dataset_from_directory`."""

    def __init__(
        self, files: Files, targets: np.ndarray | None, batch_size: int | None, max_length: int | None, rng: Any = None
    ) -> None:
        super().__init__(files, targets, batch_size, rng)
        self._max_length = max_length

    def read(self, path: str) -> np.ndarray:
        """Return the text of a file; raise ``ValueError`` if it is no UTF-8."""
        try:
            with open(path, encoding="utf-8", newline="") as file:
                text = file.read(self._max_length)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{_WHAT}: {path!r} is no text in UTF-8: {error}. Save it as UTF-8, or move it out of the folder."
            ) from None
        return np.array(text, object)


@known_arguments
def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return the texts of a folder as a ``PyDataset`` of batches: arrays of strings, as TextVectorization takes them.

    Files are read when their batch is asked for, in ``fit`` ahead of time by threads. A folder with a folder for each
    class gives labels; files ending in ``.txt`` count, in UTF-8.

    Args:
        directory: the folder.
        labels: "inferred" from the names of the folders inside; None; or a whole number for each file, in the order of
            the sorted paths.
        label_mode: "int" for targets (n,), "binary" for (n, 1) of two classes, "categorical" for one-hot rows
            (n, classes), None for texts alone.
        class_names: which folders are classes, in the order in which they are numbered; all, sorted, where None.
        batch_size: texts a batch; None for texts one by one, without a batch axis.
        max_length: characters of a text at most; what is longer is cut. (Keras on TensorFlow counts bytes.)
        shuffle: whether files come in a random order, a new one every epoch (for "both", the training ones).
        seed: of that order; the same as Keras's for ``file_paths``.
        validation_split: share of the files for validation: the last ones, after shuffling.
        subset: "training", "validation", or "both" for a list of the two.
        follow_links: whether links to folders are followed, and links to files that lie elsewhere.
        format: accepted for Keras's sake; batches are NumPy arrays.
        verbose: whether to print how many files there are.

    Returns:
        the data set, with ``class_names`` and ``file_paths``, or a list of two.

    Raises:
        FileNotFoundError, ValueError: for arguments that do not go together, folders without texts, and, when its
            batch is asked for, a file that is no UTF-8; each is named.

    >>> train, test = text_dataset_from_directory(
    ...     "reviews", validation_split=0.2, subset="both", seed=1
    ... )  # doctest: +SKIP
    """
    check_batch_size(_WHAT, batch_size)
    if max_length is not None and (
        isinstance(max_length, bool) or not isinstance(max_length, (int, np.integer)) or max_length < 0
    ):
        raise ValueError(f"{_WHAT}: max_length must be None or a whole number of at least 0, got {max_length!r}.")

    def make(files: Files, targets: np.ndarray | None, rng: Any) -> TextFiles:
        return TextFiles(files, targets, batch_size, max_length, rng)

    return from_directory(
        _WHAT,
        make,
        (".txt",),
        directory,
        labels,
        label_mode,
        class_names,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
