"""Where Keras also offers what reads and prepares data; the same functions as in :mod:`nnlite.utils`."""

from typing import TYPE_CHECKING

from nnlite.core import lazy
from nnlite.preprocessing import image, sequence
from nnlite.utils import image_dataset_from_directory, text_dataset_from_directory, timeseries_dataset_from_array

if not TYPE_CHECKING:
    __getattr__ = lazy.missing(__name__)
