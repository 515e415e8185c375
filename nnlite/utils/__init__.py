"""What scripts use around models."""

from typing import TYPE_CHECKING

from nnlite.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from nnlite.core import lazy
from nnlite.core.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from nnlite.core.serialization import deserialize_keras_object
from nnlite.core.serialization import serialize as serialize_keras_object
from nnlite.training.data import PyDataset
from nnlite.training.outputs import pack_x_y_sample_weight, unpack_x_y_sample_weight
from nnlite.utils.get_file import get_file
from nnlite.utils.graphs import get_source_inputs, is_keras_tensor, model_to_dot, plot_model
from nnlite.utils.image_dataset import image_dataset_from_directory
from nnlite.utils.images import array_to_img, img_to_array, load_img, save_img
from nnlite.utils.numerical import clear_session, normalize, set_random_seed, to_categorical
from nnlite.utils.progbar import Progbar
from nnlite.utils.sequences import pad_sequences, timeseries_dataset_from_array
from nnlite.utils.splitting import split_dataset
from nnlite.utils.text_dataset import text_dataset_from_directory

CustomObjectScope = custom_object_scope
Sequence = PyDataset

if not TYPE_CHECKING:
    __getattr__ = lazy.missing(__name__)
