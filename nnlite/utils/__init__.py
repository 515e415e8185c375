"""What scripts use around models."""

from nnlite.core.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from nnlite.core.serialization import deserialize as deserialize_keras_object
from nnlite.core.serialization import serialize as serialize_keras_object
from nnlite.training.data import PyDataset
from nnlite.utils.get_file import get_file
from nnlite.utils.numerical import set_random_seed, to_categorical

CustomObjectScope = custom_object_scope
Sequence = PyDataset
