"""Files in folders: which there are, of which class, in which order, and for training or validation."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from nnlite.core.errors import nearest

_SUBSETS = ("training", "validation", "both")
_LABEL_MODES = ("int", "categorical", "binary")


class Files(NamedTuple):
    """Paths, the class index of each, and the names of the classes; the latter two None without labels."""

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None

    def take(self, rows: Any) -> Files:
        """Return some of them, in another order."""
        labels = None if self.labels is None else self.labels[rows]
        return Files([self.paths[row] for row in rows], labels, self.class_names)


def check_labels(what: str, labels: Any, label_mode: Any, class_names: Any) -> None:
    """Raise ``ValueError`` unless the arguments that say where labels come from go together."""
    if label_mode is not None and label_mode not in _LABEL_MODES:
        raise ValueError(
            f"{what}: label_mode must be 'int', 'categorical', 'binary' or None, got {label_mode!r}."
            f"{nearest(label_mode, _LABEL_MODES)}"
        )
    listed = isinstance(labels, (list, tuple, np.ndarray))
    if not listed and labels not in ("inferred", None):
        raise ValueError(
            f"{what}: labels must be 'inferred' (from the names of folders), None, or a list with a whole number for "
            f"each file, got {labels!r}."
        )
    if class_names is not None and (listed or labels is None):
        raise ValueError(f"{what}: class_names are for labels='inferred' only.")


def check_split(what: str, validation_split: Any, subset: Any, shuffle: bool, seed: Any) -> None:
    """Raise ``ValueError`` unless the arguments of the split go together."""
    if subset is not None and subset not in _SUBSETS:
        raise ValueError(
            f"{what}: subset must be 'training', 'validation', 'both' or None, got {subset!r}."
            f"{nearest(subset, _SUBSETS)}"
        )
    if bool(validation_split) != (subset is not None):
        raise ValueError(f"{what}: validation_split and subset go together, got {validation_split!r} and {subset!r}.")
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(f"{what}: validation_split must be between 0 and 1, got {validation_split!r}.")
    if validation_split and shuffle and seed is None:
        raise ValueError(
            f"{what}: with shuffle=True both subsets need the same seed, so that no file is in both; got seed=None."
        )


def index_directory(
    what: str,
    directory: Any,
    labels: Any,
    formats: tuple[str, ...],
    class_names: Any = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> Files:
    """Return the files of some formats in a folder and the folders inside, sorted, with the classes they belong to.

    Links to folders are followed only on request; links to files are, unless they lead out of ``directory``. What is
    left out for that is said in a warning.

    Args:
        what: who asks, for messages.
        directory: the folder.
        labels: "inferred": each folder inside is a class; a list: class numbers in the order of the sorted paths; None.
        formats: endings of names, in lower case, with their dots.
        class_names: for inferred labels, which folders, in the order in which they are numbered.
        follow_links: whether links are followed wherever they lead.
        verbose: whether the numbers of files and classes are printed.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: for no file at all, labels of another length, class names without a folder, and files that are none
            (broken links, pipes).
    """
    directory = os.fspath(directory)
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"{what}: there is no folder {directory!r}.")
    walk = _Walk(what, directory, formats, follow_links)
    inferred = isinstance(labels, str)
    folders = walk.classes() if inferred else [""]
    if class_names is not None:
        unknown = [name for name in class_names if name not in folders]
        if unknown:
            raise ValueError(
                f"{what}: there is no folder for class {unknown[0]!r} in {directory!r}; there are "
                f"{', '.join(map(repr, folders))}."
            )
        folders = list(class_names)
    per_folder = [list(walk.files(os.path.join(directory, folder) if folder else directory)) for folder in folders]
    paths = [path for found in per_folder for path in found]
    walk.warn()
    if not paths:
        raise ValueError(f"{what}: no files ending in {', '.join(formats)} were found in {directory!r}.")
    if labels is None:
        files = Files(paths, None, None)
    elif inferred:
        files = Files(paths, np.repeat(np.arange(len(folders), dtype="int32"), list(map(len, per_folder))), folders)
    else:
        files = Files(paths, *_listed(what, labels, paths, directory))
    if verbose:
        classes = "" if files.class_names is None else f" belonging to {len(files.class_names)} classes"
        print(f"Found {len(paths)} files{classes}.")
    return files


def _listed(what: str, labels: Any, paths: list[str], directory: str) -> tuple[np.ndarray, list[str]]:
    """The given labels and the names of their classes."""
    array = np.asarray(labels)
    if len(array) != len(paths):
        raise ValueError(f"{what}: there are {len(array)} labels for {len(paths)} files in {directory!r}.")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{what}: labels must be whole numbers, one for each file, got {labels!r}.")
    return array.astype("int32"), [str(label) for label in np.unique(array)]


def arranged(files: Files, shuffle: bool, seed: int | None) -> Files:
    """Return the files in Keras's random order for a seed, or as they are."""
    order = np.arange(len(files.paths))
    if shuffle:
        np.random.RandomState(seed).shuffle(order)
    return files.take(order)


