"""Images in folders as a data set for ``fit``."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core.errors import known_arguments, nearest
from nnlite.layers.image import Resizing
from nnlite.utils.directories import Files
from nnlite.utils.file_batches import FileBatches, check_batch_size, from_directory
from nnlite.utils.images import MODES, checked_size, open_image, pillow

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_WHAT = "image_dataset_from_directory"


class ImageFiles(FileBatches):
    """Batches of images read from files when they are asked for; made by :func:`image_dataset_from_directory`."""

    def __init__(
        self,
        files: Files,
        targets: np.ndarray | None,
        batch_size: int | None,
        color_mode: str,
        sizing: Resizing,
        rng: Any = None,
    ) -> None:
        super().__init__(files, targets, batch_size, rng)
        self._color_mode, self._sizing = color_mode, sizing

    def read(self, path: str) -> np.ndarray:
        """Return the image in a file, of the size and the axes asked for."""
        image = np.asarray(open_image(_WHAT, path, self._color_mode), "float32")
        image = image.reshape(*image.shape[:2], -1)
        if self._sizing.data_format == "channels_first":
            image = image.transpose(2, 0, 1)
        return self._sizing.transform(image, None)[0]


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
    if color_mode not in MODES:
        raise ValueError(
            f"{_WHAT}: color_mode must be one of {', '.join(map(repr, MODES))}, got {color_mode!r}."
            f"{nearest(color_mode, MODES)}"
        )
    check_batch_size(_WHAT, batch_size)
    sizing = Resizing(
        *checked_size(_WHAT, "image_size", image_size),
        interpolation,
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        data_format=data_format,
        name="image_size",
    )
    pillow(_WHAT)

    def make(files: Files, targets: np.ndarray | None, rng: Any) -> ImageFiles:
        return ImageFiles(files, targets, batch_size, color_mode, sizing, rng)

    return from_directory(
        _WHAT,
        make,
        FORMATS,
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
