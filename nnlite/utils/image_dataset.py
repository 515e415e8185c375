"""Images in folders as a data set for ``fit``."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.core.errors import known_arguments, nearest
from nnlite.layers.image import Resizing
from nnlite.training.data import PyDataset
from nnlite.utils import directories
from nnlite.utils.images import MODES, checked_size, open_image, pillow

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_WHAT = "image_dataset_from_directory"


class ImageFiles(PyDataset):
    """Batches of images read from files when they are asked for; made by :func:`image_dataset_from_directory`.

    ``file_paths`` and ``class_names`` say what there is; with a random stream the order is a new one every epoch, and
    the first is that of ``file_paths``.
    """

    keeps_order = True

    def __init__(
        self,
        files: directories.Files,
        targets: np.ndarray | None,
        batch_size: int | None,
        color_mode: str,
        sizing: Resizing,
        rng: Any = None,
    ) -> None:
        workers = config.get_num_threads()
        super().__init__(workers=workers, max_queue_size=workers + 1)
        self.file_paths, self.class_names = files.paths, files.class_names
        self._targets, self._batch_size, self._color_mode = targets, batch_size, color_mode
        self._sizing, self._rng = sizing, rng
        self._order = np.arange(len(files.paths))

    def __len__(self) -> int:
        return -(-len(self.file_paths) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"there are {len(self)} batches, got index {index}")
        if self._batch_size is None:
            rows: Any = self._order[index]
            x = self._image(self.file_paths[rows])
        else:
            rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
            x = np.stack([self._image(self.file_paths[row]) for row in rows])
        return x if self._targets is None else (x, self._targets[rows])

    def _image(self, path: str) -> np.ndarray:
        image = np.asarray(open_image(_WHAT, path, self._color_mode), "float32")
        image = image.reshape(*image.shape[:2], -1)
        if self._sizing.data_format == "channels_first":
            image = image.transpose(2, 0, 1)
        return self._sizing.transform(image, None)[0]

    def on_epoch_end(self) -> None:
        if self._rng is not None:
            self._rng.shuffle(self._order)


@known_arguments
def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return the images of a folder as a ``PyDataset`` of batches: float32, 0 to 255, all of one size.

    Files are read when their batch is asked for, in ``fit`` ahead of time by threads. A folder with a folder for each
    class gives labels; ``.bmp .gif .jpeg .jpg .png`` files count, of moving ones the first image.

    Args:
        directory: the folder.
        labels: "inferred" from the names of the folders inside; None; or a whole number for each file, in the order of
            the sorted paths.
        label_mode: "int" for targets (n,), "binary" for (n, 1) of two classes, "categorical" for one-hot rows
            (n, classes), None for images alone.
        class_names: which folders are classes, in the order in which they are numbered; all, sorted, where None.
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: images a batch; None for images one by one, without a batch axis.
        image_size: (height, width) that images are resized to.
        shuffle: whether files come in a random order, a new one every epoch (for "both", the training ones).
        seed: of that order; the same as Keras's for ``file_paths``.
        validation_split: share of the files for validation: the last ones, after shuffling.
        subset: "training", "validation", or "both" for a list of the two.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5", see ``layers.Resizing``.
        follow_links: whether links to folders are followed, and links to files that lie elsewhere.
        crop_to_aspect_ratio: whether to cut off what is not of the new shape rather than to distort images.
        pad_to_aspect_ratio: whether to add black borders for that instead.
        data_format: "channels_last" or "channels_first"; the configured default where None.
        format: accepted for Keras's sake; batches are NumPy arrays.
        verbose: whether to print how many files there are.

    Returns:
        the data set, with ``class_names`` and ``file_paths``, or a list of two.

    Raises:
        ImportError: without Pillow.
        FileNotFoundError, ValueError: for arguments that do not go together, folders without images, and, when its
            batch is asked for, a file that is no image; each is named.

    >>> train, test = image_dataset_from_directory(
    ...     "flowers", image_size=(64, 64), validation_split=0.2, subset="both", seed=1
    ... )  # doctest: +SKIP
    """
    directories.check_labels(_WHAT, labels, label_mode, class_names)
    directories.check_split(_WHAT, validation_split, subset, shuffle, seed)
    if color_mode not in MODES:
        raise ValueError(
            f"{_WHAT}: color_mode must be one of {', '.join(map(repr, MODES))}, got {color_mode!r}."
            f"{nearest(color_mode, MODES)}"
        )
    if batch_size is not None and (
        isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1
    ):
        raise ValueError(f"{_WHAT}: batch_size must be None or a whole number of at least 1, got {batch_size!r}.")
    sizing = Resizing(
        *checked_size(_WHAT, "image_size", image_size),
        interpolation,
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        data_format=data_format,
        name="image_size",
    )
    pillow(_WHAT)
    labels = None if label_mode is None else labels
    files = directories.index_directory(_WHAT, directory, labels, FORMATS, class_names, follow_links, verbose)
    directories.targets(_WHAT, files, label_mode)  # before anything else is printed
    if shuffle and seed is None:
        seed = int(np.random.randint(10**6))
    files = directories.arranged(files, shuffle, seed)

    def made(files: directories.Files, shuffled: bool) -> ImageFiles:
        rng = np.random.RandomState(seed) if shuffled else None
        return ImageFiles(files, directories.targets(_WHAT, files, label_mode), batch_size, color_mode, sizing, rng)

    if subset is None or validation_split is None:
        return made(files, shuffle)
    wanted = ("training", "validation") if subset == "both" else (subset,)
    parts = [directories.part(_WHAT, files, validation_split, name, verbose) for name in wanted]
    if subset == "both":
        return [made(parts[0], shuffle), made(parts[1], False)]
    return made(parts[0], shuffle)
