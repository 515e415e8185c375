"""Models: layers put together."""

from typing import TYPE_CHECKING

from nnlite.core import lazy
from nnlite.models.cloning import clone_model
from nnlite.models.from_json import model_from_json
from nnlite.models.model import Model
from nnlite.models.sequential import Sequential
from nnlite.saving import load_model, save_model

if not TYPE_CHECKING:
    __getattr__ = lazy.missing(__name__)