def part(what: str, files: Files, validation_split: float, subset: str, verbose: bool) -> Files:
    """Return the last share of the files for "validation", the others for "training".

    Raises ``ValueError`` if that leaves none.
    """
    count = int(validation_split * len(files.paths))
    rows = range(len(files.paths))
    rows = rows[len(rows) - count :] if subset == "validation" else rows[: len(rows) - count]
    if not rows:
        count = len(files.paths)
        raise ValueError(f"{what}: validation_split={validation_split} of {count} files leaves none for {subset}.")
    if verbose:
        print(f"Using {len(rows)} files for {subset}.")
    return files.take(rows)


def targets(what: str, files: Files, label_mode: str | None) -> np.ndarray | None:
    """Return labels as targets: (n,) int32 for "int", (n, 1) float32 for "binary", (n, classes) for "categorical".

    Raises ``ValueError`` for "binary" without two classes, and numbers that are no class's.
    """
    if files.labels is None or files.class_names is None or label_mode is None:
        return None
    count = len(files.class_names)
    if label_mode == "binary" and count != 2:
        raise ValueError(f"{what}: label_mode='binary' needs two classes, there are {count}: {files.class_names}.")
    if label_mode == "int":
        return files.labels
    if files.labels.min() < 0 or files.labels.max() >= count:
        raise ValueError(
            f"{what}: label_mode={label_mode!r} needs labels from 0 to {count - 1}, got {', '.join(files.class_names)}."
        )
    if label_mode == "binary":
        return files.labels[:, None].astype("float32")
    return np.eye(count, dtype="float32")[files.labels]


class _Walk:
    """Goes through the folders below one, and counts the links that it leaves alone."""

    def __init__(self, what: str, directory: str, formats: tuple[str, ...], follow_links: bool) -> None:
        self._what, self._directory, self._formats, self._follow = what, directory, formats, follow_links
        self._home = os.path.join(os.path.realpath(directory), "")
        self._left_out: list[str] = []

    def classes(self) -> list[str]:
        """The folders directly inside, sorted; those whose names begin with a dot are none."""
        names = [name for name in sorted(os.listdir(self._directory)) if not name.startswith(".")]
        paths = {name: os.path.join(self._directory, name) for name in names}
        return [name for name, path in paths.items() if os.path.isdir(path) and self._may(path)]

    def files(self, folder: str) -> Iterator[str]:
        """The files below a folder: folder by folder, sorted."""
        seen: set[str] = set()
        found = []
        for root, folders, names in os.walk(folder, onerror=_raise, followlinks=self._follow):
            if self._follow:  # a link may lead back
                real = os.path.realpath(root)
                if real in seen:
                    folders.clear()
                    continue
                seen.add(real)
            found.append((root, names))
        for root, names in sorted(found):
            for name in sorted(names):
                path = os.path.join(root, name)
                if name.lower().endswith(self._formats) and self._may(path):
                    if not os.path.isfile(path):
                        kind = "a link to nothing" if os.path.islink(path) else "no regular file"
                        raise ValueError(f"{self._what}: {path!r} is {kind}.")
                    yield path

    def _may(self, path: str) -> bool:
        """Whether a path is no link out of the directory."""
        if self._follow or not os.path.islink(path) or os.path.realpath(path).startswith(self._home):
            return True
        self._left_out.append(path)
        return False

    def warn(self) -> None:
        """Say what has been left out."""
        if self._left_out:
            warnings.warn(
                f"{self._what}: left out {len(self._left_out)} link(s) that lead out of {self._directory!r}, such as "
                f"{self._left_out[0]!r}; follow_links=True takes them.",
                stacklevel=4,
            )


def _raise(error: OSError) -> None:
    raise error
