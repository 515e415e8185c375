"""Model and weight files, in Keras's formats; reading one never runs code."""

from nnlite.core.registry import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from nnlite.core.serialization import deserialize_keras_object
from nnlite.core.serialization import serialize as serialize_keras_object
from nnlite.saving.api import load_model, load_weights, save_model, save_weights

CustomObjectScope = custom_object_scope
