"""Data sets of files in folders: their batches, and what the functions that make them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite import config
from nnlite.training.data import PyDataset
from nnlite.utils import directories
from nnlite.utils.shuffling import set_shuffle_state, shuffle_state


class FileBatches(PyDataset):
    """Batches of files that are read when they are asked for.

    ``file_paths`` and ``class_names`` say what there is; with a random stream the order is a new one every epoch, and
    the first is that of ``file_paths``.

    Args:
        files: the files.
        targets: their targets, or None.
        batch_size: files a batch; None for one at a time, without a batch axis.
        rng: the random stream of the order, or None.
    """

    keeps_order = True

    def __init__(
        self, files: directories.Files, targets: np.ndarray | None, batch_size: int | None, rng: Any = None
    ) -> None:
        workers = config.get_num_threads()
        super().__init__(workers=workers, max_queue_size=workers + 1)
        self.file_paths, self.class_names = files.paths, files.class_names
        self._targets, self._batch_size, self._rng = targets, batch_size, rng
        self._order = np.arange(len(files.paths))

    def __len__(self) -> int:
        return -(-len(self.file_paths) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} batches, got index {index}")
        if self._batch_size is None:
            rows: Any = self._order[index]
            x = self.read(self.file_paths[rows])
        else:
            rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
            x = np.stack([self.read(self.file_paths[row]) for row in rows])
        return x if self._targets is None else (x, self._targets[rows])

    def read(self, path: str) -> np.ndarray:
        """Return what a file holds, as one sample."""
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        if self._rng is not None:
            self._rng.shuffle(self._order)

    def get_state(self) -> Any:
        return shuffle_state(self._order, self._rng)

    def set_state(self, state: Any) -> None:
        set_shuffle_state(self._order, self._rng, state)


def check_batch_size(what: str, batch_size: Any) -> None:
    """Raise ``ValueError`` unless it is None or a whole number of at least 1."""
    if batch_size is not None and (
        isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1
    ):
        raise ValueError(f"{what}: batch_size must be None or a whole number of at least 1, got {batch_size!r}.")


def from_directory(
    what: str,
    make: Callable[[directories.Files, np.ndarray | None, Any], FileBatches],
    formats: tuple[str, ...],
    directory: Any,
    labels: Any,
    label_mode: str | None,
    class_names: Any,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
    follow_links: bool,
    verbose: bool,
) -> Any:
    """Return the data set of the files of a folder, or a list of two; the arguments are those of the functions that
    are named after directories, and ``make`` is given files, targets and a random stream."""
    directories.check_labels(what, labels, label_mode, class_names)
    directories.check_split(what, validation_split, subset, shuffle, seed)
    labels = None if label_mode is None else labels
    files = directories.index_directory(what, directory, labels, formats, class_names, follow_links, verbose)
    directories.targets(what, files, label_mode)  # before anything else is printed
    if shuffle and seed is None:
        seed = int(np.random.randint(10**6))
    files = directories.arranged(files, shuffle, seed)

    def made(files: directories.Files, shuffled: bool) -> FileBatches:
        rng = np.random.RandomState(seed) if shuffled else None
        return make(files, directories.targets(what, files, label_mode), rng)

    if subset is None or validation_split is None:
        return made(files, shuffle)
    wanted = ("training", "validation") if subset == "both" else (subset,)
    parts = [directories.part(what, files, validation_split, name, verbose) for name in wanted]
    if subset == "both":
        return [made(parts[0], shuffle), made(parts[1], False)]
    return made(parts[0], shuffle)
