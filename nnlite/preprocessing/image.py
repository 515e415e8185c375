"""Images between files, Pillow and arrays."""

from typing import TYPE_CHECKING

from nnlite.core import lazy
from nnlite.utils.images import array_to_img, img_to_array, load_img, save_img, smart_resize

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

if not TYPE_CHECKING:
    __getattr__ = lazy.missing(__name__)
